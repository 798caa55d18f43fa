"""Putting imported scans into a study folder: images, sidecars and table rows, under pseudonyms only.

What a sidecar says is a list of allowed things (numbers, code words and names of makers), so nothing that identifies
anybody can slip in: private elements, free text, times of day and unique identifiers stay outside, as the basic
profile of DICOM PS3.15 Annex E asks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import __version__
from pipeline.acquisition.protocol import maker_of, plain
from pipeline.core.records import Finding
from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files import atomic, fingerprints, images
from pipeline.files.images import flip_points
from pipeline.hospital.importing.naming import Named
from pipeline.hospital.importing.triage import Decision
from pipeline.hospital.private.pseudonyms import Identities
from pipeline.hospital.read.instances import UNWEIGHTED, Triple
from pipeline.study.names import format_name
from pipeline.study.study_tables import read_table
from pipeline.study.table_append import append_rows, rows_there

MODELS = (
    "Aera", "Altea", "Amira", "Avanto", "Avanto_fit", "Biograph_mMR", "Cima.X", "Espree", "Free.Max", "Free.Star",
    "Lumina", "Prisma", "Prisma_fit", "Sempra", "Skyra", "Skyra_fit", "Sola", "Spectra", "Symphony", "SymphonyTim",
    "Terra", "Trio", "TrioTim", "Verio", "Vida", "Vida Fit", "DISCOVERY MR450", "DISCOVERY MR750",
    "DISCOVERY MR750w", "Optima MR360", "Optima MR450w", "SIGNA Architect", "SIGNA Artist", "SIGNA EXCITE",
    "SIGNA Explorer", "SIGNA HDx", "SIGNA HDxt", "SIGNA Pioneer", "SIGNA Premier", "SIGNA Voyager", "Achieva",
    "Achieva dStream", "Ambition X", "Evolution", "Ingenia", "Ingenia Ambition X", "Ingenia CX",
    "Ingenia Elition X", "Intera", "Multiva", "MR 7700", "Panorama HFO", "Prodiva", "Vantage Elan", "Vantage Galan",
    "Vantage Orian", "Vantage Titan", "ECHELON", "Oasis", "uMR 570", "uMR 770", "uMR 780", "uMR 790",
)  # fmt: skip
"""Names that makers give their scanners; another text may have been typed by anybody and stays outside."""

KINDS = ("SE", "GR", "IR", "EP", "RM")
VARIANTS = ("SK", "MTC", "SS", "TRSS", "SP", "MP", "OSP", "NONE")


def describe_study(bids_dir: Path) -> None:
    """Write the study's description when there is none."""
    path = bids_dir / "dataset_description.json"
    if not path.exists():
        generated_by = [{"Name": "cordtrack", "Version": __version__}]
        content = {"Name": bids_dir.name, "BIDSVersion": "1.10.0", "DatasetType": "raw", "GeneratedBy": generated_by}
        atomic.write_text(path, json.dumps(content, indent=1) + "\n")


def image_path(bids_dir: Path, named: Named) -> Path:
    """Return where a stack's image goes."""
    parts = [f"{key}-{named.entities[key]}" for key in ("sub", "ses")]
    return bids_dir.joinpath(*parts, named.folder, format_name(named.entities, named.suffix, ".nii.gz"))


def is_ours_or_free(path: Path, token: str) -> bool:
    """Say whether a name is free, or holds what a killed import of the same stack left."""
    sidecar = sidecar_of(path)
    if not path.exists() and not sidecar.exists():
        return True
    try:
        content = json.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("SeriesToken") == token


def sidecar_of(path: Path) -> Path:
    """Return the JSON file beside an image."""
    return path.with_name(path.name.removesuffix(".nii.gz") + ".json")


