"""Which sequences of the compared visits can be shown, and the panes of those that were chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from dashboard.data import queries, scan_files
from dashboard.viewer import Pane, pane_of
from dashboard.viewer.colours import COMPARTMENT_COLOURS
from dashboard.viewer.opening import Place
from dashboard.viewer.own_grids import OwnScan, own_panes
from dashboard.words import labels
from dashboard.words.table_rows import as_rows

MOST_PANES = 4

Row = Mapping[Any, Any]


@dataclass(frozen=True)
class Shown:
    """One scan to show: the row of the query ``patient_scans``, the visit's aligned scan, and the sequence's name."""

    scan: Row
    anchor: Row
    sequence: str


def sequences(patient_id: str, sessions: Sequence[str]) -> dict[str, dict[str, Shown]]:
    """Return what can be shown of some visits, by sequence and session; the aligned scans' own sequences first.

    A sequence is a contrast, told apart by plane or part of the spine where the patient has several. Left out is
    what cannot be read or was never laid on its visit's aligned scan.
    """
    scans = queries.query("patient_scans", patient_id=patient_id)
    scans = scans[scans["unreadable_reason"].isna()]
    planes = scans.groupby("contrast")["plane"].nunique()
    offered: dict[str, dict[str, Shown]] = {}
    here = scans[scans["session_id"].isin(sessions)].sort_values("is_anchor", ascending=False, kind="stable")
    anchors = {row["session_id"]: row for row in here[here["is_anchor"]].pipe(as_rows)}
    for row in here.pipe(as_rows):
        anchor = anchors.get(row["session_id"])
        if anchor is None or not (row["is_anchor"] or labels.is_known(row["transform_path"])):
            continue
        name = _named(row, has_planes=planes[row["contrast"]] > 1)
        offered.setdefault(name, {}).setdefault(str(row["session_id"]), Shown(row, anchor, name))
    return offered


def aligned_sequences(offered: Mapping[str, Mapping[str, Shown]]) -> list[str]:
    """Return the sequences of the scans that the visits were aligned by: what is shown unless somebody chooses."""
    return [name for name, by_visit in offered.items() if any(shown.scan["is_anchor"] for shown in by_visit.values())]


def chosen_scans(
    offered: Mapping[str, Mapping[str, Shown]], sessions: Sequence[str], names: Sequence[str]
) -> tuple[list[Shown], list[str]]:
    """Return the scans to show, visit by visit, and in words what was asked for and is not shown."""
    asked = [(session, name) for session in sessions for name in names]
    there = [offered[name][session] for session, name in asked if session in offered[name]]
    remarks = [
        f"{labels.day(_date(offered, session))} has no {name}"
        for session, name in asked
        if session not in offered[name]
    ]
    if len(there) > MOST_PANES:
        remarks.append(f"the first {MOST_PANES} of {len(there)} scans are shown")
    return there[:MOST_PANES], remarks


def reference_panes(shown: Sequence[Shown], visits: Mapping[str, Row]) -> list[Pane]:
    """Return scans on the patient's reference grid.

    Raises
    ------
    InputError, StoreError
        A file is missing or damaged.
    """
    panes = [replace(_on_reference(item, visits), sequence=item.sequence) for item in shown]
    return [_with_excluded(pane, item) for pane, item in zip(panes, shown, strict=True)]


def own_grid_panes(
    shown: Sequence[Shown], visits: Mapping[str, Row], margin_mm: float | None, places: Sequence[Place] = ()
) -> list[Pane]:
    """Return scans in their own grids, linked.

    Raises
    ------
    InputError, StoreError
        A file is missing or damaged.
    """
    scans = []
    for item in shown:
        there, back = scan_files.ways(item.scan, item.anchor)
        scan = scan_files.study_scan(str(item.scan["path"]))
        about = str(item.anchor["patient_id"]), str(item.anchor["session_id"])
        masks = scan_files.own_masks(item.scan, item.anchor, left_out(*about)[0])
        scans.append(OwnScan(_titled(item, visits), item.sequence, scan, masks, back, there))
    first = next(iter(visits.values()))
    reference = queries.aligned_scan(first["patient_id"], first["session_id"])
    assert reference is not None, "only visits with an aligned scan are offered"
    panes = own_panes(scans, queries.image(reference), margin_mm, places)
    return [_with_excluded(pane, item) for pane, item in zip(panes, shown, strict=True)]


def excluded_compartments(patient_id: str, session_id: str) -> list[str]:
    """Return the compartments of a visit that a person took out of use."""
    volumes = queries.query("patient_measurements", patient_id=patient_id)
    return list(volumes.loc[(volumes["session_id"] == session_id) & volumes["is_excluded"].astype(bool), "compartment"])


def uncounted_compartments(patient_id: str, session_id: str) -> dict[str, str]:
    """Return the compartments with a mask that has no size, though nobody excluded it, and why.

    Such are copies of another visit's, and masks of which readers do not agree.
    """
    volumes = queries.query("patient_measurements", patient_id=patient_id)
    masks = queries.query("patient_masks", patient_id=patient_id)
    drawn = set(masks.loc[(masks["session_id"] == session_id) & masks["is_primary"].astype(bool), "compartment"])
    is_without = (volumes["session_id"] == session_id) & volumes["volume_mm3"].isna()
    here = volumes[is_without & ~volumes["is_excluded"].astype(bool)]
    return {row["compartment"]: str(row["missing_reason"]) for row in as_rows(here) if row["compartment"] in drawn}


def left_out(patient_id: str, session_id: str) -> tuple[list[str], list[str]]:
    """Return the compartments whose outlines a picture of a visit leaves out, and what is to be said of that."""
    excluded, uncounted = excluded_compartments(patient_id, session_id), uncounted_compartments(patient_id, session_id)
    names, others = (", ".join(labels.compartment(one).word for one in given) for given in (excluded, uncounted))
    remarks = [f"not drawn, since excluded: {names}"] if excluded else []
    remarks += [f"not drawn, since it does not count: {others}"] if uncounted else []
    return [*excluded, *uncounted], remarks


def _with_excluded(pane: Pane, item: Shown) -> Pane:
    """Mark the masks that do not count, excluded by a person or not, in the picture and in its title."""
    about = str(item.anchor["patient_id"]), str(item.anchor["session_id"])
    names_by_word = {"excluded": excluded_compartments(*about), "not counted": [*uncounted_compartments(*about)]}
    numbers = {name: value for value, (name, _) in COMPARTMENT_COLOURS.items()}
    for word, names in names_by_word.items():
        if names:
            words = ", ".join(labels.compartment(name).word for name in names)
            marked = pane.excluded | {numbers[name] for name in names}
            pane = replace(pane, title=f"{pane.title} · {word}: {words}", excluded=marked)
    return pane


def pane_of_visit(visit: Row, title: str) -> Pane:
    """Return the aligned scan of a visit with its masks.

    Raises
    ------
    InputError
        One of the two cannot be read.
    """
    names = visit["patient_id"], visit["session_id"]
    scan, mask = queries.aligned_scan(*names), queries.display_mask(*names)
    assert scan is not None, "only visits with an aligned scan are offered"
    return pane_of(title, queries.image(scan), queries.image(mask) if mask.is_file() else None)


def _on_reference(item: Shown, visits: Mapping[str, Row]) -> Pane:
    visit, title = visits[item.anchor["session_id"]], _titled(item, visits)
    if item.scan["is_anchor"]:
        return pane_of_visit(visit, title)
    names = visit["patient_id"], visit["session_id"]
    grid, mask = queries.aligned_scan(*names), queries.display_mask(*names)
    assert grid is not None, "only visits with an aligned scan are offered"
    scan = scan_files.on_reference(item.scan, item.anchor, grid)
    return pane_of(title, scan, queries.image(mask) if mask.is_file() else None)


def _titled(item: Shown, visits: Mapping[str, Row]) -> str:
    visit = visits[item.anchor["session_id"]]
    grade = "reference" if visit["is_reference"] else labels.ALIGNMENTS[visit["certificate_grade"]]
    laid = "" if item.scan["is_anchor"] or item.scan["grade"] != "C" else "; laid on its visit's scan poorly (C)"
    return f"{labels.day(visit['acquired_on'])} · {item.sequence} · {grade}{laid}"


def _named(row: Row, *, has_planes: bool) -> str:
    words = [labels.sequence(row["contrast"]), str(row["plane"]) if has_planes else ""]
    if labels.is_known(row["chunk"]):
        words.append(f"part {row['chunk']}")
    return " ".join(word for word in words if word)


def _date(offered: Mapping[str, Mapping[str, Shown]], session: str) -> pd.Timestamp | None:
    return next((by_visit[session].scan["acquired_on"] for by_visit in offered.values() if session in by_visit), None)
