"""What other names of a table's lesions would change, said before a run: as the run then says it. Half a minute."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from pipeline.journal import sign_off
from pipeline.journal.decisions import Act, ActKind
from pipeline.journal.lesion_acts import LesionNaming, NameAnswer
from pipeline.judge import criteria_files
from pipeline.judge.what_if import Effect
from pipeline.run.steps import other_names
from pipeline.run.study_run import RunSettings, run
from pipeline.store import reader
from pipeline.study.import_numbers import import_table

AS_OF = date(2026, 1, 31)
AT = datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001  # the journal keeps UTC without a zone
RULES = criteria_files.load("imsct_adapted_v1")
HEAD = "patient_id,date,compartment,lesion_id,volume_mm3,volume_cv,syndrome,new_lesion\n"
EXCHANGED = """p1,2020-01-01,tumour,L1,1000,0.05,NF2,
p1,2020-01-01,tumour,L2,2000,0.05,NF2,
p1,2021-01-01,tumour,L1,2010,0.05,NF2,
p1,2021-01-01,tumour,L2,1000,0.05,NF2,
p1,2022-01-01,tumour,L1,2000,0.05,NF2,
p1,2022-01-01,tumour,L2,1010,0.05,NF2,
"""
VISITS = ("ses-imported20210101", "ses-imported20220101")


def put(folder: Path, text: str) -> None:
    (folder / "v.csv").write_text(HEAD + text, encoding="utf-8")
    import_table(folder / "v.csv", None, folder / "study", AS_OF)


def run_again(folder: Path) -> None:
    finished = datetime(2026, 1, 31)  # noqa: DTZ001
    run(RunSettings(folder / "study", folder / "out", RULES.criteria_id, None, 1, AS_OF, finished), lambda *_: None)


def stored(folder: Path) -> str:
    database = reader.database_path(folder / "out")
    return str(reader.query(database, "patient_judged_course", patient_id="sub-p1").iloc[0]["course"])


def latest(folder: Path) -> dict[str | None, tuple[str, str, str]]:
    """Return what the run says of the latest visit: of the patient (None) and of each lesion."""
    database = reader.database_path(folder / "out")
    said: dict[str | None, tuple[str, str, str]] = {}
    for name in ("assessment", "lesion_assessment"):
        rows = reader.table(database, name)
        rows = rows[(rows["criteria_id"] == RULES.criteria_id) & (rows["session_id"] == VISITS[1])]
        for row in rows.to_dict("records"):
            said[row.get("lesion_id")] = (row["category"], row["state"], row["display_state"])
    return said


def told(effect: Effect) -> tuple[str, str, str]:
    verdict = effect.after
    return str(verdict.category), str(verdict.state), str(verdict.display_state)


def naming(session_id: str, answer: NameAnswer, other: str = "L2") -> LesionNaming:
    return LesionNaming("preview", session_id, "L1", other, answer, "you")


@pytest.mark.parametrize("answer", [*NameAnswer])
@pytest.mark.parametrize("session_id", VISITS)
def test_what_is_foretold_is_what_the_run_then_says(tmp_path: Path, session_id: str, answer: NameAnswer) -> None:
    put(tmp_path, EXCHANGED)
    run_again(tmp_path)
    before, other = latest(tmp_path), "L9" if answer == NameAnswer.ANOTHER else "L2"
    foretold = other_names.effect_of(stored(tmp_path), naming(session_id, answer, other), RULES)
    assert foretold is not None
    act = Act(
        ActKind.NAME_LESIONS, "sub-p1", session_id, lesion_id="L1", same_as=other, corrected_to=answer, reason="seen"
    )
    sign_off.put_on_record(tmp_path / "out", [act], "A. Reader", AT)
    run_again(tmp_path)
    after = latest(tmp_path)
    assert told(foretold.verdict) == after[None]
    for name, effect in foretold.lesions.items():
        assert told(effect) == after[name]
    unchanged = before.keys() & after.keys() - foretold.lesions.keys() - {None}
    assert {name: before[name] for name in unchanged} == {name: after[name] for name in unchanged}
    again = other_names.effect_of(stored(tmp_path), naming(session_id, answer, other), RULES)
    if answer in (NameAnswer.RIGHT, NameAnswer.ONE):
        assert again is None or again.verdict.is_same, "said a second time it changes nothing"


def test_names_exchanged_on_every_later_visit_make_growth_no_change(tmp_path: Path) -> None:
    put(tmp_path, EXCHANGED.replace("p1,2022-01-01,tumour,L1,2000", "p1,2022-01-01,tumour,L1,1005")
        .replace("p1,2022-01-01,tumour,L2,1010", "p1,2022-01-01,tumour,L2,2005"))  # fmt: skip
    put(tmp_path, "p1,2023-01-01,tumour,L1,2000,0.05,NF2,\np1,2023-01-01,tumour,L2,1000,0.05,NF2,\n")
    run_again(tmp_path)
    foretold = other_names.effect_of(stored(tmp_path), naming("ses-imported20230101", NameAnswer.EXCHANGED), RULES)
    assert foretold is not None
    assert str(foretold.lesions["L1"].before.display_state) != "no_change"
    assert str(foretold.lesions["L1"].after.display_state) == "no_change"


def test_what_only_a_run_can_tell_is_not_foretold(tmp_path: Path) -> None:
    put(tmp_path, EXCHANGED)
    run_again(tmp_path)
    text = stored(tmp_path)
    assert other_names.effect_of(text, naming("ses-none", NameAnswer.EXCHANGED), RULES) is None
    assert other_names.effect_of(text, naming(VISITS[0], NameAnswer.ANOTHER), RULES) is None, "the name is taken"
    assert other_names.effect_of("{}", naming(VISITS[0], NameAnswer.ONE), RULES) is None, "no lesions were kept"
