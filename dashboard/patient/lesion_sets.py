"""Of which lesions the rows of numbers speak: all solid tumour, what the rule compares, and the lesion that leads.

Each row is of one named set, compared with the same set at its own baseline and nadir. Nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from dashboard.patient import judged_volumes, lesion_section
from dashboard.words import labels
from dashboard.words.table_rows import as_rows
from dashboard.words.tables import LesionSet

ALL = "all: {names}"
JUDGED = "what the rule compares"
ROLES = ("baseline", "nadir", "previous")
NO_INTERVAL = "no interval here: that of all readings is told of all solid tumour"
SAME_MM3 = 1e-6


def sets_of(patient_id: str, criteria_id: str, visit_rows: pd.DataFrame) -> list[LesionSet]:
    """Return the sets of lesions that the numbers of a scan are of, that of all solid tumour first.

    Parameters
    ----------
    visit_rows
        Rows of the patient_trajectory query of one visit, one per compartment.
    """
    tumour = visit_rows[visit_rows["compartment"] == "tumour"]
    session_id = str(visit_rows["session_id"].iloc[0])
    names = [] if tumour.empty else _ever_seen(patient_id, criteria_id, tumour.iloc[0])
    if len(names) < 2:  # one lesion is all there is
        return []
    row = tumour.iloc[0]
    sets = [LesionSet(ALL.format(names=" and ".join(names)))]
    judged = _as_judged(patient_id, criteria_id, row)
    sets += [LesionSet(JUDGED, judged)] if judged else []
    verdicts = lesion_section.verdicts(patient_id, criteria_id)
    here = verdicts[(verdicts["session_id"] == session_id) & verdicts["is_worst"].fillna(False).astype(bool)]
    sets += [LesionSet(f"{one['lesion_id']} alone", _of_lesion(one, verdicts, row)) for one in here.pipe(as_rows)]
    return sets


def _ever_seen(patient_id: str, criteria_id: str, row: pd.Series) -> list[str]:
    """Return the lesions of any scan that a row compares: one that is gone is of another set than one that is new."""
    sessions = [str(row[name]) for name in ("session_id", *(f"{role}_session_id" for role in ROLES))]
    return sorted({name for one in sessions for name in lesion_section.seen_at(patient_id, criteria_id, one)})


def _as_judged(patient_id: str, criteria_id: str, row: pd.Series) -> dict[str, Any]:
    """Return the volumes that the rule compares; empty where they are those of all solid tumour."""
    columns = {"volume_mm3": "session_id", **{f"{role}_volume_mm3": f"{role}_session_id" for role in ROLES}}
    volumes = {
        column: judged_volumes.judged_mm3(patient_id, criteria_id, row[session], row[column])
        for column, session in columns.items()
        if pd.notna(row[column])
    }
    if all(abs(volume - row[column]) <= SAME_MM3 for column, volume in volumes.items()):
        return {}
    return _compared({**{column: row[column] for column in columns}, **volumes})


def _of_lesion(verdict: Mapping[Any, Any], verdicts: pd.DataFrame, row: pd.Series) -> dict[str, Any]:
    """Return a lesion's volumes at its own baseline and nadir, and where it was last measured, with days of its own."""
    of_lesion = verdicts[verdicts["lesion_id"] == verdict["lesion_id"]]
    volumes, days = (of_lesion.set_index("session_id")[name] for name in ("volume_mm3", "acquired_on"))
    is_before = of_lesion["acquired_on"] < verdict["acquired_on"]
    before = of_lesion[is_before & of_lesion["volume_mm3"].notna()]["session_id"]
    sessions = {
        "baseline": verdict["baseline_session_id"],
        "nadir": verdict["nadir_session_id"],
        "previous": before.iloc[-1] if len(before) else None,
    }
    values = {
        f"{role}_{name}": column.get(session)
        for role, session in sessions.items()
        for name, column in (("volume_mm3", volumes), ("on", days))
    }
    named = {f"{role}_session_id": session for role, session in sessions.items()}
    own_days = {
        f"{role}_day": labels.day(values[f"{role}_on"])
        for role, session in sessions.items()
        if session is not None and session != row[f"{role}_session_id"]
    }
    interval = {f"volume_{end}_mm3": verdict[f"volume_{end}_mm3"] for end in ("low", "high")}
    return {**_compared({**values, **named, "volume_mm3": verdict["volume_mm3"]}), **own_days, **interval}


def _compared(values: dict[str, Any]) -> dict[str, Any]:
    """Add the changes since baseline and nadir; their intervals are of all solid tumour, and go."""
    now = values["volume_mm3"]
    for role in ("baseline", "nadir"):
        then = values.get(f"{role}_volume_mm3")
        is_told = pd.notna(now) and pd.notna(then) and then > 0
        values[f"change_from_{role}_percent"] = 100 * (now / then - 1) if is_told else None
        values |= {f"change_from_{role}_{end}_percent": None for end in ("low", "high")}
    return {**values, "volume_low_mm3": None, "volume_high_mm3": None, "no_interval": NO_INTERVAL}
