"""The files of a folder, an archive or a disc, listed without trusting any of them.

Links that leave the folder are not followed; devices and pipes are not opened. Members of an archive are unpacked one
by one under numbers of their own, so that no name can lead anywhere, and to a limit counted while unpacking, so that
no claimed size matters.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.records import Finding
from pipeline.errors import InputError
from pipeline.files.dicom_start import looks_like_dicom
from pipeline.hospital.oddities import oddity
from pipeline.hospital.read.bounded_reading import quietly, read_dataset
from pipeline.hospital.read.header_values import text
from pipeline.hospital.read.screening import DICOMDIR_CLASS

MOST_FILES = 500_000
MOST_UNPACKED_BYTES = 64 * 1024**3
MOST_RATIO = 200
"""Bytes unpacked per byte packed; MRI packs to a third at best, bombs to a thousandth."""
FREE_RATIO_BYTES = 16 * 1024**2
"""Up to this size the ratio is not judged: an empty slice packs very well."""
CHUNK = 1 << 20
ENCRYPTED = 0x1


@dataclass(frozen=True)
class SourceFile:
    """A file to read, and its name as the person who gave it knows it."""

    path: Path
    name: str


@dataclass(frozen=True)
class SourceLimits:
    """How much of a source is looked at: files of a folder or an archive, and bytes that an archive may unpack to."""

    files: int = MOST_FILES
    unpacked_bytes: int = MOST_UNPACKED_BYTES


USUAL = SourceLimits()


@contextmanager
def open_source(
    source: Path, findings: list[Finding], limits: SourceLimits = USUAL
) -> Iterator[tuple[SourceFile, ...]]:
    """List the files that may be DICOM; archives are unpacked into a temporary folder that is gone afterwards.

    Parameters
    ----------
    source
        A folder, a zip archive or one file.
    findings
        What was not read is added.
    limits
        Of the whole source; what goes beyond them is left out with a finding.

    Raises
    ------
    InputError
        There is no such folder or file.
    """
    if not source.exists():
        raise InputError(f"{source}: expected a folder, a zip archive or a DICOM file, found none; check the path")
    with tempfile.TemporaryDirectory(prefix="cordtrack-") as scratch:
        files: list[SourceFile] = []
        if source.is_dir():
            listed = list(_walk(source.resolve(), findings, limits.files))
        else:
            listed = [SourceFile(source.resolve(), source.name)]
        for file in listed:
            if _is_zip(file.path):
                taken = sum(unpacked.path.stat().st_size for unpacked in files if unpacked.path.is_relative_to(scratch))
                left = SourceLimits(limits.files - len(files), limits.unpacked_bytes - taken)
                files += _unpack(file, Path(scratch), findings, left)
            else:
                files.append(file)
        yield tuple(files)


def candidates(
    files: tuple[SourceFile, ...], findings: list[Finding]
) -> tuple[list[SourceFile], list[SourceFile], int]:
    """Return the files that begin like DICOM, those that should and do not, and how many others there are.

    A file should when its ending says so, when it is empty, and when it is named like the DICOM files beside it but for
    the number: a file of which a disk lost the beginning is a missing image, not another file.
    """
    listed: list[SourceFile] = []
    damaged: list[SourceFile] = []
    strangers: list[SourceFile] = []
    for file in files:
        try:
            if looks_like_dicom(file.path):
                listed.append(file)
            elif file.path.stat().st_size == 0 or file.path.suffix.lower() in {".dcm", ".ima", ".dicom"}:
                damaged.append(file)
            else:
                strangers.append(file)
        except OSError as error:
            message = f"{file.name}: expected a readable file, found: {error.strerror}"
            findings.append(oddity("dicom_damaged", message, file.name))
            damaged.append(file)
    patterns = Counter(_pattern(file) for file in listed)
    alike = [file for file in strangers if patterns[_pattern(file)] >= ALIKE]
    noted = {finding.path for finding in findings}
    for file in (*damaged, *alike):
        if file.name not in noted:
            message = f"{file.name}: expected a DICOM file by its name, found none"
            findings.append(oddity("dicom_damaged", message, file.name))
    return listed, [*damaged, *alike], len(strangers) - len(alike)


ALIKE = 2
"""From so many DICOM files of one pattern of names in a folder on, another file of that pattern should be one."""


def _pattern(file: SourceFile) -> str:
    folder, _, name = file.name.rpartition("/")
    return f"{folder}/{re.sub('[0-9]+', '#', name)}"


def listed_by(file: SourceFile) -> tuple[tuple[str, str], ...] | None:
    """Return what a disc's index (DICOMDIR) lists, each as name and instance; None when the file is no index.

    A name is that of the file below the index's own folder, in small letters; an instance is its SOP instance UID.
    """
    try:
        dataset, _ = read_dataset(file.path)
    except InputError:
        return None
    with quietly():
        if text(getattr(dataset, "file_meta", {}), "MediaStorageSOPClassUID") != DICOMDIR_CLASS:
            return None
    folder = file.name.rpartition("/")[0]
    listed = []
    for record in dataset.get("DirectoryRecordSequence") or []:
        parts = record.get("ReferencedFileID")
        if parts:
            names = [parts] if isinstance(parts, str) else [str(part) for part in parts]
            name = "/".join([*([folder] if folder else []), *names]).lower()
            listed.append((name, text(record, "ReferencedSOPInstanceUIDInFile")))
    return tuple(listed)


def check_index(
    file: SourceFile,
    listed: Iterable[tuple[str, str]],
    names: frozenset[str],
    sop_uids: frozenset[str],
    findings: list[Finding],
) -> None:
    """Compare a disc's index with the files there.

    What it lists is there under the name that it gives, or as the same instance under any other: whoever drops a disc's
    files on a page, or copies them into one folder, brings them without their folders.
    """
    missing = sum(name not in names and uid not in sop_uids for name, uid in listed)
    if missing:
        message = f"{file.name}: expected the files it lists, found {missing} missing"
        findings.append(oddity("dicom_index", message, file.name))


def _walk(root: Path, findings: list[Finding], most: int) -> Iterator[SourceFile]:
    count = 0
    for folder, folders, names in os.walk(root, followlinks=False):
        folders.sort()
        here = Path(folder)
        links = [here / name for name in folders if (here / name).is_symlink()]
        findings.extend(_left_out(link, root, "a link to a folder") for link in links)
        for name in sorted(names):
            path = here / name
            reason = _unwanted(path, root)
            if reason:
                findings.append(_left_out(path, root, reason))
                continue
            count += 1
            if count > most:
                message = f"expected up to {most} files, found more; import it in parts"
                findings.append(oddity("dicom_source", message))
                return
            yield SourceFile(path, _shown(path, root))


def _unwanted(path: Path, root: Path) -> str | None:
    try:
        if path.is_symlink() and not path.resolve(strict=True).is_relative_to(root):
            return "a link that leads out of the folder"
        return None if stat.S_ISREG(path.stat().st_mode) else "a device, pipe or socket"
    except (OSError, RuntimeError):
        return "a link to nothing"


def _left_out(path: Path, root: Path, reason: str) -> Finding:
    name = _shown(path, root)
    return oddity("dicom_source", f"{name}: expected a file, found {reason}; it was not followed", name)


def _shown(path: Path, root: Path) -> str:
    """Return a path below the source in printable letters."""
    text = path.relative_to(root).as_posix().encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    except OSError:
        return False


def _unpack(
    archive: SourceFile, scratch: Path, findings: list[Finding], limits: SourceLimits, *, is_inner: bool = False
) -> list[SourceFile]:
    """Unpack an archive's members under numbers; what is suspect in it is left out with a finding.

    An archive in it is unpacked too, within the same limits, as portals send them; one in that one is left out.
    """
    files: list[SourceFile] = []
    total = 0
    folder = Path(tempfile.mkdtemp(dir=scratch))

    def refuse(member: str, reason: str) -> None:
        name = f"{archive.name}/{''.join(letter if letter.isprintable() else '?' for letter in member)}"
        findings.append(oddity("dicom_archive", f"{name}: {reason}", name))

    try:
        with zipfile.ZipFile(archive.path) as opened:
            members = opened.infolist()
            if len(members) > limits.files:
                refuse("", f"expected up to {limits.files} files, found {len(members)}; bring them in parts")
                return []
            for number, member in enumerate(members):
                if member.is_dir():
                    continue
                reason, target = _suspect(member), folder / f"{number:06d}"
                if reason is None:
                    reason, size = _copy(opened, member, target, limits.unpacked_bytes - total)
                    total += size
                member_file = SourceFile(target, f"{archive.name}/{member.filename}")
                if reason is not None:
                    refuse(member.filename, reason)
                elif not _is_zip(target):
                    files.append(member_file)
                elif is_inner:
                    target.unlink()
                    refuse(member.filename, "expected a DICOM file, found an archive within an archive within another")
                else:
                    left = SourceLimits(limits.files - len(files), limits.unpacked_bytes - total)
                    inner = _unpack(member_file, scratch, findings, left, is_inner=True)
                    target.unlink()
                    total += sum(one.path.stat().st_size for one in inner)
                    files += inner
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        refuse("", f"expected a whole archive, found a damaged one ({type(error).__name__})")
    return files


def _suspect(member: zipfile.ZipInfo) -> str | None:
    name = member.filename.replace("\\", "/")
    if name.startswith("/") or ".." in name.split("/") or ":" in name.split("/")[0]:
        return "expected a name inside the archive, found one that leads out of it"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "expected a file, found a link"
    if member.flag_bits & ENCRYPTED:
        return "expected an open file, found one behind a password"
    return None


def _copy(opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, most: int) -> tuple[str | None, int]:
    """Unpack one member; the reason it was given up, if it was, and the bytes it took."""
    allowed = min(most, max(FREE_RATIO_BYTES, MOST_RATIO * member.compress_size))
    size = 0
    try:
        with opened.open(member) as stream, target.open("wb") as out:
            while chunk := stream.read(CHUNK):
                size += len(chunk)
                if size > allowed:
                    break
                out.write(chunk)
    except Exception as error:  # zipfile and its codecs raise many kinds for damaged members
        target.unlink(missing_ok=True)
        return f"expected a whole file, found a damaged one ({type(error).__name__})", 0
    if size > allowed:
        target.unlink()
        return "expected MRI data, found something that unpacks without end; it was given up", 0
    return None, size
