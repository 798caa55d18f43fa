"""An image from somebody's browser, unpacked and looked through in a process of its own with limits of its own.

What is wrong with such a file (a size it does not have, compression that never ends, a header that sends the reader
astray) then costs that process its memory and its time, and nobody else. What comes back is a plain file no larger
than the voxels that were asked for. ``python -P -m pipeline.files.unpacking FILE PLAIN I J K`` is that process.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from math import prod
from pathlib import Path

from pipeline.errors import InputError
from pipeline.files import child_process, nifti

MOST_MEGABYTES = 64
"""Size of a file that is looked at; a mask takes far less, compressed or not."""

MOST_SECONDS = 30
"""CPU time for one file, and half the time on the clock: a hundred times what a mask of a large scan takes."""

MEMORY_MB = 1024
"""Address space for interpreter and libraries (0.4 GB are used), to which the voxels are added."""

BYTES_A_VOXEL = 48
"""Of memory: as stored, as scaled numbers, and what comes in between."""

WIDEST = 16
"""Bytes of one stored voxel, at most."""

REFUSED = 3
"""Exit status of the process when the file was refused in words, which are what it wrote."""

AT_ONCE = threading.BoundedSemaphore(2)
"""How many files are looked through at once, whoever sent them; the others wait."""


def unpack(file: Path, shape: Sequence[int]) -> Path:
    """Return a plain NIfTI file beside one that came from elsewhere: all of it, or the header where sizes differ.

    Parameters
    ----------
    file
        A ``.nii`` or ``.nii.gz`` file that nobody has looked into.
    shape
        Voxels of the scan that it is meant for; an image of another size is not unpacked (only its header is kept),
        since it can only be refused.

    Raises
    ------
    InputError
        It cannot be read, or not within the limits.
    """
    plain = file.with_name("unpacked") / f"{file.name.removesuffix('.gz').removesuffix('.nii')}.nii"
    plain.parent.mkdir(exist_ok=True)
    command = child_process.module_command(__spec__.name, file, plain, *map(str, shape))
    environment = child_process.child_environment() | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    too_much = InputError(
        f"{file.name}: expected a mask that can be read with the memory and the time that one takes, found more; "
        f"save it again on the scan's own voxels"
    )
    try:
        with AT_ONCE:
            done = subprocess.run(
                command, env=environment, capture_output=True, check=False, timeout=2 * MOST_SECONDS, cwd=file.parent
            )
    except subprocess.TimeoutExpired as error:
        raise too_much from error
    if done.returncode == REFUSED:
        raise InputError(done.stdout.decode("utf-8", "replace"))
    if done.returncode or not plain.is_file() or plain.stat().st_size > _most_bytes(shape):
        raise too_much
    return plain


def _most_bytes(shape: Sequence[int]) -> int:
    """Return the largest size of a plain file: header, its extensions, voxels."""
    return nifti.FARTHEST_VOXELS + WIDEST * prod(shape)


def limit(shape: Sequence[int]) -> None:
    """Give this process the memory, the time and the room on disk that an image of a size takes, and no more."""
    child_process.limit(
        memory_bytes=MEMORY_MB * 2**20 + BYTES_A_VOXEL * prod(shape),
        cpu_seconds=MOST_SECONDS,
        file_bytes=_most_bytes(shape),
    )


def copy_plain(file: Path, plain: Path, shape: Sequence[int]) -> None:
    """Read an image to its end and write it without compression; only its header where its size is another one.

    Raises
    ------
    InputError
        As :func:`pipeline.files.nifti.read_header` and :func:`pipeline.files.nifti.read_voxels`.
    """
    header = nifti.read_header(file)
    is_meant = sorted(header.shape) == sorted(shape)
    if is_meant:
        nifti.read_voxels(file, header)
    length = header.offset + (prod(header.shape) * header.dtype.itemsize if is_meant else 0)
    nifti.write_unpacked(file, plain, length)


def main(arguments: Sequence[str]) -> int:
    """Look through one file within the limits; return the exit status."""
    file, plain, shape = Path(arguments[0]), Path(arguments[1]), tuple(map(int, arguments[2:]))
    limit(shape)
    try:
        copy_plain(file, plain, shape)
    except InputError as error:
        sys.stdout.buffer.write(str(error).encode("utf-8", "replace"))
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
