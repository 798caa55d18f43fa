"""Files of masks that other programs wrote: which compartments they hold, and their voxels on a visit's own grid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files import images
from pipeline.study.grids import in_order_of, lies_on
from pipeline.study.label_names import compartment_named
from pipeline.study.mask_values import ValueDoubt, inside_of, labels_of, probabilities_of
from pipeline.study.names import parse_name

MANUAL = re.compile(r"_([a-z]*)seg-manual\.nii(?:\.gz)?$")
OTHER_NAMES = {
    "gm": "grey_matter", "greymatter": "grey_matter", "graymatter": "grey_matter",
    "wm": "white_matter", "whitematter": "white_matter",
}  # fmt: skip
"""Names of what public datasets of the cord hold beside the compartments of tumours, without separators."""

TABLE = "dseg.tsv"
TOLERANCE = 1e-3
"""Shares may lie so far below 0 or above 1, as rounding leaves them."""


@dataclass(frozen=True)
class MaskPart:
    """One compartment of one file.

    Attributes
    ----------
    value
        The number it has in a label map; None where the file holds nothing else.
    is_shares
        The file says of each voxel how much of it is inside (0..1), however little that is.
    """

    path: Path
    value: int | None
    is_shares: bool = False

    def lies_on(self, scans: Iterable[Volume]) -> bool:
        """Say whether the file lies on the grid of one of some scans; not where it cannot be read."""
        return any(lies_on(mask, scan) for mask in grids_of([self.path]) for scan in scans)

    def on_grid_of(self, scans: Iterable[Volume]) -> Volume:
        """Return the share of each voxel (0..1), stored in the order of the scan whose grid it lies on.

        Raises
        ------
        InputError
            It cannot be read, holds other values, or lies on the grid of none of the scans.
        """
        mask = images.load(self.path)
        scan = next((scan for scan in scans if lies_on(mask, scan)), None)
        if scan is None:
            raise InputError(f"{self.path.name}: it lies on the grid of no scan of its visit")
        ordered = in_order_of(mask, scan)
        if self.is_shares:
            shares = _shares(ordered.array)
        elif self.value is None:
            inside = inside_of(ordered.array)
            shares = probabilities_of(ordered.array) if isinstance(inside, ValueDoubt) else inside
        else:
            labels = labels_of(ordered.array)
            shares = labels if isinstance(labels, ValueDoubt) else labels == self.value
        if isinstance(shares, ValueDoubt):
            raise InputError(f"{self.path.name}: {shares.words}")
        return scan.with_array(shares.astype(np.float32))


def grids_of(scans: Iterable[Path]) -> list[Volume]:
    """Return where scans lie; one that cannot be read has no grid."""
    grids = []
    for path in scans:
        try:
            grids.append(images.load_grid(path))
        except InputError:
            continue
    return grids


def parts_of(path: Path, root: Path, otherwise: Mapping[int, str] | None = None) -> dict[str, MaskPart]:
    """Return the compartments of a file of masks, by its name and the ``dseg.tsv`` above it; none for other files.

    Parameters
    ----------
    path
        ``..._dseg.nii.gz`` is a label map, ``..._label-<name>_mask`` and ``..._label-<name>_probseg`` hold one
        compartment, and so does ``..._seg-manual``.
    root
        The folder up to which a table is looked for.
    otherwise
        What numbers mean where there is no table; None: then there must be one.

    Raises
    ------
    InputError
        There is no table, or it cannot be read.
    """
    manual = MANUAL.search(path.name)
    if manual is not None:
        return {plain_name(manual[1] or "cord"): MaskPart(path, None)}
    name = parse_name(path.name)
    if name is None or name.suffix not in {"dseg", "mask", "probseg"}:
        return {}
    if name.suffix != "dseg" and "label" not in name.entities:
        return {}
    if name.suffix != "dseg":
        return {plain_name(name.entities["label"]): MaskPart(path, None, name.suffix == "probseg")}
    return {label: MaskPart(path, value) for value, label in _numbers(path, root, otherwise).items()}


def plain_name(name: str) -> str:
    """Return the name by which a compartment is compared.

    Examples
    --------
    >>> plain_name("Solid tumor"), plain_name("Grey matter"), plain_name("GM")
    ('tumour', 'grey_matter', 'grey_matter')
    """
    compartment = compartment_named(name)
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return OTHER_NAMES.get(plain, plain) if compartment is None else str(compartment)


def _shares(array: NDArray) -> NDArray | ValueDoubt:
    """Return shares as they are: a file that says it holds some may hold low ones alone."""
    low, high = float(array.min(initial=0)), float(array.max(initial=0))
    if low < -TOLERANCE or high > 1 + TOLERANCE:
        return ValueDoubt("mask_values", f"expected shares from 0 to 1, found {low:.3g} to {high:.3g}")
    return np.clip(array, 0, 1)


def _numbers(path: Path, root: Path, otherwise: Mapping[int, str] | None) -> Mapping[int, str]:
    folders = [folder for folder in path.parents if folder == root or root in folder.parents]
    table = next((folder / TABLE for folder in folders if (folder / TABLE).is_file()), None)
    if table is None:
        if otherwise is not None:
            return otherwise
        raise InputError(
            f"{path}: expected {TABLE} beside it or above, found none; write one with the columns index and name, a "
            f"line for each compartment that the program draws"
        )
    lines = [line.split("\t") for line in table.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    header, *label_lines = lines or [[]]
    try:
        index, name = header.index("index"), header.index("name")
        numbers = {int(cells[index]): plain_name(cells[name]) for cells in label_lines}
    except (ValueError, IndexError) as error:
        raise InputError(
            f"{table}: expected the columns index and name between tabs, a whole number in index; correct the file"
        ) from error
    return {value: label for value, label in numbers.items() if value != 0 and label != "background"}
