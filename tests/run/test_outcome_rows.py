"""Outcomes of a study as programs for survival take them: entry, competing events, time zero. About 15 s."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest

from pipeline.run import study_run
from pipeline.run.run_settings import RunSettings
from pipeline.store import reader
from pipeline.study.import_numbers import import_table

SCANS = {
    "operated": (("2018-01-10", 3000), ("2018-04-10", 1000), ("2019-04-10", 1000)),
    "irradiated": (("2017-01-01", 1000), ("2018-01-01", 2000), ("2018-09-10", 2000), ("2019-09-10", 2000)),
    "radiosurgery": (("2018-01-01", 1000), ("2019-02-01", 800), ("2020-02-01", 800)),
    "month": (("2018-10-10", 1000), ("2019-10-10", 1000), ("2020-10-10", 1000)),
}
TREATMENTS = (
    "operated,2018-01-10,surgery,,STR",
    "irradiated,2018-07-01,radiotherapy,2018-08-10,",
    "radiosurgery,2018-02-01,radiosurgery,,",
    "month,2020,chemotherapy,,",
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outcomes")
    volumes, treatments, study, out = (folder / name for name in ("v.csv", "t.csv", "study", "out"))
    sizes = [f"{name},{day},tumour,{mm3},0.05,9" for name, scans in SCANS.items() for day, mm3 in scans]
    volumes.write_text("\n".join(["patient_id,date,compartment,volume_mm3,volume_cv,slices_spanned", *sizes, ""]))
    treatments.write_text("\n".join(["patient_id,date,kind,end_date,extent", *TREATMENTS, ""]))
    import_table(volumes, treatments, study, date(2024, 1, 1))
    known = {"irradiated": ("2020-01-01", "n/a"), "radiosurgery": ("n/a", "2022-05")}
    lines = ["\t".join((f"sub-{name}", *known.get(name, ("n/a", "n/a")))) for name in SCANS]
    (study / "participants.tsv").write_text("\n".join(["participant_id\tdied_on\tlast_contact_on", *lines, ""]))
    at = datetime(2024, 1, 1)  # noqa: DTZ001
    settings = RunSettings(study, out, "imsct_adapted_v1", None, 1, date(2024, 1, 1), at, None)
    study_run.run(settings, lambda *_: None)
    return reader.database_path(out)


def outcome(database: Path, patient_id: str, endpoint_id: str) -> pd.Series:
    rows = reader.table(database, "outcome")
    rows = rows[(rows["criteria_id"] == "imsct_adapted_v1") & (rows["endpoint_id"] == endpoint_id)]
    return rows.set_index("patient_id").loc[f"sub-{patient_id}"]


@pytest.mark.parametrize("endpoint_id", ["ttp", "pfs", "local_control"])
def test_a_scan_on_the_day_of_the_operation_is_no_entry(database: Path, endpoint_id: str) -> None:
    row = outcome(database, "operated", endpoint_id)
    assert (row["entry_days"], row["duration_days"]) == (90, 455)


def test_a_death_competes_with_local_control_whatever_happened_before_the_clock_started(database: Path) -> None:
    row = outcome(database, "irradiated", "local_control")
    assert (row["time_zero_on"].date(), row["ended_on"].date()) == (date(2018, 8, 10), date(2020, 1, 1))
    assert (bool(row["is_event"]), bool(row["is_competing"])) == (False, True)
    assert bool(outcome(database, "irradiated", "pfs")["is_event"])


def test_local_control_is_counted_from_radiosurgery_too(database: Path) -> None:
    row = outcome(database, "radiosurgery", "local_control")
    assert (row["time_zero_on"].date(), row["duration_days"]) == (date(2018, 2, 1), 730)
    assert "From the radiosurgery on 2018-02-01" in row["reason"]


def test_a_response_that_ends_on_a_day_nobody_knows_is_published(database: Path) -> None:
    rows = reader.table(database, "best_response")
    rows = rows[rows["patient_id"] == "sub-month"]
    assert not rows.empty
    assert rows.loc[rows["ended_on"].isna(), "lasts_from_on"].isna().all()


def test_a_last_contact_of_a_month_censors_between_its_days_and_both_are_stored(database: Path) -> None:
    row = outcome(database, "radiosurgery", "os")
    assert (bool(row["is_event"]), row["ended_on"].date()) == (False, date(2022, 5, 1))
    times = reader.table(database, "endpoint").set_index(["patient_id", "criteria_id", "endpoint_id"])
    stored = times.loc[("sub-radiosurgery", "imsct_adapted_v1", "os")]
    assert stored["longest_days"] - stored["shortest_days"] == 30
    assert "alive on 2022-05 (the last contact)" in row["reason"]
    patient = reader.table(database, "patient").set_index("patient_id").loc["sub-radiosurgery"]
    assert (patient["last_contact_on"].date(), patient["last_contact_by"].date()) == (
        date(2022, 5, 1), date(2022, 5, 31),
    )  # fmt: skip
    assert pd.isna(reader.table(database, "patient").set_index("patient_id").loc["sub-month", "last_contact_by"])
