"""Names that a table gives its lesions: what a person says of them, in the next run. A minute."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest

from pipeline.core.vocabulary import Compartment
from pipeline.errors import SettingsError
from pipeline.journal import sign_off
from pipeline.journal.decisions import Act, ActKind
from pipeline.journal.lesion_acts import LesionNaming, NameAnswer
from pipeline.measure.imported_sizes import UNSEEN, ImportedMeasure
from pipeline.run.run_settings import RunSummary
from pipeline.run.steps.named_lesions import NamedLesions, digest_of, named
from pipeline.run.study_run import RunSettings, run
from pipeline.store import reader
from pipeline.study.import_numbers import import_table
from pipeline.study.imported_table import IMPORTED_TABLE

AT = datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001  # the journal keeps UTC without a zone
AS_OF = date(2026, 1, 31)
S2020, S2021, S2022 = (f"ses-imported{year}0101" for year in (2020, 2021, 2022))
HEAD = "patient_id,date,compartment,lesion_id,volume_mm3,volume_cv,syndrome\n"
EXCHANGED = "".join(
    f"p1,{year}-01-01,tumour,{name},{size},0.05,NF2\n"
    for year, sizes in ((2020, (1000, 2000)), (2021, (2000, 1000)), (2022, (1950, 1020)))
    for name, size in zip(("L1", "L2"), sizes, strict=True)
)


def of_table(**sizes: tuple[float | None, ...]) -> dict[str, dict[str, ImportedMeasure]]:
    """Make sizes by session ``s0``, ``s1``...: one a session and lesion, None where there is no row."""
    count = len(next(iter(sizes.values())))
    return {
        f"s{number}": {
            name: ImportedMeasure(
                Compartment.TUMOUR, of_one[number], missing_reason=UNSEEN if of_one[number] is None else None
            )
            for name, of_one in sizes.items()
        }
        for number in range(count)
    }


def said(table: dict[str, dict[str, ImportedMeasure]], *namings: tuple[str, str, str, NameAnswer]) -> NamedLesions:
    digests = {session: {name: digest_of(name, one) for name, one in here.items()} for session, here in table.items()}
    entries = [LesionNaming(f"e{number}", *naming, "A on B: why") for number, naming in enumerate(namings)]
    return named(table, digests, entries)


def sizes_in(lesions: NamedLesions) -> dict[str, dict[str, float | None]]:
    return {s: {name: one.volume_mm3 for name, one in sorted(here.items())} for s, here in lesions.by_session.items()}


def test_right_names_settle_both_and_change_nothing() -> None:
    table = of_table(L1=(1.0, 2.0), L2=(2.0, 1.0))
    lesions = said(table, ("s1", "L1", "L2", NameAnswer.RIGHT))
    assert lesions.by_session == table
    assert lesions.settled == {("s1", "L1"), ("s1", "L2")}


def test_exchanged_names_are_put_right_on_their_visit_alone() -> None:
    lesions = said(of_table(L1=(1.0, 2.0, 1.0), L2=(2.0, 1.0, 2.0)), ("s1", "L1", "L2", NameAnswer.EXCHANGED))
    assert sizes_in(lesions) == {f"s{n}": {"L1": 1.0, "L2": 2.0} for n in range(3)}
    again = said(
        of_table(L1=(1.0, 2.0), L2=(2.0, 1.0)),
        ("s1", "L1", "L2", NameAnswer.EXCHANGED),
        ("s1", "L2", "L1", NameAnswer.EXCHANGED),
    )
    assert sizes_in(again)["s1"] == {"L1": 2.0, "L2": 1.0}


@pytest.mark.parametrize(
    ("answer", "shown_on", "sizes"),
    [
        (NameAnswer.RIGHT, "L1", (1.0, 2.0)),
        (NameAnswer.EXCHANGED, "L1", (2.0, 1.0)),
        (NameAnswer.RIGHT, "L2", (2.0, 1.0)),
        (NameAnswer.EXCHANGED, "L2", (1.0, 2.0)),
    ],
)
@pytest.mark.parametrize("lesion", ["L1", "L2"])
def test_an_answer_is_about_the_names_as_they_were_shown(
    answer: NameAnswer, shown_on: str, sizes: tuple[float, float], lesion: str
) -> None:
    """Whoever was shown the first name on the second one's row, an answer of before being replaced, is taken so."""
    table = of_table(L1=(1.0,), L2=(2.0,))
    other = "L2" if lesion == "L1" else "L1"
    row = shown_on if lesion == "L1" else {"L1": "L2", "L2": "L1"}[shown_on]
    digests = {"s0": {name: digest_of(name, one) for name, one in table["s0"].items()}}
    naming = LesionNaming("e0", "s0", lesion, other, answer, "A on B: why", digests["s0"][row])
    lesions = named(table, digests, [naming])
    assert lesions.in_effect == {"e0"}
    assert tuple(sizes_in(lesions)["s0"].values()) == sizes


