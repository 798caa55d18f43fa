"""What a series becomes when its neighbours count: blocks, stations and composed images, Dixon parts, gradients."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.core.volume import Volume
from pipeline.hospital.importing.importing import ImportDone, ImportSettings, import_dicom
from tests import dicom_files as dicom

DAY = date(2020, 2, 17)
EPI = {"ScanningSequence": ["EP", "SE"], "EchoTime": 75.0, "RepetitionTime": 4200.0, "FlipAngle": 90.0,
       "MRAcquisitionType": "2D"}  # fmt: skip
SAGITTAL = np.array([[0.0, 0, 3.3, 0], [0.7, 0, 0, 0], [0, -0.7, 0, 0], [0, 0, 0, 1.0]])


def volume(affine: np.ndarray = SAGITTAL, slices: int = 12, seed: int = 1, at: tuple[float, ...] = (0, 0, 0)) -> Volume:
    moved = affine.copy()
    moved[:3, 3] = at
    array = np.random.default_rng(seed).integers(1, 900, (24, 20, slices)).astype(np.int16)
    return Volume(array, moved)


def turned(degrees: float, about: int) -> np.ndarray:
    """A sagittal grid turned about an axis of the body."""
    angle = np.radians(degrees)
    turn = np.eye(4)
    a, b = [axis for axis in range(3) if axis != about]
    turn[a, a] = turn[b, b] = np.cos(angle)
    turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
    return np.asarray(turn @ SAGITTAL)


def add(folder: Path, grid: Volume, name: str, made: Mapping[str, Any] = dicom.T2_SPIN_ECHO, **extra: Any) -> None:
    dicom.save_all(dicom.slices(grid, DAY, made=made, SeriesDescription=name, **extra), folder / name)


def run(tmp_path: Path, **more: Any) -> ImportDone:
    return import_dicom(ImportSettings(tmp_path / "in", tmp_path / "study", **more), lambda *_: None)


def names(done: ImportDone) -> list[str]:
    """Names without patient and visit."""
    return sorted("_".join(Path(file).name.split("_")[2:]).removesuffix(".nii.gz") for file in done.added)


@pytest.mark.parametrize(
    ("degrees", "about", "right"),
    [(0, 2, ["acq-sag_T2w"]), (30, 2, ["acq-sag_T2w"]), (40, 2, []), (45, 2, []), (45, 1, []), (52, 2, []),
     (60, 2, ["acq-cor_T2w"]), (80, 1, ["acq-ax_T2w"])],
)  # fmt: skip
def test_an_oblique_stack_is_never_sure_of_its_plane(
    degrees: float, about: int, right: list[str], tmp_path: Path
) -> None:
    add(tmp_path / "in", volume(turned(degrees, about)), "t2_tse")
    done = run(tmp_path)
    assert names(done) == right
    if not right:
        assert [finding.code for finding in done.findings] == ["series_unsure"]
        assert "oblique beyond 35 degrees" in done.findings[0].message
        rules = tmp_path / "rules.toml"  # the remedy
        rules.write_text(f'[[rule]]\nseries = "{done.rows[0].series}"\nplane = "sag"\n')
        assert names(run(tmp_path, rules=rules)) == ["acq-sag_T2w"]


def test_a_composed_image_stays_out_only_where_its_stations_are(tmp_path: Path) -> None:
    whole = {"ImageType": ["DERIVED", "PRIMARY", "M", "COMP_SP", "COMPOSED"]}
    add(tmp_path / "in", volume(), "composed", **whole)
    done = run(tmp_path)
    assert names(done) == ["acq-sag_T2w"], "nothing else is there"

    other = tmp_path / "other"
    uids = dicom.new_uids()["study"]
    tall = Volume(np.ones((24, 40, 12), np.int16), volume(at=(0, 0, 0)).affine)
    for name, grid, extra in (
        ("upper", volume(at=(0, 0, 0)), {}), ("lower", volume(at=(0, 0, -14), seed=2), {}), ("composed", tall, whole),
    ):  # fmt: skip
        add(other / "in", grid, name, uids={**dicom.new_uids(), "study": uids}, **extra)
    done = run(other)
    assert names(done) == ["acq-sag_chunk-1_T2w", "acq-sag_chunk-2_T2w"]
    assert any(row.reason.startswith("stitched from several stations") for row in done.rows)


def test_a_composed_image_with_one_of_its_stations_is_asked_about(tmp_path: Path) -> None:
    whole = {"ImageType": ["DERIVED", "PRIMARY", "M", "COMP_SP", "COMPOSED"]}
    add(tmp_path / "in", volume(), "upper")
    add(tmp_path / "in", Volume(np.ones((24, 40, 12), np.int16), volume().affine), "composed", **whole)
    done = run(tmp_path)
    assert names(done) == ["acq-sag_T2w"]
    assert [finding.code for finding in done.findings] == ["series_unsure"]


def test_a_secondary_volume_is_a_scan_unless_it_may_be_a_copy(tmp_path: Path) -> None:
    secondary = {"ImageType": ["DERIVED", "SECONDARY"]}
    add(tmp_path / "in", volume(), "t2_tse", **secondary)
    assert names(run(tmp_path)) == ["acq-sag_T2w"]
    add(tmp_path / "both" / "in", volume(), "t2_tse")
    add(tmp_path / "both" / "in", volume(), "t2_tse_filtered", **secondary)
    done = run(tmp_path / "both")
    assert names(done) == ["acq-sag_T2w"]
    assert "it may be its copy" in done.findings[0].message
    add(tmp_path / "capture" / "in", volume(slices=3), "t2_tse", **secondary)
    assert names(run(tmp_path / "capture")) == []


@pytest.mark.parametrize("stated", [True, False])
def test_directions_of_diffusion_are_those_of_the_scan_or_none(stated: bool, tmp_path: Path) -> None:
    directions = ([1.0, 0.0, 0.0], [0.0, 0.6, 0.8])
    uids = dicom.new_uids()
    for number, (b_value, direction) in enumerate(((None, None), (800.0, directions[0]), (800.0, directions[1]))):
        extra = {"DiffusionGradientOrientation": direction} if direction and stated else {}
        add(tmp_path / "in" / str(number), volume(seed=number), "dti", EPI, uids=uids, DiffusionBValue=b_value,
            AcquisitionNumber=number, **extra)  # fmt: skip
    done = run(tmp_path)
    assert len(done.added) == (3 if stated else 1), "the image without a b-value is the unweighted one of its series"
    found = {}
    for file in done.added:
        stem = tmp_path / "study" / file.removesuffix(".nii.gz")
        vector = stem.with_name(stem.name + ".bvec")
        b_value = float(stem.with_name(stem.name + ".bval").read_text())
        found.setdefault(b_value, []).append(np.loadtxt(vector) if vector.exists() else None)
    assert not np.any(found[0.0][0])
    if not stated:
        assert sorted(found) == [0.0], "with its direction or not at all"
        assert "series_unsure" in {finding.code for finding in done.findings}
        return
    # rows run to the back, columns to the feet, slices to the left; the axes are right-handed, so the first is turned
    one, two = sorted(found[800.0], key=lambda vector: -abs(vector[2]))
    np.testing.assert_allclose(np.abs(one), [0, 0, 1], atol=1e-6)
    np.testing.assert_allclose(np.abs(two), [0.6, 0.8, 0], atol=1e-6)


def test_the_parts_of_a_dixon_series_have_names_of_their_own(tmp_path: Path) -> None:
    uids = dicom.new_uids()
    for number, kind in enumerate(("IP", "OP", "F", "W")):
        add(tmp_path / "in" / kind, volume(seed=number), "T2W_mDIXON_sag", uids=uids,
            ImageType=["DERIVED", "PRIMARY", kind, kind, "DERIVED"])  # fmt: skip
    assert names(run(tmp_path)) == ["acq-sag_T2w", "acq-sagwater_T2w"]


def test_an_image_that_somebody_removed_comes_back_unless_a_rule_leaves_it_out(tmp_path: Path) -> None:
    add(tmp_path / "in", volume(), "t2_tse")
    done = run(tmp_path)
    (file,) = done.added
    (tmp_path / "study" / file).unlink()
    rules = tmp_path / "rules.toml"
    rules.write_text(f'[[rule]]\nseries = "{done.rows[0].series}"\ncontrast = "skip"\n')
    assert run(tmp_path, rules=rules).added == ()
    assert run(tmp_path).added == (file,)


T1 = {**dicom.T1_SPIN_ECHO, "SeriesDescription": "t1_tse_sag"}


@pytest.mark.parametrize(
    ("times", "agent", "expected"),
    [
        (("101000", "102000"), None, ["acq-sag_ce-gadolinium_T1w"]),  # plain by its header, yet after the agent
        (("101000", "102000"), "NONE", ["acq-sag_ce-gadolinium_T1w"]),
        (("103000", "102000"), None, ["acq-sag_T1w", "acq-sag_ce-gadolinium_T1w"]),
        (("101000", ""), None, ["acq-sag_T1w", "acq-sag_ce-gadolinium_T1w"]),
    ],
)
def test_a_t1w_that_comes_after_an_enhanced_one_is_likely_enhanced(
    times: tuple[str, str], agent: str | None, expected: list[str], tmp_path: Path
) -> None:
    study = dicom.new_uids()["study"]
    first = {"ContrastBolusAgent": "Gadovist", "AcquisitionTime": times[0]}
    second = {"ContrastBolusAgent": agent, "AcquisitionTime": times[1]}
    if not times[1]:
        second |= {"SeriesTime": "", "StudyTime": ""}
    for number, extra in enumerate((first, second)):
        add(tmp_path / "in" / str(number), volume(seed=number), "t1_tse_sag", T1, uids=dicom.new_uids(study), **extra)
    done = run(tmp_path)
    assert sorted(names(done)) == expected
    if len(expected) == 1:
        assert "likely T1w_ce" in done.findings[0].message
        assert "after a series with contrast agent" in done.findings[0].message
