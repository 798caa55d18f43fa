"""What people decide on the pages: put on record through the journal, listed with what still stands.

It writes nothing but the journal and the saved cohorts, each with the time of now, and starts the run that lets an act
take effect; the run writes all else.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import groupby

from dashboard.data import door, queries
from dashboard.words.table_rows import as_rows
from pipeline.core.findings import WORKER_DIED
from pipeline.core.records import JournalEntry
from pipeline.errors import SettingsError, StoreError
from pipeline.files import child_process, out_folder
from pipeline.journal import act_file, cohort_file, decisions, roles, sign_off
from pipeline.journal.cohort_file import Saved, SavedCohort
from pipeline.journal.decisions import Act, ActKind
from pipeline.journal.roles import Deed

RUN_SECONDS = 900
"""How long bringing the results up to date may take; seconds for one decision, since a run does only what changed."""


def history(patient_id: str) -> tuple[JournalEntry, ...]:
    """Return every act about a patient, the latest first, each with whether it stands for the masks of now.

    Raises
    ------
    StoreError
        The journal or the store cannot be read.
    """
    entries = [entry for entry in act_file.read(queries.out_dir()).entries if entry.patient_id == patient_id]
    if WORKER_DIED in set(queries.query("patient_findings", patient_id=patient_id)["code"]):
        return tuple(reversed(decisions.standing(entries)))  # nobody knows what is there, so nothing lapses
    masks = queries.query("patient_masks", patient_id=patient_id)
    primary = masks[masks["is_primary"]]
    now = {
        (str(row["patient_id"]), str(row["session_id"]), str(row["compartment"])): str(row["sha256"])
        for row in primary.pipe(as_rows)
    }
    scans = queries.query("patient_scans", patient_id=patient_id)
    on = {(patient_id, str(row["session_id"])): str(row["sha256"]) for row in scans[scans["is_anchor"]].pipe(as_rows)}
    pieces: dict[tuple[str, str], set[str]] = {}
    lesions = queries.query("patient_lesions", patient_id=patient_id)
    for row in lesions[lesions["component_sha256"].notna()].pipe(as_rows):
        pieces.setdefault((patient_id, str(row["session_id"])), set()).add(str(row["component_sha256"]))
    here = {visit: frozenset(digests) for visit, digests in pieces.items()}
    return tuple(reversed(decisions.standing(entries, now, on, here, _table_scans(patient_id))))


def _table_scans(patient_id: str) -> dict[tuple[str, str], frozenset[str]]:
    """Return which scans of a table each visit is, by patient and session; none for a visit with images."""
    visits = queries.query("patient_visits", patient_id=patient_id)
    digests = {str(row["session_id"]): row["table_scans"] for row in visits.pipe(as_rows)}
    return {
        (patient_id, session_id): frozenset(text.split() if isinstance(text, str) else ())
        for session_id, text in digests.items()
    }


def pending(patient_id: str, entries: tuple[JournalEntry, ...]) -> int:
    """Count the acts that the results shown do not know of yet; comments and notes need no run."""
    stored_ids = set(queries.query("patient_journal", patient_id=patient_id)["entry_id"])
    return sum(entry.entry_id not in stored_ids and entry.act not in decisions.WORDS_ONLY for entry in entries)


def waiting() -> int:
    """Count the acts of the whole study that the results shown do not know of yet."""
    stored_ids = set(queries.table("journal")["entry_id"])
    entries = _entries()
    return sum(entry.entry_id not in stored_ids and entry.act not in decisions.WORDS_ONLY for entry in entries)


def masks_decided() -> dict[tuple[str, str], str]:
    """Return the visits about whose tumour mask, or as a whole, something was decided since the last run, in words."""
    stored_ids = set(queries.table("journal")["entry_id"])
    entries = decisions.standing(_entries())
    named = {ActKind.ACCEPT_MASK: "accepted", ActKind.CORRECT_MASK: "drawn anew"}
    return {
        (entry.patient_id, str(entry.session_id)): f"{named.get(ActKind(entry.act), 'excluded')} by {entry.who} on "
        f"{entry.written_at:%Y-%m-%d}; waits for the next run"
        for entry in entries
        if entry.entry_id not in stored_ids
        and entry.status == decisions.Standing.IN_FORCE
        and entry.act in (*decisions.ABOUT_MASKS, ActKind.CORRECT_MASK, ActKind.EXCLUDE_VISIT)
        and (entry.compartment or decisions.TUMOUR) == decisions.TUMOUR
    }


def not_in_results(patient_id: str) -> list[JournalEntry]:
    """Return what stands about a patient and the results shown do not know of yet, the latest first."""
    stored_ids = set(queries.query("patient_journal", patient_id=patient_id)["entry_id"])
    return [
        entry
        for entry in history(patient_id)
        if entry.entry_id not in stored_ids
        and entry.status == decisions.Standing.IN_FORCE
        and entry.act not in decisions.WITHOUT_EFFECT
    ]


def meeting_before(day: date) -> date | None:
    """Return the day of the last meeting with notes before a day; None where there was none."""
    days = {entry.meeting_on for entry in _entries() if entry.meeting_on is not None}
    return max((one for one in days if one < day), default=None)


def meeting_entries(day: date) -> list[JournalEntry]:
    """Return the notes and decisions of a meeting that were not undone, the latest first."""
    entries = decisions.standing(_entries())
    return [
        entry for entry in reversed(entries) if entry.status == decisions.Standing.IN_FORCE and entry.meeting_on == day
    ]


def record(who: str, *acts: Act) -> tuple[JournalEntry, ...]:
    """Put acts on record now, all or none.

    Raises
    ------
    SettingsError
        An act says too little, speaks of what the results do not have, or the person may not; nothing was written.
    StoreError
        The journal cannot be written.
    """
    person = door.enter(Deed.SIGN, who)
    for act in acts:
        queries.check_shown(act.patient_id)
    return sign_off.put_on_record(queries.out_dir(), acts, person.name, _now(), person.identity)


def together(entries: Sequence[JournalEntry]) -> list[list[JournalEntry]]:
    """Put acts that one person did in one go on one visit into one group, in the order given."""

    def occasion(entry: JournalEntry) -> tuple[object, ...]:
        return entry.written_at, entry.who, entry.act, entry.session_id, entry.status, entry.reason

    return [list(group) for _, group in groupby(entries, key=occasion)]


def saved_cohorts() -> Saved:
    """Return the cohorts that people saved and nobody deleted."""
    return cohort_file.read(queries.out_dir())


def save_cohort(who: str, name: str, filters: Mapping[str, Sequence[str]], patient_count: int) -> SavedCohort:
    """Put a cohort on record now.

    Raises
    ------
    SettingsError
        It has no name, no filters or nobody who saves it, or another one has its name.
    StoreError
        The file cannot be written.
    """
    person = door.enter(Deed.SIGN, who)
    return cohort_file.save(queries.out_dir(), name, filters, patient_count, who=person.name, at=_now())


def delete_cohort(who: str, cohort: SavedCohort) -> str:
    """Take a saved cohort off the list; what was saved stays in the file. Returns its name."""
    person = door.enter(Deed.SIGN, who)
    cohort_file.delete(queries.out_dir(), cohort.entry_id, who=person.name, at=_now())
    return cohort.name


def take_effect() -> None:
    """Run the pipeline on the study in a process of its own, so that what was decided takes effect.

    The process runs this very code, whatever lies in the output folder. On the whole study, since a run of one patient
    would publish without those that another version computed, and asked what the last run was asked.

    Raises
    ------
    SettingsError
        The run refused or failed; with its last words.
    StoreError
        The run took too long and was stopped.
    """
    roles.check_whole_study(door.enter(Deed.RUN))
    out_dir = queries.out_dir()
    last = out_folder.settings_of(out_dir)
    options = [f"--{name.replace('_', '-')}={last[name]}" for name in ("masks_from", "schedules") if name in last]
    command = child_process.module_command(
        "pipeline", "run", last["bids_dir"], out_dir, "--jobs", "1", "--criteria", last["criteria_id"], *options
    )
    environment = child_process.child_environment() | {"OMP_NUM_THREADS": "1"}
    try:
        ended = subprocess.run(
            command,
            env=environment,
            cwd=out_dir,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StoreError(f"the run took more than {RUN_SECONDS} s and was stopped; run it from a terminal") from error
    if ended.returncode not in (0, 1):
        last_line = (ended.stderr or ended.stdout).strip().splitlines()[-1:]
        raise SettingsError(" ".join(last_line) or f"the run ended with code {ended.returncode}")


def _entries() -> tuple[JournalEntry, ...]:
    """Return the acts about the patients that may be seen, in the order they were written."""
    entries, seen = act_file.read(queries.out_dir()).entries, queries.patients_seen()
    return entries if seen is None else tuple(entry for entry in entries if entry.patient_id in seen)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)