def test_one_lesion_from_here_on_is_the_sum_or_the_row_that_is_there() -> None:
    table = of_table(L1=(1.0, 3.0, None, None, 5.0), L2=(2.0, 1.0, 4.0, None, None))
    lesions = said(table, ("s1", "L1", "L2", NameAnswer.ONE))
    assert [one["L1"] for one in sizes_in(lesions).values()] == [1.0, 4.0, 4.0, None, 5.0]
    assert [name for name, _ in lesions.counted_with] == ["s1", "s2", "s3", "s4"]
    assert "L2" in sizes_in(lesions)["s0"]


def test_a_name_used_again_means_another_lesion_from_there_on() -> None:
    lesions = said(of_table(L1=(1.0, 0.0, 3.0)), ("s2", "L1", "L1b", NameAnswer.ANOTHER))
    assert sizes_in(lesions) == {"s0": {"L1": 1.0}, "s1": {"L1": 0.0}, "s2": {"L1": None, "L1b": 3.0}}
    assert lesions.by_session["s2"]["L1"].missing_reason == UNSEEN


def test_an_answer_after_another_finds_a_lesion_that_has_no_row_any_more() -> None:
    table = of_table(L1=(1.0, 2.0, 3.0), L2=(2.0, 1.0, 4.0))
    later = ("s2", "L1", "L9", NameAnswer.ANOTHER)
    earlier = sizes_in(said(table, later, ("s1", "L1", "L8", NameAnswer.ANOTHER)))
    assert earlier["s1"] == {"L1": None, "L2": 1.0, "L8": 2.0}
    assert earlier["s2"] == {"L1": None, "L2": 4.0, "L8": None, "L9": 3.0}
    exchanged = said(table, later, ("s2", "L2", "L1", NameAnswer.EXCHANGED))
    assert sizes_in(exchanged)["s2"] == {"L1": 4.0, "L2": None, "L9": 3.0}
    assert exchanged.digests["s2"].keys() == {"L1", "L9"}


@pytest.mark.parametrize(
    ("then", "whole"),
    [
        (("s2", "L3", "L1", NameAnswer.ONE), "L3"), (("s2", "L1", "L9", NameAnswer.ANOTHER), "L9"),
        (("s2", "L1", "L3", NameAnswer.EXCHANGED), "L3"),
    ],
)  # fmt: skip
def test_a_lesion_that_is_one_with_another_follows_it_to_its_next_name(
    then: tuple[str, str, str, NameAnswer], whole: str
) -> None:
    table = of_table(L1=(1.0, 2.0, 3.0), L2=(2.0, 1.0, 4.0), L3=(5.0, 5.0, 5.0))
    lesions = said(table, ("s1", "L1", "L2", NameAnswer.ONE), then)
    assert {session: name for (session, part), (name, _) in lesions.counted_with.items() if part == "L2"} == {
        "s1": "L1",
        "s2": whole,
    }
    assert lesions.by_session["s2"][whole].volume_mm3 in (7.0, 12.0)


def test_an_answer_is_about_the_row_that_was_seen_also_once_an_earlier_one_is_undone() -> None:
    table = of_table(L1=(1.0, 2.0), L2=(2.0, 1.0))
    digests = {session: {name: digest_of(name, one) for name, one in here.items()} for session, here in table.items()}
    exchange = LesionNaming("e0", "s1", "L1", "L2", NameAnswer.EXCHANGED, "why", digests["s1"]["L1"])
    other = LesionNaming("e1", "s1", "L1", "L9", NameAnswer.ANOTHER, "why", digests["s1"]["L2"])
    assert sizes_in(named(table, digests, [exchange, other]))["s1"] == {"L1": None, "L2": 2.0, "L9": 1.0}
    assert sizes_in(named(table, digests, [other]))["s1"] == {"L1": 2.0, "L2": None, "L9": 1.0}
    again = LesionNaming("e2", "s1", "L2", "L1", NameAnswer.EXCHANGED, "why", digests["s1"]["L1"])
    assert sizes_in(named(table, digests, [again]))["s1"] == {"L1": 2.0, "L2": 1.0}, (
        "of names shown exchanged, exchanged means the table's"
    )


