"""Which questions about a patient are open, the most urgent first: one rule for board, projector and minutes.

A new or growing lesion anywhere comes first, then worse function, a cyst grown since its smallest, earlier progression
that nothing was done about, possible growth, criteria or readers that disagree, a scan that could not be judged, a scan
overdue (known only on the day of the meeting), an unsigned mask, and what was left out. What this module refuses:
to say that there is nothing to decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from pipeline.core import records, wording
from pipeline.core.function_scales import scale_name
from pipeline.core.vocabulary import Category, Compartment, DisplayState, State, TreatmentKind, VisitMeasure
from pipeline.judge import own_smallest
from pipeline.judge.clauses import Clause, ClauseKind, from_json, of_total
from pipeline.judge.lesion_courses import severity
from pipeline.judge.other_readings import asked_by_readings
from pipeline.judge.questions import (
    BRIEFS,
    FIRST_SEEN,
    NO_DECISION,
    NONE_RECORDED,
    PERHAPS_SEEN,
    RANKS,
    Asked,
    Open,
    Question,
)
from pipeline.measure.measurement_error import ASSUMED

FOLLOWED = (Compartment.CYST, Compartment.SYRINX)
WITHOUT_ERROR = 1.4
"""Growth that is worth a look where the error of a size is unknown: the ratio of the adapted rule of progression."""

LIKE_MCCORMICK = "mccormick"
"""Scales on which a higher grade is worse."""

UNCHANGING = (TreatmentKind.STEROID, TreatmentKind.OTHER)
"""Treatments that do not answer an earlier progression."""

MOST_DAYS = 3

READINGS = ("accept_mask", "exclude_mask")
"""Acts by which a reader says that a mask is right, and that it is wrong."""


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
    lesion_verdicts: list[records.LesionAssessment] = field(default_factory=list)
    readings: list[records.ReadingAssessment] = field(default_factory=list)
    acts: list[records.JournalEntry] = field(default_factory=list)

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


UNREAD_FORM = frozenset({"neuraxis_word", "neuraxis_differ", "neuraxis_unplaced"})
"""Findings about a form in which seeding may stand."""

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
    records.LesionAssessment: "lesion_verdicts",
    records.ReadingAssessment: "readings",
    records.JournalEntry: "acts",
}


def open_questions(study_records: Iterable[object]) -> list[records.OpenQuestion]:
    """Return what is open for each patient under each set of criteria.

    Parameters
    ----------
    study_records
        Records of a whole study, in any order.

    Returns
    -------
    list of OpenQuestion
        At least one for each patient and criteria, numbered from the most urgent.
    """
    patients: dict[str, PatientRows] = {}
    criteria: list[str] = []
    everything = list(study_records)
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
    ranked = sorted((Open(*one) for one in of_patient(patient, criteria_id)), key=lambda one: RANKS[one.question])
    for number, one in enumerate(ranked or [Open(Question.NONE, NONE_RECORDED)], start=1):
        needs, brief = one.question not in NO_DECISION, one.brief or BRIEFS[one.question]
        rank = RANKS[one.question]
        yield records.OpenQuestion(patient_id, criteria_id, number, str(one.question), rank, needs, one.words, brief)


def of_patient(patient: PatientRows, criteria_id: str) -> list[Asked]:
    """Return what is open about one patient under one set of criteria, in no order."""
    days = patient.days
    judged = [a for a in patient.assessments if a.criteria_id == criteria_id and a.session_id in days]
    judged.sort(key=lambda one: (days[one.session_id], one.session_id))
    worse = list(_function(patient))
    last = judged[-1].session_id if judged else None
    verdicts = [v for v in patient.lesion_verdicts if v.criteria_id == criteria_id and v.session_id == last]
    if len(verdicts) == 1 and not _is_led(judged[-1]):
        verdicts = []  # the only lesion is the total
    return [
        *_of_verdict(judged, patient, verdicts),
        *_lesion_verdicts(verdicts),
        *_lesions(patient, {verdict.lesion_id for verdict in verdicts}),
        *_neuraxis(patient),
        *worse,
        *_compartments(patient, with_worse_function=bool(worse)),
        *_earlier(judged, patient),
        *_disagreement(judged, patient),
        *(asked_by_readings(judged[-1], patient.readings) if judged else ()),
        *_readers(patient),
        *_left_out(patient),
    ]


def _left_out(patient: PatientRows) -> Iterator[Asked]:
    """Say that something was left out; of a form of the whole neuraxis what, since seeding may stand in it."""
    errors = [finding for finding in patient.findings if finding.severity == "error"]
    for finding in (one for one in errors if one.code in UNREAD_FORM):
        yield Question.LEFT_OUT, f"whole neuraxis not read: {finding.message}"
    if any(one.code not in UNREAD_FORM for one in errors):
        yield Question.LEFT_OUT, "something was left out, see the findings"


def _of_verdict(
    judged: Sequence[records.Assessment], patient: PatientRows, verdicts: Sequence[records.LesionAssessment]
) -> Iterator[Asked]:
    """Say what the latest verdict leaves open; what a lesion alone leads is said of the lesion."""
    days = patient.days
    last = judged[-1] if judged else None
    newest = max(days.values(), default=None)
    if last is None:
        yield Question.NOT_JUDGED, "no scan could be judged"
        return
    is_of_lesion = any(one.is_worst and one.display_state == last.display_state for one in verdicts)
    yield from _called(last, only_marks=is_of_lesion and last.category != Category.PD and not _total_grew(last))
    if any(signal.session_id == last.session_id for signal in patient.signals):
        yield Question.NEW_SIGNAL, "new signal where no tumour was drawn, and nobody has looked"
    unjudged = last.display_state == DisplayState.NOT_EVALUABLE and last.state != State.CONTEXT
    if newest is not None and days[last.session_id] < newest:
        yield Question.NOT_JUDGED, f"the scan of {newest} could not be judged"
    elif unjudged and last.category != Category.PD:
        yield Question.NOT_JUDGED, f"the scan of {days[last.session_id]} could not be judged"
    if last.is_provisional:
        yield Question.UNSIGNED, "rests on an automatic mask that nobody signed"


def _is_led(last: records.Assessment) -> bool:
    """Say whether a lesion leads the state: what leads is said first."""
    main = next(iter(from_json(last.clauses)), None)
    return main is not None and main.kind == ClauseKind.LESION


def _total_grew(last: records.Assessment) -> bool:
    """Say whether the total itself reaches the rule of progression, or was seen again."""
    main = of_total(from_json(last.clauses))
    if main is None or main.kind in (ClauseKind.SEEN_AGAIN, ClauseKind.PERHAPS_AGAIN, ClauseKind.NEW_TUMOUR):
        return main is not None
    return main.ratio is not None and main.rule_ratio is not None and main.ratio >= main.rule_ratio > 1


def _lesion_verdicts(verdicts: Sequence[records.LesionAssessment]) -> Iterator[Asked]:
    """Say which lesion has grown or may have, by its own verdict, and which the latest scan cannot show."""
    for verdict in sorted(verdicts, key=lambda one: one.lesion_id):
        if severity(State(verdict.state), DisplayState(verdict.display_state)):
            words = f"lesion {verdict.lesion_id} {_lesion_words(verdict)}"
            sure = verdict.display_state != DisplayState.POSSIBLE_GROWTH
            brief = f"lesion {verdict.lesion_id} growing" if sure else f"possible growth of lesion {verdict.lesion_id}"
            yield Open(Question.LESION_GROWTH, words, brief)
        elif verdict.volume_mm3 is None:
            yield Question.NOT_JUDGED, f"lesion {verdict.lesion_id} not assessable: {verdict.missing_reason}"


def _lesion_words(verdict: records.LesionAssessment) -> str:
    """Return what a lesion did, from its reference to now and where that lies to rule and error."""
    main = next(iter(from_json(verdict.clauses)), None)
    if main is None:
        return f"by itself: {verdict.reason}"
    if main.kind != ClauseKind.CHANGE or main.unit != "mm³" or main.value is None or main.reference_value is None:
        return f"by itself: {main.words[:1].lower()}{main.words[1:]}" + (f": {main.ruling}" if main.ruling else "")
    figures = wording.figures_beside(main.value, main.reference_value)
    sizes = f"{wording.volume(main.reference_value, figures)} on {main.reference_on} to "
    sizes += f"{wording.volume(main.value, figures)} on {main.on}"
    return f"grew from {sizes} ({main.change}): {main.ruling}"


def _called(last: records.Assessment, *, only_marks: bool = False) -> Iterator[Asked]:
    """Say what the latest verdict calls, in its own words for where the change lies."""
    parts = from_json(last.clauses)
    if not only_marks:
        yield from _called_of_total(last, parts)
    for part in parts:
        if part.kind == ClauseKind.ELSEWHERE:
            yield Open(Question.NEW_LESION, part.text, "new tumour elsewhere")
        elif part.kind == ClauseKind.UNJUDGED_LESION:
            yield Question.NEW_LESION, part.text


def _called_of_total(last: records.Assessment, parts: Sequence[Clause]) -> Iterator[Asked]:
    main = of_total(parts)
    place = f": {main.ruling}" if main and main.ruling else ""
    grown = (DisplayState.GROWTH, DisplayState.POSSIBLE_GROWTH)
    if last.state == State.RECURRENCE:
        yield Open(Question.NEW_LESION, "tumour seen where there was none" + place, "tumour seen again")
    elif last.state == State.PROGRESSION and main and main.kind == ClauseKind.NEW_TUMOUR:
        yield Open(Question.NEW_LESION, FIRST_SEEN + place, FIRST_SEEN)
    elif last.state == State.PROGRESSION and main and main.kind == ClauseKind.PERHAPS_AGAIN:
        yield Open(Question.NEW_LESION, PERHAPS_SEEN + place, PERHAPS_SEEN)
    elif last.state == State.DISTANT:
        seen = [part.text for part in parts if part.kind == ClauseKind.NEW_LESION]
        yield Question.NEW_LESION, seen[0] if seen else "a new lesion"
    elif last.display_state == DisplayState.POSSIBLE_GROWTH:
        yield Question.POSSIBLE_GROWTH, "possible growth" + place
    elif last.display_state == DisplayState.GROWTH or last.category == Category.PD:
        clinical = [part.text for part in parts if part.kind == ClauseKind.CLINICAL]
        ending = place if last.display_state in grown else "".join(f": {text}" for text in clinical)
        called = "progression" if last.category == Category.PD else "growth"
        brief = "clinical progression" if clinical and last.display_state not in grown else called
        yield Open(Question.GROWTH, called + ending, brief)


def _neuraxis(patient: PatientRows) -> Iterator[Asked]:
    """Say what the latest form of the whole neuraxis found."""
    days = patient.days
    dated = [form for form in patient.forms if form.session_id in days]
    last = max(dated, key=lambda form: (days[form.session_id], form.session_id), default=None)
    if last is not None and last.present is not None:
        question = Question.NEW_LESION if last.leptomeningeal == "yes" else Question.NEW_SIGNAL
        yield question, f"whole neuraxis on {days[last.session_id]}: {last.present}"


def _lesions(patient: PatientRows, with_verdict: Container[str]) -> Iterator[Asked]:
    """Say which of several lesions is new on the latest scan, or has grown since its smallest.

    A new lesion that a person withdrew is none; of a lesion that has a verdict of its own, that speaks of its growth.
    """
    withdrawn = {
        act.component_sha256 or act.lesion_id
        for act in patient.acts
        if act.act == "withdraw_lesion" and act.status == "in_force"
    }
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
    new = {
        row.lesion_id
        for row in patient.components
        if row.session_id == now and row.status == "new" and not {row.component_sha256, row.lesion_id} & withdrawn
    }
    for lesion in sorted(here):
        size, on = wording.volume(sizes[lesion][now]), days[now]
        if lesion in new and now != next(iter(days)):
            yield Open(Question.NEW_LESION, f"lesion {lesion} first seen on {on} ({size})", f"new lesion {lesion}")
        earlier = {name: sizes[lesion][name] for name in since if sizes[lesion].get(name) and name != now}
        if earlier and len(here) > 1 and lesion not in with_verdict:
            smallest = min(earlier, key=lambda name: earlier[name])
            if sizes[lesion][now] >= WITHOUT_ERROR * earlier[smallest]:
                yield Open(
                    Question.LESION_GROWTH,
                    f"lesion {lesion} {_grew(earlier, smallest, sizes[lesion][now], on, days)}",
                    f"possible growth of lesion {lesion}",  # by its sizes alone: nobody knows their error
                )


def _grew(sizes: dict[str, float], smallest: str, now: float, on: date, days: dict[str, date]) -> str:
    figures = wording.figures_beside(now, sizes[smallest])
    return (
        f"grew from {wording.volume(sizes[smallest], figures)} on {days[smallest]} to "
        f"{wording.volume(now, figures)} on {on} ({wording.change_of(now / sizes[smallest])})"
    )


def _function(patient: PatientRows) -> Iterator[Asked]:
    """Say on which scale function is worse than at its best since the last surgery, and was not before."""
    operated = max((t.started_on for t in patient.treatments if t.kind == TreatmentKind.SURGERY), default=date.min)
    for scale_id in sorted({score.scale_id for score in patient.scores}):
        if LIKE_MCCORMICK not in scale_id.lower():
            continue
        scores = sorted((s for s in patient.scores if s.scale_id == scale_id), key=lambda s: (s.assessed_on, s.grade))
        last, before = scores[-1], scores[:-1]
        reference_scores = [score for score in before if score.assessed_on > operated] or before[-1:]
        best = min(reference_scores, key=lambda score: (score.grade, -score.assessed_on.toordinal()), default=None)
        if best is not None and last.grade > best.grade:
            words = f"grade {best.grade:g} on {best.assessed_on}, {last.grade:g} on {last.assessed_on}"
            since = next(
                (s.assessed_on for s in scores if s.assessed_on > _not_worse_on(scores, best)), last.assessed_on
            )
            yield Open(
                Question.FUNCTION,
                f"function worse: {scale_name(scale_id)} {words}",
                f"clinically worse since {since}",
            )


def _not_worse_on(scores: Sequence[records.FunctionScore], best: records.FunctionScore) -> date:
    """Return the last day on which function was no worse than at its best."""
    return max(score.assessed_on for score in scores if score.grade <= best.grade)


def _compartments(patient: PatientRows, *, with_worse_function: bool) -> Iterator[Asked]:
    """Say which cyst or syrinx has grown, beyond its error, since it was smallest after the last surgery."""
    days, since = patient.days, patient.since_surgery()
    for compartment in FOLLOWED:
        by_session = {m.session_id: m for m in patient.measurements if m.compartment == compartment}
        sizes = {name: by_session[name].volume_mm3 for name in since if name in by_session}
        measured = {name: size for name, size in sizes.items() if size is not None}
        if len(measured) < 2:
            continue
        now, smallest = list(measured)[-1], min(measured, key=lambda name: measured[name])
        size, least = measured[now], measured[smallest]
        if not size or now == smallest:
            continue
        also = ", with worse function" if with_worse_function else ""
        if not least:
            seen = f"{wording.volume(size)} on {days[now]} where none was seen on {days[smallest]}"
            yield Open(Question.CYST, f"{compartment} {seen}{also}", f"new {compartment}")
        elif _has_grown(patient, [by_session[name] for name in measured]):
            words = f"{compartment} {_grew(measured, smallest, size, days[now], days)}{also}"
            yield Open(Question.CYST, words, f"{compartment} growing")


def _has_grown(patient: PatientRows, measurements: Sequence[records.Measurement]) -> bool:
    """Say whether the last reading is above the smallest beyond the error of all, or by much where that is unknown."""
    days = patient.days
    visits = [
        VisitMeasure(row.session_id, days[row.session_id], row.volume_mm3, row.volume_cv, row.cv_source == ASSUMED)
        for row in measurements
        if row.bound_reason is None or row is measurements[-1]
    ]
    scan_pair = own_smallest.since_smallest(visits[-1], visits[:-1])
    if scan_pair is None or scan_pair.change is not None:
        return own_smallest.has_grown(scan_pair)
    return scan_pair.value > WITHOUT_ERROR * scan_pair.reference_value


def _earlier(judged: Sequence[records.Assessment], patient: PatientRows) -> Iterator[Asked]:
    """Say when progression was called before, if no treatment followed it and the latest verdict says otherwise."""
    if not judged or judged[-1].category == Category.PD:
        return
    days = patient.days
    answered = max((t.started_on for t in patient.treatments if t.kind not in UNCHANGING), default=date.min)
    called = [days[a.session_id] for a in judged if _is_proven(a) and days[a.session_id] > answered]
    if called:
        more = f" and {wording.count(len(called) - MOST_DAYS, 'more scan')}" if len(called) > MOST_DAYS else ""
        days_called = ", ".join(wording.day(day) for day in called[-MOST_DAYS:])
        yield Question.EARLIER_PROGRESSION, f"earlier: progression on {days_called}{more}"


def _readers(patient: PatientRows) -> Iterator[Asked]:
    """Say which mask one person accepted and another excluded, whoever was last, and both saw the same one."""
    by_mask: dict[tuple[str, str, str], dict[str, set[str]]] = {}
    for act in patient.acts:
        if act.act in READINGS and act.status in {"in_force", "replaced"} and act.mask_sha256 and act.session_id:
            mask = (act.session_id, act.compartment or str(Compartment.TUMOUR), act.mask_sha256)
            by_mask.setdefault(mask, {}).setdefault(act.act, set()).add(act.who)
    for (session_id, compartment, _), by_act in sorted(by_mask.items()):
        accepted, excluded = (by_act.get(act, set()) for act in READINGS)
        if accepted and excluded and len(accepted | excluded) > 1:
            day = patient.days.get(session_id)
            which = f"{compartment} mask of {day or session_id}"
            words = f"{which}: accepted by {', '.join(sorted(accepted))}, excluded by {', '.join(sorted(excluded))}"
            yield Open(Question.DISAGREEMENT, f"readers disagree on the {words}", "readers disagree")


def _is_proven(assessment: records.Assessment) -> bool:
    """Say whether progression was called, and not within the error of all scans where that is known."""
    is_possible = assessment.display_state == DisplayState.POSSIBLE_GROWTH
    return assessment.category == Category.PD and not (is_possible and assessment.detection_limit_ratio is not None)


def _disagreement(judged: Sequence[records.Assessment], patient: PatientRows) -> Iterator[Asked]:
    """Say how the sets of criteria that could judge the latest scan differ."""
    if not judged:
        return
    same_scan = [a for a in patient.assessments if a.session_id == judged[-1].session_id]
    calls = [a for a in same_scan if a.category != Category.NE]
    counts = Counter(a.category for a in calls)
    if len(counts) < 2:
        return
    categories = ", ".join(f"{counts[name]} {name}" for name in map(str, Category) if counts[name])
    left = len(same_scan) - len(calls)
    yield Question.DISAGREEMENT, f"criteria disagree: {categories}" + (f" ({left} not evaluable)" if left else "")
