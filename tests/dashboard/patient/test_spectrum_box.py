"""The box of a spectrum on the scan: drawn where its file says, and never left out without a word. 5 s."""

import numpy as np
import pandas as pd
import pytest

from dashboard.patient import spectrum_box
from dashboard.viewer.slice_picture import slice_picture
from pipeline.core.transform import identity
from pipeline.core.volume import Volume
from pipeline.errors import InputError

GRID = Volume(np.full((60, 60, 80), 100.0, dtype=np.float32), np.eye(4))
BOX = np.diag([10.0, 12.0, 20.0, 1.0])
BOX[:3, 3] = 30.0, 30.0, 40.0
ANCHOR = {"session_id": "ses-01", "is_anchor": True, "path": "a_T2w.nii.gz", "is_reference": True}


def row(scans):
    return {"scans": scans, "value": None, "number": 2.1}


@pytest.fixture
def aligned(monkeypatch, tmp_path):
    """A visit on the reference with its scan; what the pages read of it is put in place of files."""
    monkeypatch.setattr(spectrum_box.queries, "query", lambda *_, **__: pd.DataFrame([ANCHOR]))
    monkeypatch.setattr(spectrum_box.queries, "aligned_scan", lambda *_: tmp_path / "grid")
    monkeypatch.setattr(spectrum_box.queries, "display_mask", lambda *_: tmp_path / "no mask")
    monkeypatch.setattr(spectrum_box.queries, "image", lambda _: GRID)
    monkeypatch.setattr(spectrum_box.scan_panes, "excluded_compartments", lambda *_: ())
    monkeypatch.setattr(spectrum_box.scan_files, "scan_as_read", lambda _: GRID)
    here = identity("reference", "reference")
    monkeypatch.setattr(spectrum_box.scan_files, "ways", lambda *_: (here, here))
    monkeypatch.setattr(spectrum_box.scan_files, "spectrum_box", lambda _: BOX)


def test_each_box_is_named_once_and_other_findings_have_none():
    here = {"metabolite:Cho": row("a.nii.gz"), "metabolite:NAA": row("a.nii.gz"), "metabolite:Lac": row(None)}
    assert spectrum_box.boxes_of(here | {"t2_signal": row("T2w.nii.gz")}) == ["a.nii.gz"]
    assert spectrum_box.boxes_of({"t2_signal": row("T2w.nii.gz")}) == []


def test_a_box_has_its_size_in_both_planes(aligned):
    pictures, words = spectrum_box.pictures_of("sub-01", "ses-01", "a.nii.gz")
    assert words == ""
    for view, (high_mm, wide_mm) in {"sagittal": (20.0, 12.0), "axial": (12.0, 10.0)}.items():
        edge = (pictures[view] == 255).all(axis=2)
        edge[-40:] = False  # the bar
        rows, columns = (np.flatnonzero(edge.any(axis=axis)) for axis in (1, 0))
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (4 * high_mm, 4 * wide_mm)


def test_a_box_beyond_the_scan_and_a_visit_without_alignment_are_said(aligned, monkeypatch):
    far = BOX.copy()
    far[2, 3] = 400.0
    monkeypatch.setattr(spectrum_box.scan_files, "spectrum_box", lambda _: far)
    assert "does not reach this box" in spectrum_box.pictures_of("sub-01", "ses-01", "a.nii.gz")[1]
    monkeypatch.setattr(spectrum_box.queries, "aligned_scan", lambda *_: None)
    pictures, words = spectrum_box.pictures_of("sub-01", "ses-01", "a.nii.gz")
    assert (pictures, "no scan of this visit is aligned" in words) == ({}, True)


def test_a_file_that_cannot_be_read_is_an_error_and_no_blank(aligned, monkeypatch):
    def gone(_):
        raise InputError("a.nii.gz: expected the box of a spectrum, found no file; put it back")

    monkeypatch.setattr(spectrum_box.scan_files, "spectrum_box", gone)
    with pytest.raises(InputError, match="put it back"):
        spectrum_box.pictures_of("sub-01", "ses-01", "a.nii.gz")


def test_without_a_box_a_picture_is_as_before():
    signal = np.linspace(0, 200, 6400, dtype=np.float32).reshape(80, 80)
    plain = slice_picture(signal, 100.0, None, 0.25)
    assert np.array_equal(plain, slice_picture(signal, 100.0, None, 0.25, (), np.zeros((80, 80), dtype=bool)))
