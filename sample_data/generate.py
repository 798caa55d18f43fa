"""Write the sample study and its truth: ``python -m sample_data.generate [FOLDER]``.

Replaces ``study/`` and ``truth/`` inside the folder (default: beside this file). The same code gives the same bytes.
"""

from __future__ import annotations

import argparse
import shutil
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core.volume import Volume
from pipeline.files.images import save
from pipeline.selftest.scanner_day import expose
from sample_data import described_truth, further_scans, scanner, tables
from sample_data.lesions import ORDER, own_volumes_mm3
from sample_data.phantom import Look
from sample_data.scanner import PROTOCOLS
from sample_data.stories import PATIENTS, Patient, Visit
from sample_data.visit_setup import Setup, anat, cord_points, opened_mm, rng_of, set_up, stem

LABELS = {name: index for index, name in enumerate(("tumour", "cyst", "oedema", "syrinx", "cavity"), start=1)}
LANDMARKS = 40
CHANNELS = ("T2w", "ce-gadolinium_T1w")
READER_ERROR = 0.025
"""Standard deviation of a reader's error in volume, as a share of the volume; errors stop at twice this."""
SECOND_READER_EXCESS = 0.09
"""By how much more generously the second reader outlines, as a share of the volume."""


Shares = dict[str, NDArray[np.float32]]
Rows = dict[str, list[tuple[str, ...]]]


def shares_of(visit: Visit, setup: Setup) -> Shares:
    """Return the true share of each compartment in each voxel of a visit's grid."""
    samples = PROTOCOLS[visit.protocol].samples
    return scanner.acquire_shares(setup.person, setup.scene, setup.pose, setup.grid, samples)


