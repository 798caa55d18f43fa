"""Places along the cord and looks of a patient's compartments, on made-up visits. About 2 s."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from pipeline.core import records
from pipeline.core.transform import identity
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume, voxel_centres_mm
from pipeline.run.steps import describe_shape, place_levels
from pipeline.run.steps.visit_work import AlignedVisit, MaskedVisit, ScannedVisit, VisitWork
from pipeline.study.scans import ScanFile
from pipeline.study.visits import StudyVisit

AFFINE = np.diag([1.0, 1.0, 1.0, 1.0])
AFFINE[:3, 3] = (-15.0, -15.0, -40.0)
GRID = Volume(np.zeros((31, 31, 81)), AFFINE)
X, Y, Z = np.moveaxis(voxel_centres_mm(GRID), -1, 0)
CORD = (np.hypot(X, Y) < 6) & (abs(Z) < 35)
TUMOUR = (np.hypot(X, Y) < 4) & (abs(Z - 5) < 10)
UNLABELLED = place_levels.FoundLevels(None, None, place_levels.NO_LABELS)


def visit(session_id, **masks):
    """A visit whose scan shows a bright tumour, with masks by compartment."""
    anchor = ScanFile(Path("x"), f"{session_id}_T2w.nii.gz", "sub-x", session_id, "T2w")
    image = GRID.with_array(np.where(TUMOUR, 300.0, 100.0))
    read = ScannedVisit(
        StudyVisit("sub-x", session_id, date(2024, 1, 1), (anchor,), ()), "usable", None, anchor, image, (), ()
    )
    drawn = {Compartment(name): GRID.with_array(array) for name, array in masks.items()}
    masked = MaskedVisit(session_id, MaskOrigin.MANUAL, {"reader": drawn} if drawn else {}, source="reader")
    return read, masked if drawn else replace(masked, source=None)


def placed(session_id, grade=None):
    row = None
    if grade is not None:
        row = records.Registration(
            "sub-x", session_id, "a", "b", "visit_to_reference", "m", grade, "", None, None, None, None, None, None,
            None, "0", "s",
        )  # fmt: skip
    to_reference, from_reference = identity(session_id, "reference"), identity("reference", session_id)
    return AlignedVisit(session_id, from_reference, to_reference, "x", row)


def line_of(*visits):
    works = [VisitWork(read, masked, placed(read.session_id)) for read, masked in visits]
    return describe_shape.centre_line(works, works[0].read)


def described(one, line, aligned=None, scans=None, known=UNLABELLED):
    read, masked = one
    aligned = aligned or placed(read.session_id)
    return describe_shape.describe_visit(read, masked, aligned, line, known, scans or {})


def test_the_line_is_the_cord_s_where_one_was_drawn_and_says_so():
    line = line_of(visit("ses-01", tumour=TUMOUR, cord=CORD & ~TUMOUR))
    assert (str(line.line.source), line.session_id) == ("cord mask", "ses-01")
    assert str(line_of(visit("ses-01", tumour=TUMOUR)).line.source) == "lesion axis"
    assert line_of(visit("ses-01")) is None


def test_a_visit_added_later_never_changes_the_line():
    first = visit("ses-01", tumour=TUMOUR)
    alone, together = line_of(first), line_of(first, visit("ses-02", tumour=TUMOUR, cord=CORD & ~TUMOUR))
    assert np.array_equal(alone.line.points_mm, together.line.points_mm)
    assert together.session_id == "ses-01"


def test_a_tumour_in_a_drawn_cord_has_its_place_its_section_and_its_share():
    one = visit("ses-01", tumour=TUMOUR, cord=CORD & ~TUMOUR)
    rows = described(one, line_of(one))
    (found,) = [row for row in rows if isinstance(row, records.Shape)]
    assert found.along_length_mm == pytest.approx(19.0)  # 19 planes of voxels
    assert found.centre_position_mm == pytest.approx(5.0, abs=0.1)
    assert found.largest_area_mm2 == pytest.approx(TUMOUR[:, :, 45].sum())
    assert found.cord_share_ratio == pytest.approx(TUMOUR[:, :, 45].sum() / CORD[:, :, 45].sum())
    assert found.margin == "sharp"
    assert found.signal_mean == pytest.approx(300.0)
    assert found.enhancement_reason == "no aligned pair of T1w before and after contrast agent"
    profiles = {row.compartment: row for row in rows if isinstance(row, records.CordProfile)}
    areas = [float(word) for word in profiles["cord"].areas_mm2.split() if word != "x"]
    assert max(areas) == pytest.approx(CORD[:, :, 45].sum())  # with the tumour in it
    assert profiles["cord"].areas_mm2.startswith("x")  # the line goes on beyond the scan


def test_enhancement_is_read_from_t1w_before_and_after():
    one = visit("ses-01", tumour=TUMOUR)
    before = GRID.with_array(np.full(GRID.shape, 100.0))
    after = GRID.with_array(np.where(TUMOUR, 160.0, 100.0))
    rows = described(one, line_of(one), scans={"T1w": before, "T1w_ce": after, "ADC": before})
    (found,) = [row for row in rows if isinstance(row, records.Shape)]
    assert (found.enhancement, found.enhancing_ratio, found.adc_mean) == ("homogeneous", 1.0, 100.0)


def test_a_visit_that_is_not_aligned_has_looks_but_no_place():
    one = visit("ses-02", tumour=TUMOUR)
    found, level = described(one, line_of(one), aligned=placed("ses-02", grade="C"))
    assert found.missing_reason == level.missing_reason == describe_shape.NOT_ALIGNED
    assert found.signal_mean == pytest.approx(300.0)


def test_an_empty_mask_is_zero_all_along_and_has_no_shape():
    one = visit("ses-02", tumour=TUMOUR, cyst=np.zeros(GRID.shape, dtype=bool))
    rows = described(one, line_of(one))
    cyst = [row for row in rows if row.compartment == "cyst"]
    assert [type(row).__name__ for row in cyst] == ["CordProfile"]
    assert set(cyst[0].areas_mm2.split()) == {"0.0", "x"}
