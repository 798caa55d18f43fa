"""Which scan of a visit is measured and carries its alignment: the one that somebody drew on, else the best suited.

A mask says by its grid and by its name which scan it was drawn on; the grid goes first, for on another one it cannot
be measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.errors import InputError
from pipeline.study.names import parse_name
from pipeline.study.scans import MAPS, ScanFile

ANCHOR_ORDER = ("T2w", "T1w_ce", "T1w", "T2w_ce", "PDw", "FLAIR")
"""Contrasts that can carry the alignment, the best first; T2w shows the cord against bright fluid."""

NEVER_MEASURED = frozenset({*MAPS, "ADC", "FA", "dwi"})
"""Contrasts that are no ground for an outline, whoever drew on them."""

PLANE_ORDER = ("sagittal", "isotropic", "coronal", "axial", "unreadable")
"""A sagittal stack covers the cord lengthwise, axial ones only a part; isotropic is as good but rarer in old visits."""

PLANE_WORDS = {
    "sag": "sagittal",
    "iso": "isotropic",
    "3d": "isotropic",
    "cor": "coronal",
    "ax": "axial",
    "tra": "axial",
}
"""Beginnings of ``acq-`` labels that name a plane."""

SCAN_ENTITIES = ("acq", "ce", "rec", "dir", "run", "echo", "flip", "inv", "mt", "part", "chunk")
"""Parts of a name that tell one scan of a visit from another."""


class DrawnFile(Protocol):
    """What is needed of a mask: where it lies, and what of its name is a scan's."""

    @property
    def path(self) -> Path:
        """The mask's file."""

    @property
    def scan_entities(self) -> Mapping[str, str]:
        """From :func:`scan_entities`."""


def scan_entities(entities: Mapping[str, str]) -> dict[str, str]:
    """Return the parts of a name that say which scan of a visit is meant, in a fixed order.

    Examples
    --------
    >>> scan_entities({"sub": "01", "run": "02", "space": "orig"})
    {'run': '02'}
    """
    return {key: entities[key] for key in SCAN_ENTITIES if key in entities}


def choose_anchor(
    scans: Sequence[ScanFile], masks: Sequence[DrawnFile] = (), like: ScanFile | None = None
) -> tuple[ScanFile | None, tuple[Finding, ...]]:
    """Choose the scan that is measured: where masks lie, best contrast, then named, then plane, run, chunk and name.

    Parameters
    ----------
    scans
        Of one visit.
    masks
        What people or programs drew at this visit.
    like
        Another visit's anchor, whose view of the spine (``acq-`` and ``chunk-``) is favoured.

    Returns
    -------
    ScanFile or None
        None when no contrast of the visit can carry an alignment and nobody drew on another.
    tuple of Finding
        ``anchor_ambiguous`` when nothing but run, chunk or name set the scan apart, ``scan_unusual`` where the scan is
        one that is measured only because somebody drew on it.
    """
    usable = [scan for scan in scans if scan.contrast in ANCHOR_ORDER]
    drawn_on = _drawn_on(scans, masks) if masks and (len(scans) > 1 or not usable) else {}
    rivals = _of_best_contrast([scan for scan in usable if drawn_on.get(scan)] or usable, ANCHOR_ORDER)
    if drawn_on and (not rivals or not any(drawn_on.get(scan) for scan in rivals)):
        others = [scan for scan in scans if drawn_on.get(scan) and scan.contrast not in NEVER_MEASURED]
        rivals = _of_best_contrast(others, sorted({scan.contrast for scan in others})) or rivals
    if not rivals:
        return None, ()
    rivals = _best(rivals, {scan: drawn_on.get(scan, 0) for scan in rivals})
    rivals = _best(rivals, {scan: sum(_agreement(mask, scan) for mask in masks) for scan in rivals})
    if like is not None:
        rivals = [s for s in rivals if (s.acquisition, s.chunk) == (like.acquisition, like.chunk)] or rivals
    if len(rivals) > 1:
        rivals = _best(rivals, {scan: -PLANE_ORDER.index(_plane(scan)) for scan in rivals})
    rivals.sort(key=lambda scan: (_number(scan.run), _number(scan.chunk), scan.relative))
    unusual = () if rivals[0].contrast in ANCHOR_ORDER else (_unusual(rivals[0]),)
    return rivals[0], unusual if len(rivals) == 1 else (*unusual, _ambiguity(rivals))


def names_another(mask: DrawnFile, scan: ScanFile) -> bool:
    """Say whether a mask's name means another scan than this one: a part of it differs, or this one lacks it."""
    scan_entities = _entities(scan)
    return any(scan_entities.get(key) != label for key, label in mask.scan_entities.items())


def _drawn_on(scans: Sequence[ScanFile], masks: Sequence[DrawnFile]) -> dict[ScanFile, int]:
    """Return how many masks lie on the grid of each scan; what cannot be read lies nowhere."""
    from pipeline.files.images import load_grid, other_grid  # noqa: PLC0415 (half a second most studies need not pay)
    from pipeline.study.grids import lies_on  # noqa: PLC0415

    drawn, counts = [], dict.fromkeys(scans, 0)
    for mask in masks:
        try:
            drawn.append(load_grid(mask.path))
        except InputError:
            continue
    for scan in scans:
        try:
            places = (load_grid(scan.path), other_grid(scan.path))
        except InputError:
            continue
        counts[scan] = sum(any(place is not None and lies_on(mask, place) for place in places) for mask in drawn)
    return counts


def _of_best_contrast(scans: Sequence[ScanFile], order: Sequence[str]) -> list[ScanFile]:
    first = min((order.index(scan.contrast) for scan in scans), default=0)
    return [scan for scan in scans if scan.contrast == order[first]]


def _best(scans: Sequence[ScanFile], scores: Mapping[ScanFile, int]) -> list[ScanFile]:
    return [scan for scan in scans if scores[scan] == max(scores.values())]


def _agreement(mask: DrawnFile, scan: ScanFile) -> int:
    """Return how well a mask's name agrees with a scan's: what differs counts most, then what is common."""
    if names_another(mask, scan):
        return -100
    common = len(mask.scan_entities)
    return 10 * common - (len(_entities(scan)) - common)


def _entities(scan: ScanFile) -> dict[str, str]:
    name = parse_name(scan.path.name)
    return scan_entities(name.entities) if name else {}


def _plane(scan: ScanFile) -> str:
    """Name the plane: from the acquisition label when it says so, else from the image's geometry."""
    label = (scan.acquisition or "").lower()
    named = next((plane for word, plane in PLANE_WORDS.items() if label.startswith(word)), None)
    if named is not None:
        return named
    from pipeline.core.volume import plane  # noqa: PLC0415 (half a second that most studies need not pay)
    from pipeline.files.images import load_grid  # noqa: PLC0415

    try:
        return plane(load_grid(scan.path))
    except InputError:
        return "unreadable"


def _unusual(scan: ScanFile) -> Finding:
    message = f"{scan.relative}: expected a T2w or T1w to measure on, found masks drawn on this {scan.contrast}"
    return finding("scan_unusual", message, scan.relative, session_id=scan.session_id)


def _ambiguity(rivals: Sequence[ScanFile]) -> Finding:
    chosen = rivals[0]
    others = ", ".join(scan.path.name for scan in rivals[1:])
    message = f"expected one {chosen.contrast} to align by, found several; {chosen.path.name} is used, not {others}"
    return finding("anchor_ambiguous", message, chosen.relative, session_id=chosen.session_id)


def _number(label: str | None) -> tuple[int, str]:
    text = label or ""
    return (int(text) if text.isdigit() else 0, text)
