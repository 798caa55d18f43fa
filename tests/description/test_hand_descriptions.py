"""Descriptions by hand beside the program's: what agrees, what only one tells, and who says what was put in."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline.core.finding_terms import TERMS, LesionFinding
from tests.benchmark import hand_descriptions
from tests.benchmark.hand_descriptions import KEY

SAID = [
    # visit, hand, hand_sure, program, sureness, truth
    ("ses-01", "sharp", True, "sharp", "sure", "sharp"),
    ("ses-02", "sharp", False, "infiltrating", "sure", "infiltrating"),
    ("ses-03", "sharp", True, "infiltrating", "unsure", "sharp"),
    ("ses-04", "sharp", True, None, None, None),
    ("ses-05", None, False, "sharp", "unsure", None),
    ("ses-06", None, False, None, None, None),
]


def tables() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return hand, program and truth of six visits of one lesion, made up."""
    said = pd.DataFrame(SAID, columns=["session_id", "hand", "hand_sure", "value", "sureness", "truth"])
    said = said.assign(patient_id="sub-x", lesion_id="L1", finding="margin", reason="")
    truth = said.loc[said["truth"].notna(), [*KEY, "truth"]]
    return said[[*KEY, "hand", "hand_sure"]], said[[*KEY, "value", "sureness", "reason"]], truth


def test_each_row_is_counted_where_it_belongs_and_once() -> None:
    counted = hand_descriptions.agreement(hand_descriptions.beside(*tables())).set_index("finding").loc["margin"]
    assert counted.to_dict() == {
        "described": 6,
        "same, program sure": "1 of 2",
        "same, both sure": "1 of 1",
        "same, program unsure": "0 of 1",
        "only the hand tells": 1,
        "only the program tells": 1,
        "neither tells": 1,
        "program sure, as put in": "2 of 2",
        "program unsure, as put in": "0 of 1",
        "hand, as put in": "2 of 3",
    }


def test_silence_is_no_disagreement() -> None:
    differing = hand_descriptions.disagreements(hand_descriptions.beside(*tables()))
    assert differing["session_id"].tolist() == ["ses-02", "ses-03"]


def test_a_store_without_the_described_visits_is_refused_by_name() -> None:
    hand, program, truth = tables()
    with pytest.raises(ValueError, match=r"1 findings .*'ses-03'.*store of the sample study"):
        hand_descriptions.beside(hand, program[program["session_id"] != "ses-03"], truth)


def test_what_was_written_by_hand_is_whole_and_in_the_terms_of_the_table() -> None:
    hand = hand_descriptions.by_hand()
    assert not hand.duplicated(KEY).any()
    visits = hand[["patient_id", "session_id"]].drop_duplicates()
    assert visits.groupby("patient_id").size().tolist() == [2] * 8
    for finding, term in hand.dropna(subset="hand")[["finding", "hand"]].to_numpy():
        assert term in TERMS[LesionFinding(finding)], finding
    assert not hand.loc[hand["hand"].isna(), "hand_sure"].any()


def test_who_cannot_tell_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "hand.tsv"
    header = "patient_id\tsession_id\tlesion\tfinding\tvalue\tsure\n"
    file.write_text(f"# how it was made\n{header}sub-x\tses-01\t2\tblood\tcannot tell\tno\n", encoding="utf-8")
    (row,) = hand_descriptions.by_hand(file).to_dict("records")
    assert pd.isna(row["hand"])
    assert (row["lesion_id"], row["hand_sure"]) == ("L2", False)
