"""Segments coded as Slicer, TCIA and dcmqi code them: the compartment, or a finding whose rule, once written, helps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydicom.sr.coding import Code

from pipeline.core.vocabulary import Compartment
from pipeline.hospital.importing.importing import ImportDone, ImportSettings, import_dicom
from tests import dicom_files as dicom
from tests.hospital.importing.test_masks_in import DAY, described, drawn, masks_of, seg, volume

TUMOUR, CYST, OEDEMA, ENHANCING = Compartment.TUMOUR, Compartment.CYST, Compartment.OEDEMA, Compartment.ENHANCING


def coming(folder: Path, code: Code, label: str) -> None:
    """Lay a scan and a segmentation of one segment ready for import."""
    series = dicom.slices(volume(), DAY)
    dicom.save_all(series, folder / "in" / "scan")
    segments = [described(1, Compartment.TUMOUR, label, code=code)]
    seg(series, [drawn(3, 9)], segments).save_as(folder / "in" / "seg.dcm")


def imported(folder: Path, rules: str | None = None) -> ImportDone:
    path = None
    if rules is not None:
        path = folder / "rules.toml"
        path.write_text(rules, encoding="utf-8")
    return import_dicom(ImportSettings(folder / "in", folder / "study", rules=path), lambda *_: None)


@pytest.mark.parametrize(
    ("code", "label", "expected"),
    [
        (Code("86049000", "SCT", "Neoplasm, Primary"), "Segment_1", TUMOUR),
        (Code("M-8000/3", "SRT", "Neoplasm, Primary"), "GTVp", TUMOUR),
        (Code("108369006", "SCT", "Neoplasm"), "Enhancing tumor 2", ENHANCING),
        (Code("52988006", "SCT", "Lesion"), "Tumor_1", TUMOUR),
        (Code("85756007", "SCT", "Tissue"), "Solid tumor", TUMOUR),
        (Code("M-03000", "SRT", "Mass"), "tumour-cyst 3", CYST),
        (Code("79654002", "SCT", "Edema"), "Segment_4", OEDEMA),
        (Code("M-36300", "SRT", "Edema"), "ED", OEDEMA),
        (Code("C113842", "NCIt", "Enhancing Lesion"), "ET", ENHANCING),
    ],
)
def test_codes_of_other_programs_mean_their_compartment(
    tmp_path: Path, code: Code, label: str, expected: Compartment
) -> None:
    coming(tmp_path, code, label)
    assert [one.message for one in imported(tmp_path).findings] == []
    assert set(masks_of(tmp_path)) == {expected}


@pytest.mark.parametrize(
    ("code", "label"),
    [
        (Code("128462008", "SCT", "Neoplasm, Secondary"), "Tumor 1"),
        (Code("C112913", "NCIt", "Gross Tumor Volume"), "GTV-1"),
        (Code("85756007", "SCT", "Tissue"), "Segment_1"),
        (Code("91723000", "SCT", "Anatomical Structure"), "WT"),
        (Code("79654002", "SCT", "Edema"), "cyst"),
        (Code("111496009", "SCT", "Syringomyelia"), "syrinx"),
        (Code("Tissue-7", "99_3DSlicer", "Own tissue"), "Tumor"),
    ],
)
def test_a_code_that_means_none_is_named_and_the_rule_for_it_helps(tmp_path: Path, code: Code, label: str) -> None:
    coming(tmp_path, code, label)
    (finding,) = imported(tmp_path).findings
    assert finding.code == "mask_unknown"
    assert f"{code.scheme_designator} {code.value}" in finding.message
    assert "[[segment]]" in finding.remedy
    (names,) = json.loads((tmp_path / "study.private" / "unknown_segments.json").read_text(encoding="utf-8")).values()
    assert [(one["code"], one["label"]) for one in names] == [(f"{code.scheme_designator} {code.value}", label)]
    rule = f'[[segment]]\ncode = "{names[0]["code"]}"\nlabel = "{names[0]["label"]}"\ncompartment = "tumour"\n'
    again = imported(tmp_path, rule)
    assert [one.code for one in again.findings] == []
    assert set(masks_of(tmp_path)) == {TUMOUR}
