"""Everything about a visit that is drawn before it is scanned: who, what is in the cord, pose and field of view."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core.volume import Volume
from pipeline.selftest.scanner_day import Pose, draw_pose
from sample_data import scanner
from sample_data.anatomy import Person, make_person
from sample_data.lesions import ORDER, Blob, Scene, fit, lumpy
from sample_data.scanner import PROTOCOLS
from sample_data.spine import curve_mm
from sample_data.stories import Patient, Visit

SHAPES = {
    "tumour": (1.0, 0.92, 1.1),
    "cyst": (1.0, 0.92, 1.05),
    "cavity": (0.95, 0.85, 1.0),
    "syrinx": (1.0, 0.8, 2.4),
    "oedema": (1.3, 1.2, 1.5),
}
PLACES = {"tumour": (0.3, -0.2, 0.0), "tumour_2": (0.0, 0.0, -20.0)}


@dataclass(frozen=True, eq=False)
class Setup:
    """Everything about a visit that is drawn before the scan: person, lesions, pose and field of view."""

    person: Person
    scene: Scene
    pose: Pose
    grid: Volume


def scene_of(patient: Patient, visit: Visit, person: Person) -> Scene:
    """Fit the visit's lesions into the patient's cord; lumps belong to the patient, sizes to the visit."""
    region = person.spine.region
    scene = Scene(region.cord, region.conus_z, ())
    names = [name for kind in ORDER for name in (kind, f"{kind}_2") if visit.volumes_mm3.get(name, 0) > 0]
    for name in names:
        kind = name.removesuffix("_2")
        rng = np.random.default_rng([patient.seed, 31, sum(name.encode())])
        place = patient.places.get(name, PLACES.get(name, patient.places.get("tumour", PLACES["tumour"])))
        shape = patient.shapes.get(name, SHAPES[kind])
        blob = Blob(kind, place, shape, patient.sides.get(name, 0), lumpy(rng))
        scene = fit(scene, blob, visit.volumes_mm3[name])
    return scene


def set_up(patient: Patient, visit: Visit) -> Setup:
    """Draw a visit."""
    person = make_person(patient.region, patient.seed)
    rng = rng_of(patient, visit, 1)
    pose = draw_pose(rng)
    grid = scanner.draw_grid(PROTOCOLS[visit.protocol], pose, 0.0, rng)
    return Setup(person, scene_of(patient, visit, person), pose, grid)


def stem(patient: Patient, visit: Visit) -> str:
    """Return the BIDS beginning of a visit's file names."""
    return f"{patient.participant_id}_{visit.session_id}"


def anat(root: Path, patient: Patient, visit: Visit) -> Path:
    """Return the folder of a visit's anatomical images below a data set's root."""
    return root / patient.participant_id / visit.session_id / "anat"


def rng_of(patient: Patient, visit: Visit, purpose: int) -> np.random.Generator:
    """Return the random numbers of one part of a visit: what is added later has a purpose of its own."""
    return np.random.default_rng([patient.seed, int(visit.session_id[-2:]), purpose])


def opened_mm(patient: Patient, visit: Visit) -> tuple[float, float] | None:
    """Return the heights between which the arches are opened at a visit, mm; None before an operation."""
    if not visit.operated:
        return None
    middle = patient.places.get("tumour", PLACES["tumour"])[2]
    return middle - 17.0, middle + 17.0


def cord_points(person: Person, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move points ``(N, 3)`` given beside the cord's middle line (x, u, z) into the person's own space, mm."""
    moved = points_mm.astype(np.float64).copy()
    moved[:, 1] += curve_mm(person.spine.region, points_mm[:, 2].astype(np.float32))
    return moved
