"""A file from a browser costs what a mask costs, whatever it claims to be: bombs, endless headers, other kinds."""

from __future__ import annotations

import gzip
import os
import resource
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files import images, unpacking

SHAPE = (40, 30, 20)
GRID = np.diag([1.0, 1.0, 3.0, 1.0])


def mask(folder: Path, dtype: type = np.uint8) -> Path:
    array = np.zeros(SHAPE, dtype=dtype)
    array[10:20, 5:9, 3:7] = 1
    images.save(Volume(array, GRID), folder / "mine.nii.gz")
    return folder / "mine.nii.gz"


def claimed(shape: tuple[int, ...]) -> bytes:
    """A header that claims a size."""
    header = nib.Nifti1Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape(shape)
    header.set_zooms((1, 1, 3))
    header.set_sform(GRID, code=1)
    header["vox_offset"] = 352
    header["xyzt_units"] = 2
    header["magic"] = b"n+1"
    return header.binaryblock + bytes(4)


def bomb(folder: Path, megabytes: int, start: bytes = b"") -> Path:
    """A small file with much in it: gzip members of zeros, one after the other."""
    zeros = gzip.compress(bytes(2**24), compresslevel=9)
    file = folder / "bomb.nii.gz"
    file.write_bytes(gzip.compress(start) + zeros * (megabytes // 16))
    return file


def test_a_mask_comes_back_as_it_is_without_its_compression(tmp_path: Path) -> None:
    file = mask(tmp_path)
    plain = unpacking.unpack(file, SHAPE)
    assert plain.read_bytes() == gzip.decompress(file.read_bytes())
    assert np.array_equal(images.load(plain).array, images.load(file).array)
    turned = unpacking.unpack(file, SHAPE[::-1])
    assert turned.stat().st_size == plain.stat().st_size, "voxels in another order are the scan's own still"


def test_of_another_size_only_the_header_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "claims.nii").write_bytes(claimed((1000, 1000, 1000)))
    plain = unpacking.unpack(tmp_path / "claims.nii", SHAPE)
    assert (images.load_grid(plain).shape, plain.stat().st_size) == ((1000, 1000, 1000), 352)


@pytest.mark.parametrize(
    ("start", "words"),
    [(b"", "expected a NIfTI image"), (claimed(SHAPE), "expected the end of the file after the voxels")],
)
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, start: bytes, words: str) -> None:
    file = bomb(tmp_path, 4096, start)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match=words):
        unpacking.unpack(file, SHAPE)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000, "KB; the process here only waits"
    assert not list(tmp_path.rglob("unpacked/*"))


HUNGRY = {
    "memory": "import numpy\nx = numpy.ones(2**29)",
    "time": "while True: pass",
    "room on disk": "import sys\nout = open(sys.argv[2], 'wb')\nwhile True: out.write(bytes(2**24)); out.flush()",
    "a crash": "import os\nos.abort()",
}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not hold to all of these limits")
@pytest.mark.parametrize("what", HUNGRY)
def test_whatever_a_reader_is_led_to_do_ends_within_its_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    code = f"import sys\nfrom pipeline.files import unpacking\nunpacking.MOST_SECONDS = 1\n{LIMIT}\n{HUNGRY[what]}"
    (tmp_path / "led_astray.py").write_text(code, encoding="utf-8")

    def command(_: str, *arguments: object) -> list[str]:
        return [sys.executable, "-P", str(tmp_path / "led_astray.py"), *map(str, arguments)]

    monkeypatch.setattr(unpacking.child_process, "module_command", command)
    with pytest.raises(InputError, match=r"mine\.nii\.gz: expected a mask that can be read with the memory and the"):
        unpacking.unpack(mask(tmp_path), SHAPE)


LIMIT = "unpacking.limit(tuple(map(int, sys.argv[3:])))"


def test_a_reader_that_never_answers_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = tmp_path / "pid"
    asleep = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    monkeypatch.setattr(unpacking.child_process, "module_command", lambda *_: [sys.executable, "-P", "-c", asleep])
    monkeypatch.setattr(unpacking, "MOST_SECONDS", 1)
    with pytest.raises(InputError, match="the memory and the time"):
        unpacking.unpack(mask(tmp_path), SHAPE)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
