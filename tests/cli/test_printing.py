"""What a run prints: every patient of a small study; of a large one those that it worked on, and counts of all."""

from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from pipeline import api
from pipeline.cli import printing
from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.run.run_settings import RunSummary


def _printed(
    monkeypatch: pytest.MonkeyPatch, patients: int, computed: tuple[str, ...], findings: tuple[Finding, ...] = ()
) -> str:
    names = [f"sub-{index:03d}" for index in range(patients)]
    table = pd.DataFrame({"patient": names, "state": "residual_stable", "why": None, "visits": 4})
    table.loc[0, "state"], table.loc[1, "why"] = None, "ses-01: the scan cannot be read"
    monkeypatch.setattr(api, "status", lambda _: table)
    stream = StringIO()
    console = Console(file=stream, width=200)
    printing.print_run(console, RunSummary(computed, (), findings, is_published=True), Path("results"))
    return stream.getvalue()


def test_every_patient_of_a_small_study_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason of what was not measured."""
    text = _printed(monkeypatch, printing.MOST_PATIENTS, ())
    assert sum("sub-" in line for line in text.splitlines()) == printing.MOST_PATIENTS + 1
    assert "sub-001 not measured: ses-01: the scan cannot be read" in text


def test_of_a_large_study_those_worked_on_are_printed_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A patient without a verdict and one with a gap are counted, and the command for the others is named."""
    text = _printed(monkeypatch, 300, ("sub-001", "sub-007"))
    assert [line.split()[0] for line in text.splitlines() if line.startswith("sub-")] == ["sub-001", "sub-007"]
    assert "sub-001 not measured" in text
    assert "300 patients: 299 residual stable, 1 not judged; 1 with a visit that has no volume" in text
    assert "cordtrack status results" in text


def test_many_patients_worked_on_are_counted_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads three hundred rows."""
    text = _printed(monkeypatch, 300, tuple(f"sub-{index:03d}" for index in range(300)))
    assert "sub-001 not measured" not in text
    assert "300 patients:" in text


def test_patients_of_the_study_without_results_are_counted_and_the_first_of_them_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever asked for some patients only is told of the others."""
    names = [f"sub-9{number:02d}" for number in range(20)]
    missing = tuple(finding("results_missing", "none yet", patient_id=name) for name in names)
    text = _printed(monkeypatch, 2, (), missing)
    assert "no results yet: 20 patients of the study (sub-900, sub-901" in text
    assert "sub-911 ...)" in text
    assert "no results yet" not in _printed(monkeypatch, 2, ())


def test_one_patient_is_not_several(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is one finding."""
    missing = (finding("results_missing", "none yet", patient_id="sub-900"),)
    text = _printed(monkeypatch, 2, ("sub-000",), missing)
    assert "1 patient computed, 0 reused; findings: 0 errors, 1 warning, 0 notes" in text
    assert "no results yet: 1 patient of the study (sub-900)" in text
