"""Files damaged in every way that disks, networks, editors and programs damage them; the same seed, the same damage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

Damage = Callable[[bytes, Random], bytes]

EXTREMES = (b"\0", b"\xff", b"\x7f", b"\x80", b"\x01")
WIDTHS = (1, 2, 4, 8)
HOLE = 512
"""Bytes of a block that a disk lost."""
ODD_TEXT = (
    "\0", "\t", "\n", "\r", '"', "'", "\u0085", "\ufeff", "\u202e", "\u0663", "\U0001f9e0", "nan", "inf", "-inf",
    "1e999", "-1", "9" * 400, "9" * 5000, "0x10", "1_000", "12,5", "31.02.2020", "2020-02-30", "0000-00-00",
    "9999-12-31", "n/a", "none", "true", "[" * 3000, "{" * 3000, '{"a":' * 3000, "=1+1", "../..", "\\", "%s", "{0}",
)  # fmt: skip


def binary(content: bytes, random: Random, head: int) -> bytes:
    """Damage bytes, mostly among the first ``head`` of them."""
    damaged = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 8))):
        limit = head if random.random() < 0.8 else len(damaged)
        place = random.randrange(max(1, min(limit, len(damaged))))
        random.choice(BINARY)(damaged, place, random)
    return bytes(damaged)


def _flip(damaged: bytearray, place: int, random: Random) -> None:
    if place < len(damaged):
        damaged[place] ^= 1 << random.randrange(8)


def _extreme(damaged: bytearray, place: int, random: Random) -> None:
    width = random.choice(WIDTHS)
    place -= place % width
    damaged[place : place + width] = random.choice(EXTREMES) * width


def _noise(damaged: bytearray, place: int, random: Random) -> None:
    width = random.choice((1, 2, 4, 16))
    damaged[place : place + width] = random.randbytes(width)


def _cut(damaged: bytearray, place: int, random: Random) -> None:
    del damaged[random.choice((place, random.randrange(len(damaged) or 1))) :]


def _lose(damaged: bytearray, place: int, random: Random) -> None:
    del damaged[place : place + random.choice((1, 2, 4, 100))]


def _insert(damaged: bytearray, place: int, random: Random) -> None:
    damaged[place:place] = random.randbytes(random.choice((1, 2, 4, 100)))


def _hole(damaged: bytearray, place: int, random: Random) -> None:
    place -= place % HOLE
    damaged[place : place + HOLE] = bytes(len(damaged[place : place + HOLE]))


def _repeat(damaged: bytearray, place: int, random: Random) -> None:
    damaged[place:place] = damaged[place : place + random.choice((8, 64, 512))]


BINARY: Sequence[Callable[[bytearray, int, Random], None]] = (
    _flip, _flip, _flip, _extreme, _extreme, _noise, _cut, _lose, _insert, _hole, _repeat,
)  # fmt: skip


def text(content: bytes, random: Random) -> bytes:
    """Damage a text file: cells, lines, letters, encoding; now and then bytes."""
    if random.random() < 0.1:
        return binary(content, random, len(content))
    written = content.decode()
    for _ in range(random.choice((1, 1, 2, 5))):
        written = random.choice(TEXT)(written, random)
    return written.encode(random.choice(ENCODINGS), "surrogatepass")


ENCODINGS = ("utf-8",) * 12 + ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


def _odd_letters(written: str, random: Random) -> str:
    place = random.randrange(len(written) + 1)
    return written[:place] + random.choice(ODD_TEXT) + written[place + random.choice((0, 1, 3)) :]


def _odd_cell(written: str, random: Random) -> str:
    lines = written.split("\n")
    number = random.randrange(len(lines))
    mark = "\t" if "\t" in lines[number] else " "
    cells = lines[number].split(mark)
    cells[random.randrange(len(cells))] = random.choice(ODD_TEXT)
    lines[number] = mark.join(cells)
    return "\n".join(lines)


def _lost_cell(written: str, random: Random) -> str:
    lines = written.split("\n")
    number = random.randrange(len(lines))
    cells = lines[number].split("\t")
    del cells[random.randrange(len(cells))]
    lines[number] = "\t".join(cells)
    return "\n".join(lines)


def _line_moved(written: str, random: Random) -> str:
    lines = written.split("\n")
    line = lines.pop(random.randrange(len(lines)))
    lines.insert(random.randrange(len(lines) + 1), line)
    return "\n".join(lines)


def _line_twice(written: str, random: Random) -> str:
    lines = written.split("\n")
    lines.insert(random.randrange(len(lines) + 1), random.choice(lines))
    return "\n".join(lines)


def _cut_text(written: str, random: Random) -> str:
    return written[: random.randrange(len(written) + 1)]


def _other_marks(written: str, random: Random) -> str:
    return written.replace(*random.choice((("\t", ";"), ("\t", ","), ("\n", "\r\n"), ("\n", "\r"), ("-", "/"))))


TEXT: Sequence[Callable[[str, Random], str]] = (
    _odd_letters, _odd_letters, _odd_cell, _odd_cell, _lost_cell, _line_moved, _line_twice, _cut_text, _other_marks,
)  # fmt: skip
