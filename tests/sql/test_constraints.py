"""The tables refuse rows that cannot be true. About 1 s alone."""

from collections.abc import Iterator
from dataclasses import astuple, replace
from datetime import date
from enum import StrEnum
from typing import Any

import duckdb
import pytest

from pipeline.core import records
from pipeline.core.vocabulary import Category, Compartment, DisplayState, MaskOrigin, State
from pipeline.lesions.matching import LesionStatus
from pipeline.store import publish
from tests.factories import ADAPTED, judged, measured, tiny_store, usable

NAN, INFINITE = float("nan"), float("inf")
P = "sub-04"
VISIT, SCAN, *_ = usable(P, "ses-09", "2024-01-01")
*_, ALIGNED = usable(P, "ses-01", "2024-01-01")
MEASURED, MASK = measured(P, "ses-01", "cyst", 10.0, cv=0.1)
VERDICT = judged(P, "ses-01", "SD", "baseline", "no_change", "rano2_vol")
LESION = records.LesionComponent(P, "ses-01", "lesion-1", 1, "new", 1.0, 0.0, 0.0, 0.0)
CRITERIA = records.Criteria("other", "1", "t", True, "volume", "s", "0", 1.4, 0.35)
SURGERY = records.Treatment(P, date(2020, 1, 2), "surgery")
SCORE = records.FunctionScore(P, date(2020, 1, 2), "mjoa", 17.0)
ENDPOINT = records.Endpoint(P, ADAPTED, "pfs", date(2020, 1, 1), date(2021, 1, 1), True, "why")
FINDING = records.Finding("code", "note", "read", None, None, None, "what", "do")

PROFILE = records.CordProfile(P, "ses-01", "cyst", "cord mask", "ses-01", -1.0, "0.0 x 2.5")
SHAPE = records.Shape(P, "ses-01", "cyst", "cord mask", 12.0, 0.0, 30.0, 1.0, 0.5, margin="sharp", enhancement="none")
SAYS = records.Description(P, "ses-01", "lesion-1", "t2_signal", "isointense", 1.0, 0.9, 1.1, sureness="sure")
BECAME = records.DescriptionChange("sub-01", "ses-04", "lesion-1", "adc", "ses-01", "changed")
FIT = records.Fits(
    "sub-01", "lesion-1", "ses-05", "syrinx", "absent", "ependymoma", True, "present", 58.0, 58.0, 100, "who", "odd"
)
DISC = records.Disc(P, "ses-01", 5, "C4/C5", 9.0, None, True, "manual", "x.nii.gz", "0")
LEVEL = records.Level(P, "ses-01", "cyst", 9.0, -9.0, "C4", "below C5", "ses-01")
NEXT = records.NextScan("sub-07", "s", "any", date(2020, 1, 1), date(2020, 7, 1), date(2020, 10, 1), 182, "why", "who")

