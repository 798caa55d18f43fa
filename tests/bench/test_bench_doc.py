"""The example of docs/bench.md runs as it stands there, on the sample study. Ten seconds."""

import re
from pathlib import Path

import pandas as pd
import pytest

from pipeline.bench.score_tables import CSV_COLUMNS
from tests.command import typed
from tests.places import ROOT, SAMPLE

TEXT = (ROOT / "docs" / "bench.md").read_text(encoding="utf-8")
PROGRAM = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[0]
COMMAND = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)[0].split()[1:]


def test_the_example_is_scored_on_the_sample_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sample_data").symlink_to(SAMPLE, target_is_directory=True)
    exec(compile(PROGRAM, "docs/bench.md", "exec"), {})
    done = typed(*COMMAND)
    assert done.returncode == 0, done.stderr
    scores = pd.read_csv(tmp_path / "my_program.csv")
    points, masks = scores[scores["kind"] == "points"], scores[scores["kind"] == "mask"]
    assert points["mean_mm"].median() > 3  # nobody aligned
    drawn = masks[(masks["status"] == "scored") & (masks["true_mm3"] > 100) & (masks["participant_id"] != "sub-demo08")]
    assert len(drawn) > 20
    assert drawn["error"].abs().max() < 0.06  # what the readers of the sample are off
    assert (drawn["dice"] == 1).all()
    undrawn = masks[(masks["participant_id"] == "sub-demo02") & (masks["session_id"] == "ses-02")]
    assert set(undrawn["status"]) == {"missing"}
    assert "no mask given: " in done.stdout


def test_every_column_is_explained() -> None:
    assert not [name for name in CSV_COLUMNS if f"`{name}`" not in TEXT]
