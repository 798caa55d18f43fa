"""The table by which a change of the fit is judged: halved changes must show as a slope of one half, by sign."""

import numpy as np
import pandas as pd
import pytest

from tests.benchmark import refits


def rows(true: list[float], found: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"compartment": "tumour", "slices": "thick", "true_ratio": true, "found_ratio": found})


def test_a_fit_that_halves_every_change_has_a_slope_of_a_half_and_errs_by_sign() -> None:
    true = [0.25, 1.0, 4.0]
    whole, thick = refits.figures(rows(true, list(np.sqrt(true))))
    assert whole[:2] == ("tumour", "all")
    assert thick[1:3] == ("thick", "3")
    _, _, _, median, _, slope, shrunk, unchanged, grown = whole
    assert (slope, shrunk, unchanged, grown) == ("0.50", "+100.0 (1)", "+0.0 (1)", "-50.0 (1)")
    assert float(median) == pytest.approx(50.0)


def test_a_fit_that_is_right_has_no_error() -> None:
    whole, _ = refits.figures(rows([0.5, 1.0, 2.0], [0.5, 1.0, 2.0]))
    assert whole[3:6] == ("0.0", "0.0", "1.00")
