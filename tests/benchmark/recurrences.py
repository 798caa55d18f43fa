"""Draft outlines of tumours that come back where one was taken out, and of clean beds, which should get none.

``--data`` names folders with ``bids/`` and ``truth/``: every follow-up of a patient whose first visit was drawn without
tumour. ``--implants`` adds implanted recurrences (bright, without oedema) and clean beds in the hosts of
``tests.benchmark.implants`` and any scan with a cord mask named by ``--host SCAN CORD``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.align import registration
from pipeline.cord.cord_finding import find_cord
from pipeline.core.volume import Volume, plane
from pipeline.draft.recurrence import draft_recurrence
from pipeline.errors import CordtrackError
from pipeline.refind import signal_search
from pipeline.refind.refinding import DonorVisit
from pipeline.selftest.host_scan import Place, Source, read_source
from pipeline.selftest.implant import Implant, Lesion, draw_lesion, of_volume, volume_mm3
from pipeline.selftest.implant_scan import visit_of
from pipeline.selftest.implanted_pairs import _cyst
from tests.benchmark import series
from tests.benchmark.implants import HOSTS, THICK_MM, Host
from tests.benchmark.masks import masked
from tests.draft.implant import dice

SIZES_MM3 = (200.0, 0.0, 400.0, 150.0)
"""Of implanted recurrences; 0 is a clean bed."""


@dataclass(frozen=True)
class Drafted:
    """One follow-up of a clean bed: true and drafted tumour, mm³ (None without a draft), and their overlap."""

    name: str
    slices: str
    true_mm3: float
    drafted_mm3: float | None
    overlap: float | None


def drafted(name: str, donor: DonorVisit, later: Volume, truth: NDArray[np.bool_]) -> Drafted | None:
    """Align, search and draft as a run does; None where the alignment has grade C."""
    region = donor.image.with_array(np.any([mask.array > 0 for mask in donor.masks.values()], axis=0))
    aligned = registration.align(donor.image, later, region=region, exclude=region)
    if aligned.quality.grade == "C":
        return None
    searched = signal_search.search_for_new_signal(donor, None, later, aligned.to_reference)
    draft = None
    if searched is not None and searched.seen is not None:
        draft = draft_recurrence(later, find_cord(later), searched.seen)
    true_mm3 = float(truth.sum()) * later.voxel_mm3
    if draft is None:
        return Drafted(name, plane(later), true_mm3, None, None)
    return Drafted(name, plane(later), true_mm3, draft.volume_mm3, dice(draft.mask.array, truth))


def followed(folder: Path) -> Iterator[Drafted | None]:
    """Draft on every follow-up of patients who were drawn without tumour at first."""
    for patient in sorted(path.name for path in (folder / "bids").glob("sub-*")):
        first, *others = series.sessions(folder, patient)
        labels = series.drawn(folder, patient, first)
        if (np.rint(labels.array) == 1).any():
            continue
        donor = masked(series.scan(folder, patient, first), labels)
        for session in others:
            truth = np.rint(series.true(folder, patient, session).array) == 1
            yield drafted(f"{folder.name} {session}", donor, series.scan(folder, patient, session), truth)


def implanted(host: Host, slice_mm: float | None, seed: int) -> Iterator[Drafted | None]:
    """Draft on implanted recurrences and clean beds beside a cyst that was drawn."""
    source = read_source(host.scan, host.cord, Place(host.at_mm), slice_mm)
    for number, size_mm3 in enumerate(SIZES_MM3):
        yield _one_implant(source, size_mm3, np.random.default_rng([seed, number]), host.scan.parent.name)


def _one_implant(source: Source, size_mm3: float, rng: np.random.Generator, name: str) -> Drafted | None:
    host = source.host
    tumour = draw_lesion(host.course, host.z_mm, max(size_mm3, 150.0), rng)
    cyst = _cyst(tumour, 1 if rng.uniform() < 0.5 else -1, float(rng.uniform(120, 260)))
    nothing = of_volume(Lesion(tumour.z_mm, tumour.axis_mm, (0.4, 0.4), 2.0), 0.5)
    rng.uniform()
    later_cyst = of_volume(cyst, volume_mm3(cyst) * float(rng.uniform(0.7, 1.2)))
    tissue = int(rng.integers(2**31))
    first = visit_of(host, Implant(host.course, nothing, cyst), tissue, source.grid, rng)
    later_implant = Implant(host.course, tumour if size_mm3 else nothing, later_cyst)
    later = visit_of(host, later_implant, tissue, source.grid, rng)
    drawn = first.cyst.with_array((first.cyst.array >= 0.5).astype(np.float32))
    donor = DonorVisit(first.scan, {"cyst": drawn})
    return drafted(f"{name} implant of {size_mm3:.0f}", donor, later.scan, later.tumour.array >= 0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="append", type=Path, default=[])
    parser.add_argument("--implants", action="store_true")
    parser.add_argument("--host", nargs=2, action="append", type=Path, default=[], metavar=("SCAN", "CORD"))
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args()
    hosts = [Host(scan, cord, 0.0) for scan, cord in arguments.host] + list(HOSTS[:2] if arguments.implants else ())
    rows = [row for folder in arguments.data for row in followed(folder)]
    for host in hosts:
        for slice_mm in (None, THICK_MM):
            try:
                rows += implanted(host, slice_mm, arguments.seed)
            except CordtrackError as error:
                print(f"{host.scan.name}: {error}")
    print("## Recurrences, drafted\n")
    print("| follow-up | slices | true, mm³ | draft, mm³ | error | Dice |\n|---|---|---|---|---|---|")
    measured = [row for row in rows if row is not None]
    for row in measured:
        error = f"{100 * (row.drafted_mm3 / row.true_mm3 - 1):+.0f} %" if row.drafted_mm3 and row.true_mm3 else ""
        size = "none" if row.drafted_mm3 is None else f"{row.drafted_mm3:.0f}"
        overlap = "" if not row.overlap else f"{row.overlap:.2f}"
        print(f"| {row.name} | {row.slices} | {row.true_mm3:.0f} | {size} | {error} | {overlap} |")
    print(_summary(measured))


def _summary(rows: list[Drafted]) -> str:
    grown = [row for row in rows if row.true_mm3 >= 150]
    clean = [row for row in rows if not row.true_mm3]
    errors = [abs(row.drafted_mm3 / row.true_mm3 - 1) for row in grown if row.drafted_mm3 is not None]
    near = sum(error <= 0.25 for error in errors)
    median = f"{100 * float(np.median(errors)):.0f} %" if errors else "none"
    false = sum(row.drafted_mm3 is not None for row in clean)
    return (
        f"\n{len(errors)} of {len(grown)} tumours of 150 mm³ or more were drafted, {near} of them within 25 % (median "
        f"error {median}); {false} of {len(clean)} clean beds got a draft."
    )


if __name__ == "__main__":
    main()
