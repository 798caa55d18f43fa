"""Molecular markers as hospitals write them; what is not understood is unknown, never negative."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.markers import MARKERS, UNCERTAIN, coded, is_understood
from pipeline.study import clinical
from pipeline.study.study_tables import TableRow


@pytest.mark.parametrize(
    ("column", "texts", "code"),
    [
        ("mycn", ["amplified", "Amplification", "AMP", "amp detected", "yes", "positive", "+", "1"], "amplified"),
        (
            "mycn",
            ["not amplified", "Non-amplified", "unamplified", "no amplification", "no MYCN amplification", "negative",
             "neg", "0", "wt", "wild type", "diploid", "not detected"],
            "not amplified",
        ),
        (
            "mycn",
            ["gain", "low-level gain", "?", "amplified?", "suspected amplification", "pending", "not tested", "n.d.",
             "copy number 6", "see report", "not done", "amplified/not amplified", "focal"],
            "unknown",
        ),
        (
            "h3_k27",
            ["altered", "H3 K27M", "h3k27m", "K27M", "H3.3 K27M mutant", "mutant", "mutated", "H3 K27-altered", "yes"],
            "altered",
        ),
        ("h3_k27", ["wildtype", "wild-type", "WT", "H3 wildtype", "H3 K27 wt", "negative", "not mutated"], "wild type"),
        (
            "h3_k27",
            ["H3K27me3 loss", "H3K27me3 retained", "G34R", "EZHIP", "unclear", "not assessed", "K27M?", "inconclusive"],
            "unknown",
        ),
    ],
)  # fmt: skip
def test_results_are_read_as_they_are_written(column: str, texts: list[str], code: str) -> None:
    assert {text: coded(column, text) for text in texts} == dict.fromkeys(texts, code)


def test_an_empty_cell_is_no_result() -> None:
    assert coded("mycn", None) is None
    assert coded("mycn", "  ") is None


@given(st.sampled_from(sorted(MARKERS)), st.text(max_size=12))
def test_no_word_that_is_not_on_the_list_is_a_result(column: str, text: str) -> None:
    marker = MARKERS[column]
    if coded(column, text) == marker.negative:
        assert marker.negative_words.fullmatch(" ".join(text.lower().split()))
        assert not UNCERTAIN.search(text.lower())


def test_a_word_that_nobody_knows_is_reported_and_one_that_says_not_known_is_not() -> None:
    findings: list = []
    row = TableRow("participants.tsv", 2, {"participant_id": "sub-01", "mycn": "gain", "h3_k27": "pending"})
    patient = clinical.read_participants([row], date(2024, 1, 1), findings)["sub-01"]
    assert (patient.mycn, patient.h3_k27) == ("unknown", "unknown")
    assert [one.code for one in findings] == ["marker_unknown"]
    assert "expected amplified, not amplified or unknown in mycn, found 'gain'" in findings[0].message
    assert is_understood("mycn", "not tested")