def write_image(path: Path, volume: Volume, decision: Decision, identities: Identities) -> None:
    """Write a stack's image with its sidecar, and the diffusion tables BIDS wants beside a DWI."""
    images.save(volume, path)
    content = sidecar(decision, identities) | {"ImageDigest": fingerprints.of_file(path)}
    atomic.write_text(sidecar_of(path), json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    if path.name.endswith("_dwi.nii.gz"):
        _write_gradients(path.with_name(path.name.removesuffix(".nii.gz")), volume, decision)


def _write_gradients(stem: Path, volume: Volume, decision: Decision) -> None:
    """Write b-value and direction as BIDS has them; a weighted image of unknown direction gets no direction at all."""
    acquisition = decision.stack.acquisition
    b_value = acquisition.b_value or 0.0
    atomic.write_text(stem.with_name(f"{stem.name}.bval"), f"{b_value:g}\n")
    vector = stem.with_name(f"{stem.name}.bvec")
    if acquisition.lacks_direction:
        return
    direction = (0.0, 0.0, 0.0) if acquisition.direction is None or b_value <= UNWEIGHTED else acquisition.direction
    atomic.write_text(vector, "".join(f"{value:.6g}\n" for value in along_axes(direction, volume.affine)))


def along_axes(direction: Triple, affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a direction in the patient's axes (LPS) along an image's axes, as FSL and BIDS have it.

    The first component changes sign where the image's axes are right-handed (BIDS 1.10, diffusion: bvec).
    """
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    along: NDArray[np.float64] = axes.T @ flip_points(np.array([direction]))[0] + 0.0
    if np.linalg.det(axes) > 0:
        along[0] = -along[0] + 0.0
    return along


def masks_on(bids_dir: Path, file: str) -> bool:
    """Say whether anybody's masks of a scan's visit lie in the study's derivatives."""
    visit = Path(file).parts[:2]
    return any((bids_dir / "derivatives").glob(f"*/{visit[0]}/{visit[1]}/*/*.nii*"))


def sidecar(decision: Decision, identities: Identities) -> dict[str, Any]:
    """Return what may be said of a series: nothing that identifies anybody."""
    acquisition, grid = decision.stack.acquisition, decision.stack.grid
    assert grid is not None
    model = plain(decision.stack.first.device.partition("|")[0])
    content: dict[str, Any] = {
        "Modality": "MR",
        "Manufacturer": maker_of(acquisition.manufacturer),
        "ManufacturersModelName": next((name for name in MODELS if model == plain(name)), None),
        "MagneticFieldStrength": acquisition.field_tesla,
        "MRAcquisitionType": {True: "3D", False: "2D", None: None}[acquisition.is_3d],
        "ScanningSequence": "_".join(word for word in KINDS if word in acquisition.kinds) or None,
        "SequenceVariant": "_".join(word for word in VARIANTS if word in acquisition.variants) or None,
        "EchoTime": _seconds(acquisition.echo_time_ms),
        "RepetitionTime": _seconds(acquisition.repetition_time_ms),
        "InversionTime": _seconds(acquisition.inversion_time_ms),
        "FlipAngle": acquisition.flip_angle_deg,
        "EchoTrainLength": acquisition.echo_train_length,
        "SliceThickness": acquisition.slice_thickness_mm,
        "SpacingBetweenSlices": round(float((grid.affine[:3, 2] ** 2).sum() ** 0.5), 6),
        "ContrastBolusIngredient": "GADOLINIUM" if decision.contrast.is_enhanced else None,
        "DiffusionDirection": _direction_words(decision),
        "ContrastDecidedBy": "; ".join(decision.reasons),
        "ContrastConfidence": decision.contrast.confidence,
        "DeviceToken": identities.token("device", acquisition.manufacturer, decision.stack.first.device),
        "SeriesToken": decision.token,
        "PatientIdentityRemoved": "YES",
        "LongitudinalTemporalInformationModified": "MODIFIED" if identities.shifts_dates else "UNMODIFIED",
        "ConversionSoftware": "cordtrack",
        "ConversionSoftwareVersion": __version__,
    }
    return {key: value for key, value in content.items() if value is not None}


def _direction_words(decision: Decision) -> str | None:
    acquisition = decision.stack.acquisition
    if (acquisition.b_value or 0) <= UNWEIGHTED:
        return None
    if acquisition.direction is not None:
        return "beside the image (bvec)"
    return "none: a trace image" if acquisition.is_isotropic else "not stated in the header; no bvec is written"


def add_patient(bids_dir: Path, patient_id: str, sex: str | None, age: int | None) -> None:
    """Add a patient to participants.tsv unless it lists the patient."""
    path = bids_dir / "participants.tsv"
    if patient_id not in {row["participant_id"] for row in rows_there(path, bids_dir)}:
        append_rows(path, ("participant_id", "sex", "age"), [{"participant_id": patient_id, "sex": sex, "age": age}])


def add_visits(bids_dir: Path, patient_id: str, visits: Iterable[tuple[str, date | None]]) -> None:
    """Add visits to a patient's sessions table unless it lists them.

    Raises
    ------
    InputError
        The table cannot be read.
    """
    path = bids_dir / patient_id / f"{patient_id}_sessions.tsv"
    findings: list[Finding] = []
    visit_rows = read_table(path.resolve(), bids_dir.resolve(), ("session_id",), findings) if path.exists() else []
    broken = next((problem for problem in findings if problem.severity == "error"), None)
    if broken is not None:
        raise InputError(f"{broken.message}; correct the table before visits are added to it")
    session_ids = {row.cells.get("session_id") for row in visit_rows}
    new = [{"session_id": name, "acq_date": day} for name, day in sorted(visits) if name not in session_ids]
    append_rows(path, ("session_id", "acq_date"), new)


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds / 1000, 7)
