"""What the machine is to blame for is never a result of a scan: it stops the run, or is tried again by the next."""

import errno
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline import api
from pipeline.core.findings import finding
from pipeline.core.piece_names import NamesGiven
from pipeline.errors import InputError, StoreError
from pipeline.files import finished_steps, out_folder
from pipeline.run import study_run
from pipeline.run.steps.patient_work import attempt
from pipeline.study.import_numbers import import_table
from tests.study_folder import READ_ON, run_of_numbers, write_files

VISIT = SimpleNamespace(named="sub-01 ses-02", subject={"patient_id": "sub-01", "session_id": "ses-02"})


def failing(error: Exception):
    def work() -> None:
        raise error

    return work


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.EIO])
def test_a_machine_that_cannot_go_on_stops_the_run_with_a_remedy(number: int) -> None:
    with pytest.raises(StoreError, match=r"sub-01 ses-02, align: this machine could not go on .*: x\.nii.*run again"):
        attempt(failing(OSError(number, "no", "x.nii")), VISIT, "align")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("cut"), "step_failed"),
        (ValueError("odd"), "step_crashed"),
        (MemoryError(), "step_crashed"),
        (FileNotFoundError(errno.ENOENT, "gone"), "step_crashed"),
    ],
)
def test_what_a_scan_is_to_blame_for_becomes_a_finding_of_its_visit(error: Exception, code: str) -> None:
    result, (row,) = attempt(failing(error), VISIT, "align")
    assert result is None
    assert (row.code, row.session_id) == (code, "ses-02")


@pytest.mark.parametrize(("code", "is_kept"), [("step_crashed", False), ("worker_died", False), ("step_failed", True)])
def test_only_failures_of_the_data_are_kept_as_a_patient_s_result(tmp_path: Path, code: str, is_kept: bool) -> None:
    rows = (finding(code, "sub-01: why", patient_id="sub-01"),)
    made_of = study_run._finish("sub-01", rows, ("key", NamesGiven()), tmp_path)
    sidecar = tmp_path / "sub-01" / "sub-01_records.json"
    assert bool(made_of) == is_kept  # no run ever has the empty key
    assert (finished_steps.read_step(sidecar, tmp_path, made_of or "key") is not None) == is_kept
    assert finished_steps.read_step(sidecar, tmp_path).records == rows  # said in the store all the same


@pytest.mark.parametrize("is_made_anew", [True, False])
def test_a_run_whose_output_folder_vanishes_publishes_nothing_and_goes_on_once_it_is_back(
    tmp_path: Path, is_made_anew: bool
) -> None:
    """A disk that is no longer there leaves a place where a second, empty output folder could be made and published."""
    run_of_numbers(tmp_path, "patient_id,date,compartment,volume_mm3\np1,2020-01-01,tumour,1000\n")
    out, away = tmp_path / "out", tmp_path / "away"
    before = (out / "cordtrack.duckdb").read_bytes()
    rows = {"new.csv": "patient_id,date,compartment,volume_mm3\np1,2021-01-01,tumour,2000\n"}
    import_table(write_files(tmp_path, rows) / "new.csv", None, tmp_path / "study", READ_ON)
    settings = api.RunOptions(jobs=1, as_of=READ_ON)

    def vanish(*_: object) -> None:
        out.rename(away)
        if is_made_anew:
            out.mkdir()

    with pytest.raises(StoreError, match=r"that this run began in, found .*; nothing was pu"):
        api.run(tmp_path / "study", out, settings, vanish)
    assert not (out / "cordtrack.duckdb").exists()
    assert (away / "cordtrack.duckdb").read_bytes() == before
    if out.exists():
        shutil.rmtree(out)
    away.rename(out)
    assert api.run(tmp_path / "study", out, settings).is_published


def test_a_folder_that_was_removed_and_made_again_is_another_one(tmp_path: Path) -> None:
    """Many file systems give the new folder the number of the old one at once, unless somebody holds that."""
    for _ in range(5):
        place = out_folder.place_of(tmp_path / "out")
        out_folder.check_still_there(place)
        shutil.rmtree(tmp_path / "out")
        (tmp_path / "out").mkdir()
        with pytest.raises(StoreError, match="found another one in its place"):
            out_folder.check_still_there(place)


def test_a_folder_is_held_no_longer_than_the_run_that_asked(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").glob("*"))) if Path("/proc/self/fd").is_dir() else 0
    for _ in range(20):
        out_folder.place_of(tmp_path)
    assert not before or len(list(Path("/proc/self/fd").glob("*"))) <= before
