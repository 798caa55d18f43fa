"""Damaged input at every door: no crash, no hang, and nothing that a checksum covers is read as if it were whole.

``make benchmark`` tries some 2,000 of them; here is a sample with the seeds of old faults.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import InputError, SettingsError
from pipeline.files import images, toml_rules
from pipeline.journal import append_only
from pipeline.tools.one_scan import measure_file
from tests.damaged_doors import Door, doors, tried, write_mask

SAMPLE_SIZE = 25


@pytest.mark.parametrize("door", doors(), ids=lambda door: door.name)
def test_damaged_input_is_refused_or_said_and_crashes_nothing(door: Door, tmp_path: Path) -> None:
    tally = tried(door, tmp_path, range(SAMPLE_SIZE))
    assert tally.count == SAMPLE_SIZE
    assert not tally.faults
    assert tally.refused + tally.told > SAMPLE_SIZE // 3  # the damage is real
    if door.is_sealed:
        assert not tally.unsaid


def changed(path: Path, place: int, content: bytes) -> Path:
    damaged = bytearray(path.read_bytes())
    damaged[place : place + len(content)] = content
    path.write_bytes(damaged)
    return path


def test_a_voxel_of_two_sizes_is_refused(tmp_path: Path) -> None:
    path = changed(write_mask(tmp_path), 320, b"\0\0\xc8\x40")  # srow_z[2], 3 mm, becomes 6.25 mm
    with pytest.raises(InputError, match=r"expected one voxel size, found 1 x 1 x 3 and 1 x 1 x 6.25 mm"):
        measure_file(path, None)


def test_a_header_of_a_smaller_image_is_refused(tmp_path: Path) -> None:
    path = changed(write_mask(tmp_path), 46, b"\4")  # dim[3], 6 slices, becomes 4
    with pytest.raises(InputError, match="expected the end of the file after the voxels"):
        measure_file(path, None)


@pytest.mark.parametrize(("place", "more"), [(400, b"\1\2"), (1072, bytes(512))], ids=["inside", "zeros at the end"])
def test_bytes_that_came_in_are_refused(place: int, more: bytes, tmp_path: Path) -> None:
    path = write_mask(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:place] + more + whole[place:])
    with pytest.raises(InputError, match="expected the end of the file"):
        images.load(path)


def test_two_statements_on_the_kind_of_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected one kind of numbers, found datatype 2, which has 8 bits, and 16"):
        images.load(changed(write_mask(tmp_path), 72, b"\x10"))


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "a = \udcff"])
def test_a_toml_file_beyond_what_can_be_read_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="expected a TOML file"):
        toml_rules.parse(text.encode("utf-8", "surrogateescape"), "rules.toml")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400])
def test_a_number_that_compares_with_nothing_is_no_threshold(value: float) -> None:
    with pytest.raises(SettingsError, match="expected a number that can be compared"):
        toml_rules._number_or_text(float, value, "own.toml: growth")


def test_a_journal_line_nested_without_end_is_said(tmp_path: Path) -> None:
    (tmp_path / "acts.jsonl").write_text('{"a":' * 5000 + "\n")
    chain = append_only.read(tmp_path, "acts.jsonl", dict)
    assert chain.unusable == (
        "acts.jsonl line 1: expected one JSON object, found a line that is broken off or damaged",
    )
