"""The records of one patient out of a published store, with what they rest on and without anybody else's."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from pipeline.store.publish import TABLES
from pipeline.store.reader import Reader


def rows_of(database: Path, patient_id: str) -> list[Any]:
    """Return one patient's records and those of study, run and criteria, as :func:`publish.publish` takes them.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    patient_records: list[Any] = []
    with Reader(database) as reader, reader.cursor() as cursor:
        for kind, table in TABLES.items():
            names = [field.name for field in fields(kind)]
            statement = f"select {', '.join(names)} from store.record.{table}"  # names of our own tables
            if "patient_id" in names:
                stored = cursor.execute(f"{statement} where patient_id = ?", [patient_id]).fetchall()
            else:
                stored = cursor.execute(statement).fetchall()
            patient_records += [kind(**dict(zip(names, row, strict=True))) for row in stored]
    return patient_records
