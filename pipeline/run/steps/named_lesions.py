"""What people said of the names that a table gives its lesions, put into effect on the table's sizes.

Each answer changes its visit and, where it says so, later ones; never an earlier one. What this module refuses: an
answer about a lesion that the table does not have at that visit, and a name for another lesion that one bears already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.core.vocabulary import Compartment
from pipeline.files import fingerprints
from pipeline.journal.lesion_acts import LesionNaming, NameAnswer
from pipeline.measure.imported_sizes import UNSEEN, ImportedMeasure
from pipeline.study.lesion_rows import total_of

TOGETHER = "counted with {lesion}: one lesion from {session} on, by {words}"


@dataclass
class NamedLesions:
    """The lesions of a table's visits, in order of days, as they are called after what people said.

    Attributes
    ----------
    by_session
        Sizes by session and name.
    digests
        Digest of the row that each lesion has at a session.
    counted_with
        Session and name of a lesion that is one with another since: that other's name, and who said so.
    settled
        Session and lesion whose change is its own, since a person said which is which.
    in_effect
        Ids of the entries that changed or confirmed something.
    """

    by_session: dict[str, dict[str, ImportedMeasure]]
    digests: dict[str, dict[str, str]]
    counted_with: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    settled: set[tuple[str, str]] = field(default_factory=set)
    in_effect: set[str] = field(default_factory=set)

    def apply(self, naming: LesionNaming) -> None:
        """Let one answer take effect; nothing where it does not fit.

        It speaks of the names as they were shown, which an earlier answer, replaced or undone since, may have put on
        other rows: so which row the first name stood on then decides, and not which it stands on now.
        """
        here = self.by_session.get(naming.session_id, {})
        lesion, other = naming.lesion_id, naming.other
        is_known = any(other in lesions for lesions in self.digests.values())
        fits = not is_known if naming.answer == NameAnswer.ANOTHER else other in here
        if lesion not in here or not fits:
            return
        bearer = self._bearer(naming)
        if bearer not in ((lesion,) if naming.answer == NameAnswer.ANOTHER else (lesion, other)):
            return
        self.in_effect.add(naming.entry_id)
        self.settled |= {(naming.session_id, lesion), (naming.session_id, other)}
        if naming.answer in (NameAnswer.RIGHT, NameAnswer.EXCHANGED):
            if (bearer == other) != (naming.answer == NameAnswer.EXCHANGED):
                self._exchange(naming)
        elif naming.answer == NameAnswer.ONE:
            self._put_together(naming)
        elif naming.answer == NameAnswer.ANOTHER:
            self._call_another(naming)

    def _bearer(self, naming: LesionNaming) -> str | None:
        """Return which lesion the row that bore the first name when it was shown belongs to now."""
        if naming.row_sha256 is None:
            return naming.lesion_id
        digests = self.digests[naming.session_id]
        return next(
            (name for name in self.by_session[naming.session_id] if digests.get(name) == naming.row_sha256), None
        )

    def _exchange(self, naming: LesionNaming) -> None:
        lesion, other = naming.lesion_id, naming.other
        here, digests = self.by_session[naming.session_id], self.digests[naming.session_id]
        here[lesion], here[other] = here[other], here[lesion]
        digests[lesion], digests[other] = digests[other], digests[lesion]

    def _put_together(self, naming: LesionNaming) -> None:
        why = TOGETHER.format(lesion=naming.lesion_id, session=naming.session_id, words=naming.words)
        for session_id in self._from(naming.session_id):
            lesions = self.by_session[session_id]
            part = lesions.pop(naming.other, None)
            if part is not None:
                lesions[naming.lesion_id] = _together(naming, lesions.get(naming.lesion_id), part)
                self.counted_with[session_id, naming.other] = (naming.lesion_id, why)

    def _call_another(self, naming: LesionNaming) -> None:
        for session_id in self._from(naming.session_id):
            lesions, digests = self.by_session[session_id], self.digests[session_id]
            if naming.lesion_id in lesions:
                lesions[naming.other] = lesions.pop(naming.lesion_id)
                digests[naming.other] = digests.pop(naming.lesion_id)
            lesions[naming.lesion_id] = ImportedMeasure(Compartment.TUMOUR, missing_reason=UNSEEN)

    def _from(self, session_id: str) -> list[str]:
        sessions = list(self.by_session)
        return sessions[sessions.index(session_id) :]


def named(
    by_session: Mapping[str, Mapping[str, ImportedMeasure]],
    digests: Mapping[str, Mapping[str, str]],
    namings: Iterable[LesionNaming],
) -> NamedLesions:
    """Return a table's lesions as people said that they are called.

    Parameters
    ----------
    by_session
        Sizes by session and name, in order of days.
    digests
        Those of their rows (:func:`digest_of`), likewise.
    namings
        In the order in which they were put on record; each speaks of the lesions as they were called then.
    """
    lesions_named = NamedLesions(
        {session_id: dict(lesions) for session_id, lesions in by_session.items()},
        {session_id: dict(of_lesions) for session_id, of_lesions in digests.items()},
    )
    for naming in namings:
        lesions_named.apply(naming)
    return lesions_named


def digest_of(name: str, measure: ImportedMeasure) -> str:
    """Return what an act about a lesion of a table is bound to: the SHA-256 of the table's name and sizes of it."""
    return fingerprints.of_values("row of a table", name, measure)


def _together(naming: LesionNaming, whole: ImportedMeasure | None, part: ImportedMeasure) -> ImportedMeasure:
    """Return two rows as one lesion: their sum, or the one that is there."""
    parts = {naming.lesion_id: whole, naming.other: part}
    there = {name: one for name, one in parts.items() if one is not None and one.missing_reason != UNSEEN}
    return total_of(there) if len(there) > 1 else next(iter(there.values()), part)
