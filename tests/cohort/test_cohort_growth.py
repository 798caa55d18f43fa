"""Growth of a cohort against closed forms and simulated truth. About eight seconds, half of it imports."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pytest
from scipy.stats import t

from pipeline.cohort.cohort_growth import CohortGrowth, GrowthScan, by_histology
from pipeline.errors import SettingsError
from tests.judge.course_maker import START

YEAR = 365.25


def course(
    name: str, days: list[int], logs: list[float], histology: str = "ependymoma", epoch: int = 1
) -> list[GrowthScan]:
    return [
        GrowthScan(name, histology, epoch, START + timedelta(days=day), math.exp(log), 0.1)
        for day, log in zip(days, logs, strict=True)
    ]


def cohort(
    seed: int, patients: int, rate: float, histology: str = "ependymoma", *, gaps: bool = False
) -> list[GrowthScan]:
    """Patients whose rates scatter by 0.1 a year and volumes by 10 %."""
    random = np.random.default_rng(seed)
    scans: list[GrowthScan] = []
    for index in range(patients):
        days = [0, 200, 400, 600, 800]
        if gaps:
            days = sorted({0, *random.integers(50, 2000, random.integers(2, 7)).tolist()})
        own, start = rate + 0.1 * random.normal(), 7 + random.normal()
        logs = [start + own * day / YEAR + 0.1 * random.normal() for day in days]
        scans += course(f"sub-{histology}-{index}", days, logs, histology)
    return scans


def lines(scans: list[GrowthScan]) -> list[float]:
    """Each patient's own least-squares slope, per year."""
    found = []
    for name in dict.fromkeys(scan.patient_id for scan in scans):
        own = [scan for scan in scans if scan.patient_id == name]
        years = [(scan.acquired_on - own[0].acquired_on).days / YEAR for scan in own]
        found.append(float(np.polyfit(years, np.log([scan.volume_mm3 or math.nan for scan in own]), 1)[0]))
    return found


def test_with_equal_scan_days_the_rate_is_the_mean_of_the_patients_rates():
    scans = cohort(1, 12, 0.2)
    (found,) = by_histology(scans).histologies
    slopes = lines(scans)
    half = t.ppf(0.975, 11) * np.std(slopes, ddof=1) / math.sqrt(12)
    assert (found.histology, found.patient_count, found.scan_count) == ("ependymoma", 12, 60)
    assert found.specific_percent_per_year == pytest.approx(100 * np.mean(slopes), abs=1e-6)
    # the variances come from an iteration
    assert found.low == pytest.approx(100 * (np.mean(slopes) - half), rel=1e-3)
    assert found.high == pytest.approx(100 * (np.mean(slopes) + half), rel=1e-3)
    assert found.relative_percent_per_year == pytest.approx(100 * math.expm1(np.mean(slopes)))
    assert found.doubling_time_days == pytest.approx(math.log(2) / np.mean(slopes) * YEAR)


def test_each_histology_has_its_own_rate():
    scans = cohort(2, 40, 0.15, gaps=True) + cohort(3, 40, 0.9, "astrocytoma", gaps=True)
    found = by_histology(scans)
    slow, fast = {rate.histology: rate for rate in found.histologies}.values()
    assert (slow.histology, fast.histology) == ("astrocytoma", "ependymoma")
    assert slow.low < 90 < slow.high
    assert fast.low < 15 < fast.high
    assert found.patient_sd_percent_per_year == pytest.approx(10, abs=3)
    assert found.residual_sd == pytest.approx(0.1, abs=0.02)
    assert found.error_sd == pytest.approx(0.1)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    # 12 cohorts of 6 irregularly scanned patients: at 95 % fewer than 9 hits have a chance below 3 in 1000
    hits = 0
    for seed in range(12):
        (found,) = by_histology(cohort(100 + seed, 6, 0.2, gaps=True)).histologies
        hits += found.low < 20 < found.high
    assert hits >= 9


def test_many_scans_of_one_patient_do_not_count_as_many_patients():
    steady = [course(f"sub-{i}", [0, 400, 800], [7, 7.0 + 0.001 * i, 7.0]) for i in range(9)]
    leaping = course("sub-9", list(range(0, 2000, 20)), [5 + 0.01 * i for i in range(100)])
    (found,) = by_histology([*leaping, *(scan for own in steady for scan in own)]).histologies
    assert found.specific_percent_per_year < 5  # its own rate is 18 % a year, with 100 of 127 scans


def test_patients_that_do_not_differ_are_no_failure():
    random = np.random.default_rng(4)
    scans = [
        scan
        for i in range(8)
        for scan in course(f"sub-{i}", [0, 365, 730, 1095], list(7 + 0.2 * np.arange(4) + 0.1 * random.normal(size=4)))
    ]
    found = by_histology(scans)
    (rate,) = found.histologies
    assert rate.low < 20 < rate.high
    assert rate.high - rate.low < 15


def test_growth_is_never_taken_across_treatment():
    # +10 % a year before and after an operation that took away nearly all
    def operated(name: str, start: float) -> list[GrowthScan]:
        before = course(name, [0, 365, 731], [start, start + 0.1, start + 0.2], epoch=0)
        after = course(name, [1000, 1365, 1731, 2096], [start - 3, start - 2.9, start - 2.8, start - 2.7], epoch=1)
        return [*before, *after]

    scans = [scan for i in range(6) for scan in operated(f"sub-{i}", 6 + 0.1 * i * (-1) ** i)]
    (found,) = by_histology(scans).histologies
    assert found.specific_percent_per_year == pytest.approx(10, abs=0.1)
    assert found.scan_count == 24


def test_too_few_patients_are_left_out_in_words():
    scans = cohort(5, 6, 0.2) + cohort(6, 4, 0.2, "astrocytoma") + course("sub-x", [0, 400], [7, 7.1], "lipoma")
    found = by_histology(scans)
    assert [rate.histology for rate in found.histologies] == ["ependymoma"]
    assert set(found.left_out) == {"astrocytoma", "lipoma"}
    assert found.left_out["astrocytoma"].endswith("between two treatments, found 4")
    assert found.left_out["lipoma"].endswith("found 0")


@pytest.mark.parametrize(
    ("scans", "words"),
    [
        ([], "no scans"),
        (cohort(7, 4, 0.2), "expected 5 patients or more with 3 scans.*, found ependymoma 4. Choose more patients"),
    ],
)
def test_a_cohort_without_enough_patients_is_refused(scans, words):
    with pytest.raises(SettingsError, match=words):
        by_histology(scans)


def test_empty_and_missing_volumes_are_not_small_ones():
    scans = cohort(8, 6, 0.2)
    late = START + timedelta(days=3000)
    none = [
        GrowthScan("sub-ependymoma-0", "ependymoma", 1, late, 0.0),
        GrowthScan("sub-ependymoma-1", "ependymoma", 1, late, None),
    ]
    plain, found = by_histology(scans), by_histology([*none, *scans])
    assert found.empty_scan_count == 1
    assert found.histologies == plain.histologies


def test_an_unknown_error_is_not_guessed():
    scans = cohort(9, 6, 0.2)
    unknown = GrowthScan(scans[0].patient_id, "ependymoma", 1, START + timedelta(days=900), 1000.0, None)
    found: CohortGrowth = by_histology([*scans, unknown])
    assert found.error_sd is None
