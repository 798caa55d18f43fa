"""What the pages read: named queries and views, cached for as long as the published file is the same.

The only part of the dashboard that calls ``pipeline.store``; beside ``scan_files`` and ``acts`` the only one that knows
where the output folder is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.data import who
from dashboard.data.publication import Publication
from pipeline.context import schedule_files
from pipeline.context.surveillance import Surveillance
from pipeline.core.volume import Volume
from pipeline.errors import SettingsError
from pipeline.files.fingerprints import Identity, identity_of
from pipeline.journal.roles import PatientLimit
from pipeline.judge import criteria_files
from pipeline.judge.criteria_files import ResponseCriteria
from pipeline.store import export, reader, sql_files
from pipeline.study import study_folder

OUT_VARIABLE = "CORDTRACK_OUT"
"""Environment variable that names the output folder."""

"""Inode, modification time in ns and size of a file: what changes when a run publishes."""

ABOUT_NOBODY = frozenset({"study_info", "board_span", "criteria"})
"""Queries and views that everybody sees whole: the study's name, its run and criteria, the days that it spans."""
ONE = "patient_id"
"""Parameter of the queries that are about one patient alone, and column of the others."""
Parameter = str | float | date
T = TypeVar("T")


def out_dir() -> Path:
    """Return the output folder that is shown.

    Raises
    ------
    SettingsError
        No folder was named.
    """
    named = os.environ.get(OUT_VARIABLE)
    if not named:
        msg = f"no output folder was named; start with: cordtrack dashboard OUT_DIR (or set {OUT_VARIABLE})"
        raise SettingsError(msg)
    return Path(named)


def query(name: str, **parameters: Parameter) -> pd.DataFrame:
    """Return the rows of a named query; all readers share one table, so it is never changed, only selected from.

    Raises
    ------
    StoreError
        There is no store yet, or it cannot be read.
    """
    return _shown(_now().query(name, **_checked(parameters)), name, is_of_one=ONE in parameters)


def begin(*names: str, **parameters: Parameter) -> None:
    """Start named queries that a page is about to ask for, all with the same parameters."""
    for name in names:
        _now().begin(name, **parameters)


def fresh(name: str, **parameters: Parameter) -> pd.DataFrame:
    """Return the rows of a named query without keeping them, for who keeps only what is made of them."""
    return _shown(_now().reader.query(name, **_checked(parameters)), name, is_of_one=ONE in parameters)


def of_patients(name: str, patients: Iterable[str], **parameters: Parameter) -> pd.DataFrame:
    """Return the rows of some patients of a named query; quick however many others there are."""
    database = reader.database_path(out_dir())
    all_patients, places = _by_patient(str(database), identity_of(database), name, tuple(sorted(parameters.items())))
    seen = patients_seen()
    wanted = patients if seen is None else [patient for patient in patients if patient in seen]
    ranges = [np.arange(*places[patient]) for patient in wanted if patient in places]
    return all_patients.iloc[np.concatenate([np.arange(0), *ranges])]


def table(view: str) -> pd.DataFrame:
    """Return a whole view."""
    database = reader.database_path(out_dir())
    return _shown(_table(str(database), identity_of(database), view), view)


def patients_seen() -> frozenset[str] | None:
    """Return the patients that whoever is here may see; None for all of them."""
    limit = who.visitor().limit
    if limit is None:
        return None
    database = reader.database_path(out_dir())
    return _allowed(str(database), identity_of(database), limit)


def check_shown(patient_id: str) -> None:
    """Refuse a patient whom whoever is here may not see.

    Raises
    ------
    SettingsError
        It is one, or there is none of this name: both in the same words.
    """
    seen = patients_seen()
    if seen is not None and patient_id not in seen:
        raise SettingsError(f"{patient_id} is none of the patients that you may see; ask whoever keeps the sign-in")


def derived(make: Callable[..., T], *arguments: Parameter) -> T:
    """Return what a function makes of the store, made once for as long as the published file is the same."""
    database = reader.database_path(out_dir())
    name = f"{make.__module__}.{make.__qualname__}"
    seen = patients_seen()
    limit = None if seen is None else tuple(sorted(seen))
    value: T = _derived(str(database), identity_of(database), name, (*arguments, limit), make, arguments)
    return value


def dictionary() -> pd.DataFrame:
    """Return what every column of every view means: view, column, type and comment."""
    database = reader.database_path(out_dir())
    return _dictionary(str(database), identity_of(database))


def formulas() -> str:
    """Return the formulas of intervals and changes as the store runs them."""
    return sql_files.formulas()


def csv(content: pd.DataFrame) -> bytes:
    """Write rows as CSV; text that a spreadsheet would run as a formula is made harmless."""
    return export.encode(content, content, "csv")


def file_of(content: pd.DataFrame, file_format: str) -> bytes:
    """Write rows as csv or parquet; formulas are made harmless where a spreadsheet would run them."""
    return export.encode(content, content, file_format)


def criteria_of(criteria_id: str) -> ResponseCriteria | None:
    """Return packaged criteria; None when a study brought its own file, which the dashboard does not see."""
    return criteria_files.load(criteria_id) if criteria_id in criteria_files.names() else None


