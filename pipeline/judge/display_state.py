"""What the eye is told of one visit: growth, shrinkage, only possibly so, nothing changed, nothing seen.

A change is shown as sure when it passes the threshold *and* the error of the whole series
(:mod:`pipeline.judge.series_calls`), as possible when it passes only the threshold. A shrinkage counts from the mirror
image of the growth that counts (-29 % for +40 %), by its own reading or by all readings together.
"""

from __future__ import annotations

from pipeline.core.vocabulary import DisplayState
from pipeline.judge import comparison
from pipeline.judge.comparison import Comparison
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.verdict import Evidence


def display_of(evidence: Evidence, criteria: ResponseCriteria, *, grown: bool) -> DisplayState:
    """Choose the word, symbol and colour of a visit after the baseline.

    Parameters
    ----------
    evidence
        What the visit shows.
    criteria
        Whose growth threshold applies.
    grown
        Growth by the criteria's rule is proven.
    """
    if evidence.new_lesion:
        return DisplayState.GROWTH
    growth, baseline, nadir = evidence.reference(criteria), evidence.baseline, evidence.nadir
    if growth is None or baseline is None or nadir is None:
        return DisplayState.NOT_EVALUABLE
    if growth.value == 0:
        return DisplayState.NONE_SEEN
    if nadir.reference_value == 0:
        return DisplayState.GROWTH if grown else DisplayState.POSSIBLE_GROWTH
    return _changed(growth, baseline, criteria, grown=grown)


def _changed(growth: Comparison, baseline: Comparison, criteria: ResponseCriteria, *, grown: bool) -> DisplayState:
    if comparison.grew_by(growth, criteria.progression.ratio):
        sure = grown and comparison.beyond_error(growth)
        return DisplayState.GROWTH if sure else DisplayState.POSSIBLE_GROWTH
    if comparison.is_down_to(baseline, 1 / criteria.progression.ratio):
        sure = comparison.beyond_error(baseline)
        return DisplayState.SHRINKAGE if sure else DisplayState.POSSIBLE_SHRINKAGE
    return DisplayState.NO_CHANGE
