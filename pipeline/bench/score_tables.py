"""The scores of a program as tables: a line for each compartment, the worst five, what is missing, rows for a CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.bench.scoring import UNCHANGED, MaskScore, PointScore

FAR_MM = 2.0
"""A pair whose points lie further off on average is placed wrongly."""

SEEN_MM3 = 65.0
"""From this volume on something that a program drew counts as seen: less is a speck (``lesion_courses`` has it too)."""

SMALLEST_TRUE_MM3 = 100.0
"""Below this true volume a relative error says more of the voxels than of the program: counted, not averaged."""

CHANGE_LIMIT = 0.2
"""A change claimed where there is none: half of the growth that RANO 2.0 calls progression by volume (40 %)."""

WORST_COUNT = 5
FEWEST_FOR_SLOPE = 3

DRAWN, FOLLOW_UP = "with a reader's mask", "nobody drew"
"""Whether a program may have been given the mask that it is scored on."""

CSV_COLUMNS = (
    "program", "kind", "participant_id", "session_id", "compartment", "visit_is", "status", "reason", "slice_mm",
    "points", "points_missing", "mean_mm", "median_mm", "p95_mm", "worst_mm", "true_mm3", "given_mm3", "error", "dice",
    "dice_with", "true_change", "given_change", "change_from", "is_unchanged", "is_false_change",
)  # fmt: skip
"""Columns of the table of all rows, in order (``docs/bench.md`` says what each means)."""


@dataclass(frozen=True)
class ScoreTables:
    """What is shown of one program on one dataset.

    Attributes
    ----------
    alignment
        Name of a figure to its text; empty where the dataset knows no points.
    masks, changes
        One dictionary per compartment and kind of visit, column to text.
    worst
        The worst pairs and masks, a sentence each.
    missing
        What was not given, a sentence each; empty where all was.
    """

    alignment: dict[str, str]
    masks: list[dict[str, str]]
    changes: list[dict[str, str]]
    worst: list[str]
    missing: list[str]


def tables_of(points: Sequence[PointScore], masks: Sequence[MaskScore], limit: float = CHANGE_LIMIT) -> ScoreTables:
    """Sum up the scores of one program.

    Parameters
    ----------
    points, masks
        As :mod:`pipeline.bench.scoring` returns them.
    limit
        Share by which a volume that did not change may change before that counts as false.
    """
    groups = sorted({(score.compartment, score.was_drawn) for score in masks}, key=lambda one: (one[1], one[0]))
    by_group = {group: [s for s in masks if (s.compartment, s.was_drawn) == group] for group in groups}
    return ScoreTables(
        _alignment(points) if points else {},
        [{**_group_words(group), **_mask_figures(scores)} for group, scores in by_group.items()],
        [
            {**_group_words(group), **_change_figures(scores, limit)}
            for group, scores in by_group.items()
            if any(s.true_change is not None or s.was_none_first for s in scores)
        ],
        [*_worst_points(points), *_worst_masks(masks)],
        [*_missing_points(points), *_missing_masks(masks)],
    )


def is_false_change(score: MaskScore, limit: float = CHANGE_LIMIT) -> bool | None:
    """Say whether a change is claimed where there is none; None where there is one, or nothing was given."""
    if not score.is_unchanged or score.given_change is None:
        return None
    return not 1 - limit <= score.given_change <= 1 + limit


def frame_of(
    program: str, points: Sequence[PointScore], masks: Sequence[MaskScore], limit: float = CHANGE_LIMIT
) -> pd.DataFrame:
    """Return one row for each pair of visits and each compartment of each visit, columns :data:`CSV_COLUMNS`."""
    score_rows = [{"program": program, **_point_row(score)} for score in points]
    score_rows += [{"program": program, **_mask_row(score, limit)} for score in masks]
    return pd.DataFrame(score_rows, columns=list(CSV_COLUMNS))


def _point_row(score: PointScore) -> dict[str, Any]:
    errors = score.errors_mm
    figures = (errors.mean(), *np.percentile(errors, [50, 95]), errors.max()) if len(errors) else (None,) * 4
    return {
        "kind": "points",
        "participant_id": score.patient_id,
        "session_id": score.visit,
        "status": "scored" if score.missing_reason is None else "missing",
        "reason": score.missing_reason,
        "points": score.point_count,
        "points_missing": score.missing_count,
        **dict(zip(("mean_mm", "median_mm", "p95_mm", "worst_mm"), (_rounded(one, 3) for one in figures), strict=True)),
    }


def _mask_row(score: MaskScore, limit: float) -> dict[str, Any]:
    return {
        "kind": "mask",
        "participant_id": score.patient_id,
        "session_id": score.visit,
        "compartment": score.compartment,
        "visit_is": DRAWN if score.was_drawn else FOLLOW_UP,
        "status": "scored" if score.missing_reason is None else "missing",
        "reason": score.missing_reason,
        "slice_mm": _rounded(score.slice_mm, 2),
        "true_mm3": _rounded(score.true_mm3, 1),
        "given_mm3": _rounded(score.given_mm3, 1),
        "error": _rounded(score.error, 4),
        "dice": _rounded(score.dice, 4),
        "dice_with": score.dice_with,
        "true_change": _rounded(score.true_change, 4),
        "given_change": _rounded(score.given_change, 4),
        "change_from": score.change_from,
        "is_unchanged": score.is_unchanged,
        "is_false_change": is_false_change(score, limit),
    }


def _alignment(points: Sequence[PointScore]) -> dict[str, str]:
    scored = [score for score in points if score.missing_reason is None]
    figures = {"pairs": f"{len(scored)} of {len(points)}"}
    if not scored:
        return figures
    means = [float(score.errors_mm.mean()) for score in scored]
    errors = np.concatenate([score.errors_mm for score in scored])
    return figures | {
        "points missing": f"{sum(s.missing_count for s in scored)} of {sum(s.point_count for s in scored)}",
        "mean": f"{np.mean(means):.2f}",
        "median": f"{np.median(errors):.2f}",
        "95 %": f"{np.percentile(errors, 95):.2f}",
        "worst point": f"{errors.max():.2f}",
        "worst pair": f"{max(means):.2f}",
        f"pairs above {FAR_MM:g} mm": f"{sum(mean > FAR_MM for mean in means)}",
    }


def _group_words(group: tuple[str, bool]) -> dict[str, str]:
    return {"compartment": group[0], "visits": DRAWN if group[1] else FOLLOW_UP}


def _mask_figures(scores: Sequence[MaskScore]) -> dict[str, str]:
    scored = [score for score in scores if score.missing_reason is None]
    large = [s for s in scored if s.error is not None and (s.true_mm3 or 0) >= SMALLEST_TRUE_MM3]
    errors = np.array([score.error for score in large], dtype=np.float64)
    dices = [score.dice for score in scored if score.dice is not None]
    clean = [score for score in scored if score.true_mm3 == 0]
    return {
        "given": f"{len(scored)} of {len(scores)}",
        f"from {SMALLEST_TRUE_MM3:g} mm³": str(len(large)),
        "median error": _percent(np.median(np.abs(errors))) if large else "-",
        "90 %": _percent(np.percentile(np.abs(errors), 90)) if large else "-",
        "bias": f"{100 * errors.mean():+.0f} %" if large else "-",
        "Dice": f"{np.mean(dices):.2f}" if dices else "-",
        "drawn where nothing is": _of(sum((s.given_mm3 or 0) >= SEEN_MM3 for s in clean), len(clean)),
    }


def _change_figures(scores: Sequence[MaskScore], limit: float) -> dict[str, str]:
    asked = [score for score in scores if score.true_change is not None]
    changes = [score for score in asked if score.given_change is not None]
    sloped = [s for s in changes if s.true_change and s.given_change and (s.true_mm3 or 0) >= SMALLEST_TRUE_MM3]
    still = [score for score in changes if score.is_unchanged]
    sizes = [abs((score.given_change or 0.0) - 1) for score in still]
    newly = [score for score in scores if score.was_none_first and (score.true_mm3 or 0) >= SMALLEST_TRUE_MM3]
    return {
        "changes": f"{len(changes)} of {len(asked)}",
        "slope": _slope(sloped),
        "unchanged": f"{len(still)} of {sum(score.is_unchanged for score in asked)}",
        f"false above {100 * limit:g} %": _of(sum(size > limit for size in sizes), len(sizes)),
        "95 % of them below": _percent(np.percentile(sizes, 95)) if sizes else "-",
        "new ones seen": _of(sum((s.given_mm3 or 0) >= SEEN_MM3 for s in newly), len(newly)),
    }


def _slope(changes: Sequence[MaskScore]) -> str:
    """Return the slope of log given on log true change: 1 is right, 0 hides every change."""
    true = np.log(np.array([score.true_change for score in changes], dtype=np.float64))
    if len(changes) < FEWEST_FOR_SLOPE or np.ptp(true) < np.log(1 + UNCHANGED):
        return "-"
    given = np.log(np.array([score.given_change for score in changes], dtype=np.float64))
    return f"{np.polyfit(true, given, 1)[0]:.2f}"


def _worst_points(points: Sequence[PointScore]) -> list[str]:
    scored = sorted((s for s in points if s.missing_reason is None), key=lambda s: -s.errors_mm.mean())
    return [
        f"{score.patient_id} {score.visit}: points {score.errors_mm.mean():.2f} mm off, the worst "
        f"{score.errors_mm.max():.2f} mm"
        for score in scored[:WORST_COUNT]
    ]


def _worst_masks(masks: Sequence[MaskScore]) -> list[str]:
    large = [s for s in masks if s.error is not None and (s.true_mm3 or 0) >= SMALLEST_TRUE_MM3]
    return [
        f"{score.patient_id} {score.visit} {score.compartment}: {score.given_mm3:.0f} mm³ for {score.true_mm3:.0f} "
        f"({100 * (score.error or 0.0):+.0f} %)"
        for score in sorted(large, key=_badness)[:WORST_COUNT]
    ]


def _badness(score: MaskScore) -> float:
    """Order by ratio, so that half as large is as bad as twice as large; nothing at all is worst."""
    ratio = 1 + (score.error or 0.0)
    return -abs(float(np.log(ratio))) if ratio > 0 else -np.inf


def _missing_points(points: Sequence[PointScore]) -> list[str]:
    return _by_reason((s.missing_reason, f"{s.patient_id} {s.visit}", "points") for s in points)


def _missing_masks(masks: Sequence[MaskScore]) -> list[str]:
    return _by_reason((s.missing_reason, f"{s.patient_id} {s.visit}", s.compartment) for s in masks)


def _by_reason(reasons: Iterable[tuple[str | None, str, str]]) -> list[str]:
    """Return a sentence for each reason and what is missing for it: at which visits."""
    named: dict[tuple[str, str], list[str]] = {}
    for reason, visit, what in reasons:
        if reason is not None:
            named.setdefault((reason, what), []).append(visit)
    return [f"{what} of {len(v)}: {reason}: {', '.join(v)}" for (reason, what), v in named.items()]


def _percent(share: float | np.floating) -> str:
    return f"{100 * float(share):.0f} %"


def _of(count: int, total: int) -> str:
    return f"{count} of {total}" if total else "-"


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(float(number), digits)
