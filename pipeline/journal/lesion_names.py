"""Names of lesions, in ``OUT_DIR/journal/lesion_names.jsonl``: one JSON object a line, only ever added to.

A name once published belongs to its piece for good: to the digest of its voxels and its place in its own scan. Which
lesion was called L1 depends on which visits there were when it was named, so that no run can find it out again; that
is why the names lie beside what people decided and not among the results. Runs write here, people never.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.core.findings import finding
from pipeline.core.piece_names import LesionName, PiecePlace
from pipeline.core.records import Finding, LesionComponent
from pipeline.journal import append_only

FILE = "journal/lesion_names.jsonl"
FIELDS = (
    "entry_id",
    "previous",
    "patient_id",
    "session_id",
    "lesion_id",
    "component_sha256",
    "centre_mm",
    "volume_mm3",
)


@dataclass(frozen=True)
class NamesOnRecord:
    """All names that can be read, in the order they were given, and what is wrong with the file."""

    names: tuple[LesionName, ...] = ()
    findings: tuple[Finding, ...] = ()

    def by_patient(self) -> dict[str, list[LesionName]]:
        """Return the names of each patient's pieces, in the order they were given."""
        names: dict[str, list[LesionName]] = {}
        for name in self.names:
            names.setdefault(name.patient_id, []).append(name)
        return names


def read(out_dir: Path) -> NamesOnRecord:
    """Read the names; none before the first run.

    Raises
    ------
    StoreError
        The file is there and cannot be opened.
    """
    chain = append_only.read(out_dir, FILE, _name)
    findings = [finding("journal_line_unusable", message, FILE) for message in chain.unusable]
    findings += [finding("journal_line_missing", message, FILE) for message in chain.missing]
    return NamesOnRecord(chain.entries, tuple(findings))


def unrecorded(names: Sequence[LesionName], components: Iterable[LesionComponent]) -> tuple[LesionName, ...]:
    """Return the names of pieces that are not on record yet.

    Parameters
    ----------
    names
        On record for this patient.
    components
        Of a finished run of this patient.
    """
    latest = {(name.session_id, name.place.sha256): name for name in names}
    fresh: dict[tuple[str, str], LesionName] = {}
    for row in components:
        given = _given(row)
        if given is None:
            continue
        key = (given.session_id, given.place.sha256)
        before = latest.get(key)
        if before is None or before.lesion_id != given.lesion_id or not before.place.is_at(given.place):
            fresh.setdefault(key, given)
    return tuple(fresh.values())


def append(out_dir: Path, names: Sequence[LesionName]) -> None:
    """Put names on record, all or none.

    Raises
    ------
    StoreError
        The file cannot be written.
    """
    if not names:
        return
    with append_only.writing(out_dir, FILE) as lines:
        last = append_only.read(out_dir, FILE, _name).last
        for name in names:
            fields = {
                "patient_id": name.patient_id,
                "session_id": name.session_id,
                "lesion_id": name.lesion_id,
                "component_sha256": name.place.sha256,
                "centre_mm": list(name.place.centre_mm),
                "volume_mm3": name.volume_mm3,
            }
            lines.append(append_only.sealed(fields, last))
            last = lines[-1]["entry_id"]


def _given(row: LesionComponent) -> LesionName | None:
    """Return the name that matching gave a piece; None for a lesion without one of its own at this visit."""
    place = place_of(row)
    if place is None or row.volume_mm3 is None or row.named_as is None:
        return None
    x, y, z = (round(mm, 2) for mm in place.centre_mm)  # as it is read again
    rounded = PiecePlace(place.sha256, (x, y, z))
    return LesionName(row.patient_id, row.session_id, row.named_as, rounded, round(row.volume_mm3, 2))


def place_of(row: LesionComponent) -> PiecePlace | None:
    """Return where a piece lies in its own scan; None where none was seen."""
    x, y, z = row.scan_x_mm, row.scan_y_mm, row.scan_z_mm
    if row.component_sha256 is None or x is None or y is None or z is None:
        return None
    return PiecePlace(row.component_sha256, (x, y, z))


def _name(fields: Mapping[str, Any]) -> LesionName:
    if set(fields) != set(FIELDS):
        raise ValueError(f"expected the fields {', '.join(FIELDS)}, found others")
    x, y, z = map(float, fields["centre_mm"])
    return LesionName(
        patient_id=str(fields["patient_id"]),
        session_id=str(fields["session_id"]),
        lesion_id=str(fields["lesion_id"]),
        place=PiecePlace(str(fields["component_sha256"]), (x, y, z)),
        volume_mm3=float(fields["volume_mm3"]),
    )