CLOSED = records.Closure("sub-01", "ses-04", "ses-03", 0.3)
MADE = records.Acquisition(P, "ses-01", "x.nii.gz", "GE", "Signa", 3.0, "s-1", scanner_key="s-1", echo_time_ms=90.0)
DIFFERS = records.ProtocolChange("sub-01", "ses-04", "ses-01", False, "changed", "cannot tell", "same", "from A to B")
FLAG = records.NewSignal("sub-01", "ses-04", 1, "ses-01", 200.0, -2.0, 30.0, 4.0, -1.0, 31.0, 5.0)
GOOD = [PROFILE, SHAPE, SAYS, BECAME, FIT, DISC, LEVEL, CLOSED, MADE, DIFFERS, FLAG]
GOOD += [NEXT, VISIT, ALIGNED, MEASURED, MASK, VERDICT, LESION, CRITERIA, SURGERY, SCORE, ENDPOINT, FINDING]
BAD: list[tuple[Any, dict[str, Any]]] = [
    (records.Patient("sub-08"), {"age_years": -1.0}),
    (records.Patient("sub-08"), {"age_years": NAN}),
    (records.Patient("sub-08"), {"patient_id": P}),
    (VISIT, {"patient_id": "sub-99"}),
    (VISIT, {"session_id": "ses-01"}),
    (VISIT, {"status": "broken", "status_reason": "why"}),
    (VISIT, {"status": "failed", "status_reason": None}),
    (VISIT, {"acquired_on": None}),
    (SCAN, {"session_id": "ses-99"}),
    (SCAN, {"session_id": "ses-01", "spacing_k_mm": 0.0}),
    (SCAN, {"session_id": "ses-01", "spacing_k_mm": INFINITE}),
    (SCAN, {"session_id": "ses-01", "plane": "diagonal"}),
    (MADE, {"session_id": "ses-99"}),
    (MADE, {"field_tesla": NAN}),
    (MADE, {"field_tesla": 0.0}),
    (MADE, {"echo_time_ms": -1.0}),
    (MADE, {"slice_mm": INFINITE}),
    (MADE, {"device": "12345"}),
    (MADE, {"scanner_key": None}),
    (DIFFERS, {"compared_session_id": "ses-99"}),
    (DIFFERS, {"compared_session_id": "ses-04"}),
    (DIFFERS, {"scanner": "perhaps"}),
    (DIFFERS, {"protocol": "perhaps"}),
    (DIFFERS, {"changes": None}),
    (DIFFERS, {"protocol": "cannot tell"}),
    (FLAG, {"session_id": "ses-99"}),
    (FLAG, {"compared_session_id": "ses-99"}),
    (FLAG, {"compared_session_id": "ses-04"}),
    (FLAG, {"approximate_mm3": 0.0}),
    (FLAG, {"reference_right_mm": NAN}),
    (FLAG, {"number": 0}),
    (CLOSED, {"session_id": "ses-99"}),
    (CLOSED, {"through_session_id": "ses-99"}),
    (CLOSED, {"through_session_id": "ses-04"}),
    (CLOSED, {"closure_mm": -0.1}),
    (SAYS, {"session_id": "ses-99"}),
    (BECAME, {"compared_session_id": "ses-99"}),
    (FIT, {"high_percent": 101.0}),
    (FIT, {"low_percent": 59.0}),
    (FIT, {"people": 0}),
    (FIT, {"is_recorded": False}),
    (BECAME, {"compared_session_id": "ses-04"}),
    (BECAME, {"course": "better"}),
    (BECAME, {"course": "cannot be compared"}),
    (BECAME, {"number_before": INFINITE}),
    (SAYS, {"sureness": None}),
    (SAYS, {"sureness": "certain"}),
    (SAYS, {"number": NAN}),
    (SAYS, {"high": 0.5}),
    (SAYS, {"value": None, "number": None, "sureness": None}),
    (PROFILE, {"session_id": "ses-99"}),
    (PROFILE, {"compartment": "bone"}),
    (PROFILE, {"line_source": "guess"}),
    (PROFILE, {"areas_mm2": "0.0 -1.0"}),
    (PROFILE, {"areas_mm2": "0.0 nan"}),
    (PROFILE, {"areas_mm2": ""}),
    (PROFILE, {"start_mm": NAN}),
    (SHAPE, {"session_id": "ses-99"}),
    (SHAPE, {"compartment": "cord"}),
    (SHAPE, {"along_length_mm": None}),
    (SHAPE, {"cord_share_ratio": 1.1}),
    (SHAPE, {"margin": None}),
    (SHAPE, {"margin": "fuzzy"}),
    (SHAPE, {"margin_width_mm": 0.0}),
    (SHAPE, {"enhancement": None}),
    (SHAPE, {"enhancing_ratio": -0.1}),
    (DISC, {"session_id": "ses-99"}),
    (DISC, {"number": 26}),
    (DISC, {"name": "C4"}),
    (DISC, {"position_mm": NAN}),
    (DISC, {"position_mm": None}),
    (DISC, {"missing_reason": "why"}),
    (DISC, {"position_mm": None, "missing_reason": "why"}),
    (DISC, {"label_origin": "guess"}),
    (LEVEL, {"session_id": "ses-99"}),
    (LEVEL, {"compartment": "cord"}),
    (LEVEL, {"upper_level": "somewhere"}),
    (LEVEL, {"lower_level": None}),
    (LEVEL, {"upper_end_mm": -10.0}),
    (LEVEL, {"label_session_id": None}),
    (NEXT, {"patient_id": "sub-99"}),
    (NEXT, {"due_on": date(2020, 1, 1)}),
    (NEXT, {"overdue_from": date(2020, 7, 1)}),
    (NEXT, {"interval_days": 0}),
    (SURGERY, {"patient_id": "sub-99"}),
    (SURGERY, {"ended_on": date(2020, 1, 1)}),
    (SURGERY, {"dose_gy": -2.0}),
    (SCORE, {"grade": NAN}),
    (SCORE, {"grade": None}),
    (ALIGNED, {"grade": "D"}),
    (ALIGNED, {"role": "elsewhere"}),
    (ALIGNED, {"coverage_ratio": 1.2}),
    (ALIGNED, {"local_correlation": NAN}),
    (MASK, {"mask_origin": "guessed"}),
    (MASK, {"folder": "desk"}),
    (MASK, {"session_id": "ses-99"}),
    (MEASURED, {"compartment": "tumor"}),
    (MEASURED, {"volume_mm3": -1.0}),
    (MEASURED, {"volume_mm3": NAN}),
    (MEASURED, {"volume_mm3": INFINITE}),
    (MEASURED, {"volume_mm3": None, "missing_reason": None}),
    (MEASURED, {"volume_cv": 0.1, "cv_source": None}),
    (MEASURED, {"cv_source": "a feeling"}),
    (MEASURED, {"session_id": "ses-99"}),
    (LESION, {"status": "gone"}),
    (LESION, {"centre_x_mm": NAN}),
    (CRITERIA, {"progression_ratio": 0.4}),
    (CRITERIA, {"response_ratio": 1.4}),
    (CRITERIA, {"criteria_id": ADAPTED}),
    (VERDICT, {"category": "PDD"}),
    (VERDICT, {"state": "steady"}),
    (VERDICT, {"display_state": "fine"}),
    (VERDICT, {"criteria_id": "nobody_knows"}),
    (VERDICT, {"criteria_id": ADAPTED}),
    (VERDICT, {"probability": 1.1}),
    (VERDICT, {"change_ratio": -0.1}),
    (VERDICT, {"change_ratio": INFINITE}),
    (VERDICT, {"detection_limit_ratio": 0.9}),
    (VERDICT, {"reason": None}),
    (ENDPOINT, {"ended_on": date(2019, 1, 1)}),
    (ENDPOINT, {"criteria_id": "nobody_knows"}),
    (FINDING, {"severity": "fatal"}),
    (FINDING, {"remedy": None}),
]


