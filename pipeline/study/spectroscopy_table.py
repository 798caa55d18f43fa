"""``spectroscopy.tsv``: what a program fitted to the spectra of a visit, and the box that each comes from.

Nothing is fitted here. A value that is no number is reported and left out, a box that cannot be read leaves its value
without a place; a row that names no visit counts for nothing and is reported.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from pipeline.core.records import Finding
from pipeline.core.spectrum import MetaboliteValue, SpectrumVoxel
from pipeline.errors import InputError
from pipeline.files import fingerprints
from pipeline.study.clinical import of_known_patients, unrepeated
from pipeline.study.names import with_prefix
from pipeline.study.study_tables import TableRow, read_table
from pipeline.study.table_numbers import number_in
from pipeline.study.visits import StudyVisit

TABLE = "spectroscopy.tsv"
MOST_VALUE, MOST_PERCENT, MOST_MS, MOST_TESLA = 1e4, 999.0, 2000.0, 15.0
"""Largest number that each column may hold; 999 % is what LCModel writes for *not detected*."""


def with_spectra(
    root: Path,
    visits: Mapping[str, Sequence[StudyVisit]],
    patient_ids: Collection[str],
    findings: list[Finding],
) -> dict[str, Sequence[StudyVisit]]:
    """Return every patient's visits with what was fitted to their spectra.

    Parameters
    ----------
    root
        The study folder, resolved.
    visits
        By patient id, of those who were asked for.
    patient_ids
        All patients of the study; rows of others become findings.
    findings
        What is odd is added.
    """
    path = root / TABLE
    if not (path.exists() or path.is_symlink()):
        return dict(visits)
    lines = read_table(path, root, ("participant_id", "session_id", "metabolite", "value"), findings)
    placed: dict[tuple[object, ...], list[tuple[TableRow, StudyVisit, MetaboliteValue]]] = {}
    for row in unrepeated(of_known_patients(lines, patient_ids, findings), findings):
        if row.patient_id is None or row.patient_id not in visits:
            continue
        visit, fitted = _visit_of(row, visits[row.patient_id], findings), _value_in(row, root, findings)
        if visit is not None and fitted is not None:
            key = (row.patient_id, visit.session_id, fitted.metabolite.lower(), fitted.unit, fitted.voxel)
            placed.setdefault(key, []).append((row, visit, fitted))
    by_visit: dict[tuple[str, str], list[MetaboliteValue]] = {}
    for rivals in placed.values():
        for row, visit, fitted in rivals:
            if len(rivals) == 1:
                by_visit.setdefault((visit.patient_id, visit.session_id), []).append(fitted)
                continue
            message = f"expected one value of {fitted.metabolite} ({fitted.unit}), found {len(rivals)}"
            findings.append(row.problem("spectrum_differs", f"{message} at {visit.session_id}"))
    measured = {patient_id for patient_id, _ in by_visit}
    return {**visits, **{key: tuple(_with(visit, by_visit) for visit in visits[key]) for key in measured}}


def _with(visit: StudyVisit, by_visit: Mapping[tuple[str, str], Sequence[MetaboliteValue]]) -> StudyVisit:
    return replace(visit, spectra=tuple(by_visit.get((visit.patient_id, visit.session_id), ())))


def _visit_of(row: TableRow, visits: Sequence[StudyVisit], findings: list[Finding]) -> StudyVisit | None:
    cell = row.cells.get("session_id")
    named = None if cell is None else with_prefix("ses", cell)
    visit = next((one for one in visits if one.session_id == named), None)
    if visit is None:
        message = f"expected a visit of {row.patient_id} in session_id, found {cell or 'nothing'}"
        findings.append(row.problem("spectrum_unplaced", message))
    return visit


def _value_in(row: TableRow, root: Path, findings: list[Finding]) -> MetaboliteValue | None:
    metabolite, value = row.cells.get("metabolite"), number_in(row, "value", MOST_VALUE, findings)
    if metabolite is None or value is None:
        if metabolite is None or row.cells.get("value") is None:
            missing = "metabolite" if metabolite is None else "value"
            findings.append(row.problem("row_incomplete", f"expected {missing}, found nothing"))
        return None
    return MetaboliteValue(
        metabolite,
        value,
        row.cells.get("ratio_to"),
        number_in(row, "crlb_percent", MOST_PERCENT, findings),
        number_in(row, "te_ms", MOST_MS, findings),
        number_in(row, "field_tesla", MOST_TESLA, findings),
        row.cells.get("program"),
        _voxel_in(row, root, findings),
    )


def _voxel_in(row: TableRow, root: Path, findings: list[Finding]) -> SpectrumVoxel | None:
    """Read the box of a spectrum from the header of its NIfTI-MRS file; None, with a finding, where it cannot be."""
    cell = row.cells.get("voxel")
    if cell is None:
        return None
    from pipeline.files import nifti  # noqa: PLC0415  # few studies have spectra, and every page reads tables

    path = (root / PurePosixPath(cell)).resolve()
    try:
        if not path.is_relative_to(root):
            raise InputError(f"{cell}: expected a file of the study folder, found one outside it; copy it there")
        affine = nifti.read_box(path)
    except InputError as error:
        findings.append(row.problem("spectrum_voxel", f"expected the box of the spectrum in voxel: {error}"))
        return None
    return SpectrumVoxel(cell, fingerprints.of_file(path), tuple(float(number) for number in affine.ravel()))
