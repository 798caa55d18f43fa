"""The image files of a visit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.acquisition.protocol import Facts
from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.study.names import IMAGE_EXTENSIONS, BidsName, entries, parse_name, relative_to
from pipeline.study.sidecars import Claims, Conversion, read_sidecar

WEIGHTED = ("T2w", "T1w", "PDw", "FLAIR")
"""Suffixes of images that a tumour is measured on; a contrast agent (``ce-``) adds ``_ce``."""

WHERE_DRAWN = (
    "T2star", "T2starw", "STIR", "UNIT1", "inplaneT2", "PDT2", "MTw", "MTS", "swi", "MEGRE", "MESE", "MP2RAGE", "VFA",
    "IRT1", "angio",
)  # fmt: skip
"""Suffixes of images that a tumour is measured on only where somebody drew on them."""

MAPS = ("T1map", "T2map", "T2starmap", "PDmap", "R1map", "R2map", "R2starmap", "MTRmap", "MTsat", "MWFmap", "T1rho",
        "M0map", "S0map", "Chimap")  # fmt: skip
"""Suffixes of computed maps: listed, never measured, for what they show depends on how they were computed."""

CONTRASTS = {"anat": (*WEIGHTED, *WHERE_DRAWN, *MAPS), "dwi": ("ADC", "FA", "dwi")}
"""Suffixes taken as scans, by BIDS folder."""

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
    conversion
        What it was converted from; None unless this program did.
    claims
        What the JSON file says beside, to be held against names and tables.
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
    conversion: Conversion | None = None
    claims: Claims = field(default_factory=Claims, repr=False)


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
    scans = [
        scan
        for datatype in CONTRASTS
        for path in entries(folder / datatype, root, findings)
        if (scan := _scan(path, root, session_id, findings))
    ]
    return _without_doubles(scans, findings)


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
    expected, named_as = "_".join(folders.values()), "_".join(named.values()) or "neither sub- nor ses-"
    findings.append(
        finding("name_mismatch", f"{relative}: expected a name with {expected}, found {named_as}", relative)
    )
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
    facts, conversion, claims = read_sidecar(path, root, findings)
    return ScanFile(
        path=path,
        relative=relative,
        patient_id=f"sub-{labels['sub']}",
        session_id=session_id,
        contrast=name.suffix + ("_ce" if "ce" in labels else ""),
        chunk=labels.get("chunk"),
        acquisition=labels.get("acq"),
        run=labels.get("run"),
        facts=facts,
        conversion=conversion,
        claims=claims,
    )


def _without_doubles(scans: Iterable[ScanFile], findings: list[Finding]) -> tuple[ScanFile, ...]:
    """Keep one of ``x.nii`` and ``x.nii.gz``: their results would overwrite each other."""
    scan_by_stem: dict[str, ScanFile] = {}
    for scan in sorted(scans, key=lambda scan: scan.relative, reverse=True):
        stem = scan.relative.removesuffix(".gz").removesuffix(".nii")
        if stem in scan_by_stem:
            message = f"{scan.relative}: expected one file, found it compressed as well; the compressed one is used"
            findings.append(finding("scan_duplicated", message, scan.relative))
        scan_by_stem.setdefault(stem, scan)
    return tuple(reversed(scan_by_stem.values()))
