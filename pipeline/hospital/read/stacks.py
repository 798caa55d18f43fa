"""From single files to stacks: planes of one series that belong together, and each stack's grid or why it has none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from pipeline.core.records import Finding
from pipeline.errors import InputError
from pipeline.hospital.oddities import oddity
from pipeline.hospital.read import geometry
from pipeline.hospital.read.instances import Instance, Plane, SeriesAcquisition


@dataclass(frozen=True, eq=False)
class Stack:
    """Planes of one series with one orientation, size and way of making.

    Attributes
    ----------
    first
        An instance of the series: whose it is, when it was made.
    grid
        None when the planes form none; ``refused`` then says why.
    repeats
        How many stacks of the series lie at the same place and were made the same way.
    is_fan
        The orientations of the series differ by little, as blocks along discs do; three planes of a localizer do not.
    files
        The files its planes lie in.
    incomplete
        Why images seem to be missing; None when all that were announced are there.
    key
        What tells the stack from others of its series; the same at the next import.
    plane_count
        Planes found, whether they form a grid or not.
    lone
        The plane of a stack that has only one.
    """

    first: Instance
    acquisition: SeriesAcquisition
    key: str = field(repr=False)
    plane_count: int
    orientations: int
    grid: geometry.Grid | None
    refused: str | None = None
    remarks: tuple[str, ...] = ()
    sop_uids: tuple[str, ...] = field(default=(), repr=False)
    repeats: int = 1
    is_fan: bool = False
    echoes: int = 1
    incomplete: str | None = None
    files: frozenset[Path] = frozenset()
    lone: Plane | None = None


@dataclass(frozen=True, eq=False)
class Series:
    """All files of one series of one patient and study."""

    instances: tuple[Instance, ...]
    remarks: tuple[str, ...] = ()

    @property
    def first(self) -> Instance:
        """The file that speaks for the series."""
        return self.instances[0]


def group_series(instances: Iterable[Instance], findings: list[Finding]) -> list[Series]:
    """Collect files by patient, study and series; a file that is there twice counts once.

    Parameters
    ----------
    findings
        Files with one SOP instance and two contents are added; the first one counts.
    """
    groups: dict[tuple[object, ...], dict[str, Instance]] = {}
    doubles: dict[tuple[object, ...], int] = {}
    for instance in instances:
        key = (instance.person.patient_id, instance.person.issuer, instance.study_uid, instance.series_uid)
        group = groups.setdefault(key, {})
        if instance.sop_uid in group:
            doubles[key] = doubles.get(key, 0) + 1
            if not _is_copy(group[instance.sop_uid], instance):
                message = "expected one content per SOP instance, found two files that differ"
                findings.append(oddity("dicom_conflict", message, instance.path.name))
        group.setdefault(instance.sop_uid, instance)
    return [
        Series(
            tuple(sorted(group.values(), key=lambda i: (i.seen_at, i.planes[0].repeat if i.planes else (), i.sop_uid))),
            (f"{doubles[key]} files were there twice",) if key in doubles else (),
        )
        for key, group in groups.items()
    ]


def _is_copy(one: Instance, other: Instance) -> bool:
    """Say whether two files of one SOP instance hold the same image: planes, and pixels where they lie bare."""
    if len(one.planes) != len(other.planes) or one.variants != other.variants:
        return False
    for a, b in zip(one.planes[:1], other.planes[:1], strict=True):
        bare = replace(b, path=a.path, pixels=replace(b.pixels, offset=a.pixels.offset))
        if a != bare or (a.pixels.length and stored_bytes(a) != stored_bytes(b)):
            return False
    return True


def stored_bytes(plane: Plane) -> bytes:
    """Return the bytes of the pixels that lie bare in a plane's file."""
    with plane.path.open("rb") as stream:
        stream.seek(plane.pixels.offset)
        return stream.read(plane.pixels.length or 0)


FAN_COSINE = float(np.cos(np.radians(50)))
"""Blocks along the discs of one spine are tilted against each other by less than this."""


