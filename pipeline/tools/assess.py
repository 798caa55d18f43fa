"""Judging a table from other software, without images or a study: what ``cordtrack assess`` does.

The rows are judged exactly as the visits of a study are. What cannot be judged says why; nothing is guessed.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.core import records
from pipeline.core.history import function_grades, treatment_events
from pipeline.core.vocabulary import Compartment, PatientCourse, SeriesNumbers, State, VisitJudgement, VisitMeasure
from pipeline.errors import InputError
from pipeline.files import atomic
from pipeline.files.spreadsheet import harmless_cell
from pipeline.judge import criteria_files, lesion_courses, lesion_exchange
from pipeline.judge.best_response import CourseResponse
from pipeline.judge.criteria_files import ResponseCriteria
from pipeline.judge.epochs import makes_new_tumours
from pipeline.judge.kind_rows import kind_evidence
from pipeline.judge.lesion_courses import LesionVerdict
from pipeline.judge.parallel_readings import ReadingVerdict, readings
from pipeline.judge.response import JudgedCourse, judge_whole
from pipeline.judge.stated_response import confirm_stated
from pipeline.measure.imported_sizes import ImportedMeasure, error_of, lesion_measure, visit_measure
from pipeline.study.lesion_rows import new_tumours, volume_of
from pipeline.study.own_numbers import GivenVisit, VolumeTable, read_volumes
from pipeline.study.own_treatments import read_function_table, read_treatment_table
from pipeline.tools.assess_cohort import COHORT, with_cohort
from pipeline.tools.assess_readings import (
    BESIDE,
    READING_COLUMNS,
    beside,
    percent,
    reading_row,
    rounded,
    verdict_values,
)

ALL_CRITERIA = "all"
LOST_GRADE = frozenset({"row_long", "row_incomplete", "number_malformed", "date_malformed", "date_future"})
"""Findings about a functional grade that counts for nothing."""

UNJUDGED = (State.CONTEXT, State.NOT_EVALUABLE)
COLUMNS = (
    "patient_id", "date", "lesion_id", "criteria_id", "criteria_version", "is_adapted", "category", "state",
    "display_state", "course", "category_then", "state_then",
    "volume_mm3", "volume_cv", "cv_source", "baseline_date", "nadir_date",
    "change_percent", "change_low_percent", "change_high_percent", "probability", "smoothed_volume_mm3",
    "smoothed_low_mm3", "smoothed_high_mm3", "baseline_low_percent", "baseline_high_percent", "nadir_low_percent",
    "nadir_high_percent", "smallest_date", "smallest_low_percent", "smallest_high_percent", "reason", "reason_then",
    *BESIDE, *COHORT,
)  # fmt: skip
"""Columns of the judged table; the change is the one that the category rests on, with its 95 % interval,
and the probability that the true change lies beyond the threshold of what is shown. Beside them stands what all
readings of the volume since the baseline tell: the true volume, and 95 % intervals of its change since the baseline,
the nadir and the smallest since the last surgery, and what the same scan is with its cyst counted and by its enhancing
and T2 parts, and how probable the change is among the people of the table (``assess_cohort``). ``lesion_id`` is empty
in rows of the whole tumour; where the table tells lesions apart, each has rows of its own."""

BEST_COLUMNS = (
    "patient_id", "criteria_id", "criteria_version", "is_adapted", "epoch", "course", "cause", "look", "best",
    "baseline_date", "time_zero_on", "best_on", "days_to_best", "lasts_from_on", "ended_on", "duration_days",
    "is_event", "reason",
)  # fmt: skip
"""Columns of the table of best responses, as in the view ``best_response``: one row per course and look."""


@dataclass(frozen=True)
class JudgedTable:
    """Rows with :data:`COLUMNS`, how many of them could be judged, and what was odd.

    ``undecided_count`` rows are not evaluable only because a treatment's kind or a day is not known; ``lost_rows`` is
    how many rows of sizes and grades are in no verdict at all: without a patient, of a day to come, with cells too
    many, a grade that is no number.
    ``best_responses`` has :data:`BEST_COLUMNS`, ``readings`` those of ``assess_readings.READING_COLUMNS``.
    """

    rows: tuple[Mapping[str, Any], ...]
    judged_count: int
    findings: tuple[records.Finding, ...]
    undecided_count: int = 0
    best_responses: tuple[Mapping[str, Any], ...] = ()
    readings: tuple[Mapping[str, Any], ...] = ()
    lost_rows: int = 0


@dataclass(frozen=True)
class _Patient:
    """One patient's course with what the table said of each of its days."""

    course: PatientCourse
    visits: Mapping[str, GivenVisit]


