"""One visit on its way through the steps: each step takes it and gives back one that is known better.

A visit starts as what was read of it (:class:`ReadVisit`); one whose scan can be measured on is a
:class:`ScannedVisit`, and one that has a place in the patient's reference space a :class:`PlacedVisit`, so that a step
says in its signature which visits it can work on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from functools import cached_property

from pipeline.context import neuraxis
from pipeline.core import records
from pipeline.core.transform import Transform
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.journal import drawn_masks
from pipeline.measure.imported_sizes import any_seeding
from pipeline.refind import refinding
from pipeline.study import study_folder

DRAWN_SOURCE = drawn_masks.FOLDER
"""Source of the masks that people drew in place of others; no derivatives folder can have this name."""

FOUND_AGAIN = (refinding.GROWN, refinding.GROWN_LESS_SURELY)


@dataclass(frozen=True)
class ReadVisit:
    """A visit with the scan that everything is measured on; ``image`` is None when it has none that can be read."""

    visit: study_folder.StudyVisit
    status: str
    status_reason: str | None
    anchor: study_folder.ScanFile | None
    image: Volume | None
    scans: tuple[records.Scan, ...]
    findings: tuple[records.Finding, ...]

    @property
    def session_id(self) -> str:
        """Name of the visit, such as ``ses-02``."""
        return self.visit.session_id

    @property
    def seeding(self) -> bool | None:
        """Seeding along the meninges, by the sessions table, the form or imported rows; None where nobody looked."""
        by_form = neuraxis.seeding(self.visit.neuraxis)
        return any_seeding([self.visit.leptomeningeal, by_form, *(size.leptomeningeal for size in self.visit.imported)])

    @property
    def acquired_on(self) -> date | None:
        """Day of the scan, or None when the study does not say."""
        return self.visit.acquired_on

    @property
    def contrast(self) -> str | None:
        """What the anchor scan shows, such as ``T2w`` or ``T1w_ce``; None without one."""
        return self.anchor.contrast if self.anchor else None

    @property
    def anchor_sha256(self) -> str:
        """Content hash of the anchor scan."""
        return next(scan.sha256 for scan in self.scans if scan.is_anchor)

    @property
    def subject(self) -> dict[str, str]:
        """Patient and visit, as every record names them."""
        return {"patient_id": self.visit.patient_id, "session_id": self.session_id}

    @property
    def named(self) -> str:
        """Patient and visit, as messages begin with them."""
        return f"{self.visit.patient_id} {self.session_id}"


@dataclass(frozen=True)
class ScannedVisit(ReadVisit):
    """A visit that can be measured on: its anchor scan was read."""

    anchor: study_folder.ScanFile
    image: Volume


@dataclass(frozen=True)
class AlignedVisit:
    """How a visit lies in the patient's reference space; grade and record are None for the reference visit itself.

    ``closure`` is None where no earlier visit could be gone by.
    """

    session_id: str
    from_reference: Transform
    to_reference: Transform
    aligned_path: str
    record: records.Registration | None
    closure: records.Closure | None = None

    @property
    def rows(self) -> tuple[records.Registration | records.Closure, ...]:
        """The records of this visit's alignment."""
        return tuple(row for row in (self.record, self.closure) if row is not None)

    @property
    def grade(self) -> str | None:
        """Alignment grade A, B or C; None for the reference visit, which is not aligned to anything."""
        return self.record.grade if self.record else None

    @property
    def input_sha256(self) -> str | None:
        """Hash of all that the alignment depends on; None for the reference visit."""
        return self.record.input_sha256 if self.record else None


