"""What a self-test found, in one sentence, one table of rows and one summary."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.selftest.detection import Performance, Way
from pipeline.selftest.pairs import Measured

SPOKEN_ML = 0.5
"""The sentence is about the first volume nearest to this."""

WORDS = {Way.GIVEN: "both visits outlined", Way.FOUND: "mask found again"}
SYNTHETIC = "Synthetic: lesions of known volume implanted in one scan"


def sentence(where: str, summary: Sequence[Performance]) -> str:
    """Say in plain words how much a tumour must grow to be seen to grow on such scans."""
    spoken = min((one.volume_ml for one in summary), key=lambda volume: abs(volume - SPOKEN_ML))
    parts = []
    for one in (one for one in summary if one.volume_ml == spoken):
        who = "finds its mask again" if one.way == Way.FOUND else "is given a perfect outline of both visits"
        missed = f", and {one.failed} of {one.pairs} pairs gave no answer" if one.failed else ""
        if one.found_from_percent is None:
            need = f"it cannot be said how much it must grow ({one.limit_note})"
        else:
            need = f"it must grow by about {one.found_from_percent:.0f} %"
        off = "" if one.bias_percent is None else f", with changes off by {_signed(one.bias_percent)} on average"
        parts.append(f"{need} where cordtrack {who}{off}{missed}")
    return (
        f"On scans like {where}, for growth of a {spoken:g} mL tumour to be told from measurement error in four of "
        f"five scans, {'; '.join(parts)} (synthetic implants)."
    )


def table(summary: Sequence[Performance]) -> list[dict[str, str]]:
    """Return the rows of the table that is printed, in words."""
    return [
        {
            "masks": WORDS[one.way],
            "mL": f"{one.volume_ml:g}",
            "bias": _signed(one.bias_percent),
            "spread": "-" if one.spread_percent is None else f"{one.spread_percent:.0f} %",
            "slope": "-" if one.slope is None else f"{one.slope:.2f}",
            "95 % hold": f"{one.changes_held} of {one.pairs - one.failed}",
            "false": f"{one.false_changes} of {one.unchanged}",
            f"told {'/'.join(f'{growth:+.0f}' for growth in one.told)} %": " ".join(
                f"{right}/{pairs}" for right, pairs in one.told.values()
            ),
            "stated": _signed(one.stated_limit_percent),
            "found from": _signed(one.found_from_percent) if one.limit_note is None else one.limit_note,
            "no answer": f"{one.failed} of {one.pairs}",
        }
        for one in summary
    ]


def write_rows(measured: Sequence[Measured], path: Path) -> None:
    """Write one row per implanted pair; empty means missing, and a column beside it says why."""
    lines = [_row(row) for row in measured]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def write_summary(summary: dict[str, Any], by_volume: Sequence[Performance], path: Path) -> None:
    """Write the settings, versions and what came out, as JSON."""
    whole = {"synthetic": SYNTHETIC, **summary, "performance": [asdict(one) for one in by_volume]}
    path.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _row(row: Measured) -> dict[str, Any]:
    result: dict[str, Any] = {
        "pair": row.plan.number,
        "data": "synthetic implant",
        "volume_ml": row.plan.volume_ml,
        "growth_percent": row.plan.growth_percent,
        "has_cyst": row.has_cyst,
        "true_first_mm3": round(row.first_true_mm3, 2),
        "true_later_mm3": round(row.later_true_mm3, 2),
        "grade": row.grade,
        "grade_reasons": row.grade_reasons,
        "method": row.method,
    }
    for name, one in (("given_first", row.first), ("given_later", row.given), ("found_later", row.found)):
        result[f"{name}_mm3"] = None if one.volume_mm3 is None else round(one.volume_mm3, 2)
        result[f"{name}_cv"] = None if one.cv is None else round(one.cv, 4)
    for way in Way:
        pair = row.read(way)
        result[f"{way}_change_ratio"] = round(pair.ratio, 4) if pair.is_assessable else None
        result[f"{way}_limit_ratio"] = round(pair.limit_ratio, 4) if pair.is_assessable else None
        result[f"{way}_told"] = str(pair.told)
        result[f"{way}_missing_reason"] = pair.missing_reason
    return result


def _signed(percent: float | None) -> str:
    return "-" if percent is None else f"{round(percent) or 0:+d} %"  # never -0
