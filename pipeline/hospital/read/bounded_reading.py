"""Opening a file that may be damaged or hostile: nothing it claims costs more memory than it has bytes.

A length of 2 GB in a file of 1 kB reads 1 kB; a deflated data set unpacks to a limit and no further; nesting without
end is an error like any other. Whatever goes wrong becomes one sentence.
"""

from __future__ import annotations

import io
import logging
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
from pydicom import config
from pydicom.uid import DeflatedExplicitVRLittleEndian

from pipeline.errors import InputError
from pipeline.files.dicom_start import MARK, PREAMBLE_BYTES

MOST_INFLATED_BYTES = 256 * 1024**2
MOST_RATIO = 20
FREE_BYTES = 32 * 1024**2
"""A deflated data set that unpacks to more bytes, or to more per packed byte once above the free ones, is refused."""


class BoundedReader(io.BufferedReader):
    """A file that never hands out, nor sets memory aside for, more bytes than it has."""

    def __init__(self, raw: io.FileIO, length: int) -> None:
        super().__init__(raw, 1 << 14)
        self.length = length

    def read(self, size: int | None = -1) -> bytes:
        """Read up to ``size`` bytes, fewer at the end."""
        left = max(0, self.length - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))


@contextmanager
def quietly() -> Iterator[None]:
    """Keep pydicom's warnings and messages, which may quote a person's data, off every log and screen."""
    logger = logging.getLogger("pydicom")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings(), config.disable_value_validation():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def read_dataset(path: Path, tags: list[Any] | None = None, *, with_pixels: bool = False) -> tuple[Any, int]:
    """Read a DICOM file's data set, without its pixels unless asked for.

    Parameters
    ----------
    path
        Any file.
    tags
        Elements to keep; None for all.
    with_pixels
        Read the pixels too; they are as large as the file at most.

    Returns
    -------
    Dataset
        As pydicom has it.
    int
        Byte position where reading stopped: that of the pixel element when it was left out; -1 in a deflated file.

    Raises
    ------
    InputError
        The file is empty or damaged, or is no DICOM; the message never quotes what stands in it.
    """
    size = path.stat().st_size
    if size == 0:
        raise InputError("expected a DICOM file, found an empty one (0 bytes); export it again")
    try:
        with quietly(), BoundedReader(io.FileIO(path), size) as stream:
            syntax = _syntax(stream)
            if syntax == DeflatedExplicitVRLittleEndian:
                return _inflated(stream, tags, with_pixels=with_pixels), -1
            stream.seek(0)
            dataset = pydicom.dcmread(stream, stop_before_pixels=not with_pixels, specific_tags=tags, force=True)
            return dataset, stream.tell()
    except InputError:
        raise
    except RecursionError as error:
        raise InputError("expected a DICOM file, found sequences nested without end; export it again") from error
    except MemoryError as error:
        raise InputError("expected a DICOM file, found one that claims more memory than there is") from error
    except Exception as error:  # pydicom raises many kinds for damaged files; none may stop the others
        raise InputError(
            f"expected a whole DICOM file, found a damaged one ({type(error).__name__}); export it again"
        ) from error


def _syntax(stream: BoundedReader) -> str:
    if stream.read(PREAMBLE_BYTES + len(MARK))[PREAMBLE_BYTES:] != MARK:
        return ""
    meta = _meta(stream)
    return str(meta.get("TransferSyntaxUID", ""))


def _meta(stream: BoundedReader) -> Any:
    """Read the group 2 elements: they are explicit little endian and end before any other group."""
    stream.seek(PREAMBLE_BYTES + len(MARK))
    return pydicom.filereader.read_dataset(
        stream, is_implicit_VR=False, is_little_endian=True, stop_when=lambda tag, _vr, _length: tag.group != 2
    )


def _inflated(stream: BoundedReader, tags: list[Any] | None, *, with_pixels: bool) -> Any:
    meta = _meta(stream)
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    most = min(MOST_INFLATED_BYTES, max(FREE_BYTES, MOST_RATIO * stream.length))
    content = unpack.decompress(stream.read(), most)
    if unpack.unconsumed_tail:
        raise InputError("expected a DICOM file, found a deflated one that unpacks without end; it was not read")
    pixel_tags = {0x7FE00008, 0x7FE00009, 0x7FE00010}
    dataset = pydicom.filereader.read_dataset(
        io.BytesIO(content),
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=None if with_pixels else lambda tag, _vr, _length: tag in pixel_tags,
        specific_tags=tags,
    )
    return pydicom.FileDataset("", dataset, file_meta=pydicom.dataset.FileMetaDataset(meta), is_little_endian=True,
                               is_implicit_VR=False)  # fmt: skip
