"""Spectra that were fitted elsewhere: placed at their visit with their box, or reported; never used twice. Quick."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from pipeline.core.records import Finding
from pipeline.core.spectrum import MetaboliteValue
from pipeline.study.spectroscopy_table import with_spectra
from pipeline.study.visits import StudyVisit

VISITS = {
    "sub-01": (
        StudyVisit("sub-01", "ses-01", date(2021, 1, 1), (), ()),
        StudyVisit("sub-01", "ses-02", date(2022, 1, 1), (), ()),
    )
}
HEADER = (
    "participant_id | session_id | metabolite | ratio_to | value | crlb_percent | te_ms | field_tesla | program | voxel"
)


def read(root: Path, *lines: str, header: str = HEADER) -> tuple[tuple[MetaboliteValue, ...], list[Finding]]:
    text = "\n".join(line.replace(" | ", "\t") for line in (header, *lines)) + "\n"
    (root / "spectroscopy.tsv").write_text(text, encoding="utf-8")
    findings: list[Finding] = []
    visits = with_spectra(root.resolve(), VISITS, {"sub-01"}, findings)
    assert not visits["sub-01"][0].spectra
    return visits["sub-01"][1].spectra, findings


def save_box(path: Path, shape: tuple[int, ...] = (1, 1, 1, 8)) -> None:
    affine = np.diag([10.0, 12.0, 20.0, 1.0])
    affine[:3, 3] = (1.0, 2.0, 3.0)
    image = nib.Nifti1Image(np.zeros(shape, dtype=np.complex64), affine)
    image.header.set_xyzt_units("mm", "sec")
    image.set_sform(affine, 1)
    nib.save(image, path)


def test_a_value_stands_at_its_visit_with_bound_echo_time_and_box(tmp_path: Path) -> None:
    save_box(tmp_path / "svs.nii.gz")
    (cho,), findings = read(tmp_path, "sub-01 | 02 | Cho | Cr | 2,4 | 8 | 135 | 3 | LCModel 6.3 | svs.nii.gz")
    assert not findings
    assert (cho.metabolite, cho.value, cho.crlb_percent, cho.program) == ("Cho", 2.4, 8.0, "LCModel 6.3")
    assert cho.unit == "ratio to Cr, TE 135 ms, 3 T"
    assert cho.voxel is not None
    assert np.array(cho.voxel.affine).reshape(4, 4).diagonal().tolist() == [10.0, 12.0, 20.0, 1.0]
    assert len(cho.voxel.sha256) == 64


@pytest.mark.parametrize(
    ("lines", "code", "words"),
    [
        (["sub-01 | 07 | Cho | Cr | 2.4 | 8"], "spectrum_unplaced", "expected a visit of sub-01"),
        (["sub-01 | 02 | Cho | Cr | high | 8"], "number_malformed", "expected a number from 0 to 10000 in value"),
        (["sub-01 | 02 | Cho | Cr |  | 8"], "row_incomplete", "expected value, found nothing"),
        (["sub-01 | 02 | Cho | Cr | 2 | 8", "sub-01 | 02 | cho | Cr | 3 | 9", "sub-01 | 02 | Cho | Cr | 4 | 9"],
         "spectrum_differs", "expected one value of Cho (ratio to Cr), found 3 at ses-02"),
    ],
)  # fmt: skip
def test_what_cannot_be_placed_or_read_is_reported_and_not_used(tmp_path, lines, code, words) -> None:
    header = "participant_id | session_id | metabolite | ratio_to | value | crlb_percent"
    spectra, findings = read(tmp_path, *lines, header=header)
    assert not spectra
    assert {one.code for one in findings} == {code}
    assert words in findings[0].message


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ("none.nii.gz", "expected a NIfTI-MRS file, found none"),
        ("../away.nii.gz", "found one outside it"),
        ("grid.nii.gz", "expected the one voxel of a spectrum, found 2x2x1"),
    ],
)
def test_a_box_that_cannot_be_read_leaves_its_value_without_a_place(tmp_path: Path, box: str, words: str) -> None:
    save_box(tmp_path / "grid.nii.gz", (2, 2, 1, 8))
    (naa,), findings = read(tmp_path, f"sub-01 | 02 | NAA |  | 4.1 | 11 | 30 | 3 | Osprey | {box}")
    assert (naa.voxel, naa.unit) == (None, "as fitted, TE 30 ms, 3 T")
    assert [one.code for one in findings] == ["spectrum_voxel"]
    assert words in findings[0].message
