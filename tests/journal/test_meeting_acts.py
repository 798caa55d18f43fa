"""Notes and decisions of a meeting: acts of their own, and how journals from before they were are read."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.journal import act_file, append_only, decisions
from pipeline.journal.decisions import Act, ActKind

AT = datetime(2024, 2, 1, 12)  # noqa: DTZ001
DAY = date(2024, 2, 1)


def old_comment(out: Path, words: str) -> None:
    """Put a comment on record as versions without notes did."""
    with append_only.writing(out, act_file.FILE) as lines:
        fields = {"written_at": "2024-02-01T12:00:00Z", "who": "Rita", "act": "comment", "patient_id": "sub-01"}
        lines.append(append_only.sealed({**fields, "reason": words}, append_only.read(out, act_file.FILE, dict).last))


@pytest.mark.parametrize(
    ("words", "act", "reason", "meeting_on"),
    [
        ("board 2024-02-01: wait", "note", "wait", DAY),
        ("board 2024-02-01: decided: operate; decided: soon", "decision", "operate; decided: soon", DAY),
        ("board 2024-02-31: wait", "comment", "board 2024-02-31: wait", None),
        ("the board 2024-02-01: wait", "comment", "the board 2024-02-01: wait", None),
        ("decided: wait", "comment", "decided: wait", None),
    ],
)
def test_old_comments_with_a_heading_are_understood(
    tmp_path: Path, words: str, act: str, reason: str, meeting_on: date | None
) -> None:
    old_comment(tmp_path, words)
    entry = act_file.read(tmp_path).entries[0]
    assert (entry.act, entry.reason, entry.meeting_on) == (act, reason, meeting_on)


@pytest.mark.parametrize("kind", [ActKind.NOTE, ActKind.DECISION])
def test_a_note_keeps_its_words_whatever_they_begin_with(tmp_path: Path, kind: ActKind) -> None:
    noted = Act(kind, "sub-01", reason="decided: board 2020-01-01: x", meeting_on="2024-02-01")
    act_file.append(tmp_path, [noted], "Rita", AT)
    entry = act_file.read(tmp_path).entries[0]
    assert (entry.act, entry.reason, entry.meeting_on) == (str(kind), "decided: board 2020-01-01: x", DAY)
    assert decisions.effective((entry,), "sub-01") == ()


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (Act(ActKind.NOTE, "sub-01", reason="x"), "note: expected meeting_on, found none"),
        (Act(ActKind.DECISION, "sub-01", reason="x", meeting_on="soon"), "expected the day of the meeting"),
        (Act(ActKind.EXCLUDE_VISIT, "sub-01", "ses-01", reason="x", meeting_on="2024-02-01"), "make it a note"),
        (Act(ActKind.COMMENT, "sub-01", reason="board 2024-02-01: x"), "found the heading of a meeting"),
    ],
)
def test_a_meeting_is_named_by_notes_alone(tmp_path: Path, act: Act, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        act_file.append(tmp_path, [act], "Rita", AT)
    assert act_file.read(tmp_path).entries == ()
