"""BIDS names: taking them apart, building them, and listing what lies in a folder.

Labels are the ASCII letters and digits (and ``+``) that BIDS allows; anything else is refused rather than repaired,
because a repaired name could be another patient's.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.findings import finding
from pipeline.core.records import Finding

LABEL = re.compile(r"[0-9A-Za-z+]+")
LOOK_ALIKES = str.maketrans("АВЕКМНОРСТХ", "ABEKMHOPCTX")
"""Cyrillic letters to the Latin ones that nobody tells from them."""
FILE_NAME = re.compile(r"((?:[a-z]+-[0-9A-Za-z+]+_)*)([0-9A-Za-z]+)(\.[0-9A-Za-z]+(?:\.gz)?)")
ANNEX = "annex/objects/"
"""What stands in the links of git-annex, and so of DataLad."""

IMAGE_EXTENSIONS = (".nii.gz", ".nii")
ENTITY_ORDER = (
    "sub", "ses", "sample", "task", "acq", "ce", "trc", "stain", "rec", "dir", "run", "mod", "echo", "flip", "inv",
    "mt", "part", "proc", "hemi", "space", "split", "chunk", "from", "to", "mode", "seg", "res", "den", "label",
    "desc",
)  # fmt: skip
"""Order of entities in a file name (BIDS 1.10, appendix *Entities*; from, to and mode as BIDS transforms use them)."""


@dataclass(frozen=True)
class BidsName:
    """A file name taken apart: ``sub-01_ses-02_T2w.nii.gz`` has two entities, a suffix and an extension."""

    entities: Mapping[str, str]
    suffix: str
    extension: str


def parse_name(file_name: str) -> BidsName | None:
    """Take a file name apart; None when it does not follow the BIDS pattern or repeats an entity.

    Examples
    --------
    >>> parse_name("sub-01_ses-02_T2w.nii.gz").entities
    {'sub': '01', 'ses': '02'}
    >>> parse_name("scan of monday.nii.gz") is None
    True
    """
    match = FILE_NAME.fullmatch(file_name)
    if match is None:
        return None
    pairs = [pair.split("-", 1) for pair in match[1].split("_") if pair]
    entities = {pair[0]: pair[1] for pair in pairs}
    return BidsName(entities, match[2], match[3]) if len(entities) == len(pairs) else None


def format_name(entities: Mapping[str, str], suffix: str, extension: str) -> str:
    """Build a file name with its entities in BIDS order; the inverse of :func:`parse_name`.

    Raises
    ------
    ValueError
        A label holds anything but ASCII letters, digits and ``+``, or the whole does not read back as a BIDS name.

    Examples
    --------
    >>> format_name({"ses": "02", "sub": "01", "desc": "aligned"}, "T2w", ".nii.gz")
    'sub-01_ses-02_desc-aligned_T2w.nii.gz'
    """
    rank = {key: place for place, key in enumerate(ENTITY_ORDER)}
    ordered = sorted(entities, key=lambda key: (rank.get(key, len(rank)), key))
    name = "_".join([*(f"{key}-{entities[key]}" for key in ordered), suffix]) + extension
    parsed = parse_name(name)
    if parsed is None or parsed.entities != dict(entities):
        msg = f"expected letters and digits in each part of a file name, found {name!r}"
        raise ValueError(msg)
    return name


def derivative_path(
    patient_id: str, session_id: str | None, *, suffix: str, extension: str, **entities: str | None
) -> Path:
    """Return the path of an output file, relative to the output folder, with its entities in BIDS order.

    Parameters
    ----------
    patient_id, session_id
        With or without ``sub-`` and ``ses-``; no session for what belongs to the whole patient.
    suffix, extension
        Such as ``T2w`` and ``.nii.gz``.
    entities
        Labels by key, such as ``desc="aligned"``; None is left out. A trailing underscore is dropped, for keys that
        are Python words (``from_``). Labels made from other names go through :func:`label_of`.

    Raises
    ------
    ValueError
        A label holds anything but ASCII letters, digits and ``+``.

    Examples
    --------
    >>> derivative_path("sub-01", "ses-02", suffix="xfm", extension=".h5", to="ses01", from_="ses02").as_posix()
    'sub-01/ses-02/anat/sub-01_ses-02_from-ses02_to-ses01_xfm.h5'
    """
    parts = {"sub": patient_id.removeprefix("sub-")}
    if session_id is not None:
        parts["ses"] = session_id.removeprefix("ses-")
    folder = Path(*(f"{key}-{label}" for key, label in parts.items()), "anat")
    named = {key.rstrip("_"): label for key, label in entities.items() if label is not None}
    return folder / format_name(parts | named, suffix, extension)


def label_of(text: str) -> str:
    """Keep what a BIDS label may hold: ``ses-02`` becomes ``ses02``."""
    return "".join(LABEL.findall(text))


def with_prefix(prefix: str, text: str) -> str | None:
    """Return an id with its prefix, given with or without it; None when it is not a BIDS label.

    Examples
    --------
    >>> with_prefix("sub", "rc011"), with_prefix("sub", "sub-rc011"), with_prefix("sub", "Zoë")
    ('sub-rc011', 'sub-rc011', None)
    """
    label = text.strip().removeprefix(f"{prefix}-")
    return f"{prefix}-{label}" if LABEL.fullmatch(label) else None


def resembling_words(name: str | None, known_ids: Iterable[str]) -> str:
    """Say which known id another one resembles but for zeros, letter case and signs; empty where none.

    Spreadsheets strip the zeros of 01; which id is right is for a person to say.

    Examples
    --------
    >>> resembling_words("sub-1", ["sub-01", "sub-10"]), resembling_words("sub-7", ["sub-01"])
    ('; it resembles sub-01, did a spreadsheet strip zeros?', '')
    """
    alike = resembling(name, known_ids)
    return f"; it resembles {' and '.join(alike)}, did a spreadsheet strip zeros?" if alike else ""


def resembling(name: str | None, known_ids: Iterable[str]) -> list[str]:
    """Return the known ids that another one resembles but for zeros, letter case and signs.

    Examples
    --------
    >>> resembling("sub-1", ["sub-01", "sub-10"]), resembling(None, ["sub-01"])
    (['sub-01'], [])
    """
    return [] if name is None else sorted(other for other in known_ids if other != name and _bare(other) == _bare(name))


def _bare(name: str) -> str:
    """Return an id without what programs and people change: zeros before a number, letter case, marks, the prefix."""
    plain = unicodedata.normalize("NFKC", name).upper().translate(LOOK_ALIKES).lower()
    plain = re.sub(r"(?<=\d)\.0+$", "", plain.removeprefix("sub-").removeprefix("ses-"))  # a spreadsheet's 7.0
    plain = re.sub(r"(?<=[^\W\d_])[\s_.-]+(?=\d)", "", plain)
    return re.sub(r"(?<!\d)0+(?=\d)", "", plain)


def alike_groups(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the names that only zeros, letter case, marks or letters that look the same tell apart, by group.

    Examples
    --------
    >>> alike_groups(["P01", "p1", "P-01", "P02", "1-11", "11-1"])
    [('P01', 'p1', 'P-01')]
    """
    groups = dict[str, list[str]]()
    for name in dict.fromkeys(names):
        groups.setdefault(_bare(name), []).append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def relative_to(root: Path, path: Path) -> str:
    """Return a path inside the study folder as text relative to it, with ``/``; what is no Unicode is escaped."""
    return path.relative_to(root).as_posix().encode("utf-8", "backslashreplace").decode()


