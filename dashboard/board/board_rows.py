"""The rows of the board, as the board itself, the projector and the minutes show them."""

from __future__ import annotations

from datetime import date

import pandas as pd

from dashboard.data import queries
from dashboard.words import labels, state_words
from dashboard.words.table_rows import as_rows
from pipeline.judge.questions import RANKS, Question

OWN = ["change_percent", "change_low_percent", "change_high_percent"]


def board_rows(criteria_id: str, as_of: date) -> pd.DataFrame:
    """Return the rows of the board in their order, each with the change that its state rests on.

    Parameters
    ----------
    as_of
        The day that due dates are held against.
    """
    return queries.derived(_rows, criteria_id, as_of)


def _rows(criteria_id: str, as_of: date) -> pd.DataFrame:
    patients = queries.query("board", criteria_id=criteria_id).drop(columns=OWN)
    changes = queries.query("board_change", criteria_id=criteria_id)
    due = queries.query("next_scans", as_of=as_of)[["patient_id", "due_on", "is_overdue"]]
    reasons = queries.query("board_reasons", criteria_id=criteria_id)
    since = queries.query("board_since", criteria_id=criteria_id)
    for further in (changes, due, reasons, since):
        patients = patients.merge(further, on="patient_id", how="left")
    patients["shown_state"] = [labels.finer_state(row) for row in patients.pipe(as_rows)]
    patients["state_words"] = [state_words.shown(row) for row in patients.pipe(as_rows)]
    patients["state_place"] = [state_words.place(words) for words in patients["state_words"]]
    overdue = patients["is_overdue"].map(lambda is_overdue: labels.is_known(is_overdue) and bool(is_overdue))
    rank = patients["urgency_rank"].where(~overdue, patients["urgency_rank"].clip(upper=RANKS[Question.OVERDUE]))
    return patients.loc[rank.sort_values(kind="stable").index].reset_index(drop=True)
