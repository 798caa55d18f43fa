"""Forty damaged or hostile files: nothing is harmed, no memory is filled, the good ones are used, each gets a word."""

from __future__ import annotations

import io
import os
import resource
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from datetime import date
from pathlib import Path

import numpy as np
import pydicom
import pytest

from pipeline.core.volume import Volume
from pipeline.hospital.importing.importing import ImportDone, ImportSettings, import_dicom
from tests import dicom_files as dicom
from tests.places import ROOT

DAY = date(2020, 2, 17)
MOST_MEMORY = 1_000_000_000


def good(folder: Path, series: int = 1) -> list[Path]:
    rng = np.random.default_rng(series)
    volume = Volume(rng.integers(0, 900, (24, 20, 5)).astype(np.int16), np.diag([0.7, 0.7, 3.3, 1.0]))
    return dicom.save_all(dicom.slices(volume, DAY, SeriesNumber=series), folder)


def long_element(tag: tuple[int, int], kind: bytes, length: int) -> bytes:
    return struct.pack("<HH2sHI", *tag, kind, 0, length)


def part10(body: bytes, syntax: bytes = b"1.2.840.10008.1.2.1\0") -> bytes:
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", len(syntax)) + syntax
    head = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(meta))
    return b"\0" * 128 + b"DICM" + head + meta + body