@dataclass(frozen=True)
class MaskedVisit:
    """A visit's masks on its own grid, by source and compartment.

    ``source`` names the masks that are measured, the others are repeat reads; ``drawn`` holds those that people drew in
    place of measured ones, whose compartments ``masks[source]`` then lacks; ``origin`` is that of the source.
    ``missing`` says in words why a compartment known at another visit has no mask here; ``signals`` are places that may
    be new tumour; ``bounds`` says why there may be more of a compartment than the source's mask shows; ``cord`` is that
    of another source, where the one that is measured draws none; ``disputed`` are compartments of which one reader
    draws some and another none, with who sees what.
    """

    session_id: str
    origin: MaskOrigin | None
    masks: Mapping[str, Mapping[Compartment, Volume]]
    rows: tuple[records.Segmentation, ...] = ()
    findings: tuple[records.Finding, ...] = ()
    missing: Mapping[Compartment, str] = field(default_factory=dict)
    missing_reason: str | None = None
    source: str | None = None
    drawn: Mapping[Compartment, Volume] = field(default_factory=dict)
    signals: tuple[records.NewSignal, ...] = ()
    bounds: Mapping[Compartment, str] = field(default_factory=dict)
    cord: Volume | None = None
    disputed: Mapping[Compartment, str] = field(default_factory=dict)

    @property
    def is_drawn_on(self) -> bool:
        """Whether somebody drew on this visit's scan, be it something that says nothing certain."""
        return bool(self.masks or self.missing)

    def bound_of(self, compartment: Compartment) -> str | None:
        """Return why there may be more of a compartment than its measured mask shows; None where not."""
        return None if compartment in self.drawn else self.bounds.get(compartment)

    @property
    def is_carried_over(self) -> bool:
        """Whether the tumour was only warped here from another visit, so that it can show no change."""
        tumour = (row for row in self.measured_rows if row.compartment == Compartment.TUMOUR)
        return any(row.method == refinding.CARRIED_OVER for row in tumour)

    @property
    def found_again(self) -> frozenset[str]:
        """Compartments whose masks were found again on this visit's own scan."""
        return frozenset(row.compartment for row in self.measured_rows if row.method in FOUND_AGAIN)

    @property
    def has_tumour(self) -> bool:
        """Whether solid tumour was drawn; an empty mask is none."""
        return bool(Compartment.TUMOUR in self.primary and self.primary[Compartment.TUMOUR].array.any())

    @property
    def primary(self) -> Mapping[Compartment, Volume]:
        """The masks that are measured: a person's before a program's, then by the name of the source."""
        beside = {} if self.cord is None else {Compartment.CORD: self.cord}
        return {**beside, **(self.masks[self.source] if self.source else {}), **self.drawn}

    @property
    def measured_rows(self) -> tuple[records.Segmentation, ...]:
        """The records of the masks that are measured."""
        return tuple(row for row in self.rows if row.is_primary)

    @property
    def compartments(self) -> frozenset[Compartment]:
        """All compartments that any source names."""
        return frozenset(c for masks in (*self.masks.values(), self.drawn) for c in masks)

    def measured(self, compartment: Compartment) -> records.Segmentation | None:
        """Return the record of a compartment's measured mask."""
        return next((row for row in self.measured_rows if row.compartment == compartment), None)

    def origin_of(self, compartment: Compartment) -> MaskOrigin | None:
        """Return who made a compartment's measured mask."""
        if compartment in self.drawn:
            return MaskOrigin.EDITED
        row = self.measured(compartment) if compartment == Compartment.CORD else None
        return self.origin if row is None else MaskOrigin(row.mask_origin)

    def source_of(self, compartment: Compartment) -> str:
        """Return which source a compartment's measured mask comes from."""
        if compartment in self.drawn:
            return DRAWN_SOURCE
        row = self.measured(compartment) if compartment == Compartment.CORD else None
        return (self.source or "none") if row is None else row.source

    def without(self, compartments: frozenset[Compartment]) -> MaskedVisit:
        """Return the same visit without some compartments' masks, from any source."""
        remaining = {s: {c: m for c, m in masks.items() if c not in compartments} for s, masks in self.masks.items()}
        cord = None if Compartment.CORD in compartments else self.cord
        drawn = {c: m for c, m in self.drawn.items() if c not in compartments}
        return replace(self, masks=remaining, drawn=drawn, cord=cord)


@dataclass(frozen=True)
class Drawings:
    """What people drew for one visit: masks on its grid, and why one cannot be used, in words.

    ``before`` has the masks of the visit without any drawing, once drawings were put in their place.
    """

    entries: Mapping[Compartment, records.JournalEntry] = field(default_factory=dict)
    masks: Mapping[Compartment, Volume] = field(default_factory=dict)
    unusable: Mapping[Compartment, str] = field(default_factory=dict)
    before: MaskedVisit | None = None


@dataclass(frozen=True)
class VisitDecisions:
    """What people decided about one visit.

    Attributes
    ----------
    excluded
        Compartment to who took it, or the whole visit, out of use, when and why, in words.
    accepted
        Compartments whose masks a person accepted as they are now.
    visits_out, masks_out
        All visits of the patient that a person took out of use, and all single masks, as visit and compartment: what is
        out of use is nobody's original.
    """

    excluded: Mapping[Compartment, str] = field(default_factory=dict)
    accepted: frozenset[Compartment] = frozenset()
    visits_out: frozenset[str] = frozenset()
    masks_out: frozenset[tuple[str, str]] = frozenset()

    @property
    def is_accepted(self) -> bool:
        """Whether a person accepted the tumour's mask as it is now."""
        return Compartment.TUMOUR in self.accepted


