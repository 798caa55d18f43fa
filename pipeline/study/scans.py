"""The image files of a visit, and which of them carries the alignment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.acquisition.protocol import Facts
from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.errors import InputError
from pipeline.study.names import IMAGE_EXTENSIONS, BidsName, entries, parse_name, relative_to
from pipeline.study.sidecars import read_facts

CONTRASTS = {
    "anat": ("T2w", "T1w", "PDw", "FLAIR", "T2starw", "T2star", "inplaneT2", "UNIT1", "swi", "MTw", "T1map", "T2map"),
    "dwi": ("ADC", "FA"),
}
"""Suffixes taken as scans, by BIDS folder; a contrast agent (``ce-``) adds ``_ce``."""

ANCHOR_ORDER = ("T2w", "T1w_ce", "T1w", "T2w_ce", "PDw", "FLAIR")
"""Contrasts that can carry the alignment, the best first; T2w shows the cord against bright fluid."""

PLANE_ORDER = ("sagittal", "isotropic", "coronal", "axial", "unreadable")
"""A sagittal stack covers the cord lengthwise, axial ones only a part; isotropic is as good but rarer in old visits."""

PLANE_WORDS = {
    "sag": "sagittal",
    "iso": "isotropic",
    "3d": "isotropic",
    "cor": "coronal",
    "ax": "axial",
    "tra": "axial",
}
"""Beginnings of ``acq-`` labels that name a plane."""

View = tuple[str | None, str | None]
"""An ``acq-`` and a ``chunk-`` label."""

OTHER_IMAGE_FORMATS = (".nrrd", ".nhdr", ".mha", ".mhd", ".dcm", ".hdr", ".img", ".mgz", ".ima")


@dataclass(frozen=True)
class ScanFile:
    """One image of one visit.

    Attributes
    ----------
    path
        Absolute.
    relative
        Relative to the study folder, with ``/``.
    contrast
        BIDS suffix, with ``_ce`` after contrast agent: ``T2w``, ``T1w``, ``T1w_ce``, ``ADC`` ...
    chunk, acquisition, run
        Labels of the ``chunk-``, ``acq-`` and ``run-`` entities; None without.
    facts
        How it was made, as the JSON file beside it says.
    """

    path: Path
    relative: str
    patient_id: str
    session_id: str
    contrast: str
    chunk: str | None = None
    acquisition: str | None = None
    run: str | None = None
    facts: Facts = field(default_factory=Facts)


def find_scans(folder: Path, root: Path, session_id: str, findings: list[Finding]) -> tuple[ScanFile, ...]:
    """List the scans in a visit's folder (or a patient's, when there is no visit level), by name.

    Parameters
    ----------
    folder
        The folder that holds ``anat``.
    root
        The study folder, resolved.
    session_id
        The visit's id; the folder may not carry it.
    findings
        Misplaced, misnamed and doubled images are added.
    """
    for path in entries(folder, root, findings):
        if path.is_file() and is_image(path):
            message = f"expected images in {folder.name}/anat, found {path.name} beside it"
            findings.append(finding("image_misplaced", message, relative_to(root, path), session_id=session_id))
    found = [
        scan
        for datatype in CONTRASTS
        for path in entries(folder / datatype, root, findings)
        if (scan := _scan(path, root, session_id, findings))
    ]
    return _without_doubles(found, findings)


def choose_anchor(scans: Sequence[ScanFile], views: Sequence[View] = ()) -> tuple[ScanFile | None, tuple[Finding, ...]]:
    """Choose the scan that carries the alignment: best contrast, then favoured view, plane, run, chunk and name.

    Parameters
    ----------
    scans
        Of one visit.
    views
        ``acq-`` and ``chunk-`` labels to favour, the most favoured first: those that somebody drew on, or those of
        another visit's anchor.

    Returns
    -------
    ScanFile or None
        None when no contrast of the visit can carry an alignment.
    tuple of Finding
        ``anchor_ambiguous`` when nothing but run, chunk or name set the scan apart.
    """
    usable = [scan for scan in scans if scan.contrast in ANCHOR_ORDER]
    if not usable:
        return None, ()
    best = min(ANCHOR_ORDER.index(scan.contrast) for scan in usable)
    rivals = [scan for scan in usable if scan.contrast == ANCHOR_ORDER[best]]
    for view in views:
        rivals = [scan for scan in rivals if (scan.acquisition, scan.chunk) == view] or rivals
    if len(rivals) > 1:
        planes = {scan: PLANE_ORDER.index(_plane(scan)) for scan in rivals}
        rivals = [scan for scan in rivals if planes[scan] == min(planes.values())]
    rivals.sort(key=lambda scan: (_number(scan.run), _number(scan.chunk), scan.relative))
    return rivals[0], () if len(rivals) == 1 else (_ambiguity(rivals),)


def is_image(path: Path) -> bool:
    """Say whether a file name is that of an image, in any format."""
    return path.name.lower().endswith((*IMAGE_EXTENSIONS, *OTHER_IMAGE_FORMATS))


def belongs(name: BidsName, path: Path, root: Path, findings: list[Finding]) -> bool:
    """Say whether a file's ``sub-`` and ``ses-`` agree with the folders it lies in; a finding when not."""
    relative = relative_to(root, path)
    folders = {part[:4]: part for part in relative.split("/")[:-1] if part.startswith(("sub-", "ses-"))}
    named = {f"{key}-": f"{key}-{label}" for key, label in name.entities.items() if key in ("sub", "ses")}
    if named == folders:
        return True
    expected, found = "_".join(folders.values()), "_".join(named.values()) or "neither sub- nor ses-"
    findings.append(finding("name_mismatch", f"{relative}: expected a name with {expected}, found {found}", relative))
    return False


