"""Agreement of criteria against published examples and independent programs. About three seconds."""

from __future__ import annotations

import math
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from pipeline.cohort.agreement import Rating, Weights, panel
from tests.places import ROOT

WORDS = st.sampled_from(["CR", "PR", "SD", "PD"])

FLEISS_1971 = [
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
]  # fmt: skip
"""Ten subjects, fourteen raters, five categories: kappa 0.210."""


def rated(table: dict[tuple[str, str], str]) -> list[Rating]:
    """Read visits such as ``("sub-01", "ses-01"): "SD PD"``, one word for each of the raters a, b, c ..."""
    return [
        Rating(patient, session, rater, category)
        for (patient, session), words in table.items()
        for rater, category in zip("abcdefghijklmn", words.split(), strict=False)
        if category != "-"
    ]


def test_the_published_example_of_many_raters():
    table = {
        (f"sub-{i}", "ses-01"): " ".join(
            word for count, word in zip(row, "VWXYZ", strict=True) for word in word * count
        )
        for i, row in enumerate(FLEISS_1971)
    }
    found = panel(rated(table)).overall
    assert found.value == pytest.approx(0.210, abs=0.0005)
    assert found.observed == pytest.approx(0.378, abs=0.0005)
    assert (len(found.raters), found.visit_count, found.patient_count) == (14, 10, 10)


def naive_kappa(pairs: list[list[str]]) -> float:
    """Cohen's kappa as in its first paper."""
    firsts, seconds = zip(*pairs, strict=True)
    observed = sum(a == b for a, b in pairs) / len(pairs)
    expected = sum(firsts.count(word) * seconds.count(word) for word in {*firsts, *seconds}) / len(pairs) ** 2
    return (observed - expected) / (1 - expected)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=2, max_size=40))
def test_two_raters_agree_with_a_naive_kappa(pairs):
    first, second = (
        panel(rated({(f"sub-{i}", "ses-01"): " ".join(words) for i, words in enumerate(both)})).overall.value
        for both in (pairs, [(b, a) for a, b in pairs])
    )
    if len({word for pair in pairs for word in pair}) == 1:
        assert first is None
    else:
        assert first == pytest.approx(naive_kappa([list(pair) for pair in pairs]))
        assert second == pytest.approx(first)


def test_the_textbook_example_of_two_raters():
    pairs = ["PD PD"] * 20 + ["PD SD"] * 5 + ["SD PD"] * 10 + ["SD SD"] * 15
    found = panel(rated({(f"sub-{i}", "ses-01"): words for i, words in enumerate(pairs)})).overall
    assert (found.observed, found.value) == (pytest.approx(0.7), pytest.approx(0.4))


def test_the_interval_leaves_out_patients_not_visits():
    chance = random.Random(6)
    table = {
        (f"sub-{i:02d}", f"ses-{j}"): f"{chance.choice(['SD', 'PD'])} {chance.choice(['SD', 'SD', 'PD'])}"
        for i in range(12)
        for j in range(1 + i % 4)
    }
    (found,) = panel(rated(table)).pairs
    left = [
        naive_kappa([words.split() for (p, _), words in table.items() if p != out])
        for out in sorted({p for p, _ in table})
    ]
    error = math.sqrt(11 / 12 * sum((k - np.mean(left)) ** 2 for k in left))
    assert found.value is not None
    assert found.low == pytest.approx(found.value - t.ppf(0.975, 11) * error)
    assert found.high == pytest.approx(found.value + t.ppf(0.975, 11) * error)


def test_disagreements_are_named_by_patient_and_visit():
    found = panel(
        rated(
            {
                ("sub-02", "ses-02"): "PD SD SD",
                ("sub-01", "ses-02"): "SD SD SD",
                ("sub-02", "ses-03"): "PD PD SD",
                ("sub-01", "ses-03"): "PR SD SD",
            }
        )
    )
    assert [(d.patient_id, d.session_id) for d in found.disagreements] == [
        ("sub-01", "ses-03"),
        ("sub-02", "ses-02"),
        ("sub-02", "ses-03"),
    ]
    assert found.disagreements[0].categories == {"a": "PR", "b": "SD", "c": "SD"}
    assert [pair.raters for pair in found.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]


def test_a_visit_that_somebody_could_not_evaluate_is_counted_and_left_out():
    found = panel(rated({("sub-01", "ses-02"): "NE SD", ("sub-01", "ses-03"): "NE NE", ("sub-02", "ses-02"): "SD PD"}))
    assert (found.not_evaluable_count, found.overall.visit_count) == (2, 1)
    assert len(found.disagreements) == 1


