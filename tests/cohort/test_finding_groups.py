"""Which group of a cohort a finding puts a patient in; what was not told is never absent (under 1 s)."""

import pytest

from pipeline.cohort.finding_groups import NOT_TOLD, either, group_of, is_sure

YES, MAYBE, NO, MAYBE_NOT = "present", "present (not sure)", "absent", "absent (not sure)"


@pytest.mark.parametrize(
    ("measured", "group"),
    [
        (("vivid", "sure"), "vivid"),
        (("vivid", "unsure"), "vivid (not sure)"),
        ((None, "sure"), NOT_TOLD),  # a number without a term
        ((None, None), NOT_TOLD),
        (("none", "sure", "vivid"), "vivid"),
        ((None, None, "faint"), "faint"),
    ],
)
def test_sure_unsure_and_untold_are_three_groups_and_a_reader_stands_for_the_measure(measured, group):
    assert group_of(*measured) == group


@pytest.mark.parametrize(
    ("above", "below", "group"),
    [
        (YES, NO, YES), (YES, NOT_TOLD, YES), (MAYBE, YES, YES), (MAYBE, NO, MAYBE), (MAYBE, NOT_TOLD, MAYBE),
        (NO, NO, NO), (NO, MAYBE_NOT, MAYBE_NOT), (NO, NOT_TOLD, NOT_TOLD), (NOT_TOLD, NOT_TOLD, NOT_TOLD),
    ],
)  # fmt: skip
def test_what_lies_above_or_below_is_absent_only_where_both_were_looked_at(above, below, group):
    assert either([above, below]) == either([below, above]) == group


def test_no_place_at_all_is_not_told():
    assert either([]) == NOT_TOLD


def test_only_a_sure_term_is_sure():
    assert [is_sure(group) for group in (YES, MAYBE, NO, MAYBE_NOT, NOT_TOLD)] == [True, False, True, False, False]
