"""One patient on the way through the steps: the visits by date, and what is known of the patient as a whole.

Records are only ever added, never changed. What goes wrong with one visit becomes a finding and stops no other visit
(:func:`attempt`).
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from pipeline.context.surveillance import Surveillance
from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.piece_names import NamesGiven, PiecePlace
from pipeline.core.vocabulary import PatientCourse, VisitMeasure
from pipeline.errors import CordtrackError, StoreError
from pipeline.journal.decisions import Decisions
from pipeline.journal.lesion_acts import LesionWithdrawal
from pipeline.judge.criteria import ResponseCriteria
from pipeline.lesions import matching
from pipeline.mask_models import MaskSource
from pipeline.run.steps.visit_work import PlacedVisit, ReadVisit, ScannedVisit, VisitWork
from pipeline.study import study_folder

log = logging.getLogger(__name__)
MACHINE_FAILURES = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM,
)  # fmt: skip
"""No space, no quota, a disk that turned read-only or fails, no files or memory left: never a result of a scan."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class PatientPlan:
    """Everything the work on one patient depends on.

    ``criteria`` has those shown first at the front; ``mask_source`` is None where masks that nobody drew are found
    again from the patient's other visits; ``names`` are those that earlier runs and people gave to lesions.
    """

    patient: study_folder.StudyPatient
    out_dir: Path
    criteria: tuple[ResponseCriteria, ...]
    schedules: Surveillance
    mask_source: MaskSource | None = None
    names: NamesGiven = field(default_factory=NamesGiven)


@dataclass(frozen=True)
class Acts:
    """The acts about one patient with what has become of them, and what stands."""

    entries: tuple[records.JournalEntry, ...] = ()
    decided: Decisions = field(default_factory=Decisions)


@dataclass(frozen=True)
class PieceSize:
    """What one piece of tumour measures beside its volume; ``bound_reason`` says why there may be more of it.

    ``volume_cv`` is the coefficient of variation of its volume by its size and sampling alone.
    """

    slices_spanned: int
    product_mm2: float
    longest_mm: float
    bound_reason: str | None = None
    volume_cv: float | None = None


@dataclass(frozen=True)
class LinkedLesions:
    """What matching found of the pieces of tumour of a patient's scans, before anybody said more.

    Attributes
    ----------
    sightings
        Of dated visits, in their order.
    undated
        Of scans without a day, of lesions that dated ones show, and of pieces that are new beside the first one's.
    visits
        Every dated visit in order, and why its lesions were not followed; None where they were.
    places, sizes
        What each piece is told by, and what it measures, by session and number.
    by_hand
        Visits whose tumour a person drew or signed.
    """

    patient_id: str = ""
    sightings: tuple[matching.Sighting, ...] = ()
    undated: tuple[matching.Sighting, ...] = ()
    visits: tuple[tuple[str, str | None], ...] = ()
    places: Mapping[tuple[str, int], PiecePlace] = field(default_factory=dict)
    sizes: Mapping[tuple[str, int], PieceSize] = field(default_factory=dict)
    by_hand: frozenset[str] = frozenset()

    @property
    def digests(self) -> dict[tuple[str, int], str]:
        """Session and number of each piece to the digest of its voxels."""
        return {key: place.sha256 for key, place in self.places.items()}

    @property
    def first_looked(self) -> str | None:
        """The first dated visit at which lesions were followed."""
        return next((session_id for session_id, why in self.visits if why is None), None)


