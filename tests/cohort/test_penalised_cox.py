"""Cox with Firth's penalty against the penalised likelihood written out here (one covariate). Two seconds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import chi2

from pipeline.cohort.survival import cox, penalised_cox
from pipeline.errors import InputError, SettingsError

Patients = list[tuple[float, bool, float]]


def penalised_likelihood(beta: float, patients: Patients) -> float:
    """Log partial likelihood (Breslow) plus half the log of the information, straight from the paper."""
    total, information = 0.0, 0.0
    for time, event, exposed in patients:
        if not event:
            continue
        risk = [(math.exp(beta * x), x) for t, _, x in patients if t >= time]
        weight = sum(w for w, _ in risk)
        mean = sum(w * x for w, x in risk) / weight
        total += beta * exposed - math.log(weight)
        information += sum(w * x * x for w, x in risk) / weight - mean**2
    return total + 0.5 * math.log(information)


def oracle(patients: Patients) -> tuple[float, float, float]:
    """Best coefficient and the ends of its profile interval."""
    best = minimize_scalar(lambda b: -penalised_likelihood(b, patients), (-1, 1), tol=1e-10)
    limit = -best.fun - chi2.ppf(0.95, 1) / 2

    def above(beta: float) -> float:
        return penalised_likelihood(beta, patients) - limit

    return float(best.x), brentq(above, best.x - 6, best.x), brentq(above, best.x, best.x + 6)


def cohort(seed: int, size: int) -> tuple[list[float], list[bool], list[float]]:
    random = np.random.default_rng(seed)
    exposed = random.integers(0, 2, size).astype(float)
    times = np.ceil(random.exponential(20, size) * np.exp(-0.7 * exposed))
    return times.tolist(), (random.random(size) > 0.3).tolist(), exposed.tolist()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_maximises_the_penalised_likelihood(seed: int) -> None:
    times, events, exposed = cohort(seed, 25)
    (found,) = penalised_cox(times, events, {"exposed": exposed}).ratios
    best, low, high = oracle(list(zip(times, events, exposed, strict=True)))
    assert found.coefficient == pytest.approx(best, abs=1e-3)
    assert (math.log(found.low), math.log(found.high)) == (pytest.approx(low, abs=2e-3), pytest.approx(high, abs=2e-3))


def test_where_one_group_has_all_events_it_stays_finite_and_the_ordinary_model_does_not() -> None:
    times = [float(t) for t in range(1, 25)]
    exposed = [1.0] * 12 + [0.0] * 12
    events = [index < 12 for index in range(24)]
    with pytest.raises(InputError, match="separates the events"):
        cox(times, events, {"exposed": exposed})
    (found,) = penalised_cox(times, events, {"exposed": exposed}).ratios
    best, low, _ = oracle(list(zip(times, events, exposed, strict=True)))
    assert found.coefficient == pytest.approx(best, abs=1e-3)
    assert 1 < found.low == pytest.approx(math.exp(low), rel=1e-2)
    assert found.high > found.hazard_ratio


def test_few_events_carry_few_covariates() -> None:
    times, _, exposed = cohort(4, 30)
    age = np.random.default_rng(5).normal(50, 10, 30).tolist()
    nine = [index < 9 for index in range(30)]
    with pytest.raises(SettingsError, match="use Firth's penalty"):
        cox(times, nine, {"exposed": exposed})
    assert penalised_cox(times, nine, {"exposed": exposed}).event_count == 9
    with pytest.raises(SettingsError, match=r"expected 5 events for each covariate, found 9 for 2 \(exposed, age\)"):
        penalised_cox(times, nine, {"exposed": exposed, "age": age})
    with pytest.raises(SettingsError, match="found 4 for 1"):
        penalised_cox(times, [index < 4 for index in range(30)], {"exposed": exposed})


def test_what_no_model_can_take_is_refused_in_the_same_words() -> None:
    with pytest.raises(InputError, match="grade is the same for all patients"):
        penalised_cox([1, 2, 3, 4, 5, 6], [True] * 6, {"grade": [2.0] * 6})
    with pytest.raises(InputError, match="no events to explain"):
        penalised_cox([1, 2, 3], [False] * 3, {"grade": [1.0, 2.0, 3.0]})
