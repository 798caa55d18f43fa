"""The sample study from the folder to the store, through the command a user types; then again, changed, and killed.

One run of the whole sample study, shared by the tests and kept between them, and a few of single patients.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from pipeline.cli.commands import app
from pipeline.files import images
from pipeline.journal import lesion_names
from pipeline.store import reader
from tests.command import cordtrack, run, started
from tests.finished_runs import copy_of_run
from tests.golden.table import GOLDEN, TABLES, read_golden, read_store
from tests.places import ROOT
from tests.statements import words_true_of_numbers

pytestmark = pytest.mark.slow

SAMPLE = ROOT / "sample_data" / "study"
TRUTH = ROOT / "sample_data" / "truth" / "volumes.tsv"
AUTOMATIC_TOLERANCE = 0.10
"""Automatic masks rest on floating-point sums that differ in the last bits between processors, and a voxel at the
edge of a mask may then fall either way."""


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_run(tmp_path_factory.mktemp("sample") / "out", "sample", SAMPLE)


@pytest.fixture
def small_study(tmp_path: Path) -> Path:
    """Copy one patient of the sample study that can be changed."""
    study = tmp_path / "study"
    shutil.copytree(SAMPLE, study, ignore=shutil.ignore_patterns("sub-demo0[1245678]"))
    rows = (study / "participants.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [row for row in rows if row.startswith(("participant_id", "sub-demo03"))]
    (study / "participants.tsv").write_text("".join(kept), encoding="utf-8")
    return study


@pytest.fixture
def small_out(sample_run: Path, tmp_path: Path) -> Path:
    """Copy what the run of the sample study finished for that patient: it depends on contents, not on places.

    Names given to lesions are among what it depends on.
    """
    out = tmp_path / "out"
    shutil.copytree(sample_run / "sub-demo03", out / "sub-demo03")
    (out / "journal").mkdir()
    shutil.copy(sample_run / lesion_names.FILE, out / lesion_names.FILE)
    return out


@pytest.mark.parametrize("name", TABLES)
def test_the_sample_study_measures_what_was_reviewed(sample_run: Path, name: str) -> None:
    if not (GOLDEN / f"{name}.csv").is_file():
        pytest.skip(f"tests/golden/{name}.csv was not made and reviewed yet: make golden")
    found, expected = read_store(sample_run, name), read_golden(name)
    keys = [column for column in TABLES[name] if column not in {"volume_mm3", "volume_cv"}]
    pd.testing.assert_frame_equal(
        found[keys].fillna("").astype(str), expected[keys].fillna("").astype(str), check_dtype=False
    )
    for column in set(TABLES[name]) - set(keys):
        automatic = (found["mask_origin"] == "automatic").to_numpy()
        np.testing.assert_allclose(found[column][~automatic], expected[column][~automatic], rtol=1e-3)
        np.testing.assert_allclose(
            found[column][automatic], expected[column][automatic], rtol=AUTOMATIC_TOLERANCE, atol=20
        )


def test_given_masks_measure_the_true_volume(sample_run: Path) -> None:
    truth = pd.read_csv(TRUTH, sep="\t").rename(columns={"participant_id": "patient_id", "volume_mm3": "true_mm3"})
    found = reader.table(reader.database_path(sample_run), "measurement").query("mask_origin == 'manual'")
    both = found.merge(truth, on=["patient_id", "session_id", "compartment"])
    large = both[both["true_mm3"] > 500]
    assert len(large) > 10
    error = (large["volume_mm3"] / large["true_mm3"] - 1).abs()
    # label maps round to whole voxels at 3.3 mm slices, on top of the reader's own outline
    assert error.max() < 0.08


def test_nothing_is_lost_by_the_bad_patient_and_every_bad_file_is_named(sample_run: Path) -> None:
    database = reader.database_path(sample_run)
    findings = reader.table(database, "finding").query("patient_id == 'sub-demo08'")
    assert {"scan_unreadable", "mask_grid", "visit_undated"} <= set(findings["code"])
    unread = findings[findings["code"] == "scan_unreadable"].iloc[0]
    assert unread["message"].startswith(f"{unread['path']}: ")
    assert unread["message"].count(Path(unread["path"]).name) == 1, "the file is named once"
    measured = reader.table(database, "measurement").query("patient_id == 'sub-demo08' and volume_mm3.notnull()")
    assert len(measured) >= 1
    assert len(reader.table(database, "patient")) == 8


def test_the_views_and_the_verdicts_speak_of_the_same_change(sample_run: Path) -> None:
    database = reader.database_path(sample_run)
    keys = ["patient_id", "session_id", "criteria_id"]
    verdicts = reader.table(database, "assessment").query("change_ratio.notnull() and nadir_session_id.notnull()")
    volume_criteria = reader.table(database, "criteria").query("metric == 'volume'")["criteria_id"]
    course = reader.table(database, "trajectory").query("compartment == 'tumour' and patient_id != 'sub-demo06'")
    both = verdicts[verdicts["criteria_id"].isin(volume_criteria)].merge(course, on=keys)
    both = both[both["change_from_nadir_percent"].notna() & both["category"].isin(["PD", "SD"])]
    assert len(both) > 50
    by_nadir = (both["change_from_nadir_percent"] / 100 + 1 - both["change_ratio"]).abs()
    by_baseline = (both["change_from_baseline_percent"] / 100 + 1 - both["change_ratio"]).abs()
    assert (np.minimum(by_nadir, by_baseline) < 1e-9).all()


def test_no_verdict_of_the_sample_says_of_an_interval_what_it_does_not_show(sample_run: Path) -> None:
    verdicts = reader.table(reader.database_path(sample_run), "assessment")
    assert words_true_of_numbers(zip(verdicts["display_state"], verdicts["clauses"], strict=True))


def test_a_second_run_changes_nothing(sample_run: Path) -> None:
    before = snapshot(sample_run)
    assert "nothing changed" in run(SAMPLE, sample_run)
    assert snapshot(sample_run) == before


def test_the_database_made_again_holds_the_same(sample_run: Path) -> None:
    before = reader.fingerprint(reader.database_path(sample_run))
    cordtrack("rebuild", sample_run)
    assert reader.fingerprint(reader.database_path(sample_run)) == before


def test_every_view_is_exported_with_its_dictionary(sample_run: Path, tmp_path: Path) -> None:
    for name in cordtrack("export", sample_run).split():
        target = tmp_path / f"{name}.csv"
        done = CliRunner().invoke(app, ["export", str(sample_run), "--table", name, "-o", str(target)])
        assert done.exit_code == 0, done.output
        frame = pd.read_csv(target)
        assert list(frame.columns) == list(reader.table(reader.database_path(sample_run), name).columns)


def add_first_visits(study: Path, patient: str, count: int) -> None:
    """Put the first visits of a patient of the sample study into another study folder."""
    for folder in (patient, f"derivatives/reader/{patient}"):
        shutil.copytree(SAMPLE / folder, study / folder, ignore=shutil.ignore_patterns(f"ses-0[{count + 1}-9]"))
    sessions = study / patient / f"{patient}_sessions.tsv"
    rows = sessions.read_text(encoding="utf-8").splitlines(keepends=True)
    sessions.write_text("".join(rows[: count + 1]), encoding="utf-8")


def test_results_do_not_depend_on_how_many_patients_run_at_once(
    sample_run: Path, small_study: Path, tmp_path: Path
) -> None:
    add_first_visits(small_study, "sub-demo01", 2)
    out = tmp_path / "out"
    alone = ("--as-of", "2026-01-01", "--jobs", "1", "--participant-label", "demo01")
    done = started("run", small_study, out, *alone)  # its workers take no alignment that was kept
    assert done.returncode == 0, done.stderr
    transforms = sorted((tmp_path / "out" / "sub-demo01").rglob("*_xfm.h5"))
    assert any("ses-02" in path.name for path in transforms)
    for path in transforms:  # the numbers, not the bytes: the file format writes the time beside them
        one = images.load_transform(path, "a", "b")
        other = images.load_transform(sample_run / path.relative_to(tmp_path / "out"), "a", "b")
        assert np.array_equal(one.matrix, other.matrix), path.name
        assert np.array_equal(one.bend_mm, other.bend_mm), path.name


def test_a_replaced_mask_recomputes_exactly_what_depends_on_it(small_study: Path, small_out: Path) -> None:
    out = small_out
    run(small_study, out)
    before = snapshot(out)
    masks = sorted((small_study / "derivatives").rglob("sub-demo03_ses-06*_dseg.nii.gz"))
    assert masks, "the last visit of this patient has a reader's mask"
    mask = images.load(masks[0])
    images.save(mask.with_array(np.where(mask.array == 1, 0, mask.array)), masks[0])
    run(small_study, out)
    changed = {name for name, state in snapshot(out).items() if before.get(name) != state}
    assert not [name for name in changed if name.endswith(".h5")], "no alignment depends on a follow-up's mask"
    assert {name.split("/")[1] for name in changed if "/ses-" in name} == {"ses-06"}
    found = reader.table(reader.database_path(out), "measurement")
    assert found.query("session_id == 'ses-06' and compartment == 'tumour'")["volume_mm3"].tolist() == [0.0]


def test_a_tumour_that_came_back_is_flagged_where_nobody_drew_it(small_study: Path, small_out: Path) -> None:
    for mask in (small_study / "derivatives").rglob("sub-demo03_ses-0[2-6]*_dseg.nii.gz"):
        mask.unlink()
    run(small_study, small_out)
    database = reader.database_path(small_out)
    found = reader.table(database, "finding")
    # truly 190 and 410 mm³; before, only the cavity shrinks
    assert sorted(found.query("code == 'new_signal'")["session_id"]) == ["ses-05", "ses-06"]
    assert sorted(found.query("code == 'no_new_signal'")["session_id"]) == ["ses-02", "ses-03", "ses-04"]
    assert found.query("code == 'tumour_not_measured'").empty, "one row a visit says it"
    tumour = reader.table(database, "measurement").query("compartment == 'tumour'").set_index("session_id")
    assert tumour.loc["ses-06", "mask_origin"] == "automatic", "a draft, which nobody has signed"
    assert tumour.loc["ses-06", "volume_mm3"] == pytest.approx(410, rel=0.4)
    assert tumour.loc[["ses-02", "ses-03", "ses-04"], "volume_mm3"].isna().all(), "no draft on a clean bed, nor a zero"
    assert tumour.loc["ses-04", "missing_reason"].startswith("no tumour was drawn")
    places = reader.table(database, "new_signal").set_index("session_id")
    assert places.loc["ses-06", "approximate_mm3"] == pytest.approx(410, rel=0.6)
    there = places[["reference_right_mm", "reference_anterior_mm", "reference_superior_mm"]]
    np.testing.assert_allclose(there.loc["ses-05"], there.loc["ses-06"], atol=4, err_msg="one tumour, in one space")
    waiting = reader.table(database, "review").query("kind == 'new signal'")
    assert sorted(waiting["session_id"]) == ["ses-05", "ses-06"]
    assert waiting["acquired_on"].notna().all()


def test_asking_for_one_patient_drops_nobody_whose_results_an_older_version_left(
    sample_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(sample_run, out)
    records = out / "sub-demo03" / "sub-demo03_records.json"
    records.write_text(records.read_text(encoding="utf-8").replace('"record": "Patient"', '"record": "Person"'))
    run(SAMPLE, out, "--participant-label", "demo01", "--criteria", "rano2_vol")  # something new to publish
    assert '"Person"' not in records.read_text(encoding="utf-8")
    assert len(reader.table(reader.database_path(out), "patient")) == 8


def test_a_killed_run_keeps_what_was_published_and_the_next_one_goes_on(small_study: Path, small_out: Path) -> None:
    out = small_out
    assert "0 patients computed, 1 reused" in run(small_study, out)
    published = reader.fingerprint(reader.database_path(out))
    add_first_visits(small_study, "sub-demo01", 2)
    command = [sys.executable, "-m", "pipeline", "run", str(small_study), str(out), "--as-of", "2026-01-01"]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (out / "sub-demo01").is_dir() and time.monotonic() < deadline:
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert reader.fingerprint(reader.database_path(out)) == published
    assert "1 patient computed, 1 reused" in run(small_study, out)
    assert set(reader.table(reader.database_path(out), "patient")["patient_id"]) == {"sub-demo01", "sub-demo03"}


def test_a_person_signs_a_mask_and_exactly_that_patient_is_judged_anew(sample_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(sample_run, out)
    database = reader.database_path(out)
    unsigned = reader.table(database, "review").query("kind == 'unsigned automatic mask' and acquired_on.notnull()")
    patient_id, session_id = unsigned.sort_values(["patient_id", "session_id"])[["patient_id", "session_id"]].iloc[0]
    cordtrack("note", out, "accept_mask", patient_id, session_id, "--who", "A. Reader", "--reason", "checked")
    assert "1 patient computed, 7 reused" in run(SAMPLE, out)
    row = f"patient_id == '{patient_id}' and session_id == '{session_id}' and criteria_id == 'imsct_adapted_v1'"
    verdict = reader.table(database, "assessment").query(row).iloc[0]
    assert verdict["category"] != "NE"
    assert "nobody signed" not in verdict["reason"]
    assert (
        reader.table(database, "review").query(f"session_id == '{session_id}' and patient_id == '{patient_id}'").empty
    )
    entry_id = reader.table(database, "journal").query("compartment == 'tumour'")["entry_id"].iloc[0]
    cordtrack("note", out, "undo", patient_id, "--entry", entry_id, "--who", "A. Reader")
    run(SAMPLE, out)
    before = reader.table(reader.database_path(sample_run), "assessment")
    pd.testing.assert_frame_equal(reader.table(database, "assessment"), before)
