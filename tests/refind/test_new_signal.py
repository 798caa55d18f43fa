"""New signal where a tumour was taken out: found when it is there, not found when it is not. A few seconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from pipeline.core import records
from pipeline.core.transform import Transform, identity, inverse
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.files.finished_steps import StepResult
from pipeline.refind import new_signal, refinding, signal_search
from pipeline.run.steps import search_signal
from pipeline.run.steps.visit_work import AlignedVisit, MaskedVisit, PlacedVisit, ScannedVisit
from pipeline.study.scans import ScanFile
from pipeline.study.visits import StudyVisit
from tests.refind.test_refinding import phantom

NO_TUMOUR_MM = 0.01


def masked_without_tumour(*, with_cyst: bool) -> tuple[refinding.DonorVisit, Volume]:
    """Return a visit after total resection, and the bed that an earlier visit's tumour marks on its grid."""
    scan, labels = phantom(NO_TUMOUR_MM)
    _, before = phantom(4.0)
    masks = {"tumour": labels.with_array(np.zeros(labels.shape))}
    if with_cyst:
        masks["cyst"] = labels.with_array(labels.array == 2)
    return refinding.DonorVisit(scan, masks), before.with_array(before.array == 1)


@pytest.mark.parametrize("slice_mm", [1.0, 3.0])
@pytest.mark.parametrize("with_cyst", [True, False])
def test_a_tumour_that_comes_back_is_found_at_its_place(slice_mm: float, with_cyst: bool) -> None:
    masked, bed = masked_without_tumour(with_cyst=with_cyst)
    later, labels = phantom(4.0, slice_mm=slice_mm, cyst_radius_mm=3.0)
    found = signal_search.look_for_new_signal(masked, bed, later, identity("follow-up", "masked"))
    assert found is not None
    true_mm3 = float((labels.array == 1).sum()) * labels.voxel_mm3
    assert true_mm3 > 150
    nearest = min(found, key=lambda one: np.linalg.norm(one.centre_mm))
    np.testing.assert_allclose(nearest.centre_mm, [0, 0, 0], atol=3)
    assert 0.3 * true_mm3 < nearest.volume_mm3 < 2 * true_mm3
    assert nearest.stands_out


@pytest.mark.parametrize("slice_mm", [1.0, 3.0])
@pytest.mark.parametrize("cyst_radius_mm", [2.0, 3.0, 4.0])
def test_a_cyst_that_changes_is_no_new_signal(slice_mm: float, cyst_radius_mm: float) -> None:
    masked, bed = masked_without_tumour(with_cyst=True)
    later, _ = phantom(NO_TUMOUR_MM, slice_mm=slice_mm, cyst_radius_mm=cyst_radius_mm)
    assert signal_search.look_for_new_signal(masked, bed, later, identity("follow-up", "masked")) == ()


def test_on_a_scan_full_of_unexplained_signal_a_flag_does_not_stand_out_and_says_so() -> None:
    masked, bed = masked_without_tumour(with_cyst=False)
    clouds = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=masked.image.shape), 3)

    def flagged(radius_mm: float, share: float) -> new_signal.SignalPlace:
        later, _ = phantom(radius_mm)
        cloudy = later.with_array(later.array + share * later.array.std() * clouds / clouds.std())
        found = signal_search.look_for_new_signal(masked, bed, cloudy, identity("follow-up", "masked"))
        assert found, "a flag is never held back"
        return found[0]

    clear, doubtful = flagged(4.0, 0.0), flagged(NO_TUMOUR_MM, 0.35)
    assert (clear.stands_out, doubtful.stands_out) == (True, False)
    assert search_signal.in_words(doubtful, "before").endswith("as after movement, so it may be no tissue at all")
    assert "movement" not in search_signal.in_words(clear, "before")


def test_nobody_looks_where_nothing_marks_the_bed_or_the_scan_is_blank() -> None:
    masked, bed = masked_without_tumour(with_cyst=False)
    later, _ = phantom(4.0)
    assert signal_search.look_for_new_signal(masked, None, later, identity("follow-up", "masked")) is None
    blank = later.with_array(np.ones(later.shape))
    assert signal_search.look_for_new_signal(masked, bed, blank, identity("follow-up", "masked")) is None


