"""From single files to stacks: planes of one series that belong together, and each stack's grid or why it has none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
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
    scattered
        Why a series fell apart into single images; said by the first of them.
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
    scattered: str | None = None


@dataclass(frozen=True, eq=False)
class Series:
    """All files of one series of one patient and study; ``sitting_count`` days were found under its number."""

    instances: tuple[Instance, ...]
    remarks: tuple[str, ...] = ()
    sitting_count: int = 1

    @property
    def first(self) -> Instance:
        """The file that speaks for the series."""
        return self.instances[0]


def group_series(instances: Iterable[Instance], findings: list[Finding]) -> list[Series]:
    """Collect files by patient, study and series; a file that is there twice counts once.

    Images of one series on several days were numbered anew by somebody who gave two scans one number: they are several
    series.

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
            tuple(sorted(sitting, key=lambda i: (i.seen_at, i.planes[0].repeat if i.planes else (), i.sop_uid))),
            (f"{doubles[key]} files were there twice",) if key in doubles else (),
            sitting_count=len(sittings),
        )
        for key, group in groups.items()
        for sittings in (_by_sitting(group.values()),)
        for sitting in sittings
    ]


SITTING_DAYS = 1
"""A series that goes on over midnight is one."""


def _by_sitting(instances: Iterable[Instance]) -> list[list[Instance]]:
    """Part the images of one series by the days they were made on; those of neighbouring days stay together."""
    days = {id(one): one.sat_on or one.studied_on for one in instances}
    ordered = sorted(instances, key=lambda one: (days[id(one)] is not None, days[id(one)] or date.min))
    sittings: list[list[Instance]] = []
    last = None
    for one in ordered:
        day = days[id(one)]
        if not sittings or (last is not None and day is not None and (day - last).days > SITTING_DAYS):
            sittings.append([])
        sittings[-1].append(one)
        last = day
    return sittings


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
    planes = _of_near_making([plane for instance in series.instances for plane in instance.planes])
    piles = _alike(planes)
    orientations, is_fan = len({key[1] for key in piles}), _is_fan(planes)
    echoes = len({acquisitions[plane.split].echo_time_ms for plane in planes})
    missing = _missing_of_series(series)
    stacks: list[Stack] = []
    for key, pile in piles.items():
        axes = tuple(round(value, 2) + 0.0 for value in (*pile[0].along_row, *pile[0].along_column))
        repeats = _repeats(pile)
        for number, repeat in enumerate(repeats):
            name = f"{key[0]} {axes} {key[2]} {number}{_day_name(series)}"
            stack = _stack(series, acquisitions[key[0]], name, repeat)
            few = _missing_of_stack(acquisitions[key[0]], len(repeat)) or _missing_between(stack, repeat, planes)
            files = frozenset(plane.path for plane in repeat)
            stack = replace(stack, repeats=len(repeats), incomplete=missing or few, files=files)
            stacks.append(replace(stack, orientations=orientations, is_fan=is_fan, echoes=echoes))
    stacks = [replace(stack, incomplete=stack.incomplete or _shorter(stack, stacks)) for stack in stacks]
    return _with_scattered(stacks)


def _day_name(series: Series) -> str:
    """Return what tells the sittings apart that share one series number; nothing where there is one."""
    day = series.first.sat_on or series.first.studied_on
    return f" {day}" if series.sitting_count > 1 else ""


NEAR_SHARE = 0.01
"""Echo times of one series that differ by less are one: some scanners write them anew for each slice."""


def _of_near_making(planes: Sequence[Plane]) -> list[Plane]:
    """Give planes whose making differs by next to nothing in echo time the making of the first of them."""
    splits: list[tuple[str | float | None, ...]] = []
    named: dict[tuple[str | float | None, ...], tuple[str | float | None, ...]] = {}
    for plane in planes:
        if plane.split not in named:
            near = next((other for other in splits if _is_near(other, plane.split)), plane.split)
            splits += [] if near is not plane.split else [near]
            named[plane.split] = near
    return [
        plane if named[plane.split] is plane.split else replace(plane, split=named[plane.split]) for plane in planes
    ]


def _is_near(one: tuple[str | float | None, ...], other: tuple[str | float | None, ...]) -> bool:
    times = (one[1], other[1]) if min(len(one), len(other)) > 1 else (None, None)
    if not all(isinstance(time, float) for time in times) or (one[0], *one[2:]) != (other[0], *other[2:]):
        return False
    return abs(times[0] - times[1]) <= NEAR_SHARE * max(times)  # type: ignore[operator, type-var]


SCATTERED = 8
"""From so many images that lie by themselves in a series on, it was more than a localizer."""


def _with_scattered(stacks: list[Stack]) -> list[Stack]:
    """Say of a series' first image by itself how many there are, where most of the series lies so."""
    lone = [stack for stack in stacks if stack.lone is not None]
    if len(lone) < SCATTERED or 2 * len(lone) < sum(stack.plane_count for stack in stacks):
        return stacks
    places = {stack.lone.position_mm for stack in lone if stack.lone is not None}
    differ = "their position is one and the same" if len(places) == 1 else "they differ in making, size or direction"
    reason = f"expected slices of one stack, found {len(lone)} images of the series each by itself: {differ}"
    return [replace(stack, scattered=reason) if stack is lone[0] else stack for stack in stacks]


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
    return len(across) > 0 and float(np.abs(across @ across.T).min()) >= FAN_COSINE


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
