"""Knees and heads that an archive hands out with a spine: asked about, whatever their timing. 3 s."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.core.volume import Volume
from pipeline.hospital.importing.importing import ImportSettings, import_dicom
from pipeline.hospital.read.body_part import shown_elsewhere
from pipeline.hospital.read.instances import SeriesAcquisition
from tests import dicom_files as dicom

SPINES = (
    ("", ""), ("CSPINE", "t2_tse_sag"), ("HEAD", "t2_tse_sag_HWS"), ("BRAIN", "T2 C-SPINE SAG"), ("NECK", "t2"),
    ("", "T1 BWS post KM"), ("PELVIS", "LWS sag T2"), ("LSSPINE", "T2 spin echo"), ("UNKNOWN", "t2 trufi"),
    ("WHOLEBODY", "stir sag"), ("", "MR rachis lombaire"), ("CHEST", "T-SPINE T2 SAG"), ("", "brustwirbelsäule t2"),
)  # fmt: skip
OTHERS = (
    ("BRAIN", "t2_tse_tra", "head"), ("HEAD", "t2_spin_echo", "head"), ("", "t2_tse_tra_Schädel", "head"),
    ("KNEE", "pd_tse_sag", "knee"), ("", "t1_knie_links", "knee"), ("PELVIS", "t2_tse_tra", "belly or pelvis"),
    ("BREAST", "t1", "chest"), ("", "Cervix T2 sag Uterus", "belly or pelvis"),
)  # fmt: skip


@pytest.mark.parametrize(("part", "name"), SPINES)
def test_what_may_be_a_spine_is_none_other(part: str, name: str) -> None:
    assert shown_elsewhere(SeriesAcquisition(body_part=part, description=name)) is None


@pytest.mark.parametrize(("part", "name", "words"), OTHERS)
def test_another_part_of_the_body_is_named_in_our_words(part: str, name: str, words: str) -> None:
    assert shown_elsewhere(SeriesAcquisition(body_part=part, description=name)) == words


def test_a_brain_beside_a_spine_is_asked_about_and_the_spine_imported(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(50, 400, (32, 40, 9)).astype(np.uint16)
    volume, uids = Volume(array, np.diag([0.9, 0.9, 3.3, 1.0])), dicom.new_uids()
    dicom.save_all(dicom.slices(volume, uids=uids), tmp_path / "from" / "a")
    brain = dicom.slices(volume, uids=dicom.new_uids(uids["study"]), BodyPartExamined="BRAIN", SeriesDescription="t2")
    dicom.save_all(brain, tmp_path / "from" / "b")
    done = import_dicom(ImportSettings(tmp_path / "from", tmp_path / "study"), lambda *_: None)
    assert sorted(row.outcome for row in done.rows) == ["imported", "unsure"]
    (asked,) = (row for row in done.rows if row.outcome == "unsure")
    assert "but its header says head, and nothing of a spine" in asked.reason
    assert len(list((tmp_path / "study").rglob("*.nii.gz"))) == 1