def nested(depth: int, *, ended: bool) -> bytes:
    body = b""
    for _ in range(depth):
        body += long_element((0x0008, 0x1140), b"SQ", 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    closing = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return part10(body + (closing * depth if ended else b""))


def deflate_bomb() -> bytes:
    pack = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = b"\0" * (1 << 20)
    body = b"".join(pack.compress(zeros) for _ in range(300)) + pack.flush()
    return part10(body, b"1.2.840.10008.1.2.1.99")


def changed(whole: bytes, **elements: object) -> bytes:
    """Return a file with some elements replaced."""
    dataset = pydicom.dcmread(io.BytesIO(whole))
    for key, value in elements.items():
        if value is None:
            delattr(dataset, key)
        else:
            setattr(dataset, key, value)
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def hostile_files(whole: bytes) -> dict[str, bytes]:
    """Damaged and hostile files by name."""
    pixels = whole.index(struct.pack("<HH", 0x7FE0, 0x0010))
    rng = np.random.default_rng(5)
    flipped = bytearray(whole)
    for place in rng.integers(132, pixels, 60):
        flipped[place] ^= 0xFF
    return {
        "empty.dcm": b"",
        "one_byte.dcm": b"\0",
        "only_preamble.dcm": b"\0" * 128 + b"DICM",
        "text.dcm": b"this is no DICOM file at all, whatever its name says",
        "random.dcm": rng.bytes(4096),
        "random_after_magic": b"\0" * 128 + b"DICM" + rng.bytes(4096),
        "flipped": bytes(flipped),
        "header_cut": whole[:300],
        "header_cut_in_value": whole[: pixels // 2],
        "pixels_cut": whole[: pixels + 100],
        "pixels_missing": whole[:pixels],
        "pixel_header_cut": whole[: pixels + 6],
        "claims_2_gb": part10(long_element((0x0008, 0x0018), b"UN", 2**31)),
        "claims_4_gb": part10(long_element((0x0010, 0x0010), b"OB", 0xFFFFFFFE)),
        "claims_2_gb_of_pixels": whole[: pixels + 8] + struct.pack("<I", 2**31) + whole[pixels + 12 :][:500],
        "odd_length": part10(struct.pack("<HH2sH", 8, 0x18, b"UI", 3) + b"1.2"),
        "nested_ended": nested(3000, ended=True),
        "nested_open": nested(20000, ended=False),
        "no_end_of_sequence": part10(long_element((0x0008, 0x1140), b"SQ", 0xFFFFFFFF)),
        "deflate_bomb": deflate_bomb(),
        "deflate_broken": part10(b"not deflated", b"1.2.840.10008.1.2.1.99"),
        "unknown_vr": part10(struct.pack("<HH2sH", 8, 0x18, b"ZZ", 4) + b"abcd"),
        "absurd_rows": changed(whole, Rows=65535, Columns=65535),
        "no_rows": changed(whole, Rows=0),
        "absurd_frames": changed(whole, NumberOfFrames=2**31 - 1),
        "negative_frames": changed(whole, NumberOfFrames=-5),
        "absurd_bits": changed(whole, BitsAllocated=7),
        "absurd_samples": changed(whole, SamplesPerPixel=9),
        "no_uid": changed(whole, SOPInstanceUID=None),
        "no_series": changed(whole, SeriesInstanceUID=None),
        "no_class": changed(whole, SOPClassUID=None),
        "lies_about_jpeg": b"",
    }


def refused_series(folder: Path) -> int:
    """Write whole series that are readable file by file and no volume; return how many."""
    cases: list[dict[str, object]] = [
        {"PixelSpacing": ["0", "0"]},
        {"PixelSpacing": ["1e-30", "1e30"]},
        {"ImageOrientationPatient": ["1", "0", "0", "1", "0", "0"]},
        {"ImageOrientationPatient": ["0", "0", "0", "0", "0", "0"]},
        {"ImagePositionPatient": ["0", "0", "0"], "InstanceNumber": 1},
    ]
    for number, extra in enumerate(cases):
        paths = good(folder / f"series{number}", 100 + number)
        for path in paths:
            path.write_bytes(changed(path.read_bytes(), **extra))
    return len(cases)


def archives(folder: Path, whole: bytes) -> None:
    """Write an archive with everything that archives are abused for."""
    with zipfile.ZipFile(folder / "tricks.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../escaped.dcm", whole)
        archive.writestr("/absolute.dcm", whole)
        archive.writestr("C:\\windows.dcm", whole)
        archive.writestr("..\\..\\backslash.dcm", whole)
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("bomb", b"\0" * 60_000_000)
        archive.writestr("inner.zip", b"PK\x03\x04 an archive")
    (folder / "cut.zip").write_bytes((folder / "tricks.zip").read_bytes()[:5000])


def build(folder: Path) -> tuple[int, int]:
    """Write the folder; return the numbers of single hostile files and of refused series."""
    good(folder / "good")
    whole = good(folder / "elsewhere", 2)[0].read_bytes()  # of no series that is imported: those would be incomplete
    shutil.rmtree(folder / "elsewhere")
    bad = folder / "bad"
    bad.mkdir()
    files = hostile_files(whole)
    for name, content in files.items():
        (bad / name).write_bytes(content)
    for number, path in enumerate(good(folder / "series_jpeg", 99)):
        path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.4.", 1))
        if number == 0:
            (bad / "lies_about_jpeg").write_bytes(path.read_bytes())
    archives(bad, whole)
    (bad / "link_out").symlink_to("/etc/passwd")
    (bad / "link_to_folder").symlink_to("/etc")
    (bad / "link_to_nothing").symlink_to("nowhere")
    (bad / "loop").symlink_to("loop")
    os.mkfifo(bad / "pipe")
    (bad / "bad\nname\x1b[31m.dcm").write_bytes(b"")
    return len(files), refused_series(folder)


def run(source: Path, study: Path) -> ImportDone:
    return import_dicom(ImportSettings(source, study), lambda *_: None)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "source" / "in"
    folder.mkdir(parents=True)
    assert sum(build(folder)) + 7 >= 40  # seven members of an archive besides
    return folder


def test_forty_hostile_files_harm_nothing_and_each_gets_its_sentence(source: Path, tmp_path: Path) -> None:
    before = sorted(source.parent.parent.rglob("*"))
    done = run(source, tmp_path / "study")
    assert sorted(source.parent.parent.rglob("*")) == before
    assert {path.name for path in tmp_path.iterdir()} == {"study", "study.private"}
    assert len(done.added) == 1
    named = {finding.path for finding in done.findings if finding.path}
    expected = {f"bad/{path.name}" for path in (source / "bad").iterdir() if path.name.isprintable()}
    expected -= {"bad/tricks.zip", "bad/cut.zip", "bad/lies_about_jpeg"}  # said by their members, by their series
    assert not expected - named
    refused = [finding.message for finding in done.findings if finding.code == "series_refused"]
    assert len(refused) == 4, refused
    assert sum(finding.path.startswith("bad/tricks.zip/") for finding in done.findings if finding.path) == 7
    for finding in done.findings:
        assert "expected" in finding.message
        assert finding.remedy
        assert all(letter.isprintable() for letter in finding.message)


def test_an_import_of_hostile_files_stays_within_its_memory(source: Path, tmp_path: Path) -> None:
    program = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from pipeline.hospital.importing.importing import ImportSettings, import_dicom\n"
        "done = import_dicom(ImportSettings(Path(sys.argv[1]), Path(sys.argv[2])), lambda *_: None)\n"
        "assert len(done.added) == 1\nstatus = Path('/proc/self/status')\n"  # ru_maxrss is also that of who started it
        "lines = status.read_text().splitlines() if status.exists() else []\n"
        "peak = [line.split()[1] for line in lines if line.startswith('VmHWM')]\n"
        "print(peak[0] if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(source), str(tmp_path / "study")],
        capture_output=True, text=True, check=False, cwd=ROOT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit < MOST_MEMORY
