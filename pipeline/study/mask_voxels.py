"""The voxels of a mask on an image's own grid, refused with a finding when they cannot be what the name says.

A mask is never resampled here: volumes are counted where they were drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files.images import load, load_grid, other_grid
from pipeline.study import mask_values
from pipeline.study.anchors import names_another
from pipeline.study.discs import DiscFile
from pipeline.study.grids import grid_words, in_order_of, lies_on, shift_between
from pipeline.study.mask_values import ValueDoubt, range_words, whole_numbers
from pipeline.study.masks import MaskFile
from pipeline.study.scans import ScanFile

__all__ = ["MaskReading", "grid_words", "in_order_of", "problem", "range_words", "read_mask", "whole_numbers"]


TEMPLATES = re.compile(r"PAM50|MNI|ICBM|AMU|atlas|template|fsaverage|Talairach|reference", re.IGNORECASE)
"""Spaces that no scan of a person is in: those of templates, and that of another visit of the same person."""


class MaskReading(NamedTuple):
    """One compartment as one file draws it, on the image's grid: boolean, or float32 probabilities from 0 to 1.

    ``bound_reason`` says in words why there may be more of the compartment than the volume holds; None where not.
    """

    compartment: Compartment
    volume: Volume
    file: MaskFile
    bound_reason: str | None = None


class _Drawn(NamedTuple):
    """Compartments of one file as arrays, and why there may be more of them than they show."""

    arrays: dict[Compartment, NDArray]
    bound_reason: str | None = None


def read_mask(
    file: MaskFile, image: Volume, scans: Sequence[ScanFile] = ()
) -> tuple[tuple[MaskReading, ...], tuple[Finding, ...]]:
    """Read one mask onto an image's grid; only findings come back when it cannot be trusted.

    Parameters
    ----------
    file
        From ``pipeline.masks.find_drawn``.
    image
        The scan it was drawn on; the voxels must be the same ones, be they stored in another order, or placed where
        the scan's other position (qform) or a rounded affine has them.
    scans
        The visit's scans: when the mask fits another one of them, the finding says so.

    Returns
    -------
    tuple of MaskReading
        One per compartment; for a label map also those that its table lists and no voxel carries: they are empty,
        not unknown, unless the map holds a number that is not listed: then they are unknown.
    tuple of Finding
        Why something was left out, or that the whole mask is empty.
    """
    if file.space is not None and TEMPLATES.search(file.space) and not _is_scan_in(file.space, scans):
        words = f"expected a mask in the space of a scan of this visit, found one in that of {file.space}"
        return (), (problem("mask_space", file, words),)
    findings: list[Finding] = []
    try:
        stored = load_grid(file.path)
        place = _place(stored, file, image, scans, findings)
        if place is None:  # told from the header: a size that is not the image's is never unpacked
            return (), (problem("mask_grid", file, _grid_fault(stored, image, scans)),)
        array = in_order_of(Volume(load(file.path).array, place), image).array
    except InputError as error:
        return (), (problem("mask_unreadable", file, str(error)),)
    drawn = _drawn(array, file, findings)
    if drawn.arrays and drawn.bound_reason is None and not any(map(np.any, drawn.arrays.values())):
        left_out = " but labels that are left out" if np.any(array) else ""
        findings.append(problem("mask_empty", file, f"expected a drawn region, found none{left_out}"))
    readings = [
        MaskReading(compartment, image.with_array(drawn_array), file, drawn.bound_reason)
        for compartment, drawn_array in drawn.arrays.items()
    ]
    return tuple(readings), tuple(findings)


def _is_scan_in(space: str, scans: Iterable[ScanFile]) -> bool:
    return any(f"_space-{space}_" in scan.path.name for scan in scans)


def read_all(
    files: Sequence[MaskFile], image: Volume, scans: Sequence[ScanFile], anchor: ScanFile | None
) -> tuple[tuple[MaskReading, ...], tuple[Finding, ...]]:
    """Read all masks of a visit onto its measured scan: of each source one of each compartment.

    Where a source has several of one compartment, as one for each run, the one named for the measured scan is taken;
    a mask named for another scan whose voxels are the same is read, and said.
    """
    first_readings: dict[tuple[str, Compartment], MaskReading] = {}
    findings: list[Finding] = []
    strangers = [file for file in files if anchor is not None and names_another(file, anchor)]
    for file in (*(file for file in files if file not in strangers), *strangers):
        readings, odd = read_mask(file, image, scans)
        findings += odd
        new = [one for one in readings if (file.source, one.compartment) not in first_readings]
        first_readings |= {(file.source, one.compartment): one for one in new}
        is_of_another = any(not names_another(file, scan) for scan in scans if scan != anchor)
        if anchor is not None and readings and file in strangers and is_of_another:
            used = "used, for its voxels are the same" if new else "not used, for the measured scan has its own"
            words = f"expected a mask of the measured {anchor.path.name}, found it named for another one; it is {used}"
            findings.append(problem("mask_other_scan", file, words))
    order = {file.relative: place for place, file in enumerate(files)}
    return tuple(sorted(first_readings.values(), key=lambda one: order[one.file.relative])), tuple(findings)


def _place(
    stored: Volume, file: MaskFile, image: Volume, scans: Sequence[ScanFile], findings: list[Finding]
) -> NDArray[np.float64] | None:
    """Return the affine under which a mask's voxels are the image's; None when they are not.

    A header may hold two positions; programs built on ITK save a mask with the one that is not measured here.
    """
    shift = shift_between(stored, image)
    if shift is not None and (shift.is_rounding or shift.is_nothing):
        if not shift.is_nothing:
            findings.append(problem("mask_grid_rounded", file, f"expected the scan's grid, found it {shift.words} off"))
        return stored.affine
    second = other_grid(file.path)
    for candidate in (stored, *([second] if second else [])):
        for placed in (image, *_other_places(image, scans)):
            if lies_on(candidate, placed):
                words = "expected the scan's position, found it at the other one of two that a header holds"
                findings.append(problem("mask_other_position", file, words))
                return candidate.affine
    return None


def _other_places(image: Volume, scans: Sequence[ScanFile]) -> list[Volume]:
    """Return the other positions that the headers of the scans on an image's grid hold."""
    places = []
    for scan in scans:
        try:
            other = other_grid(scan.path)
            if other is not None and lies_on(load_grid(scan.path), image):
                places.append(other)
        except InputError:
            continue
    return places


