"""What lies in a study folder where, or under a name that, nobody reads it: said, so that nothing vanishes in silence.

A mask in ``Ses-01`` or beside ``anat``, a patient in ``Sub-02``, a table saved as ``treatments.csv``: each would leave
a visit without its drawing, or a treated person untreated, without a word.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.files.dicom_start import looks_like_dicom
from pipeline.study.masks import LIKE_A_MASK
from pipeline.study.names import entries, relative_to
from pipeline.study.scans import is_image

TABLES = ("participants", "treatments", "function", "neuraxis", "spectroscopy")
"""Tables of a study, each read as ``<name>.tsv`` beside the patients' folders."""

TABLE_ENDINGS = frozenset({".tsv", ".csv", ".txt", ".xlsx", ".xls", ".ods"})
"""How the files of tables end, in programs that people make them with."""

TREATMENTS = re.compile(r"(?:sub-[0-9a-z]+_)?treatments?(?:\b.*|_[0-9].*|_(?!names$).*)?")
"""How people name further copies and versions of the table of treatments; each may hold what that table does not."""

OTHER_KINDS = frozenset({"func", "fmap", "perf", "mrs", "pet", "eeg", "meg", "ieeg", "nirs", "beh", "motion", "micr"})
"""Folders of visits whose masks are those of other examinations."""

MOST_LISTED = 2000
"""Files of a folder that is no study that are looked at, to say what it holds."""

MOST_DEEP = 8
"""Folders below a source that are looked into."""


def report_tables(root: Path, folders: Collection[str], findings: list[Finding]) -> None:
    """Add ``table_misnamed`` for each table of a study, or of one of its patients, that another name hides.

    Parameters
    ----------
    root
        The study folder, resolved.
    folders
        Everybody with a folder in the study.
    """
    for place in (root, *(root / patient_id for patient_id in sorted(folders))):
        for path in entries(place, root, []):
            _report_table(path, root, findings)


def report_places(root: Path, folders: Collection[str], findings: list[Finding]) -> None:
    """Add ``name_not_bids`` and ``folder_ignored`` for patients and masks that lie where nobody looks.

    Parameters
    ----------
    root
        The study folder, resolved.
    folders
        Everybody with a folder in the study.
    findings
        What was said so far: results of our own that were left out are looked into no further.
    """
    for path in entries(root, root, []):
        if path.is_dir():
            _report_folder(path, root, findings)
    results = {one.path for one in findings if one.code == "derivative_own_output"}
    for source in entries(root / "derivatives", root, []):
        is_source = source.is_dir() and not source.name.startswith("sub-")
        if is_source and relative_to(root, source) not in results:
            _report_masks(source, root, folders, findings)


def _report_folder(path: Path, root: Path, findings: list[Finding]) -> None:
    relative, lower = relative_to(root, path), path.name.lower()
    if lower.startswith("sub-") and not path.name.startswith("sub-"):
        message = f"{relative}: expected a folder sub-<label> in small letters, found '{path.name}'; it was not read"
        findings.append(finding("name_not_bids", message, relative))
    elif lower == "derivatives" and path.name != lower:
        message = f"expected masks in 'derivatives', found a folder '{path.name}'; it was not read"
        findings.append(finding("folder_ignored", message, relative))


def _report_table(path: Path, root: Path, findings: list[Finding]) -> None:
    """Say that a file would be a table under another name; treatments that stand nowhere else concern everybody."""
    relative, stem = relative_to(root, path), path.name.lower()
    if not stem.endswith(tuple(TABLE_ENDINGS)) or not path.is_file():
        return
    while stem.endswith(tuple(TABLE_ENDINGS)):  # treatments.tsv.txt, where endings are hidden
        stem = stem.rpartition(".")[0]
    patient, word = "" if path.parent == root else path.parent.name, stem.rpartition("_")[2]
    if TREATMENTS.fullmatch(stem):
        expected = "treatments.tsv"
    elif patient and word == "sessions":
        expected = f"{patient}/{patient}_sessions.tsv"
    elif word in TABLES and (patient or stem == word):
        expected = f"{word}.tsv"
    elif not patient and stem == "treatment_names":
        expected = "treatment_names.tsv"
    else:
        return
    if relative == expected:
        return
    message = f"expected the table {expected}, found {relative}, which is not read"
    is_only = not (root / expected).exists()
    whose = {"patient_id": patient} if patient else {}
    findings.append(finding("table_misnamed", message, expected if is_only else relative, **whose))


def _report_masks(source: Path, root: Path, folders: Collection[str], findings: list[Finding]) -> None:
    """Say how many masks lie at each place below a source where none is looked for."""
    counts = Counter(
        place for place in _places_of_masks(source) if not _is_read(place.relative_to(source).as_posix(), folders)
    )
    for place, count in sorted(counts.items()):
        relative = relative_to(root, place)
        pattern = f"derivatives/{source.name}/sub-<label>/ses-<label>/anat of a patient of this study"
        message = f"{relative}: expected masks in {pattern}, found {count} here; not read"
        findings.append(finding("folder_ignored", message, relative))


def _is_read(place: str, folders: Collection[str]) -> bool:
    parts = PurePosixPath(place).parts
    is_visit = len(parts) == 2 or (len(parts) == 3 and parts[1].startswith("ses-"))
    return is_visit and parts[0] in folders and parts[-1] == "anat"


def _places_of_masks(source: Path) -> Iterator[Path]:
    """Yield the folder of each image that is named like a mask; links to folders are not followed."""
    for folder, inside, names in os.walk(source):
        place = Path(folder)
        depth = len(place.relative_to(source).parts)
        inside[:] = sorted(
            name for name in inside if not name.startswith(".") and name not in OTHER_KINDS and depth < MOST_DEEP
        )
        yield from (place for name in names if is_image(Path(name)) and LIKE_A_MASK.search(name))


def words_on_others(root: Path) -> str:
    """Say what a folder without a patient holds instead, and where that belongs; empty where it is nothing known."""
    pictures = dicom = 0
    example = ""
    for path in islice(_files_below(root), MOST_LISTED):
        if is_image(path) and not path.name.lower().endswith((".dcm", ".ima")):
            pictures, example = pictures + 1, example or path.name
        elif _is_dicom(path):
            dicom += 1
    if dicom:
        command = f"cordtrack import-dicom {root.name} STUDY"
        return f", but {dicom} DICOM files or more; bring them into a study with '{command}'"
    if pictures:
        name = "sub-01/ses-01/anat/sub-01_ses-01_T2w.nii.gz"
        return (
            f", but {pictures} images or more such as {example}; name each like {name}, or bring them on the page Study"
        )
    return ""


def _files_below(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        yield from (Path(folder) / name for name in sorted(names))


def _is_dicom(path: Path) -> bool:
    try:
        return path.is_file() and looks_like_dicom(path)  # whoever opens a pipe waits for its other end
    except OSError:
        return False
