"""One meeting of the board: its day, who is picked for it, notes that go into the journal, and the minutes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.data import acts, door, queries
from dashboard.patient.headline import effects
from dashboard.shell import address, page, signing
from dashboard.words import acts_beside, labels, sentences
from dashboard.words.markup import short
from dashboard.words.table_rows import as_rows
from pipeline.core.records import JournalEntry
from pipeline.journal.decisions import ActKind

DAY = "on"
PICKED = "pick"
ATTENDEES = "attendees"
COLUMNS = (
    "patient",
    "age",
    "diagnosis",
    "state",
    "change",
    "interval",
    "why discussed",
    "sentence",
    "next due",
    "notes",
    "decisions",
)

PRINTED = [name for name in COLUMNS if name not in ("age", "diagnosis", "interval")]
"""Columns on paper, where age and diagnosis stand under the name, and the interval under the change."""


def meeting_day() -> date:
    """Return the day of the meeting: the one of the address, else today."""
    try:
        return date.fromisoformat(st.query_params.get(DAY, ""))
    except ValueError:
        return page.today()


def choose_day() -> date:
    """Ask for the day of the meeting; the address keeps it unless it is today."""
    page.remark("meeting on", "content")
    day = st.date_input(
        "Meeting on",
        value=meeting_day(),
        key="meeting-day",
        format="YYYY-MM-DD",
        width=150,
        label_visibility="collapsed",
    )
    chosen = day if isinstance(day, date) else page.today()
    address.keep(DAY, [] if chosen == page.today() else [chosen.isoformat()])
    return chosen


def picked(patient_ids: list[str]) -> list[str]:
    """Return who is picked for the meeting, in the order of the board."""
    return address.several(PICKED, patient_ids)


def notes(day: date) -> dict[str, list[JournalEntry]]:
    """Return what was noted and decided at the meeting, by patient, the latest first."""
    by_patient: dict[str, list[JournalEntry]] = {}
    for entry in acts.meeting_entries(day):
        by_patient.setdefault(entry.patient_id, []).append(entry)
    return by_patient


def words_of(entry: JournalEntry) -> str:
    """Return a note or decision with who made it."""
    begins = "decided: " if entry.act == ActKind.DECISION else ""
    return f"{begins}{_signed(entry)}"


def _signed(entry: JournalEntry) -> str:
    return f"{entry.reason or ''} ({entry.who})"


def rows(chosen: pd.DataFrame, day: date) -> pd.DataFrame:
    """Put the minutes together: one row per patient, words only."""
    written = notes(day)
    body = []
    for _, row in chosen.iterrows():
        look = labels.standing(row)
        change, interval = sentences.change(row)
        main, _ = sentences.verdict(row)
        parts = [f"{look.symbol} {look.word}" + (", provisional" if row["is_provisional"] else "")]
        parts += [earlier] if (earlier := acts_beside.last_judged(row)) else []
        parts += [line.text for line in acts_beside.lines(acts_beside.changes_verdict(effects(row)))]
        state = "; ".join(parts)
        entries = list(reversed(written.get(row["patient_id"], [])))
        noted = "; ".join(_signed(entry) for entry in entries if entry.act == ActKind.NOTE)
        decided = "; ".join(_signed(entry) for entry in entries if entry.act == ActKind.DECISION)
        why = sentences.open_questions(row)
        due = sentences.due(row).removeprefix("due ") or "no schedule"
        age = f"{row['age_years']:.0f}" if labels.is_known(row["age_years"]) else "not given"
        body.append((row["patient_id"], age, _diagnosis(row), state, change, interval, why, main, due, noted, decided))
    return pd.DataFrame(body, columns=list(COLUMNS))


def _printed(row: Mapping[Any, Any]) -> list[str]:
    """Return the cells of a patient as paper has room for them: name over diagnosis, change over interval."""
    cells = {name: short(str(cell)) if name not in COLUMNS[-2:] else str(cell) for name, cell in row.items()}
    age = f"age {cells['age']}"
    cells["patient"] = "\n".join(filter(None, (cells["patient"], age, *cells["diagnosis"].split(", "))))
    cells["change"] = f"{cells['change']}\n{cells['interval']}".strip()
    return [cells[name] for name in PRINTED]


def _diagnosis(row: pd.Series) -> str:
    grade = f"grade {labels.words(row['who_grade'])}" if labels.is_known(row["who_grade"]) else ""
    parts = [labels.words(row[name], "") for name in ("histology", "level", "syndrome")]
    return ", ".join(part for part in (parts[0], grade, *parts[1:]) if part)


def downloads(chosen: pd.DataFrame, day: date, study: page.ShownStudy) -> None:
    """Offer the minutes; they are made when somebody asks for them."""
    st.text_input(
        "Attendees",
        key=ATTENDEES,
        placeholder="attendees, for the minutes",
        label_visibility="collapsed",
        persist_state="session",
        max_chars=600,
        width=220,
    )
    attendees = signing.typed(ATTENDEES)

    def as_pdf() -> bytes:
        from dashboard.packet import minutes  # noqa: PLC0415  # its figures cost a second that only paper needs

        around = minutes.Meeting(
            f"Tumour board of {day.isoformat()}", attendees, page.provenance(study), page.today().isoformat()
        )
        return minutes.pdf(around, PRINTED, [_printed(row) for row in rows(chosen, day).pipe(as_rows)])

    def as_csv() -> bytes:
        return queries.csv(rows(chosen, day).assign(meeting=day.isoformat(), attendees=attendees, signature=""))

    kinds = (
        ("Minutes (CSV)", "csv", "text/csv", as_csv),
        ("Minutes (PDF)", "pdf", "application/pdf", as_pdf),
    )
    for label, suffix, mime, content in kinds:
        st.download_button(
            label, data=door.taking(label, content), file_name=f"board_{day.isoformat()}.{suffix}", mime=mime,
            on_click="ignore", key=f"minutes-{suffix}", type="tertiary",
        )  # fmt: skip
