"""Segmentations and structure sets become masks on their scan's own grid, or a sentence."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.coding import Code
from pydicom.uid import generate_uid

from pipeline.align import registration
from pipeline.core.transform import move_points
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume, to_world
from pipeline.files import images
from pipeline.hospital.codes import TYPES, category_of
from pipeline.hospital.importing.importing import ImportDone, ImportSettings, import_dicom
from pipeline.study.mask_voxels import in_order_of, read_mask
from pipeline.study.study_folder import read_study
from pipeline.tools.one_scan import measure_file
from tests import dicom_files as dicom
from tests.finished_runs import finished
from tests.places import REALCORD

DAY = date(2020, 2, 17)
AFFINE = np.array([[0.0, 0.1, -3.3, 20.0], [-0.7, 0.0, 0.0, 30.0], [0.0, -0.7, 0.0, 60.0], [0, 0, 0, 1.0]])
AFFINE[:3, 1] *= 0.7 / np.linalg.norm(AFFINE[:3, 1])
AFFINE[:3, 2] = np.cross(AFFINE[:3, 0], AFFINE[:3, 1]) / 0.49 * 3.3


def volume() -> Volume:
    rng = np.random.default_rng(11)
    return Volume(rng.integers(0, 900, (26, 22, 6)).astype(np.int16), AFFINE)


def drawn(low: int, high: int) -> np.ndarray:
    array = np.zeros((26, 22, 6), bool)
    array[low:high, 4:12, 1:4] = True
    array[low, 3, 2] = True  # not symmetric, so that a turned mask is noticed
    return array


def described(
    number: int, compartment: Compartment, label: str, kind: str = "MANUAL", code: Code | None = None
) -> hd.seg.SegmentDescription:
    automatic = (
        hd.AlgorithmIdentificationSequence("net", Code("123109", "DCM", "AI"), "1") if kind != "MANUAL" else None
    )
    return hd.seg.SegmentDescription(
        number, label, category_of(compartment), code or TYPES[compartment], kind, algorithm_identification=automatic
    )


def seg(series: list[Dataset], arrays: list[np.ndarray], segments: list[object], **more: object) -> Dataset:
    ordered = sorted(series, key=lambda dataset: dataset.InstanceNumber)
    for dataset in ordered:
        dataset.file_meta = hd.base.FileMetaDataset() if hasattr(hd.base, "FileMetaDataset") else None
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    pixels = np.stack([array.transpose(2, 1, 0) for array in arrays], axis=-1)
    kind = more.pop("kind", "BINARY")
    if kind == "BINARY":
        pixels = pixels.astype(np.uint8)
    return hd.seg.Segmentation(
        ordered, pixels, kind, segments, generate_uid(), 9, generate_uid(), 1, "Maker", "Model", "1", "SN",
        omit_empty_frames=True, **more,
    )  # fmt: skip


def run(tmp_path: Path) -> ImportDone:
    return import_dicom(ImportSettings(tmp_path / "in", tmp_path / "study"), lambda *_: None)


def masks_of(tmp_path: Path) -> dict[Compartment, tuple[np.ndarray, MaskOrigin]]:
    """Read the masks as the pipeline does, in the order of the test's own volume."""
    study = read_study(tmp_path / "study", as_of=date(2026, 1, 1))
    (visit,) = study.patients[0].visits
    image = images.load(visit.scans[0].path)
    found = {}
    for file in visit.masks:
        readings, findings = read_mask(file, image)
        assert not [finding for finding in findings if finding.severity == "error"]
        for reading in readings:
            found[reading.compartment] = in_order_of(reading.volume, volume()).array, file.origin
    return found


def test_a_binary_segmentation_becomes_a_label_map(tmp_path: Path) -> None:
    series = dicom.slices(volume(), DAY)
    dicom.save_all(series, tmp_path / "in" / "scan")
    segments = [described(1, Compartment.TUMOUR, "GTV"), described(2, Compartment.CYST, "cyst")]
    seg(series, [drawn(3, 9), drawn(12, 17)], segments).save_as(tmp_path / "in" / "seg.dcm")
    done = run(tmp_path)
    assert [finding.message for finding in done.findings] == []
    assert [Path(name).name.split("acq-sag_")[1] for name in done.added] == ["T2w.nii.gz", "space-orig_dseg.nii.gz"]
    masks = masks_of(tmp_path)
    assert set(masks) == {Compartment.TUMOUR, Compartment.CYST}
    assert np.array_equal(masks[Compartment.TUMOUR][0], drawn(3, 9))
    assert np.array_equal(masks[Compartment.CYST][0], drawn(12, 17))
    assert masks[Compartment.TUMOUR][1] == MaskOrigin.MANUAL
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "study").rglob("*")}
    assert run(tmp_path).added == ()
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "study").rglob("*")} == before


