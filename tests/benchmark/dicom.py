"""How quickly a hospital's folder becomes a study: 5,000 slices as a clinic sends them, in a process of its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np

from pipeline.core.volume import Volume
from tests import dicom_files as dicom

PATIENTS, VISITS, SERIES, SLICES, EDGE = 10, 5, 2, 50, 320
"""5,000 slices of 320 x 320 pixels."""
TARGET_S, TARGET_MB = 60, 1000
JOBS = 2


def write(folder: Path) -> int:
    """Write the folder; noise of ten bits on a bright body, which packs about as badly as real scans do."""
    rng = np.random.default_rng(1)
    affine = np.array([[0.0, 0, -1.0, 20.0], [-0.7, 0.0, 0.0, 30.0], [0.0, -0.7, 0.0, 60.0], [0, 0, 0, 1.0]])
    body = np.hypot(*np.meshgrid(np.linspace(-1, 1, EDGE), np.linspace(-1, 1, EDGE), indexing="ij")) < 0.8
    count = 0
    for patient in range(PATIENTS):
        for visit in range(VISITS):
            for number in range(SERIES):
                noise = rng.normal(0, 12, (EDGE, EDGE, SLICES))
                array = np.abs(noise + 300 * body[..., None]).astype(np.int16)
                made = (dicom.T2_SPIN_ECHO, dicom.T1_SPIN_ECHO)[number]
                series = dicom.slices(
                    Volume(array, affine), date(2015 + visit, 3, 1), made=made, PatientID=f"B{patient}",
                    PatientName=f"Bench^{patient}", SeriesDescription="sag",
                )  # fmt: skip
                dicom.save_all(series, folder / f"{patient}_{visit}_{number}")
                count += len(series)
    return count


def child(source: str, study: str) -> None:
    """Import and print seconds, memory and what came out; run in a process of its own."""
    from pipeline.hospital.importing.importing import ImportSettings, import_dicom  # noqa: PLC0415

    spent = []
    for _ in range(2):
        started = time.perf_counter()
        done = import_dicom(ImportSettings(Path(source), Path(study), jobs=JOBS), lambda *_: None)
        spent.append((time.perf_counter() - started, len(done.added)))
    unit = 1 if sys.platform == "darwin" else 1024
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    print(json.dumps({"spent": spent, "peak_mb": peak_mb}))


def main() -> None:
    if len(sys.argv) == 3:
        child(*sys.argv[1:])
        return
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in"
        count = write(source)
        size_mb = sum(path.stat().st_size for path in source.rglob("*") if path.is_file()) / 1e6
        command = [sys.executable, "-m", "tests.benchmark.dicom", str(source), str(Path(folder) / "study")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
    (first_s, added), (second_s, again) = found["spent"]
    print("## DICOM import\n")
    what = f"{count:,} slices of {EDGE} x {EDGE} pixels ({size_mb:.0f} MB) of {PATIENTS} patients into a study"
    print(f"{what}, {JOBS} series converted at the same time. Targets: {TARGET_S} s and {TARGET_MB} MB.\n")
    print("| | seconds | files added |\n|---|---|---|")
    print(f"| first import | {first_s:.0f} | {added} |\n| the same again | {second_s:.0f} | {again} |\n")
    print(f"Most memory: {found['peak_mb']:.0f} MB.\n")


if __name__ == "__main__":
    main()
