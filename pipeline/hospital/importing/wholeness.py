"""Whether series came whole: files beside them that cannot be read, and images that lie where a stack goes on.

A stack that lost its first or last image is still a grid, and a lesion at its end would be cut without a word. So a
file that cannot be read makes the series that it may belong to incomplete, and so does a single image, of whatever
series, whose place is the next one of a stack: a header damaged in one element takes an image out of its stack.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.hospital.read.dicom_files import SourceFile
from pipeline.hospital.read.geometry import UNEVEN_MM, normal_of
from pipeline.hospital.read.instances import Instance, Plane
from pipeline.hospital.read.stacks import Stack

IMAGE_UID = re.compile(rb"\x08\x00\x18\x00(?:UI..|.{4})([0-9.]{8,64})", re.DOTALL)
SERIES_UID = re.compile(rb"\x20\x00\x0e\x00(?:UI..|.{4})([0-9.]{8,64})", re.DOTALL)
"""SOP Instance UID (0008,0018) and Series Instance UID (0020,000E) as they stand in a little endian file, whose rest
may be damaged."""

HEAD_BYTES = 1 << 16
NEAR_SHARE = 0.1
"""Share of the distance between slices by which an image's place may miss the next one of a stack."""

UNREADABLE = "expected all images of the series, found a file beside them that cannot be read"
STRAY = "expected one stack, found an image by itself where it goes on (another size, direction, making or identity)"


def beside_damaged(
    damaged: Sequence[SourceFile], files: Sequence[SourceFile], instances: Sequence[Instance]
) -> frozenset[str]:
    """Return the series, by UID, that a damaged file may belong to.

    None when it is a copy of an image that is there; the one it names itself, if that can still be read; else that of
    the files before and after it in its folder, in the order of their names.
    """
    with_image: dict[str, set[Path]] = {}
    with_series: dict[str, set[Path]] = {}
    for instance in instances:
        with_image.setdefault(instance.sop_uid, set()).add(instance.path)
        with_series.setdefault(instance.series_uid, set()).add(instance.path)
    neighbours = _neighbours(files, {instance.path: instance.series_uid for instance in instances})
    suspect: set[str] = set()
    for file in damaged:
        image, series = _stated(file.path)
        if image and with_image.get(image, set()) - {file.path}:
            continue
        if series and with_series.get(series, set()) - {file.path}:
            suspect.add(series)
        else:
            suspect |= neighbours.get(file, frozenset())
    return frozenset(suspect)


def _stated(path: Path) -> tuple[str, str]:
    """Return the UIDs of image and series that stand in a file's beginning; empty where they do not."""
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError:
        return "", ""
    matches = (pattern.search(head) for pattern in (IMAGE_UID, SERIES_UID))
    image, series = (match[1].decode("ascii") if match else "" for match in matches)
    return image, series


def _neighbours(files: Sequence[SourceFile], series: Mapping[Path, str]) -> dict[SourceFile, frozenset[str]]:
    """Return the series before and after each file, in the order of the names in its folder; in one pass each way."""
    folders: dict[str, list[SourceFile]] = {}
    for file in files:
        folders.setdefault(file.name.rpartition("/")[0], []).append(file)
    beside: dict[SourceFile, frozenset[str]] = {}
    for here in folders.values():
        here.sort(key=lambda other: _in_order(other.name))
        for ordered in (here, here[::-1]):
            last = ""
            for file in ordered:
                beside[file] = beside.get(file, frozenset()) | ({last} - {""})
                last = series.get(file.path, last)
    return beside


def _in_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts names as people count: IM9 before IM10."""
    parts = re.split(r"([0-9]{1,18})", name)
    return tuple((0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in parts)


def judged_whole(stacks: Sequence[Stack], suspect: frozenset[str]) -> list[Stack]:
    """Return the stacks of an import, with the reason where images of one seem to be missing.

    Parameters
    ----------
    suspect
        From :func:`beside_damaged`.
    """
    lone = [(stack, stack.lone) for stack in stacks if stack.lone is not None]
    result = []
    for stack in stacks:
        reason = stack.incomplete
        if reason is None and stack.first.series_uid in suspect:
            reason = UNREADABLE
        if reason is None and any(_goes_on(stack, other, plane) for other, plane in lone):
            reason = STRAY
        result.append(replace(stack, incomplete=reason))
    return result


def _goes_on(stack: Stack, other: Stack, plane: Plane) -> bool:
    """Say whether a single image of the same study, series or frame of reference lies next to an end of a stack."""
    if stack.grid is None or not _is_related(stack.first, other.first):
        return False
    positions = np.array([one.position_mm for one in stack.grid.planes])
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    ends = np.array([positions[0] - step, positions[-1] + step])
    away = np.linalg.norm(ends - np.array(plane.position_mm), axis=1)
    return bool(away.min() <= NEAR_SHARE * np.linalg.norm(step))


@dataclass(frozen=True)
class Shorter:
    """A stack that ends where another one of its study goes on, on the same slices: by how many, and towards where."""

    stack: Stack
    other: Stack
    lacks: int
    towards: str


def shorter_beside(stacks: Sequence[Stack]) -> list[Shorter]:
    """Return the stacks that share one end with another scan of their study and lack slices at the other one.

    Sagittal scans of one visit are usually planned alike. Fewer slices at both ends, or other slices, are a plan; at
    one end alone they may have been lost where no number was announced. It is no proof: a person asks the archive.
    """
    shorter = []
    for stack in stacks:
        candidates = (one for other in stacks if other is not stack and (one := _lacks(stack, other)) is not None)
        worst = max(candidates, key=lambda one: one.lacks, default=None)
        shorter += [worst] if worst is not None else []
    return shorter


def _lacks(stack: Stack, other: Stack) -> Shorter | None:
    if stack.grid is None or other.grid is None or stack.first.study_uid != other.first.study_uid:
        return None
    if stack.first.frame_of_reference_uid != other.first.frame_of_reference_uid or stack.plane_count < 2:
        return None
    normal = normal_of(stack.grid.planes[0])
    if abs(float(normal @ normal_of(other.grid.planes[0]))) < PARALLEL:
        return None
    here, there = (np.sort(np.array([p.position_mm for p in one.planes]) @ normal) for one in (stack.grid, other.grid))
    step_mm = float(np.median(np.diff(here)))
    is_alike = abs(float(np.median(np.diff(there))) - step_mm) <= UNEVEN_MM
    if not is_alike or here[0] < there[0] - UNEVEN_MM or here[-1] > there[-1] + UNEVEN_MM:
        return None
    below, above = (here[0] - there[0]) / step_mm, (there[-1] - here[-1]) / step_mm
    lacks = max(below, above)
    if min(below, above) > NEAR_SHARE or lacks < 1 - NEAR_SHARE or abs(lacks - round(lacks)) > NEAR_SHARE:
        return None
    towards = normal * (1 if above > below else -1)
    axis = int(np.abs(towards).argmax())
    return Shorter(stack, other, round(lacks), TOWARDS[axis][int(towards[axis] > 0)])


PARALLEL = 0.9999
TOWARDS = (("right", "left"), ("front", "back"), ("foot", "head"))
"""Where the axes of DICOM (LPS) begin and end."""


def _is_related(one: Instance, other: Instance) -> bool:
    names = ("series_uid", "study_uid", "frame_of_reference_uid")
    return any(getattr(one, name) == getattr(other, name) != "" for name in names)
