"""What there is to send of one patient: each visit's measured scan, masks, lesions, numbers, verdict and sign-offs.

Read from the published store and the files it names; a file that has changed since the run is refused, so that
numbers and masks that leave the house belong together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.errors import SettingsError
from pipeline.files import images
from pipeline.measure import volumes
from pipeline.store import reader
from pipeline.study.measured_masks import read_measured
from pipeline.study.study_folder import MaskFile, read_study


@dataclass(frozen=True, eq=False)
class Piece:
    """One thing to outline: a lesion, or a whole compartment.

    Attributes
    ----------
    lesion_id
        For tumour that was followed; None for other compartments and for tumour that was not followed.
    is_confirmed
        A person confirmed that this lesion is the one of earlier visits.
    is_manual
        A person drew it, in the study folder or in place of the measured mask.
    volume_mm3
        As the store has it, mm³.
    array
        On the visit's scan; booleans, or probabilities from 0 to 1.
    """

    compartment: Compartment
    lesion_id: str | None
    is_confirmed: bool
    volume_mm3: float
    array: NDArray
    is_manual: bool


@dataclass(frozen=True, eq=False)
class ExportVisit:
    """One visit as it is sent.

    Attributes
    ----------
    scan
        The scan the masks lie on, relative to the study.
    measurements, verdict
        Rows of the store; the verdict of the criteria shown first, None when there is none.
    label
        What the visit is called where results go.
    description
        Rows of the store: what the scans say of each lesion.
    accepted_by
        Who accepted the tumour mask as it is now, or drew it in place of another; None when nobody did.
    """

    session_id: str
    acquired_on: date | None
    number: int
    scan: str
    image: Volume
    pieces: tuple[Piece, ...]
    measurements: tuple[Mapping[str, Any], ...]
    verdict: Mapping[str, Any] | None
    accepted_by: str | None
    days_from_baseline: int | None = None
    label: str = ""
    description: tuple[Mapping[str, Any], ...] = ()

    def is_confirmed(self, lesion_id: str) -> bool:
        """Say whether a person confirmed that a lesion is the one of earlier visits."""
        return any(piece.is_confirmed for piece in self.pieces if piece.lesion_id == lesion_id)


@dataclass(frozen=True, eq=False)
class ExportPatient:
    """One patient with the visits that have a measured mask; ``left_out`` says why others have not, in words.

    ``label`` is what results call the patient: the pseudonym, or nothing in a person's own record.
    """

    patient_id: str
    bids_dir: Path
    version: str
    made_at: datetime
    visits: tuple[ExportVisit, ...]
    left_out: tuple[str, ...]
    label: str = ""


def patient_id_of(text: str) -> str:
    """Return a patient's id with ``sub-``, given with or without it."""
    return f"sub-{text.removeprefix('sub-')}"


def gather(out_dir: Path, bids_dir: Path, patient: str) -> ExportPatient:
    """Collect what there is of one patient.

    Parameters
    ----------
    out_dir, bids_dir
        Of the last run.

    Raises
    ------
    SettingsError
        The store has no such patient.
    InputError
        A mask or scan is gone or was changed after the run.
    """
    patient_id = patient_id_of(patient)
    with reader.Reader(reader.database_path(out_dir)) as published:  # one: all of it is of the same publish
        tables = {name: _rows(published, f"patient_{name}", patient_id) for name in TABLES}
        info = _rows(published, "study_info")[0]
    if not tables["visits"]:
        raise SettingsError(f"{patient_id}: expected a patient of {out_dir}, found none; cordtrack status lists them")
    finished = info["finished_at"]
    study = read_study(bids_dir, as_of=finished.date(), participants=frozenset({patient_id}))
    files = {
        mask.relative: mask
        for study_patient in study.patients
        for visit in study_patient.visits
        for mask in visit.masks
    }
    visits, left_out = [], []
    for number, row in enumerate(tables["visits"], start=1):
        masks = [m for m in tables["masks"] if m["session_id"] == row["session_id"] and m["is_primary"]]
        if not masks:
            left_out.append(f"{row['session_id']}: no mask was measured at this visit")
            continue
        place = _Place(out_dir, bids_dir, files, str(info["default_criteria_id"]))
        visits.append(_visit(row, number, masks, tables, place))
    return ExportPatient(
        patient_id,
        bids_dir,
        str(info["cordtrack_version"]),
        finished,
        tuple(visits),
        tuple(left_out),
        patient_id,
    )


ORDER = [str(compartment) for compartment in Compartment]
TABLES = ("visits", "masks", "lesions", "measurements", "assessments", "description", "journal")


