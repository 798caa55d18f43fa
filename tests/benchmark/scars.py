"""Tumours that shrink and leave a place that still reads partly like tumour: what is found, and whether it is known.

``python -m tests.benchmark.scars``: implants in the hosts of ``tests.benchmark.implants``, or instead in scans with a
cord mask named by ``--host SCAN CORD``. A scar of 0.4 is tissue in the old outline whose signal lies 40 % of the way
from its own to the tumour's; 0 is a clear place. Tissue gives room as the tumour shrinks, or the scar keeps all its
room. Isotropic, or with sagittal slices of ``--first-mm`` and ``--later-mm``. Aligned and found again as in a run of a
patient who was treated between the visits; the last column is the factor by which the 95 % interval reaches down.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.align import registration
from pipeline.measure.measurement_error import Z_95
from pipeline.refind import refinding
from pipeline.refind.shrinkage import is_hidden
from pipeline.selftest.host_scan import Place, Source, read_source
from pipeline.selftest.implant import Array, Implant, Lesion, radius_mm, share, volume_mm3
from pipeline.selftest.implant_scan import visit_of
from pipeline.selftest.implanted_pairs import Plan, drawn, drawn_masks
from tests.benchmark.implants import HOSTS, Host
from tests.benchmark.masks import stated_cv

CASES = (
    (0.0, -65.0, False), (0.4, -65.0, False), (0.0, -50.0, False), (0.55, -50.0, False), (0.8, -50.0, False),
    (0.0, -30.0, False), (0.6, -30.0, False), (0.8, -65.0, False), (0.9, -65.0, False), (0.9, -50.0, False),
    (0.0, 0.0, False), (0.0, 40.0, False), (0.0, 100.0, False), (0.8, -65.0, True), (0.9, -65.0, True),
    (0.8, -50.0, True), (0.9, -50.0, True), (0.7, -50.0, True), (0.9, -30.0, True), (0.0, 0.0, False),
)  # fmt: skip
"""Scar, growth in percent, and whether the scar keeps all its room."""

VOLUME_ML, SEED = 1.0, 11


@dataclass(frozen=True, eq=False)
class ScarredImplant(Implant):
    """A tumour and, where it was larger before, tissue that is still seen partly as tumour."""

    before: Lesion | None = None
    scar: float = 0.0

    def shares(self, x: Array, y: Array, z: Array) -> tuple[Array, Array]:
        """Return what is seen as tumour and as cyst at points."""
        tumour, cyst = super().shares(x, y, z)
        if self.before is None:
            return tumour, cyst
        distance, angle = self._rays(x, y, z)
        old = share(radius_mm(self.before, angle, z), distance)
        return tumour + self.scar * np.maximum(old - tumour, 0), cyst


@dataclass(frozen=True, eq=False)
class KeptRoom(Implant):
    """A scar in all the room of a tumour of which a rest is left; tissue lies as it did around the whole."""

    rest: Lesion | None = None
    scar: float = 0.0

    def shares(self, x: Array, y: Array, z: Array) -> tuple[Array, Array]:
        """Return what is seen as tumour and as cyst at points."""
        old, cyst = super().shares(x, y, z)
        if self.rest is None:
            return old, cyst
        distance, angle = self._rays(x, y, z)
        tumour = share(radius_mm(self.rest, angle, z), distance)
        return tumour + self.scar * np.maximum(old - tumour, 0), cyst


def scarred(
    sources: Sequence[Source], number: int, case: tuple[float, float, bool], seed: int
) -> tuple[str, ...] | None:
    """Implant, align and find again; the cells of a row, or None where nothing is found again.

    ``sources`` are the scan as the first and as the later visit sees it.
    """
    scar, growth, keeps_room = case
    host = sources[0].host
    plan = Plan(2 * number + 1, VOLUME_ML, growth, seed)  # odd numbers have no cyst
    before, after = drawn(plan, host.course, host.z_mm)
    rng = np.random.default_rng([plan.seed, plan.number, 1])
    seen_after: Implant = ScarredImplant(after.course, after.tumour, None, before.tumour, scar)
    if keeps_room:
        seen_after = KeptRoom(before.course, before.tumour, None, after.tumour, scar)
    first, later = (
        visit_of(source.host, one, number, source.grid, rng)
        for source, one in zip(sources, (before, seen_after), strict=True)
    )
    donor = refinding.DonorVisit(first.scan, drawn_masks(first))
    region = first.scan.with_array(donor.masks["tumour"].array)
    aligned = registration.align(first.scan, later.scan, region=region, exclude=region)
    again = refinding.follow_up_masks(donor, later.scan, aligned.to_reference, is_sure=aligned.quality.grade == "A")
    again = refinding.after_treatment(again)
    named = (f"{scar:g}{', keeps room' if keeps_room else ''}", f"{growth:+.0f} %")
    if again.untold:
        return *named, "no size", "", "may have shrunk and left a scar", "", ""
    mask = again.probabilities.get("tumour")
    if aligned.quality.grade == "C" or mask is None or again.refusal is not None:
        return None
    found_mm3, true_mm3 = float(mask.array.sum()) * mask.voxel_mm3, volume_mm3(after.tumour)
    contrast = again.left_contrast.get("tumour")
    reach = Z_95 * stated_cv(mask, found_mm3, "tumour", again)
    holds = abs(np.log(found_mm3 / true_mm3)) <= reach
    return (
        *named, f"{100 * (found_mm3 / true_mm3 - 1):+.0f} %",
        "" if contrast is None else f"{contrast:.2f}", "hidden" if is_hidden(contrast) else "",
        "holds" if holds else "misses", f"{np.exp(reach):.1f}",
    )  # fmt: skip


def rows(host: Host, slices_mm: Sequence[float | None], seed: int) -> Iterator[tuple[str, ...]]:
    """Yield the cells of every case in one host that can be measured."""
    sources = [read_source(host.scan, host.cord, Place(host.at_mm), one) for one in slices_mm]
    for number, case in enumerate(CASES):
        cells = scarred(sources, number, case, seed)
        if cells is not None:
            yield (f"{host.scan.parent.name}/{sources[0].name}", *cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", nargs=2, action="append", type=Path, default=[], metavar=("SCAN", "CORD"))
    parser.add_argument("--first-mm", type=float, help="slices of the masked visit; the scan's own if not given")
    parser.add_argument("--later-mm", type=float, help="slices of the later visit")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    others = [Host(scan, cord, 0.0) for scan, cord in arguments.host]
    print("## Tumours that shrink and leave a scar\n")
    print(
        "| host | scar | true change | found against truth | contrast of the place left | said | interval | reaches |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for host in (*(one for one in HOSTS[:2] if one.scan.is_file() and not others), *others):
        for cells in rows(host, (arguments.first_mm, arguments.later_mm), arguments.seed):
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
