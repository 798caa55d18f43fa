"""An automatic mask in place of a drawing that could not be used says so; none is made where somebody has looked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.run.steps import refind_masks, stand_in
from pipeline.run.steps.patient_work import PatientWork
from pipeline.run.steps.visit_work import MaskedVisit
from tests.run.test_choose_donor import FINE, drawn_on, placed, scanned

DRAWING = "derivatives/reader/sub-01/ses-2/anat/sub-01_ses-2_dseg.nii.gz"
TUMOUR = Compartment.TUMOUR


def automatic(name: str, note: str | None = None) -> MaskedVisit:
    row = records.Segmentation(
        "sub-01", name, "tumour", "cordtrack", "automatic", "output", "p", "s", "x", True, "grown", note, "v"
    )
    masks = {"cordtrack": {TUMOUR: Volume(np.ones((2, 2, 2), bool), FINE)}}
    return MaskedVisit(name, MaskOrigin.AUTOMATIC, masks, (row,), source="cordtrack")


def work_of(masks: MaskedVisit, *findings: records.Finding) -> PatientWork:
    plan: Any = SimpleNamespace(
        mask_source=None, out_dir=Path("out"), patient=SimpleNamespace(treatments=(), acts=(), visits=())
    )
    reads = [scanned(name, year, FINE) for name, year in (("ses-1", 2011), ("ses-2", 2012))]
    visits = (placed(reads[0], drawn_on("ses-1", "tumour")), placed(reads[1], masks))
    return PatientWork(plan, visits, rows=tuple(findings))


@pytest.mark.parametrize("code", stand_in.UNUSED)
def test_both_are_said_on_the_visit_and_beside_the_mask(code: str) -> None:
    refused = finding(code, f"{DRAWING}: expected another grid", DRAWING, patient_id="sub-01", session_id="ses-2")
    done = stand_in.say(work_of(automatic("ses-2", "from the masks of ses-1"), refused))
    (said,) = (row for row in done.rows if isinstance(row, records.Finding) and row.code == "mask_stand_in")
    assert (said.session_id, said.path) == ("ses-2", DRAWING)
    assert "automatic masks of tumour stand in for it" in said.message
    (row,) = done.visits[1].masks.rows
    assert row.note == f"from the masks of ses-1; stands in for {DRAWING}, which could not be used"


def test_nothing_is_said_where_no_drawing_was_left_out_or_nothing_automatic_is_measured() -> None:
    elsewhere = finding("mask_grid", "x", DRAWING, patient_id="sub-01", session_id="ses-1")
    assert stand_in.say(work_of(automatic("ses-2"), elsewhere)).rows == (elsewhere,)
    here = replace(elsewhere, session_id="ses-2")
    assert stand_in.say(work_of(drawn_on("ses-2", "tumour"), here)).rows == (here,)


@pytest.mark.parametrize(
    ("masks", "is_looked_for"),
    [
        (MaskedVisit("ses-2", None, {}), True),
        (MaskedVisit("ses-2", None, {}, missing={TUMOUR: "drawn under a number that is not listed"}), False),
        (drawn_on("ses-2", "tumour-"), False),
    ],
    ids=["nobody drew", "drawn and not readable", "drawn empty"],
)
def test_no_mask_is_found_again_where_somebody_drew(
    masks: MaskedVisit, is_looked_for: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def make(visit: Any, *_: Any, **__: Any) -> MaskedVisit:
        asked.append(visit.session_id)
        return MaskedVisit(visit.session_id, None, {})

    monkeypatch.setattr(refind_masks, "automatic_masks", make)
    monkeypatch.setattr(refind_masks.apply_acts, "offered", lambda _, visits: visits)
    monkeypatch.setattr(refind_masks.use_drawings, "drawn_over", lambda visit: visit)
    refind_masks.find_again(work_of(masks))
    assert asked == (["ses-2"] if is_looked_for else [])
