"""What people said of the names that a table gives its lesions, put into effect on the table's sizes.

Each answer changes its visit and, where it says so, later ones; never an earlier one. What this module refuses: an
answer about a lesion that the table does not have at that visit, and a name for another lesion that one bears already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pipeline.core.vocabulary import Compartment
from pipeline.files import fingerprints
from pipeline.journal.lesion_acts import LesionNaming, NameAnswer
from pipeline.measure.imported_sizes import UNSEEN, ImportedMeasure
from pipeline.study.lesion_rows import total_of

PAIRED = (NameAnswer.RIGHT, NameAnswer.EXCHANGED)
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

        Whether two names are right or exchanged is said of the rows on which they were shown: where an answer that had
        exchanged them is replaced since, each stands on the other row now, and the answer means the contrary of them.
        """
        shown, naming = naming, self._of_row(naming)
        is_turned = (naming.lesion_id, naming.other) == (shown.other, shown.lesion_id)
        here = self.by_session.get(naming.session_id, {})
        lesion, other = naming.lesion_id, naming.other
        is_known = any(other in lesions for lesions in self.digests.values())
        fits = not is_known if naming.answer == NameAnswer.ANOTHER else other in here
        if lesion not in here or not fits:
            return
        self.in_effect.add(naming.entry_id)
        self.settled |= {(naming.session_id, lesion), (naming.session_id, other)}
        if naming.answer in PAIRED and is_turned != (naming.answer == NameAnswer.EXCHANGED):
            new_names = {lesion: other, other: lesion}
            self.by_session[naming.session_id] = {new_names.get(name, name): one for name, one in here.items()}
            self._call_now(naming.session_id, new_names)
        elif naming.answer == NameAnswer.ONE:
            self._put_together(shown if is_turned else naming)
        elif naming.answer == NameAnswer.ANOTHER:
            self._call_another(naming)

    def bearer(self, session_id: str, digest: str | None) -> str | None:
        """Return what the lesion of a row is called now; None where no lesion of that session has the row."""
        of_session = self.digests.get(session_id, {})
        return next((name for name, of_row in of_session.items() if of_row == digest), None)

    def _of_row(self, naming: LesionNaming) -> LesionNaming:
        """Return an answer as of the row that the person saw, called otherwise once an earlier one is undone."""
        lesion_id = self.bearer(naming.session_id, naming.component_sha256) or naming.lesion_id
        other = naming.lesion_id if naming.other == lesion_id else naming.other
        return replace(naming, lesion_id=lesion_id, other=other)

    def _put_together(self, naming: LesionNaming) -> None:
        why = TOGETHER.format(lesion=naming.lesion_id, session=naming.session_id, words=naming.words)
        for session_id in self._from(naming.session_id):
            lesions = self.by_session[session_id]
            part = lesions.pop(naming.other, None)
            if part is not None:
                lesions[naming.lesion_id] = _together(naming, lesions.get(naming.lesion_id), part)
                self._count_with(session_id, {naming.other: naming.lesion_id})
                self.counted_with[session_id, naming.other] = (naming.lesion_id, why)

    def _call_another(self, naming: LesionNaming) -> None:
        for session_id in self._from(naming.session_id):
            lesions = self.by_session[session_id]
            if naming.lesion_id in lesions:
                lesions[naming.other] = lesions.pop(naming.lesion_id)
                self._call_now(session_id, {naming.lesion_id: naming.other})
            lesions[naming.lesion_id] = ImportedMeasure(Compartment.TUMOUR, missing_reason=UNSEEN)

    def _call_now(self, session_id: str, new_names: Mapping[str, str]) -> None:
        """Let rows of a session, where they have one, and what is counted with them bear new names."""
        of_session = self.digests[session_id]
        self.digests[session_id] = {new_names.get(name, name): digest for name, digest in of_session.items()}
        self._count_with(session_id, new_names)

    def _count_with(self, session_id: str, new_names: Mapping[str, str]) -> None:
        """Let what is counted with a lesion at a session follow it to its new name."""
        for (session, name), (whole, why) in list(self.counted_with.items()):
            if session == session_id and whole in new_names:
                self.counted_with[session, name] = (new_names[whole], why)

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
