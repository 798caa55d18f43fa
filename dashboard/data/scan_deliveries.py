"""Scans that somebody brings: laid aside, looked through by the worker, added when whoever may has decided.

Nothing here reads a scan: what each series is taken for comes from ``pipeline.service.delivery_run``, in a process of
its own. What is brought lies in ``OUT_DIR/queue/deliveries`` until it is added or forgotten.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dashboard.data import door, queries, study_jobs
from pipeline.errors import SettingsError
from pipeline.journal.roles import Deed, Visitor
from pipeline.service import archive_fetch, deliveries, delivery_answers, jobs, scan_places
from pipeline.service.deliveries import Answers, Delivery, DeliveryKind, DeliveryState
from pipeline.service.jobs import Progress

LONGEST_NAME = 120
LISTED = 5


@dataclass(frozen=True)
class DeliveredSeries:
    """What one series is taken for; ``is_open`` where a person must decide. ``picture`` is a PNG, base64.

    ``name`` is that of the file, of NIfTI; ``refusal`` says why it cannot be added, in one sentence.
    """

    token: str
    name: str
    patient_id: str
    session_id: str
    day: str
    outcome: str
    contrast: str
    plane: str
    slices: str
    confidence: str
    reason: str
    picture: str
    likely: str
    is_open: bool
    is_nifti: bool
    refusal: str

    @property
    def png(self) -> bytes:
        """The picture; empty where there is none."""
        return base64.b64decode(self.picture)

    @property
    def may_be_otherwise(self) -> bool:
        """Whether a person may correct what the program was sure of."""
        return delivery_answers.may_be_otherwise(self.outcome, self.slices, is_nifti=self.is_nifti)

    @property
    def choices(self) -> tuple[str, ...]:
        """What a person may call it."""
        return delivery_answers.NIFTI_CONTRASTS if self.is_nifti else delivery_answers.DICOM_CONTRASTS


def bring_files(who: str, files: Sequence[tuple[str, bytes]]) -> str:
    """Keep what somebody dropped, under names that are harmless, and ask for a look at it.

    Raises
    ------
    SettingsError
        The person may not, or nothing was dropped.
    StoreError
        It cannot be kept.
    """
    person = door.enter(Deed.EDIT, who)
    if not files:
        raise SettingsError("expected scans or a zip archive, found none; drop some first")
    delivery = _fresh(person, DeliveryKind.DROP)
    place = deliveries.folder_of(queries.out_dir(), delivery.delivery_id) / deliveries.FILES
    place.mkdir(parents=True)
    for number, (name, content) in enumerate(files):
        harmless = _harmless(name)
        target = place / harmless
        if target.exists():
            target = place / f"{number:02d}" / harmless
            target.parent.mkdir()
        target.write_bytes(content)
    deliveries.begin(queries.out_dir(), delivery)
    return "Laid aside and being looked through; nothing is added yet."


def _harmless(name: str) -> str:
    """Return a file's name in letters of any language, digits and a few signs; its end where it is long."""
    letters = re.sub(r"[^\w.+-]", "_", unicodedata.normalize("NFC", name))
    while len(letters.encode()) > LONGEST_NAME:
        letters = letters[1:]
    return letters.lstrip(".") or "file"


def bring_folder(who: str, name: str) -> str:
    """Ask for a look at a folder of the server.

    Raises
    ------
    SettingsError
        The person may not, or the server may not read such a folder.
    """
    person = door.enter(Deed.EDIT, who)
    scan_places.folder_called(name, scan_places.roots_in())
    deliveries.begin(queries.out_dir(), _fresh(person, DeliveryKind.FOLDER, name))
    return f"{name} is being looked through; nothing is added yet."


def bring_from_archive(who: str, patient_numbers: str) -> str:
    """Ask for the scans of patients that the archive knows.

    Parameters
    ----------
    patient_numbers
        As the hospital writes them, one a line.

    Raises
    ------
    SettingsError
        The person may not, there is no archive, or these are no numbers of patients.
    """
    person = door.enter(Deed.EDIT, who)
    if not archive_fetch.is_offered():
        raise SettingsError("this server knows no archive; whoever starts it names one: cordtrack serve --archive FILE")
    delivery = _fresh(person, DeliveryKind.ARCHIVE)
    archive_fetch.ask_for(study_jobs.study_folder(), delivery.delivery_id, patient_numbers.splitlines())
    deliveries.begin(queries.out_dir(), delivery)
    return "The archive is being asked; nothing is added yet."


