"""What a run would find in a study folder, said without computing anything: what is wrong, and what it will measure.

The first steps of a run, and no rules beside theirs: names, tables, scans and masks are read by the functions that a
run reads them with, and what they find odd is what a run would say. What only alignment and measuring can tell (a
poor alignment, a scan that differs too much) is left to the run.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pipeline.core.records import Finding
from pipeline.core.vocabulary import Compartment
from pipeline.run import study_run, workers
from pipeline.run.run_settings import RunSettings
from pipeline.run.steps import mask_visits, read_visits, use_drawings
from pipeline.run.steps.patient_work import PatientPlan, PatientWork
from pipeline.run.steps.visit_work import ScannedVisit, VisitWork
from pipeline.run.study_outlook import Outlook, StudyCheck, VisitOutlook
from pipeline.study.study_folder import StudyPatient

READING = (read_visits.read, mask_visits.read_masks, use_drawings.read_drawings, use_drawings.put_in_place)
"""The steps of a run's story that read and compute nothing."""

SEVERITIES = ("error", "warning", "note")
NEVER_JUDGED = "measured, but never judged: the study gives no valid date for it"
NOBODY_DREW = "nobody drew the tumour at any visit of this patient, so that there is nothing to find again"


def check(settings: RunSettings, on_progress: Callable[[int, int, str], None]) -> StudyCheck:
    """Read a study folder as a run would, and say what is wrong and what will not be measured.

    Parameters
    ----------
    settings
        What a run would be asked. The output folder is read for what people decided, never written.
    on_progress
        Called with patients done, patients in all, and the name of the one just read.

    Raises
    ------
    SettingsError, InputError
        The folders or criteria asked for cannot be used.
    """
    study, rules, _ = study_run.read_inputs(settings)
    findings, visits = list(study.findings), list[VisitOutlook]()
    with ThreadPoolExecutor(settings.jobs) as pool:  # unpacking images leaves Python to the others
        read = partial(_outlook, rules=rules, settings=settings)
        for done, (patient, patient_check) in enumerate(
            zip(study.patients, pool.map(read, study.patients), strict=True), 1
        ):
            visits += patient_check[0]
            findings += patient_check[1]
            on_progress(done, len(study.patients), patient.patient.patient_id)
    ordered = sorted(
        dict.fromkeys(findings),
        key=lambda one: (SEVERITIES.index(one.severity), one.patient_id or "", one.session_id or ""),
    )
    names = tuple(one.patient.patient_id for one in study.patients)
    return StudyCheck(study.name, names, tuple(visits), tuple(ordered))


def _outlook(
    patient: StudyPatient, rules: workers.Rules, settings: RunSettings
) -> tuple[tuple[VisitOutlook, ...], tuple[Finding, ...]]:
    """Read one patient's scans and masks; say how each visit will be measured, and what is odd."""
    plan = PatientPlan(patient, settings.out_dir, rules.criteria, rules.schedules, rules.mask_source)
    work = PatientWork(plan)
    for step in READING:
        work = step(work)
    is_drawn = any(map(_is_drawn, work.visits))
    outlooks = tuple(_visit_outlook(visit, plan, drawn_elsewhere=is_drawn) for visit in work.visits)
    return outlooks, tuple(row for row in work.rows if isinstance(row, Finding))


def _visit_outlook(visit: VisitWork, plan: PatientPlan, *, drawn_elsewhere: bool) -> VisitOutlook:
    read = visit.read
    outlook, reason = Outlook.NOTHING, read.status_reason
    if read.visit.imported or _is_drawn(visit):
        outlook = Outlook.IMPORTED if read.visit.imported else Outlook.DRAWN
    elif isinstance(read, ScannedVisit) and visit.masks.is_drawn_on:
        reason = "; ".join(dict.fromkeys(visit.masks.missing.values())) or _drawn_here(visit)
    elif isinstance(read, ScannedVisit) and plan.mask_source is not None:
        outlook = Outlook.MODEL
    elif isinstance(read, ScannedVisit):
        outlook, reason = (Outlook.FOUND_AGAIN, None) if drawn_elsewhere else (Outlook.NOTHING, NOBODY_DREW)
    if outlook != Outlook.NOTHING:
        reason = None if read.acquired_on else NEVER_JUDGED
    return VisitOutlook(read.visit.patient_id, read.session_id, read.acquired_on, outlook, reason)


def _drawn_here(visit: VisitWork) -> str:
    names = ", ".join(sorted(str(compartment) for compartment in visit.masks.compartments))
    return f"what is drawn here is {names}, and no tumour"


def _is_drawn(visit: VisitWork) -> bool:
    """Say whether somebody drew the tumour here, in the study folder or on the pages; an empty mask says it is gone."""
    return Compartment.TUMOUR in visit.masks.primary
