"""A first mask from clicks, outside any study: what ``cordtrack draft`` does."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import __version__
from pipeline.cord.cord_finding import find_cord
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.draft.between_slices import across_slices, filled_between, smoothed
from pipeline.draft.proposal import ALGORITHM, VERSION, Clicks, propose
from pipeline.draft.unlike_cord import words_of
from pipeline.errors import InputError, SettingsError
from pipeline.files import atomic, fingerprints, images
from pipeline.measure import volumes

Place = tuple[float, float, float]

BETWEEN = "distances from the outlines of the drawn slices, mixed"
"""What goes on record with a mask that was filled between drawn slices."""


@dataclass(frozen=True)
class Wanted:
    """What to write: a compartment's mask, where, whether its outline is smoothed, and whether files are replaced."""

    compartment: Compartment
    target: Path
    smooth: bool = False
    force: bool = False


@dataclass(frozen=True)
class Drafted:
    """What was written.

    Attributes
    ----------
    mask, sidecar
        The mask, and the JSON file beside it.
    volume_mm3, length_mm
        Of the proposed outline, counted in the scan's grid.
    unsure_mm
        RAS+ mm; look there first. None where nothing was proposed from clicks.
    doubt
        That nothing differs where the outline was proposed, in words; None where something does.
    """

    mask: Path
    sidecar: Path
    volume_mm3: float
    length_mm: float
    unsure_mm: Place | None
    doubt: str | None = None


def draft_file(scan: Path, clicks: Clicks, wanted: Wanted, second: Path | None = None) -> Drafted:
    """Propose the outline of a lesion around clicks and write it beside a JSON file that says how it came about.

    Parameters
    ----------
    second
        Another contrast, laid on the same world.

    Raises
    ------
    SettingsError
        The mask's name is no NIfTI file's, a file is there already, or the clicks do not fit the scan.
    InputError
        A scan cannot be read, or shows no cord.
    """
    _refuse_taken(wanted)
    image = images.load_scan(scan)
    beside = None if second is None else images.load_scan(second)
    proposal = propose(image, find_cord(image), clicks, wanted.compartment, beside)
    how = {
        "Algorithm": ALGORITHM,
        "AlgorithmVersion": VERSION,
        "Sources": {path.name: fingerprints.of_file(path) for path in (scan, second) if path is not None},
        "ClicksInsideMm": clicks.inside,
        "ClicksOutsideMm": clicks.outside,
        "LeastSureMm": [round(at, 1) for at in proposal.unsure_mm],
        "SignalChange": None if proposal.change is None else round(proposal.change.along, 3),
    }
    return replace(_written(proposal.mask, wanted, how, proposal.unsure_mm), doubt=words_of(proposal.change))


def fill_file(scan: Path, drawn: Path, wanted: Wanted) -> Drafted:
    """Fill a mask that was drawn on some slices between them, and write it as :func:`draft_file` does.

    Parameters
    ----------
    drawn
        Mask on the scan's own voxels; a voxel belongs to it from 0.5 on.

    Raises
    ------
    SettingsError
        The mask's name is no NIfTI file's, or a file is there already.
    InputError
        A file cannot be read, the mask is on another grid, or it is empty.
    """
    _refuse_taken(wanted)
    image, mask = images.load_scan(scan), images.load(drawn)
    if mask.shape != image.shape or not np.allclose(mask.affine, image.affine, atol=1e-3):
        raise InputError(f"{drawn.name}: expected a mask on the voxels of {scan.name}, found another grid")
    if not (mask.array >= 0.5).any():
        raise InputError(f"{drawn.name}: expected something drawn on two slices or more, found nothing")
    how = {
        "Algorithm": BETWEEN,
        "AlgorithmVersion": 1,
        "Sources": {path.name: fingerprints.of_file(path) for path in (scan, drawn)},
    }
    return _written(filled_between(mask, across_slices(mask)), wanted, how)


def _refuse_taken(wanted: Wanted) -> None:
    target = wanted.target
    if not target.name.endswith((".nii", ".nii.gz")):
        raise SettingsError(f"{target.name}: expected a name that ends with .nii.gz")
    taken = [path.name for path in (target, _sidecar(target)) if path.exists()]
    if taken and not wanted.force:
        raise SettingsError(f"{', '.join(taken)}: already there; choose another name, or say --force to replace")


def _sidecar(target: Path) -> Path:
    return target.with_name(target.name.removesuffix(".gz").removesuffix(".nii") + ".json")


def _written(mask: Volume, wanted: Wanted, how: dict[str, Any], unsure_mm: Place | None = None) -> Drafted:
    """Write a mask and the file beside it that says how it came about."""
    outline = smoothed(mask) if wanted.smooth else mask
    sidecar = _sidecar(wanted.target)
    size = volumes.measure(outline)
    record = {
        "SpatialReference": "orig",
        "Type": "Lesion",
        "Label": str(wanted.compartment),
        "Manual": False,
        "GeneratedBy": [{"Name": "cordtrack draft", "Version": __version__}],
        **how,
        "Smoothed": wanted.smooth,
        "VolumeMm3": round(size.volume_mm3, 2),
        "LengthMm": round(size.length_mm, 2),
    }
    images.save(outline.with_array(outline.array.astype(np.uint8)), wanted.target)
    atomic.write_text(sidecar, json.dumps(record, indent=2) + "\n")
    return Drafted(wanted.target, sidecar, size.volume_mm3, size.length_mm, unsure_mm)


def places(words: Sequence[str]) -> tuple[Place, ...]:
    """Read clicks as somebody typed them.

    Raises
    ------
    SettingsError
        One of them is not three numbers.

    Examples
    --------
    >>> places(["1.5,-20,33"])
    ((1.5, -20.0, 33.0),)
    """
    return tuple(_place(each) for each in words)


def _place(words: str) -> Place:
    try:
        x, y, z = (float(part) for part in words.split(","))
    except ValueError:
        raise SettingsError(f"{words}: expected three numbers x,y,z in RAS+ mm, such as 1.5,-20,33") from None
    if not all(map(math.isfinite, (x, y, z))):
        raise SettingsError(f"{words}: expected finite numbers")
    return x, y, z
