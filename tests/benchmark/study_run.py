"""How long the sample study takes from nothing, and again when nothing changed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.places import ROOT


def timed(*arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "pipeline", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "out")
        first = timed("run", "sample_data/study", out, "--jobs", "2")
        again = sorted(timed("run", "sample_data/study", out) for _ in range(3))[1]
    print("## The sample study\n")
    print("| run | seconds |\n|---|---|")
    print(f"| from nothing, 2 processes | {first:.0f} |")
    print(f"| nothing changed (median of 3) | {again:.1f} |\n")


if __name__ == "__main__":
    main()
