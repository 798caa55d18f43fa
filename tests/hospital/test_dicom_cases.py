"""The synthetic DICOM cases beside the project: each must come out as its own check says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import script_beside
from tests.places import SHARED

CASES = SHARED / "dicom_cases"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_case_comes_out_as_its_check_says(tmp_path: Path) -> None:
    if not CASES.is_dir():
        pytest.skip("the DICOM cases are not beside the project")
    done = script_beside(CASES / "check_cases.py", tmp_path)
    assert [line for line in done.stdout.splitlines() if line.startswith("FAIL")] == []
    assert done.returncode == 0, done.stdout
