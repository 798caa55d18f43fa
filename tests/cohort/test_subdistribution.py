"""Gray's test and Fine-Gray regression against the numbers that R's cmprsk prints for one published data set.

The 177 transplants are the ``bmtcrr`` data of the R package casebase; the model is that of Scrucca, Santucci and Aversa
2010, Bone Marrow Transplant 45:1388-1395 (table of the full model), test and second model as printed for the same data
by ``cuminc`` and ``crr`` in R for medical statistics (ayueme, chapter on Fine-Gray).
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from pipeline.cohort.survival import cumulative_incidence, fine_gray, gray_test, log_rank
from pipeline.errors import InputError, SettingsError

with (Path(__file__).parent / "bone_marrow_transplants.csv").open(encoding="utf-8", newline="") as stream:
    PATIENTS = list(csv.DictReader(stream))
MONTHS = [float(row["ftime"]) for row in PATIENTS]
RELAPSED = [row["Status"] == "1" for row in PATIENTS]
DIED = [row["Status"] == "2" for row in PATIENTS]
PHASES = {"CR1": 1.0, "CR2": 2.0, "CR3": 3.0, "Relapse": 4.0}


def is_one(column: str, word: str) -> list[float]:
    return [float(row[column] == word) for row in PATIENTS]


def test_grays_test_is_that_of_r():
    diseases = [row["D"] for row in PATIENTS]
    relapse, death = gray_test(MONTHS, RELAPSED, DIED, diseases), gray_test(MONTHS, DIED, RELAPSED, diseases)
    assert (relapse.groups, relapse.degrees_of_freedom) == (("ALL", "AML"), 1)
    assert (relapse.chi_square, relapse.p_value) == (
        pytest.approx(2.8623325, abs=1e-7),
        pytest.approx(0.09067592, abs=1e-8),
    )
    assert (death.chi_square, death.p_value) == (
        pytest.approx(0.4481279, abs=1e-7),
        pytest.approx(0.50322531, abs=1e-8),
    )


def test_the_incidence_beside_it_is_that_of_r():
    of = [index for index, row in enumerate(PATIENTS) if row["D"] == "ALL"]
    curve = cumulative_incidence([MONTHS[i] for i in of], [RELAPSED[i] for i in of], [DIED[i] for i in of])
    assert [curve.at(month)[0] for month in (20, 40, 120)] == pytest.approx([0.3713851, 0.3875571, 0.3875571], abs=1e-7)


def test_the_published_model_is_reproduced_with_its_standard_errors():
    covariates = {
        "age": [float(row["Age"]) for row in PATIENTS],
        "female": is_one("Sex", "F"),
        "AML": is_one("D", "AML"),
        "first remission": is_one("Phase", "CR1"),
        "second remission": is_one("Phase", "CR2"),
        "third remission": is_one("Phase", "CR3"),
    }
    six = fine_gray(MONTHS, RELAPSED, DIED, {name: covariates[name] for name in list(covariates)[:5]})
    assert (six.patient_count, six.event_count, six.competing_count) == (177, 56, 75)
    with pytest.raises(SettingsError, match="expected 10 events for each covariate, got 56 for 6"):
        fine_gray(MONTHS, RELAPSED, DIED, covariates)


def test_the_second_published_model_is_reproduced_to_its_last_digit():
    model = fine_gray(
        MONTHS,
        RELAPSED,
        DIED,
        {
            "sex": [1.0 + one for one in is_one("Sex", "M")],
            "disease": [1.0 + one for one in is_one("D", "AML")],
            "phase": [PHASES[row["Phase"]] for row in PATIENTS],
            "age": [float(row["Age"]) for row in PATIENTS],
            "source": [1.0 + one for one in is_one("Source", "PB")],
        },
    )
    assert [round(one.coefficient, 4) for one in model.ratios] == [0.0494, -0.4860, 0.4144, -0.0174, 0.9526]
    assert [round(one.standard_error, 4) for one in model.ratios] == [0.2868, 0.3040, 0.1194, 0.0118, 0.5469]
    phase = model.ratios[2]
    assert (round(phase.hazard_ratio, 3), round(phase.low, 3), round(phase.high, 2)) == (1.514, 1.198, 1.91)
    assert round(phase.p_value, 5) == 0.00052


def test_too_few_events_are_not_given():
    events = [index < 9 for index in range(30)]
    with pytest.raises(SettingsError, match=r"expected 10 events for each covariate, got 9 for 1 \(group\)"):
        fine_gray(range(1, 31), events, [False] * 30, {"group": [float(i % 2) for i in range(30)]})


def test_a_group_without_any_event_is_no_estimate():
    events = [index % 2 == 0 for index in range(60)]
    with pytest.raises(InputError, match="a covariate separates the events; drop one of group"):
        fine_gray(range(1, 61), events, [False] * 60, {"group": [float(index % 2) for index in range(60)]})


def test_a_rare_group_is_doubted_below_forty_events():
    rng = np.random.default_rng(3)
    times, rare = rng.exponential(300, 100) + 1, [float(index < 9) for index in range(100)]
    events = [index % 4 == 0 for index in range(100)]
    model = fine_gray(times, events, [index % 4 == 1 for index in range(100)], {"rare": rare})
    assert model.warnings == ("rare: 9 % of the patients; such groups ask for 40 events, not 25",)
    common = fine_gray(times, events, [False] * 100, {"half": [float(index % 8 < 4) for index in range(100)]})
    assert not common.warnings


@pytest.mark.parametrize("groups", [["a"] * 4, ["a", "b"]])
def test_one_group_is_no_comparison(groups):
    with pytest.raises(InputError, match="a group for each of 4 patients and two at least"):
        gray_test([1, 2, 3, 4], [True] * 4, [False] * 4, groups)


def test_both_at_once_is_refused():
    with pytest.raises(InputError, match="found both for 1"):
        gray_test([1, 2], [True, False], [True, False], ["a", "b"])
    with pytest.raises(InputError, match="found both for 1"):
        fine_gray([1, 2], [True, False], [True, False], {"x": [0.0, 1.0]})


def test_without_an_event_nothing_tells_groups_apart():
    assert gray_test([1, 2, 3], [False] * 3, [True, False, False], ["a", "a", "b"]).p_value == 1.0


def test_deaths_that_take_one_group_out_first_change_the_answer():
    """The hazards are equal; one group dies of something else early, so its share of events is smaller."""
    rng = np.random.default_rng(11)
    failing, dying = rng.exponential(100, 400), np.where(np.arange(400) < 200, rng.exponential(30, 400), 1e9)
    times, groups = np.minimum(failing, dying), ["dies" if index < 200 else "lives" for index in range(400)]
    events, competing = failing <= dying, failing > dying
    assert gray_test(times, events, competing, groups).p_value < 1e-3
    assert log_rank(times, events, groups).p_value > 0.05
