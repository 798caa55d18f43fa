"""Statements held against the numbers that stand beside them: no word over an interval that says otherwise."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.judge import certainty
from pipeline.judge.clauses import Clause, ClauseKind, from_json, of_total


def words_true_of_numbers(verdicts: Iterable[tuple[str, str]]) -> set[str]:
    """Check the words of verdicts, given as display states and clauses; return those for *no change* that came up."""
    said = set()
    for display_state, text in verdicts:
        clause = of_total(from_json(text))
        word = certainty.finer(display_state, clause)
        if clause is None or clause.kind != ClauseKind.CHANGE:
            continue
        _beyond_and_within(clause)
        _change_of_readings(clause)
        if display_state == "no_change":
            said.add(word)
            _word_of_interval(word, clause)
    return said


def _word_of_interval(word: str, clause: Clause) -> None:
    low, high = clause.low_ratio, clause.high_ratio
    if low is None or high is None:
        assert word == "no_change"
        return
    assert (word == certainty.GROWTH_BELOW_RULE) == (low > 1)
    assert (word == certainty.FALL_BELOW_RULE) == (high < 1)
    if word == "no_change":
        assert low <= 1 <= high
        rule = max(clause.rule_ratio or 1, 1 / (clause.rule_ratio or 1))
        limit = max(clause.limit_ratio, 1 / clause.limit_ratio) if clause.limit_ratio else None
        assert limit is None or high < rule or (limit <= rule and high <= (clause.ratio or high) * limit**2)


def _change_of_readings(clause: Clause) -> None:
    """Hold that a change outside the interval beside it says that it is that of the readings, and no other does."""
    low, high, ratio = clause.low_ratio, clause.high_ratio, clause.ratio
    is_outside = None not in (low, high, ratio) and not low <= ratio <= high  # type: ignore[operator]
    assert is_outside == ("by the two readings (true change by all scans" in clause.words), clause


def _beyond_and_within(clause: Clause) -> None:
    if clause.limit_ratio is None or clause.ratio is None or clause.limit_ratio == 1:
        return
    beyond = clause.ratio >= clause.limit_ratio > 1 or clause.ratio <= clause.limit_ratio < 1
    assert "beyond measurement error" not in clause.ruling or beyond, clause
    assert "within measurement error" not in clause.ruling or not beyond, clause
    assert "less than can be called a change" not in clause.ruling or not beyond, clause
    if clause.low_ratio is not None and clause.high_ratio is not None:
        holds_none = clause.low_ratio <= 1 <= clause.high_ratio
        assert "within measurement error" not in clause.ruling or holds_none, clause
        assert "less than can be called" not in clause.ruling or not holds_none, clause
        says_so = "though the interval by all scans includes 0 %" in clause.ruling
        assert says_so == (holds_none and "beyond measurement error (limit" in clause.ruling), clause
        assert not (says_so and clause.ratio > 1), clause
