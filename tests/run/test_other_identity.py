"""What recognising a lesion of a scan as another would change, said first: as the run then says it. Two minutes."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from dashboard.patient import act_preview
from pipeline.journal import sign_off
from pipeline.journal.decisions import Act, ActKind
from pipeline.journal.lesion_acts import LesionCorrection
from pipeline.judge import criteria_files
from pipeline.judge.what_if import Effect
from pipeline.run.run_settings import RunSettings
from pipeline.run.steps import other_identity
from pipeline.run.study_run import run
from pipeline.store import reader
from tests.run.test_lesions_for_good import AT, P, add_visit, draw, study

__all__ = ["study"]  # the fixture
RULES = criteria_files.load("imsct_adapted_v1")
S2 = "ses-02"


def again(folder: Path, out: Path) -> None:
    at = datetime(2026, 1, 31)  # noqa: DTZ001
    run(RunSettings(folder, out, RULES.criteria_id, None, 1, date(2026, 1, 31), at), lambda *_: None)


def stored(out: Path) -> str:
    rows = reader.query(reader.database_path(out), "patient_judged_course", patient_id=P)
    return str(rows.iloc[0]["course"])


def latest(out: Path) -> dict[str | None, tuple[str, str, str]]:
    database = reader.database_path(out)
    verdicts: dict[str | None, tuple[str, str, str]] = {}
    for name in ("assessment", "lesion_assessment"):
        rows = reader.table(database, name)
        rows = rows[(rows["criteria_id"] == RULES.criteria_id) & (rows["session_id"] == S2)]
        for row in rows.to_dict("records"):
            verdicts[row.get("lesion_id")] = (row["category"], row["state"], row["display_state"])
    return verdicts


def words(effect: Effect) -> tuple[str, str, str]:
    verdict = effect.after
    return str(verdict.category), str(verdict.state), str(verdict.display_state)


def test_what_is_foretold_of_a_correction_is_what_the_run_then_says(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    add_visit(study, "ses-01")
    draw(study, "ses-01", above=4.0)
    draw(study, S2, below=4.0)
    again(study, out)
    before = latest(out)
    rows = reader.query(reader.database_path(out), "patient_lesions", patient_id=P)
    new, old = (set(rows.loc[(rows["session_id"] == one) & rows["component_sha256"].notna(), "lesion_id"]) - {"L1"}
                for one in (S2, "ses-01"))  # fmt: skip
    (lesion,), (other,) = new - old, old - new
    act = Act(ActKind.CORRECT_LESION, P, S2, lesion_id=lesion, same_as=other, reason="moved")
    piece = sign_off.bound(act, rows).component_sha256
    foretold = other_identity.effect_of(stored(out), LesionCorrection(S2, lesion, other, piece), RULES)
    assert foretold is not None
    assert words(foretold.verdict) != before[None], "a lesion that was there before is not new"
    monkeypatch.setenv("CORDTRACK_OUT", str(out))
    page_words = act_preview.lesion_preview(P, RULES.criteria_id, S2, (lesion, other))
    assert page_words.startswith("The latest verdict changes: "), page_words
    assert act_preview.lesion_preview(P, RULES.criteria_id, S2, (lesion, "")) == "", "nothing typed yet"
    nobody = LesionCorrection(S2, "L77", "L78")
    assert other_identity.effect_of(stored(out), nobody, RULES) is None
    digest = sign_off.measured_masks(out, P, S2)["tumour"]
    sign_off.put_on_record(
        out, [Act(ActKind.CORRECT_LESION, P, S2, mask_sha256=digest, lesion_id=lesion, same_as=other)], "R. Reader", AT
    )
    again(study, out)
    after = latest(out)
    assert words(foretold.verdict) == after[None]
    for name, effect in foretold.lesions.items():
        assert words(effect) == after[name]
    same = before.keys() & after.keys() - foretold.lesions.keys() - {None}
    assert {name: before[name] for name in same} == {name: after[name] for name in same}
    own = other_identity.effect_of(stored(out), LesionCorrection(S2, other, other), RULES)
    assert own is not None
    assert own.verdict.is_same, "its own name confirms it"


@pytest.mark.parametrize("text", ["{}", '{"lesions_of_table": {}}'])
def test_what_was_not_kept_is_not_foretold(text: str) -> None:
    assert other_identity.effect_of(text, LesionCorrection(S2, "L1", "L2"), RULES) is None
