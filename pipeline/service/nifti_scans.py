"""NIfTI scans that somebody brings: what each is taken for, and its place in the study once a person said whose it is.

A BIDS name says who, when and what; any other name says nothing for certain, and whoever brings the scan is asked.
Files are never copied: the voxels and their place in the world are written anew, with a short list of facts beside
them, so that nothing a header or a sidecar says about a person comes along.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core.volume import Volume
from pipeline.errors import InputError, SettingsError
from pipeline.files import atomic, images, nifti
from pipeline.hospital.importing import writing
from pipeline.hospital.importing.naming import Named
from pipeline.hospital.importing.thumbnails import side_by_side
from pipeline.hospital.read.dicom_files import SourceFile
from pipeline.service.deliveries import Answers
from pipeline.service.delivery_answers import NIFTI_CONTRASTS
from pipeline.service.sidecar_facts import facts_in
from pipeline.service.study_forms import read as read_form
from pipeline.service.study_forms import sessions_of
from pipeline.study.names import BidsName, parse_name, with_prefix
from pipeline.study.scans import WEIGHTED

ENDINGS = (".nii.gz", ".nii")
KEPT_ENTITIES = ("acq", "ce", "rec", "run", "echo", "inv", "part", "chunk")
"""Parts of a BIDS name that stay; who and when are what the person says."""
NOT_SCANS = ("dseg", "probseg", "mask")
MOST_VOXELS = 2**28
"""A whole spine at half a millimetre has a fifth of that."""
FEWEST_VALUES = 12
"""A scan shows more different values; a mask or a label map has fewer."""
ISOTROPIC = 1.3
"""A scan whose longest edge of a voxel is at most so many times its shortest has no plane of its own."""
THUMB_PIXELS = 128
GUESSES = (
    (r"t2[-_ ]?(star|\*)|t2s(?![a-z])|gre", "T2starw"),
    (r"stir|tirm", "STIR"),
    (r"flair", "FLAIR"),
    (r"adc", "ADC"),
    (r"t1.*(gd|gad|post|contrast|[-_+]km|[-_+]ce?(?![a-z]))|(gd|gad|ce|km)[-_ ].*t1", "T1w_ce"),
    (r"t1", "T1w"),
    (r"t2", "T2w"),
    (r"(?<![a-z])pd", "PDw"),
)
"""What words of a file's name may mean; a person says what it is."""
SURE, GUESSED = 1.0, 0.5


@dataclass(frozen=True)
class BroughtScan:
    """What a file is taken for.

    Attributes
    ----------
    token
        Of its content.
    patient_id, session_id, day, contrast
        As its name, or a table beside it, says; empty where they do not.
    refusal
        Why it cannot be a scan of the study, in one sentence; empty where it can.
    """

    token: str
    name: str
    patient_id: str = ""
    session_id: str = ""
    day: str = ""
    contrast: str = ""
    confidence: float = 0.0
    plane: str = ""
    slices: int = 0
    refusal: str = ""
    picture: bytes = b""


def is_nifti(name: str) -> bool:
    """Say whether a file's name ends as those of NIfTI images do."""
    return name.lower().endswith(ENDINGS)


def look(
    files: Sequence[SourceFile], tables: Iterable[SourceFile], say: Callable[[int, int], None]
) -> list[BroughtScan]:
    """Return what each file is taken for, in order; one that cannot be read costs itself.

    Parameters
    ----------
    files
        Named as NIfTI images.
    tables
        Tables of visits (``sub-X_sessions.tsv``) that came with them.
    say
        Called with how many are done, and of how many.
    """
    days = _days_in(tables)
    scans = []
    for number, file in enumerate(files):
        say(number, len(files))
        named = _named(file, days)
        try:
            volume = read_scan(file.path, named.name.rpartition("/")[2])
        except InputError as error:
            scans.append(replace(named, refusal=str(error)))
            continue
        plane, axis = plane_of(volume)
        picture = side_by_side(np.moveaxis(volume.array, axis, 2), THUMB_PIXELS)
        scans.append(replace(named, plane=plane, slices=volume.shape[axis], picture=picture))
    return scans


def read_scan(path: Path, name: str) -> Volume:
    """Read a file as the scan of a study, or refuse it in one sentence.

    Raises
    ------
    InputError
        No NIfTI image in 3D that says where it lies; more than half of it without number; larger than any scan; or a
        mask.
    """
    try:
        header = nifti.read_header(path)
        if prod(header.shape) > MOST_VOXELS:
            size = "x".join(map(str, header.shape))
            raise InputError(f"{name}: expected the voxels of a scan, found {size}; bring a smaller part")
        volume = images.load_scan(path)
    except InputError as error:
        raise InputError(str(error).replace(path.name, name)) from error
    except MemoryError as error:
        raise InputError(f"{name}: expected a scan, found one that takes more memory than there is") from error
    parsed = parse_name(name)
    if (parsed is not None and parsed.suffix in NOT_SCANS) or _is_mask(volume.array):
        raise InputError(
            f"{name}: expected a scan, found a mask or an image of few values; bring masks on the patient's page, or "
            "put them into the study's derivatives by hand"
        )
    return volume


