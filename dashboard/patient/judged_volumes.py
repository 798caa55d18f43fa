"""The volumes that the timeline draws: solid what the verdict compares, dashed all tumour where that is another.

In syndromes that make new tumours the rule leaves them out of the volume it judges; curve, lines and verdict then speak
of the same lesions, and what is left out stays in sight.
"""

from __future__ import annotations

import pandas as pd

from dashboard.charts import volume_lines as drawn
from dashboard.data import queries
from pipeline.judge import course_text, epochs
from pipeline.measure.measurement_error import volume_interval

SAME_MM3 = 1e-6


def volumes_of(patient_id: str, criteria_id: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the dated volumes of a patient with the tumour as it is judged, and all tumour where that is more.

    Returns
    -------
    tuple
        Rows of the patient_measurements query without the cord and what no visit shows; rows of all tumour, none where
        it is what is judged.
    """
    volumes = queries.query("patient_measurements", patient_id=patient_id).dropna(subset=["acquired_on"])
    volumes = drawn.ever_seen(volumes[volumes["compartment"] != "cord"])
    judged = queries.derived(_judged, patient_id, criteria_id)
    tumour = volumes[volumes["compartment"] == "tumour"]
    left_out = {
        session
        for session, volume in zip(tumour["session_id"], tumour["volume_mm3"], strict=True)
        if session in judged and abs(judged[session][0] - volume) > SAME_MM3
    }
    if not left_out:
        return volumes, volumes.iloc[:0]
    replaced = volumes.copy()
    for place in tumour.index[tumour["session_id"].isin(left_out)]:
        sizes = judged[str(volumes.loc[place, "session_id"])]
        replaced.loc[place, ["volume_mm3", "volume_low_mm3", "volume_high_mm3"]] = sizes
    return replaced, tumour


def of_everybody(criteria_id: str) -> pd.DataFrame:
    """Return what is judged at every visit of the patients with new tumour that the criteria leave out.

    Returns
    -------
    DataFrame
        Columns patient_id, session_id, judged_mm3; nobody of whom all tumour is judged.
    """
    return queries.derived(_of_everybody, criteria_id)


def judged_mm3(patient_id: str, criteria_id: str, session_id: str, all_mm3: float) -> float:
    """Return how much of the tumour of a visit is judged, mm³: all of it where nothing is left out."""
    judged = queries.derived(_judged, patient_id, criteria_id)
    return judged[session_id][0] if session_id in judged else all_mm3


def _of_everybody(criteria_id: str) -> pd.DataFrame:
    columns, criteria = ["patient_id", "session_id", "judged_mm3"], queries.criteria_of(criteria_id)
    body: list[tuple[str, str, float]] = []
    stored = queries.query("courses_with_new_tumour")
    for patient_id, text in zip(stored["patient_id"], stored["course"], strict=True):
        measured = course_text.from_text(str(text))
        judged = epochs.followed_tumours(measured, criteria) if criteria else measured
        if judged != measured:
            body += [(patient_id, visit.session_id, visit.volume_mm3) for visit in judged.visits
                     if visit.volume_mm3 is not None]  # fmt: skip
    return pd.DataFrame(body, columns=columns).astype({"judged_mm3": float})


def _judged(patient_id: str, criteria_id: str) -> dict[str, tuple[float, float | None, float | None]]:
    """Return what is judged of each visit with its interval, mm³."""
    stored = queries.query("patient_judged_course", patient_id=patient_id)
    criteria = queries.criteria_of(criteria_id)
    if stored.empty or criteria is None:
        return {}
    course = epochs.followed_tumours(course_text.from_text(str(stored.iloc[0]["course"])), criteria)
    sizes: dict[str, tuple[float, float | None, float | None]] = {}
    for visit in course.visits:
        if visit.volume_mm3 is None:
            continue
        low = high = None
        if visit.volume_mm3 and visit.volume_cv:
            interval = volume_interval(visit.volume_mm3, visit.volume_cv)
            low, high = interval.low, interval.high
        sizes[visit.session_id] = visit.volume_mm3, low, high
    return sizes
