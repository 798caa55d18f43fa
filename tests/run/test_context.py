"""What stands beside judgement reaches the store: other compartments, extents of resection, growth. About 15 s."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from pipeline.errors import StoreError
from pipeline.run.study_run import RunSummary
from pipeline.store import reader
from tests.study_folder import run_of_numbers

VOLUMES = """patient_id,date,compartment,volume_mm3,volume_cv
p1,2019-11-01,tumour,2000,0.05
p1,2020-04-01,tumour,500,0.05
p1,2021-04-01,tumour,560,0.05
p1,2022-04-01,tumour,630,0.05
p1,2020-04-01,cyst,300,0.05
p1,2021-04-01,cyst,900,0.05
p1,2022-04-01,cyst,0,
"""
TREATMENTS = "patient_id,date,kind,extent\np1,2020-01-01,surgery,GTR\n"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunSummary]:
    folder = tmp_path_factory.mktemp("beside")
    return reader.database_path(folder / "out"), run_of_numbers(folder, VOLUMES, TREATMENTS)


def of_patient(done: tuple[Path, RunSummary], name: str) -> pd.DataFrame:
    return reader.query(done[0], name, patient_id="sub-p1")


def test_a_growing_cyst_has_its_own_words_and_is_no_progression(done: tuple[Path, RunSummary]) -> None:
    found = of_patient(done, "patient_compartments")
    cyst = found[found["compartment"] == "cyst"]
    assert cyst["course"].tolist()[-3:] == ["first measured", "growing", "vanished"]
    assert cyst["reason"].iloc[-2].endswith("never progression.")
    verdicts = of_patient(done, "patient_assessments")
    assert set(verdicts[verdicts["criteria_id"] == "imsct_adapted_v1"]["category"]) == {"SD"}


def test_a_total_resection_that_the_scan_contradicts_is_flagged(done: tuple[Path, RunSummary]) -> None:
    (row,) = of_patient(done, "patient_resections").to_dict("records")
    assert (row["extent_surgeon"], row["extent_mri"], row["is_contradiction"]) == ("GTR", "PR", True)
    assert (row["removed_percent"], row["residual_volume_mm3"]) == (pytest.approx(75.0), 500.0)
    (finding,) = [found for found in done[1].findings if found.code == "extent_contradiction"]
    assert "75 % removed: 2.0 mL on 2019-11-01, residual 0.50 mL on 2020-04-01" in finding.message


def test_growth_since_surgery_says_when_it_would_be_seen(done: tuple[Path, RunSummary]) -> None:
    (row,) = of_patient(done, "patient_growth").to_dict("records")
    # 500 to 630 mm³ in two years: ln(1.26) / 2 = 0.1156 a year; the limit between two reads of 5 % is 14.9 %
    assert (row["scan_count"], row["days"]) == (3, 730)
    assert row["specific_per_year"] == pytest.approx(0.1156, abs=2e-3)
    assert row["doubling_time_days"] == pytest.approx(0.6931 / row["specific_per_year"] * 365.25, rel=1e-3)
    expected_days = 0.1386 / row["specific_per_year"] * 365.25
    assert row["detectable_after_days"] == pytest.approx(expected_days, abs=2)
    assert not row["is_provisional"]
    assert row["growth_percent_per_year"] == pytest.approx(12.25, abs=0.2)
    assert row["is_certain"]
    assert row["doubling_low_days"] == pytest.approx(0.6931 / row["specific_high_per_year"] * 365.25, rel=1e-3)
    assert row["doubling_high_days"] == pytest.approx(0.6931 / row["specific_low_per_year"] * 365.25, rel=1e-3)


def test_growth_that_is_not_certain_is_not_carried_on(tmp_path: Path) -> None:
    still = VOLUMES.replace("p1,2022-04-01,tumour,630", "p1,2022-04-01,tumour,510").replace(
        "1,tumour,560", "1,tumour,505"
    )
    run_of_numbers(tmp_path, still)
    frame = reader.query(reader.database_path(tmp_path / "out"), "patient_growth", patient_id="sub-p1")
    assert frame["detectable_on"].isna().all()
    assert len(frame) == 1


def test_the_next_run_makes_a_store_of_an_older_version_anew(tmp_path: Path) -> None:
    assert run_of_numbers(tmp_path, VOLUMES, TREATMENTS).is_published
    database = reader.database_path(tmp_path / "out")
    before = reader.fingerprint(database)
    assert not run_of_numbers(tmp_path, VOLUMES, TREATMENTS).is_published
    with duckdb.connect(str(database)) as connection:
        connection.execute("update meta.store_version set version = 13")
    with pytest.raises(StoreError, match="found version 13, written by an older version of cordtrack"):
        reader.query(database, "status")
    assert run_of_numbers(tmp_path, VOLUMES, TREATMENTS).is_published
    assert reader.fingerprint(database) == before