def stacks_of(series: Series) -> list[Stack]:
    """Part a series into stacks, by orientation, size and way of making, and then by repetition at the same place."""
    acquisitions = _ways_of_making(series)
    planes = [plane for instance in series.instances for plane in instance.planes]
    piles = _alike(planes)
    orientations, is_fan = len({key[1] for key in piles}), _is_fan(planes)
    echoes = len({how.echo_time_ms for how in acquisitions.values()})
    missing = _missing_of_series(series)
    stacks: list[Stack] = []
    for key, pile in piles.items():
        axes = tuple(round(value, 2) + 0.0 for value in (*pile[0].along_row, *pile[0].along_column))
        repeats = _repeats(pile)
        for number, repeat in enumerate(repeats):
            name = f"{key[0]} {axes} {key[2]} {number}"
            stack = _stack(series, acquisitions[key[0]], name, repeat)
            few = _missing_of_stack(acquisitions[key[0]], len(repeat)) or _missing_between(stack, repeat, planes)
            files = frozenset(plane.path for plane in repeat)
            stack = replace(stack, repeats=len(repeats), incomplete=missing or few, files=files)
            stacks.append(replace(stack, orientations=orientations, is_fan=is_fan, echoes=echoes))
    return [replace(stack, incomplete=stack.incomplete or _shorter(stack, stacks)) for stack in stacks]


def _shorter(stack: Stack, stacks: Sequence[Stack]) -> str | None:
    """Say that another stack of the series goes on where this one ends: echoes, b-values and parts share slices."""
    if stack.grid is None:
        return None
    grids = (other.grid for other in stacks if other.grid is not None and other.plane_count > stack.plane_count)
    for grid in grids:
        if all(any(_at_one_place(a, b) for b in grid.planes) for a in stack.grid.planes):
            return f"expected {len(grid.planes)} slices as other images of its series have, found {stack.plane_count}"
    return None


def _at_one_place(one: Plane, other: Plane) -> bool:
    sizes = ((plane.pixels.rows, plane.pixels.columns) for plane in (one, other))
    if len(set(sizes)) > 1:
        return False
    near_mm = np.abs(np.subtract(one.position_mm, other.position_mm)).max() <= geometry.UNEVEN_MM
    axes = np.abs(np.subtract((*one.along_row, *one.along_column), (*other.along_row, *other.along_column)))
    return bool(near_mm and axes.max() <= geometry.AXES_TOLERANCE)


def _ways_of_making(series: Series) -> dict[tuple[str | float | None, ...], SeriesAcquisition]:
    """Return how each group of planes was made.

    Echo planar images without a b-value have the value 0 where others of their series have one, as GE leaves it.
    """
    acquisitions = {split: how for instance in series.instances for split, how in instance.variants}
    if any(how.b_value for how in acquisitions.values()):
        acquisitions = {
            split: replace(how, b_value=0.0) if how.b_value is None and "EP" in how.kinds else how
            for split, how in acquisitions.items()
        }
    return acquisitions


def _is_fan(planes: Sequence[Plane]) -> bool:
    normals = {tuple(np.round(np.cross(plane.along_row, plane.along_column), 2)) for plane in planes}
    across = np.array(sorted(normals))
    return len(across) > 1 and float(np.abs(across @ across.T).min()) >= FAN_COSINE


def _missing_of_series(series: Series) -> str | None:
    """Say how many images of a series are missing, by the number that each image announces for its acquisition.

    Parts of one acquisition that are stored as several series share that number: then it is a multiple of theirs, and
    the numbers of the images run from 1 without a gap; a person is asked all the same.
    """
    ways = [how for instance in series.instances for _, how in instance.variants]
    stated = max((how.images_stated or 0 for how in ways), default=0)
    count = len({instance.sop_uid for instance in series.instances})
    is_single = all(len(instance.planes) == 1 for instance in series.instances)
    if is_single and count < stated:
        return f"expected {stated} images as the header announces, found {count}"
    short = _short_acquisition(series) if is_single else None
    if short is not None:
        return f"expected {short[1]} images of each acquisition as the header announces, found {short[0]} of one"
    parts = max((how.parts_stated or 0 for how in ways), default=0)
    if count < parts:
        return f"expected {parts} parts of one object as the header announces, found {count}"
    for instance in series.instances:
        frames = instance.planes[0].pixels.frames if instance.planes else 0
        if len(instance.planes) < frames:
            return f"expected a place for each of {frames} frames, found {len(instance.planes)}"
    return None