def add(
    bids_dir: Path, files: Sequence[SourceFile], answers: Answers, before: frozenset[str], sidecars: Mapping[str, Path]
) -> list[str]:
    """Put scans into the study as a person decided; what lies there already is not written twice.

    Parameters
    ----------
    sidecars
        JSON files that came with them, by their names.
    before
        Files of the study before this delivery was first added, relative to it: they stay as they are.

    Returns
    -------
    list of str
        Files of this delivery, relative to the study folder.

    Raises
    ------
    SettingsError
        A visit has another day in the study.
    InputError, StoreError
        A table cannot be added to, or a file not written.
    """
    wanted = [(file, token, answer) for file in files if (answer := answers.get(token := token_of(file.path)))]
    wanted = [one for one in wanted if one[2]["contrast"] != "skip"]
    visits = [_visit(bids_dir, file, answer) for file, _, answer in wanted]
    writing.describe_study(bids_dir)
    added: list[str] = []
    for (file, token, answer), (patient_id, session_id) in zip(wanted, visits, strict=True):
        volume = read_scan(file.path, file.name.rpartition("/")[2])
        named = _place(file, answer["contrast"], plane_of(volume)[0], patient_id, session_id)
        path = _write(bids_dir, volume, named)
        relative = path.relative_to(bids_dir).as_posix()
        if relative in before:
            continue
        facts = facts_in(sidecars.get(stem_of(file.name))) | {"SeriesToken": token}
        atomic.write_text(writing.sidecar_of(path), json.dumps(facts, indent=1) + "\n")
        added.append(relative)
        writing.add_patient(bids_dir, patient_id, None, None)
        writing.add_visits(bids_dir, patient_id, [(session_id, date.fromisoformat(answer["day"]))])
    return added


def plane_of(volume: Volume) -> tuple[str, int]:
    """Return the plane of a scan's slices (``sag``, ``cor``, ``ax``, or ``iso``) and the axis that crosses them."""
    spacing = volume.spacing_mm
    axis = int(np.argmax(spacing))
    if spacing.max() <= ISOTROPIC * spacing.min():
        return "iso", int(np.argmax(np.abs(volume.affine[0, :3] / spacing)))  # across left and right
    return ("sag", "cor", "ax")[int(np.argmax(np.abs(volume.affine[:3, axis])))], axis


def token_of(path: Path) -> str:
    """Return a short name for a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:12]


def tokens_in(bids_dir: Path) -> frozenset[str]:
    """Return the tokens of the NIfTI scans that were added to a study by the pages."""
    tokens = set()
    for sidecar in bids_dir.glob("sub-*/ses-*/*/*.json"):
        if sidecar.with_name(f"{sidecar.stem}.nii.gz").is_file():
            tokens |= set(
                re.findall(r'"SeriesToken": "([0-9a-f]+)"', sidecar.read_text(encoding="utf-8", errors="replace"))
            )
    return frozenset(tokens)


def stem_of(name: str) -> str:
    """Return a file's name without what its format adds, by which an image and its JSON file belong together."""
    return re.sub(r"\.(nii(\.gz)?|json)$", "", name, flags=re.IGNORECASE)


def _named(file: SourceFile, days: Mapping[tuple[str, str], str]) -> BroughtScan:
    name = file.name.rpartition("/")[2]
    parsed = parse_name(name)
    token = token_of(file.path)
    if parsed is None or "sub" not in parsed.entities:
        stem = name.lower().removesuffix(".gz").removesuffix(".nii")
        guess = next((contrast for pattern, contrast in GUESSES if re.search(pattern, stem)), "")
        return BroughtScan(token, file.name, contrast=guess, confidence=GUESSED if guess else 0.0)
    patient_id, label = f"sub-{parsed.entities['sub']}", parsed.entities.get("ses", "")
    session_id = f"ses-{label}" if label else ""
    day = days.get((patient_id, session_id)) or _day_in(label)
    contrast = _contrast_of(parsed)
    return BroughtScan(token, file.name, patient_id, session_id, day, contrast, SURE if contrast else 0.0)


def _contrast_of(parsed: BidsName) -> str:
    if parsed.suffix == "T1w" and "ce" in parsed.entities:
        return "T1w_ce"
    if parsed.suffix == "T2w" and "stir" in parsed.entities.get("acq", "").lower():
        return "STIR"
    return parsed.suffix if parsed.suffix in NIFTI_CONTRASTS else ""