def _grid_fault(stored: Volume, image: Volume, scans: Sequence[ScanFile]) -> str:
    shift, other = shift_between(stored, image), _scan_words(stored, scans)
    away = f", {shift.words} away at the farthest voxel" if shift is not None and other is None else ""
    return f"expected the image's grid of {grid_words(image)}, found {other or grid_words(stored)}{away}"


def _drawn(array: NDArray, file: MaskFile, findings: list[Finding]) -> _Drawn:
    """Return what a file draws; nothing where one compartment fills the picture, which is asked about."""
    read = mask_values.inside_of if file.kind == "mask" else mask_values.probabilities_of
    drawn = _label_map(array, file, findings) if file.kind == "dseg" else _one_compartment(read(array), file)
    if isinstance(drawn, ValueDoubt):
        findings.append(problem(drawn.code, file, drawn.words))
        return _Drawn({})
    doubts = {compartment: mask_values.too_much(one) for compartment, one in drawn.arrays.items()}
    odd = {compartment: doubt for compartment, doubt in doubts.items() if doubt is not None}
    findings += [problem(doubt.code, file, f"{compartment}: {doubt.words}") for compartment, doubt in odd.items()]
    return _Drawn({}) if odd else drawn


def _one_compartment(array: NDArray | ValueDoubt, file: MaskFile) -> _Drawn | ValueDoubt:
    if isinstance(array, ValueDoubt):
        return array
    return _Drawn({} if file.compartment is None else {file.compartment: array})


def _label_map(array: NDArray, file: MaskFile, findings: list[Finding]) -> _Drawn | ValueDoubt:
    labels = mask_values.labels_of(array)
    if isinstance(labels, ValueDoubt):
        return labels
    values, counts = np.unique(labels, return_counts=True)
    voxels = dict(zip(values.tolist(), counts.tolist(), strict=True))
    unlisted = [value for value in voxels if value not in {0, *file.labels, *file.unmeasured}]
    if len(unlisted) > mask_values.MOST_LABELS:
        return mask_values.scan_doubt(len(unlisted), labels)
    arrays: dict[Compartment, NDArray] = {
        compartment: np.isin(labels, [index for index, meaning in file.labels.items() if meaning == compartment])
        for compartment in file.compartments
    }
    if not unlisted:
        return _Drawn(arrays)
    vanished = [compartment for compartment, one in arrays.items() if not one.any()]
    for value in unlisted:
        message = f"expected the labels {sorted(file.labels)}, found {value} in {voxels[value]} voxels"
        findings.append(problem("mask_label_unlisted", file, f"{message}{_likely(value, vanished, file)}"))
    numbers = ", ".join(map(str, unlisted))
    reason = f"{file.relative} holds drawn voxels of label {numbers}, which its dseg.tsv does not list"
    # what is drawn under an unknown number may be any compartment: an absent one is unknown, a present one may be more
    return _Drawn({c: one for c, one in arrays.items() if c not in vanished}, reason)


def _likely(value: int, vanished: Iterable[Compartment], file: MaskFile) -> str:
    """Say what an unlisted number may mean, where a listed one is gone from the map; its own row goes first."""
    if value in file.unknown:
        return f", which dseg.tsv lists under a word that is no compartment; correct the name in its row of {value}"
    gone = [f"{index} ({meaning})" for index, meaning in sorted(file.labels.items()) if meaning in set(vanished)]
    if not gone:
        return ""
    if len(gone) == 1:
        name = next(meaning for meaning in file.labels.values() if meaning in set(vanished))
        return f", and none of {gone[0]}; if {value} is what that was, add the line '{value}<tab>{name}' to dseg.tsv"
    return f", and none of {', '.join(gone)}; if {value} is one of them, list it in dseg.tsv under that name"


def _scan_words(volume: Volume, scans: Sequence[ScanFile]) -> str | None:
    for scan in scans:
        try:
            grid = load_grid(scan.path)
        except InputError:
            continue
        if lies_on(volume, grid):
            return f"that of {scan.path.name}"
    return None


def problem(code: str, file: MaskFile | DiscFile, message: str) -> Finding:
    """Make a finding about a file with masks or labels."""
    return finding(
        code, f"{file.relative}: {message}", file.relative, patient_id=file.patient_id, session_id=file.session_id
    )
