"""Numbers are of a named set of lesions each (20 s)."""

from datetime import date, datetime

import pytest

from dashboard.data import queries
from dashboard.patient.lesion_sets import sets_of
from dashboard.words import tables
from pipeline.run.study_run import RunSettings, run
from pipeline.study.import_numbers import import_table
from tests.dashboard.patient.test_numbers import visible

AS_OF = date(2026, 1, 31)
RULE = "imsct_adapted_v1"
TABLE = """patient_id,date,compartment,lesion_id,volume_mm3,volume_cv,syndrome
p1,2020-01-01,tumour,L1,1000,0.05,VHL
p1,2021-01-01,tumour,L1,1010,0.05,
p1,2021-01-01,tumour,L2,200,0.05,
p1,2022-01-01,tumour,L1,1000,0.05,
p1,2022-01-01,tumour,L2,420,0.05,
p2,2020-01-01,tumour,L1,1000,0.05,none
p2,2021-01-01,tumour,L1,1600,0.05,none
p3,2020-01-01,tumour,L1,1000,0.05,VHL
p3,2021-01-01,tumour,L1,1010,0.05,
p3,2021-01-01,tumour,L2,200,0.05,
p3,2022-01-01,tumour,L1,0,0.05,
p3,2022-01-01,tumour,L2,420,0.05,
p4,2020-01-01,tumour,L1,1000,0.05,none
p4,2020-01-01,tumour,L2,300,0.05,
p4,2021-01-01,tumour,L1,1000,0.05,
p4,2021-01-01,tumour,L2,,0.05,
p4,2022-01-01,tumour,L1,1000,0.05,
p4,2022-01-01,tumour,L2,900,0.05,
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    (folder / "v.csv").write_text(TABLE, encoding="utf-8")
    import_table(folder / "v.csv", None, folder / "study", AS_OF)
    finished = datetime(2026, 1, 31)  # noqa: DTZ001
    run(RunSettings(folder / "study", folder / "out", RULE, None, 1, AS_OF, finished), lambda *_: None)
    return folder / "out"


def numbers_of(patient_id, session_id):
    rows = queries.query("patient_trajectory", patient_id=patient_id, criteria_id=RULE)
    here = rows[rows["session_id"] == session_id]
    measured = queries.query("patient_measurements", patient_id=patient_id)
    return visible(tables.numbers(here, measured, "now", "c", sets_of(patient_id, RULE, here)))


def test_each_row_is_of_a_named_set_compared_with_itself(results, monkeypatch):
    monkeypatch.setenv("CORDTRACK_OUT", str(results))
    words = " ".join(numbers_of("sub-p1", "ses-imported20220101").split())
    whole, judged, alone = (words.index(name) for name in ("all: L1 and L2", "what the rule compares", "L2 alone"))
    assert whole < judged < alone
    assert "+42 %" in words[whole:judged], "all solid tumour, 1.0 to 1.42 mL"
    assert "+110 %" not in words[:alone]
    assert "0 %" in words[judged:alone]
    assert "+110 %" in words[alone:], "0.20 to 0.42 mL since its own first sighting"
    assert "no interval: an error is not known" not in words
    assert "2021-01-01" in words[alone:], "its own baseline has a day of its own"


def test_a_single_lesion_has_one_row_without_a_name(results, monkeypatch):
    monkeypatch.setenv("CORDTRACK_OUT", str(results))
    words = numbers_of("sub-p2", "ses-imported20210101")
    assert "all:" not in words
    assert "alone" not in words


def test_a_lesion_that_is_gone_and_one_that_is_new_are_not_told_as_one(results, monkeypatch):
    """All tumour fell from 1.0 to 0.42 mL: the one that the rule compares is gone, and the new one doubled."""
    monkeypatch.setenv("CORDTRACK_OUT", str(results))
    words = numbers_of("sub-p3", "ses-imported20220101")
    whole, judged, alone = (words.index(name) for name in ("all: L1 and L2", "what the rule compares", "L2 alone"))
    assert "none seen" in words[judged:alone]
    assert "+110" not in words[whole:alone]
    assert "+110" in words[alone:]


def test_a_lesion_is_set_beside_the_last_scan_that_gave_it_a_size(results, monkeypatch):
    monkeypatch.setenv("CORDTRACK_OUT", str(results))
    words = numbers_of("sub-p4", "ses-imported20220101")
    assert "2021-01-01" not in words, "no size of L2, and none of all solid tumour"
    assert words[words.index("L2 alone") :].count("0.30") >= 3
