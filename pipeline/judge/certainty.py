"""What may be said of a change that the rule does not call: real but small, none, or too uncertain to tell.

The rule: where the 95 % interval of the change lies wholly above no change, it is growth below the rule, wholly below,
a fall below the rule. Where it holds both no change and the rule, and growth by the rule would not be told from error,
it is too uncertain to tell; so it is where the scans contradict each other, the interval of all of them reaching up to
the rule although this one alone excludes it. Else nothing has changed. What this module refuses: *no change* over an
interval that says otherwise.
"""

from __future__ import annotations

from pipeline.core.vocabulary import DisplayState
from pipeline.judge.clauses import Clause, ClauseKind

GROWTH_BELOW_RULE = "growth_below_rule"
FALL_BELOW_RULE = "fall_below_rule"
TOO_UNCERTAIN = "too_uncertain"
FINER = (GROWTH_BELOW_RULE, FALL_BELOW_RULE, TOO_UNCERTAIN)
"""Kinds of *no change* that are told apart in words."""

CONTRADICTED = 2.0
"""The other scans contradict a reading where the interval of all reaches further above it than so many limits, in logs:
a reading that its own error alone makes unsure is left behind by no more than one."""


def finer(display_state: str, clause: Clause | None) -> str:
    """Return what a visit is told as: its display state, or where that is *no change* the kind of it.

    Parameters
    ----------
    display_state
        As stored.
    clause
        The main clause on the total (``clauses.of_total``); None where nothing was compared.

    >>> from dataclasses import replace
    >>> told = Clause(ClauseKind.CHANGE, "", ratio=1.3, low_ratio=1.1, high_ratio=1.6, limit_ratio=1.2, rule_ratio=1.4)
    >>> finer("no_change", told)
    'growth_below_rule'
    >>> wide = replace(told, ratio=1.02, low_ratio=0.8, high_ratio=1.78, limit_ratio=1.19)
    >>> finer("no_change", wide)
    'too_uncertain'
    """
    if display_state != DisplayState.NO_CHANGE or clause is None or clause.kind != ClauseKind.CHANGE:
        return display_state
    return _of_interval(clause) or display_state


def _of_interval(clause: Clause) -> str | None:
    low, high, limit, rule = clause.low_ratio, clause.high_ratio, clause.limit_ratio, clause.rule_ratio
    if low is None or high is None:
        return None
    if low > 1:
        return GROWTH_BELOW_RULE
    if high < 1:
        return FALL_BELOW_RULE
    if limit is None or rule is None or not limit:
        return None
    rule_up, limit_up = max(rule, 1 / rule), max(limit, 1 / limit)
    is_contradicted = clause.ratio is not None and high > clause.ratio * limit_up**CONTRADICTED
    return TOO_UNCERTAIN if high >= rule_up and (limit_up > rule_up or is_contradicted) else None