def write_scans(patient: Patient, visit: Visit, setup: Setup, study: Path) -> None:
    """Scan a visit and write its images, with the fault the story gives it."""
    protocol = PROTOCOLS[visit.protocol]
    look = Look(uptake=visit.uptake, is_dark=patient.is_dark, opened_mm=opened_mm(patient, visit))
    signal = scanner.acquire(setup.person, setup.scene, setup.pose, setup.grid, protocol.samples, look)
    rng = rng_of(patient, visit, 2)
    for channel, suffix in enumerate(CHANNELS[: 1 + visit.contrast]):
        values = expose(signal[channel], protocol.noise, float(rng.uniform(0.9, 1.25)), rng)
        path = anat(study, patient, visit) / f"{stem(patient, visit)}_{suffix}.nii.gz"
        save(setup.grid.with_array(values), path)
        tables.write_sidecar(path, visit, suffix, protocol)
        if visit.fault == "truncated scan":
            whole = path.read_bytes()
            path.write_bytes(whole[: len(whole) * 3 // 5])


def write_masks(patient: Patient, visit: Visit, setup: Setup, study: Path) -> None:
    """Write what the readers drew in a visit, if they read it."""
    if visit.session_id not in patient.read_visits:
        return
    shares, rng = shares_of(visit, setup), rng_of(patient, visit, 3)
    grid = setup.grid
    if visit.fault == "mask on another grid":
        grid = Volume(grid.array[:, :, :-1], grid.affine)
        shares = {name: array[:, :, :-1] for name, array in shares.items()}
    files = {f"reader/{name}": array for name, array in _as_files(patient, shares, rng).items()}
    if visit.session_id in patient.second_reader:
        files["reader2/dseg"] = labels_of(shares, rng, SECOND_READER_EXCESS)
    for key, array in files.items():
        reader, name = key.split("/")
        folder = anat(study / "derivatives" / reader, patient, visit)
        path = folder / f"{stem(patient, visit)}_space-orig_{name}.nii.gz"
        save(grid.with_array(array), path)
        scan = anat(Path(), patient, visit) / f"{stem(patient, visit)}_T2w.nii.gz"
        tables.write_mask_sidecar(path, scan.as_posix())


def labels_of(shares: Shares, rng: np.random.Generator, excess: float = 0.0) -> NDArray[np.uint8]:
    """Outline each compartment as a reader would: whole voxels, the fullest first, and a small error in volume."""
    labels = np.zeros(shares["tumour"].shape, dtype=np.uint8)
    for name in ORDER:
        error = excess + float(np.clip(READER_ERROR * rng.standard_normal(), -0.05, 0.05))
        free = np.where(labels == 0, shares[name], 0)
        count = round(float(shares[name].sum(dtype=np.float64)) * (1 + error))
        chosen = np.argsort(free, axis=None, kind="stable")[::-1][:count]
        labels.flat[chosen[free.flat[chosen] > 0]] = LABELS[name]
    return labels


def truth_of(patient: Patient, visit: Visit, setup: Setup) -> Rows:
    """Return the rows of the truth tables for one visit."""
    key = (patient.participant_id, visit.session_id)
    parts = own_volumes_mm3(setup.scene)
    volumes: list[tuple[str, ...]] = []
    lesions: list[tuple[str, ...]] = []
    for name in LABELS:
        total_mm3 = sum(volume for blob, volume in parts if blob.compartment == name)
        volumes.append((*key, name, f"{total_mm3:.1f}"))
    for index, (blob, volume) in enumerate(part for part in parts if part[0].compartment == "tumour"):
        centre = scanner.landmarks(setup.pose, cord_points(setup.person, np.array([blob.centre_mm])))[0]
        lesions.append((*key, str(index + 1), f"{volume:.1f}", *(f"{c:.3f}" for c in centre)))
    points = scanner.landmarks(setup.pose, cord_points(setup.person, _landmark_offsets(patient)))
    inside = scanner.covered(setup.grid, points)
    marks: list[tuple[str, ...]] = [
        (*key, str(index), *(f"{c:.3f}" for c in point), str(int(seen)))
        for index, (point, seen) in enumerate(zip(points, inside, strict=True))
    ]
    described: list[tuple[str, ...]] = [(*key, *row) for row in described_truth.rows_of(patient, visit, setup)]
    return {"volumes": volumes, "lesions": lesions, "landmarks": marks, "description": described}


def generate(folder: Path, workers: int = 1) -> None:
    """Write ``study`` and ``truth`` into a folder, replacing what was there."""
    study, truth = folder / "study", folder / "truth"
    for old in (study, truth):
        shutil.rmtree(old, ignore_errors=True)
    jobs = [(patient, visit, study) for patient in PATIENTS for visit in patient.visits]
    with ProcessPoolExecutor(workers) as pool:
        rows = list(pool.map(_write_visit, jobs))
    tables.write_study_tables(study)
    tables.write_truth_tables(truth, {kind: list(chain.from_iterable(part[kind] for part in rows)) for kind in rows[0]})


def _write_visit(job: tuple[Patient, Visit, Path]) -> Rows:
    patient, visit, study = job
    setup = set_up(patient, visit)
    write_scans(patient, visit, setup, study)
    write_masks(patient, visit, setup, study)
    further_scans.write(patient, visit, setup, study)
    return truth_of(patient, visit, setup)


def _as_files(patient: Patient, shares: Shares, rng: np.random.Generator) -> dict[str, NDArray]:
    """Return the arrays of one reading by the end of their file name, in the form this patient's reader uses."""
    if patient.reading == "labels":
        return {"dseg": labels_of(shares, rng)}
    drawn = [name for name in LABELS if shares[name].max() > 0]
    if patient.reading == "soft":
        return {f"label-{name}_probseg": np.round(shares[name] * 200) / np.float32(200) for name in drawn}
    labels = labels_of(shares, rng)
    spelling = {"tumour": "tumor", "oedema": "edema"}
    return {f"label-{spelling.get(name, name)}_mask": labels == LABELS[name] for name in drawn}


def _landmark_offsets(patient: Patient) -> NDArray[np.float64]:
    rng = np.random.default_rng([patient.seed, 41])
    heights = np.linspace(-52, 52, LANDMARKS)
    return np.column_stack([rng.uniform(-2, 2, (LANDMARKS, 2)), heights])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the synthetic sample study and its truth.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parent)
    parser.add_argument("--workers", type=int, default=1, help="processes to use (default 1)")
    options = parser.parse_args()
    generate(options.folder, options.workers)
