"""Pages that show no scan wait for nothing that reads or draws one: that is what a first page waits for."""

import subprocess
import sys

from dashboard.server import OPENED_FIRST, OPENED_NEXT
from pipeline.files import child_process

HEAVY = {"SimpleITK", "nibabel", "scipy.ndimage", "scipy.stats", "matplotlib", "pydicom", "ants"}


def loaded_by(*names: str) -> set[str]:
    script = f"import sys, importlib\nfor name in {names!r}:\n    importlib.import_module(name)\nprint(*sys.modules)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=child_process.child_environment(), capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_study_and_board_load_nothing_that_reads_scans() -> None:
    first = loaded_by(*OPENED_FIRST)
    assert set(OPENED_FIRST) <= first
    assert not HEAVY & first


def test_what_is_loaded_next_does_read_scans() -> None:
    assert {"SimpleITK", "nibabel"} <= loaded_by(*OPENED_NEXT), "else nothing is left to load ahead"
