"""``make golden``: write down what the sample study measures and judges. Look at the diff before committing."""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.golden.table import GOLDEN, TABLES, read_store
from tests.places import ROOT

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        subprocess.run(
            [sys.executable, "-m", "pipeline", "run", "sample_data/study", str(out), "--as-of", "2026-01-01"],
            cwd=ROOT,
            check=True,
        )
        for name in TABLES:
            read_store(out, name).to_csv(GOLDEN / f"{name}.csv", index=False, lineterminator="\n")
            sys.stdout.write(f"wrote tests/golden/{name}.csv\n")
