"""Where the cord is known: scans with a mask of it, and visits of implanted series with points in it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.core.volume import to_world
from pipeline.files import images
from tests.places import REALCORD, ROOT, SHARED

PHANTOM = ROOT / "pipeline" / "selftest" / "phantom"
LANDMARK_BIN_MM, LEAST_LANDMARKS = 6.0, 5
"""Points of a series are averaged over so much height, mm, where at least so many lie: their mean is near the middle,
not on it."""


@dataclass(frozen=True, eq=False)
class KnownCord:
    """A scan and the middle of its cord, shape ``(N, 3)``, RAS+ mm, from foot to head; None where nobody marked it.

    ``is_first_scan`` is False for a rescan whose cord is the mask of the first scan: the person may have moved.
    """

    name: str
    scan: Path
    centres_mm: NDArray[np.float64] | None
    is_first_scan: bool = True


def densified(centres_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a line's points with five more between each two."""
    return np.concatenate([np.linspace(a, b, 6) for a, b in pairwise(centres_mm)])


def centres_of(mask_path: Path) -> NDArray[np.float64]:
    """Return the middles of a cord mask at every height that it fills, RAS+ mm."""
    mask = images.load(mask_path)
    places_mm = to_world(mask.affine, np.argwhere(mask.array >= 0.5))
    height_mm = max(2.0, float(np.abs(mask.affine[2, :3]).max()))
    level = np.rint(places_mm[:, 2] / height_mm).astype(int)
    counts = np.bincount(level - level.min())
    full = 0.35 * np.median(counts[counts > 0])
    return np.array([places_mm[level == n].mean(axis=0) for n in np.unique(level) if (level == n).sum() > full])


def known_cords() -> list[KnownCord]:
    """Return the scans whose cord somebody marked, the rescans, and the packaged phantom."""
    scans, real = REALCORD / "scans", SHARED / "real"
    cords = [KnownCord("phantom", PHANTOM / "synthetic_T2w.nii.gz", centres_of(PHANTOM / "synthetic_cord.nii.gz"))]
    marked = {
        "cervical t2": ("t2_fake_lesion.nii.gz", "t2_fake_lesion_sc_seg.nii.gz"),
        "cervical t1w": ("t1w.nii.gz", "t1w_seg-manual.nii.gz"),
        "bentjunction t2": ("bentjunction/t2.nii.gz", "bentjunction/cord.nii.gz"),
        "lowcervical t2": ("lowcervical/t2.nii.gz", "lowcervical/cord.nii.gz"),
    }
    cords += [
        KnownCord(name, scans / scan, centres_of(scans / mask))
        for name, (scan, mask) in marked.items()
        if (scans / scan).is_file()
    ]
    labels = real / "gm-challenge" / "derivatives" / "labels"
    for path in sorted((real / "gm-challenge").glob("sub-*/anat/*_T2starw.nii.gz")):
        person, run = path.name.split("_")[:2]
        mask = labels / person / "anat" / f"{person}_run-1_T2starw_seg-manual.nii.gz"
        cords.append(KnownCord(f"t2star {person[4:]} {run}", path, centres_of(mask), run == "run-1"))
    return cords


def unmarked_scans() -> list[KnownCord]:
    """Return the scans whose cord nobody marked: to be looked at."""
    paths = sorted((SHARED / "real" / "contrasts").glob("*.nii.gz"))
    return [KnownCord(path.name.removesuffix(".nii.gz"), path, None) for path in paths]


def visits_with_cords(patients: str = "12345", sessions: str = "1234") -> list[KnownCord]:
    """Return visits of the implanted series, of patients and sessions that end with one of some digits."""
    cords = []
    for folder in sorted(path for path in REALCORD.glob("*") if (path / "truth" / "landmarks.tsv").is_file()):
        marks = pd.read_csv(folder / "truth" / "landmarks.tsv", sep="\t").query("inside == 1")
        for (patient, session), rows in marks.groupby(["participant_id", "session_id"]):
            if str(patient)[-1] not in patients or str(session)[-1] not in sessions:
                continue
            points_mm = rows[["x", "y", "z"]].to_numpy()
            level = np.rint(points_mm[:, 2] / LANDMARK_BIN_MM).astype(int)
            middles = [
                points_mm[level == n].mean(axis=0) for n in np.unique(level) if (level == n).sum() >= LEAST_LANDMARKS
            ]
            scan = folder / "bids" / str(patient) / str(session) / "anat" / f"{patient}_{session}_T2w.nii.gz"
            cords.append(KnownCord(f"{folder.name} {patient} {session}", scan, np.array(middles)))
    return cords