def entries(folder: Path, root: Path, findings: list[Finding]) -> list[Path]:
    """List a folder's visible files and folders by name, leaving out links that lead outside the study folder.

    Parameters
    ----------
    folder
        Inside ``root``; a folder that does not exist is empty.
    root
        The study folder, resolved.
    findings
        Links that lead outside or nowhere, and folders that cannot be listed, are added.
    """
    try:
        with os.scandir(folder) as scan:
            listed = sorted((entry.name, entry.is_symlink()) for entry in scan if not entry.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        message = f"expected a readable folder, found: {error.strerror}"
        findings.append(finding("file_unreadable", message, relative_to(root, folder)))
        return []
    paths = ((folder / name, is_link or not name.isprintable()) for name, is_link in listed)
    return [path for path, is_suspect in paths if not is_suspect or is_inside(path, root, findings)]


def is_inside(path: Path, root: Path, findings: list[Finding]) -> bool:
    """Say whether a path may be read: named in printable letters, and no link to nowhere or out of the study folder."""
    if not path.name.isprintable():
        message = "expected a name of printable letters, found one with other characters or bytes; it was not read"
        findings.append(finding("name_not_bids", message, relative_to(root, path)))
        return False
    if not path.is_symlink():
        return True
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        relative = relative_to(root, path)
        if ANNEX in _link_text(path):
            message = f"{relative}: expected the file, found a git-annex link whose content is not here"
            findings.append(finding("link_annex", message, relative))
        else:
            message = f"{relative}: expected a file, found a link to something that is not here"
            findings.append(finding("file_unreadable", message, relative))
        return False
    if target.is_relative_to(root) or _is_annexed(target, root):
        return True
    relative = relative_to(root, path)
    message = f"{relative}: expected a file inside the study folder, found a link that leads outside"
    findings.append(finding("link_outside", message, relative))
    return False


def _is_annexed(target: Path, root: Path) -> bool:
    """Say whether a file is content that git-annex keeps for the repository that a study folder lies in."""
    return any(target.is_relative_to(parent / ".git" / "annex" / "objects") for parent in root.parents)


def _link_text(path: Path) -> str:
    try:
        return path.readlink().as_posix()
    except OSError:
        return ""