def _day_in(label: str) -> str:
    """Return the day that a visit's label is, such as 20240531; empty where it is none."""
    try:
        return date.fromisoformat(label).isoformat() if re.fullmatch(r"(19|20)\d{6}", label) else ""
    except ValueError:
        return ""


def _days_in(tables: Iterable[SourceFile]) -> dict[tuple[str, str], str]:
    """Return the days that tables of visits say, by patient and visit; what cannot be read says nothing."""
    days: dict[tuple[str, str], str] = {}
    for file in tables:
        match = re.fullmatch(r"(sub-[0-9A-Za-z+]+)_sessions\.tsv", file.name.rpartition("/")[2])
        if match is None or file.path.stat().st_size > nifti.PIECE:
            continue
        lines = file.path.read_text(encoding="utf-8", errors="replace").splitlines()
        columns = lines[0].split("\t") if lines else []
        if not {"session_id", "acq_date"} <= set(columns):
            continue
        for line in lines[1:]:
            cells = dict(zip(columns, line.split("\t"), strict=False))
            days[match[1], cells.get("session_id", "").strip()] = _plain_day(cells.get("acq_date", ""))
    return days


def _plain_day(text: str) -> str:
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        return ""


def _is_mask(array: NDArray) -> bool:
    return len(np.unique(array.ravel()[:: max(1, array.size // nifti.PIECE)])) <= FEWEST_VALUES


def _visit(bids_dir: Path, file: SourceFile, answer: Mapping[str, str]) -> tuple[str, str]:
    """Return the patient and the visit a scan belongs to.

    Raises
    ------
    SettingsError
        The study has the visit on another day, two visits on this day, or no visits for this patient's scans.
    """
    patient_id, day = str(with_prefix("sub", answer["patient_id"])), answer["day"]
    if (bids_dir / patient_id / "anat").is_dir():
        raise SettingsError(f"{patient_id}: expected folders of visits, found scans without; add to it by hand")
    there = {row["session_id"]: row.get("acq_date", "") for row in read_form(bids_dir, sessions_of(patient_id)).rows}
    parsed = parse_name(file.name.rpartition("/")[2])
    label = parsed.entities.get("ses") if parsed is not None and "sub" in parsed.entities else None
    same_day = sorted(session_id for session_id, its_day in there.items() if its_day == day)
    if label is None and len(same_day) > 1:
        words = " and ".join(same_day)
        raise SettingsError(f"{patient_id}: two visits on {day} ({words}); name the file by one of them, as BIDS does")
    if label is not None and _day_in(label) not in ("", day):  # the name says another day than the person
        label = None
    session_id = f"ses-{label}" if label else (same_day or [f"ses-{day.replace('-', '')}"])[0]
    if there.get(session_id) not in (None, "", day):
        raise SettingsError(
            f"{patient_id} {session_id}: expected {there[session_id]} as in the study, found {day}; correct one of "
            "them. Nothing was added."
        )
    return patient_id, session_id


def _place(file: SourceFile, contrast: str, plane: str, patient_id: str, session_id: str) -> Named:
    parsed = parse_name(file.name.rpartition("/")[2])
    is_bids = parsed is not None and "sub" in parsed.entities
    entities = (
        {key: label for key, label in parsed.entities.items() if key in KEPT_ENTITIES} if parsed and is_bids else {}
    )
    acquired = re.sub("stir", "", entities.get("acq", ""), flags=re.IGNORECASE) or plane  # it is read as what it says
    entities["acq"] = f"{acquired}stir" if contrast == "STIR" else acquired
    entities.pop("ce", None) if contrast != "T1w_ce" else entities.setdefault("ce", "gadolinium")
    entities |= {"sub": patient_id.removeprefix("sub-"), "ses": session_id.removeprefix("ses-")}
    suffix = {"T1w_ce": "T1w", "STIR": "T2w"}.get(contrast, contrast)
    assert suffix in (*WEIGHTED, "T2starw", "ADC")
    return Named("dwi" if suffix == "ADC" else "anat", entities, suffix)


def _write(bids_dir: Path, volume: Volume, named: Named) -> Path:
    """Write a scan under the first name that is free, or that holds it already; return where it lies."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "scan.nii.gz"
        images.save(volume, fresh)
        content = fresh.read_bytes()
    while True:
        path = writing.image_path(bids_dir, named)
        if path.is_file() and path.read_bytes() == content:
            return path
        if not path.exists() and not path.with_name(path.name.removesuffix(".gz")).exists():
            atomic.write_bytes(path, content)
            return path
        run = str(int(run_label) + 1) if (run_label := named.entities.get("run", "1")).isdigit() else "2"
        named = replace(named, entities={**named.entities, "run": run})
