"""What people decided reaches every number once: masks, sizes and judgement agree about it."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from pipeline.core import records
from pipeline.core.vocabulary import Compartment, MaskOrigin, VisitMeasure
from pipeline.core.volume import Volume
from pipeline.journal.decisions import ActKind
from pipeline.refind.refinding import CARRIED_OVER, GROWN
from pipeline.run.steps import apply_acts, judge_course, measure_visits
from pipeline.run.steps.patient_work import FollowedLesions
from pipeline.run.steps.visit_work import Copies, MaskedVisit, ScannedVisit, VisitWork
from pipeline.study.scans import ScanFile
from pipeline.study.study_folder import StudyPatient
from pipeline.study.visits import StudyVisit

AT = datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001  # the journal keeps UTC without a zone
CUBE = Volume(np.pad(np.ones((10, 10, 10)), 5), np.eye(4))
PATIENT = records.Patient("sub-01")


def automatic(method: str) -> VisitWork:
    """A visit with a tumour of 1 mL and a cyst, both from another visit's masks."""
    anchor = ScanFile(Path("x"), "x_T2w.nii.gz", "sub-01", "ses-02", "T2w")
    visit = StudyVisit("sub-01", "ses-02", date(2020, 1, 1), (anchor,), ())
    rows = tuple(
        records.Segmentation(
            "sub-01", "ses-02", name, "cordtrack", "automatic", "output", f"{name}.nii.gz", "x_T2w.nii.gz", name,
            is_primary=True, method=method, note=None, software="",
        ) for name in ("tumour", "cyst")
    )  # fmt: skip
    masks = {"cordtrack": {Compartment.TUMOUR: CUBE, Compartment.CYST: CUBE}}
    masked = MaskedVisit("ses-02", MaskOrigin.AUTOMATIC, masks, rows, source="cordtrack")
    return VisitWork(ScannedVisit(visit, "usable", None, anchor, CUBE, (), ()), masked)


def entry(act: ActKind, compartment: str | None = "tumour", sha256: str | None = "tumour") -> records.JournalEntry:
    return records.JournalEntry(
        act, AT, "A. Reader", act, "sub-01", "ses-02", compartment=compartment, mask_sha256=sha256, reason="seen"
    )


def after(visit: VisitWork, *entries: records.JournalEntry) -> tuple[VisitWork, VisitMeasure]:
    """Return the visit decided about and measured, and what judgement may look at."""
    other = VisitWork(replace(visit.read, visit=StudyVisit("sub-01", "ses-01", date(2019, 1, 1), (), ())), visit.masks)
    acts = apply_acts.acts_on(entries, [other, visit])
    decided = apply_acts.decided(visit, acts.decided)
    sizes = measure_visits.measure_visit(decided, [Compartment.TUMOUR, Compartment.CYST], None)
    measured = replace(decided, measured=sizes)
    patient = StudyPatient(PATIENT, (visit.read.visit,), (), ())
    (judgeable,) = judge_course.course_of(patient, [measured], FollowedLesions()).visits
    return measured, judgeable


def test_a_carried_over_mask_is_judged_once_somebody_accepts_it_and_not_before() -> None:
    _, unseen = after(automatic(CARRIED_OVER))
    assert (unseen.volume_mm3, unseen.missing_reason) == (None, judge_course.CARRIED_OVER)
    _, accepted = after(automatic(CARRIED_OVER), entry(ActKind.ACCEPT_MASK))
    assert (accepted.volume_mm3, accepted.missing_reason, accepted.signed_off) == (1000.0, None, True)


@pytest.mark.parametrize(
    "about", [{"compartment": "cyst", "sha256": "cyst"}, {"sha256": "another file"}], ids=["the cyst", "a changed mask"]
)
def test_accepting_another_mask_leaves_a_carried_over_tumour_unjudged(about: dict[str, str]) -> None:
    _, judgeable = after(automatic(CARRIED_OVER), entry(ActKind.ACCEPT_MASK, **about))
    assert (judgeable.volume_mm3, judgeable.signed_off) == (None, False)


def test_an_accepted_mask_counts_as_a_person_s_for_lesions_and_keeps_its_error() -> None:
    before, _ = after(automatic(GROWN))
    accepted, judgeable = after(automatic(GROWN), entry(ActKind.ACCEPT_MASK))
    assert accepted.counted.origin_of(Compartment.TUMOUR) == MaskOrigin.EDITED
    assert before.counted.origin_of(Compartment.TUMOUR) == MaskOrigin.AUTOMATIC
    assert accepted.measured == before.measured, "looking at a mask does not make it more exact"
    assert judgeable.mask_origin == MaskOrigin.AUTOMATIC


def test_an_excluded_mask_has_no_size_anywhere_and_its_neighbour_keeps_its_own() -> None:
    excluded, judgeable = after(automatic(GROWN), entry(ActKind.EXCLUDE_MASK))
    tumour, cyst = excluded.measured
    why = "mask excluded by A. Reader on 2024-05-06: seen"
    assert (tumour.volume_mm3, tumour.missing_reason, tumour.source) == (None, why, "cordtrack")
    assert (judgeable.volume_mm3, judgeable.missing_reason) == (None, why)
    assert cyst.volume_mm3 == 1000.0
    assert set(excluded.counted.primary) == {Compartment.CYST}
    assert set(excluded.masks.primary) == {Compartment.TUMOUR, Compartment.CYST}, "it can still be looked at"


def test_an_excluded_visit_has_no_size_at_all_and_offers_no_mask_to_others() -> None:
    act = entry(ActKind.EXCLUDE_VISIT, None, None)
    excluded, judgeable = after(automatic(GROWN), act)
    assert [row.volume_mm3 for row in excluded.measured] == [None, None]
    assert judgeable.missing_reason == "visit excluded by A. Reader on 2024-05-06: seen"
    (offered,) = apply_acts.offered((act,), [automatic(GROWN)])
    assert not offered.masks.primary
    assert apply_acts.offered((), [automatic(GROWN)])[0].masks.primary
    visit = automatic(GROWN)
    with_cord = replace(visit, masks=replace(visit.masks, cord=CUBE))  # of another folder
    assert not apply_acts.offered((act,), [with_cord])[0].masks.primary


def test_excluding_the_other_visit_frees_a_copy() -> None:
    copied = replace(automatic(GROWN), copies=Copies(scan_of=frozenset({"ses-01"})))
    excluded = replace(entry(ActKind.EXCLUDE_VISIT, None, None), session_id="ses-01")
    assert after(copied)[0].measured[0].volume_mm3 is None
    assert after(copied, entry(ActKind.ACCEPT_MASK))[0].measured[0].volume_mm3 is None
    assert after(copied, excluded)[0].measured[0].volume_mm3 == 1000.0
