"""A tumour that the masked scan cuts off: what is found again of it, and that there may be more. A few seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.core.transform import identity
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.refind import refinding
from pipeline.refind.template import template_of
from pipeline.run.steps import measure_visits, refind_masks
from pipeline.run.steps.visit_work import MaskedVisit, VisitWork
from tests.refind.test_refinding import phantom
from tests.refind.test_scans_differ import placed, visited

CUTS = {"lower end": slice(27, None), "both ends": slice(27, 38)}
"""Planes that the masked scan shows; the tumour lies in planes 23 to 41."""


def cut(volume: Volume, planes: slice) -> Volume:
    affine = volume.affine.copy()
    affine[:3, 3] += affine[:3, 2] * (planes.start or 0)
    return Volume(volume.array[:, :, planes], affine)


def donor(planes: slice) -> refinding.DonorVisit:
    scan, labels = (cut(one, planes) for one in phantom(4.5))
    return refinding.DonorVisit(scan, {"tumour": labels.with_array((labels.array == 1).astype(float))})


@pytest.mark.parametrize("planes", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("later_planes", ["the same", "all"])
def test_an_unchanged_tumour_that_the_masked_scan_cuts_off_is_found_as_large_as_drawn(
    planes: slice, later_planes: str
) -> None:
    drawn = donor(planes)
    later, _ = phantom(4.5, seed=4)
    later = cut(later, planes) if later_planes == "the same" else later
    again = refinding.follow_up_masks(drawn, later, identity("follow-up", "masked"))
    found_mm3 = float(again.probabilities["tumour"].array.sum()) * later.voxel_mm3
    drawn_mm3 = float(drawn.masks["tumour"].array.sum()) * later.voxel_mm3
    assert found_mm3 == pytest.approx(drawn_mm3, rel=0.06)  # as one that is not cut off; 0.28 to 0.44 once, 1.4 once
    assert again.methods == {"tumour": refinding.GROWN_LESS_SURELY}
    assert any("reaches the end of the masked scan (foot" in note for note in again.notes)


def test_growth_within_the_view_of_the_masked_scan_is_found_whatever_the_later_one_shows_beyond() -> None:
    planes = CUTS["lower end"]
    drawn, (later, labels) = donor(planes), phantom(5.4, seed=4)
    again = refinding.follow_up_masks(drawn, later, identity("follow-up", "masked")).probabilities["tumour"]
    true_within = float((cut(labels, planes).array == 1).sum())
    assert float(again.array.sum()) == pytest.approx(true_within, rel=0.08)
    assert not again.array[:, :, : planes.start - 1].any(), "nothing is claimed where nobody had drawn"


def test_a_template_holds_no_lesion_beyond_its_scan_and_knows_where_that_ends() -> None:
    drawn = donor(CUTS["both ends"])
    template = template_of(drawn.image, drawn.masks)
    shown = np.flatnonzero(template.is_scanned.any(axis=(0, 1)))
    beyond = np.r_[: shown[0] - 2, shown[-1] + 3 : template.is_scanned.shape[2]]
    assert template.occupancy[0][:, :, beyond].max() < 0.01
    drawn_mm3 = float(drawn.masks["tumour"].array.sum()) * drawn.image.voxel_mm3
    inside = template.occupancy[0][template.is_scanned].sum() * template.step_mm**3
    assert inside == pytest.approx(drawn_mm3, rel=0.1)


@pytest.mark.parametrize(("planes", "reason"), [(slice(27, None), "ses-01 reaches the edge"), (slice(0, None), None)])
def test_the_size_of_what_was_found_from_a_mask_that_was_cut_off_is_a_lower_bound(
    planes: slice, reason: str | None, tmp_path: Path
) -> None:
    drawn, later = donor(planes), visited("ses-02", phantom(4.5, seed=4)[0])
    given = MaskedVisit(
        "ses-01", MaskOrigin.MANUAL, {"reader": {Compartment.TUMOUR: drawn.masks["tumour"]}}, source="reader"
    )
    again = refind_masks.automatic_masks(
        placed(later, MaskedVisit("ses-02", None, {})), [placed(visited("ses-01", drawn.image), given)], tmp_path,
        operated_between=False,
    )  # fmt: skip
    size = measure_visits.measure_visit(VisitWork(later, again), [Compartment.TUMOUR], None)[0]
    assert size.volume_mm3
    assert (size.bound_reason is None) if reason is None else (reason in (size.bound_reason or ""))
