"""What an act would change before it counts: the latest verdict as it stands and with the act, by the same function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboard.data import queries
from dashboard.patient import scan_panes
from dashboard.words import acts_beside, labels
from pipeline.core.vocabulary import PatientCourse, VisitJudgement
from pipeline.journal.decisions import TUMOUR, Act, ActKind, Standing
from pipeline.journal.lesion_acts import LesionCorrection, LesionNaming, NameAnswer
from pipeline.journal.sign_off import LESION, bound
from pipeline.judge import course_text, what_if
from pipeline.judge.criteria import Metric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.run.steps.other_names import Renaming

SCAN_COPIED = "scan_copied"
"""Finding of a visit that has no size because its scan is another visit's too."""
COMES_FREE = (
    "{} holds the same scan and has no size for it: its size counts again after the next run, which may change more."
)
MAY_COME_FREE = (
    "{} holds the same scan and has no size for it: its size may count after the next run, which may change more."
)
"""Of a visit on which more than the scan is in doubt, or on which nobody outlined the tumour."""
BY_OTHER_SIZES = "What criteria by diameters say of the drawing is known after the next run."
NOT_KNOWN = "What it changes is known after the next run."


def preview(patient_id: str, criteria_id: str, kind: str, session_id: str, compartment: str = TUMOUR) -> str:
    """Say what an act about a visit would change of the latest verdict on the total, and of what stands beside it.

    Beside it stand the readings, and the verdicts of the other criteria, which may compare with another visit.

    Parameters
    ----------
    kind
        A key of ``what_if.CHANGES``, or ``volume:`` and a volume in mm³ of a mask drawn anew.
    compartment
        Whose mask the act is about; of others than the tumour and ``what_if.PARTS`` nothing is said.
    """
    if compartment not in (TUMOUR, *what_if.PARTS):
        return ""
    effects = queries.derived(_effects, patient_id, kind, session_id, compartment)
    effect = effects.get(criteria_id)
    if effect is None:
        return NOT_KNOWN
    words = [_changes(effect)]
    words += [
        f"{labels.capital(acts_beside.READINGS[reading])}: {_told(one.before)} → {_told(one.after)}."
        for reading, one in effect.changed_readings.items()
    ]
    words += _other_criteria(effects, criteria_id, is_drawn=kind.startswith("volume:"))
    others = _comes_free(patient_id, session_id) if kind == ActKind.EXCLUDE_VISIT else []
    is_sure = {name: _counts_alone(patient_id, name, session_id) for name in others}
    for says, is_said in ((COMES_FREE, True), (MAY_COME_FREE, False)):
        names = " and ".join(name for name in others if is_sure[name] == is_said)
        words += [says.format(names)] if names else []
    return " ".join(words)


def _other_criteria(effects: Mapping[str, what_if.Effect | None], criteria_id: str, *, is_drawn: bool) -> list[str]:
    """Say which of the other criteria would say something else; sizes other than volumes of a drawing no run knows."""
    others = [one for one in queries.packaged_criteria() if one.criteria_id != criteria_id]
    by_known_sizes = [one for one in others if not is_drawn or one.metric == Metric.VOLUME]
    effect_by_title = {one.title: effects.get(one.criteria_id) for one in by_known_sizes}
    changed = {title: effect for title, effect in effect_by_title.items() if effect is not None and not effect.is_same}
    words = [f"{title}: {_told(effect.before)} → {_told(effect.after)}." for title, effect in changed.items()]
    same = sum(effect is not None for effect in effect_by_title.values()) - len(changed)
    if same:
        words.append(f"By {labels.count(same, 'other set')} of criteria nothing changes.")
    if len(by_known_sizes) < len(others):
        words.append(BY_OTHER_SIZES)
    return words


def names_preview(patient_id: str, criteria_id: str, session_id: str, names: tuple[str, str], answer: str) -> str:
    """Say what an answer about two names of a table's lesions would change of the latest verdicts.

    Parameters
    ----------
    names
        The lesion that is spoken of, and the other one; empty where none was given yet.
    answer
        A ``NameAnswer``.
    """
    if not all(names):
        return ""
    return _of_renaming(queries.derived(_renaming, patient_id, criteria_id, session_id, *names, answer))


def lesion_preview(patient_id: str, criteria_id: str, session_id: str, names: tuple[str, str]) -> str:
    """Say what recognising a lesion of a scan as another one would change of the latest verdicts.

    Parameters
    ----------
    names
        The lesion as it is called now, and what it is to be called from this visit on; empty where not typed yet.
    """
    if not all(names) or not LESION.fullmatch(names[1]):
        return ""
    return _of_renaming(queries.derived(_recognising, patient_id, criteria_id, session_id, *names))


def _of_renaming(renaming: Renaming | None) -> str:
    if renaming is None:
        return NOT_KNOWN
    words = [_changes(renaming.verdict)]
    words += [f"{name}: {_told(one.before)} → {_told(one.after)}." for name, one in renaming.lesions.items()]
    return " ".join(words)