@dataclass(frozen=True)
class _Place:
    out_dir: Path
    bids_dir: Path
    files: Mapping[str, MaskFile]
    criteria_id: str


def _rows(published: reader.Reader, query: str, patient_id: str | None = None) -> list[dict[str, Any]]:
    answer = published.query(query, **({"patient_id": patient_id} if patient_id else {}))
    return [
        {str(key): (None if value is None or value != value else value) for key, value in row.items()}  # noqa: PLR0124  # NaN and NaT
        for row in answer.astype(object).to_dict("records")
    ]


def _visit(
    row: Mapping[str, Any], number: int, masks: Sequence[Mapping[str, Any]], tables: Mapping[str, list[dict[str, Any]]],
    place: _Place,
) -> ExportVisit:  # fmt: skip
    session_id = row["session_id"]
    here = {name: [r for r in table_rows if r.get("session_id") == session_id] for name, table_rows in tables.items()}
    scan = str(masks[0]["scan_path"])
    image = images.load_grid(place.bids_dir / scan)
    pieces: list[Piece] = []
    sizes = {Compartment(m["compartment"]): m["volume_mm3"] for m in here["measurements"]}
    confirmed = _confirmed(tables["visits"], tables["journal"], session_id)
    for mask in sorted(masks, key=lambda m: ORDER.index(m["compartment"])):
        compartment = Compartment(mask["compartment"])
        volume = read_measured(mask, image, place.out_dir, place.bids_dir, place.files)
        is_manual = mask["mask_origin"] in ("manual", "edited")
        if volume is None or sizes.get(compartment) is None:
            continue
        whole = Piece(compartment, None, False, float(sizes[compartment]), volume.array, is_manual)
        lesions = [r for r in here["lesions"] if r["component_id"]] if compartment == Compartment.TUMOUR else []
        pieces += _lesions(whole, volume, lesions, confirmed) if lesions else [whole]
    verdicts = [r for r in here["assessments"] if r["criteria_id"] == place.criteria_id]
    signed = [r for r in here["journal"] if r["act"] in SIGNS and (r["compartment"], r["status"]) == SIGNED]
    acquired = row["acquired_on"]
    return ExportVisit(
        session_id, None if acquired is None else acquired.date() if hasattr(acquired, "date") else acquired, number,
        scan, image, tuple(pieces), tuple(here["measurements"]), verdicts[0] if verdicts else None,
        signed[0]["who"] if signed else None, _days_from_baseline(row, verdicts, tables["visits"]), session_id,
        tuple(here["description"]),
    )  # fmt: skip


def _days_from_baseline(
    row: Mapping[str, Any], verdicts: Sequence[Mapping[str, Any]], visits: Sequence[Mapping[str, Any]]
) -> int | None:
    """Return the days since the baseline that the visit was judged against; None without one or without dates."""
    baseline = verdicts[0]["baseline_session_id"] if verdicts else None
    day = next((visit["acquired_on"] for visit in visits if visit["session_id"] == baseline), None)
    return None if day is None or row["acquired_on"] is None else int((row["acquired_on"] - day).days)


SIGNS = ("accept_mask", "correct_mask")
SIGNED = ("tumour", "in_force")


def _lesions(
    whole: Piece, volume: Volume, component_rows: Sequence[Mapping[str, Any]], confirmed: frozenset[str]
) -> list[Piece]:
    """Part solid tumour into its lesions, as they were followed; numbering of pieces is that of the measurement."""
    labels, sizes = volumes.components(volume)
    owned = volumes.owners(labels, volume).array
    pieces = []
    for lesion_id in dict.fromkeys(row["lesion_id"] for row in component_rows):
        numbers = [int(row["component_id"]) for row in component_rows if row["lesion_id"] == lesion_id]
        inside = np.isin(owned, numbers)
        array = inside if volume.array.dtype == bool else np.where(inside, volume.array, 0).astype(np.float32)
        size = sum(sizes[number] for number in numbers if number in sizes)
        pieces.append(Piece(whole.compartment, lesion_id, lesion_id in confirmed, size, array, whole.is_manual))
    return pieces


def _confirmed(
    visits: Sequence[Mapping[str, Any]], journal: Sequence[Mapping[str, Any]], session_id: str
) -> frozenset[str]:
    """Return the lesions whose identity a person put on record at this visit or a later one, and that still stands."""
    order = {row["session_id"]: number for number, row in enumerate(visits)}
    acts = [row for row in journal if row["act"] == "correct_lesion" and row["status"] == "in_force"]
    later = (row for row in acts if order.get(row["session_id"], -1) >= order[session_id])
    return frozenset(str(row["same_as"]) for row in later)
