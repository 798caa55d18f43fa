"""The scans of a visit beside T2w and T1w after contrast agent, labels of discs and cord, and a spectrum.

Each has random numbers of its own, so that what was scanned before stays the same byte for byte; between two scans of
a visit the person moves by up to half a millimetre.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
from nibabel.nifti1 import Nifti1Extension
from numpy.typing import NDArray

from pipeline.core.volume import to_voxel
from pipeline.files.images import save
from pipeline.selftest.scanner_day import expose, sample_points
from sample_data import scanner, tables
from sample_data.anatomy import Person, locate
from sample_data.lesions import cord_distance
from sample_data.phantom import Look, signals
from sample_data.scanner import PROTOCOLS, Protocol
from sample_data.spine import STEP_MM, curve_mm, curve_slope
from sample_data.stories import Patient, Visit
from sample_data.visit_setup import Setup, anat, cord_points, opened_mm, rng_of, stem

B_VALUES = (0.0, 1000.0, 1000.0, 1000.0)
DIRECTIONS = ((0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))
MOST_ADC = 4000
"""A scanner's map holds no larger number, 10^-6 mm²/s."""

AIR_BELOW = 6.0
MOVED_MM = 0.5
OWN_PROTOCOL = {"T2starw": "gre", "ADC": "epi", "dwi": "epi"}
PURPOSE = {"T1w": 11, "T2starw": 12, "ADC": 13, "dwi": 14}
BOX_MM = (7.0, 6.5, 22.0)
"""Box of the spectrum along x, y and z of the person; most of it is tumour."""

BANDWIDTH_HZ, FIELD_MHZ, POINTS = 2000.0, 123.2, 512
WATER_PPM, FADING_HZ = 4.65, 12.0
DISC_BEHIND_MM = 1.0
LAST_DISC, FIRST_DISC = 26, 2


def write(patient: Patient, visit: Visit, setup: Setup, study: Path) -> None:
    """Write what a visit has beside T2w, T1w after contrast agent and the reader's masks."""
    for kind in visit.further:
        _write_scan(kind, patient, visit, setup, study)
    folder, name = anat(study, patient, visit).parent, stem(patient, visit)
    if visit.spectrum:
        _write_spectrum(folder / "mrs" / f"{name}_svs.nii.gz", setup, rng_of(patient, visit, 15))
    if visit.is_labelled and patient.middle_disc is not None:
        labels = anat(study / "derivatives" / "labels", patient, visit)
        scan = (anat(Path(), patient, visit) / f"{name}_T2w.nii.gz").as_posix()
        for end, array in (
            ("T2w_label-discs_dlabel", disc_labels(setup, patient.middle_disc)),
            ("space-orig_label-cord_mask", cord_mask(setup)),
        ):
            path = labels / f"{name}_{end}.nii.gz"
            save(setup.grid.with_array(array), path)
            tables.write_mask_sidecar(path, scan)


def _write_scan(kind: str, patient: Patient, visit: Visit, setup: Setup, study: Path) -> None:
    """Scan a visit once more: ``T1w``, ``T2starw``, ``ADC`` or ``dwi``."""
    rng = rng_of(patient, visit, PURPOSE[kind])
    pose = replace(setup.pose, shift_mm=setup.pose.shift_mm + rng.uniform(-MOVED_MM, MOVED_MM, 3))
    protocol = PROTOCOLS[OWN_PROTOCOL.get(kind, visit.protocol)]
    grid = scanner.draw_grid(protocol, pose, 0.0, rng) if kind in OWN_PROTOCOL else setup.grid
    moved = Setup(setup.person, setup.scene, pose, grid)
    opened = opened_mm(patient, visit)
    datatype = "dwi" if kind in ("ADC", "dwi") else "anat"
    path = anat(study, patient, visit).with_name(datatype) / f"{stem(patient, visit)}_{kind}.nii.gz"
    if datatype == "anat":
        look = Look((kind,), is_dark=patient.is_dark, opened_mm=opened)
        signal = scanner.acquire(moved.person, moved.scene, pose, grid, protocol.samples, look)
        save(grid.with_array(expose(signal[0], protocol.noise, float(rng.uniform(0.9, 1.25)), rng)), path)
    else:
        weighted = _weighted(moved, protocol, opened, rng)
        if kind == "ADC":
            save(grid.with_array(_map(weighted)), path)
        else:
            _write_series(path, weighted, grid.affine)
    tables.write_sidecar(path, visit, kind, protocol)


def _weighted(
    setup: Setup, protocol: Protocol, opened: tuple[float, float] | None, rng: np.random.Generator
) -> NDArray[np.int16]:
    """Return the weighted volumes as whole numbers with Rician noise, shape ``(I, J, K, B)``.

    Signal falls in each point by its own coefficient, so a voxel of two tissues falls as both together.
    """
    signal = np.zeros((*setup.grid.shape, len(B_VALUES)), dtype=np.float64)
    look = Look(("T2w", "ADC"), opened_mm=opened)
    for x, y, z in sample_points(setup.pose, setup.grid, protocol.samples):
        unweighted, coefficient = signals(setup.person, setup.scene, locate(setup.person, x, y, z), look)
        weighted = {b: unweighted * np.exp(coefficient * np.float32(-b * 1e-6)) for b in set(B_VALUES)}
        signal += np.stack([weighted[b] for b in B_VALUES], axis=-1)
    signal /= np.prod(protocol.samples)
    real, imaginary = (protocol.noise * rng.standard_normal(signal.shape) for _ in range(2))
    return np.round(8 * np.sqrt((signal + real) ** 2 + imaginary**2)).astype(np.int16)


