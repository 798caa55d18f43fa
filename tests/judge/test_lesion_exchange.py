"""A lesion that gains what another loses on the same scan is no proven growth until a person settles it (15 s)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core import records
from pipeline.core.vocabulary import ANY_DAY, VisitJudgement, VisitMeasure
from pipeline.judge import criteria_files, lesion_courses, lesion_exchange
from pipeline.judge.clauses import ClauseKind, from_json
from pipeline.judge.criteria import Metric, ResponseCriteria
from pipeline.measure.imported_sizes import UNSEEN
from pipeline.run.steps import judge_course
from tests.judge.course_maker import course as course_of
from tests.judge.course_maker import visit
from tests.judge.test_lesion_courses import RULES, Sizes, course, followed

YEAR = 365
MERGED: Sizes = {"L1": (600.0, 1100.0, 1110.0), "L2": (500.0, 0.0, 0.0)}
SWAPPED: Sizes = {"L1": (600.0, 150.0), "L2": (150.0, 610.0)}
DIVIDED: Sizes = {"L1": (900.0, 500.0), "L2": (500.0, 700.0), "L3": (300.0, 500.0)}


def totals_of(sizes: Sizes, settled: frozenset[tuple[str, str]] = frozenset()) -> list[records.Assessment]:
    lesions = replace(followed(sizes), settled=settled)
    rows = judge_course.judge_course(course(sizes), [RULES], lesions)
    return [row for row in rows if isinstance(row, records.Assessment)]


def lesions_of(sizes: Sizes) -> dict[tuple[str, str], records.LesionAssessment]:
    rows = judge_course.judge_course(course(sizes), [RULES], followed(sizes))
    return {(row.lesion_id, row.session_id): row for row in rows if isinstance(row, records.LesionAssessment)}


@pytest.mark.parametrize(
    ("sizes", "lost"),
    [(MERGED, "lesion L2 lost 0.50 mL"), (SWAPPED, "lesion L1 lost 0.45 mL"), (DIVIDED, "lesion L1 lost 0.40 mL")],
)
def test_what_another_lesion_lost_is_no_proven_growth(sizes: Sizes, lost: str) -> None:
    """Grown together, named the other way round, and the border drawn elsewhere: the sum is what can be judged."""
    for row in totals_of(sizes)[1:]:
        assert (row.category, row.state, row.display_state) == ("SD", "stable", "possible_growth")
        assert row.state_then == "stable"
        assert lost in row.reason
        assert "until a person says which lesion is which" in row.reason
        assert "against the nadir" in row.reason
    first = from_json(totals_of(sizes)[1].clauses)
    assert ClauseKind.EXCHANGE in {part.kind for part in first}


def test_a_scan_without_a_day_is_neither_before_nor_after_another() -> None:
    """It may be later, and then nothing was exchanged with it: both paths leave it out (``test_one_answer``)."""
    first, last = ANY_DAY
    measures = {
        name: {
            "ses-0000": visit(0, sizes[1]),
            "ses-0100": replace(visit(100, sizes[0]), acquired_on=first, acquired_by=last),
        }
        for name, sizes in SWAPPED.items()
    }
    assert lesion_exchange.with_exchanges(measures) == measures
    placed = {
        name: {key: one if key == "ses-0000" else visit(-100, one.volume_mm3) for key, one in by_session.items()}
        for name, by_session in measures.items()
    }
    placed = {name: {one.session_id: one for one in by_session.values()} for name, by_session in placed.items()}
    assert lesion_exchange.with_exchanges(placed)["L2"]["ses-0000"].exchanges  # as on a day before the other


def test_growth_beyond_what_others_lost_stays_growth() -> None:
    grown = totals_of({"L1": (600.0, 2000.0), "L2": (300.0, 0.0)})[-1]
    assert (grown.category, grown.state) == ("PD", "progression")
    later = lesions_of({"L1": (600.0, 1100.0, 2200.0), "L2": (500.0, 0.0, 0.0)})["L1", "ses-03"]
    assert (later.category, later.state) == ("PD", "progression")
    assert "without that the same is called" in later.reason


def test_a_fall_within_its_error_gives_nothing_away() -> None:
    small = lesions_of({"L1": (100.0, 500.0), "L2": (5000.0, 4700.0)})["L1", "ses-02"]
    assert (small.category, small.state) == ("PD", "progression")
    assert "on the same scan" not in small.reason


def test_who_says_that_the_lesion_is_this_one_settles_it() -> None:
    for name in ("L1", "L2"):
        settled = totals_of(SWAPPED, frozenset({("ses-02", name)}))[-1]
        assert (settled.category, settled.state) == ("SD", "progression")
        assert "on the same scan" not in settled.reason
    assert totals_of(SWAPPED, frozenset({("ses-01", "L1")}))[-1].state == "stable", "another scan settles nothing"


def test_the_lesion_that_lost_has_not_responded() -> None:
    gone = lesions_of(MERGED)["L2", "ses-02"]
    assert (gone.category, gone.state) == ("SD", "no_evidence_of_disease")
    assert "no response: lesion L1 gained 0.50 mL" in gone.reason


def test_drawn_as_before_again_nothing_grew_and_nothing_came_back() -> None:
    back = lesions_of({"L1": (600.0, 1100.0, 600.0), "L2": (500.0, 0.0, 500.0)})["L2", "ses-03"]
    assert (back.category, back.display_state) == ("SD", "possible_growth")
    assert "lesion L1 lost 0.50 mL" in back.reason


def tabled(
    sizes: Sizes, cv: float = 0.05, settled: frozenset[tuple[str, str]] = frozenset()
) -> dict[str, list[VisitMeasure]]:
    """Return what lesions of a table exchanged, year by year; None for a lesion without a row."""
    measures: dict[str, dict[str, VisitMeasure]] = {name: {} for name in sizes}
    for name, by_year in sizes.items():
        for year, mm3 in enumerate(by_year):
            more = {"missing_reason": UNSEEN} if mm3 is None else {"volume_cv": cv if mm3 else None}
            one = visit(YEAR * year, mm3, slices_spanned=5, **more)
            measures[name][one.session_id] = one
    exchanged = lesion_exchange.with_exchanges(measures, settled)
    return {name: list(by_session.values()) for name, by_session in exchanged.items()}


def judged(sizes: Sizes, lesion: str, cv: float = 0.05, rules: ResponseCriteria = RULES) -> tuple[VisitJudgement, ...]:
    own = tabled(sizes, cv)[lesion]
    return lesion_courses.judge_lesion(course_of(*own), own, rules)


def shown(verdicts: tuple[VisitJudgement, ...]) -> list[str]:
    return [str(one.display_state) for one in verdicts]


def test_a_lesion_without_a_row_may_be_counted_with_another_until_it_is_measured_again() -> None:
    verdicts = judged({"A": (600.0, 1100.0, 1100.0), "B": (500.0, None, 500.0)}, "A")
    assert shown(verdicts) == ["no_change", "possible_growth", "growth"]
    assert "lesion B (0.50 mL before) lacks a row" in verdicts[1].reason
    assert "open until the table has a row of B again" in verdicts[1].reason
    assert verdicts[2].state == "progression", "B was measured again and is what it was"


def test_a_lesion_without_a_row_is_spent_once() -> None:
    sizes: Sizes = {"A": (1000.0, None, None, None), "B": (700.0, 1500.0, 2300.0, 3300.0)}
    for one in tabled(sizes, 0.1)["B"]:
        assert sum(part.size for part in one.exchanges) <= 1000.0
    verdicts = judged(sizes, "B", 0.1)
    assert shown(verdicts) == ["no_change", "possible_growth", "growth", "growth"]
    assert [str(one.category) for one in verdicts[2:]] == ["PD", "PD"]


def test_a_lesion_that_was_lost_and_is_then_written_as_none_had_given_its_tumour() -> None:
    sizes: Sizes = {"A": (1000.0, None, 0.0, 0.0), "B": (1000.0, 2000.0, 2000.0, 2000.0)}
    verdicts = judged(sizes, "B")
    assert shown(verdicts)[1:] == ["possible_growth"] * 3
    assert "lesion A lost 1.0 mL by the scan of 2021-12-31, the sum unchanged" in verdicts[2].reason
    gone = judged(sizes, "A")[2]
    assert (str(gone.category), gone.display_state) == ("SD", "none_seen")
    assert "no response: lesion B gained 1.0 mL on 2020-12-31, of which this one had lost as much by" in gone.reason


def test_what_was_lost_without_a_row_is_shared_out_once_when_it_is_read() -> None:
    sizes: Sizes = {
        "A": (1000.0, None, 0.0, 60.0), "B": (1000.0, 1520.0, 1520.0, 1520.0), "C": (500.0, 500.0, 980.0, 980.0),
    }  # fmt: skip
    exchanged = tabled(sizes, 0.14)
    assert [[round(part.size) for part in one.exchanges] for one in exchanged["A"]][2:] == [[-520, -480]] * 2
    assert [len(one.exchanges) for one in exchanged["B"]] == [0, 1, 1, 1]
    assert [len(one.exchanges) for one in exchanged["C"]] == [0, 0, 1, 1]


def test_who_says_that_a_lesion_is_this_one_when_it_is_read_again_settles_what_it_may_have_given() -> None:
    sizes: Sizes = {"A": (1000.0, None, 0.0), "B": (1000.0, 2000.0, 2000.0)}
    assert len(tabled(sizes)["B"][2].exchanges) == 1
    assert not tabled(sizes, settled=frozenset({("ses-0730", "A")}))["B"][2].exchanges


def test_of_several_that_may_have_given_only_those_without_a_row_lack_one() -> None:
    sizes: Sizes = {
        "A": (1000.0, None, None, 1000.0), "C": (400.0, 100.0, 100.0, 100.0), "B": (1000.0, 2300.0, 2300.0, 2300.0),
    }  # fmt: skip
    verdicts = judged(sizes, "B")
    assert shown(verdicts) == ["no_change", "possible_growth", "possible_growth", "growth"]
    words = (
        "lesion C lost 0.30 mL on the same scan of 2020-12-31 and lesion A (1.0 mL before) lacks a row on 2020-12-31"
    )
    assert words in verdicts[1].reason
    assert "lesion B gained 1.3 mL on 2020-12-31, where lesion A lacks a row" in judged(sizes, "C")[1].reason
    assert words in verdicts[2].reason, "C was measured again and had been measured before"


def test_an_exchange_that_a_later_scan_speaks_against_is_one_no_more() -> None:
    sizes: Sizes = {"A": (1000.0, 750.0, 1000.0, 1000.0), "B": (500.0, 800.0, 800.0, 810.0)}
    assert shown(judged(sizes, "B", 0.07)) == ["no_change", "possible_growth", "growth", "growth"]
    taker_fell = tabled({"A": (1000.0, 600.0, 600.0), "B": (500.0, 900.0, 500.0)})["A"]
    assert [len(one.exchanges) for one in taker_fell] == [0, 1, 0]
    drawn_back = tabled({"A": (1000.0, 600.0, 1000.0), "B": (500.0, 900.0, 500.0)})["B"]
    assert [len(one.exchanges) for one in drawn_back] == [0, 1, 2], "given back is no sign against it"
    lost_later = tabled({"A": (1000.0, 600.0, None), "B": (500.0, 900.0, 1500.0)})["B"]
    assert [len(one.exchanges) for one in lost_later] == [0, 1, 2], "neither is a row that is missing"


def test_the_more_lesions_the_more_must_one_have_lost() -> None:
    pair: Sizes = {"A": (1000.0, 750.0), "B": (500.0, 750.0)}
    quiet: Sizes = {f"Q{n}": (300.0, 300.0) for n in range(12)}
    cv = 0.1  # the loss is 2.0 standard deviations
    assert tabled(pair, cv)["B"][1].exchanges
    assert not tabled({**pair, **quiet}, cv)["B"][1].exchanges


def test_two_pairs_exchange_on_one_scan() -> None:
    sizes: Sizes = {"A": (600.0, 150.0), "B": (150.0, 610.0), "C": (3000.0, 1000.0), "D": (1000.0, 2950.0)}
    for taker, giver in (("B", "A"), ("D", "C")):
        last = judged(sizes, taker)[-1]
        assert last.display_state == "possible_growth"
        assert f"lesion {giver} lost" in last.reason
        assert "a later scan shows more, or a person says which lesion is which" in last.reason
    assert all(len(own[1].exchanges) == 1 for own in tabled(sizes).values()), "nobody has a part in two"


def test_no_complete_response_of_what_another_lesion_may_hold() -> None:
    last = judged({"A": (2000.0, 200.0, 0.0), "B": (500.0, 500.0, 690.0)}, "A")[-1]
    assert str(last.category) == "PR"
    assert "no complete response: lesion B gained 0.19 mL" in last.reason
    assert "the same is called" not in last.reason
    partial = judged({"A": (2000.0, 600.0, 400.0), "B": (500.0, 500.0, 700.0)}, "A")[-1]
    assert (str(partial.category), "the same is called" in partial.reason) == ("PR", True)


def test_diameters_are_held_against_one_another_too() -> None:
    sizes = {"A": (30.0, 50.0), "B": (20.0, 0.0)}
    measures = {
        name: {one.session_id: one for year, mm in enumerate(own) for one in [
            visit(YEAR * year, 0.0 if mm == 0 else None, longest_mm=mm or None)]}
        for name, own in sizes.items()
    }  # fmt: skip
    later = list(lesion_exchange.with_exchanges(measures)["A"].values())[-1]
    first = measures["A"][next(iter(measures["A"]))]
    assert [one.size for one in lesion_exchange.since(later, first, Metric.LONGEST)] == [20.0]


def test_no_minor_response_of_what_another_lesion_may_hold() -> None:
    rules = criteria_files.load("rano_lgg_vol")
    last = judged({"A": (2000.0, 1400.0, 1100.0), "B": (500.0, 500.0, 800.0)}, "A", rules=rules)[-1]
    assert str(last.category) == "SD"
    assert "no response: lesion B gained 0.30 mL" in last.reason
    assert str(judged({"A": (2000.0, 1400.0, 1100.0)}, "A", rules=rules)[-1].category) == "MR"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(50, 3000), st.floats(50, 3000)), min_size=2, max_size=5), st.integers(2, 4))
def test_no_later_scan_changes_what_was_exchanged_before(pairs: list[tuple[float, float]], count: int) -> None:
    def measures(until: int) -> dict[str, dict[str, VisitMeasure]]:
        sizes = list(zip(*pairs[:until], strict=True))
        by_name = zip(("A", "B"), sizes, strict=True)
        return {
            name: {(v := visit(YEAR * n, size, volume_cv=0.05)).session_id: v for n, size in enumerate(own)}
            for name, own in by_name
        }

    whole = lesion_exchange.with_exchanges(measures(len(pairs)))
    for name, by_session in lesion_exchange.with_exchanges(measures(min(count, len(pairs)))).items():
        for session, one in by_session.items():
            assert whole[name][session] == one


def test_who_says_later_that_a_lesion_is_this_one_settles_what_came_before_from_there_on() -> None:
    sizes: Sizes = {"A": (1000.0, 2000.0, 1950.0), "B": (2000.0, 1000.0, 1020.0)}
    exchanged = tabled(sizes, settled=frozenset({("ses-0730", "A")}))
    assert [len(one.exchanges) for one in exchanged["A"]] == [0, 1, 0]
    assert [len(one.exchanges) for one in exchanged["B"]] == [0, 1, 0]