def assess_table(
    volumes: Path, treatments: Path | None, criteria_id: str, as_of: date, function: Path | None = None
) -> JudgedTable:
    """Judge each patient of a table.

    Parameters
    ----------
    volumes
        See ``volume_table.read_volumes``.
    treatments
        As the study's ``treatments.tsv``, with tabs, semicolons or commas; None when there was no treatment.
    criteria_id
        Packaged criteria or a file (see ``criteria.load``), or ``all`` for all packaged ones.
    as_of
        The day of reading.
    function
        As the study's ``function.tsv``; None when nobody graded function.

    Raises
    ------
    SettingsError
        There are no such criteria.
    """
    rules = criteria_files.load_all() if criteria_id == ALL_CRITERIA else (criteria_files.load(criteria_id),)
    findings: list[records.Finding] = []
    table = read_volumes(volumes.resolve(), volumes.resolve().parent, as_of, findings)
    lost_rows = len({one.message.partition(": ")[0] for one in findings if _is_lost(one)})
    given = read_treatment_table(treatments, table, as_of, findings) if treatments else {}
    before = len(findings)
    scores = read_function_table(function, table, as_of, findings) if function else {}
    lost_rows += len({one.message.partition(": ")[0] for one in findings[before:] if one.code in LOST_GRADE})
    patients = [_patient(name, table, given.get(name, ()), scores.get(name, ())) for name in table.patients]
    judged_rows: list[Mapping[str, Any]] = []
    best_responses: list[Mapping[str, Any]] = []
    reading_rows: list[Mapping[str, Any]] = []
    evidence: list[records.KindEvidence] = []
    judged_count = undecided_count = 0
    for patient in patients:
        for rule in rules:
            judged = _judge(patient, rule, has_words=table.has_words)
            judgements = judged.judgements
            judged_count += sum(one.state not in UNJUDGED for one in judgements)
            undecided_count += sum(one.is_undecided for one in judgements)
            lesions = _judge_lesions(patient, rule)
            apart = [verdict for verdicts in lesions.values() for verdict in verdicts]
            judged_count += sum(verdict.judgement.state not in UNJUDGED for verdict in apart)
            led = [_led(patient, one, lesions.get(one.session_id, ()), rule) for one in judgements]
            further = readings(patient.course, judgements, rule)
            reading_rows += [reading_row(patient.course.patient_id, one, rule) for one in further]
            judged_rows += [{**_row(patient, one, rule), **_beside(one, further)} for one in led]
            judged_rows += [_row(patient, verdict.judgement, rule, verdict.lesion_id) for verdict in apart]
            best_responses += [_best_row(patient, one, rule) for one in judged.best_responses]
            evidence += kind_evidence(patient.course.patient_id, rule, judged)
    odd = tuple(dict.fromkeys(findings))
    rows_with_cohort = with_cohort(judged_rows, evidence)
    return JudgedTable(
        rows_with_cohort, judged_count, odd, undecided_count, tuple(best_responses), tuple(reading_rows), lost_rows
    )


def _beside(judgement: VisitJudgement, verdicts: Iterable[ReadingVerdict]) -> dict[str, Any]:
    return beside([one for one in verdicts if one.judgement.session_id == judgement.session_id])


def _is_lost(oddity: records.Finding) -> bool:
    """Say whether a finding is about a row of sizes of which nothing is used."""
    return oddity.code in ("row_long", "date_future") or (oddity.code == "row_incomplete" and oddity.patient_id is None)


