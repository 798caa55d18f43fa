"""From single files to stacks: planes of one series that belong together, and each stack's grid or why it has none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

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
    key
        What tells the stack from others of its series; the same at the next import.
    plane_count
        Planes found, whether they form a grid or not.
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


def stacks_of(series: Series) -> list[Stack]:
    """Part a series into stacks, by orientation, size and way of making, and then by repetition at the same place."""
    made = {split: how for instance in series.instances for split, how in instance.variants}
    planes = [plane for instance in series.instances for plane in instance.planes]
    piles = _alike(planes)
    orientations = len({key[1] for key in piles})
    stacks: list[Stack] = []
    for key, pile in piles.items():
        axes = tuple(round(value, 2) + 0.0 for value in (*pile[0].along_row, *pile[0].along_column))
        for number, repeat in enumerate(_repeats(pile)):
            name = f"{key[0]} {axes} {key[2]} {number}"
            stacks.append(_stack(series, made[key[0]], name, orientations, repeat))
    return stacks


def _alike(planes: Sequence[Plane]) -> dict[tuple[tuple[str | float | None, ...], int, object], list[Plane]]:
    """Part planes by split, orientation (to within a thousandth) and size, in order of appearance."""
    directions: list[np.ndarray] = []
    piles: dict[tuple[tuple[str | float | None, ...], int, object], list[Plane]] = {}
    for plane in planes:
        axes = np.array([*plane.along_row, *plane.along_column])
        near = (n for n, known in enumerate(directions) if np.abs(known - axes).max() <= geometry.AXES_TOLERANCE)
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


def _stack(series: Series, made: SeriesAcquisition, key: str, orientations: int, planes: list[Plane]) -> Stack:
    uids = tuple(dict.fromkeys(plane.sop_uid for plane in planes))
    common = (series.first, made, key, len(planes), orientations)
    try:
        grid = geometry.grid_of(planes)
    except InputError as error:
        return Stack(*common, None, str(error), series.remarks, uids)
    remarks = (*series.remarks, *geometry.thickness_remarks(grid, made.slice_thickness_mm))
    return Stack(*common, grid, None, remarks, uids)