@pytest.fixture(scope="module")
def filled() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        publish.create_tables(connection)
        for kind in publish.TABLES:
            for row in tiny_store():
                if isinstance(row, kind):
                    insert(connection, row)
        yield connection


def insert(connection: duckdb.DuckDBPyConnection, row: Any) -> None:
    values = astuple(row)
    names = ", ".join(type(row).__dataclass_fields__)
    marks = ", ".join("?" * len(values))
    connection.execute(f"insert into record.{publish.TABLES[type(row)]} ({names}) values ({marks})", values)


@pytest.mark.parametrize("row", GOOD, ids=lambda row: type(row).__name__)
def test_the_row_that_the_others_are_bent_from_is_accepted(filled: duckdb.DuckDBPyConnection, row: Any) -> None:
    filled.begin()
    insert(filled, row)
    filled.rollback()


@pytest.mark.parametrize(("row", "change"), BAD, ids=lambda part: part if isinstance(part, str) else None)
def test_a_row_that_cannot_be_true_is_refused(
    filled: duckdb.DuckDBPyConnection, row: Any, change: dict[str, Any]
) -> None:
    filled.begin()
    try:
        with pytest.raises(duckdb.ConstraintException, match=r"(?i)check|foreign key|duplicate key|not null"):
            insert(filled, replace(row, **change))
    finally:
        filled.rollback()


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        (MEASURED, "compartment", Compartment),
        (MEASURED, "mask_origin", MaskOrigin),
        (MASK, "mask_origin", MaskOrigin),
        (VERDICT, "category", Category),
        (VERDICT, "state", State),
        (VERDICT, "display_state", DisplayState),
        (LESION, "status", LesionStatus),
    ],
)
def test_the_tables_know_every_word_of_the_program(
    filled: duckdb.DuckDBPyConnection, row: Any, column: str, words: type[StrEnum]
) -> None:
    for word in words:
        filled.begin()
        try:
            insert(filled, replace(row, patient_id="sub-07", session_id="ses-01", **{column: str(word)}))
        finally:
            filled.rollback()