@dataclass(frozen=True)
class Copies:
    """Which other visits hold the very scan or mask of a visit; see :mod:`pipeline.run.steps.copied_visits`.

    Attributes
    ----------
    scan_of
        All other visits that hold the file of its anchor scan: nobody knows whose it is.
    masks_of
        Compartment to the earlier visits that hold its measured mask.
    reads
        Sources and compartments of other readers' masks that are an earlier visit's: no second reading of this one.
    """

    scan_of: frozenset[str] = frozenset()
    masks_of: Mapping[Compartment, frozenset[str]] = field(default_factory=dict)
    reads: frozenset[tuple[str, Compartment]] = frozenset()


NO_MASKS = MaskedVisit("", None, {})
NO_DRAWINGS = Drawings()
NOTHING_DECIDED = VisitDecisions()
NO_COPIES = Copies()


@dataclass(frozen=True)
class VisitWork:
    """All that is known of a visit so far.

    Attributes
    ----------
    read
        Its scans.
    masks
        Its masks, those that people excluded among them.
    place
        Where it lies in the reference space; None where it could not be laid there.
    sequences
        How its other sequences were brought to its anchor scan.
    drawings
        What people drew for it in place of other masks.
    decided
        What people decided about it.
    measured
        The size of each compartment.
    copies
        What of it another visit holds too.
    """

    read: ReadVisit
    masks: MaskedVisit = NO_MASKS
    place: AlignedVisit | None = None
    sequences: tuple[records.Registration, ...] = ()
    drawings: Drawings = NO_DRAWINGS
    decided: VisitDecisions = NOTHING_DECIDED
    measured: tuple[records.Measurement, ...] = ()
    copies: Copies = NO_COPIES

    @property
    def session_id(self) -> str:
        """Name of the visit, such as ``ses-02``."""
        return self.read.session_id

    @property
    def grade(self) -> str | None:
        """Alignment grade; None for the reference visit, and for one without a place."""
        return self.place.grade if self.place else None

    @property
    def is_comparable(self) -> bool:
        """Whether the visit's place is known well enough to compare it with others."""
        return self.place is not None and self.place.grade != "C"

    @property
    def shares_scan_with(self) -> frozenset[str]:
        """Other visits in use that hold the file of its anchor scan."""
        return self.copies.scan_of - self.decided.visits_out

    @property
    def why_scan_is_doubted(self) -> str | None:
        """Why nothing can be measured on its scan, which is another visit's too; None where it is its own."""
        others = " and ".join(sorted(self.shares_scan_with))
        if not others:
            return None
        return f"its scan is the very file of {others}: one of them is the wrong scan or day, nobody said which"

    @property
    def out_of_use(self) -> Mapping[Compartment, str]:
        """Compartments that have no size here, and why: excluded, copies of another visit, or readers do not agree."""
        of_masks = {}
        for name in self.copies.masks_of.keys() - self.decided.accepted - self.masks.drawn.keys():
            masks_out = {session_id for session_id, compartment in self.decided.masks_out if compartment == name}
            others = self.copies.masks_of[name] - self.decided.visits_out - masks_out
            if others:
                where = " and ".join(sorted(others))
                of_masks[name] = f"its mask is that of {where} voxel by voxel, and nobody accepted it for this visit"
        doubt = self.why_scan_is_doubted
        of_scan = {} if doubt is None else dict.fromkeys(Compartment, doubt)
        settled = self.decided.accepted | self.masks.drawn.keys()
        of_readers = {name: why for name, why in self.masks.disputed.items() if name not in settled}
        return {**of_readers, **of_masks, **of_scan, **self.decided.excluded}

    @property
    def counted(self) -> MaskedVisit:
        """The masks that count: without those out of use, an accepted one as if a person had drawn it."""
        unused = frozenset(c for c in self.masks.primary if c in self.out_of_use)
        counted_masks = self.masks.without(unused) if unused else self.masks
        return replace(counted_masks, origin=MaskOrigin.EDITED) if self.decided.is_accepted else counted_masks


@dataclass(frozen=True)
class PlacedVisit(VisitWork):
    """A visit with a scan that lies in the patient's reference space."""

    read: ScannedVisit
    place: AlignedVisit = field(kw_only=True)

    @cached_property
    def donor(self) -> refinding.DonorVisit:
        """Its scan with its measured masks, for them to be found again on another scan."""
        return refinding.DonorVisit(self.read.image, {str(c): mask for c, mask in self.masks.primary.items()})


def placed_visit(visit: VisitWork, read: ScannedVisit, place: AlignedVisit) -> PlacedVisit:
    """Return a visit with its place in the reference space."""
    rest = {one.name: getattr(visit, one.name) for one in fields(VisitWork) if one.name not in ("read", "place")}
    return PlacedVisit(read=read, place=place, **rest)
