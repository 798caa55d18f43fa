"""A first mask from clicks, outside any study: what ``cordtrack draft`` does."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline import __version__
from pipeline.cord.cord_finding import find_cord
from pipeline.core.vocabulary import Compartment
from pipeline.draft.proposal import ALGORITHM, VERSION, Clicks, propose
from pipeline.errors import SettingsError
from pipeline.files import atomic, fingerprints, images
from pipeline.measure import volumes

Place = tuple[float, float, float]


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
        RAS+ mm; look there first.
    """

    mask: Path
    sidecar: Path
    volume_mm3: float
    length_mm: float
    unsure_mm: Place


def draft_file(
    scan: Path,
    clicks: Clicks,
    compartment: Compartment,
    target: Path,
    *,
    second: Path | None = None,
    force: bool = False,
) -> Drafted:
    """Propose the outline of a lesion around clicks and write it beside a JSON file that says how it came about.

    Parameters
    ----------
    second
        Another contrast, laid on the same world.
    force
        Replace files that are there.

    Raises
    ------
    SettingsError
        The mask's name is no NIfTI file's, a file is there already, or the clicks do not fit the scan.
    InputError
        A scan cannot be read, or shows no cord.
    """
    if not target.name.endswith((".nii", ".nii.gz")):
        raise SettingsError(f"{target.name}: expected a name that ends with .nii.gz")
    sidecar = target.with_name(target.name.removesuffix(".gz").removesuffix(".nii") + ".json")
    taken = [path.name for path in (target, sidecar) if path.exists()]
    if taken and not force:
        raise SettingsError(f"{', '.join(taken)}: already there; choose another name, or say --force to replace")
    image = images.load_scan(scan)
    beside = None if second is None else images.load_scan(second)
    proposal = propose(image, find_cord(image), clicks, compartment, beside)
    size = volumes.measure(proposal.mask)
    record = {
        "SpatialReference": "orig",
        "Type": "Lesion",
        "Label": str(compartment),
        "Manual": False,
        "GeneratedBy": [{"Name": "cordtrack draft", "Version": __version__}],
        "Algorithm": ALGORITHM,
        "AlgorithmVersion": VERSION,
        "Sources": {path.name: fingerprints.of_file(path) for path in (scan, second) if path is not None},
        "ClicksInsideMm": clicks.inside,
        "ClicksOutsideMm": clicks.outside,
        "VolumeMm3": round(size.volume_mm3, 2),
        "LengthMm": round(size.length_mm, 2),
        "LeastSureMm": [round(at, 1) for at in proposal.unsure_mm],
    }
    images.save(proposal.mask.with_array(proposal.mask.array.astype(np.uint8)), target)
    atomic.write_text(sidecar, json.dumps(record, indent=2) + "\n")
    return Drafted(target, sidecar, size.volume_mm3, size.length_mm, proposal.unsure_mm)


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
