"""Scans as people bring them, for tests: NIfTI files and DICOM in zip archives, good ones and attacks."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import numpy as np

from pipeline.core.volume import Volume
from pipeline.files import images
from tests import dicom_files as dicom

UNSURE = {"SeriesDescription": "series", "SequenceName": "x", "EchoTime": None, "RepetitionTime": None}
SAGITTAL = np.array([[0.0, 0.0, 3.3, -20.0], [0.9, 0.0, 0.0, 0.0], [0.0, 0.9, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])


def scan(seed: int = 0) -> Volume:
    """A small sagittal scan of noise."""
    array = np.random.default_rng(seed).integers(50, 400, (32, 40, 9)).astype(np.int16)
    return Volume(array, SAGITTAL)


def nifti(folder: Path, name: str, volume: Volume | None = None) -> bytes:
    """The bytes of a NIfTI file of this name."""
    path = folder / Path(name).name
    images.save(scan() if volume is None else volume, path)
    return path.read_bytes()


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip archive of members by name."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


def link_in_zip(name: str, target: str) -> bytes:
    """A zip archive that holds a link."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        link = zipfile.ZipInfo(name)
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, target)
    return content.getvalue()


def dicom_delivery(folder: Path, *, is_unsure: bool = True) -> bytes:
    """A zip archive with one series that is sure and, unless told otherwise, one that is not."""
    volume = Volume(scan().array.astype(np.uint16), np.diag([0.9, 0.9, 3.3, 1.0])[:, [2, 1, 0, 3]])
    uids = dicom.new_uids()
    dicom.save_all(dicom.slices(volume, uids=uids), folder / "a")
    if is_unsure:
        dicom.save_all(dicom.slices(volume, uids=dicom.new_uids(uids["study"]), **UNSURE), folder / "b")
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return zipped({path.relative_to(folder).as_posix(): path.read_bytes() for path in paths})
