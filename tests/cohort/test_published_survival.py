"""Survival against published tables and programs, read from a folder beside the project; skipped, visibly, without."""

from __future__ import annotations

import csv

import pytest

from pipeline.cohort.survival import cox, kaplan_meier, log_rank
from tests.places import SHARED

KEYS = SHARED / "keys"
needs_keys = pytest.mark.skipif(not KEYS.is_dir(), reason=f"published survival tables not found in {KEYS}")


def rows(name: str, delimiter: str = ",") -> list[dict[str, str]]:
    with (KEYS / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=delimiter))


@needs_keys
def test_published_medians_of_lung_cancer():
    patients = rows("lifelines/lung.csv")
    for expected in rows("r_survival/lung_by_phecog_km.csv"):
        grade = expected["group"].removeprefix("ph.ecog=")
        own = [p for p in patients if p["ph.ecog"] and float(p["ph.ecog"]) == float(grade)]
        curve = kaplan_meier([float(p["time"]) for p in own], [p["status"] == "1" for p in own])
        assert (curve.patient_count, curve.event_count) == (int(expected["n"]), int(expected["events"]))
        assert curve.median_days == float(expected["median"])


@needs_keys
def test_published_table_of_lung_cancer():
    own = [p for p in rows("lifelines/lung.csv") if p["ph.ecog"] and float(p["ph.ecog"]) == 0]
    table = rows("r_survival/lung_phecog0_km_table.csv")
    curve = kaplan_meier([float(p["time"]) for p in own], [p["status"] == "1" for p in own])
    for line in table:
        time, expected = float(line["time"]), float(line["survival"])
        assert curve.at_risk(time) == int(line["n_risk"])
        assert curve.at(time)[0] == pytest.approx(expected, abs=0.0006)  # printed to three digits
    # log-log limits of the median as this transform gives them; R's default log gives 348-574
    assert (curve.median_low_days, curve.median_high_days) == (340.0, 558.0)


@needs_keys
def test_published_log_rank_tests():
    aml = rows("r_survival/aml_logrank.csv")
    by_group = log_rank([float(p["time"]) for p in aml], [p["status"] == "1" for p in aml], [p["group"] for p in aml])
    assert by_group.chi_square == pytest.approx(3.4, abs=0.05)
    lung = rows("lifelines/lung.csv")
    by_sex = log_rank([float(p["time"]) for p in lung], [p["status"] == "1" for p in lung], [p["sex"] for p in lung])
    assert by_sex.chi_square == pytest.approx(10.33, abs=0.005)


def test_published_log_rank_of_ovarian_cancer():
    # R survival, ovarian: rx 1, then rx 2
    first = [59, 115, 156, 268, 329, 431, 638, 448, 477, 803, 855, 1040, 1106]
    second = [353, 365, 464, 475, 563, 377, 421, 744, 769, 770, 1129, 1206, 1227]
    events = [True] * 7 + [False] * 6 + [True] * 5 + [False] * 8
    found = log_rank([*first, *second], events, ["1"] * 13 + ["2"] * 13)
    assert found.chi_square == pytest.approx(1.063, abs=0.0005)
    assert found.p_value == pytest.approx(0.303, abs=0.0005)


@needs_keys
def test_published_leukaemia_trial():
    patients = rows("lifelines/anderson.csv", delimiter=" ")
    times, events = [float(p["t"]) for p in patients], [p["status"] == "1" for p in patients]
    medians = [
        kaplan_meier(
            *zip(*[(t, e) for t, e, p in zip(times, events, patients, strict=True) if p["Rx"] == rx], strict=True)
        )
        for rx in "01"
    ]
    assert [curve.median_days for curve in medians] == [23.0, 8.0]
    assert log_rank(times, events, [p["Rx"] for p in patients]).chi_square == pytest.approx(16.79, abs=0.005)
    model = cox(times, events, {"Rx": [float(p["Rx"]) for p in patients]})
    assert model.ratios[0].coefficient == pytest.approx(1.572, abs=0.0005)  # Efron ties


@needs_keys
def test_published_hazard_ratio_of_sex():
    lung = rows("lifelines/lung.csv")
    model = cox(
        [float(p["time"]) for p in lung],
        [p["status"] == "1" for p in lung],
        {"sex": [float(p["sex"]) for p in lung]},
    )
    assert model.ratios[0].hazard_ratio == pytest.approx(0.588, abs=0.0005)
    assert model.warnings == ()