def _scan(path: Path, root: Path, session_id: str, findings: list[Finding]) -> ScanFile | None:
    relative = relative_to(root, path)
    if not path.is_file() or not is_image(path):
        return None
    name = parse_name(path.name)
    if path.name.lower().endswith(OTHER_IMAGE_FORMATS):
        findings.append(finding("image_format", f"{relative}: expected NIfTI, found another format", relative))
        return None
    if name is None or name.extension not in IMAGE_EXTENSIONS:
        findings.append(finding("name_not_bids", f"{relative}: expected a BIDS name, found '{path.name}'", relative))
        return None
    if not belongs(name, path, root, findings):
        return None
    if name.suffix not in CONTRASTS[path.parent.name]:
        if path.parent.name == "anat":
            message = f"{relative}: expected a contrast such as T2w or T1w, found '{name.suffix}'"
            findings.append(finding("contrast_unknown", message, relative))
        return None
    labels = name.entities
    return ScanFile(
        path=path,
        relative=relative,
        patient_id=f"sub-{labels['sub']}",
        session_id=session_id,
        contrast=name.suffix + ("_ce" if "ce" in labels else ""),
        chunk=labels.get("chunk"),
        acquisition=labels.get("acq"),
        run=labels.get("run"),
        facts=read_facts(path, root, findings),
    )


def _without_doubles(scans: Iterable[ScanFile], findings: list[Finding]) -> tuple[ScanFile, ...]:
    """Keep one of ``x.nii`` and ``x.nii.gz``: their results would overwrite each other."""
    kept: dict[str, ScanFile] = {}
    for scan in sorted(scans, key=lambda scan: scan.relative, reverse=True):
        stem = scan.relative.removesuffix(".gz").removesuffix(".nii")
        if stem in kept:
            message = f"{scan.relative}: expected one file, found it compressed as well; the compressed one is used"
            findings.append(finding("scan_duplicated", message, scan.relative))
        kept.setdefault(stem, scan)
    return tuple(reversed(kept.values()))


def _plane(scan: ScanFile) -> str:
    """Name the plane: from the acquisition label when it says so, else from the image's geometry."""
    label = (scan.acquisition or "").lower()
    named = next((plane for word, plane in PLANE_WORDS.items() if label.startswith(word)), None)
    if named is not None:
        return named
    from pipeline.core.volume import plane  # noqa: PLC0415 (half a second that most studies need not pay)
    from pipeline.files.images import load_grid  # noqa: PLC0415

    try:
        return plane(load_grid(scan.path))
    except InputError:
        return "unreadable"


def _ambiguity(rivals: Sequence[ScanFile]) -> Finding:
    chosen = rivals[0]
    others = ", ".join(scan.path.name for scan in rivals[1:])
    message = f"expected one {chosen.contrast} to align by, found several; {chosen.path.name} is used, not {others}"
    return finding("anchor_ambiguous", message, chosen.relative, session_id=chosen.session_id)


def _number(label: str | None) -> tuple[int, str]:
    text = label or ""
    return (int(text) if text.isdigit() else 0, text)
