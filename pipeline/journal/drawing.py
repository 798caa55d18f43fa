"""A mask that a person drew in their own software, held against the visit it is meant for: does it fit, what changes.

The refusals are those of a mask in the study folder, said before anything is written. What is kept is the drawing on
the scan's own voxels and nothing else of the file, whose header may hold names.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.records import Finding
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.errors import InputError, SettingsError
from pipeline.files import images
from pipeline.files.out_folder import study_of
from pipeline.files.unpacking import MOST_MEGABYTES
from pipeline.measure import volumes
from pipeline.store import reader
from pipeline.study.mask_voxels import read_mask
from pipeline.study.masks import MaskFile
from pipeline.study.measured_masks import read_measured
from pipeline.study.scans import ScanFile
from pipeline.study.study_folder import StudyPatient, read_study

MOST_LABELS = 32
"""Different numbers that a label map may hold; more betray a scan."""

WHOLE = 1e-3
"""Rounding by which a label stored as a scaled number may miss a whole number."""

GZIP = b"\x1f\x8b"
"""How compressed files begin, whatever they are called."""

MIRROR_GAIN = 0.2
"""By how much the mirror image must fit the replaced mask better for left and right to be in doubt."""


@dataclass(frozen=True, eq=False)
class Target:
    """What is to be corrected: one compartment of one visit, with the scan and the mask measured now.

    Attributes
    ----------
    scan, scan_sha256
        Path in the study and digest of the scan that is measured on.
    image
        That scan's grid.
    measured, measured_sha256
        The mask that is measured now and the digest of its file; None where there is none.
    scans
        All scans of the patient, this visit's first: a mask of another grid may be one of theirs.
    """

    patient_id: str
    session_id: str
    compartment: Compartment
    scan: Path
    scan_sha256: str
    image: Volume
    measured: Volume | None
    measured_sha256: str | None
    scans: tuple[ScanFile, ...]

    @property
    def where(self) -> str:
        """The visit, in words."""
        return f"{self.patient_id} {self.session_id}"


@dataclass(frozen=True, eq=False)
class DrawingFit:
    """A drawing that fits its scan, on the scan's grid, beside what is measured now.

    ``was_mm3`` is the volume of the mask it replaces, None without one; ``dice`` their overlap, None where one of them
    is empty; ``doubts`` say what to look at before it is put on record. ``drawn_how`` is JSON: the clicks and the
    algorithm that it began with, where it was drawn in the page.
    """

    mask: Volume
    volume_mm3: float
    was_mm3: float | None
    dice: float | None
    doubts: tuple[str, ...]
    drawn_how: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is drawn: a statement of volume 0."""
        return self.volume_mm3 == 0


def target_of(out_dir: Path, patient_id: str, session_id: str, compartment: str) -> Target:
    """Find the scan and the mask that a corrected mask must be held against.

    Raises
    ------
    SettingsError
        The results have no such visit, or no such compartment is measured by this program.
    InputError
        The scan or the mask is gone or was changed after the run.
    """
    if compartment not in set(Compartment):
        raise SettingsError(f"expected one of {', '.join(Compartment)}, found {compartment or 'no compartment'}")
    bids_dir = study_of(out_dir)
    with reader.Reader(reader.database_path(out_dir)) as published:
        scans, masks = (published.query(name, patient_id=patient_id) for name in ("patient_scans", "patient_masks"))
        as_of = published.query("study_info").iloc[0]["finished_at"].date()
    anchors = scans[(scans["session_id"] == session_id) & scans["is_anchor"]].to_dict("records")
    if not anchors:
        raise SettingsError(f"{patient_id} {session_id}: expected a visit with a scan to draw on, found none")
    anchor = bids_dir / str(anchors[0]["path"])
    patient = _study_patient(bids_dir, patient_id, as_of)
    here = masks[(masks["session_id"] == session_id) & (masks["compartment"] == compartment) & masks["is_primary"]]
    row = next(iter(here.to_dict("records")), None)
    image = images.load_grid(anchor)
    return Target(
        patient_id=patient_id,
        session_id=session_id,
        compartment=Compartment(compartment),
        scan=anchor,
        scan_sha256=str(anchors[0]["sha256"]),
        image=image,
        measured=None if row is None else _measured(row, image, (out_dir, bids_dir), patient),
        measured_sha256=None if row is None else str(row["sha256"]),
        scans=_scans_of(patient, session_id),
    )


def labels_in(target: Target, file: Path) -> dict[int, int]:
    """Return the labels of a drawing on the target's scan with the voxels of each; none for probabilities.

    Raises
    ------
    InputError
        The file is too large, cannot be read, lies on another grid, or holds as many numbers as a scan.
    """
    return _labels(_read(target, file), file.name)


def held_against(target: Target, file: Path, label: int | None = None) -> DrawingFit:
    """Hold a drawing against the scan it is meant for and the mask it replaces.

    Parameters
    ----------
    file
        A mask of one compartment (0 and one other number), its probability map, or a label map.
    label
        Of a label map the number that means the compartment; not needed where there is but one.

    Raises
    ------
    InputError
        It does not fit, or cannot be what it says: in the words of a mask in the study folder.
    """
    array = _read(target, file)
    labels = _labels(array, file.name)
    if label is not None and label not in labels:
        raise InputError(f"{file.name}: expected one of its labels {_listed(labels)}, found {label}")
    if label is None and len(labels) > 1:
        raise InputError(f"{file.name}: expected one label, found {_listed(labels)}; say which is {target.compartment}")
    kind = "dseg" if label is not None else "probseg" if not labels and array.any() else "mask"
    readings, findings = read_mask(_as_mask(target, file, kind, labels, label), target.image, target.scans)
    if not readings:
        raise InputError(_refusal(findings))
    return _fit(readings[0].volume, target)


