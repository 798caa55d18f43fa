"""Reading a view in a test: one row, its numbers, and a store of one patient."""

from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.core import records
from pipeline.judge import standing, urgency
from pipeline.store import publish, reader
from tests.factories import ADAPTED, tiny_store


def row_of(frame: pd.DataFrame, **key: Any) -> dict[str, Any]:
    """The one row with these values, missing values as None."""
    for name, value in key.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1, f"{len(frame)} rows for {key}"
    return {str(name): None if pd.isna(value) else value for name, value in frame.iloc[0].items()}


def trajectory(database: Path, patient_id: str, session_id: str, compartment: str = "tumour") -> dict[str, Any]:
    frame = reader.table(database, "trajectory")
    return row_of(frame, patient_id=patient_id, session_id=session_id, compartment=compartment, criteria_id=ADAPTED)


def numbers(row: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """The expected columns of a row, rounded as the expectation is written."""
    return {
        name: round(row[name], 3) if isinstance(row[name], float) and isinstance(value, float) else row[name]
        for name, value in expected.items()
    }


def published(folder: Path, *rows: Any) -> Path:
    """Publish one patient, sub-01, under the adapted criteria."""
    shared = [row for row in tiny_store() if isinstance(row, records.Study | records.Criteria)]
    shared = [row for row in shared if getattr(row, "criteria_id", ADAPTED) == ADAPTED]
    everything = [*shared, records.Patient("sub-01"), *rows]
    questions = urgency.open_questions(everything)
    publish.publish(folder, [*everything, *questions, *standing.standings(everything, questions)])
    return reader.database_path(folder)
