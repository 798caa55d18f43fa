"""A real cord from the folder to the verdict, through the command a user types. Some minutes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline import store
from tests.command import ROOT, run

pytestmark = pytest.mark.slow

REAL = ROOT.parent / "shared" / "realcord" / "thoracolumbar"


@pytest.mark.skipif(not REAL.is_dir(), reason="the real cord scans are not beside the project")
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
