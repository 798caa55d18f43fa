"""The report of all imports into a study: one row per stack with its decision, kept in ``sourcedata/dicom``.

It is both what a person reads to see why something was or was not taken, and what makes a second import add only what
is new. It holds pseudonyms, tokens, numbers and the program's own words; nothing of any header.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from pipeline.files import derivatives
from pipeline.hospital.importing.naming import Named, Taken
from pipeline.hospital.importing.triage import Decision, KnownScan
from pipeline.study.names import parse_name

REPORT = Path("sourcedata") / "dicom" / "decisions.tsv"


@dataclass(frozen=True)
class LedgerRow:
    """One stack: whose, what became of it, as what, why; ``content`` is a keyed digest of its images."""

    participant_id: str
    session_id: str
    series: str
    outcome: str
    file: str
    contrast: str
    confidence: str
    plane: str
    slices: str
    spacing_mm: str
    low_mm: str
    high_mm: str
    reason: str
    content: str


def read(bids_dir: Path) -> dict[str, LedgerRow]:
    """Return the rows of earlier imports by series token; empty without any."""
    path = bids_dir / REPORT
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    names = [field.name for field in fields(LedgerRow)]
    cells_by_line = (dict(zip(lines[0].split("\t"), line.split("\t"), strict=False)) for line in lines[1:])
    ledger_rows = (
        LedgerRow(**{name: "" if row.get(name, "n/a") == "n/a" else row[name] for name in names})
        for row in cells_by_line
    )
    return {row.series: row for row in ledger_rows}


def write(bids_dir: Path, ledger_rows: Mapping[str, LedgerRow]) -> None:
    """Write all rows, sorted; nothing when they are the same as before."""
    names = [field.name for field in fields(LedgerRow)]
    ordered = sorted(ledger_rows.values(), key=lambda row: (row.participant_id, row.session_id, row.file, row.series))
    lines = ["\t".join(names), *("\t".join(asdict(row)[name] or "n/a" for name in names) for row in ordered)]
    derivatives.write_text(bids_dir / REPORT, "\n".join(lines) + "\n")


def row_of(decision: Decision, patient_id: str, session_id: str, file: str, content: str) -> LedgerRow:
    """Return the row of a decision."""
    grid, extent = decision.stack.grid, decision.extent_mm
    spacing = "" if grid is None else "x".join(f"{length:.3f}" for length in _spacing(decision))
    return LedgerRow(
        participant_id=patient_id,
        session_id=session_id,
        series=decision.token,
        outcome=str(decision.outcome),
        file=file,
        contrast=(decision.contrast.name or "") + ("_ce" if decision.contrast.is_enhanced else ""),
        confidence=f"{decision.contrast.confidence:.2f}",
        plane=decision.plane or "",
        slices=str(decision.stack.plane_count),
        spacing_mm=spacing,
        low_mm="" if extent is None else f"{extent[0]:.1f}",
        high_mm="" if extent is None else f"{extent[1]:.1f}",
        reason="; ".join(decision.reasons).replace("\t", " "),
        content=content,
    )


def names_taken(ledger_rows: Iterable[LedgerRow], patient_id: str, session_id: str) -> list[Taken]:
    """Return the names that earlier imports gave in a visit."""
    taken = []
    for row in ledger_rows:
        if (row.participant_id, row.session_id, row.outcome) != (patient_id, session_id, "imported"):
            continue
        path = Path(row.file)
        name = parse_name(path.name)
        if name is not None:
            extent = (float(row.low_mm), float(row.high_mm)) if row.low_mm and row.high_mm else None
            taken.append(Taken(Named(path.parent.name, name.entities, name.suffix), extent))
    return taken


def scans_known(ledger_rows: Iterable[LedgerRow], patient_id: str, session_id: str) -> list[KnownScan]:
    """Return what earlier imports took of a visit."""
    return [
        KnownScan(row.contrast, row.plane, (float(row.low_mm), float(row.high_mm)))
        for row in ledger_rows
        if (row.participant_id, row.session_id, row.outcome) == (patient_id, session_id, "imported")
        and row.low_mm
        and row.high_mm
    ]


def _spacing(decision: Decision) -> list[float]:
    assert decision.stack.grid is not None
    return [float((decision.stack.grid.affine[:3, axis] ** 2).sum() ** 0.5) for axis in range(3)]
