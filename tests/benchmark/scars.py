"""Tumours that shrink and leave a place that still reads partly like tumour: what is found, and whether it is known.

``python -m tests.benchmark.scars``: implants in the hosts of ``tests.benchmark.implants`` and any scan with a cord mask
named by ``--host SCAN CORD``, isotropic. A scar of 0.4 is tissue in the old outline whose signal lies 40 % of the way
from its own to the tumour's; 0 is a clear place. Aligned and found again as in a run.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
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
    (0.0, -65.0), (0.4, -65.0), (0.0, -50.0), (0.55, -50.0), (0.8, -50.0), (0.0, -30.0), (0.6, -30.0),
    (0.8, -65.0), (0.9, -65.0), (0.9, -50.0), (0.0, 0.0), (0.0, 40.0), (0.0, 100.0),
)  # fmt: skip
"""Scar, and growth in percent."""

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


def scarred(source: Source, number: int, scar: float, growth: float) -> tuple[str, ...] | None:
    """Implant, align and find again; the cells of a row, or None where nothing is found again."""
    plan = Plan(2 * number + 1, VOLUME_ML, growth, SEED)  # odd numbers have no cyst
    before, after = drawn(plan, source.host.course, source.host.z_mm)
    rng = np.random.default_rng([plan.seed, plan.number, 1])
    seen_after = ScarredImplant(after.course, after.tumour, None, before.tumour, scar)
    first, later = (visit_of(source.host, one, number, source.grid, rng) for one in (before, seen_after))
    donor = refinding.DonorVisit(first.scan, drawn_masks(first))
    region = first.scan.with_array(donor.masks["tumour"].array)
    aligned = registration.align(first.scan, later.scan, region=region, exclude=region)
    again = refinding.follow_up_masks(donor, later.scan, aligned.to_reference, is_sure=aligned.quality.grade == "A")
    if again.untold:
        return f"{scar:g}", f"{growth:+.0f} %", "no size", "", "may have shrunk and left a scar", ""
    mask = again.probabilities.get("tumour")
    if aligned.quality.grade == "C" or mask is None or again.refusal is not None:
        return None
    found_mm3, true_mm3 = float(mask.array.sum()) * mask.voxel_mm3, volume_mm3(after.tumour)
    contrast = again.left_contrast.get("tumour")
    holds = abs(np.log(found_mm3 / true_mm3)) <= Z_95 * stated_cv(mask, found_mm3, "tumour", again)
    return (
        f"{scar:g}", f"{growth:+.0f} %", f"{100 * (found_mm3 / true_mm3 - 1):+.0f} %",
        "" if contrast is None else f"{contrast:.2f}", "hidden" if is_hidden(contrast) else "",
        "holds" if holds else "misses",
    )  # fmt: skip


def rows(host: Host) -> Iterator[tuple[str, ...]]:
    """Yield the cells of every case in one host that can be measured."""
    source = read_source(host.scan, host.cord, Place(host.at_mm), None)
    for number, (scar, growth) in enumerate(CASES):
        cells = scarred(source, number, scar, growth)
        if cells is not None:
            yield (f"{host.scan.parent.name}/{source.name}", *cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", nargs=2, action="append", type=Path, default=[], metavar=("SCAN", "CORD"))
    others = [Host(scan, cord, 0.0) for scan, cord in parser.parse_args().host]
    print("## Tumours that shrink and leave a scar\n")
    print("| host | scar | true change | found against truth | contrast of the place left | said | interval |")
    print("|---|---|---|---|---|---|---|")
    for host in (*(one for one in HOSTS[:2] if one.scan.is_file()), *others):
        for cells in rows(host):
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