def test_pairs_use_the_visits_that_both_rated():
    found = panel(rated({("sub-01", "ses-02"): "SD PD -", ("sub-01", "ses-03"): "SD SD SD"}))
    assert {pair.raters: pair.visit_count for pair in found.pairs} == {("a", "b"): 2, ("a", "c"): 1, ("b", "c"): 1}
    assert found.overall.visit_count == 1


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, "fewer than two raters"),
        ({("sub-01", "ses-02"): "SD"}, "fewer than two raters"),
        ({("sub-01", "ses-02"): "SD -", ("sub-01", "ses-03"): "- PD"}, "no visit that all of them rated"),
        ({("sub-01", "ses-02"): "SD SD", ("sub-01", "ses-03"): "SD SD"}, "one and the same word"),
    ],
)
def test_a_kappa_that_does_not_exist_is_missing_with_a_reason(table, words):
    found = panel(rated(table)).overall
    assert found.value is None
    assert words in found.reason


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({(f"sub-{i}", "ses-01"): ["SD SD", "PD PD", "SD PD"][i % 3] for i in range(4)}, "needs 5 patients, found 4"),
        ({(f"sub-{i}", "ses-01"): "SD SD" if i else "SD PD" for i in range(6)}, "is in one patient"),
    ],
)
def test_an_interval_that_does_not_exist_is_missing_with_a_reason(table, words):
    found = panel(rated(table)).overall
    assert found.value is not None
    assert found.low is None
    assert words in found.reason


def test_full_agreement_is_one():
    found = panel(rated({(f"sub-{i}", "ses-01"): ["SD SD SD", "PD PD PD"][i % 2] for i in range(8)}))
    assert (found.overall.value, found.overall.low, found.overall.high) == (1.0, 1.0, 1.0)
    assert found.disagreements == ()


def test_importing_the_cohort_does_not_load_statsmodels():
    script = (
        "import sys, pipeline.cohort.agreement, pipeline.cohort.cohort_growth, pipeline.cohort.survival; "
        "print([name for name in sys.modules if name.startswith('statsmodels')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "[]\n"


COUPLES = [(7, 7, 2, 3), (2, 8, 3, 7), (1, 5, 4, 9), (2, 8, 9, 14)]
"""Husbands and wives of ``SexualFun`` in R's vcd: ``Kappa`` prints 0.1293 without weights, 0.2374 with linear ones."""


def couples() -> list[Rating]:
    scale = ("CR", "PR", "SD", "PD")
    pairs = [(a, b) for i, a in enumerate(scale) for j, b in enumerate(scale) for _ in range(COUPLES[i][j])]
    return rated({(f"sub-{n:03}", "ses-01"): " ".join(pair) for n, pair in enumerate(pairs)})


@pytest.mark.parametrize(
    ("weights", "expected", "error"), [(Weights.NONE, 0.1293, 0.06860), (Weights.LINEAR, 0.2374, 0.07832)]
)
def test_weighted_kappa_is_that_of_r(weights, expected, error):
    (pair,) = panel(couples(), weights).pairs
    assert pair.value == pytest.approx(expected, abs=5e-5)
    assert (pair.high - pair.low) / 2 == pytest.approx(t.ppf(0.975, 90) * error, rel=0.05)
    assert pair.weights == weights


def test_quadratic_weights_give_the_correlation_of_concordance():
    """Fleiss and Cohen 1973, Educ Psychol Meas 33:613-619: it is Lin's coefficient of the steps as numbers."""
    steps = np.array([(i, j) for i in range(4) for j in range(4) for _ in range(COUPLES[i][j])], dtype=float)
    first, second = steps.T
    gap = (first.mean() - second.mean()) ** 2
    lin = 2 * np.mean((first - first.mean()) * (second - second.mean())) / (first.var() + second.var() + gap)
    (pair,) = panel(couples(), Weights.QUADRATIC).pairs
    assert pair.value == pytest.approx(lin)


def test_words_that_nobody_uses_are_no_step_and_the_order_is_that_of_the_scale():
    near = {(f"sub-{n}", "ses-01"): words for n, words in enumerate(["CR CR", "PD PD", "PR SD", "SD SD", "CR PR"])}
    far = near | {("sub-2", "ses-01"): "PR PD"}
    values = [panel(rated(table), Weights.LINEAR).pairs[0].value for table in (near, far)]
    assert values[0] > values[1]
    # one step of three twice among five; chance alone: 55 / 75 of the way with these shares of words
    distance = {"CR": 0, "PR": 1, "SD": 2, "PD": 3}
    pairs = [tuple(words.split()) for words in near.values()]
    gone = sum(abs(distance[a] - distance[b]) for a, b in pairs) / 5
    chance = sum(abs(distance[a] - distance[b]) for a, _ in pairs for _, b in pairs) / 25
    assert values[0] == pytest.approx(1 - gone / chance)


def test_all_raters_together_have_no_weights():
    table = {(f"sub-{n}", "ses-01"): words for n, words in enumerate(["CR CR PR", "PD PD PD", "PR SD PR"])}
    assert panel(rated(table), Weights.LINEAR).overall == panel(rated(table)).overall
