"""What an act would change, asked before any run; courses kept as text; the change between any two visits."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, time
from typing import Any

import pytest

from pipeline.core.exchange import Exchange
from pipeline.core.vocabulary import (
    FunctionGrade,
    MaskOrigin,
    PartSize,
    PatientCourse,
    TreatmentEvent,
    TreatmentKind,
    VisitMeasure,
)  # fmt: skip
from pipeline.core.written_day import written
from pipeline.judge import course_text, criteria_files, what_if
from pipeline.judge.between import between
from pipeline.judge.response import judge
from tests.judge.course_maker import course, on, radiotherapy, surgery, visit

RULE = criteria_files.load("imsct_adapted_v1")
GROWING = course(visit(95, 550.0), visit(400, 700.0), visit(700, 950.0), treatments=(surgery(0),))


def effect_of(now: PatientCourse, then: PatientCourse, criteria: Any) -> what_if.Effect | None:
    return what_if.effect_between(what_if.latest_verdicts(now, criteria), what_if.latest_verdicts(then, criteria))


def test_pinning_a_later_baseline_is_seen_to_hide_a_growth_before_it_counts() -> None:
    effect = effect_of(GROWING, what_if.with_baseline(GROWING, "ses-0400", "A. Reader"), RULE)
    assert effect is not None
    assert (effect.before.display_state, effect.after.display_state) == ("growth", "no_change")
    assert not effect.is_same
    assert effect.before == judge(GROWING, RULE)[-1]


def test_excluding_the_latest_mask_leaves_a_visit_that_cannot_be_judged() -> None:
    effect = effect_of(GROWING, what_if.without_tumour(GROWING, "ses-0700", "mask excluded"), RULE)
    assert effect is not None
    assert effect.after.display_state == "not_evaluable"
    assert effect.after.session_id == "ses-0700"


PARTED = course(
    visit(
        0, 2000.0, enhancing=PartSize(400.0, 0.05, slices_spanned=9), enhancing_mm3=400.0, cyst=PartSize(2000.0, 0.05)
    ),
    visit(
        400, 2050.0, enhancing=PartSize(900.0, 0.05, slices_spanned=9), enhancing_mm3=900.0, cyst=PartSize(6000.0, 0.05)
    ),
)


def test_excluding_an_enhancing_mask_is_seen_on_the_readings_of_the_parts_before_it_counts() -> None:
    effect = effect_of(PARTED, what_if.without_part(PARTED, "ses-0400", "excluded", "enhancing"), RULE)
    assert effect is not None
    assert effect.is_same, "solid tumour decides"
    changed = {kind: (one.before.category, one.after.category) for kind, one in effect.changed_readings.items()}
    assert changed == {"enhancing": ("PD", "NE"), "mixed": ("PD", "NE")}


def test_excluding_a_cyst_is_seen_on_the_reading_with_the_cyst_alone() -> None:
    effect = effect_of(PARTED, what_if.without_part(PARTED, "ses-0400", "excluded", "cyst"), RULE)
    assert effect is not None
    assert effect.is_same
    assert list(effect.changed_readings) == ["solid_and_cyst"]


def test_excluding_the_tumours_mask_leaves_its_cyst_and_enhancing_part_as_they_are() -> None:
    effect = effect_of(PARTED, what_if.without_tumour(PARTED, "ses-0400", "excluded"), RULE)
    assert effect is not None
    assert effect.after.display_state == "not_evaluable"
    assert effect.readings["enhancing"].is_same
    assert effect.readings["enhancing"].after.category == "PD"
    assert {"t2", "solid_and_cyst"} <= set(effect.changed_readings)
    whole = effect_of(PARTED, what_if.without_visit(PARTED, "ses-0400", "excluded"), RULE)
    assert whole is not None
    assert whole.changed_readings["enhancing"].after.category == "NE"


def test_a_part_drawn_anew_is_judged_by_its_own_volume() -> None:
    drawn = what_if.with_part_volume(PARTED, "ses-0400", 410.0, "enhancing")
    effect = effect_of(PARTED, drawn, RULE)
    assert effect is not None
    assert effect.changed_readings["enhancing"].after.category == "SD"
    gone = effect_of(PARTED, what_if.with_part_volume(PARTED, "ses-0400", 0.0, "enhancing"), RULE)
    assert gone is not None
    assert gone.changed_readings["enhancing"].after.display_state == "none_seen"


def test_excluding_what_nothing_rests_on_changes_nothing() -> None:
    effect = effect_of(GROWING, what_if.with_accepted(GROWING, "ses-0400"), RULE)
    assert effect is not None
    assert effect.is_same


def test_accepting_an_automatic_mask_makes_a_verdict_final() -> None:
    unsigned = course(visit(95, 550.0), visit(700, 560.0, mask_origin=MaskOrigin.AUTOMATIC), treatments=(surgery(0),))
    effect = effect_of(unsigned, what_if.with_accepted(unsigned, "ses-0700"), RULE)
    assert effect is not None
    assert (effect.before.provisional, effect.after.provisional) == (True, False)


def test_a_mask_drawn_anew_is_judged_by_its_own_volume() -> None:
    effect = effect_of(GROWING, what_if.with_volume(GROWING, "ses-0700", 560.0), RULE)
    assert effect is not None
    assert effect.after.display_state == "no_change"


def test_a_course_of_no_visit_has_no_effect() -> None:
    assert effect_of(course(), course(), RULE) is None


def test_a_course_comes_back_from_text_as_it_was() -> None:
    month = written(date(2020, 5, 7), date(2020, 5, 1), date(2020, 5, 31))
    everything = course(
        visit(95, 550.0, mask_origin=MaskOrigin.AUTOMATIC, contrasts=frozenset({"T2w"}), acquired_at=time(9, 30)),
        visit(400, None, acquired_by=on(420), withdrawn_on=on(500), withdrawn_words="no tumour"),
        treatments=(surgery(0, "STR"), radiotherapy(500, 540)),
        function_scores=(FunctionGrade(month, "modified_mccormick", 2.0),),
        died_on=on(900), is_enhancing=True, pinned_baselines=("ses-0095",), pinned_by={"ses-0095": "A. Reader"},
    )  # fmt: skip
    read = course_text.from_text(course_text.to_text(everything))
    assert read == everything
    assert str(read.function_scores[0].assessed_on) == "2020-05"
    assert judge(read, RULE) == judge(everything, RULE)


FILLED = {
    "float": 2.5, "int": 3, "bool": True, "str": "words", "date": date(2021, 2, 3), "time": time(9, 30),
    "MaskOrigin": MaskOrigin.EDITED, "frozenset[str]": frozenset({"T2w"}), "PartSize": PartSize(10.0, 0.2, True, 3.0),
    "TreatmentKind": TreatmentKind.SURGERY,
    "tuple[Exchange, ...]": (Exchange(date(2021, 2, 3), "ses-01", "volume", 3.0, ("L2", "L3"), 4.0, is_unread=True,
                                      unread=("L3",), unread_size=1.5, read_on=date(2022, 2, 3)),),
}  # fmt: skip


def test_what_was_exchanged_is_filled_in_every_field() -> None:
    one = FILLED["tuple[Exchange, ...]"][0]
    assert not [part.name for part in fields(Exchange) if getattr(one, part.name) == part.default]


@pytest.mark.parametrize("kind", [VisitMeasure, TreatmentEvent, FunctionGrade])
def test_no_field_of_a_course_is_lost_on_the_way_into_text_and_back(kind: type) -> None:
    one = kind(**{field.name: FILLED[str(field.type).removesuffix(" | None")] for field in fields(kind)})
    name = next(name for name, part in course_text.PARTS.items() if part is kind)
    parts: dict[str, Any] = {name: (one,)}
    whole = replace(PatientCourse("sub-01", ()), **parts)
    assert course_text.from_text(course_text.to_text(whole)) == whole


def test_the_change_between_two_visits_is_told_from_the_earlier_whichever_is_named_first() -> None:
    one, other = between(GROWING, "ses-0700", "ses-0095"), between(GROWING, "ses-0095", "ses-0700")
    assert one == other
    assert one is not None
    assert one.compared is not None
    assert one.compared.ratio == pytest.approx(950 / 550)
    assert one.compared.interval is not None
    assert one.compared.interval.low < 950 / 550 < one.compared.interval.high


def test_across_a_surgery_only_the_two_scans_are_asked() -> None:
    operated = course(visit(10, 3000.0), visit(200, 2900.0), visit(500, 800.0), treatments=(surgery(300),))
    pair = between(operated, "ses-0010", "ses-0500")
    assert pair is not None
    assert pair.crosses_surgery
    alone = between(course(visit(10, 3000.0), visit(500, 800.0)), "ses-0010", "ses-0500")
    assert alone is not None
    assert pair.compared == alone.compared


def test_what_was_not_measured_has_no_change() -> None:
    pair = between(course(visit(10, 3000.0), visit(200, None)), "ses-0010", "ses-0200")
    assert pair is not None
    assert pair.compared is None
    assert between(GROWING, "ses-0095", "ses-0095") is None
    assert between(GROWING, "ses-0095", "ses-none") is None