def packaged_criteria() -> tuple[ResponseCriteria, ...]:
    """Return all packaged sets of criteria, the default first."""
    return criteria_files.load_all()


def packaged_schedules() -> Surveillance:
    """Return the packaged follow-up schedules."""
    return schedule_files.load()


def aligned_scan(patient_id: str, session_id: str) -> Path | None:
    """Return the file of a visit's scan on the patient's reference grid; None when the run made none."""
    mask = display_mask(patient_id, session_id)
    scans = sorted(set(mask.parent.glob(f"{patient_id}_{session_id}_space-reference_*.nii.gz")) - {mask})
    return scans[0] if scans else None


def display_mask(patient_id: str, session_id: str) -> Path:
    """Return where a visit's masks on the reference grid are, if the visit has any."""
    check_shown(patient_id)
    name = study_folder.derivative_path(patient_id, session_id, suffix="dseg", extension=".nii.gz", space="reference")
    return out_dir() / name


def image(file: Path) -> Volume:
    """Return an image of the output folder.

    Raises
    ------
    InputError
        The file cannot be read.
    """
    return _image(str(file), identity_of(file))


def publication() -> Identity | None:
    """Return what changes when a run publishes; None when there is no store yet."""
    return identity_of(reader.database_path(out_dir()))


def _checked(parameters: dict[str, Parameter]) -> dict[str, Parameter]:
    """Return the parameters of a query unless they name a patient who may not be seen."""
    if ONE in parameters:
        check_shown(str(parameters[ONE]))
    return parameters


def _shown(content: pd.DataFrame, name: str, *, is_of_one: bool = False) -> pd.DataFrame:
    """Return the rows of the patients that may be seen.

    Parameters
    ----------
    is_of_one
        The rows are about one patient, who may be seen (:func:`_checked`), and need not name whom.

    Raises
    ------
    SettingsError
        They add up patients, and some of those may not be seen.
    """
    seen = patients_seen() if name not in ABOUT_NOBODY else None
    if seen is None:
        return content
    if ONE not in content:
        if is_of_one:
            return content
        raise SettingsError("This adds up all patients, of whom you may see some only; ask whoever keeps the sign-in")
    return content[content[ONE].isin(seen)]


def _now() -> Publication:
    database = reader.database_path(out_dir())
    return _publication(str(database), identity_of(database))


@lru_cache(maxsize=1)  # asked for dozens of times a page: Streamlit's own cache takes longer to look
def _publication(database: str, identity: Identity | None) -> Publication:  # noqa: ARG001  # key of the cache
    """Keep the publication of now open; the one before is let go with all that was read of it."""
    for cache in (_by_patient, _derived, _table, _dictionary):
        cache.clear()
    _allowed.cache_clear()
    return Publication(reader.Reader(Path(database)))


@st.cache_resource(max_entries=4, show_spinner=False)
def _by_patient(
    database: str, identity: Identity | None, name: str, parameters: tuple[tuple[str, Parameter], ...]
) -> tuple[pd.DataFrame, dict[str, tuple[int, int]]]:
    """Return the rows patient by patient, and where each patient's rows start and end."""
    answer = (
        _publication(database, identity).reader.query(name, **dict(parameters)).sort_values("patient_id", kind="stable")
    )
    starts = [int(place) for place in np.flatnonzero(~answer["patient_id"].duplicated())]
    ends = [*starts[1:], len(answer)][: len(starts)]  # none in a study without rows
    names = answer["patient_id"].to_numpy()[starts]
    return answer, {str(name): (start, end) for name, start, end in zip(names, starts, ends, strict=True)}


@st.cache_resource(max_entries=32, show_spinner=False)
def _derived(
    database: str,  # noqa: ARG001  # with the next three the key of the cache
    identity: Identity | None,  # noqa: ARG001
    name: str,  # noqa: ARG001
    seen_as: tuple[Any, ...],  # noqa: ARG001
    _make: Callable[..., Any],
    _arguments: tuple[Parameter, ...],
) -> Any:
    return _make(*_arguments)


@lru_cache(maxsize=32)  # asked for at each of dozens of queries a page, of every patient of the study
def _allowed(database: str, identity: Identity | None, limit: PatientLimit) -> frozenset[str]:
    patients = _table(database, identity, "patient")
    pairs = zip(patients["patient_id"], patients["centre"], strict=True)
    return frozenset(str(name) for name, centre in pairs if limit.allows(name, None if pd.isna(centre) else centre))


@st.cache_resource(max_entries=32, show_spinner=False)
def _table(database: str, identity: Identity | None, view: str) -> pd.DataFrame:
    return _publication(database, identity).reader.table(view)


@st.cache_data(max_entries=2, show_spinner=False)
def _dictionary(database: str, identity: Identity | None) -> pd.DataFrame:
    return _publication(database, identity).reader.dictionary()


@st.cache_resource(max_entries=16, show_spinner=False)
def _image(file: str, identity: Identity | None) -> Volume:  # noqa: ARG001  # key of the cache
    from pipeline.files import images  # noqa: PLC0415  # what reads scans is not waited for by pages without any

    return images.load_shown(Path(file))
