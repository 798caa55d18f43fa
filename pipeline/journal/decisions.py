"""What people decided about a study, and which of their decisions still stand.

A decision is never changed or taken out of the record: a later one undoes it, or replaces it. What this module
refuses: a decision without a name, an exclusion, a pin or a correction without a reason, an acceptance that outlives
its mask, and a corrected mask that outlives the scan it was drawn on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from pipeline.core.finding_terms import TERMS, LesionFinding
from pipeline.core.records import JournalEntry
from pipeline.errors import SettingsError
from pipeline.journal.lesion_acts import LesionCorrection, LesionNaming, LesionWithdrawal, NameAnswer, check_naming


class ActKind(StrEnum):
    """What a person can do; the values are stored and exported."""

    ACCEPT_MASK = "accept_mask"  # this mask is right: what rests on it is no longer provisional
    EXCLUDE_MASK = "exclude_mask"  # this mask is wrong: its compartment has no volume until another is drawn
    EXCLUDE_VISIT = "exclude_visit"  # nothing of this visit is to be used
    PIN_BASELINE = "pin_baseline"  # this visit is the baseline of its epoch
    CORRECT_LESION = "correct_lesion"  # from this visit on, this lesion is that one
    WITHDRAW_LESION = "withdraw_lesion"  # what was called a new lesion at this visit is no tumour
    NAME_LESIONS = "name_lesions"  # the names that a table gives two lesions at this visit are right, or are not
    CORRECT_MASK = "correct_mask"  # this mask, which a person drew, is measured instead
    CORRECT_FINDING = "correct_finding"  # what a visit's scans show of a lesion is this, as a person reads them
    COMMENT = "comment"
    NOTE = "note"  # said at a meeting of the board
    DECISION = "decision"  # decided at a meeting of the board
    UNDO = "undo"  # an earlier act no longer stands


class Standing(StrEnum):
    """Whether an act still has an effect."""

    IN_FORCE = "in_force"
    UNDONE = "undone"  # a later entry undid it
    REPLACED = "replaced"  # a later entry about the same mask decides
    LAPSED = "lapsed"  # the mask or piece of tumour it spoke of is not measured any more, or the scan is another one


NEEDED: Mapping[ActKind, tuple[str, ...]] = MappingProxyType(
    {
        ActKind.ACCEPT_MASK: ("patient_id", "session_id", "compartment", "mask_sha256"),
        ActKind.EXCLUDE_MASK: ("patient_id", "session_id", "compartment", "mask_sha256", "reason"),
        ActKind.EXCLUDE_VISIT: ("patient_id", "session_id", "reason"),
        ActKind.PIN_BASELINE: ("patient_id", "session_id", "reason"),
        ActKind.CORRECT_LESION: ("patient_id", "session_id", "mask_sha256", "lesion_id", "same_as"),
        ActKind.WITHDRAW_LESION: ("patient_id", "session_id", "reason"),
        ActKind.NAME_LESIONS: ("patient_id", "session_id", "lesion_id", "same_as", "corrected_to", "reason"),
        ActKind.CORRECT_MASK: ("patient_id", "session_id", "compartment", "mask_sha256", "scan_sha256", "reason"),
        ActKind.CORRECT_FINDING: ("patient_id", "session_id", "lesion_id", "finding", "corrected_to", "reason"),
        ActKind.COMMENT: ("patient_id", "reason"),
        ActKind.NOTE: ("patient_id", "meeting_on", "reason"),
        ActKind.DECISION: ("patient_id", "meeting_on", "reason"),
        ActKind.UNDO: ("patient_id", "undoes"),
    }
)
"""What each act must say; it may say more."""

ABOUT_MASKS = (ActKind.ACCEPT_MASK, ActKind.EXCLUDE_MASK)
ABOUT_LESIONS = (ActKind.CORRECT_LESION, ActKind.WITHDRAW_LESION, ActKind.NAME_LESIONS)
ANSWERS = (*ABOUT_MASKS, ActKind.CORRECT_MASK, ActKind.CORRECT_FINDING, ActKind.NAME_LESIONS)
"""Acts that answer a question anew: of two about the same the later decides."""

WORDS_ONLY = (ActKind.CORRECT_FINDING, ActKind.COMMENT, ActKind.NOTE, ActKind.DECISION)
"""Acts that change no result and wait for no run."""

WITHOUT_EFFECT = (*WORDS_ONLY, ActKind.UNDO)
OLD_HEADING = re.compile(r"board (\d{4}-\d{2}-\d{2}): (decided: )?", re.DOTALL)
"""How notes and decisions of a meeting began while they were kept as comments."""

SAID = {ActKind.ACCEPT_MASK: "accepted", ActKind.EXCLUDE_MASK: "excluded", ActKind.CORRECT_MASK: "drawn anew"}
CANNOT_TELL = "cannot tell"
"""What a reader may say in place of any finding: the scans do not show it."""

OTHER_SCAN = "the table has no scan of that day and time any more; look at the visit and decide anew"
NO_VISIT = "the study has no such visit any more; look at what is there now and decide anew"
TUMOUR = "tumour"


@dataclass(frozen=True)
class Act:
    """What a person wants to put on record; who and when are added as it is written.

    Attributes
    ----------
    compartment, mask_sha256
        The mask spoken of, and the digest of its file as the person saw it, or drew it.
    scan_sha256, replaces_sha256
        Of a corrected mask: the digest of the scan it was drawn on, and of the mask it stands in for, if there is one.
        Of an act on sizes of a table: the digest of the scan's day and time there, where the table gives a time.
    lesion_id, same_as
        A lesion as it is called now, and what it is to be called from this visit on; the other one of two whose names a
        table gives.
    component_sha256, component_at_mm
        The piece of tumour that an act about a lesion is bound to: the digest of its voxels and its centre in the
        visit's own scan, RAS+ mm, as text. Acts of before have none and are bound to the whole mask.
    drawn_how
        Of a mask that was drawn in the page, as JSON: clicks inside and outside (RAS+ mm in the visit's own scan), the
        algorithm that proposed an outline from them and its version, and how many voxels were brushed or erased.
    reason
        The reason, or the comment itself.
    undoes
        The ``entry_id`` of the entry that is to have no effect any more.
    meeting_on
        Of a note or decision: the day of the meeting, ISO.
    finding, corrected_to
        A finding of the description and what a person reads in its place: a term of that finding, words where it has
        none, or :data:`CANNOT_TELL`. Of names of lesions ``corrected_to`` alone, a ``lesion_acts.NameAnswer``.
    """

    kind: ActKind
    patient_id: str
    session_id: str | None = None
    compartment: str | None = None
    mask_sha256: str | None = None
    lesion_id: str | None = None
    same_as: str | None = None
    reason: str | None = None
    undoes: str | None = None
    scan_sha256: str | None = None
    replaces_sha256: str | None = None
    meeting_on: str | None = None
    component_sha256: str | None = None
    component_at_mm: str | None = None
    drawn_how: str | None = None
    finding: str | None = None
    corrected_to: str | None = None


@dataclass(frozen=True)
class Decisions:
    """What stands for one patient.

    Attributes
    ----------
    excluded_visits, excluded_masks
        Session, or session and compartment, to who excluded it, when and why, in words.
    accepted
        Session and compartment of masks that a person accepted as they are now.
    pinned
        Sessions that are to be baselines, to who pinned them and when, in words.
    pinned_on
        The day on which each was pinned.
    lesions
        In the order they were made.
    corrected
        Session and compartment to the entry by which a person's mask is measured instead.
    withdrawn
        New lesions that are no tumour, in the order they were withdrawn.
    named
        What was said of the names that tables give to lesions, in that order.
    """

    excluded_visits: Mapping[str, str] = field(default_factory=dict)
    excluded_masks: Mapping[tuple[str, str], str] = field(default_factory=dict)
    accepted: frozenset[tuple[str, str]] = frozenset()
    pinned: Mapping[str, str] = field(default_factory=dict)
    pinned_on: Mapping[str, date] = field(default_factory=dict)
    lesions: tuple[LesionCorrection, ...] = ()
    corrected: Mapping[tuple[str, str], JournalEntry] = field(default_factory=dict)
    withdrawn: tuple[LesionWithdrawal, ...] = ()
    named: tuple[LesionNaming, ...] = ()

    def why_excluded(self, session_id: str, compartment: str) -> str | None:
        """Return why a compartment of a visit is not to be used, in words; None when it is."""
        return self.excluded_visits.get(session_id) or self.excluded_masks.get((session_id, compartment))


def check(act: Act, who: str, earlier: Sequence[JournalEntry]) -> None:
    """Refuse an act that says too little, or that undoes what cannot be undone.

    Parameters
    ----------
    earlier
        The entries so far.

    Raises
    ------
    SettingsError
        With what is missing or wrong, in words.
    """
    missing = [name for name in NEEDED[act.kind] if not (getattr(act, name) or "").strip()]
    if not who.strip():
        missing.insert(0, "who")
    if missing:
        raise SettingsError(f"{act.kind}: expected {', '.join(missing)}, found none; say it and try again")
    _check_meeting(act)
    _check_finding(act)
    if act.kind == ActKind.NAME_LESIONS:
        check_naming(act.lesion_id, act.same_as, act.corrected_to)
    if act.kind != ActKind.UNDO:
        return
    undone = next((entry for entry in earlier if entry.entry_id == act.undoes), None)
    if undone is None:
        raise SettingsError(
            f"undo: expected an entry of the journal, found no {act.undoes}; ids stand first in each line of it"
        )
    if undone.act == ActKind.UNDO:
        raise SettingsError(f"undo: entry {act.undoes} is itself an undo; make the act again instead")
    if undone.patient_id != act.patient_id:
        raise SettingsError(f"undo: entry {act.undoes} is about {undone.patient_id}, not {act.patient_id}")
    if any(entry.undoes == act.undoes for entry in earlier):
        raise SettingsError(f"undo: entry {act.undoes} has been undone already; nothing is left to do")


def _check_meeting(act: Act) -> None:
    if act.kind == ActKind.COMMENT and OLD_HEADING.match(act.reason or ""):
        raise SettingsError(f"{act.kind}: expected words, found the heading of a meeting; make it a note or decision")
    if act.meeting_on is None:
        return
    if act.kind not in (ActKind.NOTE, ActKind.DECISION):
        raise SettingsError(f"{act.kind}: expected no day of a meeting, found {act.meeting_on}; make it a note")
    try:
        date.fromisoformat(str(act.meeting_on))
    except ValueError as error:
        raise SettingsError(
            f"{act.kind}: expected the day of the meeting as YYYY-MM-DD, found {act.meeting_on}; correct it"
        ) from error


def _check_finding(act: Act) -> None:
    if act.kind != ActKind.CORRECT_FINDING:
        return
    if act.finding not in list(LesionFinding):
        raise SettingsError(
            f"{act.kind}: expected a finding such as t2_signal (docs/measures.md lists all), found {act.finding}"
        )
    terms = (*TERMS.get(LesionFinding(act.finding), ()), CANNOT_TELL)
    if len(terms) > 1 and act.corrected_to not in terms:
        raise SettingsError(
            f"{act.kind}: expected one of {', '.join(terms)} for {act.finding}, found {act.corrected_to}"
        )


def understood(entry: JournalEntry) -> JournalEntry:
    """Return a comment that was kept as a note or decision of a meeting as what it is; others as they are."""
    heading = OLD_HEADING.match(entry.reason or "") if entry.act == ActKind.COMMENT else None
    if heading is None or entry.reason is None:
        return entry
    try:
        meeting_on = date.fromisoformat(heading[1])
    except ValueError:
        return entry  # somebody's words that only look like it
    kind = ActKind.DECISION if heading[2] else ActKind.NOTE
    return replace(entry, act=str(kind), reason=entry.reason[heading.end() :], meeting_on=meeting_on)


def table_scan_of(entry: JournalEntry) -> str | None:
    """Return the scan of a table that an act is bound to; None where it is bound to none."""
    return None if entry.act == ActKind.CORRECT_MASK else entry.scan_sha256


def standing(
    entries: Sequence[JournalEntry],
    masks: Mapping[tuple[str, str, str], str] | None = None,
    scans: Mapping[tuple[str, str], str] | None = None,
    pieces: Mapping[tuple[str, str], frozenset[str]] | None = None,
    table_scans: Mapping[tuple[str, str], frozenset[str]] | None = None,
) -> tuple[JournalEntry, ...]:
    """Say of each entry whether it still has an effect.

    Parameters
    ----------
    entries
        In the order they were written.
    masks
        Patient, session and compartment to the digest of the mask that is measured now; None when that is not known,
        and then nothing lapses.
    scans
        Patient and session to the digest of the scan that is measured on now; None as for masks.
    pieces
        Patient and session to the digests of the pieces of tumour that are followed now; None as for masks.
    table_scans
        Patient and session of every visit to the digests of the scans of a table that it is now, none for a visit with
        images; an act on any other visit lapses. None as for masks.

    Returns
    -------
    tuple of JournalEntry
        The same entries in the same order with ``status`` and ``status_reason``.
    """
    undone = {str(entry.undoes): entry for entry in entries if entry.undoes}
    order = {entry.entry_id: number for number, entry in enumerate(entries)}
    lapsed = {entry.entry_id: why for entry in entries if (why := _why_lapsed(entry, masks, scans, pieces))}
    lapsed |= {entry.entry_id: why for entry in entries if (why := _why_not_of_visit(entry, table_scans))}
    last: dict[tuple[str, ...] | None, JournalEntry] = {}
    for entry in entries:
        is_lapsed_drawing = entry.act == ActKind.CORRECT_MASK and entry.entry_id in lapsed
        if entry.act in ANSWERS and entry.entry_id not in undone and not is_lapsed_drawing:
            last[_question(entry)] = entry
            if entry.act == ActKind.CORRECT_MASK:
                last[_mask_of(entry)] = entry  # what was said about the mask before is about another one
    standing_entries = []
    for entry in entries:
        by = last.get(_question(entry))
        is_replaced = by is not None and order[by.entry_id] > order[entry.entry_id]
        standing_entries.append(_with_standing(entry, undone.get(entry.entry_id), by if is_replaced else None, lapsed))
    return tuple(standing_entries)


def _question(entry: JournalEntry) -> tuple[str, ...] | None:
    """Return what the entry answers: which mask is measured, whether it is right, what a finding is; else None."""
    if entry.act == ActKind.CORRECT_FINDING:
        return entry.patient_id, str(entry.session_id), str(entry.lesion_id), str(entry.finding), "finding"
    if entry.act == ActKind.NAME_LESIONS:
        pair = sorted((str(entry.lesion_id), str(entry.same_as)))
        return entry.patient_id, str(entry.session_id), *pair, "names"
    if entry.act == ActKind.CORRECT_MASK:
        return (*_mask_of(entry), "drawn")
    return _mask_of(entry) if entry.act in ABOUT_MASKS else None


def _why_lapsed(
    entry: JournalEntry,
    masks: Mapping[tuple[str, str, str], str] | None,
    scans: Mapping[tuple[str, str], str] | None,
    pieces: Mapping[tuple[str, str], frozenset[str]] | None,
) -> str | None:
    if entry.act == ActKind.CORRECT_MASK:
        on = None if scans is None else scans.get((entry.patient_id, str(entry.session_id)), "")
        return None if on in (None, entry.scan_sha256) else "the scan it was drawn on has changed since; draw it anew"
    if entry.component_sha256 is not None:
        here = None if pieces is None else pieces.get((entry.patient_id, str(entry.session_id)), frozenset())
        if here is None or entry.component_sha256 in here:
            return None
        is_drawn = entry.component_at_mm is not None
        where = f" at {entry.component_at_mm} mm of this scan" if is_drawn else ""
        how = "drawn otherwise since" if is_drawn else "measured otherwise in its table since"
        return (
            f"lesion {entry.lesion_id}{where} is {how}, or not "
            f"followed there any more; look at the visit and decide anew, about the lesion as it is now"
        )
    if entry.mask_sha256 is None or masks is None or masks.get(_mask_of(entry)) == entry.mask_sha256:
        return None
    what = "the mask has changed since" if _mask_of(entry) in masks else "there is no such mask now"
    return f"{what}; look at it and decide anew"


def _why_not_of_visit(entry: JournalEntry, table_scans: Mapping[tuple[str, str], frozenset[str]] | None) -> str | None:
    """Say why an act has no visit any more: it is gone, or a session of a table is another scan now."""
    if table_scans is None or entry.session_id is None or entry.act in WITHOUT_EFFECT:
        return None
    meant, here = table_scan_of(entry), table_scans.get((entry.patient_id, entry.session_id))
    if here is None:
        return NO_VISIT
    return OTHER_SCAN if here and meant is not None and meant not in here else None


def _with_standing(
    entry: JournalEntry, undone: JournalEntry | None, by: JournalEntry | None, lapsed: Mapping[str, str]
) -> JournalEntry:
    if undone is not None:
        because = f": {undone.reason}" if undone.reason else ""
        reason = f"undone by {undone.who} on {_day(undone)}{because}"
        return replace(entry, status=Standing.UNDONE, status_reason=reason)
    if by is not None:
        reason = f"{by.who} decided anew on {_day(by)}: {_said(by)}"
        return replace(entry, status=Standing.REPLACED, status_reason=reason)
    if entry.entry_id in lapsed:
        return replace(entry, status=Standing.LAPSED, status_reason=lapsed[entry.entry_id])
    return replace(entry, status=Standing.IN_FORCE, status_reason=None)


def decide(entries: Iterable[JournalEntry]) -> Decisions:
    """Put together what stands for one patient.

    Parameters
    ----------
    entries
        As :func:`standing` returns them; only those in force count.
    """
    stands = [entry for entry in entries if entry.status == Standing.IN_FORCE]
    by_kind = {kind: [entry for entry in stands if entry.act == kind] for kind in ActKind}
    return Decisions(
        excluded_visits={str(e.session_id): _excluded(e) for e in by_kind[ActKind.EXCLUDE_VISIT]},
        excluded_masks={(str(e.session_id), str(e.compartment)): _excluded(e) for e in by_kind[ActKind.EXCLUDE_MASK]},
        accepted=frozenset((str(e.session_id), str(e.compartment)) for e in by_kind[ActKind.ACCEPT_MASK]),
        pinned={str(e.session_id): f"{e.who} on {_day(e)}" for e in by_kind[ActKind.PIN_BASELINE]},
        pinned_on={str(e.session_id): e.written_at.date() for e in by_kind[ActKind.PIN_BASELINE]},
        lesions=tuple(
            LesionCorrection(str(e.session_id), str(e.lesion_id), str(e.same_as), e.component_sha256)
            for e in by_kind[ActKind.CORRECT_LESION]
        ),
        withdrawn=tuple(_withdrawal(e) for e in by_kind[ActKind.WITHDRAW_LESION]),
        named=tuple(_naming(e) for e in by_kind[ActKind.NAME_LESIONS]),
        corrected={(str(e.session_id), str(e.compartment)): e for e in by_kind[ActKind.CORRECT_MASK]},
    )


def effective(entries: Iterable[JournalEntry], patient_id: str) -> tuple[JournalEntry, ...]:
    """Return a patient's entries that can change a result: not comments, and not what was undone.

    What another entry replaced is among them, for it may stand again when that one lapses.
    """
    return tuple(
        replace(entry, status=Standing.IN_FORCE, status_reason=None)
        for entry in standing(tuple(entries))
        if entry.patient_id == patient_id and entry.act not in WITHOUT_EFFECT and entry.status != Standing.UNDONE
    )


def _mask_of(entry: JournalEntry) -> tuple[str, str, str]:
    return entry.patient_id, str(entry.session_id), entry.compartment or TUMOUR


def _excluded(entry: JournalEntry) -> str:
    what = "visit" if entry.act == ActKind.EXCLUDE_VISIT else "mask"
    return f"{what} excluded by {entry.who} on {_day(entry)}: {entry.reason}"


def _withdrawal(entry: JournalEntry) -> LesionWithdrawal:
    words = f"new lesion withdrawn by {entry.who} on {_day(entry)}: {entry.reason}"
    day = entry.written_at.date()
    return LesionWithdrawal(str(entry.session_id), entry.lesion_id, entry.component_sha256, day, words)


def _naming(entry: JournalEntry) -> LesionNaming:
    words = f"{entry.who} on {_day(entry)}: {entry.reason}"
    answer = NameAnswer(str(entry.corrected_to))
    names = str(entry.lesion_id), str(entry.same_as)
    return LesionNaming(entry.entry_id, str(entry.session_id), *names, answer, words, entry.component_sha256)


def _said(entry: JournalEntry) -> str:
    words = SAID.get(ActKind(entry.act)) or str(entry.corrected_to)
    return f"{words}, {entry.reason}" if entry.reason else words


def _day(entry: JournalEntry) -> str:
    return entry.written_at.date().isoformat()
