"""Masks that came as DICOM SEG or RTSTRUCT, put beside the scans they were drawn on, in the study's own form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.core.records import Finding
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files import atomic, images
from pipeline.hospital.oddities import oddity
from pipeline.hospital.private import identity_links
from pipeline.hospital.private.pseudonyms import Identities, read_private, write_private
from pipeline.hospital.read.bounded_reading import quietly, read_dataset
from pipeline.hospital.read.instances import Instance, Person
from pipeline.hospital.read.mask_objects import NOT_DRAWN, Segment, referenced_series, segments_of, structures_of
from pipeline.hospital.read.screening import SEG_CLASS
from pipeline.hospital.read.segment_rules import SegmentRule
from pipeline.study.names import format_name, parse_name

OWN_MAKER = "cordtrack"
"""Manufacturer of our own objects: a mask compared with itself tells no reader's error."""

CODE_WORDS = re.compile(r"[0-9A-Za-z_]{1,16} [0-9A-Za-z._/-]{1,16}")

INDEX = {compartment: number for number, compartment in enumerate(Compartment, start=1)}
"""Label numbers in label maps made here."""


class _NoScanError(InputError):
    """None of a mask's scans is here, or several may be the one."""


@dataclass(frozen=True)
class MaskPlace:
    """Where masks go: the study, its private folder, the key to it, and what a person says of unknown segments."""

    bids_dir: Path
    private: Path
    identities: Identities
    rules: tuple[SegmentRule, ...] = ()


def import_masks(
    masks: Iterable[Instance],
    people: Mapping[Person, str],
    place: MaskPlace,
    findings: list[Finding],
    waiting: set[Path],
) -> list[str]:
    """Put the masks of a source into the study's derivatives, beside the scans they were drawn on.

    Parameters
    ----------
    waiting
        Files of masks that a person must do something about are added.

    Returns
    -------
    list of str
        Files added, relative to the study.
    """
    added: list[str] = []
    for mask in sorted(masks, key=lambda m: m.sop_uid):
        patient_id = people[mask.person]
        token = place.identities.token("mask", mask.sop_uid)
        if mask.maker.strip().lower() == OWN_MAKER or mask.sop_uid in identity_links.sent_objects(place.private):
            message = f"{patient_id} mask {token}: expected somebody's mask, found one that cordtrack wrote itself"
            findings.append(oddity("mask_own", message, None, patient_id))
            continue
        before = len(findings)
        try:
            with quietly():
                added += _import_one(mask, patient_id, token, place, findings)
        except _NoScanError as error:
            findings.append(oddity("mask_unplaced", f"{patient_id} mask {token}: {error}", None, patient_id))
        except InputError as error:
            findings.append(oddity("mask_refused", f"{patient_id} mask {token}: {error}", None, patient_id))
        if len(findings) > before:
            waiting.add(mask.path)
    return added


def _import_one(mask: Instance, patient_id: str, token: str, place: MaskPlace, findings: list[Finding]) -> list[str]:
    dataset, _ = read_dataset(mask.path, with_pixels=True)
    series = referenced_series(dataset)
    linked_scans = identity_links.source_scans(place.private, patient_id)
    frame_uid = mask.frame_of_reference_uid
    scans = [scan for scan in linked_scans if scan.series_uid in series]
    is_named = bool(scans)
    scans = scans or [scan for scan in linked_scans if frame_uid and scan.frame_of_reference_uid == frame_uid]
    if not scans:
        raise _NoScanError("expected a mask on a scan that was imported from DICOM, found none of its series here")
    fitting: dict[str, tuple[Volume, Sequence[Segment]]] = {}
    reason = ""
    for scan in scans:
        try:
            image = images.load_grid(place.bids_dir / scan.file)
            read = segments_of if mask.sop_class == SEG_CLASS else structures_of
            fitting[scan.file] = image, read(dataset, image, place.rules)
        except InputError as error:
            reason = str(error)
    if not fitting:
        raise InputError(reason)
    if len(fitting) > 1 and not is_named:  # runs at one place: nothing says on which of them it was drawn
        raise _NoScanError(f"expected the series that it was drawn on, found none named and {len(fitting)} that fit")
    file, (image, segments) = next(iter(fitting.items()))
    if series and not is_named:
        message = (
            f"{patient_id} mask {token}: expected the series that it was drawn on, found it missing; it lies on the "
            f"slices of {file}, which has its frame of reference, and was put there"
        )
        findings.append(oddity("mask_series_missing", message, file, patient_id, Path(file).parts[1]))
    return _write(_usable(segments, file, place, findings), file, image, token, place.bids_dir)


