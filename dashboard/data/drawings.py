"""Masks that people bring to the Patient page: what they change is told as they come, and they are kept when signed."""

from __future__ import annotations

import gzip
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from dashboard.data import door, queries, scan_files
from pipeline.cord.cord_finding import FoundCord, find_cord
from pipeline.core.records import JournalEntry
from pipeline.core.volume import Volume
from pipeline.draft.proposal import Clicks, Proposal, propose
from pipeline.errors import CordtrackError, InputError
from pipeline.files import images
from pipeline.files.fingerprints import Identity
from pipeline.files.unpacking import unpack
from pipeline.journal import drawing, sign_off
from pipeline.journal.drawing import DrawingFit, Target
from pipeline.journal.roles import Deed


@dataclass(frozen=True)
class DrawingPlace:
    """Which mask is meant."""

    patient_id: str
    session_id: str
    compartment: str

    def __str__(self) -> str:
        """Return it as a part of the names of fields."""
        return f"{self.patient_id}-{self.session_id}-{self.compartment}"


@dataclass(frozen=True)
class Upload:
    """A file as it came; ``label`` is the number that means the compartment, where a label map holds several.

    ``drawn_how`` says of what was drawn in the page which clicks and which algorithm it came from, JSON.
    """

    name: str
    content: bytes
    label: int | None = None
    drawn_how: str | None = None


def target(place: DrawingPlace) -> Target:
    """Return the scan and the mask that a drawing is held against.

    Raises
    ------
    SettingsError
        There is no such visit or compartment.
    InputError
        The scan or the mask is gone or was changed after the run.
    """
    queries.check_shown(place.patient_id)
    return _target(str(queries.out_dir()), queries.publication(), place)


def scan(place: DrawingPlace) -> Volume:
    """Return the scan to draw on.

    Raises
    ------
    InputError
        It cannot be read.
    """
    meant = target(place)
    return _scan(str(meant.scan), meant.scan_sha256)


def scan_file(place: DrawingPlace) -> bytes:
    """Return the scan as the study folder has it, compressed.

    Raises
    ------
    InputError
        It is gone.
    """
    file = target(place).scan
    content = file.read_bytes()
    return content if file.name.endswith(".gz") else gzip.compress(content)


def look_at(place: DrawingPlace, upload: Upload) -> tuple[dict[int, int], DrawingFit | None]:
    """Return the labels of a drawing, and how it fits; None when somebody must say first which label is meant.

    Raises
    ------
    InputError
        It does not fit, in the words of a mask in the study folder; nothing was written.
    """
    queries.check_shown(place.patient_id)
    return _look_at(str(queries.out_dir()), queries.publication(), place, upload)


def to_edit(place: DrawingPlace) -> bytes:
    """Return the measured mask as NIfTI, to be edited."""
    return drawing.to_edit(target(place))


def method_of_measured(place: DrawingPlace) -> str | None:
    """Return how the mask that is measured now was made; None where there is none."""
    masks = queries.query("patient_masks", patient_id=place.patient_id)
    is_here = (masks["session_id"] == place.session_id) & (masks["compartment"] == place.compartment)
    return next((str(method) for method in masks[is_here & masks["is_primary"]]["method"]), None)


def keep(
    place: DrawingPlace, upload: Upload, who: str, reason: str, *, nothing_there: bool
) -> tuple[JournalEntry, ...]:
    """Hold a drawing against its scan as it is now, keep it and put it on record.

    Raises
    ------
    SettingsError, InputError
        It says too little or does not fit; nothing was written.
    StoreError
        It cannot be written.
    """
    person = door.enter_for(Deed.SIGN, place.patient_id, who)
    out_dir = queries.out_dir()
    meant = drawing.target_of(out_dir, place.patient_id, place.session_id, place.compartment)
    at = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    signed = sign_off.Signature(person.name, reason, at, person.identity)
    labels, fit = _held(meant, upload)
    if fit is None:
        raise InputError(f"expected one label, found {', '.join(map(str, labels))}; say which is {place.compartment}")
    fit = replace(fit, drawn_how=upload.drawn_how)
    return sign_off.correct_mask(out_dir, meant, fit, signed, nothing_there=nothing_there)


def cord(place: DrawingPlace) -> FoundCord:
    """Return where the cord lies in the scan to draw on, or why there is none.

    Raises
    ------
    InputError
        The scan cannot be read.
    """
    meant = target(place)
    return _cord(str(meant.scan), meant.scan_sha256)


def proposed(place: DrawingPlace, clicks: Clicks, *, from_both: bool = False) -> Proposal:
    """Return the outline that clicks propose.

    Parameters
    ----------
    from_both
        The visit's other contrast counts, too.

    Raises
    ------
    SettingsError, InputError
        None can be proposed from them, in words.
    """
    beside = second(place) if from_both else None
    return propose(scan(place), cord(place), clicks, target(place).compartment, None if beside is None else beside[0])


def second(place: DrawingPlace) -> tuple[Volume, str] | None:
    """Return another contrast of the visit on the grid of the scan to draw on, and its name; None without one."""
    try:
        return scan_files.second_contrast(place.patient_id, place.session_id)
    except CordtrackError:
        return None


def as_upload(mask: Volume, drawn_how: str) -> Upload:
    """Return a mask that was drawn in the page as if it had come as a file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "drawing.nii.gz"
        images.save(mask, file)
        return Upload(file.name, file.read_bytes(), drawn_how=drawn_how)


@st.cache_resource(max_entries=4, show_spinner=False)
def _scan(path: str, sha256: str) -> Volume:  # noqa: ARG001  # key of the cache
    return images.load_scan(Path(path))


@st.cache_resource(max_entries=16, show_spinner="Looking for the cord …")
def _cord(path: str, sha256: str) -> FoundCord:
    return find_cord(_scan(path, sha256))


@st.cache_resource(max_entries=8, show_spinner=False)
def _target(out_dir: str, publication: Identity | None, place: DrawingPlace) -> Target:  # noqa: ARG001  # key of the cache
    return drawing.target_of(Path(out_dir), place.patient_id, place.session_id, place.compartment)


@st.cache_resource(max_entries=4, show_spinner=False)
def _look_at(
    out_dir: str, publication: Identity | None, place: DrawingPlace, upload: Upload
) -> tuple[dict[int, int], DrawingFit | None]:
    return _held(_target(out_dir, publication, place), upload)


def _held(meant: Target, upload: Upload) -> tuple[dict[int, int], DrawingFit | None]:
    """Return the labels of a drawing, and how it fits once it is clear which of them is meant."""
    with tempfile.TemporaryDirectory() as folder:
        file = unpack(drawing.of_upload(upload.name, upload.content, Path(folder)), meant.image.shape)
        labels = drawing.labels_in(meant, file)
        is_clear = upload.label is not None or len(labels) <= 1
        return labels, drawing.held_against(meant, file, upload.label) if is_clear else None
