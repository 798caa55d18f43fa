"""What is said of healthy real cords in which somebody drew a lesion where none is: nothing of it may be claimed.

Two scans of one session stand for T1w before and after contrast agent that nobody gave. Each cord is tried at several
heights, with its drawn mask and with the course that the scan shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from pipeline.align.registration import align_within_visit
from pipeline.cord.cord_finding import find_cord
from pipeline.core.finding_terms import Described
from pipeline.core.transform import identity
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, to_world
from pipeline.description import limit_file
from pipeline.description.lesion_place import LevelsHere
from pipeline.description.lesion_scene import AlignedScan, CordCourse, LesionScene, along
from pipeline.description.visit_description import description_of
from pipeline.files import images
from pipeline.measure import cord
from tests.benchmark.host_cords import REAL, REAL_FILES
from tests.places import ROOT

GM_CHALLENGE = ROOT.parent / "shared" / "real" / "gm-challenge"
CLAIMS = ("present", "expanded", "thin", "faint", "vivid", "infiltrating", "heterogeneous")
HALF_MM = 7.0
PLACES = (0.25, 0.35, 0.5, 0.65, 0.75)
"""Where along the cord a lesion is drawn, as a share of its length."""

HERE = LevelsHere(None, None, "no visit has disc labels")


@dataclass(frozen=True, eq=False)
class HealthyCord:
    """Scans of one session, the drawn cord, and the scan's contrast as it really is."""

    name: str
    scans: tuple[AlignedScan, ...]
    whole: Volume


def healthy_cords() -> Iterator[HealthyCord]:
    """Yield the real cords that are there."""
    for path in sorted(GM_CHALLENGE.glob("sub-*/anat/*_run-1_T2starw.nii.gz")):
        folder = GM_CHALLENGE / "derivatives" / "labels" / path.parts[-3] / "anat"
        first, second = images.load_scan(path), images.load_scan(Path(str(path).replace("run-1", "run-2")))
        whole = images.load(folder / path.name.replace("T2starw", "T2starw_seg-manual"))
        there = align_within_visit(first, second).to_follow_up
        here = identity("anchor", "anchor")
        scans = (
            AlignedScan(first, here, "run-1", "T2starw"), AlignedScan(first, here, "run-1 as T1w", "T1w"),
            AlignedScan(second, there, "run-2 as T1w_ce", "T1w_ce"), AlignedScan(second, there, "run-2", "swi"),
        )  # fmt: skip
        yield HealthyCord(path.parts[-3], scans, whole)
    for name, (scan, mask, spot) in REAL_FILES.items():
        if spot is None and (REAL / scan).is_file():
            image = images.load_scan(REAL / scan)
            yield HealthyCord(name, (AlignedScan(image, identity("a", "a"), scan, "T2w"),), images.load(REAL / mask))


def described(one: HealthyCord, share: float, is_drawn: bool) -> dict[str, Described] | str:
    """Describe a lesion drawn in the middle of a healthy cord, or say why none can be drawn."""
    here = identity("a", "a")
    inside = one.whole.array > 0.5
    line = cord.line_of_cord(one.whole.with_array(inside.astype(np.float32)), here)
    areas = cord.areas_mm2(cord.stretches_of(one.whole.with_array(inside.astype(np.float32)), here, line), line)
    drawn = CordCourse(line, np.sqrt(np.where(areas > 0, areas, np.median(areas[areas > 0])) / np.pi), is_drawn=True)
    depth_mm = ndimage.distance_transform_edt(inside, sampling=one.whole.spacing_mm)
    indices = np.argwhere(depth_mm > 1.2)
    positions_mm, _ = along(drawn, to_world(one.whole.affine, indices))
    middle_mm = np.quantile(positions_mm, share)
    solid = np.zeros(inside.shape, dtype=bool)
    solid[tuple(indices[np.abs(positions_mm - middle_mm) < HALF_MM].T)] = True
    course, masks = drawn, {Compartment.CORD: one.whole.with_array(inside & ~solid)}
    if not is_drawn:
        found = find_cord(one.scans[0].image)
        if not found.is_found:
            return f"no cord found: {found.reason}"
        course, masks = CordCourse.of_points(found.points_mm[::-1], found.radius_mm[::-1]), {}
    scene = LesionScene(one.whole.with_array(solid), masks, course)
    return {str(row.finding): row for row in description_of(scene, one.scans, HERE, limit_file.packaged())}


def healthy_claims() -> dict[str, list[str]]:
    """Return what is claimed of each healthy cord, at each place and with its mask drawn or not."""
    claims: dict[str, list[str]] = {}
    for one in healthy_cords():
        for is_drawn in (True, False):
            for share in PLACES:
                rows = described(one, share, is_drawn)
                key = f"{one.name}, {'drawn' if is_drawn else 'found'}, {share:g}"
                claims[key] = [rows] if isinstance(rows, str) else claims_of(rows)
    return claims


def claims_of(rows: dict[str, Described]) -> list[str]:
    """Return the findings that say of a cord that it is not healthy, sure or unsure."""
    return [f"{name} {row.value} ({row.sureness})" for name, row in rows.items() if row.value in CLAIMS]


if __name__ == "__main__":
    for name, said in healthy_claims().items():
        print(f"{name}: {'; '.join(said) or 'nothing'}", flush=True)
