"""The kinds of open questions about a patient, in the order of the board, and how each is said in a few words."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Question(StrEnum):
    """What is open about a patient, in the order of the board; the values are stored."""

    NEW_LESION = "new_lesion"
    GROWTH = "growth"
    LESION_GROWTH = "lesion_growth"
    NEW_SIGNAL = "new_signal"
    FUNCTION = "function"
    CYST = "cyst"
    EARLIER_PROGRESSION = "earlier_progression"
    POSSIBLE_GROWTH = "possible_growth"
    DISAGREEMENT = "disagreement"
    NOT_JUDGED = "not_judged"
    OVERDUE = "overdue"
    UNSIGNED = "unsigned"
    LEFT_OUT = "left_out"
    NONE = "none"


RANKS = {question: rank for rank, question in enumerate(Question, start=1)}
NO_DECISION = (Question.OVERDUE, Question.LEFT_OUT, Question.NONE)
NONE_RECORDED = "no open question recorded"
FIRST_SEEN = "tumour where none was seen before"
"""Of the first tumour that anybody saw in a person, whatever nobody wrote down."""
PERHAPS_SEEN = "tumour perhaps seen before"
"""Of tumour where none was seen, while a scan before could not say."""


class Open(NamedTuple):
    """One thing that is open: what it is, in words with its numbers, and in a few words."""

    question: Question
    words: str
    brief: str = ""


Asked = Open | tuple[Question, str]
"""Where nothing of its own is said in a few words, the kind's :data:`BRIEFS` are."""

BRIEFS = {
    Question.NEW_LESION: "new lesion",
    Question.GROWTH: "growth",
    Question.LESION_GROWTH: "a lesion growing",
    Question.NEW_SIGNAL: "new signal, nobody looked",
    Question.FUNCTION: "function worse",
    Question.CYST: "cyst growing",
    Question.EARLIER_PROGRESSION: "earlier progression",
    Question.POSSIBLE_GROWTH: "possible growth",
    Question.DISAGREEMENT: "criteria disagree",
    Question.NOT_JUDGED: "latest scan not judged",
    Question.OVERDUE: "scan overdue",
    Question.UNSIGNED: "unsigned mask",
    Question.LEFT_OUT: "something left out",
    Question.NONE: NONE_RECORDED,
}
"""What is said in a few words of a question that has none of its own."""
