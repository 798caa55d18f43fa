"""Putting acts of people on record: held against the results they speak of, then written into the journal.

What this module refuses: an act about a patient, visit, mask or lesion that the results do not have, an acceptance of
a mask that has changed since it was shown, and an empty mask that nobody calls empty. The next run lets them take
effect.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.core.records import JournalEntry
from pipeline.errors import InputError, SettingsError
from pipeline.files import fingerprints
from pipeline.journal import act_file, decisions, drawn_masks
from pipeline.journal.decisions import ABOUT_LESIONS, ABOUT_MASKS, TUMOUR, Act, ActKind
from pipeline.journal.lesion_acts import NameAnswer
from pipeline.store import reader
from pipeline.study.first_given import scan_digest

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.journal.drawing import DrawingFit, Target

NOTHING_THERE = "nothing there: "
"""How the reason of an empty mask begins: it is a statement of volume 0."""

LESION = re.compile(r"L[1-9]\d*")
"""What a lesion may be called."""


@dataclass(frozen=True)
class Signature:
    """Who says something, why, and when (UTC without a time zone); ``identity`` is that of a verified sign-in."""

    who: str
    reason: str
    at: datetime
    identity: str = ""


def measured_masks(out_dir: Path, patient_id: str, session_id: str) -> dict[str, str]:
    """Return the masks that are measured at a visit now: compartment to digest of the file.

    Raises
    ------
    SettingsError
        The results have no such visit.
    StoreError
        There are no results yet.
    """
    with reader.Reader(reader.database_path(out_dir)) as published:
        visits, masks = (published.query(name, patient_id=patient_id) for name in ("patient_visits", "patient_masks"))
    _check_visit(visits, patient_id, session_id)
    here = masks[(masks["session_id"] == session_id) & masks["is_primary"]]
    return dict(zip(here["compartment"], here["sha256"], strict=True))


def about_masks(
    kind: ActKind,
    patient_id: str,
    session_id: str,
    masks: Mapping[str, str],
    reason: str | None = None,
) -> tuple[Act, ...]:
    """Return one act for each mask: compartment to the digest that the person saw."""
    return tuple(
        Act(kind, patient_id, session_id, compartment, digest, reason=reason) for compartment, digest in masks.items()
    )


def bound(act: Act, lesions: pd.DataFrame) -> Act:
    """Return an act about a lesion bound to the piece that the person saw: its digest and place in its own scan.

    A lesion of a table is bound to the digest of its row; it has no place.

    Parameters
    ----------
    lesions
        Rows of the patient_lesions query as they were shown. Of a lesion in several pieces the largest is bound.

    Returns
    -------
    Act
        Unchanged where the lesion has no piece at that visit, or the act is bound already.
    """
    if act.kind not in ABOUT_LESIONS or act.lesion_id is None or act.component_sha256 is not None:
        return act
    here = lesions[(lesions["session_id"] == act.session_id) & (lesions["lesion_id"] == act.lesion_id)]
    here = here[here["component_sha256"].notna()]
    if here.empty:
        return act
    piece = here.sort_values("volume_mm3", ascending=False, kind="stable").iloc[0]
    at_mm = [piece[f"scan_{axis}_mm"] for axis in "xyz"]
    place = None if any(map(math.isnan, at_mm)) else " ".join(f"{value:.1f}" for value in at_mm)
    return replace(act, component_sha256=str(piece["component_sha256"]), component_at_mm=place)


def correct_mask(
    out_dir: Path, target: Target, fit: DrawingFit, signed: Signature, *, nothing_there: bool = False
) -> tuple[JournalEntry, ...]:
    """Keep a mask that a person drew and put on record that it is measured from now on.

    Parameters
    ----------
    target, fit
        From ``drawing.target_of`` and ``drawing.held_against``.
    nothing_there
        The person says that the compartment is not there: needed for an empty mask, refused for any other.

    Raises
    ------
    SettingsError
        It says too little, an empty mask is not called empty, or the scan has changed since the run; nothing was
        written.
    StoreError
        The mask or the journal cannot be written.
    """
    if fit.is_empty != nothing_there:
        contradiction = (
            "nothing is drawn; say that nothing is there, or draw it" if fit.is_empty else "something is drawn here"
        )
        raise SettingsError(f"{target.where}, {target.compartment}: {contradiction}")
    if not target.scan.is_file() or fingerprints.of_file(target.scan) != target.scan_sha256:
        raise SettingsError(f"{target.where}: the scan has changed since the last run; run again and look at it anew")
    why = signed.reason.strip()
    act = Act(
        kind=ActKind.CORRECT_MASK,
        patient_id=target.patient_id,
        session_id=target.session_id,
        compartment=str(target.compartment),
        mask_sha256="not kept yet",
        scan_sha256=target.scan_sha256,
        replaces_sha256=target.measured_sha256,
        reason=f"{NOTHING_THERE if nothing_there else ''}{why}" if why else None,
        drawn_how=fit.drawn_how,
    )
    decisions.check(act, signed.who, ())
    act_with_mask = replace(act, mask_sha256=drawn_masks.keep(out_dir, fit.mask))
    return put_on_record(out_dir, [act_with_mask], signed.who, signed.at, signed.identity)


def put_on_record(
    out_dir: Path, acts: Sequence[Act], who: str, at: datetime, identity: str = ""
) -> tuple[JournalEntry, ...]:
    """Write acts into the journal after holding them against the published results; all or none.

    Parameters
    ----------
    at
        Now, UTC without a time zone.
    identity
        Issuer and subject of the person's sign-in; empty where names are typed.

    Raises
    ------
    SettingsError
        An act says too little, or speaks of what the results do not have.
    StoreError
        There are no results yet, or the journal cannot be written.
    """
    if not acts:
        raise SettingsError("expected at least one act, found none: this visit has no mask")
    for act in acts:
        if act.kind != ActKind.UNDO:
            _check(out_dir, act)
    return act_file.append(out_dir, [_bound_now(out_dir, act) for act in acts], who, at, identity)


def _bound_now(out_dir: Path, act: Act) -> Act:
    """Bind an act to the scan of a table, and one about a lesion that says of no piece which it means to the piece."""
    database = reader.database_path(out_dir)
    if act.session_id is not None and act.scan_sha256 is None and act.kind != ActKind.UNDO:
        visits = reader.query(database, "patient_visits", patient_id=act.patient_id)
        act = replace(act, scan_sha256=_table_scan(visits[visits["session_id"] == act.session_id].iloc[0]))
    if act.kind not in ABOUT_LESIONS:
        return act
    return bound(act, reader.query(database, "patient_lesions", patient_id=act.patient_id))


def _table_scan(visit: pd.Series[Any]) -> str | None:
    """Return what an act on a visit without images is bound to; None where there are images, or no time is known."""
    clock = visit["acquired_at"]
    if visit["scan_count"] or not isinstance(clock, str):
        return None
    return scan_digest(f"{visit['acquired_on']:%Y-%m-%d}", time.fromisoformat(clock))


def _check(out_dir: Path, act: Act) -> None:
    database = reader.database_path(out_dir)
    visits = reader.query(database, "patient_visits", patient_id=act.patient_id)
    _check_visit(visits, act.patient_id, act.session_id)
    if act.session_id is not None and act.mask_sha256 is not None:
        _check_mask(out_dir, act)
    if act.kind in (*ABOUT_LESIONS, ActKind.COMMENT) and act.lesion_id is not None:
        _check_lesion(reader.query(database, "patient_lesions", patient_id=act.patient_id), act)
    if act.kind == ActKind.CORRECT_FINDING:
        _check_described(reader.query(database, "patient_description", patient_id=act.patient_id), act)


def _check_described(description: pd.DataFrame, act: Act) -> None:
    """Refuse a correction of a lesion that was not described at that visit."""
    here = sorted(set(description.loc[description["session_id"] == act.session_id, "lesion_id"]))
    if act.lesion_id not in here:
        where = f"{act.patient_id} {act.session_id}"
        raise SettingsError(
            f"{where}: expected one of its described lesions {', '.join(here) or '(none)'}, found {act.lesion_id}"
        )


def _check_mask(out_dir: Path, act: Act) -> None:
    if act.kind == ActKind.CORRECT_MASK:
        _check_drawing(out_dir, act)
        return
    where = f"{act.patient_id} {act.session_id}"
    now = measured_masks(out_dir, act.patient_id, str(act.session_id))
    compartment = act.compartment or TUMOUR
    if compartment not in now:
        raise SettingsError(f"{where}: expected one of its masks {', '.join(now) or '(none)'}, found {compartment}")
    if act.kind in (*ABOUT_MASKS, ActKind.CORRECT_LESION) and now[compartment] != act.mask_sha256:
        raise SettingsError(f"{where}: the {compartment} mask has changed since it was shown; look at it again")


def _check_drawing(out_dir: Path, act: Act) -> None:
    try:
        drawn_masks.read(out_dir, str(act.mask_sha256))
    except InputError as error:
        raise SettingsError(f"{act.patient_id} {act.session_id}: {error}; keep the mask first") from error


def _check_visit(visits: pd.DataFrame, patient_id: str, session_id: str | None) -> None:
    if visits.empty:
        raise SettingsError(f"{patient_id}: expected a patient of these results, found none of this name")
    names = list(visits["session_id"])
    if session_id is not None and session_id not in names:
        raise SettingsError(f"{patient_id}: expected one of the visits {', '.join(names)}, found {session_id}")


def _check_lesion(lesions: pd.DataFrame, act: Act) -> None:
    here = sorted(set(lesions[lesions["session_id"] == act.session_id]["lesion_id"]))
    if act.lesion_id not in here:
        where = f"{act.patient_id} {act.session_id}"
        raise SettingsError(
            f"{where}: expected one of its lesions {', '.join(here) or '(none)'}, found {act.lesion_id}"
        )
    pieces = lesions.loc[lesions["session_id"] == act.session_id, "component_sha256"]
    if act.component_sha256 is not None and act.component_sha256 not in set(pieces.dropna()):
        where = f"{act.patient_id} {act.session_id}"
        raise SettingsError(f"{where}: lesion {act.lesion_id} has changed since it was shown; look at it again")
    if act.kind == ActKind.NAME_LESIONS:
        _check_names(lesions, act, here)
    if act.kind == ActKind.CORRECT_LESION and not LESION.fullmatch(act.same_as or ""):
        raise SettingsError(f"expected a lesion such as L1, found {act.same_as}")


def _check_names(lesions: pd.DataFrame, act: Act, here: Sequence[str]) -> None:
    """Refuse an answer about names of a table that fits no two lesions of it at that visit."""
    where = f"{act.patient_id} {act.session_id}"
    of_visit = lesions[(lesions["session_id"] == act.session_id) & (lesions["lesion_id"] == act.lesion_id)]
    if of_visit["component_sha256"].isna().all() or of_visit["scan_x_mm"].notna().any():
        raise SettingsError(
            f"{where}: expected a lesion that a table tells apart, found {act.lesion_id} of a scan; use correct_lesion"
        )
    if act.corrected_to == NameAnswer.ANOTHER:
        if act.same_as in set(lesions["lesion_id"]):
            raise SettingsError(f"{where}: expected a name that no lesion bears, found {act.same_as}; choose another")
    elif act.same_as not in here:
        raise SettingsError(f"{where}: expected another of its lesions {', '.join(here)}, found {act.same_as}")
