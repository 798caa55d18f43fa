"""The files behind the viewer: scans of the study folder, their masks, and the transforms between them.

Reads only. Scans in their own grids come from the study folder that the last run read; where that folder is not at
hand, they cannot be shown, and the message says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from dashboard.data import queries
from dashboard.words import labels
from dashboard.words.table_rows import as_rows
from pipeline.core.label_maps import label_map
from pipeline.core.transform import Transform, compose, identity, inverse, move_points, resample
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.errors import CordtrackError, InputError
from pipeline.files import fingerprints, images, nifti, out_folder
from pipeline.files.fingerprints import Identity, identity_of
from pipeline.study import study_folder
from pipeline.study.disc_voxels import read_discs
from pipeline.study.discs import DiscFile
from pipeline.study.mask_voxels import read_mask
from pipeline.study.masks import MaskFile, find_drawn

REFERENCE = "reference"
Row = Mapping[Any, Any]
"""A row of the query ``patient_scans``."""


@dataclass(frozen=True, eq=False)
class PlacedDiscs:
    """Places of discs by number, RAS+ mm in the world of one scan, and in words whose labels they are."""

    places_mm: Mapping[int, NDArray[np.float64]]
    words: str


def study_scan(relative: str) -> Volume:
    """Return a scan of the study folder.

    Raises
    ------
    InputError
        The study folder is not there any more, or the scan cannot be read.
    """
    return queries.image(_study_dir() / relative)


def scan_as_read(row: Row) -> Volume:
    """Return a scan of the study folder, the one that the last run read.

    Raises
    ------
    InputError
        The study folder is not there any more, or the scan is gone, was changed since or cannot be read.
    """
    path = _study_dir() / str(row["path"])
    if not path.is_file() or fingerprints.of_file(path) != row["sha256"]:
        raise InputError(f"{row['path']}: expected the scan that was read, found it gone or changed; run again")
    return queries.image(path)


def spectrum_box(relative: str) -> NDArray[np.float64]:
    """Return the box of a spectrum of the study folder, as its file lies there now; shape ``(4, 4)``, RAS+ mm.

    Raises
    ------
    InputError
        The study folder or the file is not there any more, or its header cannot be read.
    """
    return nifti.read_box(_study_dir() / relative)


def ways(scan: Row, anchor: Row) -> tuple[Transform, Transform]:
    """Return how points move from the reference space to a scan's world, and back.

    Parameters
    ----------
    scan
        Aligned, or the anchor itself.
    anchor
        The scan of the same visit that lies on the reference.

    Raises
    ------
    StoreError
        A transform is missing or damaged.
    """
    session = str(anchor["session_id"])
    if anchor["is_reference"]:
        there, back = identity(REFERENCE, session), identity(session, REFERENCE)
    else:
        names = {
            "suffix": "xfm",
            "extension": ".h5",
            "from": REFERENCE,
            "to": study_folder.label_of(session),
            "mode": "image",
        }
        returning = study_folder.derivative_path(str(anchor["patient_id"]), session, **names).as_posix()
        there = _transform(str(anchor["transform_path"]), REFERENCE, session)
        back = _transform(returning, session, REFERENCE)
    if scan["path"] == anchor["path"]:
        return there, back
    onward = _transform(str(scan["transform_path"]), session, str(scan["path"]))
    return compose(there, onward), compose(inverse(onward), back)


def on_reference(scan: Row, anchor: Row, grid: Path) -> Volume:
    """Return a scan on the grid of an aligned one, NaN where it does not reach; for the eye only.

    Raises
    ------
    InputError, StoreError
        A file is missing or damaged.
    """
    files = (_study_dir() / str(scan["path"]), grid, queries.out_dir() / str(scan["transform_path"]))
    return _on_reference(tuple((str(file), identity_of(file)) for file in files), ways(scan, anchor)[0])


def own_masks(scan: Row, anchor: Row, behind: Collection[str] = ()) -> Volume | None:
    """Return the measured masks of a visit as labels on a scan's own grid; None when it has none.

    On the scan they were drawn on the masks are as drawn; on another sequence they are brought over, for the eye only.
    Compartments ``behind``, those that do not count, hide no other one.

    Raises
    ------
    InputError, StoreError
        A mask was changed since it was measured, or a file is missing or damaged.
    """
    mask_rows = queries.query("patient_masks", patient_id=str(anchor["patient_id"]))
    mask_rows = mask_rows[(mask_rows["session_id"] == anchor["session_id"]) & mask_rows["is_primary"]]
    masks = tuple(sorted((str(row["path"]), str(row["sha256"])) for row in mask_rows.pipe(as_rows)))
    files = [_study_dir() / str(scan["path"])]
    if scan["path"] != anchor["path"]:
        files.append(queries.out_dir() / str(scan["transform_path"]))
    for row in mask_rows.pipe(as_rows):
        _refuse_changed(row)
    keys = tuple((str(file), identity_of(file)) for file in files)
    return _own_masks(keys, masks, frozenset(map(Compartment, behind)), mask_rows, scan, anchor)


def second_contrast(patient_id: str, session_id: str) -> tuple[Volume, str] | None:
    """Return another contrast of a visit on the grid of the scan that is measured, and its name; for drawing.

    After contrast agent where there is one. None where the visit has no other contrast, or none that lies surely on it.

    Raises
    ------
    InputError, StoreError
        A file is missing or damaged.
    """
    scans = queries.query("patient_scans", patient_id=patient_id)
    here = scans[(scans["session_id"] == session_id) & scans["unreadable_reason"].isna()].pipe(as_rows)
    anchor = next((row for row in here if row["is_anchor"]), None)
    others = [
        row
        for row in here
        if anchor is not None
        and row["contrast"] != anchor["contrast"]
        and labels.is_known(row["transform_path"])
        and row["grade"] != "C"
    ]
    if anchor is None or not others:
        return None
    chosen = min(others, key=lambda row: (not str(row["contrast"]).endswith("ce"), str(row["path"])))
    way = str(chosen["transform_path"])
    files = (_study_dir() / str(chosen["path"]), _study_dir() / str(anchor["path"]), queries.out_dir() / way)
    onward = _transform(way, session_id, str(chosen["path"]))
    keys = tuple((str(file), identity_of(file)) for file in files)
    return _on_reference(keys, onward), labels.sequence(str(chosen["contrast"]))


def automatic_share(patient_id: str, session_id: str, compartment: str) -> tuple[Volume, Transform] | None:
    """Return a visit's automatic mask, the share of each voxel, and how points move from it to the reference space.

    None where there is none, or its files are not there.
    """
    masks = queries.query("patient_masks", patient_id=patient_id)
    masks = masks[(masks["session_id"] == session_id) & masks["is_primary"] & (masks["compartment"] == compartment)]
    scans = queries.query("patient_scans", patient_id=patient_id)
    anchors = scans[(scans["session_id"] == session_id) & scans["is_anchor"]].pipe(as_rows)
    row = next(iter(masks[masks["folder"] == "output"].pipe(as_rows)), None)
    if row is None or not anchors:
        return None
    try:
        return images.load(_path(row)), ways(anchors[0], anchors[0])[1]
    except CordtrackError:
        return None


def disc_places(patient_id: str, anchor: Row) -> PlacedDiscs | str:
    """Return the disc labels that give a patient's levels, brought to the world of a visit's aligned scan.

    Returns
    -------
    PlacedDiscs or str
        In words, why there are none.

    Raises
    ------
    InputError, StoreError
        A file is missing, damaged or changed.
    """
    discs = queries.table("disc")
    used = discs[(discs["patient_id"] == patient_id) & discs["is_used"].astype(bool)].pipe(as_rows)
    if not used:
        return "no disc labels that can be used"
    row = used[0]
    scans = queries.query("patient_scans", patient_id=patient_id)
    labelled = scans[(scans["session_id"] == row["session_id"]) & scans["is_anchor"]].pipe(as_rows)[0]
    is_aligned = anchor["is_reference"] or (anchor["grade"] != "C" and labels.is_known(anchor["transform_path"]))
    if row["session_id"] != anchor["session_id"] and not is_aligned:
        day = labels.day(labelled["acquired_on"])
        return f"the disc labels of {day} cannot be laid on this visit: its alignment is of grade C, or there is none"
    path = _study_dir() / str(row["path"])
    if not path.is_file() or fingerprints.of_file(path) != row["sha256"]:
        raise InputError(f"{row['path']}: expected the disc labels that were read, found them changed; run again")
    file = DiscFile(path, str(row["path"]), patient_id, str(row["session_id"]), "", MaskOrigin(row["label_origin"]))
    reading, _ = read_discs([file], study_scan(str(labelled["path"])))
    if reading is None:
        return "the disc labels cannot be used; the findings say why"
    moved = reading.places_mm
    if row["session_id"] != anchor["session_id"]:
        way = compose(ways(labelled, labelled)[1], ways(anchor, anchor)[0])
        moved = {number: move_points(way, place[None])[0] for number, place in moved.items()}
    return PlacedDiscs(moved, f"disc labels of {labels.day(labelled['acquired_on'])}, {row['label_origin']}")


def _study_dir() -> Path:
    folder = out_folder.study_of(queries.out_dir())
    if not folder.is_dir():
        msg = f"the study folder of the last run is not at {folder}; only the aligned scans themselves can be shown"
        raise InputError(msg)
    return folder


def _transform(relative: str, source: str, target: str) -> Transform:
    file = queries.out_dir() / relative
    return _loaded(str(file), identity_of(file), source, target)


def _path(row: Row) -> Path:
    root = _study_dir() if row["folder"] == "study" else queries.out_dir()
    return root / str(row["path"])


def _refuse_changed(row: Row) -> None:
    path = _path(row)
    if not path.is_file() or fingerprints.of_file(path) != row["sha256"]:
        raise InputError(f"{row['path']}: expected the mask that was measured, found it gone or changed; run again")


def _mask(row: Row, drawn_on: Volume) -> Volume | None:
    if row["folder"] != "study":
        volume = images.load(_path(row))
        return volume.with_array(np.clip(volume.array, 0, 1).astype(np.float32))
    drawn = find_drawn(_study_dir(), {str(row["patient_id"]): str(row["session_id"])}, [])
    files = [file for file in drawn if isinstance(file, MaskFile) and file.relative == row["path"]]
    readings = [reading for file in files for reading in read_mask(file, drawn_on)[0]]
    return next((reading.volume for reading in readings if reading.compartment == row["compartment"]), None)


@st.cache_resource(max_entries=64, show_spinner=False)
def _loaded(file: str, file_identity: Identity | None, source: str, target: str) -> Transform:  # noqa: ARG001  # key of the cache
    return images.load_transform(Path(file), source, target)


@st.cache_resource(max_entries=8, show_spinner=False)
def _on_reference(files: tuple[tuple[str, Identity | None], ...], _there: Transform) -> Volume:
    scan, grid = (queries.image(Path(file)) for file, _ in files[:2])
    return resample(scan.with_array(scan.array.astype(np.float32)), grid, _there, order=1, outside=np.nan)


@st.cache_resource(max_entries=16, show_spinner=False)
def _own_masks(
    files: tuple[tuple[str, Identity | None], ...],  # noqa: ARG001  # with the next one the key of the cache
    masks: tuple[tuple[str, str], ...],  # noqa: ARG001
    behind: frozenset[Compartment],
    _rows: pd.DataFrame,
    _scan: Row,
    _anchor: Row,
) -> Volume | None:
    drawn_on = study_scan(str(_anchor["path"]))
    read = {Compartment(row["compartment"]): _mask(row, drawn_on) for row in _rows.pipe(as_rows)}
    masks_read = {compartment: mask for compartment, mask in read.items() if mask is not None}
    if not masks_read:
        return None
    session, path = str(_anchor["session_id"]), str(_scan["path"])
    way = identity(path, session)
    if path != _anchor["path"]:
        way = inverse(_transform(str(_scan["transform_path"]), session, path))
    return label_map(masks_read, study_scan(path), way, behind)