@pytest.mark.parametrize(
    "naming",
    [
        ("s9", "L1", "L2", NameAnswer.RIGHT), ("s1", "L3", "L1", NameAnswer.ONE),
        ("s1", "L1", "L3", NameAnswer.EXCHANGED), ("s1", "L1", "L2", NameAnswer.ANOTHER),
    ],
)  # fmt: skip
def test_an_answer_that_does_not_fit_has_no_effect(naming: tuple[str, str, str, NameAnswer]) -> None:
    table = of_table(L1=(1.0, 2.0), L2=(2.0, 1.0))
    lesions = said(table, naming)
    assert (lesions.by_session, lesions.in_effect, lesions.settled) == (table, set(), set())


def run_again(study: Path, out: Path) -> RunSummary:
    finished = datetime(2026, 1, 31)  # noqa: DTZ001
    return run(RunSettings(study, out, "imsct_adapted_v1", None, 1, AS_OF, finished), lambda *_: None)


def put(out: Path, answer: NameAnswer, session_id: str = S2021, other: str = "L2") -> str:
    act = Act(
        ActKind.NAME_LESIONS, "sub-p1", session_id, lesion_id="L1", same_as=other, corrected_to=answer, reason="seen"
    )
    return sign_off.put_on_record(out, [act], "A. Reader", AT)[0].entry_id


def of_lesion(out: Path, name: str) -> pd.DataFrame:
    rows = reader.query(
        reader.database_path(out), "patient_lesion_verdicts", patient_id="sub-p1", criteria_id="imsct_adapted_v1"
    )
    return rows[rows["lesion_id"] == name].set_index("session_id")


@pytest.fixture
def results(tmp_path: Path) -> tuple[Path, Path]:
    """A study whose table exchanges the names of two lesions, and its results."""
    table = tmp_path / "volumes.csv"
    table.write_text(HEAD + EXCHANGED, encoding="utf-8")
    study, out = tmp_path / "study", tmp_path / "out"
    import_table(table, None, study, AS_OF)
    run_again(study, out)
    return study, out


def test_each_answer_decides_and_can_be_undone(results: tuple[Path, Path]) -> None:
    study, out = results
    before = of_lesion(out, "L1")
    assert not before.loc[S2021, "is_confirmed"] or before.loc[S2021, "display_state"] != "growth"
    assert "lesion L2 lost 1.0 mL" in before.loc[S2021, "reason"]

    right = put(out, NameAnswer.RIGHT)
    run_again(study, out)
    grown = of_lesion(out, "L1")
    assert (grown.loc[S2021, "category"], grown.loc[S2021, "display_state"]) == ("PD", "growth")
    assert "lost" not in grown.loc[S2021, "reason"]
    then = ["category_then", "state_then", "reason_then"]
    pd.testing.assert_frame_equal(grown.loc[[S2020], then], before.loc[[S2020], then])
    effects = reader.query(reader.database_path(out), "act_effects", criteria_id="imsct_adapted_v1")
    (effect,) = effects.to_dict("records")
    assert (effect["act"], effect["who"], effect["reason"]) == ("name_lesions", "A. Reader", "seen")
    assert effect["corrected_to"] == "right"
    assert not effect["is_same"]

    swapped = put(out, NameAnswer.EXCHANGED)
    run_again(study, out)
    quiet = of_lesion(out, "L1")
    assert quiet.loc[S2021, "volume_mm3"] == 1000
    assert quiet.loc[S2021, "category"] == "SD"
    journal = reader.query(reader.database_path(out), "patient_journal", patient_id="sub-p1").set_index("entry_id")
    assert journal.loc[right, "status"] == "replaced", "of two answers about the same names the later decides"

    sure = put(out, NameAnswer.RIGHT)
    run_again(study, out)
    assert of_lesion(out, "L1").loc[S2021, "volume_mm3"] == 1000, "the names as they are shown now are right"
    back = put(out, NameAnswer.EXCHANGED)
    run_again(study, out)
    assert of_lesion(out, "L1").loc[S2021, "volume_mm3"] == 2000, "the names as they are shown now are exchanged"

    undo = [Act(ActKind.UNDO, "sub-p1", undoes=entry) for entry in (back, sure, swapped, right)]
    sign_off.put_on_record(out, undo, "A. Reader", AT)
    run_again(study, out)
    pd.testing.assert_frame_equal(of_lesion(out, "L1"), before)


