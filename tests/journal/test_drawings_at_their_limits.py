"""Pieces that acts and names are bound to, and drawings, at the limit of each rule. About a second."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.core.piece_names import LesionName, PiecePlace
from pipeline.core.records import LesionComponent
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.errors import InputError, SettingsError
from pipeline.files import images
from pipeline.journal import (
    drawing,
    drawn_masks,
    lesion_names,
    sign_off,
)
from pipeline.journal.decisions import Act, ActKind
from pipeline.study.scans import ScanFile
from pipeline.study.study_folder import StudyPatient

AT = datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001  # the journal keeps UTC without a zone
P = "sub-01"


# An act about a lesion is bound to the piece that was seen ----------------------------------------------------------


LESIONS = pd.DataFrame(
    [
        ("ses-01", "L1", "small", 100.0, 1.0), ("ses-01", "L1", "large", 200.0, 2.04),
        ("ses-01", "L1", None, 900.0, 9.0),
        ("ses-01", "L2", "other", 500.0, 3.0), ("ses-02", "L1", "later", 800.0, 4.0),
    ],
    columns=["session_id", "lesion_id", "component_sha256", "volume_mm3", "scan_x_mm"],
).assign(scan_y_mm=-2.0, scan_z_mm=30.25)  # fmt: skip


@pytest.mark.parametrize("kind", [ActKind.CORRECT_LESION, ActKind.WITHDRAW_LESION])
def test_an_act_about_a_lesion_is_bound_to_its_largest_piece_at_the_visit(kind: ActKind) -> None:
    found = sign_off.bound(Act(kind, P, "ses-01", lesion_id="L1"), LESIONS)
    assert (found.component_sha256, found.component_at_mm) == ("large", "2.0 -2.0 30.2")


@pytest.mark.parametrize(
    "act",
    [
        Act(ActKind.COMMENT, P, "ses-01", lesion_id="L1"),
        Act(ActKind.WITHDRAW_LESION, P, "ses-01"),
        Act(ActKind.WITHDRAW_LESION, P, "ses-01", lesion_id="L1", component_sha256="small"),
        Act(ActKind.WITHDRAW_LESION, P, "ses-01", lesion_id="L9"),
        Act(ActKind.WITHDRAW_LESION, P, "ses-03", lesion_id="L1"),
    ],
)
def test_an_act_without_a_lesion_or_a_piece_or_that_is_bound_stays_as_it_is(act: Act) -> None:
    assert sign_off.bound(act, LESIONS) == act


# Names of lesions ----------------------------------------------------------------------------------------------------


def name(
    lesion: str = "L1", sha256: str = "x", at: float = 0.0, patient: str = P, session: str = "ses-01"
) -> LesionName:
    return LesionName(patient, session, lesion, PiecePlace(sha256, (at, 0.0, 0.0)), 100.0)


def piece(lesion: str = "L1", sha256: str | None = "x", at: float | None = 0.0, **more: Any) -> LesionComponent:
    given = {"named_as": lesion, "scan_y_mm": 0.0, "scan_z_mm": 0.0, "volume_mm3": 100.0, **more}
    return LesionComponent(
        P, "ses-01", lesion, 1, "new", given["volume_mm3"], 0.0, 0.0, 0.0, component_sha256=sha256, scan_x_mm=at,
        scan_y_mm=given["scan_y_mm"], scan_z_mm=given["scan_z_mm"], named_as=given["named_as"],
    )  # fmt: skip


def test_names_are_those_of_each_patient_in_the_order_they_were_given() -> None:
    record = lesion_names.NamesOnRecord((name("L2"), name(patient="sub-02"), name("L1")))
    assert record.by_patient() == {P: [name("L2"), name("L1")], "sub-02": [name(patient="sub-02")]}


@pytest.mark.parametrize(
    ("row", "is_new"),
    [
        (piece(), False), (piece("L2"), True), (piece(sha256="y"), True),
        (piece(at=1.0), False), (piece(at=1.01), True),
        (piece(volume_mm3=None), False), (piece(named_as=None), False), (piece(sha256=None), False),
        (piece(at=None), False), (piece("L2", scan_y_mm=None), False), (piece("L2", scan_z_mm=None), False),
    ],
)  # fmt: skip
def test_a_piece_is_put_on_record_once_for_each_name_and_place(row: LesionComponent, is_new: bool) -> None:
    assert bool(lesion_names.unrecorded([name()], [row, row])) == is_new
    assert len(lesion_names.unrecorded([name()], [row, row])) <= 1


def test_the_latest_name_of_a_piece_counts() -> None:
    assert lesion_names.unrecorded([name("L1"), name("L2")], [piece("L2")]) == ()
    assert [one.lesion_id for one in lesion_names.unrecorded([name("L2"), name("L1")], [piece("L2")])] == ["L2"]


def test_what_is_recorded_of_a_piece_is_rounded_as_it_is_read_again() -> None:
    (given,) = lesion_names.unrecorded([], [piece(at=1.23456, volume_mm3=65.4321)])
    assert (given.place.centre_mm[0], given.volume_mm3) == (1.23, 65.43)


def test_nothing_to_name_writes_no_file_and_names_stay_in_order(tmp_path: Path) -> None:
    lesion_names.append(tmp_path, [])
    assert not (tmp_path / lesion_names.FILE).exists()
    lesion_names.append(tmp_path, [name("L1"), name("L2")])
    lesion_names.append(tmp_path, [name("L3")])
    record = lesion_names.read(tmp_path)
    assert [one.lesion_id for one in record.names] == ["L1", "L2", "L3"]
    assert record.findings == ()


# Drawings ------------------------------------------------------------------------------------------------------------


GRID = np.diag([1.0, 1.0, 1.0, 1.0])


def target(measured: np.ndarray | None, affine: np.ndarray = GRID) -> drawing.Target:
    shape = (10, 6, 6)
    return drawing.Target(
        P, "ses-01", Compartment.TUMOUR, Path("scan"), "s", Volume(np.zeros(shape), affine),
        None if measured is None else Volume(measured, affine), None, (),
    )  # fmt: skip


def drawn(first: int, last: int, value: float = 1.0) -> np.ndarray:
    array = np.zeros((10, 6, 6))
    array[first:last, 2:4, 2:4] = value
    return array


def doubts(new: np.ndarray, old: np.ndarray, affine: np.ndarray = GRID) -> str:
    return " ".join(drawing._fit(Volume(new, affine), target(old, affine)).doubts)


def test_the_overlap_of_a_drawing_and_what_it_replaces_is_their_dice() -> None:
    fit = drawing._fit(Volume(drawn(0, 4), GRID), target(drawn(2, 4)))
    assert (fit.dice, fit.volume_mm3, fit.was_mm3) == (pytest.approx(2 * 8 / 24), 16.0, 8.0)
    assert not fit.is_empty
    assert drawing._fit(Volume(drawn(0, 0), GRID), target(drawn(2, 4))).dice is None
    assert drawing._fit(Volume(drawn(0, 0), GRID), target(drawn(2, 4))).is_empty
    assert drawing._fit(Volume(drawn(0, 4), GRID), target(drawn(0, 0))).dice is None
    alone = drawing._fit(Volume(drawn(0, 4), GRID), target(None))
    assert (alone.was_mm3, alone.dice, alone.doubts) == (None, None, ())


def test_a_voxel_drawn_by_half_is_drawn() -> None:
    fit = drawing._fit(Volume(drawn(2, 4, 0.5), GRID), target(drawn(2, 4)))
    assert fit.dice == 1.0
    assert drawing._fit(Volume(drawn(2, 4, 0.49), GRID), target(drawn(2, 4))).dice is None


def test_a_drawing_that_is_the_measured_mask_or_lies_elsewhere_or_is_mirrored_is_doubted() -> None:
    assert "It is the mask that is measured now" in doubts(drawn(2, 4), drawn(2, 4))
    assert doubts(drawn(2, 5), drawn(2, 4)) == ""
    assert "left and right swapped" in doubts(drawn(1, 3), drawn(7, 9))
    assert "does not touch" in doubts(drawn(3, 5), drawn(7, 9))
    assert doubts(drawn(0, 0), drawn(7, 9)) == ""


@pytest.mark.parametrize(("old", "is_doubted"), [((2, 7), False), ((1, 6), True)])
def test_left_and_right_are_in_doubt_where_the_mirror_image_fits_better_by_a_fifth(
    old: tuple[int, int], is_doubted: bool
) -> None:
    """Drawn are slices 4 to 8 of 10: with 2 to 6 they share 3, mirrored 4; with 1 to 5 they share 2, mirrored all 5."""
    assert ("swapped" in doubts(drawn(4, 9), drawn(*old))) == is_doubted


def test_left_and_right_lie_across_the_axis_that_runs_from_side_to_side() -> None:
    turned = np.array([[0.0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
    assert "does not touch" in doubts(drawn(1, 3), drawn(7, 9), turned), "mirrored from head to foot is elsewhere"


@pytest.mark.parametrize(("count", "is_mask"), [(32, True), (33, False)])
def test_a_label_map_has_up_to_thirty_two_labels(count: int, is_mask: bool) -> None:
    array = np.arange(count + 1.0)
    if is_mask:
        assert drawing._labels(array, "m") == dict.fromkeys(range(1, count + 1), 1)
    else:
        with pytest.raises(InputError, match="found 33 different numbers"):
            drawing._labels(array, "m")


@pytest.mark.parametrize(("off", "labels"), [(0.001, {2: 1}), (0.0011, {})])
def test_a_label_may_miss_its_number_by_a_thousandth(off: float, labels: dict[int, int]) -> None:
    assert drawing._labels(np.array([0.0, 2.0 - off]), "m") == labels


def test_the_scans_of_the_visit_itself_are_looked_at_first() -> None:
    def scan(session: str) -> Any:
        return type("Scan", (), {"session_id": session})()

    def visit(*scans: Any) -> Any:
        return type("Visit", (), {"scans": scans})()

    patient: StudyPatient = type("Patient", (), {"visits": [visit(scan("a")), visit(scan("b")), visit(scan("c"))]})()
    order: tuple[ScanFile, ...] = drawing._scans_of(patient, "b")
    assert [one.session_id for one in order] == ["b", "a", "c"]
    assert drawing._scans_of(None, "b") == ()


def test_an_upload_keeps_a_harmless_name_and_is_compressed_by_what_it_holds(tmp_path: Path) -> None:
    assert drawing.of_upload("../my mask.nii.gz", drawing.GZIP + b"x", tmp_path).name == "my_mask.nii.gz"
    assert drawing.of_upload("mask.nii.gz", b"plain", tmp_path).name == "mask.nii"
    assert drawing.of_upload(".nii", b"plain", tmp_path).name == "mask.nii"
    assert drawing.of_upload("a" * 50 + ".nii", b"plain", tmp_path).name == "a" * 40 + ".nii"


def test_a_file_too_large_for_a_mask_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "MOST_MEGABYTES", 1)
    with pytest.raises(InputError, match="up to 1 MB, found more"):
        drawing.of_upload("m.nii", b"x" * (2**20 + 1), tmp_path)
    assert drawing.of_upload("m.nii", b"x" * 2**20, tmp_path).is_file()


def test_a_mask_that_is_kept_is_told_from_one_that_is_gone_or_changed(tmp_path: Path) -> None:
    kept = drawn_masks.keep(tmp_path, Volume(np.zeros((2, 2, 2), dtype=np.uint8), GRID))
    assert drawn_masks.problems(tmp_path, [kept, None]) == []
    gone = "0" * 64
    assert drawn_masks.problems(tmp_path, [gone, gone]) == [
        f"journal/masks/{gone}.nii.gz: expected the mask that a person drew, found none"
    ]
    (tmp_path / drawn_masks.relative_path(kept)).write_bytes(b"x")
    assert drawn_masks.problems(tmp_path, [kept])[0].endswith("found a changed file")
    for sha256, words in ((kept, "found a changed file"), (gone, "found none")):
        with pytest.raises(InputError, match=words):
            drawn_masks.read(tmp_path, sha256)


@pytest.mark.parametrize(("share", "voxels"), [(0.5, 8), (0.49, 0)])
def test_what_is_handed_out_to_edit_is_drawn_where_a_voxel_is_half_filled(
    share: float, voxels: int, tmp_path: Path
) -> None:
    (tmp_path / "m.nii.gz").write_bytes(drawing.to_edit(target(drawn(2, 4, share))))
    assert np.count_nonzero(images.load(tmp_path / "m.nii.gz").array) == voxels
    (tmp_path / "none.nii.gz").write_bytes(drawing.to_edit(target(None)))
    assert not images.load(tmp_path / "none.nii.gz").array.any()


@pytest.mark.parametrize("what", ["gone", "changed"])
def test_a_mask_is_not_put_on_record_on_a_scan_that_is_gone_or_changed(what: str, tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    if what == "changed":
        scan.write_bytes(b"x")
    meant = replace(target(None), scan=scan, scan_sha256="0" * 64)
    fit = drawing._fit(Volume(drawn(2, 4), GRID), meant)
    with pytest.raises(SettingsError, match="the scan has changed since the last run"):
        sign_off.correct_mask(tmp_path, meant, fit, sign_off.Signature("A", "rim", AT))


@pytest.mark.parametrize(
    ("last", "nothing_there", "words"), [(2, False, "nothing is drawn"), (4, True, "something is")]
)
def test_an_empty_mask_is_called_empty_and_no_other_is(
    last: int, nothing_there: bool, words: str, tmp_path: Path
) -> None:
    fit = drawing._fit(Volume(drawn(2, last), GRID), target(None))
    with pytest.raises(SettingsError, match=words):
        sign_off.correct_mask(
            tmp_path, target(None), fit, sign_off.Signature("A", "x", AT), nothing_there=nothing_there
        )
