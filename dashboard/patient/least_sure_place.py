"""Where the tumour mask of a visit is least sure, in the reference space: the slice that a review opens at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dashboard.data import queries, scan_files
from dashboard.viewer.colours import COMPARTMENT_COLOURS
from dashboard.viewer.opening import Place
from dashboard.viewer.spots import spot_of
from pipeline.core.transform import move_points
from pipeline.draft.least_sure import least_sure, most_divided
from pipeline.errors import CordtrackError
from pipeline.journal.decisions import TUMOUR

NUMBER = next(number for number, (name, _) in COMPARTMENT_COLOURS.items() if name == TUMOUR)
RADIUS_MM3 = 100.0


@dataclass(frozen=True)
class LeastSure:
    """A place in mm along the axes of the reference grid, and in words."""

    place: Place
    words: str


def least_sure_place(patient_id: str, session_id: str) -> LeastSure | None:
    """Return where a visit's tumour mask is least sure; None where nothing says so or its files are not there.

    A mask found in several ways says it by its shares; of any other the edge is looked at, on the reference grid.
    """
    file, mask_file = queries.aligned_scan(patient_id, session_id), queries.display_mask(patient_id, session_id)
    if file is None or not mask_file.is_file():
        return None
    point_mm, why = None, "the ways of finding it differ most"
    automatic = scan_files.automatic_share(patient_id, session_id, TUMOUR)
    try:
        if automatic is not None:
            there = most_divided(automatic[0])
            point_mm = None if there is None else move_points(automatic[1], np.array([there]))[0]
        if point_mm is None:
            mask, why = queries.image(mask_file), "its edge is seen least"
            point_mm = least_sure(queries.image(file), mask.with_array(np.rint(mask.array) == NUMBER))
    except CordtrackError:
        return None
    if point_mm is None:
        return None
    spot = spot_of(queries.image(file), [float(at) for at in point_mm], RADIUS_MM3, why)
    letters = zip(("RL", "AP", "SI"), spot.place, strict=True)
    return LeastSure(spot.place, f"{why}, {' '.join(f'{pair[at < 0]} {abs(at):.0f}' for pair, at in letters)} mm")