def _recognising(patient_id: str, criteria_id: str, session_id: str, lesion: str, same_as: str) -> Renaming | None:
    from pipeline.run.steps import other_identity  # noqa: PLC0415  # loads what follows lesions, which few pages need

    courses, criteria = queries.query("patient_judged_course", patient_id=patient_id), queries.criteria_of(criteria_id)
    if courses.empty or criteria is None:
        return None
    act = Act(ActKind.CORRECT_LESION, patient_id, session_id, lesion_id=lesion, same_as=same_as)
    meant = bound(act, queries.query("patient_lesions", patient_id=patient_id)).component_sha256
    correction = LesionCorrection(session_id, lesion, same_as, meant)
    return other_identity.effect_of(str(courses.iloc[0]["course"]), correction, criteria)


def _renaming(
    patient_id: str, criteria_id: str, session_id: str, lesion: str, other: str, answer: str
) -> Renaming | None:
    from pipeline.run.steps import other_names  # noqa: PLC0415  # loads what follows lesions, which few pages need

    courses, criteria = queries.query("patient_judged_course", patient_id=patient_id), queries.criteria_of(criteria_id)
    if courses.empty or criteria is None:
        return None
    naming = LesionNaming("preview", session_id, lesion, other, NameAnswer(answer), "you")
    return other_names.effect_of(str(courses.iloc[0]["course"]), naming, criteria)


def _changes(effect: what_if.Effect) -> str:
    if effect.is_same:
        return f"The latest verdict stays: {_told(effect.after)}."
    return f"The latest verdict changes: {_told(effect.before)} → {_told(effect.after)}."


def _comes_free(patient_id: str, session_id: str) -> list[str]:
    """Return the visits that would be alone in use with their scan, which they share with one to be excluded."""
    findings, scans, journal = (
        queries.query(name, patient_id=patient_id) for name in ("patient_findings", "patient_scans", "patient_journal")
    )
    is_out = (journal["act"] == ActKind.EXCLUDE_VISIT) & (journal["status"] == Standing.IN_FORCE)
    in_use = scans[scans["is_anchor"].astype(bool) & ~scans["session_id"].isin(journal.loc[is_out, "session_id"])]
    here = in_use.loc[in_use["session_id"] == session_id, "sha256"]
    others = set(in_use.loc[in_use["sha256"].isin(here), "session_id"]) - {session_id}
    doubted = set(findings.loc[findings["code"] == SCAN_COPIED, "session_id"])
    return sorted(others & doubted) if len(others) == 1 else []


def _counts_alone(patient_id: str, session_id: str, copied: str) -> bool:
    """Tell whether a visit has one tumour mask, in use, which is no other visit's but that of the one it copies."""
    masks = queries.query("patient_masks", patient_id=patient_id)
    of_tumour = masks[masks["compartment"] == TUMOUR]
    here = of_tumour[of_tumour["session_id"] == session_id]
    if len(here) != 1 or not here["is_primary"].all():
        return False
    elsewhere = of_tumour[~of_tumour["session_id"].isin([session_id, copied])]
    is_shared = elsewhere["sha256"].isin(here["sha256"]).any()
    return not is_shared and TUMOUR not in scan_panes.excluded_compartments(patient_id, session_id)


def _course_of(patient_id: str) -> PatientCourse | None:
    courses = queries.query("patient_judged_course", patient_id=patient_id)
    return None if courses.empty else course_text.from_text(str(courses.iloc[0]["course"]))


def _effects(patient_id: str, kind: str, session_id: str, compartment: str) -> dict[str, what_if.Effect | None]:
    """Return what an act would change by each packaged set of criteria; empty where no run has judged the visit."""
    course = _course_of(patient_id)
    visit = next((one for one in course.visits if one.session_id == session_id), None) if course else None
    if course is None or visit is None:
        return {}
    if kind == "accept_mask" and visit.volume_mm3 is None:
        return {}  # a mask that was only carried over counts once it is accepted: its size is not judged yet
    changed = _changed(course, kind, session_id, compartment)
    now = queries.derived(_latest_verdicts, patient_id)
    return {
        one.criteria_id: what_if.effect_between(now[one.criteria_id], what_if.latest_verdicts(changed, one))
        for one in queries.packaged_criteria()
    }


def _latest_verdicts(patient_id: str) -> dict[str, what_if.LatestVerdicts | None]:
    """Return what each packaged set of criteria says last of a patient as it stands, the same for every act."""
    course = _course_of(patient_id)
    assert course is not None
    return {one.criteria_id: what_if.latest_verdicts(course, one) for one in queries.packaged_criteria()}


def _changed(course: PatientCourse, kind: str, session_id: str, compartment: str) -> PatientCourse:
    if kind.startswith("volume:"):
        volume_mm3 = float(kind.removeprefix("volume:"))
        if compartment == TUMOUR:
            return what_if.with_volume(course, session_id, volume_mm3)
        return what_if.with_part_volume(course, session_id, volume_mm3, compartment)
    if kind == ActKind.EXCLUDE_MASK and compartment != TUMOUR:
        return what_if.without_part(course, session_id, "its mask is excluded", compartment)
    return what_if.CHANGES[kind](course, session_id, "you")


def _told(verdict: VisitJudgement) -> str:
    row = {
        "state": str(verdict.state),
        "display_state": str(verdict.display_state),
        "clauses": verdict.clauses,
        "is_provisional": verdict.provisional,
    }
    return f"{acts_beside.verdict(row)} on {verdict.acquired_on}"