def write_judged(judged: JudgedTable, target: Path) -> None:
    """Write the judged table as CSV (UTF-8), whole or not at all; text that a spreadsheet would run is made harmless.

    Raises
    ------
    InputError
        Nothing could be judged, so that nothing is written.
    StoreError
        The file cannot be written.
    """
    if not judged.judged_count:
        reasons = [str(row["reason"]) for row in judged.rows]
        why = f"the first reason: {reasons[0]}" if reasons else "no row could be used"
        raise InputError(f"nothing could be judged ({why}); correct the table or choose other criteria")
    atomic.write_text(target, to_csv(COLUMNS, judged.rows))


def write_best_responses(judged: JudgedTable, target: Path) -> None:
    """Write the best response of each course as CSV."""
    atomic.write_text(target, to_csv(BEST_COLUMNS, judged.best_responses))


def write_readings(judged: JudgedTable, target: Path) -> None:
    """Write what the sizes say beside solid tumour as CSV."""
    atomic.write_text(target, to_csv(READING_COLUMNS, judged.readings))


def write_findings(findings: Sequence[records.Finding], target: Path) -> None:
    """Write what was odd as CSV: code, severity, message and remedy."""
    columns = ("severity", "code", "path", "message", "remedy")
    atomic.write_text(target, to_csv(columns, [{name: getattr(f, name) for name in columns} for f in findings]))


