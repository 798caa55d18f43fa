"""The lines that pages are read aloud from: rows of the store in, words out.

Nothing is computed here; every number is taken from a query as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from dashboard.words import labels
from dashboard.words.table_rows import as_rows
from pipeline.core.vocabulary import ANY_DAY
from pipeline.core.written_day import span
from pipeline.judge.clauses import Clause, ClauseKind, from_json, of_total
from pipeline.judge.questions import NONE_RECORDED, Question

LEADING = 2
"""Open questions that a row of the board shows at once; the rest opens."""
DAYS_PER_YEAR = 365.25
DAYS_PER_MONTH = DAYS_PER_YEAR / 12
MEASURES = {"diameter": "mean diameter", "length": "length"}
SAME_PERCENT = 1e-6
"""Changes this near to each other are one, percent."""
AGAINST = {"nadir": "since nadir", "baseline": "since baseline", "judged": "as judged"}


def board(listed: pd.DataFrame) -> str:
    """Say about how many patients a question is open; what they show is counted by the words to filter by."""
    needs = int(listed["needs_decision"].sum())
    patients = labels.count(len(listed), "patient")
    verb = "has" if needs == 1 else "have"
    if needs:
        return f"{needs} of {patients} {verb} an open question."
    late = int((listed["is_overdue"] == True).sum())  # noqa: E712  # missing means no schedule
    beside_it = f"; {labels.count(late, 'scan')} overdue" if late else ""  # a row that asks nothing says so, too
    return f"{patients}: {NONE_RECORDED}{beside_it}."


def change(row: pd.Series) -> tuple[str, str]:
    """Say the change that a state rests on with its interval, or why there is none.

    Parameters
    ----------
    row
        Columns state, clauses, tumour_volume_mm3 and those of the board_change query.

    Returns
    -------
    tuple of str
        The change, and its interval.
    """
    if row["against"] == "lesion" and labels.is_known(row["change_percent"]):
        return _of_lesion(row)
    if row["state"] in {"baseline", "context"}:
        return "first to compare with", ""
    if labels.is_known(row["change_percent"]):
        since = AGAINST[row["against"]]
        interval = labels.percent_interval(row["change_low_percent"], row["change_high_percent"])
        return f"{as_in_sentence(row, row['change_percent'])} {since}", interval
    if not labels.is_known(row["tumour_volume_mm3"]):
        return "cannot be judged", ""
    return "none seen" if row["tumour_volume_mm3"] == 0 else f"{labels.ml(row['tumour_volume_mm3'])}, none before", ""


def _of_lesion(row: pd.Series) -> tuple[str, str]:
    """Say the change of the lesion that leads a state, with the interval of its sentence."""
    change_percent, lesion = row["change_percent"], row["lesion_id"]
    main = next((part for part in _parts(row) if part.kind == ClauseKind.LESION and part.lesion == lesion), None)
    if main is None or main.low_ratio is None or main.high_ratio is None:
        return f"{labels.percent(change_percent)} of lesion {lesion}", ""
    low, high = (100 * (ratio - 1) for ratio in (main.low_ratio, main.high_ratio))
    return f"{as_in_sentence(row, change_percent)} of lesion {lesion}", labels.percent_interval(low, high)


def as_in_sentence(row: Mapping[Any, Any] | pd.Series, change_percent: Any, reference: str = "") -> str:
    """Write a change with the digits of the verdict's sentence, where that tells the same change.

    Parameters
    ----------
    row
        With the column clauses.
    change_percent
        The change, percent.
    reference
        Baseline or nadir; empty for the one of the sentence.
    """
    main = next(iter(_parts(row)), None)
    if main is not None and main.change and main.ratio is not None and reference in {"", main.reference}:
        is_same = abs(100 * (main.ratio - 1) - change_percent) < SAME_PERCENT
        if is_same:
            return labels.typeset(main.change)
    return labels.percent(change_percent)


def main_change(row: Mapping[Any, Any] | pd.Series) -> str:
    """Return the change that a verdict speaks of as its sentence prints it; empty where nothing was compared.

    Parameters
    ----------
    row
        With the column clauses.
    """
    main = next(iter(_parts(row)), None)
    return labels.typeset(main.change) if main is not None and main.change else ""


def table_change(row: Mapping[Any, Any] | pd.Series, against: str) -> str:
    """Write the change of a compartment since baseline or nadir; that of the tumour as in the sentence.

    Parameters
    ----------
    row
        Of the patient_trajectory query.
    """
    change_percent = row[f"change_from_{against}_percent"]
    if row["compartment"] != "tumour" or not labels.is_known(change_percent):
        return labels.percent(change_percent)
    return as_in_sentence(row, change_percent, against)


def no_change(reference_volume_mm3: Any, volume_mm3: Any, *, has_reference: bool = True) -> str:
    """Say why there is no percentage between two volumes; nothing where there is one.

    Parameters
    ----------
    has_reference
        Whether the verdict has a visit to compare with; where it has none, nobody may read that nothing was measured.
    """
    if not has_reference:
        return "not compared"
    if not labels.is_known(reference_volume_mm3):
        return "not measured then"
    if not labels.is_known(volume_mm3):
        return "not measured now"
    if volume_mm3 == 0:
        return "none seen now"
    return "none seen then" if reference_volume_mm3 == 0 else ""


def due(row: pd.Series) -> str:
    """Say until when a schedule would have the next scan; nothing where there is no schedule or it has ended."""
    return f"due {labels.day(row['due_on'])}" if labels.is_known(row["due_on"]) else ""


def is_overdue(row: pd.Series) -> bool:
    """Tell whether the next scan of a schedule is overdue on the day of the meeting."""
    return labels.is_known(row["is_overdue"]) and bool(row["is_overdue"])


def size(row: pd.Series) -> tuple[str, str]:
    """Say the volume at the latest scan with its interval, or why there is none.

    Parameters
    ----------
    row
        Of the board query.
    """
    volume = row["tumour_volume_mm3"]
    if not labels.is_known(volume):
        return labels.MISSING, ""
    interval = labels.ml_interval(row["tumour_volume_low_mm3"], row["tumour_volume_high_mm3"])
    return labels.ml(volume).removesuffix(f"{labels.NARROW}mL"), interval


def since_treatment(row: pd.Series) -> str:
    """Say how long after the last treatment the last scan was; empty where nothing was done before it."""
    if not labels.is_known(row["treated_by"]):
        return ""
    word = labels.TREATMENTS[row["treated_by"]][0]
    days = int(row["days_since_treatment"])
    if days < 0:
        return f"during {word}"
    if days < 2 * DAYS_PER_MONTH:
        return f"{labels.count(days, 'day')} after {word}"
    if days < 2 * DAYS_PER_YEAR:
        return f"{days / DAYS_PER_MONTH:.0f} months after {word}"
    return f"{days / DAYS_PER_YEAR:.1f} years after {word}"


def open_questions(row: pd.Series) -> str:
    """Say every open question about a patient, the most urgent first, and at last that a scan is overdue."""
    questions = str(row["open_questions"])
    if not is_overdue(row):
        return labels.typeset(questions)
    return "scan overdue" if row["question_kinds"] == Question.NONE else labels.typeset(f"{questions}; scan overdue")


def leading_questions(row: pd.Series) -> str:
    """Say the leading open questions in a few words, and how many more there are; an overdue scan stands beside."""
    briefs = str(row["open_briefs"]).split("; ")
    if is_overdue(row) and row["question_kinds"] == Question.NONE:
        briefs = ["scan overdue"]
    shown = labels.typeset("; ".join(briefs[:LEADING]))
    return f"{shown}; {len(briefs) - LEADING} more" if len(briefs) > LEADING else shown


def beside(row: pd.Series) -> str:
    """Say what stands beside the open question: diagnosis, level, whether it was scanned otherwise, and what failed."""
    parts = [labels.words(row[name]) for name in ("histology", "level") if labels.is_known(row[name])]
    if row["is_made_otherwise"]:
        parts.append("scanner or protocol changed")
    if row["error_count"]:
        parts.append(labels.count(int(row["error_count"]), "failure"))
    return " · ".join(parts)


def verdict(row: Mapping[Any, Any] | pd.Series) -> tuple[str, str]:
    """Return the main clause of a verdict, to be read first, and what else belongs to it.

    Parameters
    ----------
    row
        Columns clauses and reason; where nothing was judged there are no clauses, and the reason stands whole.
    """
    main, *further = [part.text for part in _parts(row)] or [str(row["reason"]).removesuffix(".")]
    rest = labels.capital("; ".join(further))
    return f"{labels.capital(labels.typeset(main))}.", labels.typeset(f"{rest}." if rest else "")


def short_reason(row: Mapping[Any, Any]) -> str:
    """Say in a few words why one set of criteria judged as it did: the change, and where it lies to the rule."""
    parts = _parts(row)
    main = of_total(parts)
    if main is None:
        return verdict(row)[0]
    place = f"{main.ruling or main.words}."
    lesion = next((part for part in parts if part.kind == ClauseKind.LESION), None)
    apart = ""
    if lesion is not None:
        apart = f" Lesion {lesion.lesion} by itself {lesion.change}." if lesion.change else f" {lesion.words}."
    return labels.typeset((f"{main.change}: {place}" if main.change else labels.capital(place)) + apart)


def reason_since(row: Mapping[Any, Any]) -> str:
    """Say the same with the scan that was compared with, which may be another one once a mask is signed."""
    words, (change, since) = short_reason(row), change_since(row)
    return words.replace(f"{change}:", f"{change} since {since}:", 1) if change else words


def change_since(row: Mapping[Any, Any]) -> tuple[str, str]:
    """Return the change that a verdict rests on in the digits of its sentence, and since when; empty without one."""
    main = of_total(_parts(row))
    if main is None or main.change is None or main.reference_on is None:
        return "", ""
    return labels.typeset(main.change), labels.day(main.reference_on)


def ruling(row: Mapping[Any, Any]) -> str:
    """Say where a verdict lies to the rule, or what stands where no rule is held against it."""
    main = of_total(_parts(row))
    if main is None:
        return verdict(row)[0]
    return labels.capital(labels.typeset(f"{main.ruling or main.words}."))


def _parts(row: Mapping[Any, Any] | pd.Series) -> tuple[Clause, ...]:
    stored = row.get("clauses")
    return from_json(str(stored)) if labels.is_known(stored) else ()


def facts(patient: pd.Series, treatments: pd.DataFrame) -> str:
    """Say who the patient is: age, diagnosis, level, operations."""
    age = f"{patient['age_years']:.0f}\u202fy" if labels.is_known(patient["age_years"]) else None
    grade = f"grade {labels.words(patient['who_grade'])}" if labels.is_known(patient["who_grade"]) else None
    diagnosis = ", ".join(part for part in (_word(patient["histology"]), grade) if part)
    surgeries = treatments[treatments["kind"] == "surgery"]
    operated = [
        f"surgery {_begun(row)}"
        + (f", {labels.EXTENTS.get(row['extent'], row['extent'])}" if labels.is_known(row["extent"]) else "")
        for row in surgeries.pipe(as_rows)
    ]
    parts = [age, _word(patient["sex"]), diagnosis, _word(patient["level"]), _word(patient["syndrome"]), *operated]
    return " · ".join(part for part in parts if part)


def first_day(day: Any) -> str:
    """Say when a treatment began or may have; nobody wrote when one began that may have been on any day."""
    return f"on {span(*ANY_DAY)}" if pd.Timestamp(day).date() == ANY_DAY[0] else labels.day(day)


def _begun(row: Mapping[Any, Any]) -> str:
    """Say when a treatment began, as exactly as it is known."""
    if not labels.is_known(row.get("started_by")) or pd.Timestamp(row["started_on"]).date() == ANY_DAY[0]:
        return first_day(row["started_on"])
    return span(*(pd.Timestamp(row[name]).date() for name in ("started_on", "started_by")))


def growth(row: Mapping[Any, Any]) -> str:
    """Say how fast the tumour grew in one stretch without treatment, how sure that is, and what it does not say.

    Percent a year are given only where the scans span a year: a rate is no forecast.

    Parameters
    ----------
    row
        Of the patient_growth query.
    """
    when = f"{labels.day(row['first_on'])} to {labels.day(row['last_on'])}, {row['scan_count']} scans"
    parts = [_speed(row), *_velocities(row)]
    if labels.is_known(row["residual_sd"]) and labels.is_known(row["error_sd"]):
        scatter, error = (labels.limit(100 * row[name]) for name in ("residual_sd", "error_sd"))
        parts.append(f"scatter about the line {scatter}, measurement error {error}")
    if labels.is_known(row["detectable_on"]):
        parts.append(f"growing on like this it would exceed the error again by {labels.day(row['detectable_on'])}")
    note = " Provisional: an automatic mask that nobody signed." if row["is_provisional"] else ""
    return f"{'; '.join(parts)} ({when}; says nothing of later scans).{note}"


def _speed(row: Mapping[Any, Any]) -> str:
    if not labels.is_known(row["is_certain"]):
        return "Not known how sure: the error of a volume is unknown"
    if not row["is_certain"]:
        interval = labels.percent_interval(row["growth_low_percent_per_year"], row["growth_high_percent_per_year"])
        yearly = f" (95\u202f% CI {interval} a year)" if row["days"] >= DAYS_PER_YEAR else ""
        return f"No growth or shrinkage beyond the error{yearly}"
    first, *ends = (abs(row[f"doubling_{part}_days"]) for part in ("time", "low", "high"))
    unit, days = ("years", DAYS_PER_YEAR) if first >= 2 * DAYS_PER_YEAR else ("months", DAYS_PER_MONTH)
    low, high = (labels.two_figures(end / days) for end in sorted(ends))
    verb = "Doubling" if row["doubling_time_days"] > 0 else "Halving"
    took = f"{verb} in {labels.two_figures(first / days)} {unit} (95\u202f% CI {low} to {high})"
    if row["days"] < DAYS_PER_YEAR:
        return took
    return f"{took}, volume {labels.percent(row['growth_percent_per_year'])} a year"


def _velocities(row: Mapping[Any, Any]) -> list[str]:
    velocities = []
    for name in ("diameter", "length"):
        value, low, high = (row[f"{name}_{part}mm_per_year"] for part in ("", "low_", "high_"))
        if not labels.is_known(value) or row["days"] < DAYS_PER_YEAR:
            continue
        is_interval = labels.is_known(low) and labels.is_known(high)
        speed, *ends = labels.signed_alike(value, low, high) if is_interval else labels.signed_alike(value)
        interval = f" ({' to '.join(ends)})" if ends else ""
        velocities.append(f"{MEASURES[name]} {speed}{labels.NARROW}mm a year{interval}")
    return velocities


def best_response(confirmed: Mapping[Any, Any], unconfirmed: Mapping[Any, Any]) -> str:
    """Say the best response of one course by confirmed scans, and by single scans where that is another.

    Parameters
    ----------
    confirmed, unconfirmed
        Of the patient_best_responses query, of one course and criteria.
    """
    course = f"Since {labels.typeset(confirmed['cause'])}" if confirmed["cause"] else "Watched"
    by_single_scans = ""
    if unconfirmed["best"] != confirmed["best"]:
        by_single_scans = f" By single scans {unconfirmed['best']}."
    note = " Provisional: an automatic mask that nobody signed." if confirmed["is_provisional"] else ""
    return f"{course}: {confirmed['best']}. {labels.typeset(confirmed['reason'])}{by_single_scans}{note}"


def resection(row: Mapping[Any, Any]) -> str:
    """Say what a surgery left, by the surgeon and by the scans; a contradiction and an unsigned size are named."""
    note = " Provisional: an automatic mask that nobody signed." if row["is_provisional"] else ""
    return f"{labels.typeset(labels.extents_in_words(str(row['reason'])))}{note}"


def levels(places: pd.DataFrame, discs: pd.DataFrame) -> str:
    """Say between which vertebrae a compartment lies at the first and the latest visit, and whose labels say so.

    Parameters
    ----------
    places
        Rows of the patient_places query of one compartment; nothing is said without any.
    discs
        Rows of the patient_discs query.
    """
    if places.empty:
        return ""
    placed = places[places["levels"].notna()]
    if placed.empty or discs.empty:
        return f"No vertebral level: {labels.words(places.iloc[-1]['level_reason'])}. "
    ends = placed.iloc[[0, -1]] if len(placed) > 1 else placed
    level_words = ", ".join(f"{row['levels']} on {labels.day(row['acquired_on'])}" for row in ends.pipe(as_rows))
    label, latest = discs.iloc[0], places.iloc[-1]
    unsigned = ", by a program or unstated" if label["label_origin"] == "automatic" else ""
    missing = f" On {labels.day(latest['acquired_on'])} no level: {labels.words(latest['level_reason'])}."
    source = f"disc labels of {labels.day(label['acquired_on'])}{unsigned}"
    return f"{level_words} ({source}).{'' if labels.is_known(latest['levels']) else missing} "


def without_name(reason: str, compartment: str) -> str:
    """Leave out the name that heads a line already.

    >>> without_name("Cyst 0.18 mL on 2019-06-11, first measured; never progression.", "cyst")
    '0.18 mL on 2019-06-11, first measured; never progression.'
    """
    return labels.capital(reason.removeprefix(compartment.capitalize()).lstrip())


def act(row: Mapping[Any, Any]) -> str:
    """Say who decided what, when and why; one line of the journal."""
    where = " ".join(
        str(row[name]) for name in ("session_id", "compartment", "lesion_id") if labels.is_known(row[name])
    )
    why = f": {row['reason']}" if labels.is_known(row["reason"]) else ""
    place = f" ({where})" if where else ""
    return f"{labels.day(row['written_at'])} {row['who']}, {labels.words(row['act'])}{place}{why}"


def cohort(count: str, chosen: Sequence[str]) -> str:
    """Say whom the figures show, and how many they are."""
    return f"{labels.capital(', '.join(chosen) if chosen else 'all patients')}: n = {count}"


def _word(value: object) -> str | None:
    return labels.words(value) if labels.is_known(value) else None