def _usable(
    segments: Sequence[Segment], scan: str, place: MaskPlace, findings: list[Finding]
) -> dict[Compartment, list[Segment]]:
    """Return the segments whose meaning is known, by compartment; the private folder keeps the names of the others."""
    patient_id, session_id = Path(scan).parts[:2]
    usable: dict[Compartment, list[Segment]] = {}
    for segment in segments:
        if segment.compartment is not None and segment.doubt:
            part = f"segment {segment.number} ({segment.compartment})"
            message = f"{patient_id} {session_id}: {part}: {segment.doubt}"
            findings.append(oddity("mask_not_drawn", message, None, patient_id, session_id))
        if segment.doubt == NOT_DRAWN:
            continue
        if segment.compartment is None:
            why = "whose code and name mean different things" if segment.conflict else "of unknown meaning"
            code = segment.code if CODE_WORDS.fullmatch(segment.code) else "no usable code"
            message = f"{patient_id} {session_id}: expected compartments, found segment {segment.number} {why} ({code})"
            findings.append(oddity("mask_unknown", message, None, patient_id, session_id))
            _keep_name(segment, f"{patient_id}_{session_id}", place.private)
        else:
            usable.setdefault(segment.compartment, []).append(segment)
    return usable


def _keep_name(segment: Segment, visit: str, private: Path) -> None:
    """Keep code and name of a segment that a person must decide on; a name is free text and stays private."""
    path = private / "unknown_segments.json"
    names_by_visit = read_private(path)
    entry = {"code": segment.code, "label": segment.label, "number": segment.number}
    listed = names_by_visit.get(visit, [])
    if entry not in listed:
        write_private(path, {**names_by_visit, visit: [*listed, entry]})


def _write(
    usable: Mapping[Compartment, Sequence[Segment]], scan: str, image: Volume, token: str, bids_dir: Path
) -> list[str]:
    """Write segments: one label map when they share no voxel and are all or nothing, else a file each."""
    merged = {key: np.maximum.reduce([s.array for s in members]) for key, members in usable.items()}
    if not merged:
        return []
    is_manual = all(segment.is_manual for members in usable.values() for segment in members)
    is_map = all(a.dtype == bool for a in merged.values()) and np.sum([*merged.values()], axis=0).max() <= 1
    files = _as_map(merged, image) if is_map else _one_by_one(merged, image)
    names = {key: _mask_name(scan, *key) for key in files}
    folder = _folder(bids_dir, scan, [*names.values()], token)
    if folder is None:
        return []
    _describe(folder.parent.parent.parent)
    added = []
    for key, volume in files.items():
        path = folder / names[key]
        stem = path.name.removesuffix(".nii.gz")
        images.save(volume, path)
        if key[0] == "dseg":
            label_lines = "".join(f"{INDEX[part]}\t{part}\n" for part in Compartment if part in merged)
            atomic.write_text(path.with_name(f"{stem}.tsv"), "index\tname\n" + label_lines)
        sidecar = {"Manual": is_manual, "Sources": [f"bids::{scan}"], "SpatialReference": "orig", "MaskToken": token}
        atomic.write_text(path.with_name(f"{stem}.json"), json.dumps(sidecar, indent=1) + "\n")
        added.append(path.relative_to(bids_dir).as_posix())
    return added


def _folder(bids_dir: Path, scan: str, names: Sequence[str], token: str) -> Path | None:
    """Return the folder of the first reading that has none of these names; None when this mask is there already."""
    number = 1
    while True:
        source = bids_dir / "derivatives" / ("dicom" if number == 1 else f"dicom{number}")
        folder = source.joinpath(*Path(scan).parts[:2], "anat")
        there = [_token_in(folder / name) for name in names if (folder / name).exists()]
        if token in there:
            return None
        if not there:
            return folder
        number += 1


def _token_in(path: Path) -> str | None:
    try:
        content = json.loads(path.with_name(path.name.removesuffix(".nii.gz") + ".json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return content.get("MaskToken") if isinstance(content, dict) else None


def _as_map(merged: Mapping[Compartment, np.ndarray], image: Volume) -> dict[tuple[str, str | None], Volume]:
    labels = np.zeros(image.shape, np.uint8)
    for compartment, array in merged.items():
        labels[array] = INDEX[compartment]
    return {("dseg", None): image.with_array(labels)}


def _one_by_one(merged: Mapping[Compartment, np.ndarray], image: Volume) -> dict[tuple[str, str | None], Volume]:
    return {
        ("mask" if array.dtype == bool else "probseg", str(compartment)): image.with_array(array)
        for compartment, array in merged.items()
    }


def _mask_name(scan: str, suffix: str, label: str | None) -> str:
    """Name a mask after its scan: the view (acq, chunk, run) stays, so that it is known what it was drawn on."""
    name = parse_name(Path(scan).name)
    assert name is not None
    entities = {key: value for key, value in name.entities.items() if key in {"sub", "ses", "acq", "run", "chunk"}}
    return format_name(entities | {"space": "orig"} | ({"label": label} if label else {}), suffix, ".nii.gz")


def _describe(folder: Path) -> None:
    generated_by = [{"Name": "DICOM segmentation objects, converted by cordtrack-dicom"}]
    content = {"Name": "masks imported from DICOM", "BIDSVersion": "1.10.0", "DatasetType": "derivative",
               "GeneratedBy": generated_by}  # fmt: skip
    atomic.write_text(folder / "dataset_description.json", json.dumps(content, indent=1) + "\n")