def test_overlapping_segments_and_a_second_reading_get_files_of_their_own(tmp_path: Path) -> None:
    series = dicom.slices(volume(), DAY)
    dicom.save_all(series, tmp_path / "in" / "scan")
    segments = [described(1, Compartment.TUMOUR, "tumour"), described(2, Compartment.OEDEMA, "oedema", "AUTOMATIC")]
    seg(series, [drawn(3, 9), drawn(5, 17)], segments).save_as(tmp_path / "in" / "seg.dcm")
    seg(series, [drawn(3, 8)], segments[:1]).save_as(tmp_path / "in" / "seg2.dcm")
    added = sorted(run(tmp_path).added)
    assert len([name for name in added if name.endswith("_mask.nii.gz")]) == 2
    assert len([name for name in added if name.endswith("_dseg.nii.gz")]) == 1
    assert masks_of(tmp_path)[Compartment.OEDEMA][1] == MaskOrigin.AUTOMATIC


def test_a_fractional_segmentation_becomes_probabilities(tmp_path: Path) -> None:
    series = dicom.slices(volume(), DAY)
    dicom.save_all(series, tmp_path / "in" / "scan")
    soft = drawn(3, 9) * np.linspace(0.5, 1.0, 26)[:, None, None]
    segments = [described(1, Compartment.TUMOUR, "tumour", "AUTOMATIC")]
    seg(series, [soft], segments, kind="FRACTIONAL", fractional_type="PROBABILITY").save_as(tmp_path / "in" / "s.dcm")
    run(tmp_path)
    np.testing.assert_allclose(masks_of(tmp_path)[Compartment.TUMOUR][0], soft, atol=1 / 255)


def test_codes_decide_and_names_only_narrow_them(tmp_path: Path) -> None:
    series = dicom.slices(volume(), DAY)
    dicom.save_all(series, tmp_path / "in" / "scan")
    segments = [
        described(1, Compartment.TUMOUR, "enhancing tumor"),
        described(2, Compartment.OEDEMA, "cyst"),
        described(3, Compartment.CYST, "something", code=Code("4147007", "SCT", "Mass")),
        described(4, Compartment.CYST, "x", code=Code("M-36300", "SRT", "Edema")),
    ]
    arrays = [drawn(n, n + 2) for n in (1, 6, 11, 16)]
    seg(series, arrays, segments).save_as(tmp_path / "in" / "seg.dcm")
    done = run(tmp_path)
    messages = [finding.message for finding in done.findings]
    assert len(messages) == 2, messages
    assert any("segment 2 whose code and name mean different things" in message for message in messages)
    assert any("segment 3 of unknown meaning" in message for message in messages)
    assert set(masks_of(tmp_path)) == {Compartment.ENHANCING, Compartment.OEDEMA}


@pytest.mark.parametrize("fault", ["beside", "turned away", "no scan"])
def test_a_mask_that_fits_no_slice_is_refused(fault: str, tmp_path: Path) -> None:
    series = dicom.slices(volume(), DAY)
    dicom.save_all(series, tmp_path / "in" / "scan")
    moved = volume().affine.copy()
    if fault == "beside":
        moved[:3, 3] += moved[:3, 2] * 0.3
    if fault == "turned away":
        moved[:3, :3] = moved[:3, :3] @ np.array([[0.99, 0.14, 0], [-0.14, 0.99, 0], [0, 0, 1]])
    first = series[0]
    uids = {"study": first.StudyInstanceUID, "series": first.SeriesInstanceUID, "frame": first.FrameOfReferenceUID}
    if fault == "no scan":
        uids |= {"series": generate_uid(), "frame": generate_uid()}
    other = dicom.slices(Volume(volume().array, moved), DAY, uids=uids)
    mask = seg(other, [drawn(3, 9)], [described(1, Compartment.TUMOUR, "t")])
    mask.save_as(tmp_path / "in" / "seg.dcm")
    done = run(tmp_path)
    assert [finding.code for finding in done.findings] == ["mask_unplaced" if fault == "no scan" else "mask_refused"]
    assert len(done.added) == 1


