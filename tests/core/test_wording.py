"""One number format: what is printed agrees with itself and with the exact number (about two seconds)."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from dashboard.words import labels
from pipeline.core import wording
from pipeline.judge import explanation

SIZES = st.floats(0.5, 1e6)
RATIOS = st.one_of(st.just(0.0), st.floats(1e-6, 60.0))


def printed(words: str) -> float:
    return float(words.split(maxsplit=1)[0])


@given(SIZES, SIZES)
def test_a_change_is_that_of_the_printed_volumes(now: float, then: float) -> None:
    figures = wording.figures_beside(now, then)
    sizes = [printed(wording.volume(value, figures)) for value in (now, then)]
    change = printed(wording.change_of(now / then))
    assert abs(100 * (sizes[0] / sizes[1] - 1) - change) <= max(2.5, 0.06 * abs(change))


@given(RATIOS)
def test_signs_and_ends_of_changes(ratio: float) -> None:
    words = wording.change_of(ratio)
    assert re.fullmatch(r"0 %|[+-][1-9]\d* %", words)
    assert (words == "-100 %") == (ratio == 0)
    exact = 100 * (ratio - 1)
    assert abs(printed(words) - exact) <= max(1.0, 0.05 * abs(exact))


@given(RATIOS, RATIOS)
def test_a_larger_ratio_never_reads_smaller(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert printed(wording.change_of(low)) <= printed(wording.change_of(high))


@given(st.floats(0.01, 3.0), st.floats(0.01, 3.0))
def test_the_order_of_a_change_and_its_limit_can_be_seen(ratio: float, limit: float) -> None:
    decimals = wording.decimals_apart(ratio, limit)
    change, against = (printed(wording.change_of(value, decimals)) for value in (ratio, limit))
    if change != against:
        assert (change < against) == (ratio < limit)
    assert change != against or abs(ratio - limit) <= 2e-6


@given(RATIOS)
def test_pages_and_sentences_write_the_same_change(ratio: float) -> None:
    assert labels.percent(100 * (ratio - 1)) == wording.typeset(explanation.percent(ratio))


@given(SIZES)
def test_pages_and_sentences_write_the_same_volume(mm3: float) -> None:
    assert labels.ml(mm3).replace(labels.NARROW, " ") == wording.volume(mm3)


def test_two_figures_that_contradict_the_change_get_a_third() -> None:
    figures = wording.figures_beside(1449.0, 999.5)
    assert (wording.volume(1449.0, figures), wording.volume(999.5, figures)) == ("1.45 mL", "1.00 mL")
    assert wording.figures_beside(1500.0, 1000.0, None, 0.0) == 2


def test_a_change_is_rounded_once() -> None:
    assert wording.change(154.9) == "+150 %"
    assert labels.percent(154.9) == f"+150{labels.NARROW}%"


SPEEDS = st.floats(-2000.0, 2000.0).filter(lambda value: value == 0 or abs(value) > 1e-6)


@given(st.lists(SPEEDS, min_size=1, max_size=3))
def test_numbers_that_belong_together_have_the_same_decimals_and_say_on_which_side_of_nothing_they_lie(
    values: list[float],
) -> None:
    words = wording.signed_alike(*values)
    assert len({len(word.partition(".")[2]) for word in words}) == 1
    assert "-0" not in {word.rstrip("0.") for word in words}
    largest = max(map(abs, values))
    for value, word in zip(values, words, strict=True):
        assert abs(float(word) - value) <= 0.06 * largest
        assert word.startswith("+") == (float(word) > 0)
        if min(values) > 0 or max(values) < 0:
            assert (float(word) > 0, float(word) < 0) == (value > 0, value < 0)
