"""Numbers at the edge of what a float holds, in each column of a table: refused or judged, and none comes out."""

import math
from pathlib import Path

import pytest

from pipeline import api
from pipeline.measure.measurement_error import volume_interval
from tests.study_folder import READ_ON, write_files

EDGE = (
    "0.000001", "0.00001", "0.001", "1e-320", "5e-324", "1e-300", "inf", "-inf", "nan", "-0.0", "0", "-1", "1e9",
    "1e5", "1e16", "1e308", "1.8e308", "1e400", "9" * 400, "0x10", "1_000",
)  # fmt: skip
SURE = {"volume_cv": "0.05", "slices_spanned": "3"}
BESIDE = {"long_mm": "perpendicular_mm", "perpendicular_mm": "long_mm"}
SIZES = ("volume_mm3", "volume_ml", "product_mm2", "long_mm", "perpendicular_mm", "longest_mm")
MOST = 1e13
"""Nothing that is said of a tumour is larger, or nearer to 0."""


@pytest.mark.parametrize("column", [*SIZES, "volume_cv", "slices_spanned", "cyst_mm3", "syrinx_mm3", "enhancing_mm3"])
def test_no_number_ends_a_judgement_or_comes_out_of_it_as_no_size(column: str, tmp_path: Path) -> None:
    other = BESIDE.get(column) or ("" if column in SIZES else "volume_mm3")
    beside = ",1000" if other else ""
    lines = [f"patient_id,date,compartment,{column}{',' * bool(other)}{other}"]
    for number, text in enumerate(EDGE):
        texts = (SURE.get(column, "12"), text, SURE.get(column, "12"))
        lines += [
            f"p{number},{year}-01-01,tumour,{one}{beside}" for year, one in zip((2018, 2019, 2020), texts, strict=True)
        ]
    file = write_files(tmp_path, {"sizes.csv": "\n".join(lines) + "\n"}) / "sizes.csv"
    judged = api.assess(file, None, criteria_id="all", as_of=READ_ON)
    values = [value for row in (*judged.rows, *judged.best_responses, *judged.readings) for value in row.values()]
    numbers = [value for value in values if isinstance(value, float)]
    assert numbers
    assert all(math.isfinite(one) and (one == 0 or 1 / MOST < abs(one) < MOST) for one in numbers)


@pytest.mark.parametrize("cv", [1e2, 1e6, 1e300])
def test_an_error_without_bounds_gives_an_interval_that_floats_hold(cv: float) -> None:
    interval = volume_interval(10.0, cv)
    assert (interval.low, interval.high) == pytest.approx((1e-11, 1e13))