def structure_set(series: list[Dataset], array: np.ndarray, name: str, shift: float = 0.0) -> Dataset:
    """Return contours around an array's voxels, half a voxel outside their centres, as a planning system has them."""
    from skimage.measure import find_contours  # noqa: PLC0415

    ordered = sorted(series, key=lambda dataset: dataset.InstanceNumber)
    first = ordered[0]
    dataset = dicom.common(DAY, dicom.new_uids(first.StudyInstanceUID), "siemens", {}, Modality="RTSTRUCT")
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.481.3", generate_uid()
    referenced, study, frame = Dataset(), Dataset(), Dataset()
    referenced.SeriesInstanceUID = first.SeriesInstanceUID
    study.RTReferencedSeriesSequence = Sequence([referenced])
    frame.FrameOfReferenceUID = first.FrameOfReferenceUID
    frame.RTReferencedStudySequence = Sequence([study])
    dataset.ReferencedFrameOfReferenceSequence = Sequence([frame])
    roi, contours = Dataset(), []
    roi.ROINumber, roi.ROIName, roi.ROIGenerationAlgorithm = 1, name, "MANUAL"
    dataset.StructureSetROISequence = Sequence([roi])
    to_lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume().affine
    for k in range(array.shape[2]):
        for line in find_contours(np.pad(array[:, :, k], 1).astype(float), 0.5):
            voxels = np.column_stack([line - 1, np.full(len(line), k + shift), np.ones(len(line))])
            points = (voxels @ to_lps.T)[:, :3]
            item = Dataset()
            item.ContourGeometricType, item.NumberOfContourPoints = "CLOSED_PLANAR", len(points)
            item.ContourData = [f"{value:.6f}" for value in points.ravel()]
            contours.append(item)
    drawn_roi = Dataset()
    drawn_roi.ReferencedROINumber, drawn_roi.ContourSequence = 1, Sequence(contours)
    dataset.ROIContourSequence = Sequence([drawn_roi])
    return dataset


def test_a_structure_set_becomes_a_mask_and_contours_within_contours_are_holes(tmp_path: Path) -> None:
    series = dicom.slices(volume(), DAY)
    dicom.save_all(series, tmp_path / "in" / "scan")
    array = drawn(3, 14)
    array[6:9, 6:9, 2] = False
    dicom.save(structure_set(series, array, "Solid Tumor"), tmp_path / "in" / "rt.dcm")
    done = run(tmp_path)
    assert [finding.message for finding in done.findings] == []
    mask, origin = masks_of(tmp_path)[Compartment.TUMOUR]
    assert np.array_equal(mask, array)
    assert origin == MaskOrigin.MANUAL


def test_contours_between_slices_and_unknown_names_are_refused(tmp_path: Path) -> None:
    series = dicom.slices(volume(), DAY)
    dicom.save_all(series, tmp_path / "in" / "scan")
    dicom.save(structure_set(series, drawn(3, 14), "tumour", shift=0.4), tmp_path / "in" / "a.dcm")
    dicom.save(structure_set(series, drawn(3, 14), "GTV1"), tmp_path / "in" / "b.dcm")
    assert sorted(finding.code for finding in run(tmp_path).findings) == ["mask_refused", "mask_unknown"]


def with_roi(dataset: Dataset, number: int, name: str, contours: list[Dataset] | None) -> Dataset:
    """Add a structure with some contours, or, with None, one that is only listed."""
    roi, drawn_roi = Dataset(), Dataset()
    roi.ROINumber, roi.ROIName, roi.ROIGenerationAlgorithm = number, name, "MANUAL"
    dataset.StructureSetROISequence.append(roi)
    if contours is not None:
        drawn_roi.ReferencedROINumber, drawn_roi.ContourSequence = number, Sequence(contours)
        dataset.ROIContourSequence.append(drawn_roi)
    return dataset


def point_at(dataset: Dataset) -> Dataset:
    item = Dataset()
    item.ContourGeometricType, item.NumberOfContourPoints = "POINT", 1
    item.ContourData = dataset.ROIContourSequence[0].ContourSequence[0].ContourData[:3]
    return item


