"""Lesions through whole runs: names that stay, acts bound to a piece, verdicts of single lesions. About 90 s alone."""

from __future__ import annotations

import shutil
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import SettingsError
from pipeline.files import images
from pipeline.journal import act_file, lesion_names, sign_off
from pipeline.journal.decisions import Act, ActKind
from pipeline.run.study_run import RunSettings, RunSummary, run
from pipeline.store import reader
from tests.small_sample import two_visits

AT = datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001  # the journal keeps UTC without a zone
P = "sub-demo01"
AWAY_MM = {"below": -22.0, "above": 24.0}
"""Where further lesions lie, mm along the head-foot axis from the tumour's centre."""


def again(study: Path, out: Path, *, rebuild: bool = False) -> RunSummary:
    at = datetime(2026, 1, 31)  # noqa: DTZ001
    settings = RunSettings(study, out, "imsct_adapted_v1", None, 1, date(2026, 1, 31), at)
    return run(settings, lambda *_: None, rebuild=rebuild)


def draw(study: Path, session: str, **radius_mm: float) -> None:
    """Draw further lesions into the reader's mask of a visit, each a ball of so many mm."""
    original = next((two_visits_source(study) / session / "anat").glob("*dseg.nii.gz"))
    labels = images.load(original)
    array = labels.array.astype(np.int16).copy()
    indices = np.argwhere(np.ones(array.shape, dtype=bool))
    world = indices @ labels.affine[:3, :3].T + labels.affine[:3, 3]
    centre = world[(array == 1).ravel()].mean(axis=0)
    for place, radius in radius_mm.items():
        near = np.linalg.norm(world - (centre + np.array([0.0, 0.0, AWAY_MM[place]])), axis=1) <= radius
        array.reshape(-1)[near] = 1
    target = study / "derivatives" / "reader" / P / session / "anat" / original.name
    target.parent.mkdir(parents=True, exist_ok=True)
    images.save(labels.with_array(array), target)


def two_visits_source(study: Path) -> Path:
    return study.parent / "all" / "derivatives" / "reader" / P


