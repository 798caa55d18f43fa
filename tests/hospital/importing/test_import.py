"""DICOM folders into a study: names, visits, identity, and a second import that adds only what is new."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import generate_uid
from typer.testing import CliRunner

from pipeline.cli.commands import app
from pipeline.core.volume import Volume
from pipeline.errors import InputError, SettingsError
from pipeline.files import images
from pipeline.hospital.importing.importing import ImportDone, ImportSettings, import_dicom
from pipeline.study.mask_voxels import in_order_of
from pipeline.study.study_folder import read_study
from tests import dicom_files as dicom
from tests.places import SAMPLE, SHARED

STUDY = SAMPLE / "study"
SCANS = SHARED / "realcord" / "scans"
DAY = date(2020, 2, 17)


def phantom(session: str = "ses-01", patient: str = "sub-demo02", size: int = 48) -> Volume:
    """A part of a synthetic scan, small enough to be quick."""
    whole = images.load(STUDY / patient / session / "anat" / f"{patient}_{session}_T2w.nii.gz")
    return Volume(np.ascontiguousarray(whole.array[:size, :size]), whole.affine)


def run(source: Path, study: Path, **settings: object) -> ImportDone:
    return import_dicom(ImportSettings(source, study, **settings), lambda *_: None)  # type: ignore[arg-type]


def files_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip


def codes(done: ImportDone) -> list[str]:
    return sorted(finding.code for finding in done.findings)


SCANNERS = {
    "siemens": ("Siemens", "Skyra"),
    "ge": ("GE", "SIGNA Premier"),
    "philips": ("Philips", "Ingenia"),
}


@pytest.mark.parametrize("vendor", dicom.VENDORS)
def test_a_series_of_each_maker_comes_back_as_it_was(vendor: str, tmp_path: Path) -> None:
    volume = phantom()
    dicom.save_all(dicom.slices(volume, DAY, vendor), tmp_path / "in")
    done = run(tmp_path / "in", tmp_path / "study")
    assert codes(done) == []
    (file,) = done.added
    assert Path(file).name.endswith("_ses-20200217_acq-sag_T2w.nii.gz")
    back = in_order_of(images.load(tmp_path / "study" / file), volume)
    assert np.array_equal(back.array, volume.array)
    np.testing.assert_allclose(back.affine, volume.affine, atol=2e-4)
    study = read_study(tmp_path / "study", as_of=date(2026, 1, 1))
    assert [visit.acquired_on for visit in study.patients[0].visits] == [DAY]
    assert {finding.code for finding in study.findings} == {"treatments_missing"}
    (scan,) = study.patients[0].visits[0].scans
    assert (scan.facts.manufacturer, scan.facts.model) == SCANNERS[vendor]
    assert str(scan.facts.device).startswith("t-")


def test_a_model_that_no_maker_sells_is_not_written(tmp_path: Path) -> None:
    series = dicom.slices(phantom(), DAY)
    for dataset in series:
        dataset.ManufacturerModelName = "MR of Dr. Nobody"
        dataset.DeviceSerialNumber = "S4711"
    dicom.save_all(series, tmp_path / "in")
    (file,) = run(tmp_path / "in", tmp_path / "study").added
    sidecar = (tmp_path / "study" / file.replace(".nii.gz", ".json")).read_text(encoding="utf-8")
    assert not [word for word in ("Nobody", "4711", "ManufacturersModelName") if word in sidecar]
    assert "DeviceToken" in sidecar


def test_the_same_study_twice_changes_nothing_and_a_new_visit_is_added(tmp_path: Path) -> None:
    dicom.save_all(dicom.slices(phantom(), DAY), tmp_path / "in" / "a")
    assert len(run(tmp_path / "in", tmp_path / "study").added) == 1
    before = files_of(tmp_path)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "study").rglob("*")}
    again = run(tmp_path / "in", tmp_path / "study")
    assert (again.added, codes(again)) == ((), [])
    assert files_of(tmp_path) == before
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "study").rglob("*")} == times
    dicom.save_all(dicom.slices(phantom("ses-02"), date(2021, 3, 1)), tmp_path / "in" / "b")
    third = run(tmp_path / "in", tmp_path / "study")
    assert [Path(name).parts[1] for name in third.added] == ["ses-20210301"]
    after = files_of(tmp_path)
    changed = {name for name in before if before[name] != after.get(name)}
    assert {Path(name).name for name in changed} == {"decisions.tsv", f"{third.rows[0].participant_id}_sessions.tsv"}


def test_a_series_that_has_grown_is_made_anew_unless_somebody_drew_on_it(tmp_path: Path) -> None:
    slices = sorted(dicom.slices(phantom(), DAY), key=lambda dataset: dataset.InstanceNumber)
    dicom.save_all(slices[:-2], tmp_path / "in")
    (file,) = run(tmp_path / "in", tmp_path / "study").added
    dicom.save(slices[-2], tmp_path / "in" / "late")
    done = run(tmp_path / "in", tmp_path / "study")
    assert (codes(done), done.added) == (["series_completed"], (file,))
    assert images.load(tmp_path / "study" / file).shape[2] == len(slices) - 1
    assert codes(run(tmp_path / "in", tmp_path / "study")) == []

    mask = tmp_path / "study" / "derivatives" / "reader" / file.replace("_T2w.nii.gz", "_dseg.nii.gz")
    mask.parent.mkdir(parents=True)
    shutil.copy(tmp_path / "study" / file, mask)
    before = files_of(tmp_path / "study")
    dicom.save(slices[-1], tmp_path / "in" / "last")
    assert codes(run(tmp_path / "in", tmp_path / "study")) == ["series_grown"]
    assert files_of(tmp_path / "study") == before

    (tmp_path / "study" / file).unlink()  # the remedy
    assert run(tmp_path / "in", tmp_path / "study").added == (file,)
    assert images.load(tmp_path / "study" / file).shape[2] == len(slices)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"StudyDate": "20200218"}, ["series_other_day"]),
        ({"PatientID": "0815"}, ["patient_twice", "series_of_another"]),  # of the same name and date of birth
    ],
)
def test_a_series_that_comes_again_for_another_day_or_person_stays_and_is_said(
    changed: dict[str, str], said: list[str], tmp_path: Path
) -> None:
    slices = dicom.slices(phantom(), DAY)
    dicom.save_all(slices, tmp_path / "in")
    run(tmp_path / "in", tmp_path / "study")
    before = files_of(tmp_path / "study")
    for one in slices:
        one.update(changed)
    dicom.save_all(slices, tmp_path / "again")
    for is_trial in (True, False):
        done = run(tmp_path / "again", tmp_path / "study", is_trial=is_trial)
        assert (codes(done), done.added) == (said, ())
    assert files_of(tmp_path / "study") == before


def test_a_series_with_fewer_images_than_its_header_says_waits_for_the_rest(tmp_path: Path) -> None:
    slices = sorted(
        dicom.slices(phantom(), DAY, ImagesInAcquisition=phantom().shape[2]), key=lambda one: one.InstanceNumber
    )
    half = len(slices) // 2
    dicom.save_all(slices[:half], tmp_path / "in")
    done = run(tmp_path / "in", tmp_path / "study")
    assert (codes(done), done.added) == (["series_incomplete"], ())
    rules = tmp_path / "rules.toml"
    rules.write_text(f'[[rule]]\nseries = "{done.rows[0].series}"\naccept_incomplete = true\n')
    assert len(run(tmp_path / "in", tmp_path / "other", rules=rules, private=tmp_path / "study.private").added) == 1
    for number, dataset in enumerate(slices[half:]):
        dicom.save(dataset, tmp_path / "in" / f"rest{number}")
    (file,) = run(tmp_path / "in", tmp_path / "study").added
    assert images.load(tmp_path / "study" / file).shape[2] == len(slices)


def test_one_sop_instance_with_two_contents_is_said(tmp_path: Path) -> None:
    series = dicom.slices(phantom(), DAY)
    dicom.save_all(series, tmp_path / "in" / "a")
    dicom.save_all(series, tmp_path / "in" / "b")
    assert codes(run(tmp_path / "in", tmp_path / "one")) == []
    dicom.set_pixels(series[0], dicom.read(tmp_path / "in" / "a" / "IM00000").pixel_array + 1)
    dicom.save_all(series, tmp_path / "in" / "b")
    done = run(tmp_path / "in", tmp_path / "two")
    assert (len(done.added), codes(done)) == (1, ["dicom_conflict"])


def test_a_dry_run_writes_nothing_but_the_key_and_calls_a_series_as_the_import_does(tmp_path: Path) -> None:
    dicom.save_all(dicom.slices(phantom(), DAY), tmp_path / "in")
    before = files_of(tmp_path)
    trial = run(tmp_path / "in", tmp_path / "study", is_trial=True)
    assert len(trial.added) == 1
    assert set(files_of(tmp_path)) - set(before) == {"study.private/pseudonym.key"}
    assert [row.series for row in run(tmp_path / "in", tmp_path / "study").rows] == [row.series for row in trial.rows]


def test_stations_become_chunks_from_top_to_bottom_and_repeats_runs(tmp_path: Path) -> None:
    volume, study = phantom(), generate_uid()
    for name, shift in (("low", -200.0), ("high", 0.0), ("again", 1.0)):
        moved = Volume(volume.array, volume.affine + np.array([[0.0] * 4] * 2 + [[0, 0, 0, shift]] + [[0.0] * 4]))
        extra = {"AcquisitionTime": {"low": "100000", "high": "110000", "again": "120000"}[name]}
        dicom.save_all(dicom.slices(moved, DAY, uids=dicom.new_uids(study), **extra), tmp_path / "in" / name)
    done = run(tmp_path / "in", tmp_path / "study")
    ends = sorted(Path(name).name.split("acq-sag_")[1] for name in done.added)
    assert ends == ["chunk-1_T2w.nii.gz", "chunk-2_T2w.nii.gz", "run-2_chunk-1_T2w.nii.gz"]
    low = next(row for row in done.rows if "chunk-2" in row.file)
    assert float(low.high_mm) < min(float(row.low_mm) for row in done.rows if "chunk-1" in row.file)


def test_what_is_no_scan_is_skipped_with_its_reason(tmp_path: Path) -> None:
    volume = phantom()
    three = Volume(volume.array[:, :, :3], volume.affine)
    cases: dict[str, tuple[Volume, dict[str, object]]] = {
        "localizer": (three, {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}),
        "reformat": (volume, {"ImageType": ["DERIVED", "SECONDARY", "MPR"]}),
        "mosaic": (volume, {"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]}),
        "calculated": (volume, {"ImageType": ["DERIVED", "PRIMARY", "M", "SUBTRACT"]}),
        "screen capture": (three, {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}),
        "phase": (volume, {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}),
        "one slice": (Volume(volume.array[:, :, :1], volume.affine), {}),
    }
    for number, (name, (image, extra)) in enumerate(cases.items()):
        dicom.save_all(dicom.slices(image, DAY, SeriesNumber=number, **extra), tmp_path / "in" / name.replace(" ", ""))
    done = run(tmp_path / "in", tmp_path / "study")
    assert done.added == ()
    reasons = [row.reason for row in done.rows]
    assert {row.outcome for row in done.rows} == {"skipped"}
    assert all(sum(reason.startswith(name) for reason in reasons) == 1 for name in cases), reasons


def test_an_unsure_series_waits_for_a_rule(tmp_path: Path) -> None:
    plain = {"ScanningSequence": "SE", "MRAcquisitionType": "2D", "SeriesDescription": "t2 sagittal"}
    dicom.save_all(dicom.slices(phantom(), DAY, made=plain), tmp_path / "in")
    done = run(tmp_path / "in", tmp_path / "study")
    assert (done.added, codes(done)) == ((), ["series_unsure"])
    assert "likely T2w, confidence 0.60" in done.findings[0].message
    rules = tmp_path / "rules.toml"
    listed = json.loads((tmp_path / "study.private" / "unsure_series.json").read_text())[done.rows[0].series]
    assert listed["description"].startswith("t2 sagittal"), "the description is shown in private only"
    rules.write_text(listed["rule"])
    ruled = run(tmp_path / "in", tmp_path / "study", rules=rules)
    assert json.loads((tmp_path / "study.private" / "unsure_series.json").read_text()) == {}, "what is decided leaves"
    assert (len(ruled.added), codes(ruled), ruled.rows[0].confidence) == (1, [], "1.00")
    rules.write_text('[[rule]]\ncontrast = "T2w"\n')
    with pytest.raises(SettingsError, match="expected a condition"):
        run(tmp_path / "in", tmp_path / "study", rules=rules)


def test_two_echoes_and_a_series_done_twice_are_told_apart(tmp_path: Path) -> None:
    volume, uids = phantom(), dicom.new_uids()
    pd = {**dicom.T2_SPIN_ECHO, "EchoTime": 20.0}
    for number, made in enumerate((dicom.T2_SPIN_ECHO, pd, dicom.T2_SPIN_ECHO)):
        series = dicom.slices(volume, DAY, made=made, uids=uids, AcquisitionNumber=number, SeriesDescription="dual")
        dicom.save_all(series, tmp_path / "in" / str(number))
    done = run(tmp_path / "in", tmp_path / "study")
    ends = sorted(Path(name).name.split("acq-sag_")[1] for name in done.added)
    assert ends == ["PDw.nii.gz", "T2w.nii.gz", "run-2_T2w.nii.gz"]


def test_dates_are_shifted_by_the_same_days_and_intervals_stay(tmp_path: Path) -> None:
    days = [date(2019, 5, 1), date(2019, 11, 3), date(2021, 2, 28)]
    for patient in ("4711", "4712"):
        for number, day in enumerate(days):
            series = dicom.slices(phantom(), day, PatientID=patient, PatientName=f"P^{patient}", SeriesNumber=number)
            dicom.save_all(series, tmp_path / "in" / patient / str(number))
    run(tmp_path / "in", tmp_path / "study", shifts_dates=True)
    patients = read_study(tmp_path / "study", as_of=date(2026, 1, 1)).patients
    shown = [[visit.acquired_on for visit in patient.visits] for patient in patients]
    for dates in shown:
        assert [b - a for a, b in pairwise(dates)] == [timedelta(186), timedelta(483)]
        assert max(dates).year <= 1925
    assert shown[0] != shown[1]
    with pytest.raises(SettingsError, match="one study cannot have both"):
        run(tmp_path / "in", tmp_path / "study")


def test_pseudonyms_come_from_the_key_or_the_table(tmp_path: Path) -> None:
    dicom.save_all(dicom.slices(phantom(), DAY), tmp_path / "in" / "a")
    dicom.save_all(dicom.slices(phantom(), DAY, PatientID="4712", PatientName="X^Y"), tmp_path / "in" / "b")
    names = {row.participant_id for row in run(tmp_path / "in", tmp_path / "one").rows}
    assert names == {row.participant_id for row in run(tmp_path / "in", tmp_path / "one").rows}
    assert names.isdisjoint({row.participant_id for row in run(tmp_path / "in", tmp_path / "two").rows})
    assert oct((tmp_path / "one.private").stat().st_mode)[-3:] == "700"
    assert oct((tmp_path / "one.private" / "pseudonym.key").stat().st_mode)[-3:] == "600"
    table = tmp_path / "map.csv"
    table.write_text("dicom_id,participant_id\n4711,P01\n")
    mapped = run(tmp_path / "in", tmp_path / "three", patients=table)
    assert ({row.participant_id for row in mapped.rows}, codes(mapped)) == ({"sub-P01"}, ["patient_unmapped"])
    with pytest.raises(SettingsError, match="outside the study folder"):
        run(tmp_path / "in", tmp_path / "one", private=tmp_path / "one" / "key")


def test_people_who_may_be_mixed_up_are_left_out(tmp_path: Path) -> None:
    dicom.save_all(dicom.slices(phantom(), DAY), tmp_path / "in" / "a")
    dicom.save_all(dicom.slices(phantom(), DAY, PatientBirthDate="19800101"), tmp_path / "in" / "b")
    dicom.save_all(dicom.slices(phantom(), DAY, PatientID=""), tmp_path / "in" / "c")
    dicom.save_all(dicom.slices(phantom(), DAY, PatientID="9", PatientName="A^B"), tmp_path / "in" / "d")
    dicom.save_all(dicom.slices(phantom(), DAY, PatientID="10", PatientName="a b"), tmp_path / "in" / "e")
    done = run(tmp_path / "in", tmp_path / "study")
    assert codes(done) == ["patient_mixed", "patient_twice", "patient_unnamed"]
    assert len(done.added) == 2


def test_a_patient_keeps_one_pseudonym_in_a_study(tmp_path: Path) -> None:
    dicom.save_all(dicom.slices(phantom(), DAY), tmp_path / "in")
    run(tmp_path / "in", tmp_path / "study")
    before = files_of(tmp_path / "study")
    table = tmp_path / "map.csv"
    table.write_text("dicom_id,participant_id\n4711,P01\n")
    assert codes(run(tmp_path / "in", tmp_path / "study", patients=table)) == ["patient_other_name"]
    assert files_of(tmp_path / "study") == before


def test_ages_end_at_89(tmp_path: Path) -> None:
    for name, born in (("a", "19100101"), ("b", "19800218")):
        series = dicom.slices(phantom(), DAY, PatientID=name, PatientName=name, PatientBirthDate=born)
        dicom.save_all(series, tmp_path / "in" / name)
    run(tmp_path / "in", tmp_path / "study")
    with (tmp_path / "study" / "participants.tsv").open() as stream:
        assert sorted(row["age"] for row in csv.DictReader(stream, delimiter="\t")) == ["39", "89"]


def test_text_burnt_into_the_pixels_is_refused_until_a_rule_accepts_it(tmp_path: Path) -> None:
    from PIL import Image, ImageDraw  # noqa: PLC0415

    volume = phantom(size=96)
    picture = Image.new("1", volume.shape[:2])
    ImageDraw.Draw(picture).text((4, 4), "DOE JANE 1970", fill=1)
    array = volume.array.copy()
    array[np.array(picture).T, 3] = array.max()
    written = Volume(array, volume.affine)
    dicom.save_all(dicom.slices(written, DAY), tmp_path / "in" / "pixels")
    dicom.save_all(dicom.slices(volume, DAY, BurnedInAnnotation="YES"), tmp_path / "in" / "tag")
    done = run(tmp_path / "in", tmp_path / "study")
    assert (done.added, codes(done)) == ((), ["text_burnt_in", "text_burnt_in"])
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nmanufacturer = "siemens"\naccept_text = true\n')
    assert len(run(tmp_path / "in", tmp_path / "study", rules=rules).added) == 2


def test_no_scan_of_the_sample_study_looks_written_on() -> None:
    from pipeline.hospital.read.burned_in import looks_written_on  # noqa: PLC0415

    scans = sorted(STUDY.glob("sub-*/ses-01/anat/*.nii.gz"))
    assert not [path.name for path in scans if looks_written_on(images.load(path).array)]


def test_an_archive_and_a_disc_are_read_like_a_folder(tmp_path: Path) -> None:
    from pydicom.fileset import FileSet  # noqa: PLC0415

    paths = dicom.save_all(dicom.slices(phantom(), DAY), tmp_path / "in")
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as archive:
        for path in paths:
            archive.write(path, f"PATIENT/{path.name}")
    disc = FileSet()
    for path in paths:
        disc.add(path)
    disc.write(tmp_path / "disc")
    folder = run(tmp_path / "in", tmp_path / "a")
    zipped = run(tmp_path / "scans.zip", tmp_path / "b")
    burnt = run(tmp_path / "disc", tmp_path / "c")
    assert len(folder.added) == len(zipped.added) == len(burnt.added) == 1
    assert codes(zipped) == codes(burnt) == []
    arrays = [images.load(next((tmp_path / name).glob("sub-*/*/anat/*.nii.gz"))).array for name in "abc"]
    assert np.array_equal(arrays[0], arrays[1])
    assert np.array_equal(arrays[0], arrays[2])
    flat = tmp_path / "flat"  # as a page gets it: a disc's files without their folders, some under other names
    flat.mkdir()
    for number, path in enumerate(path for path in (tmp_path / "disc").rglob("*") if path.is_file()):
        shutil.copy(path, flat / (path.name if path.name == "DICOMDIR" else f"{number}{path.name}"))
    assert codes(run(flat, tmp_path / "e")) == []
    for place, study in ((flat, "f"), (tmp_path / "disc", "d")):
        next(path for path in place.rglob("*") if path.is_file() and path.name != "DICOMDIR").unlink()
        done = run(place, tmp_path / study)
        assert "found 1 missing" in next(one.message for one in done.findings if one.code == "dicom_index")


def test_the_command_says_what_it_did_and_refuses_in_words(tmp_path: Path) -> None:
    dicom.save_all(dicom.slices(phantom(), DAY), tmp_path / "in")
    done = CliRunner().invoke(app, ["import-dicom", str(tmp_path / "in"), str(tmp_path / "study"), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["series"][0]["contrast"] == "T2w"
    shown = CliRunner().invoke(app, ["import-dicom", str(tmp_path / "in"), str(tmp_path / "study")])
    assert "added 0 files" in shown.output
    missing = CliRunner().invoke(app, ["import-dicom", str(tmp_path / "none"), str(tmp_path / "study")])
    assert isinstance(missing.exception, InputError)
    assert "expected a folder" in str(missing.exception)


@pytest.mark.skipif(not SCANS.is_dir(), reason="the real scans are not beside the project")
@pytest.mark.parametrize("name", ["t1w", "t2_thoracolumbar", "t2_fake_lesion"])
def test_a_real_scan_comes_back_with_the_same_voxels_and_place(name: str, tmp_path: Path) -> None:
    volume = images.load(SCANS / f"{name}.nii.gz")
    whole = volume.with_array(np.rint(volume.array).astype(np.int16))
    dicom.save_all(dicom.slices(whole, DAY), tmp_path / "in")
    (file,) = run(tmp_path / "in", tmp_path / "study").added
    back = in_order_of(images.load(tmp_path / "study" / file), whole)
    assert np.array_equal(back.array, whole.array)
    np.testing.assert_allclose(back.affine, whole.affine, atol=2e-4)


def dcm2niix(source: Path, target: Path) -> Volume:
    command = Path(sys.executable).with_name("dcm2niix")
    if not command.exists():
        pytest.skip("dcm2niix is not installed")
    target.mkdir()
    done = subprocess.run(
        [str(command), "-z", "n", "-b", "n", "-f", "scan", "-o", str(target), str(source)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    (file,) = target.glob("*.nii")
    assert done.returncode == 0, done.stdout
    return images.load(file)


@pytest.mark.parametrize("angles", [(0, 0, 0), (12, -8, 21)])
@pytest.mark.parametrize("kind", ["siemens", "ge", "philips", "enhanced"])
def test_voxels_and_places_agree_with_dcm2niix(kind: str, angles: tuple[int, int, int], tmp_path: Path) -> None:
    from scipy.spatial.transform import Rotation  # noqa: PLC0415

    volume = phantom()
    turned = volume.affine.copy()
    turned[:3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ turned[:3]
    volume = Volume(volume.array, turned)
    if kind == "enhanced":
        dicom.save(dicom.enhanced(volume), tmp_path / "in" / "one")
    else:
        dicom.save_all(dicom.slices(volume, DAY, kind), tmp_path / "in")
    (file,) = run(tmp_path / "in", tmp_path / "study").added
    ours = images.load(tmp_path / "study" / file)
    theirs = in_order_of(dcm2niix(tmp_path / "in", tmp_path / "theirs"), ours)
    assert np.array_equal(ours.array, theirs.array)
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in ours.shape], [1])).reshape(4, -1)
    assert np.abs((ours.affine - theirs.affine) @ corners).max() < 0.01
    shutil.rmtree(tmp_path / "study")


@pytest.mark.parametrize(("first", "second"), [("083000", "161000"), ("161000", "083000")])
def test_a_second_study_of_the_day_that_is_imported_later_renames_nothing(
    tmp_path: Path, first: str, second: str
) -> None:
    dicom.save_all(dicom.slices(phantom(), DAY, StudyTime=first, AcquisitionTime=first), tmp_path / "in" / "a")
    (file,) = run(tmp_path / "in", tmp_path / "study").added
    before = files_of(tmp_path / "study")
    dicom.save_all(
        dicom.slices(phantom("ses-02"), DAY, StudyTime=second, AcquisitionTime=second), tmp_path / "in" / "b"
    )
    (later,) = run(tmp_path / "in", tmp_path / "study").added
    after = files_of(tmp_path / "study")
    assert Path(later).parent == Path(file).parent
    assert "run-2" in Path(later).name
    assert {Path(name).name for name in before if before[name] != after.get(name)} == {"decisions.tsv"}