def of_upload(name: str, content: bytes, folder: Path) -> Path:
    """Write an upload into a temporary folder, under its own name as far as that is harmless; nothing looks into it.

    Raises
    ------
    InputError
        It is too large to be a mask.
    """
    stem = re.sub(r"[^\w.-]", "_", Path(name).name).removesuffix(".gz").removesuffix(".nii")[-40:] or "mask"
    if len(content) > MOST_MEGABYTES * 2**20:
        raise InputError(f"{stem}: expected a mask of up to {MOST_MEGABYTES} MB, found more; save it compressed")
    file = folder / (f"{stem}.nii.gz" if content.startswith(GZIP) else f"{stem}.nii")
    file.write_bytes(content)
    return file


def to_edit(target: Target) -> bytes:
    """Return the measured mask as NIfTI, 0 and 1 on the scan's own voxels; all 0 where there is none.

    Raises
    ------
    InputError
        The scan is gone.
    """
    blank = np.zeros(target.image.shape, dtype=np.uint8)
    drawn = blank if target.measured is None else (target.measured.array >= volumes.OBJECT_PROBABILITY)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mask.nii.gz"
        images.save(target.image.with_array(drawn.astype(np.uint8)), file)
        return file.read_bytes()


def _fit(mask: Volume, target: Target) -> DrawingFit:
    measures = volumes.measure(mask)
    if target.measured is None:
        return DrawingFit(mask, measures.volume_mm3, None, None, ())
    new, old = _inside(mask.array), _inside(target.measured.array)
    was_mm3 = volumes.measure(target.measured).volume_mm3
    dice = _dice(new, old) if new.any() and old.any() else None
    return DrawingFit(mask, measures.volume_mm3, was_mm3, dice, _doubts(new, old, dice, target))


def _doubts(new: NDArray[np.bool_], old: NDArray[np.bool_], dice: float | None, target: Target) -> tuple[str, ...]:
    if np.array_equal(new, old):
        return ("It is the mask that is measured now; to sign that one, accept it.",)
    if dice is None:
        return ()
    across = int(np.argmax(np.abs(target.image.affine[0, :3]) / target.image.spacing_mm))
    mirrored = _dice(np.flip(new, axis=across), old)
    if mirrored > dice + MIRROR_GAIN:
        return (f"Its mirror image fits the replaced mask better (Dice {mirrored:.2f}): are left and right swapped?",)
    return ("It does not touch the mask it replaces: is it the right place?",) if dice == 0 else ()


def _inside(array: NDArray) -> NDArray[np.bool_]:
    return np.asarray(array >= volumes.OBJECT_PROBABILITY)


def _dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float(2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other)))


def _listed(labels: Mapping[int, int]) -> str:
    return ", ".join(str(number) for number in labels) or "(none)"


def _read(target: Target, file: Path) -> NDArray:
    """Read a drawing whose header announces a size like the scan's; any other is refused before it is unpacked."""
    if sorted(images.load_grid(file).shape) != sorted(target.image.shape):
        raise InputError(_refusal(read_mask(_as_mask(target, file, "mask", {}), target.image, target.scans)[1]))
    return images.load(file).array


def _labels(array: NDArray, name: str) -> dict[int, int]:
    whole = np.rint(array)
    if np.abs(array - whole).max() > WHOLE:
        return {}
    values, counts = np.unique(whole[whole != 0], return_counts=True)
    if len(values) > MOST_LABELS:
        raise InputError(f"{name}: expected a mask, found {len(values)} different numbers, as in a scan")
    return {int(value): int(count) for value, count in zip(values, counts, strict=True)}


def _as_mask(target: Target, file: Path, kind: str, labels: Mapping[int, int], label: int | None = None) -> MaskFile:
    return MaskFile(
        path=file,
        relative=file.name,
        patient_id=target.patient_id,
        session_id=target.session_id,
        source="",
        kind=kind,
        labels={} if label is None else {label: target.compartment},
        compartment=target.compartment if label is None else None,
        origin=MaskOrigin.EDITED,
        unmeasured=frozenset(labels),
    )


def _refusal(findings: Sequence[Finding]) -> str:
    return "; ".join(f"{one.message}; {one.remedy}" for one in findings)


def _study_patient(bids_dir: Path, patient_id: str, as_of: date) -> StudyPatient | None:
    patients = read_study(bids_dir, as_of=as_of, participants=frozenset({patient_id})).patients
    return patients[0] if patients else None


def _measured(
    row: Mapping[Any, Any], image: Volume, folders: tuple[Path, Path], patient: StudyPatient | None
) -> Volume | None:
    visits = patient.visits if patient else ()
    files = {mask.relative: mask for visit in visits for mask in visit.masks}
    return read_measured(row, image, *folders, files)


def _scans_of(patient: StudyPatient | None, session_id: str) -> tuple[ScanFile, ...]:
    visits = patient.visits if patient else ()
    scans = [scan for visit in visits for scan in visit.scans]
    return tuple(sorted(scans, key=lambda scan: scan.session_id != session_id))