@dataclass(frozen=True)
class FollowedLesions:
    """Each lesion at each visit, and the visits at which a person's mask shows an unequivocal new one.

    Attributes
    ----------
    new_tumour_mm3
        Volume by session of tumours that were new beside another, then or earlier, mm³.
    sizes
        What each piece measures, by session and number.
    new_tumours
        Names of those tumours.
    by_hand
        Visits whose tumour a person drew or signed.
    withdrawn_visits, withdrawn_lesions
        Visits whose new lesions, and lesions by name, that a person withdrew: they are no tumour.
    imported
        Sizes of lesions that a table tells apart, by session and name.
    settled
        Session and lesion of which a person said that it is this one.
    undated
        Sizes of lesions that a table tells apart on scans without a day, by name.
    undated_components
        Lesions of dated scans as scans without a day show them.
    linked
        What matching found of the pieces of scans.
    named
        Ids of the entries about a table's names that have an effect.
    """

    components: tuple[records.LesionComponent, ...] = ()
    new_lesion_sessions: frozenset[str] = frozenset()
    new_tumour_mm3: Mapping[str, float] = field(default_factory=dict)
    sizes: Mapping[tuple[str, int], PieceSize] = field(default_factory=dict)
    new_tumours: frozenset[str] = frozenset()
    by_hand: frozenset[str] = frozenset()
    withdrawn_visits: Mapping[str, LesionWithdrawal] = field(default_factory=dict)
    withdrawn_lesions: Mapping[str, LesionWithdrawal] = field(default_factory=dict)
    imported: Mapping[tuple[str, str], VisitMeasure] = field(default_factory=dict)
    settled: frozenset[tuple[str, str]] = frozenset()
    named: frozenset[str] = frozenset()
    undated: Mapping[str, tuple[VisitMeasure, ...]] = field(default_factory=dict)
    undated_components: tuple[records.LesionComponent, ...] = ()
    linked: LinkedLesions = field(default_factory=LinkedLesions)


@dataclass(frozen=True)
class PatientWork:
    """All that is known of a patient so far.

    Attributes
    ----------
    visits
        By date.
    reference
        The visit that all others are laid on; None where no visit can be.
    acts
        What people decided, held against the masks that are measured.
    lesions
        Each lesion from visit to visit.
    course
        What judgement may look at.
    rows
        The records made so far, each kind in a fixed order.
    """

    plan: PatientPlan
    visits: tuple[VisitWork, ...] = ()
    reference: ScannedVisit | None = None
    acts: Acts = field(default_factory=Acts)
    lesions: FollowedLesions = field(default_factory=FollowedLesions)
    course: PatientCourse = field(default_factory=lambda: PatientCourse("", ()))
    rows: tuple[Any, ...] = ()

    @property
    def reads(self) -> tuple[ReadVisit, ...]:
        """What was read of each visit."""
        return tuple(visit.read for visit in self.visits)

    @property
    def placed(self) -> tuple[PlacedVisit, ...]:
        """The visits that lie in the reference space."""
        return tuple(visit for visit in self.visits if isinstance(visit, PlacedVisit))

    @property
    def measured(self) -> tuple[records.Measurement, ...]:
        """The sizes of all compartments of all visits."""
        return tuple(row for visit in self.visits for row in visit.measured)

    def adding(self, *result_rows: Any) -> PatientWork:
        """Return the same with more records."""
        return replace(self, rows=(*self.rows, *result_rows))

    def changing(self, visits: Iterable[VisitWork]) -> PatientWork:
        """Return the same with some visits known better."""
        better = {visit.session_id: visit for visit in visits}
        return replace(self, visits=tuple(better.get(visit.session_id, visit) for visit in self.visits))


def attempt(
    work: Callable[[], Result], visit: ReadVisit, step: str
) -> tuple[Result | None, tuple[records.Finding, ...]]:
    """Do one step of one visit; a failure becomes a finding in place of the result.

    Raises
    ------
    StoreError
        The machine is at fault and not the visit: every other step would fail as this one did.
    """
    try:
        return work(), ()
    except StoreError:
        raise
    except CordtrackError as error:
        message = f"{visit.named}, {step}: {error}"
        return None, (finding("step_failed", message, **visit.subject),)
    except Exception as error:  # the border: one visit's surprise must not cost the others
        if isinstance(error, OSError) and error.errno in MACHINE_FAILURES:
            raise StoreError(
                f"{visit.named}, {step}: this machine could not go on ({error.strerror}{_of_file(error)}); "
                "free some space or correct the permissions, then run again"
            ) from error
        log.exception("%s, %s", visit.named, step)
        message = f"{visit.named}, {step}: unexpected {type(error).__name__}: {error}"
        return None, (finding("step_crashed", message, **visit.subject),)


def _of_file(error: OSError) -> str:
    return f": {error.filename}" if error.filename else ""
