"""What a label number or a compartment's name in somebody's mask means.

A number means what the closest ``dseg.tsv`` says, a name means what :data:`COMPARTMENT_NAMES` says, and nothing else:
an unknown name or number is reported and not measured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.core.vocabulary import Compartment
from pipeline.study.names import BidsName, entries, parse_name, relative_to
from pipeline.study.study_tables import TableRow, is_complete, read_table

COMPARTMENT_NAMES: Mapping[str, Compartment] = MappingProxyType(
    {
        "tumour": Compartment.TUMOUR,
        "tumor": Compartment.TUMOUR,
        "solidtumour": Compartment.TUMOUR,
        "solidtumor": Compartment.TUMOUR,
        "enhancing": Compartment.ENHANCING,
        "enhancingtumour": Compartment.ENHANCING,
        "enhancingtumor": Compartment.ENHANCING,
        "cyst": Compartment.CYST,
        "tumourcyst": Compartment.CYST,
        "tumorcyst": Compartment.CYST,
        "syrinx": Compartment.SYRINX,
        "oedema": Compartment.OEDEMA,
        "edema": Compartment.OEDEMA,
        "cavity": Compartment.CAVITY,
        "resectioncavity": Compartment.CAVITY,
        "haemorrhage": Compartment.HAEMORRHAGE,
        "hemorrhage": Compartment.HAEMORRHAGE,
        "cord": Compartment.CORD,
        "spinalcord": Compartment.CORD,
        "sc": Compartment.CORD,
    }
)
"""Names of compartments, lower case, without spaces, hyphens and underscores. ``lesion`` is not among them: it may
or may not include oedema and cyst."""

SCT_NAMES: Mapping[str, Compartment] = MappingProxyType({**COMPARTMENT_NAMES, "cavity": Compartment.CYST})
"""The Spinal Cord Toolbox's tumour model calls the cyst *cavity* (Lemay 2021, 10.1016/j.nicl.2021.102766)."""

SCT_SOURCE = re.compile(r"(^|[^a-z])sct([^a-z]|$)|spinal[-_ ]?cord[-_ ]?toolbox", re.IGNORECASE)
"""Names of derivatives folders in which :data:`SCT_NAMES` holds."""

UNMEASURED_NAMES = frozenset({"background", "csf", "canal", "spinalcanal", "vertebra", "vertebrae", "disc", "discs"})
"""Names of labels that are understood and left out without a word."""


@dataclass(frozen=True)
class LabelTable:
    """What the numbers of a label map mean; those in ``unmeasured`` are understood and left out.

    ``unknown`` holds numbers that the table lists under a word which is no compartment.
    """

    labels: Mapping[int, Compartment] = field(default_factory=dict)
    unmeasured: frozenset[int] = frozenset()
    unknown: frozenset[int] = frozenset()


def names_of_source(source: str) -> Mapping[str, Compartment]:
    """Return the vocabulary of a derivatives folder, by the folder's name.

    Examples
    --------
    >>> names_of_source("sct_tumour")["cavity"], names_of_source("reader")["cavity"]
    (<Compartment.CYST: 'cyst'>, <Compartment.CAVITY: 'cavity'>)
    """
    return SCT_NAMES if SCT_SOURCE.search(source) else COMPARTMENT_NAMES


def compartment_named(name: str, names: Mapping[str, Compartment] = COMPARTMENT_NAMES) -> Compartment | None:
    """Return the compartment of a name in any case, with or without separators; None when unknown.

    Examples
    --------
    >>> compartment_named("Solid tumor"), compartment_named("lesion")
    (<Compartment.TUMOUR: 'tumour'>, None)
    """
    return names.get(_plain(name))


NamedTables = tuple[tuple[Path, BidsName], ...]
"""Label tables of one folder with their names taken apart."""


def closest_table(
    mask: Path, name: BidsName, derivative_root: Path, listed: dict[Path, NamedTables], findings: list[Finding]
) -> Path | None:
    """Return the ``dseg.tsv`` that applies to a label map: the closest folder's, then the most specific name's.

    Parameters
    ----------
    mask, name
        The label map and its name taken apart.
    derivative_root
        ``derivatives/<source>``; tables are looked for from the mask's folder up to here.
    listed
        The tables of the folders looked into so far; filled on the way, so that each folder is listed once.
    findings
        ``mask_table_missing`` or ``mask_table_ambiguous`` is added.
    """
    root, relative = derivative_root.parent.parent, relative_to(derivative_root.parent.parent, mask)
    for folder in (mask.parent, *mask.parent.parents):
        if folder not in listed:
            listed[folder] = _tables(folder, root)
        fits = ((path, table) for path, table in listed[folder] if table.entities.items() <= name.entities.items())
        fitting = [(len(table.entities), path) for path, table in fits]
        best = [path for count, path in fitting if count == max(fitting)[0]]
        if len(best) > 1:
            table_names = " and ".join(path.name for path in best)
            message = f"{relative}: expected one table of its labels, found {table_names}"
            findings.append(finding("mask_table_ambiguous", message, relative))
        if best:
            return best[0] if len(best) == 1 else None
        if folder == derivative_root:
            break
    message = f"{relative}: expected a dseg.tsv beside it or above, found none"
    findings.append(finding("mask_table_missing", message, relative))
    return None


def read_labels(table: Path, root: Path, names: Mapping[str, Compartment], findings: list[Finding]) -> LabelTable:
    """Read a ``dseg.tsv`` (index, name).

    Parameters
    ----------
    table
        A file inside ``root``.
    root
        The study folder, resolved.
    names
        Compartments by plain name.
    findings
        Unknown names, bad or contradicted numbers are added.
    """
    meanings, unknown = dict[int, set[Compartment | None]](), set[int]()
    for row in read_table(table, root, ("index", "name"), findings):
        if not is_complete(row, ("index", "name"), findings):
            continue
        index, name = _index(row, findings), row.cells["name"] or ""
        meaning = compartment_named(name, names)
        if meaning is None and _plain(name) not in UNMEASURED_NAMES:
            message = f"expected a compartment such as {', '.join(Compartment)}, found '{name}'"
            findings.append(row.problem("compartment_unknown", message))
            unknown |= set() if index is None else {index}
        elif index is not None:
            meanings.setdefault(index, set()).add(meaning)
    relative = relative_to(root, table)
    for index in [index for index, alternatives in meanings.items() if len(alternatives) > 1]:
        message = f"{relative}: expected one meaning of index {index}, found several"
        findings.append(finding("mask_table_conflict", message, relative))
        del meanings[index]
    meaning_of = {index: next(iter(alternatives)) for index, alternatives in meanings.items()}
    labels = {index: compartment for index, compartment in meaning_of.items() if compartment is not None}
    return LabelTable(labels, frozenset(meaning_of.keys() - labels.keys()), frozenset(unknown - meaning_of.keys()))


def _tables(folder: Path, root: Path) -> NamedTables:
    """List the label tables of a folder; one applies to a mask that has all its entities (BIDS inheritance)."""
    named = ((path, parse_name(path.name)) for path in entries(folder, root, []) if path.name.endswith("dseg.tsv"))
    return tuple((path, name) for path, name in named if name is not None and name.suffix == "dseg")


def _index(row: TableRow, findings: list[Finding]) -> int | None:
    cell = row.cells["index"] or ""
    if re.fullmatch(r"[0-9]{1,9}", cell):
        return int(cell)
    findings.append(row.problem("index_malformed", f"expected a whole number as index, found '{cell}'"))
    return None


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).lower()
