"""Which questions about a patient are open, the most urgent first: one rule for board, projector and minutes.

A new or growing lesion anywhere comes first, then worse function, a cyst grown since its smallest, earlier progression
that nothing was done about, possible growth, criteria that disagree, a scan that could not be judged, a scan overdue
(known only on the day of the meeting), an unsigned mask, and what was left out. What this module refuses: to say that
there is nothing to decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from pipeline.core import records, wording
from pipeline.core.vocabulary import Category, Compartment, DisplayState, State, TreatmentKind
from pipeline.judge.clauses import ClauseKind, from_json
from pipeline.measure.measurement_error import detection_limit_ratio


class Question(StrEnum):
    """What is open about a patient, in the order of the board; the values are stored."""

    NEW_LESION = "new_lesion"
    GROWTH = "growth"
    LESION_GROWTH = "lesion_growth"
    NEW_SIGNAL = "new_signal"
    FUNCTION = "function"
    CYST = "cyst"
    EARLIER_PROGRESSION = "earlier_progression"
    POSSIBLE_GROWTH = "possible_growth"
    DISAGREEMENT = "disagreement"
    NOT_JUDGED = "not_judged"
    OVERDUE = "overdue"
    UNSIGNED = "unsigned"
    LEFT_OUT = "left_out"
    NONE = "none"


RANKS = {question: rank for rank, question in enumerate(Question, start=1)}
NO_DECISION = (Question.OVERDUE, Question.LEFT_OUT, Question.NONE)
NONE_RECORDED = "no open question recorded"

FOLLOWED = (Compartment.CYST, Compartment.SYRINX)
WITHOUT_ERROR = 1.4
"""Growth that is worth a look where the error of a size is unknown: the ratio of the adapted rule of progression."""

LIKE_MCCORMICK = "mccormick"
"""Scales on which a higher grade is worse."""

UNCHANGING = (TreatmentKind.STEROID, TreatmentKind.OTHER)
"""Treatments that do not answer an earlier progression."""

MOST_DAYS = 3


@dataclass
class PatientRows:
    """The stored rows of one patient that the rule looks at."""

    visits: list[records.Visit] = field(default_factory=list)
    treatments: list[records.Treatment] = field(default_factory=list)
    assessments: list[records.Assessment] = field(default_factory=list)
    measurements: list[records.Measurement] = field(default_factory=list)
    components: list[records.LesionComponent] = field(default_factory=list)
    scores: list[records.FunctionScore] = field(default_factory=list)
    signals: list[records.NewSignal] = field(default_factory=list)
    forms: list[records.Neuraxis] = field(default_factory=list)
    findings: list[records.Finding] = field(default_factory=list)

    @property
    def days(self) -> dict[str, date]:
        """The dated visits, in order of their days."""
        dated = [(v.acquired_on, v.session_id) for v in self.visits if v.acquired_on is not None]
        return {session_id: day for day, session_id in sorted(dated)}

    def since_surgery(self) -> list[str]:
        """Return the dated visits since the last surgery; all where there was none, or none came after it."""
        operated = [t.started_on for t in self.treatments if t.kind == TreatmentKind.SURGERY]
        after = [name for name, day in self.days.items() if not operated or day > max(operated)]
        return after or list(self.days)


LISTS: dict[type, str] = {
    records.Visit: "visits",
    records.Treatment: "treatments",
    records.Assessment: "assessments",
    records.Measurement: "measurements",
    records.LesionComponent: "components",
    records.FunctionScore: "scores",
    records.NewSignal: "signals",
    records.Neuraxis: "forms",
    records.Finding: "findings",
}
Open = tuple[Question, str]


def open_questions(rows: Iterable[object]) -> list[records.OpenQuestion]:
    """Return what is open for each patient under each set of criteria.

    Parameters
    ----------
    rows
        Records of a whole study, in any order.

    Returns
    -------
    list of OpenQuestion
        At least one for each patient and criteria, numbered from the most urgent.
    """
    patients: dict[str, PatientRows] = {}
    criteria: list[str] = []
    everything = list(rows)
    for row in everything:
        if isinstance(row, records.Patient):
            patients[row.patient_id] = PatientRows()
        elif isinstance(row, records.Criteria):
            criteria.append(row.criteria_id)
    for row in everything:
        name, of = getattr(row, "patient_id", None), LISTS.get(type(row))
        if of is not None and name in patients:
            getattr(patients[name], of).append(row)
    return [
        question
        for patient_id in sorted(patients)
        for criteria_id in sorted(criteria)
        for question in _numbered(patient_id, criteria_id, patients[patient_id])
    ]


def _numbered(patient_id: str, criteria_id: str, patient: PatientRows) -> Iterator[records.OpenQuestion]:
    found = sorted(of_patient(patient, criteria_id), key=lambda one: RANKS[one[0]])
    for number, (question, words) in enumerate(found or [(Question.NONE, NONE_RECORDED)], start=1):
        needs = question not in NO_DECISION
        yield records.OpenQuestion(patient_id, criteria_id, number, str(question), RANKS[question], needs, words)


def of_patient(patient: PatientRows, criteria_id: str) -> list[Open]:
    """Return what is open about one patient under one set of criteria, in no order."""
    days = patient.days
    judged = [a for a in patient.assessments if a.criteria_id == criteria_id and a.session_id in days]
    judged.sort(key=lambda one: (days[one.session_id], one.session_id))
    worse = list(_function(patient))
    return [
        *_of_verdict(judged, patient),
        *_lesions(patient),
        *_neuraxis(patient),
        *worse,
        *_compartments(patient, with_worse_function=bool(worse)),
        *_earlier(judged, patient),
        *_disagreement(judged, patient),
        *([(Question.LEFT_OUT, "something was left out, see the findings")] if _has_errors(patient) else []),
    ]


def _has_errors(patient: PatientRows) -> bool:
    return any(finding.severity == "error" for finding in patient.findings)


def _of_verdict(judged: Sequence[records.Assessment], patient: PatientRows) -> Iterator[Open]:
    """Say what the latest verdict leaves open."""
    days = patient.days
    last = judged[-1] if judged else None
    newest = max(days.values(), default=None)
    if last is None:
        yield Question.NOT_JUDGED, "no scan could be judged"
        return
    yield from _called(last)
    if any(signal.session_id == last.session_id for signal in patient.signals):
        yield Question.NEW_SIGNAL, "new signal where no tumour was drawn, and nobody has looked"
    unjudged = last.display_state == DisplayState.NOT_EVALUABLE and last.state != State.CONTEXT
    if newest is not None and days[last.session_id] < newest:
        yield Question.NOT_JUDGED, f"the scan of {newest} could not be judged"
    elif unjudged and last.category != Category.PD:
        yield Question.NOT_JUDGED, f"the scan of {days[last.session_id]} could not be judged"
    if last.is_provisional:
        yield Question.UNSIGNED, "rests on an automatic mask that nobody signed"


def _called(last: records.Assessment) -> Iterator[Open]:
    """Say what the latest verdict calls, in its own words for where the change lies."""
    parts = from_json(last.clauses)
    place = f": {parts[0].ruling}" if parts and parts[0].ruling else ""
    grown = (DisplayState.GROWTH, DisplayState.POSSIBLE_GROWTH)
    if last.state == State.RECURRENCE:
        yield Question.NEW_LESION, "tumour seen where there was none" + place
    elif last.state == State.DISTANT:
        seen = [part.text for part in parts if part.kind == ClauseKind.NEW_LESION]
        yield Question.NEW_LESION, seen[0] if seen else "a new lesion"
    elif last.display_state == DisplayState.POSSIBLE_GROWTH:
        yield Question.POSSIBLE_GROWTH, "possible growth" + place
    elif last.display_state == DisplayState.GROWTH or last.category == Category.PD:
        clinical = [part.text for part in parts if part.kind == ClauseKind.CLINICAL]
        own = place if last.display_state in grown else "".join(f": {text}" for text in clinical)
        yield Question.GROWTH, ("progression" if last.category == Category.PD else "growth") + own
    for part in parts:
        if part.kind in (ClauseKind.UNJUDGED_LESION, ClauseKind.ELSEWHERE):
            yield Question.NEW_LESION, part.text


def _neuraxis(patient: PatientRows) -> Iterator[Open]:
    """Say what the latest form of the whole neuraxis found."""
    days = patient.days
    dated = [form for form in patient.forms if form.session_id in days]
    last = max(dated, key=lambda form: (days[form.session_id], form.session_id), default=None)
    if last is not None and last.present is not None:
        question = Question.NEW_LESION if last.leptomeningeal == "yes" else Question.NEW_SIGNAL
        yield question, f"whole neuraxis on {days[last.session_id]}: {last.present}"


def _lesions(patient: PatientRows) -> Iterator[Open]:
    """Say which of several lesions is new on the latest scan, or has grown since its smallest."""
    days, since = patient.days, patient.since_surgery()
    sizes: dict[str, dict[str, float]] = {}
    for row in patient.components:
        if row.session_id in days and row.volume_mm3 is not None:
            by_session = sizes.setdefault(row.lesion_id, {})
            by_session[row.session_id] = by_session.get(row.session_id, 0.0) + row.volume_mm3
    seen = [name for name in days if any(name in by_session for by_session in sizes.values())]
    if not seen:
        return
    now = seen[-1]
    here = {lesion for lesion, by_session in sizes.items() if by_session.get(now)}
    new = {row.lesion_id for row in patient.components if row.session_id == now and row.status == "new"}
    for lesion in sorted(here):
        size, on = wording.volume(sizes[lesion][now]), days[now]
        if lesion in new and now != next(iter(days)):
            yield Question.NEW_LESION, f"lesion {lesion} first seen on {on} ({size})"
        earlier = {name: sizes[lesion][name] for name in since if sizes[lesion].get(name) and name != now}
        if earlier and len(here) > 1:
            smallest = min(earlier, key=lambda name: earlier[name])
            if sizes[lesion][now] >= WITHOUT_ERROR * earlier[smallest]:
                yield (
                    Question.LESION_GROWTH,
                    f"lesion {lesion} {_grew(earlier, smallest, sizes[lesion][now], on, days)}",
                )


def _grew(sizes: dict[str, float], smallest: str, now: float, on: date, days: dict[str, date]) -> str:
    figures = wording.figures_beside(now, sizes[smallest])
    return (
        f"grew from {wording.volume(sizes[smallest], figures)} on {days[smallest]} to "
        f"{wording.volume(now, figures)} on {on} ({wording.change_of(now / sizes[smallest])})"
    )


def _function(patient: PatientRows) -> Iterator[Open]:
    """Say on which scale function is worse than at its best since the last surgery, and was not before."""
    operated = max((t.started_on for t in patient.treatments if t.kind == TreatmentKind.SURGERY), default=date.min)
    for scale_id in sorted({score.scale_id for score in patient.scores}):
        if LIKE_MCCORMICK not in scale_id.lower():
            continue
        own = sorted((s for s in patient.scores if s.scale_id == scale_id), key=lambda s: (s.assessed_on, s.grade))
        last, before = own[-1], own[:-1]
        compared = [score for score in before if score.assessed_on > operated] or before[-1:]
        best = min(compared, key=lambda score: (score.grade, -score.assessed_on.toordinal()), default=None)
        if best is not None and last.grade > best.grade:
            words = f"grade {best.grade:g} on {best.assessed_on}, {last.grade:g} on {last.assessed_on}"
            yield Question.FUNCTION, f"function worse: {scale_id.replace('_', ' ')} {words}"


def _compartments(patient: PatientRows, *, with_worse_function: bool) -> Iterator[Open]:
    """Say which cyst or syrinx has grown, beyond its error, since it was smallest after the last surgery."""
    days, since = patient.days, patient.since_surgery()
    for compartment in FOLLOWED:
        rows = {m.session_id: m for m in patient.measurements if m.compartment == compartment}
        sizes = {name: rows[name].volume_mm3 for name in since if name in rows}
        known = {name: size for name, size in sizes.items() if size is not None}
        if len(known) < 2:
            continue
        now, smallest = list(known)[-1], min(known, key=lambda name: known[name])
        size, least = known[now], known[smallest]
        if not size or now == smallest:
            continue
        also = ", with worse function" if with_worse_function else ""
        if not least:
            seen = f"{wording.volume(size)} on {days[now]} where none was seen on {days[smallest]}"
            yield Question.CYST, f"{compartment} {seen}{also}"
        elif size > _limit(rows[now], rows[smallest]) * least:
            yield Question.CYST, f"{compartment} {_grew(known, smallest, size, days[now], days)}{also}"


def _limit(now: records.Measurement, then: records.Measurement) -> float:
    if now.volume_cv is None or then.volume_cv is None:
        return WITHOUT_ERROR
    return detection_limit_ratio(then.volume_cv, now.volume_cv)


def _earlier(judged: Sequence[records.Assessment], patient: PatientRows) -> Iterator[Open]:
    """Say when progression was called before, if no treatment followed it and the latest verdict says otherwise."""
    if not judged or judged[-1].category == Category.PD:
        return
    days = patient.days
    answered = max((t.started_on for t in patient.treatments if t.kind not in UNCHANGING), default=date.min)
    called = [days[a.session_id] for a in judged if a.category == Category.PD and days[a.session_id] > answered]
    if called:
        more = f" and {wording.count(len(called) - MOST_DAYS, 'more scan')}" if len(called) > MOST_DAYS else ""
        told = ", ".join(wording.day(day) for day in called[-MOST_DAYS:])
        yield Question.EARLIER_PROGRESSION, f"earlier: progression on {told}{more}"


def _disagreement(judged: Sequence[records.Assessment], patient: PatientRows) -> Iterator[Open]:
    """Say how the sets of criteria that could judge the latest scan differ."""
    if not judged:
        return
    same_scan = [a for a in patient.assessments if a.session_id == judged[-1].session_id]
    calls = [a for a in same_scan if a.category != Category.NE]
    counts = Counter(a.category for a in calls)
    if len(counts) < 2:
        return
    told = ", ".join(f"{counts[name]} {name}" for name in map(str, Category) if counts[name])
    left = len(same_scan) - len(calls)
    yield Question.DISAGREEMENT, f"criteria disagree: {told}" + (f" ({left} not evaluable)" if left else "")
