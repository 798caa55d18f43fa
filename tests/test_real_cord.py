"""A real cord from the folder to the verdict, through the command a user types. Some minutes."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from pipeline.align import registration
from pipeline.core.transform import Transform
from pipeline.refind import refinding
from pipeline.refind.scene import scene_of
from pipeline.refind.sharpness import extra_blur_mm
from pipeline.refind.template import template_of
from pipeline.store import reader
from tests.benchmark import series
from tests.benchmark.alignment import Pair
from tests.benchmark.broken_pairs import ghosted, smeared
from tests.finished_runs import finished, finished_run
from tests.places import REALCORD

REAL = REALCORD / "thoracolumbar"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not REAL.is_dir(), reason="the real cord scans are not beside the project"),
]


def test_a_real_cord_goes_the_whole_way() -> None:
    out = finished_run("realcord-rc022", REAL / "bids", "--participant-label", "rc022")
    truth = pd.read_csv(REAL / "truth" / "volumes.tsv", sep="\t").query("participant_id == 'sub-rc022'")
    tumour = truth.query("label == 'tumour'").set_index("session_id")["volume_mm3"]
    database = reader.database_path(out)
    found = reader.table(database, "measurement").query("compartment == 'tumour'").set_index("session_id")
    # a label map rounds to whole voxels what the truth counts softly
    assert abs(found.loc["ses-01", "volume_mm3"] / tumour["ses-01"] - 1) < 0.08
    assert set(reader.table(database, "registration")["grade"]) <= {"A", "B"}
    verdicts = reader.table(database, "assessment").query("criteria_id == 'imsct_adapted_v1'").set_index("session_id")
    assert verdicts.loc[["ses-02", "ses-03", "ses-04"], "category"].tolist() == ["SD", "SD", "PD"]
    assert verdicts.loc[["ses-02", "ses-03", "ses-04"], "is_provisional"].all(), "nobody signed those masks"
    found_mm3, true_mm3 = (
        volumes.loc[["ses-02", "ses-03", "ses-04"]].tolist() for volumes in (found["volume_mm3"], tumour)
    )
    assert found_mm3 == pytest.approx(true_mm3, rel=0.25)


def pair_of(session: str) -> Pair:
    """Return the first visit of a person and a later one, with the drawn tumour."""
    first, later = series.scan(REAL, "sub-rc022", "ses-01"), series.scan(REAL, "sub-rc022", session)
    labels = series.drawn(REAL, "sub-rc022", "ses-01")
    nowhere = np.zeros((1, 3))
    return Pair(f"sub-rc022 {session}", first, later, labels.with_array(labels.array.round() == 1), nowhere, nowhere)


@cache
def to_first(session: str) -> Transform:
    """Return where points of a later visit lie in the first one."""
    pair = pair_of(session)
    aligned = finished(registration.align, pair.first, pair.second, region=pair.lesion, exclude=pair.lesion)
    return aligned.to_reference


@pytest.mark.parametrize("session", ["ses-02", "ses-03"])
def test_a_real_cord_blurred_as_by_movement_is_told_from_a_sharp_one_and_gets_no_mask(session: str) -> None:
    """On slices of 3.3 mm and on an isotropic scan; before, such a scan gave half or twice the tumour's volume."""
    pair, there = pair_of(session), to_first(session)
    assert pair.lesion is not None
    template = template_of(pair.first, {"tumour": pair.lesion})
    scene = scene_of(template, pair.second, there)
    assert scene is not None
    told = [extra_blur_mm(template, scene, smeared(pair, blur_mm).second) for blur_mm in (0.0, 0.8, 1.8)]
    assert told == pytest.approx([0.0, 0.8, 1.8], abs=0.35)
    masked = refinding.DonorVisit(pair.first, {"tumour": pair.lesion})
    found = refinding.follow_up_masks(masked, smeared(pair, 1.8).second, there)
    assert "this scan is blurrier than the masked one" in (found.refusal or "")
    assert found.probabilities == {}


def test_a_real_cord_between_ghosts_of_movement_says_that_its_volume_is_unsure() -> None:
    """Aligned at grade A, such a scan gave volumes wrong by a third with an interval of a quarter."""
    pair, there = pair_of("ses-03"), to_first("ses-03")
    assert pair.lesion is not None
    masked = refinding.DonorVisit(pair.first, {"tumour": pair.lesion})
    clean, ghosts = (refinding.follow_up_masks(masked, one.second, there) for one in (pair, ghosted(pair, 0.5)))
    assert clean.methods["tumour"] == refinding.GROWN
    assert ghosts.methods["tumour"] == refinding.GROWN_LESS_SURELY
    assert ghosts.signal_cv["tumour"] > 2 * clean.signal_cv["tumour"]
