"""A tumour that comes back where one was taken out gets a draft outline; a clean bed gets none (a few seconds)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.cord.cord_finding import FoundCord
from pipeline.core import records
from pipeline.core.transform import identity
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.draft.recurrence import METHOD, RecurrenceDraft, UnexplainedSignal, draft_recurrence
from pipeline.refind import signal_search
from pipeline.run.steps import apply_acts, search_signal
from pipeline.run.steps.visit_work import MaskedVisit
from tests.draft.implant import dice
from tests.refind.test_new_signal import NO_TUMOUR_MM, masked_without_tumour, placed
from tests.refind.test_refinding import phantom

STRAIGHT = np.stack([np.zeros(64), np.zeros(64), np.arange(32.0, -32.0, -1.0)], axis=1)
CORD = FoundCord(STRAIGHT, np.full(64, 7.0), np.ones(64), 1.0, None)
"""The phantom's cord runs straight down."""


def unexplained(later: Volume, *, with_cyst: bool = True) -> UnexplainedSignal:
    masked, bed = masked_without_tumour(with_cyst=with_cyst)
    searched = signal_search.search_for_new_signal(masked, bed, later, identity("follow-up", "masked"))
    assert searched is not None
    assert searched.seen is not None
    return searched.seen


@pytest.fixture(scope="module", params=[1.0, 3.0], ids=["isotropic", "thick"])
def came_back(request) -> tuple[Volume, Volume, UnexplainedSignal, RecurrenceDraft]:
    later, labels = phantom(3.4, slice_mm=request.param)
    seen = unexplained(later)
    draft = draft_recurrence(later, CORD, seen)
    assert draft is not None
    return later, labels, seen, draft


def test_a_tumour_that_comes_back_is_outlined(came_back) -> None:
    _, labels, _, draft = came_back
    truth = labels.array == 1
    true_mm3 = float(truth.sum()) * labels.voxel_mm3
    assert 150 < true_mm3 < 400
    assert draft.volume_mm3 == pytest.approx(true_mm3, rel=0.25)
    assert dice(draft.mask.array, truth) > 0.8
    assert np.linalg.norm(draft.centre_mm) < 3
    assert not (draft.mask.array & (labels.array == 2)).any(), "the cyst that was there is no tumour"


def test_what_stands_out_little_or_is_small_gets_no_outline(came_back) -> None:
    later, _, seen, _ = came_back
    assert draft_recurrence(later, CORD, replace(seen, elsewhere=float(seen.averaged.max()) / 2)) is None
    brightest = seen.averaged == seen.averaged[seen.is_searched].max()
    assert draft_recurrence(later, CORD, replace(seen, is_searched=brightest)) is None
    assert draft_recurrence(later, replace(CORD, reason="none"), seen) is None


@pytest.mark.parametrize("cyst_radius_mm", [2.0, 4.0])
def test_a_clean_bed_gets_no_outline(cyst_radius_mm: float) -> None:
    later, _ = phantom(NO_TUMOUR_MM, cyst_radius_mm=cyst_radius_mm, seed=5)
    assert draft_recurrence(later, CORD, unexplained(later)) is None


def test_a_draft_is_an_automatic_mask_that_answers_no_question_until_somebody_accepts_it(
    came_back, tmp_path, monkeypatch
) -> None:
    later, _, _, draft = came_back
    masked, bed = masked_without_tumour(with_cyst=False)
    drawn = {"reader": {Compartment.TUMOUR: masked.masks["tumour"]}}
    donor = placed("ses-01", 0.0, masked.image, MaskedVisit("ses-01", MaskOrigin.MANUAL, drawn, source="reader"))
    before = {"reader": {Compartment.TUMOUR: bed.with_array(bed.array.astype(np.float32))}}
    earlier = placed("ses-00", 0.0, bed, MaskedVisit("ses-00", MaskOrigin.MANUAL, before, source="reader"))
    automatic = MaskedVisit(
        "ses-02", MaskOrigin.AUTOMATIC, {"cordtrack": {}}, missing={Compartment.TUMOUR: "nobody"}, source="cordtrack"
    )
    visit = placed("ses-02", 0.0, later, automatic)
    monkeypatch.setattr(search_signal, "find_cord", lambda _: CORD)
    monkeypatch.setattr(search_signal, "draft_recurrence", lambda *_: draft)
    masks = search_signal.with_new_signal(visit, donor, [earlier, donor], tmp_path)
    (row,) = masks.rows
    assert (row.compartment, row.mask_origin, row.method, row.folder) == ("tumour", "automatic", METHOD, "output")
    assert "nobody has said that it is tumour" in str(row.note)
    assert row.spread_cv is not None
    assert Compartment.TUMOUR not in masks.missing
    assert float(masks.primary[Compartment.TUMOUR].array.sum()) == draft.mask.array.sum()
    assert (tmp_path / row.path).is_file()
    assert [one.session_id for one in masks.signals] == ["ses-02"]
    assert "a draft outline of about" in masks.findings[0].message
    assert all(apply_acts.is_flag(one) for one in (*masks.findings, *masks.signals))
    assert not apply_acts.is_flag(row)
    assert isinstance(row, records.Segmentation)