@pytest.mark.parametrize("kind", ["listed only", "no contours", "a point"])
def test_a_structure_in_which_nothing_is_drawn_is_no_statement_that_nothing_is_there(kind: str, tmp_path: Path) -> None:
    series = dicom.slices(volume(), DAY)
    dicom.save_all(series, tmp_path / "in" / "scan")
    dataset = structure_set(series, drawn(3, 14), "cyst")
    contours = {"listed only": None, "no contours": [], "a point": [point_at(dataset)]}[kind]
    dicom.save(with_roi(dataset, 2, "tumour", contours), tmp_path / "in" / "rt.dcm")
    done = run(tmp_path)
    assert [finding.code for finding in done.findings] == ["mask_not_drawn"]
    assert "segment 2 (tumour): expected closed contours, found none" in done.findings[0].message
    assert set(masks_of(tmp_path)) == {Compartment.CYST}, "a tumour that nobody drew is unknown, not 0"


def test_points_beside_closed_contours_are_said(tmp_path: Path) -> None:
    series = dicom.slices(volume(), DAY)
    dicom.save_all(series, tmp_path / "in" / "scan")
    dataset = structure_set(series, drawn(3, 14), "tumour")
    dataset.ROIContourSequence[0].ContourSequence.append(point_at(dataset))
    dicom.save(dataset, tmp_path / "in" / "rt.dcm")
    done = run(tmp_path)
    assert [finding.code for finding in done.findings] == ["mask_not_drawn"]
    assert "found 1 points or open lines, too" in done.findings[0].message
    assert np.array_equal(masks_of(tmp_path)[Compartment.TUMOUR][0], drawn(3, 14))


def test_a_segment_without_a_frame_counts_as_nothing_there_and_has_to_be_confirmed(tmp_path: Path) -> None:
    series = dicom.slices(volume(), DAY)
    dicom.save_all(series, tmp_path / "in" / "scan")
    segments = [described(1, Compartment.CYST, "c"), described(2, Compartment.TUMOUR, "t")]
    mask = seg(series, [drawn(3, 9), np.zeros_like(drawn(3, 9))], segments)
    mask.save_as(tmp_path / "in" / "seg.dcm")
    done = run(tmp_path)
    assert [finding.code for finding in done.findings] == ["mask_not_drawn"]
    assert (
        "segment 2 (tumour): expected frames of it, found none: it counts as nothing there" in done.findings[0].message
    )
    assert not masks_of(tmp_path)[Compartment.TUMOUR][0].any()


def test_a_mask_of_a_series_that_is_not_there_is_said(tmp_path: Path) -> None:
    series = dicom.slices(volume(), DAY)
    dicom.save_all(series, tmp_path / "in" / "scan")
    mask = seg(series, [drawn(3, 9)], [described(1, Compartment.TUMOUR, "t")])
    for item in mask.ReferencedSeriesSequence:
        item.SeriesInstanceUID = generate_uid()
    mask.save_as(tmp_path / "in" / "seg.dcm")
    done = run(tmp_path)
    assert [finding.code for finding in done.findings] == ["mask_series_missing"]
    assert "expected the series that it was drawn on, found it missing" in done.findings[0].message
    assert np.array_equal(masks_of(tmp_path)[Compartment.TUMOUR][0], drawn(3, 9))


REAL = REALCORD