def _short_acquisition(series: Series) -> tuple[int, int] | None:
    """Return how many images an acquisition has and how many it announces itself, where another one has all of its own.

    Where none has, the number that is announced is not that of one acquisition. Two that share a series' slices between
    them may announce one more and one less.
    """
    counts: dict[int, int] = {}
    stated: dict[int, int] = {}
    for instance in series.instances:
        number = instance.planes[0].repeat[1]
        counts[number] = counts.get(number, 0) + 1
        announced = max((how.images_stated or 0 for _, how in instance.variants), default=0)
        stated[number] = max(stated.get(number, 0), announced)
    is_one_whole = any(counts[number] == stated[number] for number in counts)
    short = [(counts[number], stated[number]) for number in sorted(counts) if counts[number] < stated[number]]
    return short[0] if is_one_whole and short else None


def _missing_of_stack(acquisition: SeriesAcquisition, count: int) -> str | None:
    stated = acquisition.slices_stated or 0
    return f"expected {stated} slices as the header announces, found {count}" if count < stated else None


WIDE_GAP = 1.9
"""Slices so many thicknesses apart leave room for others between them."""


def _missing_between(stack: Stack, planes: Sequence[Plane], all_planes: Sequence[Plane]) -> str | None:
    """Say that slices are missing at even distances: their numbers are, too, and there is room for them.

    Numbers alone say nothing, for two echoes that are stored as two series share them; nor does a gap alone.
    """
    thickness_mm = stack.acquisition.slice_thickness_mm
    if stack.grid is None or not thickness_mm or len(planes) < 3:
        return None
    if float(np.linalg.norm(stack.grid.affine[:3, 2])) < WIDE_GAP * thickness_mm:
        return None
    axis = stack.grid.affine[:3, 2]
    along = sorted(planes, key=lambda plane: float(np.dot(axis, plane.position_mm)))
    numbers = [plane.repeat[2] for plane in along]
    steps = {abs(after - before) for before, after in pairwise(numbers)}
    between = set(range(min(numbers), max(numbers) + 1)) - {plane.repeat[2] for plane in all_planes}
    if len(steps) != 1 or steps <= {0, 1} or not between:
        return None
    return f"expected every image of the series, found one in {steps.pop()} by number, with room for those between"


def _alike(planes: Sequence[Plane]) -> dict[tuple[tuple[str | float | None, ...], int, object], list[Plane]]:
    """Part planes by split, orientation (to within a thousandth) and size, in order of appearance."""
    directions: list[np.ndarray] = []
    piles: dict[tuple[tuple[str | float | None, ...], int, object], list[Plane]] = {}
    for plane in planes:
        axes = np.array([*plane.along_row, *plane.along_column])
        near = (
            n
            for n, earlier_axes in enumerate(directions)
            if np.abs(earlier_axes - axes).max() <= geometry.AXES_TOLERANCE
        )
        number = next(near, None)
        if number is None:
            number = len(directions)
            directions.append(axes)
        pixels = plane.pixels
        size = (pixels.rows, pixels.columns, *(round(length, 4) for length in plane.spacing_mm))
        piles.setdefault((plane.split, number, size), []).append(plane)
    return piles


def _repeats(pile: list[Plane]) -> list[list[Plane]]:
    try:
        return geometry.split_repeats(pile)
    except InputError:
        return [pile]  # no usable direction: the grid will say so


def _stack(series: Series, acquisition: SeriesAcquisition, key: str, planes: list[Plane]) -> Stack:
    uids = tuple(dict.fromkeys(plane.sop_uid for plane in planes))
    common = (series.first, acquisition, key, len(planes), 1)
    try:
        grid = geometry.grid_of(planes)
    except InputError as error:
        return Stack(*common, None, str(error), series.remarks, uids, lone=planes[0] if len(planes) == 1 else None)
    remarks = (*series.remarks, *geometry.thickness_remarks(grid, acquisition.slice_thickness_mm))
    return Stack(*common, grid, None, remarks, uids)
