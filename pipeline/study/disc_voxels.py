"""The places of disc labels in a scan, refused with a finding when they cannot be what their numbers say.

Labels are never resampled: a place is the middle of its voxels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.records import Finding
from pipeline.core.vocabulary import MaskOrigin
from pipeline.core.volume import Volume, to_world
from pipeline.errors import InputError
from pipeline.files.images import load
from pipeline.measure import vertebral_levels
from pipeline.study.discs import DiscFile
from pipeline.study.grids import grid_words, in_order_of, lies_on
from pipeline.study.mask_values import range_words, whole_numbers
from pipeline.study.mask_voxels import problem

WIDEST_MM = 10.0
"""A label's voxels lie within this of their middle, mm: it marks a point, not the whole disc."""


class DiscReading(NamedTuple):
    """Disc number to place in the scan's world, RAS+ mm, as one file says."""

    places_mm: Mapping[int, NDArray[np.float64]]
    file: DiscFile


def read_discs(files: Sequence[DiscFile], image: Volume) -> tuple[DiscReading | None, tuple[Finding, ...]]:
    """Read the labels of a visit that lie on a scan's grid, a person's before a program's, then by name.

    Parameters
    ----------
    files
        Of one visit.
    image
        The scan that is measured. Labels on the grid of another scan are passed over when some fit this one.

    Returns
    -------
    DiscReading or None
        None when no file can be used.
    tuple of Finding
        What was left out, and discs without a label between labelled ones.
    """
    findings: list[Finding] = []
    elsewhere: list[Finding] = []
    for file in sorted(files, key=lambda file: (file.origin == MaskOrigin.AUTOMATIC, file.relative)):
        try:
            volume = in_order_of(load(file.path), image)
        except InputError as error:
            findings.append(problem("disc_unreadable", file, str(error)))
            continue
        if not lies_on(volume, image):
            words = f"expected the image's grid of {grid_words(image)}, found {grid_words(volume)}"
            elsewhere.append(problem("disc_grid", file, words))
            continue
        places_mm = _places(volume, file, findings)
        if places_mm:
            return DiscReading(places_mm, file), tuple(findings)
    return None, (*findings, *elsewhere)


def _places(volume: Volume, file: DiscFile, findings: list[Finding]) -> dict[int, NDArray[np.float64]]:
    """Return the places of all discs of a file, none of them when they contradict each other."""
    labels = whole_numbers(volume.array)
    if labels is None:
        words = f"expected a whole number at each disc, found {range_words(volume.array)}"
        findings.append(problem("disc_values", file, words))
        return {}
    places: dict[int, NDArray[np.float64]] = {}
    for number in (n for n in np.unique(labels).tolist() if n and n not in vertebral_levels.NOT_DISCS):
        found_mm = to_world(volume.affine, np.argwhere(labels == number))
        place_mm = found_mm.mean(axis=0)
        if not vertebral_levels.FIRST_DISC <= number <= vertebral_levels.LAST_DISC:
            first, last = vertebral_levels.FIRST_DISC, vertebral_levels.LAST_DISC
            words = f"expected disc numbers from {first} to {last}, found {number}"
            findings.append(problem("disc_values", file, words))
        elif np.linalg.norm(found_mm - place_mm, axis=1).max() > WIDEST_MM:
            name = vertebral_levels.disc(number)
            words = f"expected one point for {number} ({name}), found {len(found_mm)} voxels far apart"
            findings.append(problem("disc_values", file, words))
        else:
            places[number] = place_mm
    return _trusted(places, file, findings)


def _trusted(
    places: dict[int, NDArray[np.float64]], file: DiscFile, findings: list[Finding]
) -> dict[int, NDArray[np.float64]]:
    if not places:
        findings.append(problem("disc_values", file, "expected labels of discs, found none that can be used"))
        return {}
    doubt = vertebral_levels.doubt_of(places)
    if doubt is not None:
        findings.append(problem("disc_order", file, f"expected the discs one after another, found: {doubt}"))
        return {}
    skipped = vertebral_levels.missing_between(places)
    if skipped:
        words = ", ".join(f"{number} ({vertebral_levels.disc(number)})" for number in skipped)
        findings.append(problem("disc_skipped", file, f"expected every disc between others, none at {words}"))
    return places
