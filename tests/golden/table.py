"""The expected measurements and verdicts of the sample study."""

from pathlib import Path

import pandas as pd

from pipeline.store import reader

GOLDEN = Path(__file__).parent
TABLES = {
    "measurement": [
        "patient_id",
        "session_id",
        "compartment",
        "mask_origin",
        "volume_mm3",
        "volume_cv",
        "missing_reason",
    ],
    "assessment": ["patient_id", "session_id", "criteria_id", "category_shown", "state", "display_state"],
    "registration": ["patient_id", "session_id", "moving_path", "role", "grade"],
    "finding": ["patient_id", "session_id", "severity", "code", "path"],
}


def read_store(out_dir: Path, name: str) -> pd.DataFrame:
    """Read the golden columns of one view, in a fixed order, numbers with as many digits as they deserve."""
    frame = reader.table(reader.database_path(out_dir), name)[TABLES[name]]
    keys = [column for column in TABLES[name] if frame[column].dtype == object]
    return frame.sort_values(keys, na_position="first").reset_index(drop=True).round(4)


def read_golden(name: str) -> pd.DataFrame:
    """Read what was expected when the numbers were last reviewed."""
    return pd.read_csv(GOLDEN / f"{name}.csv", keep_default_na=True)
