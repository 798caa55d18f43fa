"""Cyst, syrinx, oedema and cavity are described and never judged. Runs in under a second."""

from __future__ import annotations

import pytest

from pipeline.context.other_compartments import CompartmentState, CompartmentVisit, compartment_course
from pipeline.core.vocabulary import Compartment
from tests.judge.course_maker import on


def seen(*volumes_mm3: float | None) -> list[CompartmentVisit]:
    return [
        CompartmentVisit(f"ses-{i}", on(100 * i), v, 0.05 if v else None, None if v is not None else "not covered")
        for i, v in enumerate(volumes_mm3)
    ]


@pytest.mark.parametrize(
    ("volumes", "words"),
    [
        ([0.0, 500.0], ["none seen", "appearing"]),
        ([500.0, 800.0], ["first measured", "growing"]),
        ([500.0, 300.0], ["first measured", "shrinking"]),
        ([500.0, 0.0, 0.0], ["first measured", "vanished", "none seen"]),
        ([500.0, 540.0], ["first measured", "no change"]),
        ([500.0, None, 800.0], ["first measured", "not measured", "growing"]),
        ([None, 500.0], ["not measured", "first measured"]),
        # +12 % each time is never beyond error, +25 % since its smallest is
        ([500.0, 560.0, 627.0], ["first measured", "no change", "growing"]),
        # what it did is not forgotten once it goes on as it is
        ([300.0, 900.0, 930.0], ["first measured", "growing", "growing"]),
        ([300.0, 900.0, 500.0], ["first measured", "growing", "growing"]),
        ([900.0, 300.0, 310.0], ["first measured", "shrinking", "shrinking"]),
        ([500.0, 0.0, 200.0, 210.0], ["first measured", "vanished", "appearing", "no change"]),
    ],
)
def test_each_visit_has_a_word(volumes, words):
    assert [str(change.course) for change in compartment_course(Compartment.CYST, seen(*volumes))] == words


def test_the_sentence_says_that_it_is_never_progression():
    *_, last = compartment_course(Compartment.SYRINX, seen(500.0, 5000.0))
    assert last.reason == ("Syrinx 5.0 mL on 2020-04-10, growing since 2020-01-01 (+900 %); never progression.")
    assert last.compared_session_id == "ses-0"


def test_growth_counts_from_the_smallest_and_says_what_came_after():
    _, grown, after = compartment_course(Compartment.CYST, seen(300.0, 900.0, 930.0))
    assert grown.reason == "Cyst 0.90 mL on 2020-04-10, growing since 2020-01-01 (+200 %); never progression."
    assert after.reason == (
        "Cyst 0.93 mL on 2020-07-19, growing since 2020-01-01 (+210 %), within error as on 2020-04-10; "
        "never progression."
    )
    *_, less = compartment_course(Compartment.CYST, seen(300.0, 900.0, 500.0))
    assert less.reason == (
        "Cyst 0.50 mL on 2020-07-19, growing since 2020-01-01 (+67 %), below the largest, 0.90 mL of 2020-04-10; "
        "never progression."
    )


def test_surgery_begins_anew_for_growth_and_not_for_shrinkage():
    *_, after, later = compartment_course(Compartment.SYRINX, seen(300.0, 900.0, 500.0, 700.0), [on(150)])
    assert after.reason.startswith("Syrinx 0.50 mL on 2020-07-19, shrinking since 2020-04-10 (-44 %)")
    assert later.reason.startswith("Syrinx 0.70 mL on 2020-10-27, growing since 2020-07-19 (+40 %)")
    assert later.compared_session_id == "ses-2"


def test_an_unknown_error_proves_no_change():
    unsure = [CompartmentVisit(f"ses-{i}", on(100 * i), v) for i, v in enumerate((500.0, 5000.0))]
    last = compartment_course(Compartment.CYST, unsure)[-1]
    assert str(last.course) == "no change"
    assert ", of unknown error since 2020-01-01 (+900 %)" in last.reason


def test_a_change_within_error_is_not_told_as_none():
    last = compartment_course(Compartment.CYST, seen(500.0, 540.0))[-1]
    assert ", within error since 2020-01-01 (+8 %)" in last.reason


def test_what_is_gone_is_told_without_a_size():
    _, gone, after = compartment_course(Compartment.CYST, seen(300.0, 0.0, 0.0))
    assert gone.reason == "Cyst none seen on 2020-04-10, vanished since 2020-01-01."
    assert after.reason == "Cyst none seen on 2020-07-19, as since 2020-04-10."


def test_a_missing_measure_says_why():
    assert compartment_course(Compartment.CAVITY, seen(None))[0].reason == "Cavity not measured: not covered."


@pytest.mark.parametrize("compartment", [Compartment.TUMOUR, Compartment.ENHANCING])
def test_solid_tumour_is_refused(compartment):
    with pytest.raises(ValueError, match="judge it with the criteria"):
        compartment_course(compartment, seen(500.0))


def test_no_word_is_a_response_category():
    assert not {str(word) for word in CompartmentState} & {"progression", "PD", "response", "PR", "stable"}
