"""The synthetic DICOM cases beside the project: each must come out as its own check says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT, SHARED

CASES = SHARED / "dicom_cases"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_case_comes_out_as_its_check_says(tmp_path: Path) -> None:
    if not CASES.is_dir():
        pytest.skip("the DICOM cases are not beside the project")
    command = tmp_path / "cordtrack"
    program = "import sys\nfrom pipeline.cli.commands import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
    command.write_text(f"#!{sys.executable}\n{program}")
    command.chmod(0o755)
    done = subprocess.run(
        [sys.executable, str(CASES / "check_cases.py"), str(command)], cwd=CASES, capture_output=True, text=True,
        check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert [line for line in done.stdout.splitlines() if line.startswith("FAIL")] == []
    assert done.returncode == 0, done.stderr