def folders() -> tuple[str, ...]:
    """Return the folders of the server that scans may be added from."""
    door.enter_whole_study()
    return scan_places.offered(scan_places.roots_in())


def has_archive() -> bool:
    """Say whether this server knows an archive."""
    return archive_fetch.is_offered()


def going_on() -> tuple[Delivery, ...]:
    """Return the deliveries that are worked on or wait for a decision, in the order in which they came."""
    door.enter_whole_study()
    return tuple(one for one in deliveries.every(queries.out_dir()) if one.state not in deliveries.ENDED)


def ended() -> tuple[Delivery, ...]:
    """Return the last ones that have ended, the latest first."""
    door.enter_whole_study()
    over = [one for one in deliveries.every(queries.out_dir()) if one.state in deliveries.ENDED]
    return tuple(reversed(over[-LISTED:]))


def progress(delivery: Delivery) -> Progress:
    """Return how far the step of a delivery is."""
    return deliveries.progress_of(queries.out_dir(), delivery.delivery_id)


def decisions(delivery: Delivery) -> tuple[tuple[DeliveredSeries, ...], tuple[str, ...]]:
    """Return what each series is taken for, and what is odd about the delivery, in sentences."""
    door.enter_whole_study()
    content = deliveries.decisions_of(queries.out_dir(), delivery.delivery_id)
    names = DeliveredSeries.__dataclass_fields__
    series = tuple(DeliveredSeries(**{name: one[name] for name in names}) for one in content.get("series", ()))
    return series, tuple(map(str, content.get("odd", ())))


def doubles(delivery: Delivery) -> tuple[tuple[str, str], ...]:
    """Return new pseudonyms, each with the one that has the same name and date of birth."""
    door.enter_whole_study()
    content = deliveries.decisions_of(queries.out_dir(), delivery.delivery_id)
    return tuple((str(new), str(other)) for new, other in content.get("doubles", ()))


def people_added(delivery: Delivery) -> tuple[str, ...]:
    """Return those to whom a delivery added scans and who are still in the study, in order."""
    door.enter_whole_study()
    if delivery.state != DeliveryState.ADDED:
        return ()
    files = deliveries.files_added(queries.out_dir(), delivery.delivery_id)
    names = sorted({name.partition("/")[0] for name in files})
    return tuple(name for name in names if (study_jobs.study_folder() / name).is_dir())


def confirm(who: str, delivery_id: str, answers: Answers) -> str:
    """Let a delivery be added as somebody decided; put on record when it is.

    Raises
    ------
    SettingsError
        The person may not, or an answer says too little; nothing was written.
    """
    person = door.enter(Deed.EDIT, who)
    out_dir = queries.out_dir()
    content = deliveries.decisions_of(out_dir, delivery_id)
    today = datetime.now().astimezone().date()
    delivery_answers.check_answers(content.get("series", []), answers, today, content.get("doubles", []))
    if deliveries.confirm(out_dir, delivery_id, person, answers) is None:
        raise SettingsError("somebody has decided on these scans meanwhile; look at the page again")
    return "They are being added."


def cancel(who: str, delivery_id: str) -> str:
    """Forget a delivery; a step that goes on ends."""
    person = door.enter(Deed.EDIT, who)
    out_dir = queries.out_dir()
    delivery = deliveries.cancel(out_dir, delivery_id, person.name)
    if delivery is not None and delivery.state == DeliveryState.CANCELLED:
        archive_fetch.forget(study_jobs.study_folder(), delivery_id)
        return "Forgotten; nothing of it was added."
    return "It is asked to end."


def _fresh(person: Visitor, kind: DeliveryKind, place: str = "") -> Delivery:
    at = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    return Delivery(jobs.fresh_id(), kind, place, person.name, person.identity, at)