def _map(weighted: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the coefficient as a scanner computes it, 10^-6 mm²/s; 0 in air."""
    strong = [index for index, b in enumerate(B_VALUES) if b > 0]
    unweighted = weighted[..., 0].astype(np.float64)
    fallen = np.mean([np.log(np.maximum(weighted[..., index], 1)) for index in strong], axis=0)
    values = (np.log(np.maximum(unweighted, 1)) - fallen) / B_VALUES[-1] * 1e6
    return np.where(unweighted > 8 * AIR_BELOW, np.clip(np.round(values), 0, MOST_ADC), 0).astype(np.int16)


def _write_series(path: Path, weighted: NDArray[np.int16], affine: NDArray[np.float64]) -> None:
    _write_packed(nibabel.Nifti1Image(weighted, affine), path)
    stem = path.name.removesuffix(".nii.gz")
    path.with_name(f"{stem}.bval").write_text(" ".join(f"{b:g}" for b in B_VALUES) + "\n", encoding="utf-8")
    lines = [" ".join(str(number) for number in line) for line in DIRECTIONS]
    path.with_name(f"{stem}.bvec").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_packed(image: nibabel.Nifti1Image, path: Path) -> None:
    """Write an image with more than three axes; the same bytes for the same content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(image.to_bytes(), compresslevel=5, mtime=0))


def _write_spectrum(path: Path, setup: Setup, rng: np.random.Generator) -> None:
    """Write the spectrum of a box around the first tumour as NIfTI-MRS: fading waves and noise."""
    blob = next(blob for blob in setup.scene.blobs if blob.compartment == "tumour")
    affine = np.eye(4)
    affine[:3, :3] = setup.pose.rotation * np.array(BOX_MM)
    affine[:3, 3] = scanner.landmarks(setup.pose, cord_points(setup.person, np.array([blob.centre_mm])))[0]
    time_s = np.arange(POINTS) / BANDWIDTH_HZ
    waves = [
        ratio * np.exp((2j * np.pi * FIELD_MHZ * (ppm - WATER_PPM) - FADING_HZ) * time_s)
        for _, ppm, ratio, _ in tables.METABOLITES
    ]
    noise = 0.05 * (rng.standard_normal(POINTS) + 1j * rng.standard_normal(POINTS))
    signal = (np.sum(waves, axis=0) + noise).astype(np.complex64).reshape(1, 1, 1, POINTS)
    image = nibabel.Nifti2Image(signal, affine)
    image.header["intent_name"] = b"mrs_v0_9"
    image.header["pixdim"][4] = 1 / BANDWIDTH_HZ
    about = {"SpectrometerFrequency": [FIELD_MHZ], "ResonantNucleus": ["1H"], "EchoTime": 0.03, "RepetitionTime": 2.0}
    image.header.extensions.append(Nifti1Extension(44, json.dumps(about).encode()))
    _write_packed(image, path)
    sidecar = {"Manufacturer": "synthetic", "SequenceName": "synthetic PRESS", **about}
    tables.write_json(path.with_name(path.name.replace(".nii.gz", ".json")), sidecar)


def disc_heights(person: Person, middle_disc: int) -> dict[int, float]:
    """Return the height (mm along the spine) of each disc by its number, counted from the one nearest to the middle."""
    middles = person.spine.along["middle"]
    heights = (np.flatnonzero(np.diff(middles)) + 1) * STEP_MM - 140
    nearest = int(np.argmin(np.abs(heights)))
    numbers = middle_disc + nearest - np.arange(len(heights))
    return {
        int(number): float(height)
        for number, height in zip(numbers, heights, strict=True)
        if FIRST_DISC <= number <= LAST_DISC
    }


def disc_labels(setup: Setup, middle_disc: int) -> NDArray[np.uint8]:
    """Return a map on a scan's grid with the number of each disc in one voxel at its back."""
    region, grid = setup.person.spine.region, setup.grid
    labels = np.zeros(grid.shape, dtype=np.uint8)
    back = region.canal[1] + DISC_BEHIND_MM
    for number, height in disc_heights(setup.person, middle_disc).items():
        z = height
        for _ in range(4):
            z = height - float(curve_slope(region, np.array(z, dtype=np.float32))) * back
        point = cord_points(setup.person, np.array([[0.0, back, z]]))
        index = np.round(to_voxel(grid.affine, scanner.landmarks(setup.pose, point))[0]).astype(int)
        if np.all((index >= 0) & (index < np.array(grid.shape))):
            labels[tuple(index)] = number
    return labels


def cord_mask(setup: Setup) -> NDArray[np.uint8]:
    """Return the mask of the cord with all that is in it, on a scan's grid."""
    x, y, z = next(sample_points(setup.pose, setup.grid, (1, 1, 1)))
    u = y - curve_mm(setup.person.spine.region, z)
    return (cord_distance(setup.scene, x, u, z) < 0).astype(np.uint8)
