"""The study's tables as forms show and change them; who may and who did goes through the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dashboard.data import door, queries, study_jobs
from pipeline.journal.roles import Deed
from pipeline.journal.sign_off import Signature
from pipeline.service import study_forms
from pipeline.service.study_forms import FormTable


def table(name: str) -> FormTable:
    """Return a table as it stands.

    Raises
    ------
    InputError
        It cannot be changed by a form.
    """
    door.enter_whole_study()
    return study_forms.read(study_jobs.study_folder(), name)


def patients() -> list[str]:
    """Return everybody in participants.tsv and every folder of a patient, in order."""
    listed = {str(row.get("participant_id") or "") for row in table("participants.tsv").rows}
    folders = {path.name for path in study_jobs.study_folder().glob("sub-*") if path.is_dir()}
    return sorted({name if name.startswith("sub-") else f"sub-{name}" for name in listed if name} | folders)


def save(who: str, shown: FormTable, new_rows: Sequence[Mapping[str, Any]]) -> str:
    """Write a table as a form left it.

    Raises
    ------
    SettingsError
        The person may not, the table was changed meanwhile, or a run would call something in it an error.
    """
    person = door.enter(Deed.EDIT, who)
    at = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    signed = Signature(person.name, "", at, person.identity)
    places = (study_jobs.study_folder(), queries.out_dir())
    return study_forms.save(places, shown, new_rows, signed, datetime.now().astimezone().date())


def history() -> tuple[dict[str, Any], ...]:
    """Return who changed which table when, the latest first."""
    door.enter_whole_study()
    return study_forms.history(queries.out_dir())
