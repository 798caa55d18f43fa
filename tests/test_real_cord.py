"""A real cord from the folder to the verdict, through the command a user types. Some minutes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from pipeline import registration, segmentation, store
from pipeline.domain.lesion_scene import scene_of
from pipeline.domain.lesion_template import template_of
from pipeline.domain.sharpness import likeness
from tests.benchmark import series
from tests.command import ROOT, run

REAL = ROOT.parent / "shared" / "realcord" / "thoracolumbar"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not REAL.is_dir(), reason="the real cord scans are not beside the project"),
]


def test_a_real_cord_goes_the_whole_way(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(REAL / "bids", out, "--participant-label", "rc022")
    truth = pd.read_csv(REAL / "truth" / "volumes.tsv", sep="\t").query("participant_id == 'sub-rc022'")
    tumour = truth.query("label == 'tumour'").set_index("session_id")["volume_mm3"]
    database = store.database_path(out)
    found = store.table(database, "measurement").query("compartment == 'tumour'").set_index("session_id")
    # a label map rounds to whole voxels what the truth counts softly
    assert abs(found.loc["ses-01", "volume_mm3"] / tumour["ses-01"] - 1) < 0.08
    assert set(store.table(database, "registration")["grade"]) <= {"A", "B"}
    verdicts = store.table(database, "assessment").query("criteria_id == 'imsct_adapted_v1'").set_index("session_id")
    assert verdicts.loc[["ses-02", "ses-03", "ses-04"], "category"].tolist() == ["SD", "SD", "PD"]
    assert verdicts.loc[["ses-02", "ses-03", "ses-04"], "is_provisional"].all(), "nobody signed those masks"
    found_mm3, true_mm3 = (
        volumes.loc[["ses-02", "ses-03", "ses-04"]].tolist() for volumes in (found["volume_mm3"], tumour)
    )
    assert found_mm3 == pytest.approx(true_mm3, rel=0.25)


@pytest.mark.parametrize("session", ["ses-02", "ses-03"])
def test_a_real_cord_blurred_as_by_movement_is_told_from_a_sharp_one_and_gets_no_mask(session: str) -> None:
    """On slices of 3.3 mm and on an isotropic scan; before, such a scan gave half or twice the tumour's volume."""
    first, later = series.scan(REAL, "sub-rc022", "ses-01"), series.scan(REAL, "sub-rc022", session)
    labels = series.drawn(REAL, "sub-rc022", "ses-01")
    tumour = labels.with_array(labels.array.round() == 1)
    aligned = registration.align(first, later, region=tumour, exclude=tumour)
    template = template_of(first, {"tumour": tumour})
    scene = scene_of(template, later, aligned.to_reference)
    assert scene is not None

    def blurred(blur_mm: float) -> np.ndarray:
        return np.asarray(ndimage.gaussian_filter(later.array.astype(float), blur_mm / later.spacing_mm))

    told = [likeness(template, scene, later.with_array(blurred(blur_mm))) for blur_mm in (0.0, 0.8, 1.8)]
    assert [one and one.extra_blur_mm for one in told] == pytest.approx([0.0, 0.8, 1.8], abs=0.35)
    masked = segmentation.MaskedVisit(first, {"tumour": tumour})
    found = segmentation.follow_up_masks(masked, later.with_array(blurred(1.8)), aligned.to_reference)
    assert "this scan is blurrier than the masked one" in (found.refusal or "")
    assert found.probabilities == {}