def to_csv(columns: Sequence[str], table_rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as CSV text that no spreadsheet runs; missing is an empty cell."""
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([harmless_cell(row[name]) for name in columns] for row in table_rows)
    return content.getvalue()


def _patient(
    patient_id: str,
    table: VolumeTable,
    treatments: Sequence[records.Treatment],
    scores: Sequence[records.FunctionScore],
) -> _Patient:
    facts = table.patients[patient_id]
    visits = _by_name(visit for visit in table.visits if visit.patient_id == patient_id)
    new = _new_tumours(visits.values())
    course = PatientCourse(
        patient_id=patient_id,
        visits=tuple(
            replace(
                visit_measure(name, visit.acquired_on, visit.measures, facts.histology),
                acquired_at=visit.acquired_at,
                new_tumour_mm3=volume_of(visit.lesions, new),
            )
            for name, visit in visits.items()
        ),
        treatments=treatment_events(treatments),
        function_scores=function_grades(scores),
        histology=facts.histology,
        syndrome=facts.syndrome,
        is_enhancing=facts.is_enhancing,
    )
    return _Patient(course, visits)


def _by_name(visits: Iterable[GivenVisit]) -> dict[str, GivenVisit]:
    """Name each visit of a patient by its day, one of several on a day with its time."""
    given = list(visits)
    days = Counter(str(visit.acquired_on) for visit in given)
    return {
        f"{visit.acquired_on}T{visit.acquired_at}"
        if days[str(visit.acquired_on)] > 1
        else str(visit.acquired_on): visit
        for visit in given
    }


def _new_tumours(visits: Iterable[GivenVisit]) -> frozenset[str]:
    return new_tumours(visit.lesions for visit in sorted(visits, key=lambda one: one.acquired_on))


def _judge(patient: _Patient, rule: ResponseCriteria, *, has_words: bool) -> JudgedCourse:
    if not has_words:
        return judge_whole(patient.course, rule)
    words = {name: visit.category for name, visit in patient.visits.items() if visit.category is not None}
    return confirm_stated(patient.course, words, rule)


def _judge_lesions(patient: _Patient, rule: ResponseCriteria) -> dict[str, list[LesionVerdict]]:
    """Judge each lesion that the table tells apart, by day, where they are judged apart at all."""
    names = list(dict.fromkeys(name for visit in patient.visits.values() for name in visit.lesions))
    if not lesion_courses.are_judged_apart(patient.course.syndrome, names):
        return {}
    by_day: dict[str, list[LesionVerdict]] = {}
    days = {name: [day for day, visit in patient.visits.items() if name in visit.lesions] for name in names}
    counted = lesion_courses.counted_then(patient.course, days)
    measures = lesion_exchange.with_exchanges({name: _sizes_of(patient, name, days[name]) for name in names})
    for name, alone in measures.items():
        for judged in lesion_courses.judge_lesion(patient.course, list(alone.values()), rule):
            day = judged.session_id
            verdict = LesionVerdict(name, judged, alone[day], counted_then=name in counted[day])
            by_day.setdefault(day, []).append(verdict)
    return by_day


def _sizes_of(patient: _Patient, name: str, days: Iterable[str]) -> dict[str, VisitMeasure]:
    """Return what one lesion measures, by day."""
    visits = ((day, patient.visits[day]) for day in days)
    return {
        day: lesion_measure(day, visit.acquired_on, visit.lesions[name], patient.course.histology, visit.acquired_at)
        for day, visit in visits
    }


def _led(
    patient: _Patient, total: VisitJudgement, lesions: Sequence[LesionVerdict], rule: ResponseCriteria
) -> VisitJudgement:
    """Let the worst lesion lead the state, and say which lesions the total adds up."""
    is_exempt = makes_new_tumours(patient.course.syndrome, rule.new_lesion)
    left_out = _new_tumours(patient.visits.values()) if is_exempt else frozenset()
    return lesion_courses.led_by_lesions(total, lesions, lesion_courses.set_in_words(lesions, left_out))


def _row(
    patient: _Patient, judgement: VisitJudgement, rule: ResponseCriteria, lesion_id: str | None = None
) -> dict[str, Any]:
    visit = patient.visits[judgement.session_id]
    tumour = _tumour(visit) if lesion_id is None else visit.lesions[lesion_id]
    cv, cv_source = error_of(tumour, patient.course.histology)
    return {
        "patient_id": patient.course.patient_id,
        **verdict_values(judgement, rule),
        "lesion_id": lesion_id,
        "volume_mm3": rounded(tumour.volume_mm3),
        "volume_cv": rounded(cv),
        "cv_source": cv_source,
        **_series(judgement),
        **beside(()),
    }


def _series(judgement: VisitJudgement) -> dict[str, Any]:
    """Return the true volume and the intervals of its changes, by all readings since the baseline."""
    numbers = judgement.series or SeriesNumbers()
    ends = {"baseline": numbers.baseline, "nadir": numbers.nadir, "smallest": numbers.smallest}
    return {
        "smoothed_volume_mm3": rounded(numbers.volume_mm3),
        "smoothed_low_mm3": rounded(numbers.low_mm3),
        "smoothed_high_mm3": rounded(numbers.high_mm3),
        "smallest_date": numbers.smallest_session_id,
        **{f"{name}_low_percent": percent(pair[0] if pair else None) for name, pair in ends.items()},
        **{f"{name}_high_percent": percent(pair[1] if pair else None) for name, pair in ends.items()},
    }


def _best_row(patient: _Patient, response: CourseResponse, rule: ResponseCriteria) -> dict[str, Any]:
    return {
        "patient_id": patient.course.patient_id,
        "criteria_id": rule.criteria_id,
        "criteria_version": rule.version,
        "is_adapted": "yes" if rule.is_adapted else "no",
        "epoch": response.epoch,
        "course": str(response.course),
        "cause": response.cause,
        "look": str(response.look),
        "best": str(response.best),
        "baseline_date": response.baseline_session_id,
        "time_zero_on": response.time_zero_on,
        "best_on": response.best_on,
        "days_to_best": _days(response.time_zero_on, response.best_on),
        "lasts_from_on": response.lasts_from_on,
        "ended_on": response.ended_on,
        "duration_days": _days(response.lasts_from_on, response.ended_on),
        "is_event": None if response.is_event is None else "yes" if response.is_event else "no",
        "reason": response.reason,
    }


def _days(first: date | None, last: date | None) -> int | None:
    return None if first is None or last is None else (last - first).days


def _tumour(visit: GivenVisit) -> ImportedMeasure:
    nothing = ImportedMeasure(Compartment.TUMOUR)
    return next((measure for measure in visit.measures if measure.compartment == Compartment.TUMOUR), nothing)
