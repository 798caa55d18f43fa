"""What people decided takes effect in the next run, on exactly the patients concerned. About 80 s alone."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.core import records
from pipeline.core.vocabulary import PatientCourse, VisitMeasure
from pipeline.core.volume import Volume
from pipeline.errors import SettingsError
from pipeline.journal import act_file, decisions, sign_off
from pipeline.journal.decisions import Act, ActKind
from pipeline.judge import criteria_files
from pipeline.run.steps import apply_acts
from pipeline.run.steps.patient_work import FollowedLesions
from pipeline.run.study_run import RunSettings, RunSummary, run
from pipeline.store import reader
from pipeline.study.import_numbers import import_table
from tests.study_folder import AFFINE, DSEG, ONE_VISIT, T2W, write_files

AT = datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001  # the journal keeps UTC without a zone
AS_OF = date(2026, 1, 31)
VOLUMES = """patient_id,date,compartment,volume_mm3,volume_cv
p1,2020-01-01,tumour,1000,0.05
p1,2021-01-01,tumour,1600,0.05
p1,2022-01-01,tumour,1650,0.05
p2,2020-01-01,tumour,500,0.05
p2,2021-01-01,tumour,510,0.05
"""


def run_again(study: Path, out: Path) -> RunSummary:
    finished = datetime(2026, 1, 31)  # noqa: DTZ001
    settings = RunSettings(study, out, "imsct_adapted_v1", None, 1, AS_OF, finished)
    return run(settings, lambda *_: None)


def verdicts(out: Path, patient_id: str) -> pd.DataFrame:
    rows = reader.query(reader.database_path(out), "patient_assessments", patient_id=patient_id)
    return rows[rows["criteria_id"] == "imsct_adapted_v1"].set_index("session_id")


def put(out: Path, *acts: Act) -> list[str]:
    return [entry.entry_id for entry in sign_off.put_on_record(out, acts, "A. Reader", AT)]


@pytest.fixture
def imported(tmp_path: Path) -> tuple[Path, Path]:
    """A study of two patients without images, and its results."""
    table = tmp_path / "volumes.csv"
    table.write_text(VOLUMES, encoding="utf-8")
    study, out = tmp_path / "study", tmp_path / "out"
    import_table(table, None, study, AS_OF)
    run_again(study, out)
    return study, out


def test_a_pin_on_a_visit_that_the_criteria_cannot_use_is_said_to_have_no_effect() -> None:
    pins = tuple(records.JournalEntry(name, AT, "A. Reader", "pin_baseline", "sub-01", name) for name in ("a", "b"))
    visits = tuple(
        VisitMeasure(name, date(2020, month, 1), 900.0, contrasts=frozenset({contrast}))
        for name, month, contrast in (("a", 1, "T1w"), ("b", 2, "T2w"))
    )
    decided = apply_acts.Acts(pins, decisions.decide(pins))
    (found,) = apply_acts.findings_of(
        decided, PatientCourse("sub-01", visits), criteria_files.load("imsct_adapted_v1"), FollowedLesions()
    )
    assert (found.code, found.session_id) == ("act_without_effect", "a")
    assert "need a T2w scan and this visit has only T1w" in found.message


def test_accepting_a_mask_on_a_copied_scan_is_said_to_have_no_effect() -> None:
    acceptance = records.JournalEntry("a", AT, "A. Reader", "accept_mask", "sub-01", "a", compartment="tumour")
    decided = apply_acts.Acts((acceptance,), decisions.decide((acceptance,)))
    course = PatientCourse("sub-01", (VisitMeasure("a", date(2020, 1, 1), None),))
    rule = criteria_files.load("imsct_adapted_v1")
    doubts = {"a": "its scan is the very file of b"}
    (finding,) = apply_acts.findings_of(decided, course, rule, FollowedLesions(), doubts)
    assert "has no effect: its scan is the very file of b" in finding.message
    assert not apply_acts.findings_of(decided, course, rule, FollowedLesions())


def test_an_excluded_visit_is_not_evaluable_and_says_who_and_why_until_it_is_undone(
    imported: tuple[Path, Path],
) -> None:
    study, out = imported
    before = verdicts(out, "sub-p1")
    assert before.loc["ses-imported20210101", "category"] == "PD"
    (entry_id,) = put(out, Act(ActKind.EXCLUDE_VISIT, "sub-p1", "ses-imported20210101", reason="moved"))
    done = run_again(study, out)
    assert (done.computed, done.reused) == (("sub-p1",), ("sub-p2",))
    row = verdicts(out, "sub-p1").loc["ses-imported20210101"]
    assert (row["category"], row["state"]) == ("NE", "not_evaluable")
    assert "visit excluded by A. Reader on 2024-05-06: moved" in row["reason"]
    measured = reader.table(reader.database_path(out), "measurement").set_index(["patient_id", "session_id"])
    assert np.isnan(measured.loc[("sub-p1", "ses-imported20210101"), "volume_mm3"])
    put(out, Act(ActKind.UNDO, "sub-p1", undoes=entry_id, reason="it was another visit"))
    assert run_again(study, out).computed == ("sub-p1",)
    pd.testing.assert_frame_equal(verdicts(out, "sub-p1"), before)
    shown = reader.query(reader.database_path(out), "patient_journal", patient_id="sub-p1").set_index("entry_id")
    assert shown.loc[entry_id, "status"] == "undone"
    assert shown.loc[entry_id, "status_reason"] == "undone by A. Reader on 2024-05-06: it was another visit"


def test_a_pinned_baseline_is_used_and_said(imported: tuple[Path, Path]) -> None:
    study, out = imported
    put(out, Act(ActKind.PIN_BASELINE, "sub-p1", "ses-imported20210101", reason="the better scan"))
    run_again(study, out)
    found = verdicts(out, "sub-p1")
    assert found["state"].tolist() == ["baseline", "progression", "stable"]
    words = "also the baseline from here on, pinned by A. Reader on 2024-05-06"
    assert words in found.loc["ses-imported20210101", "reason"]


def test_a_comment_is_published_and_nobody_is_worked_on(imported: tuple[Path, Path]) -> None:
    study, out = imported
    put(out, Act(ActKind.COMMENT, "sub-p2", reason="call the patient"))
    done = run_again(study, out)
    assert (done.computed, done.is_published) == ((), True)
    assert reader.query(reader.database_path(out), "quality_journal")["reason"].tolist() == ["call the patient"]
    assert run_again(study, out).is_published is False


def test_the_journal_survives_a_rebuild_and_says_what_is_torn(imported: tuple[Path, Path]) -> None:
    study, out = imported
    put(out, Act(ActKind.PIN_BASELINE, "sub-p1", "ses-imported20210101", reason="the better scan"))
    path = out / act_file.FILE
    path.write_bytes(path.read_bytes() + b'{"entry_id": "abc')
    kept = path.read_bytes()
    reader.database_path(out).unlink()
    finished = datetime(2026, 1, 31)  # noqa: DTZ001
    done = run(RunSettings(study, out, "imsct_adapted_v1", None, 1, AS_OF, finished), lambda *_: None, rebuild=True)
    assert path.read_bytes() == kept
    assert "journal_line_unusable" in [finding.code for finding in done.findings]
    assert "also the baseline from here on, pinned by" in verdicts(out, "sub-p1").loc["ses-imported20210101", "reason"]


def test_an_act_about_what_is_not_there_is_refused(imported: tuple[Path, Path]) -> None:
    _, out = imported
    session_id = "ses-imported20200101"
    refused = {
        "sub-p9: expected a patient of these results": Act(ActKind.COMMENT, "sub-p9", reason="x"),
        "expected one of the visits ses-imported20200101": Act(ActKind.PIN_BASELINE, "sub-p1", "ses-9", reason="x"),
        r"masks \(none\), found tumour": Act(ActKind.ACCEPT_MASK, "sub-p1", session_id, "tumour", "a"),
    }
    for words, act in refused.items():
        with pytest.raises(SettingsError, match=words):
            put(out, act)
    assert act_file.read(out).entries == ()


def with_mask(study: Path, voxels: int) -> Path:
    """A study of one visit whose mask no person is known to have drawn."""
    image = np.random.default_rng(1).integers(50, 200, (12, 14, 8)).astype(np.int16)
    mask = np.zeros(image.shape, dtype=np.uint8)
    mask[3 : 3 + voxels, 4:8, 2:6] = 1
    files = {
        T2W: Volume(image, AFFINE),
        DSEG: Volume(mask, AFFINE),
        "derivatives/reader/dataset_description.json": '{"GeneratedBy": [{"Name": "some program"}]}',
    }
    return write_files(study, {**ONE_VISIT, **files})


def test_an_accepted_automatic_mask_is_final_until_the_mask_changes(tmp_path: Path) -> None:
    study, out = with_mask(tmp_path / "study", 4), tmp_path / "out"
    run_again(study, out)
    assert verdicts(out, "sub-01").loc["ses-01", "is_provisional"]
    assert reader.table(reader.database_path(out), "review")["kind"].tolist() == ["unsigned automatic mask"]
    seen = sign_off.measured_masks(out, "sub-01", "ses-01")
    assert set(seen) == {"tumour", "cyst"}
    put(out, *sign_off.about_masks(ActKind.ACCEPT_MASK, "sub-01", "ses-01", seen))
    run_again(study, out)
    row = verdicts(out, "sub-01").loc["ses-01"]
    assert not row["is_provisional"]
    assert "provisional" not in row["reason"]
    assert reader.table(reader.database_path(out), "review").empty

    with_mask(study, 5)
    done = run_again(study, out)
    assert verdicts(out, "sub-01").loc["ses-01", "is_provisional"]
    lapsed = next(finding for finding in done.findings if finding.code == "act_lapsed")
    assert "accept mask by A. Reader on 2024-05-06 has no effect: the mask has changed since" in lapsed.message
    kinds = reader.table(reader.database_path(out), "review")["kind"].tolist()
    assert sorted(kinds) == ["decision lapsed", "decision lapsed", "unsigned automatic mask"]
    with pytest.raises(SettingsError, match="mask has changed since it was shown"):
        put(out, *sign_off.about_masks(ActKind.ACCEPT_MASK, "sub-01", "ses-01", seen))


def test_an_excluded_mask_leaves_no_volume_until_another_is_drawn(tmp_path: Path) -> None:
    study, out = with_mask(tmp_path / "study", 4), tmp_path / "out"
    run_again(study, out)
    seen = sign_off.measured_masks(out, "sub-01", "ses-01")
    put(out, *sign_off.about_masks(ActKind.EXCLUDE_MASK, "sub-01", "ses-01", seen, "this is the syrinx"))
    run_again(study, out)
    row = verdicts(out, "sub-01").loc["ses-01"]
    assert row["category"] == "NE"
    assert "mask excluded by A. Reader on 2024-05-06: this is the syrinx" in row["reason"]
    with_mask(study, 5)
    run_again(study, out)
    assert verdicts(out, "sub-01").loc["ses-01", "state"] == "baseline"
