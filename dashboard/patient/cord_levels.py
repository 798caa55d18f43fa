"""The cord's section by vertebral level at each visit, beside healthy people's and the person's own first one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dashboard.words import labels
from dashboard.words.markup import Html, join, table, tag
from pipeline.measure import cord_area
from pipeline.measure.cord_area import SectionChange, SectionWord
from pipeline.measure.vertebral_levels import Levels, vertebra

DAYS_A_YEAR = 365.25
NOTE = (
    "Mean section of the cord with all that lies in it, by level; healthy: median and middle 95\u202f% of 261 people "
    "down to T3, of 58 below; in brackets deviations from that median. Below 3 it is no more than perhaps unusual: who "
    "drew the cord and how counts, too. Of changes healthy ageing (0.4\u202f% a year) is taken out. "
)
NO_LEVELS = (
    "Without labelled discs the sections cannot be held against healthy people's; places are mm along the line. "
)
OTHER_PROTOCOL = "Scanner or protocol differ, or nobody knows: no change is more than perhaps one. "


@dataclass(frozen=True)
class VisitSections:
    """The mean sections of one visit, mm², by number of the vertebra or place."""

    session_id: str
    acquired_on: pd.Timestamp
    areas_mm2: Mapping[int, float]


@dataclass(frozen=True)
class CordLevels:
    """The sections of all visits in time order, the places from head to foot, and what they changed by.

    Attributes
    ----------
    has_levels
        The places are vertebrae; else stretches along the line.
    changes
        From the first visit to the latest, by place.
    is_same_protocol
        Scanner and protocol of these two are known to be the same.
    """

    visits: list[VisitSections]
    places: list[int]
    has_levels: bool
    changes: Mapping[int, SectionChange]
    is_same_protocol: bool


def cord_levels(areas: pd.DataFrame, discs: pd.DataFrame, protocol: pd.DataFrame) -> CordLevels | None:
    """Sum the cord's profile up by level; None where no visit has a mask of the cord over a whole one.

    Parameters
    ----------
    areas, discs, protocol
        Rows of the patient_cord_profile, patient_discs and patient_protocol queries.
    """
    cord = areas[areas["compartment"] == "cord"]
    ranges = _levels(discs)
    has_levels = bool(ranges)
    if not ranges:
        ranges = cord_area.stretch_places(cord["position_mm"].to_numpy(dtype=np.float64))
    visits = []
    for (day, session), part in cord.groupby(["acquired_on", "session_id"], sort=True):
        position_mm, area_mm2 = (part[name].to_numpy(dtype=np.float64) for name in ("position_mm", "area_mm2"))
        of_visit = cord_area.mean_areas(position_mm, area_mm2, ranges)
        if of_visit:
            visits.append(VisitSections(str(session), pd.Timestamp(str(day)), of_visit))
    if not visits:
        return None
    first, latest = visits[0], visits[-1]
    years = (latest.acquired_on - first.acquired_on).days / DAYS_A_YEAR
    is_same = _is_same_protocol(protocol, first.session_id, latest.session_id)
    changed = cord_area.changes(first.areas_mm2, latest.areas_mm2, years, is_same_protocol=is_same)
    places = sorted({n for visit in visits for n in visit.areas_mm2}, reverse=not has_levels)
    return CordLevels(visits, places, has_levels, changed if len(visits) > 1 else {}, is_same)


def shown(sections: CordLevels) -> Html:
    """Return the table: a row for each level, head first, a column for each visit, and the change since the first."""
    header = ["mm²", *(labels.day(visit.acquired_on) for visit in sections.visits)]
    if sections.has_levels:
        header.insert(1, "healthy")
    if sections.changes:
        header.append("change")
    level_rows = []
    for number in sections.places:
        cells = [_section(visit.areas_mm2.get(number), number) for visit in sections.visits]
        band = [_band(number)] if sections.has_levels else []
        change = [_change(sections.changes.get(number))] if sections.changes else []
        level_rows.append((_name(number, sections), *band, *cells, *change))
    return table(header, level_rows, "ct-table")


def remark_of(sections: CordLevels) -> str:
    """Say what the numbers are and what they cannot tell."""
    doubt = OTHER_PROTOCOL if sections.changes and not sections.is_same_protocol else ""
    return NOTE + ("" if sections.has_levels else NO_LEVELS) + doubt


def _levels(discs: pd.DataFrame) -> dict[int, tuple[float, float]]:
    return cord_area.level_places(
        Levels({int(n): float(at) for n, at in discs[["number", "position_mm"]].itertuples(index=False)})
    )


def _is_same_protocol(protocol: pd.DataFrame, first: str, latest: str) -> bool:
    """Say whether scanner and protocol of two visits are known to be the same; not where they were not compared."""
    pair = protocol[(protocol["session_id"] == latest) & (protocol["compared_session_id"] == first)]
    return bool(len(pair)) and bool((pair[["scanner", "protocol"]] == "same").all(axis=None))


def _name(number: int, sections: CordLevels) -> str:
    if sections.has_levels:
        return vertebra(number)
    low = number * cord_area.STRETCH_MM
    return f"{low:.0f} to {low + cord_area.STRETCH_MM:.0f} mm".replace("-", "−")


def _band(number: int) -> str:
    if number not in cord_area.NORMAL_MM2:
        return "–"
    low, median, high = cord_area.NORMAL_MM2[number]
    return f"{median:.0f} ({low:.0f} to {high:.0f})"


def _section(area_mm2: float | None, number: int) -> str | Html:
    if area_mm2 is None:
        return tag("span", "–", class_="ct-grey", title="scan or cord mask do not cover the whole of it")
    z = cord_area.z_of(number, area_mm2)
    if z is None:
        return f"{area_mm2:.0f}"
    word = cord_area.word_of(z)
    figures = f"{area_mm2:.0f} ({z:+.1f})".replace("-", "−")
    return figures if word == SectionWord.WITHIN else _under(figures, tag("b", str(word)))


def _change(change: Any) -> str | Html:
    if change is None:
        return "–"
    low, high = (labels.percent(100 * limit) for limit in change.limits)
    figures = tag("span", labels.percent(100 * change.change), title=f"error alone explains {low} to {high}")
    return _under(figures, str(change.word))


def _under(figures: str, words: str) -> Html:
    """Put words on a line of their own, so that a column is no wider than it must be."""
    return join([figures, Html("<br>"), tag("span", words, class_="ct-small")])