def test_lesions_that_are_one_since_are_compared_with_both_of_before(results: tuple[Path, Path]) -> None:
    study, out = results
    put(out, NameAnswer.ONE)
    findings = {one.code for one in run_again(study, out).findings}
    assert not findings & {"act_lapsed", "act_without_effect"}
    one = of_lesion(out, "L1")
    assert list(one["volume_mm3"]) == [1000, 3000, 2970]
    assert list(one["category"]) == ["SD", "SD", "SD"]
    total = reader.query(reader.database_path(out), "patient_assessments", patient_id="sub-p1")
    assert "L2 not assessable" not in " ".join(total["reason"])


def test_an_answer_lapses_with_a_finding_when_its_row_is_another_one(results: tuple[Path, Path]) -> None:
    study, out = results
    put(out, NameAnswer.EXCHANGED)
    table = study / IMPORTED_TABLE
    text = table.read_text(encoding="utf-8")
    lines = [line.replace("2000.0", "2100.0") if "2021-01-01" in line else line for line in text.splitlines()]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    lapsed = [one for one in run_again(study, out).findings if one.code == "act_lapsed"]
    assert "lesion L1 is measured otherwise in its table since" in lapsed[0].message
    assert of_lesion(out, "L1").loc[S2021, "volume_mm3"] == 2100


def test_what_means_nothing_is_refused(results: tuple[Path, Path]) -> None:
    _, out = results
    right = Act(
        ActKind.NAME_LESIONS, "sub-p1", S2021, lesion_id="L1", same_as="L2", corrected_to="right", reason="seen"
    )
    wrong = {
        "expected reason": {"reason": " "},
        "expected one of right, exchanged, one lesion, another lesion, found yes": {"corrected_to": "yes"},
        "found L1 twice": {"same_as": "L1"},
        "expected another of its lesions L1, L2, found L3": {"same_as": "L3"},
        "expected one of its lesions L1, L2, found L9": {"lesion_id": "L9"},
        "expected a name that no lesion bears, found L2": {"corrected_to": "another lesion"},
    }
    for words, change in wrong.items():
        with pytest.raises(SettingsError, match=words):
            sign_off.put_on_record(out, [Act(**(vars(right) | change))], "A. Reader", AT)


def test_a_name_used_again_starts_a_course_of_its_own(tmp_path: Path) -> None:
    rows = [
        (2020, "L1", 800),
        (2020, "L2", 500),
        (2021, "L1", 0),
        (2021, "L2", 505),
        (2025, "L1", 300),
        (2025, "L2", 500),
    ]
    table, study, out = tmp_path / "v.csv", tmp_path / "study", tmp_path / "out"
    lines = [f"p1,{year}-01-01,tumour,{name},{size},0.05,NF2\n" for year, name, size in rows]
    table.write_text(HEAD + "".join(lines), encoding="utf-8")
    import_table(table, None, study, AS_OF)
    run_again(study, out)
    before = of_lesion(out, "L1")
    put(out, NameAnswer.ANOTHER, "ses-imported20250101", "C3")
    assert not {one.code for one in run_again(study, out).findings} & {"act_lapsed", "act_without_effect"}
    assert before.loc["ses-imported20250101", "state"] != "baseline"
    assert of_lesion(out, "C3").loc["ses-imported20250101", "state"] == "baseline"
    gone = of_lesion(out, "L1")
    assert pd.isna(gone.loc["ses-imported20250101", "volume_mm3"]), "without a row it is not assessable, never 0"
    then = ["category_then", "state_then", "reason_then"]
    pd.testing.assert_frame_equal(gone.iloc[:2][then], before.iloc[:2][then])
