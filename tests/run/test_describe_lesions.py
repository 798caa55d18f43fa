"""Every lesion has every finding at every visit, made once and as sure as its mask. About 2 s."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from pipeline.core import records
from pipeline.core.finding_terms import LesionFinding
from pipeline.core.transform import identity
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.files import finished_steps, images
from pipeline.run.steps import describe_lesions, read_visits, visit_diffusion
from pipeline.run.steps.measure_visits import NO_MASK
from pipeline.run.steps.patient_work import FollowedLesions, PatientWork
from pipeline.run.steps.visit_work import (
    NO_MASKS,
    AlignedVisit,
    Copies,
    MaskedVisit,
    ScannedVisit,
    VisitDecisions,
    VisitWork,
)
from pipeline.study.scans import ScanFile
from pipeline.study.visits import StudyVisit
from tests.description.scenes import CORD, GRID, TUMOUR, scan
from tests.description.test_diffusion_fit import weighted


def visit(session: str, masked: bool = True, origin: MaskOrigin = MaskOrigin.MANUAL) -> VisitWork:
    anchor = ScanFile(Path("x"), f"sub-x/{session}/anat/sub-x_{session}_T2w.nii.gz", "sub-x", session, "T2w")
    row = records.Scan("sub-x", session, anchor.relative, "T2w", is_anchor=True, sha256="0")
    image = scan("T2w", 1.5).image
    study = StudyVisit("sub-x", session, date(2024, 1, 1), (anchor,), ())
    read = ScannedVisit(study, "usable", None, anchor, image, (row,), ())
    drawn = {Compartment.TUMOUR: GRID.with_array(TUMOUR), Compartment.CORD: GRID.with_array(CORD & ~TUMOUR)}
    masks = MaskedVisit(session, origin, {"reader": drawn}, source="reader") if masked else NO_MASKS
    here = AlignedVisit(session, identity("reference", session), identity(session, "reference"), "x", None)
    return VisitWork(read, masks, here)


def plan(out_dir: Path) -> Any:
    """As much of a plan as this step asks for."""
    person = records.Patient("sub-x", histology="ependymoma")
    return SimpleNamespace(out_dir=out_dir, patient=SimpleNamespace(patient=person))


def piece(session: str) -> records.LesionComponent:
    return records.LesionComponent("sub-x", session, "L1", 1, "persistent", 900.0, 0.0, 0.0, 0.0, "digest")


def described(out_dir: Path, *visits: VisitWork) -> dict[tuple[str, str], records.Description]:
    rows = finished_steps.of_kind(all_rows(out_dir, *visits), records.Description)
    return {(row.session_id, row.finding): row for row in rows}


def all_rows(out_dir: Path, *visits: VisitWork) -> tuple[Any, ...]:
    seen = FollowedLesions(tuple(piece(one.session_id) for one in visits if one.masks.has_tumour))
    work = PatientWork(plan(out_dir), visits, visits[0].read, lesions=seen)
    return describe_lesions.describe(work).rows


def test_every_finding_has_its_row_at_every_visit(tmp_path: Path) -> None:
    rows = described(tmp_path, visit("ses-01"), visit("ses-02", masked=False))
    assert set(rows) == {(session, name) for session in ("ses-01", "ses-02") for name in LesionFinding}
    assert {row.lesion_id for row in rows.values()} == {"L1"}
    said = rows["ses-01", "t2_signal"]
    assert (said.value, said.sureness) == ("hyperintense", "sure")
    assert said.scans == "sub-x/ses-01/anat/sub-x_ses-01_T2w.nii.gz"
    silent = rows["ses-02", "t2_signal"]
    assert (silent.value, silent.number, silent.sureness, silent.reason) == (None, None, None, NO_MASK)


def test_a_visit_is_described_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = described(tmp_path, visit("ses-01"))
    monkeypatch.setattr(describe_lesions, "_look", lambda *_: pytest.fail("described again"))
    assert described(tmp_path, visit("ses-01")) == first


def test_what_rests_on_an_unsigned_outline_is_unsure(tmp_path: Path) -> None:
    rows = described(tmp_path, visit("ses-01", origin=MaskOrigin.AUTOMATIC))
    assert rows["ses-01", "length"].sureness == "unsure"
    assert rows["ses-01", "length"].reason == describe_lesions.UNSIGNED
    assert rows["ses-01", "t2_signal"].sureness == "sure"


def test_a_lesion_that_nobody_could_look_at_says_why(tmp_path: Path) -> None:
    lost = replace(piece("ses-01"), lesion_id="L2", component_id=0, volume_mm3=None, missing_reason="out of view")
    of_both = (piece("ses-01"), lost)
    work = PatientWork(plan(tmp_path), (visit("ses-01"),), visit("ses-01").read, lesions=FollowedLesions(of_both))
    rows = {(row.lesion_id, row.finding): row for row in describe_lesions.describe(work).rows}
    assert rows["L2", "adc"].reason == "out of view"
    assert rows["L1", "t2_signal"].value == "hyperintense"


def test_each_visit_is_compared_with_the_last_one_that_told(tmp_path: Path) -> None:
    visits = (visit("ses-01"), visit("ses-02", masked=False), visit("ses-03"))
    rows = finished_steps.of_kind(all_rows(tmp_path, *visits), records.DescriptionChange)
    changes = {(row.session_id, row.finding): row for row in rows}
    later = changes["ses-03", "t2_signal"]
    assert (later.compared_session_id, later.course, later.value_before) == ("ses-01", "unchanged", "hyperintense")
    between = changes["ses-02", "t2_signal"]
    assert (between.course, between.reason) == ("cannot be compared", NO_MASK)
    assert ("ses-03", "adc") not in changes


def with_diffusion(folder: Path, bval: str | None) -> VisitWork:
    """The visit with a DWI of two volumes and what its .bval says of them."""
    path = folder / "sub-x_ses-01_dwi.nii.gz"
    nib.save(nib.Nifti1Image(weighted((1000.0, 0.0)).array.astype(np.float32), GRID.affine), path)
    if bval is not None:
        path.with_name("sub-x_ses-01_dwi.bval").write_text(bval)
    dwi = ScanFile(path, f"sub-x/ses-01/dwi/{path.name}", "sub-x", "ses-01", "dwi")
    one = visit("ses-01")
    row = read_visits.read_visit(replace(one.read.visit, scans=(dwi,))).scans[0]
    study = replace(one.read.visit, scans=(*one.read.visit.scans, dwi))
    read = replace(one.read, visit=study, scans=(*one.read.scans, row))
    images.save_transform(identity("anchor", "dwi"), folder / "xfm.h5")
    laid = records.Registration(
        "sub-x", "ses-01", dwi.relative, "x", "sequence_to_anchor", "rigid", "A", "", None, None, None, None, None,
        "xfm.h5", None, "0", "x",
    )  # fmt: skip
    return replace(one, read=read, sequences=(laid,) if row.unreadable_reason is None else ())


def test_a_map_is_fitted_where_the_scanner_sent_none(tmp_path: Path) -> None:
    one = with_diffusion(tmp_path, "1000 0")
    assert [row.path for row in visit_diffusion.to_align(one.read)] == ["sub-x/ses-01/dwi/sub-x_ses-01_dwi.nii.gz"]
    rows = described(tmp_path, one)
    adc = rows["ses-01", "adc"]
    assert adc.number == pytest.approx(1.3, rel=0.03)
    assert adc.reason.startswith("fitted from the DWI at b = 0, 1000 s/mm²; ")
    assert adc.scans == "sub-x/ses-01/dwi/sub-x_ses-01_dwi.nii.gz"


def test_b_values_that_change_are_read_anew(tmp_path: Path) -> None:
    described(tmp_path, with_diffusion(tmp_path, "1000 0"))
    rows = described(tmp_path, with_diffusion(tmp_path, "500 0"))
    assert rows["ses-01", "adc"].number == pytest.approx(2.6, rel=0.03)


def test_without_b_values_the_scan_is_unreadable_and_the_finding_says_why(tmp_path: Path) -> None:
    one = with_diffusion(tmp_path, None)
    row = described(tmp_path, one)["ses-01", "adc"]
    assert (row.value, row.number) == (None, None)
    assert row.reason.startswith("no ADC map at this visit; ")
    assert "expected sub-x_ses-01_dwi.bval with the b-values beside it, found none" in row.reason
    assert not visit_diffusion.to_align(one.read)


def test_of_a_copied_mask_the_copy_is_the_reason_and_not_that_there_is_no_mask(tmp_path: Path) -> None:
    copies = Copies(masks_of={Compartment.TUMOUR: frozenset({"ses-01"})})
    rows = described(tmp_path, visit("ses-01"), replace(visit("ses-02"), copies=copies))
    said = rows["ses-02", "t2_signal"]
    assert said.value is None
    assert (said.reason or "").startswith("its mask is that of ses-01 voxel by voxel")


def with_cyst(one: VisitWork) -> VisitWork:
    """The visit with a cyst above the tumour."""
    cyst = GRID.with_array(np.roll(TUMOUR, 30, axis=2) & ~TUMOUR)
    masks = {"reader": {**one.masks.masks["reader"], Compartment.CYST: cyst}}
    return replace(one, masks=replace(one.masks, masks=masks))


def test_an_accepted_cyst_is_doubted_no_more_and_the_finished_step_is_made_anew(tmp_path: Path) -> None:
    anew = with_cyst(visit("ses-01", origin=MaskOrigin.AUTOMATIC))
    tumour, both = frozenset({Compartment.TUMOUR}), frozenset({Compartment.TUMOUR, Compartment.CYST})
    visits = [replace(anew, decided=VisitDecisions(accepted=accepted)) for accepted in (tumour, both)]
    above = [described(tmp_path, one)["ses-01", "polar_cyst_above"] for one in visits]
    assert [row.value for row in above] == [None, "present"]


def test_a_cyst_found_out_to_be_a_copy_is_described_no_longer(tmp_path: Path) -> None:
    drawn = with_cyst(visit("ses-02"))
    copied = replace(drawn, copies=Copies(masks_of={Compartment.CYST: frozenset({"ses-01"})}))
    above = [described(tmp_path, one)["ses-02", "polar_cyst_above"].value for one in (drawn, copied)]
    assert above == ["present", None]
