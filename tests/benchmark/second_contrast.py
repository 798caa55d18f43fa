"""Tumours that shrink and leave a scar, with a scan after contrast agent at both visits: what that says of their size.

``python -m tests.benchmark.second_contrast``: implants in the hosts of ``tests.benchmark.implants``, or in scans with a
cord mask named by ``--host SCAN CORD``. T2w as it is; T1w after contrast agent is made of it (fluid dark) on sagittal
slices of ``--after-mm``, the same lesion in the same pose, its rest bright, its scar as bright as the case says. Visits
are aligned, and each scan after contrast agent is laid on its own T2w, as in a run. Synthetic.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.align import registration
from pipeline.core.transform import compose, inverse
from pipeline.core.volume import Volume
from pipeline.files import images
from pipeline.measure.measurement_error import Z_95
from pipeline.refind import other_contrast, refinding
from pipeline.selftest.host_scan import Place, Source, read_source
from pipeline.selftest.implant import Implant, volume_mm3
from pipeline.selftest.implant_scan import ImplantedVisit, grid_like, host_of, visit_of
from pipeline.selftest.implanted_pairs import Plan, drawn, drawn_masks
from tests.benchmark.implants import HOSTS, Host
from tests.benchmark.masks import stated_cv
from tests.benchmark.scars import KeptRoom, ScarredImplant

UPTAKE, NOISE = 1.2, 2.0
"""Signal of uptake as a share of cord's, of which tissue has 40 to 65 %; noise beside that of the T2w's own range."""

DARK, BRIGHT, TURNED = 0.25, 2.0, 1.5
"""T1w signal of cord is 1; of what is k times as bright as cord on T2w it is 1.5 less k / 2, within these limits."""

VOLUME_ML, AFTER_MM, SEED = 0.9, 3.3, 31


@dataclass(frozen=True)
class Case:
    """What happens between two visits: a scar on T2w and after contrast agent, 0 to 1, and what the rest takes up."""

    name: str
    growth: float
    scar: float = 0.0
    scar_after: float = 0.0
    keeps_room: bool = False
    uptake: float = 1.0
    has_own_texture: bool = False


CASES = (
    Case("scar 0.9, keeps room", -50, 0.9, 0.0, keeps_room=True),
    Case("unchanged", 0),
    Case("scar 0.8", -65, 0.8),
    Case("unchanged, other texture after agent", 0, has_own_texture=True),
    Case("scar 0.9, keeps room, takes up 0.3", -50, 0.9, 0.3, keeps_room=True),
    Case("grown", 40),
    Case("scar 0.9, keeps room", -30, 0.9, 0.0, keeps_room=True),
    Case("unchanged, uptake falls to 0.4", 0, uptake=0.4),
    Case("no scar", -50),
    Case("scar 0.8, keeps room, takes up 0.6", -65, 0.8, 0.6, keeps_room=True),
    Case("no scar", -30),
    Case("grown", 100),
)


@dataclass(frozen=True, eq=False)
class Session:
    """One visit: T2w and T1w after contrast agent, in one pose."""

    scan: ImplantedVisit
    after: ImplantedVisit


def after_agent(source: Source, cord: Volume, at_mm: float, after_mm: float) -> Source:
    """Return the scan as T1w would show it, on slices of a thickness."""
    level = float(np.median(source.image.array[cord.array > 0.5]))
    turned = np.clip(TURNED - source.image.array.astype(np.float64) / level / 2, DARK, BRIGHT)
    image = source.image.with_array(1000 * turned)
    host = host_of(image, cord, at_mm)
    return replace(source, host=replace(host, noise=NOISE * host.noise), grid=grid_like(image, host, after_mm))


def sessions_of(
    source: Source, after: Source, case: Case, number: int, seed: int
) -> tuple[Session, Session, float, float]:
    """Scan a person before and after; also return the true volumes, mm³."""
    plan = Plan(2 * number + 1, VOLUME_ML, case.growth, seed)  # odd numbers have no cyst
    before, rest = drawn(plan, source.host.course, source.host.z_mm)

    def later(scar: float) -> Implant:
        if case.keeps_room:
            return KeptRoom(before.course, before.tumour, None, rest.tumour, scar)
        return ScarredImplant(rest.course, rest.tumour, None, before.tumour, scar)

    def scanned(day: int, on_t2w: Implant, on_t1w: Implant, uptake: float, tissue: int) -> Session:
        bright = replace(after.host, fluid=after.host.cord * (1 + uptake))
        rngs = [np.random.default_rng([seed, number, day]) for _ in range(2)]  # the same pose
        return Session(
            visit_of(source.host, on_t2w, number, source.grid, rngs[0]),
            visit_of(bright, on_t1w, tissue, after.grid, rngs[1]),
        )

    tissue = 2000 if case.has_own_texture else 1000
    first = scanned(1, before, before, UPTAKE, 1000 + number)
    second = scanned(2, later(case.scar), later(case.scar_after), UPTAKE * case.uptake, tissue + number)
    return first, second, volume_mm3(before.tumour), volume_mm3(rest.tumour)


def measured(source: Source, after: Source, case: Case, number: int, seed: int) -> tuple[str, ...] | None:
    """Align and find one case again, alone and with the second contrast; the cells of a row, None if nothing is."""
    first, second, before_mm3, true_mm3 = sessions_of(source, after, case, number, seed)
    donor = refinding.DonorVisit(first.scan.scan, drawn_masks(first.scan))
    region = donor.image.with_array(donor.masks["tumour"].array)
    aligned = registration.align(donor.image, second.scan.scan, region=region, exclude=region)
    sure = aligned.quality.grade == "A"
    alone = refinding.follow_up_masks(donor, second.scan.scan, aligned.to_reference, is_sure=sure)
    if aligned.quality.grade == "C" or alone.refusal is not None:
        return None
    to_first, to_second = (
        registration.align_within_visit(one.scan.scan, one.after.scan).to_follow_up for one in (first, second)
    )
    laid = other_contrast.laid_on(first.after.scan, donor, inverse(to_first))
    seen, held = None, alone
    if laid is not None:
        steps = (inverse(to_second), aligned.to_reference, to_first)
        from_after, between, to_before = (
            replace(step, source=str(n), target=str(n + 1)) for n, step in enumerate(steps)
        )
        way = compose(compose(from_after, between), to_before)
        seen = other_contrast.size_elsewhere("T1w_ce", laid, second.after.scan, way)
    if seen is not None and "tumour" in alone.ways_mm3:
        held = other_contrast.held_against(alone, other_contrast.volume_mm3(donor.masks["tumour"]), seen)
    return (
        case.name, f"{true_mm3 / before_mm3:.2f}", said(alone, true_mm3),
        "" if seen is None else f"{seen.ratio:.2f}", said(held, true_mm3),
    )  # fmt: skip


def said(again: refinding.FollowUpMasks, true_mm3: float) -> str:
    """Say what a follow-up's tumour was found as, against the truth, and whether its interval holds that."""
    mask = again.probabilities.get("tumour")
    if mask is None:
        return "no size"
    found_mm3 = other_contrast.volume_mm3(mask)
    reach = Z_95 * stated_cv(mask, found_mm3, "tumour", again)
    holds = abs(np.log(found_mm3 / true_mm3)) <= reach
    return f"{100 * (found_mm3 / true_mm3 - 1):+.0f} %, {'holds' if holds else 'misses'}"


def rows(host: Host, after_mm: float, seed: int) -> Iterator[tuple[str, ...]]:
    """Yield the cells of every case in one host that can be measured."""
    source = read_source(host.scan, host.cord, Place(host.at_mm), None)
    after = after_agent(source, images.load(host.cord), host.at_mm, after_mm)
    for number, case in enumerate(CASES):
        cells = measured(source, after, case, number, seed)
        if cells is not None:
            yield (f"{host.scan.parent.name}/{source.name}", *cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", nargs=2, action="append", type=Path, default=[], metavar=("SCAN", "CORD"))
    parser.add_argument("--after-mm", type=float, default=AFTER_MM, help="slices after contrast agent")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    others = [Host(scan, cord, 0.0) for scan, cord in arguments.host]
    print("## Tumours that leave a scar, with a second contrast\n")
    print("| host | case | true ratio | T2w alone, against truth | ratio after agent | with both |")
    print("|---|---|---|---|---|---|")
    for host in (*(one for one in HOSTS[:2] if one.scan.is_file() and not others), *others):
        for cells in rows(host, arguments.after_mm, arguments.seed):
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