def add_visit(study: Path, session: str) -> None:
    """Put a visit's scans into the study, and its line into the table of sessions."""
    everything = study.parent / "all"
    shutil.copytree(everything / P / session, study / P / session)
    table = (everything / P / f"{P}_sessions.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    there = {path.name for path in (study / P).glob("ses-*")}
    kept = [line for line in table if not line.startswith("ses-") or line.split("\t")[0] in there]
    (study / P / f"{P}_sessions.tsv").write_text("".join(kept), encoding="utf-8")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that has only its later visit so far, with a second lesion below the tumour."""
    folder = tmp_path_factory.mktemp("lesions")
    two_visits(folder / "all")
    skipped = shutil.ignore_patterns("ses-0[12]", "reader2")
    shutil.copytree(folder / "all", folder / "study", ignore=skipped)
    add_visit(folder / "study", "ses-02")
    draw(folder / "study", "ses-02", below=3.0)
    return folder / "study"


def lesions(out: Path) -> pd.DataFrame:
    rows = reader.query(reader.database_path(out), "patient_lesions", patient_id=P)
    return rows[rows["component_sha256"].notna()]


def pieces(out: Path, session: str) -> list[tuple[str, float]]:
    """Name and place of each piece: a lesion may be several."""
    rows = lesions(out)
    here = rows[rows["session_id"] == session]
    return [(str(name), round(float(z))) for name, z in zip(here["lesion_id"], here["scan_z_mm"], strict=True)]


def named(out: Path, session: str) -> dict[str, float]:
    return dict(pieces(out, session))


def test_names_and_acts_outlive_older_visits_corrected_masks_and_a_rebuild(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    again(study, out)
    first = named(out, "ses-02")
    assert set(first) == {"L1", "L2"}
    assert first["L2"] < first["L1"] - 15

    add_visit(study, "ses-01")
    draw(study, "ses-01", above=4.0)
    again(study, out)
    assert named(out, "ses-02") == first, "an older visit renames nothing"
    assert set(named(out, "ses-01")) == {"L1", "L3"}
    assert not again(study, out).computed, "names on record make no patient look changed"

    kept = reader.table(reader.database_path(out), "lesion")
    for path in (out / P, reader.database_path(out)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    again(study, out)
    pd.testing.assert_frame_equal(reader.table(reader.database_path(out), "lesion"), kept)

    digest = sign_off.measured_masks(out, P, "ses-02")["tumour"]
    act = Act(ActKind.CORRECT_LESION, P, "ses-02", mask_sha256=digest, lesion_id="L2", same_as="L3", reason="moved")
    (entry,) = sign_off.put_on_record(out, [act], "R. Reader", AT)
    assert entry.component_sha256 in set(lesions(out)["component_sha256"])
    assert entry.component_at_mm is not None
    again(study, out)
    assert set(named(out, "ses-02")) == {"L1", "L3"}

    draw(study, "ses-02", below=3.0, above=3.0)  # another lesion in the same mask is drawn; the one spoken of stays
    again(study, out)
    assert ("L3", first["L2"]) in pieces(out, "ses-02")  # beside what is drawn anew where L3 lay before
    assert act_standing(out) == "in_force"

    draw(study, "ses-02", below=4.0)  # the one spoken of is drawn otherwise
    done = again(study, out)
    assert act_standing(out) == "lapsed"
    lapsed = next(finding for finding in done.findings if finding.code == "act_lapsed")
    assert "lesion L2 at" in lapsed.message
    assert "decide anew, about the lesion as it is now" in lapsed.message
    assert set(named(out, "ses-02")) == {"L1", "L2"}, "it never moves to another lesion"
    bound = {"component_sha256": str(entry.component_sha256), "component_at_mm": entry.component_at_mm}
    stale = Act(ActKind.WITHDRAW_LESION, P, "ses-02", lesion_id="L2", reason="necrosis", **bound)
    with pytest.raises(SettingsError, match="lesion L2 has changed since it was shown; look at it again"):
        sign_off.put_on_record(out, [stale], "R. Reader", AT)


def act_standing(out: Path) -> str:
    rows = reader.query(reader.database_path(out), "patient_journal", patient_id=P)
    return str(rows.loc[rows["act"] == "correct_lesion", "status"].iloc[0])


def test_a_new_lesion_that_is_no_tumour_is_withdrawn_and_both_stand(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    if not (study / P / "ses-01").exists():
        add_visit(study, "ses-01")
    draw(study, "ses-01")
    draw(study, "ses-02", below=4.0)
    again(study, out)
    before = verdict(out)
    assert (before["category"], before["state"]) == ("PD", "distant")
    act = Act(ActKind.WITHDRAW_LESION, P, "ses-02", lesion_id="L2", reason="necrosis by histology")
    sign_off.put_on_record(out, [act], "R. Reader", AT)
    again(study, out)
    after = verdict(out)
    assert after["category"] != "PD"
    assert after["category_then"] == "PD"
    assert "new lesion withdrawn by R. Reader on 2024-05-06: necrosis by histology" in after["reason"]
    assert after["reason_then"] == before["reason_then"]
    rows = reader.query(
        reader.database_path(out), "patient_lesion_verdicts", patient_id=P, criteria_id="imsct_adapted_v1"
    )
    assert rows.loc[rows["lesion_id"] == "L2", "category"].tolist() == ["NE"]
    (entry,) = act_file.read(out).entries
    sign_off.put_on_record(
        out, [Act(ActKind.UNDO, P, undoes=entry.entry_id, reason="slides mixed up")], "R. Reader", AT
    )
    again(study, out)
    assert verdict(out)["category"] == "PD"
    assert len(lesion_names.read(out).by_patient()[P]) == 3


def verdict(out: Path) -> pd.Series:
    rows = reader.query(reader.database_path(out), "patient_assessments", patient_id=P)
    rows = rows[(rows["criteria_id"] == "imsct_adapted_v1") & (rows["session_id"] == "ses-02")]
    return rows.iloc[0]