def placed(session: str, z_mm: float, image: Volume, masks: MaskedVisit, on: date | None = None) -> PlacedVisit:
    """Return a visit that lies so much higher than the reference."""
    matrix = np.eye(4)
    matrix[2, 3] = z_mm
    there = Transform("reference", session, matrix)
    anchor = ScanFile(Path(session), f"{session}.nii.gz", "sub-01", session, "T2w")
    row = records.Scan("sub-01", session, anchor.relative, "T2w", is_anchor=True, sha256=session)
    read = ScannedVisit(StudyVisit("sub-01", session, on, (anchor,), ()), "usable", None, anchor, image, (row,), ())
    return PlacedVisit(read, masks, place=AlignedVisit(session, there, inverse(there), "", None))


def test_the_bed_is_where_an_earlier_visit_had_tumour_seen_from_the_source() -> None:
    grid = Volume(np.ones((6, 6, 20)), np.eye(4))

    def drawn(session: str, z_mm: float, k: slice) -> PlacedVisit:
        array = np.zeros(grid.shape, dtype=np.float32)
        array[2:4, 2:4, k] = 1
        masks = {"reader": {Compartment.TUMOUR: grid.with_array(array)}}
        return placed(session, z_mm, grid, MaskedVisit(session, MaskOrigin.MANUAL, masks, source="reader"))

    first, donor = drawn("ses-01", 2.0, slice(4, 7)), drawn("ses-02", 5.0, slice(0, 0))
    bed = search_signal._bed(donor, [first, donor])
    assert bed is not None
    assert np.flatnonzero(bed.array[3, 3]).tolist() == [7, 8, 9], "4 to 6, and 3 mm higher"
    assert search_signal._bed(donor, [donor]) is None


