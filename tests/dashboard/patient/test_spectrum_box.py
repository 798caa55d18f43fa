"""The box of a spectrum on the scan: drawn where its file says, and never left out without a word. 5 s."""

import numpy as np
import pandas as pd
import pytest

from dashboard.patient import spectrum_box
from dashboard.viewer.slice_picture import UNSCANNED, slice_picture
from pipeline.core.transform import Transform, inverse
from pipeline.core.volume import Volume
from pipeline.errors import InputError

GRID = Volume(np.zeros((60, 70, 80), dtype=np.float32), np.eye(4))
MASK = np.zeros((60, 70, 80), dtype=np.uint8)
MASK[17:24, 28:43, 42:59] = spectrum_box.NUMBERS["tumour"]
TURN = [[0.0, -1.0, 0.0, 100.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, -50.0], [0.0, 0.0, 0.0, 1.0]]
WAY = Transform("reference", "ses-01", np.array(TURN))
"""A quarter turn and a shift: 20, 35, 50 mm of the reference are 65, 20, 0 mm of the visit."""
BOX = np.array([[0.0, 12.0, 0.0, 65.0], [0.0, 0.0, 20.0, 20.0], [10.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
"""Its own axes run to the head, to the right and to the front of the visit: 20, 12 and 10 mm in the reference."""
ANCHOR = {"session_id": "ses-01", "is_anchor": True, "path": "a_T2w.nii.gz", "is_reference": True}


def scan_with_lines():
    """The scan in the visit's world: dark planes at x 35, y 45 and z 60 mm of the reference, a bright one at y 55."""
    array = (500 + np.indices((70, 60, 50)).sum(axis=0) % 2).astype(np.float32)  # of one value it would be padding
    array[55 - 30], array[:, 35], array[:, :, 30], array[45 - 30] = 0.0, 0.0, 0.0, 1000.0
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    affine[:3, 3] = 30.0, 0.0, -50.0
    return Volume(array, affine)


def row(scans):
    return {"scans": scans, "value": None, "number": 2.1}


@pytest.fixture
def aligned(monkeypatch, tmp_path):
    """A visit on the reference with its scan; what the pages read of it is put in place of files."""
    monkeypatch.setattr(spectrum_box.queries, "query", lambda *_, **__: pd.DataFrame([ANCHOR]))
    monkeypatch.setattr(spectrum_box.queries, "aligned_scan", lambda *_: tmp_path / "grid")
    monkeypatch.setattr(spectrum_box.queries, "display_mask", lambda *_: tmp_path / "no mask")
    images = {"grid": GRID, "mask": GRID.with_array(MASK)}
    monkeypatch.setattr(spectrum_box.queries, "image", lambda path: images[path.name])
    monkeypatch.setattr(spectrum_box.scan_panes, "excluded_compartments", lambda *_: [])
    monkeypatch.setattr(spectrum_box.scan_panes, "uncounted_compartments", lambda *_: {})
    monkeypatch.setattr(spectrum_box.acts, "history", lambda _: ())
    monkeypatch.setattr(spectrum_box, "unsigned", lambda *_: [])
    monkeypatch.setattr(spectrum_box.scan_files, "scan_as_read", lambda _: scan_with_lines())
    monkeypatch.setattr(spectrum_box.scan_files, "ways", lambda *_: (WAY, inverse(WAY)))
    monkeypatch.setattr(spectrum_box.scan_files, "spectrum_box", lambda _: BOX)


def test_each_box_is_named_once_and_other_findings_have_none():
    here = {"metabolite:Cho": row("a.nii.gz"), "metabolite:NAA": row("a.nii.gz"), "metabolite:Lac": row(None)}
    assert spectrum_box.boxes_of(here | {"t2_signal": row("T2w.nii.gz")}) == ["a.nii.gz"]
    assert spectrum_box.boxes_of({"t2_signal": row("T2w.nii.gz")}) == []


def test_box_and_scan_lie_where_their_files_say_in_both_planes(aligned):
    pictures, words = spectrum_box.pictures_of("sub-01", "ses-01", "a.nii.gz")
    assert words == "no mask at this visit"
    edges = {"sagittal": (80, 119, 76, 123), "axial": (76, 123, 60, 139)}
    dark = {"sagittal": (60, 60), "axial": (60, 40)}  # row and column of the planes, 0.25 mm a pixel from the middle
    for view, (top, bottom, left, right) in edges.items():
        edge = (pictures[view] == 255).all(axis=2)
        edge[:70] = edge[130:] = False  # the bright plane and the bar
        edge[:, :50] = False
        rows, columns = (np.flatnonzero(edge.any(axis=axis)) for axis in (1, 0))
        assert (rows[0], rows[-1], columns[0], columns[-1]) == (top, bottom, left, right), view
        row, column = dark[view]
        assert pictures[view][:, 180, 0].argmin() in (row - 1, row), view
        assert pictures[view][170, :, 0].argmin() in (column - 1, column), view


def coloured(pictures):
    """Whether an outline is drawn in the pictures: all else is grey, or has the colour of what nobody scanned."""
    return [
        bool((np.ptp(picture.astype(int), axis=2).astype(bool) & (picture != UNSCANNED).any(axis=2)).any())
        for picture in pictures.values()
    ]


def test_outlines_that_do_not_count_are_left_out_and_one_that_nobody_signed_is_named(aligned, monkeypatch, tmp_path):
    (tmp_path / "mask").touch()
    monkeypatch.setattr(spectrum_box.queries, "display_mask", lambda *_: tmp_path / "mask")
    pictures, words = spectrum_box.pictures_of("sub-01", "ses-01", "a.nii.gz")
    assert (coloured(pictures), words) == ([True, True], "")
    monkeypatch.setattr(spectrum_box, "unsigned", lambda *_: ["ses-01"])
    assert spectrum_box.pictures_of("sub-01", "ses-01", "a.nii.gz")[1] == "automatic outline, nobody signed it"
    monkeypatch.setattr(spectrum_box, "unsigned", lambda *_: [])
    monkeypatch.setattr(spectrum_box.scan_panes, "uncounted_compartments", lambda *_: {"tumour": "readers"})
    pictures, words = spectrum_box.pictures_of("sub-01", "ses-01", "a.nii.gz")
    assert (coloured(pictures), words) == ([False, False], "not drawn, since it does not count: tumour")
    monkeypatch.setattr(spectrum_box.scan_panes, "uncounted_compartments", lambda *_: {})
    monkeypatch.setattr(spectrum_box.scan_panes, "excluded_compartments", lambda *_: ["tumour"])
    pictures, words = spectrum_box.pictures_of("sub-01", "ses-01", "a.nii.gz")
    assert (coloured(pictures), words) == ([False, False], "not drawn, since excluded: tumour")
    assert "as its file lies there now" in spectrum_box.SCALE


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