@pytest.mark.skipif(not REAL.is_dir(), reason="the real cords are not beside the project")
@pytest.mark.parametrize("region", ["cervical", "thoracolumbar"])
def test_masks_on_a_real_cord_keep_their_volumes_on_the_way_through_dicom(region: str, tmp_path: Path) -> None:
    patient = min((REAL / region / "bids").glob("sub-*")).name
    scan = next((REAL / region / "bids" / patient / "ses-01" / "anat").glob("*_T2w.nii.gz"))
    mask = next((REAL / region / "bids" / "derivatives").glob(f"*/{patient}/ses-01/anat/*_dseg.nii.gz"))
    image, labels = images.load(scan), images.load(mask)
    series = dicom.slices(image.with_array(np.rint(image.array).astype(np.int16)), DAY)
    dicom.save_all(series, tmp_path / "in" / "scan")
    kinds = [Compartment.TUMOUR, Compartment.CYST, Compartment.OEDEMA]
    drawn_here = [number for number in (1, 2, 3) if (labels.array == number).any()]
    segments = [described(n, kinds[number - 1], str(kinds[number - 1])) for n, number in enumerate(drawn_here, start=1)]
    seg(series, [labels.array == number for number in drawn_here], segments).save_as(tmp_path / "in" / "seg.dcm")
    done = run(tmp_path)
    given = {kinds[row["label"] - 1]: row["volume_mm3"] for row in measure_file(mask, None)}
    (back,) = [tmp_path / "study" / name for name in done.added if name.startswith("derivatives/")]
    found = {list(Compartment)[row["label"] - 1]: row["volume_mm3"] for row in measure_file(back, None)}
    assert found == pytest.approx(given, rel=1e-5)
    assert found[Compartment.TUMOUR] > 0


@pytest.mark.skipif(not REAL.is_dir(), reason="the real cords are not beside the project")
def test_a_real_cord_is_aligned_the_same_after_going_through_dicom(tmp_path: Path) -> None:
    bids = REAL / "thoracolumbar" / "bids"
    patient = min(bids.glob("sub-*")).name
    mask = images.load(next((bids / "derivatives").glob(f"*/{patient}/ses-01/anat/*_dseg.nii.gz")))
    region = mask.with_array(mask.array > 0)
    given = []
    for session, day in (("ses-01", DAY), ("ses-02", DAY.replace(year=DAY.year + 1))):
        image = images.load(next((bids / patient / session / "anat").glob("*_T2w.nii.gz")))
        given.append(image.with_array(np.rint(image.array).astype(np.int16)))
        dicom.save_all(dicom.slices(given[-1], day), tmp_path / "in" / session)
    names = sorted(name for name in run(tmp_path).added if name.endswith("_T2w.nii.gz"))
    came_back = [images.load(tmp_path / "study" / name) for name in names]
    by_nifti, by_dicom = (
        finished(registration.align, first, second, region=region, exclude=region).to_follow_up
        for first, second in (given, came_back)
    )
    points_mm = to_world(region.affine, np.argwhere(region.array))
    apart_mm = np.linalg.norm(move_points(by_nifti, points_mm) - move_points(by_dicom, points_mm), axis=-1)
    assert apart_mm.max() < 0.05


def two_runs(folder: Path) -> list[list[Any]]:
    """Write a scan done twice at one place in one study; return the slices of each."""
    study, frame = generate_uid(), generate_uid()
    runs = []
    for number in (1, 2):
        uids = {"study": study, "series": generate_uid(), "frame": frame}
        noisy = Volume(volume().array + number, volume().affine)
        slices = dicom.slices(noisy, DAY, uids=uids, SeriesNumber=number, AcquisitionTime=f"10{number}000")
        dicom.save_all(slices, folder / f"run{number}")
        runs.append(slices)
    return runs


@pytest.mark.parametrize("which", [0, 1])
def test_a_mask_comes_to_the_run_it_was_drawn_on(which: int, tmp_path: Path) -> None:
    runs = two_runs(tmp_path / "in")
    mask = seg(runs[which], [drawn(3, 9)], [described(1, Compartment.TUMOUR, "t")])
    mask.save_as(tmp_path / "in" / "seg.dcm")
    done = run(tmp_path)
    (file,) = (name for name in done.added if name.startswith("derivatives"))
    assert ("_run-2_" in file) == (which == 1)
    sidecar = json.loads((tmp_path / "study" / file.replace(".nii.gz", ".json")).read_text())
    assert ("_run-2_" in sidecar["Sources"][0]) == (which == 1)


def test_a_mask_that_names_no_series_and_fits_two_runs_is_on_neither(tmp_path: Path) -> None:
    runs = two_runs(tmp_path / "in")
    mask = seg(runs[0], [drawn(3, 9)], [described(1, Compartment.TUMOUR, "t")])
    for item in mask.ReferencedSeriesSequence:
        item.SeriesInstanceUID = generate_uid()
    mask.save_as(tmp_path / "in" / "seg.dcm")
    done = run(tmp_path)
    assert [finding.code for finding in done.findings] == ["mask_unplaced"]
    assert "found none named and 2 that fit" in done.findings[0].message