@pytest.mark.parametrize(
    ("code", "kept"), [(search_signal.FOUND, {"cyst"}), (search_signal.NOT_FOUND, {"cyst", "oedema"})]
)
def test_oedema_found_beside_new_signal_is_not_measured_and_says_why(
    code: str, kept: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = search_signal.finding(
        code, "sub-01 ses-02: new signal: about 200 mm³", patient_id="sub-01", session_id="ses-02"
    )
    place = records.NewSignal("sub-01", "ses-02", 1, "ses-01", 200.0, *(0.0,) * 6)
    rows = (flag, place) if code == search_signal.FOUND else (flag,)
    finished = StepResult(records=rows, words={search_signal.NOT_FOUND: "nothing was: seen"})
    monkeypatch.setattr(search_signal.finished_steps, "cached", lambda *_: finished)
    grid = Volume(np.ones((2, 2, 2)), np.eye(4))
    masks = dict.fromkeys((Compartment.CYST, Compartment.OEDEMA), grid)
    drawings = tuple(SimpleNamespace(compartment=str(c), path="p", sha256="s", is_primary=True) for c in masks)
    made = MaskedVisit("ses-02", MaskOrigin.AUTOMATIC, {"cordtrack": masks}, drawings, source="cordtrack")  # type: ignore[arg-type]
    donor = placed("ses-01", 0.0, grid, MaskedVisit("ses-01", None, {}), date(2020, 2, 17))
    found = search_signal.with_new_signal(placed("ses-02", 0.0, grid, made), donor, [donor], Path())
    assert set(found.primary) == {row.compartment for row in found.rows} == kept
    words = "new signal of about 0.20 mL where no tumour was drawn on 2020-02-17; look at"
    assert found.missing[Compartment.TUMOUR].startswith(words if code == search_signal.FOUND else "nothing was: seen; ")
    if code == search_signal.FOUND:
        assert "may have grown over it" in found.missing[Compartment.OEDEMA]
        assert found.signals == (place,)


def test_the_place_is_told_in_both_scans(tmp_path: Path) -> None:
    masked, bed = masked_without_tumour(with_cyst=False)
    later, _ = phantom(4.0)
    bed_masks = {"reader": {Compartment.TUMOUR: bed.with_array(bed.array.astype(np.float32))}}
    earlier = MaskedVisit("ses-00", MaskOrigin.MANUAL, bed_masks, source="reader")
    given = MaskedVisit(
        "ses-01", MaskOrigin.MANUAL, {"reader": {Compartment.TUMOUR: masked.masks["tumour"]}}, source="reader"
    )
    donor = placed("ses-01", 5.0, masked.image, given)
    visit = placed("ses-02", 5.0, later, MaskedVisit("ses-02", None, {}))
    seen = search_signal._look(visit, donor, [placed("ses-00", 5.0, bed, earlier), donor], tmp_path)
    flag, place, *_ = seen.records
    assert isinstance(flag, records.Finding)
    assert "where no tumour was drawn at ses-01" in flag.message, "which has no date"
    assert isinstance(place, records.NewSignal)
    assert (place.session_id, place.number, place.compared_session_id) == ("ses-02", 1, "ses-01")
    np.testing.assert_allclose([place.right_mm, place.anterior_mm, place.superior_mm], [0, 0, 0], atol=3)
    assert place.reference_superior_mm == pytest.approx(place.superior_mm - 5.0)
    assert (place.reference_right_mm, place.reference_anterior_mm) == pytest.approx((place.right_mm, place.anterior_mm))


@pytest.mark.parametrize("slice_mm", [1.0, 3.0])
def test_a_dark_tumour_that_comes_back_is_not_flagged_and_the_visit_says_that_none_was_looked_for(
    slice_mm: float, tmp_path: Path
) -> None:
    masked, bed = masked_without_tumour(with_cyst=False)
    clean, _ = phantom(NO_TUMOUR_MM, slice_mm=slice_mm)
    _, labels = phantom(4.0, slice_mm=slice_mm)
    dark = clean.with_array(clean.array - 70.0 * (labels.array == 1))
    bed_masks = {"reader": {Compartment.TUMOUR: bed.with_array(bed.array.astype(np.float32))}}
    given = {"reader": {Compartment.TUMOUR: masked.masks["tumour"]}}
    earlier = placed("ses-00", 0.0, bed, MaskedVisit("ses-00", MaskOrigin.MANUAL, bed_masks, source="reader"))
    donor = placed("ses-01", 0.0, masked.image, MaskedVisit("ses-01", MaskOrigin.MANUAL, given, source="reader"))
    visit = placed("ses-02", 0.0, dark, MaskedVisit("ses-02", None, {}))
    for _ in range(2):  # the second time from what was kept
        found = search_signal.with_new_signal(visit, donor, [earlier, donor], tmp_path)
        assert [one.code for one in found.findings] == [search_signal.NOT_FOUND]
        assert "a tumour as dark as cord, or darker, would not be seen" in found.findings[0].message
        assert "a tumour as dark as cord, or darker, would not be seen" in found.missing[Compartment.TUMOUR]


def test_a_search_says_how_much_of_the_cord_it_saw_and_where_it_saw_none_that_nobody_looked() -> None:
    masked, bed = masked_without_tumour(with_cyst=False)
    later, _ = phantom(NO_TUMOUR_MM)
    searched = signal_search.search_for_new_signal(masked, bed, later, identity("follow-up", "masked"))
    assert searched is not None
    assert searched.seen is not None
    assert searched.seen.searched_share > search_signal.MOST_SEARCHED
    code, words = search_signal.nothing_in_words(searched, "at ses-01")
    assert code == search_signal.NOT_FOUND
    assert "could be searched" not in words
    every_second = np.arange(searched.seen.left.shape[2]) % 2 == 0
    fewer = replace(searched.seen, is_searched=searched.seen.is_searched & every_second)
    code, words = search_signal.nothing_in_words(replace(searched, seen=fewer), "at ses-01")
    assert code == search_signal.NOT_FOUND
    assert f"only {fewer.searched_share:.0%} of the cord there could be searched" in words
    code, words = search_signal.nothing_in_words(replace(searched, seen=None), "at ses-01")
    assert code == search_signal.NOT_SEARCHED
    assert "nobody looked" in words
    assert "no new signal of" not in words
