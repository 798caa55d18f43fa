"""What counts as another scanner or protocol, against cases worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.acquisition.protocol import (
    Answer,
    Facts,
    MeasuredScan,
    compare,
    is_beyond,
    maker_of,
    nominal_tesla,
    scanner_key,
    scanner_name,
)

AVANTO = Facts("SIEMENS", "Avanto", 1.494, "s-1", "VB17", 100.0, 3500.0, 150.0, 3.0)
SKYRA = Facts("SIEMENS", "Skyra", 2.89, "s-2", "VE11C", 100.0, 3500.0, 150.0, 3.0)
SCAN = MeasuredScan("T2w", "sagittal", 3.3, 0.7, AVANTO)


def made(**facts: object) -> MeasuredScan:
    return replace(SCAN, facts=replace(AVANTO, **facts))  # type: ignore[arg-type]


def test_the_same_scan_twice_has_changed_nothing() -> None:
    found = compare(SCAN, SCAN)
    assert (found.scanner, found.software, found.protocol) == (Answer.SAME,) * 3
    assert (found.changes, found.unknown) == ((), ())


def test_another_scanner_is_named_with_maker_model_and_field() -> None:
    found = compare(SCAN, replace(SCAN, facts=SKYRA))
    assert found.scanner == Answer.CHANGED
    assert found.protocol == Answer.SAME
    assert found.changes == ("scanner from Siemens Avanto 1.5 T to Siemens Skyra 3 T",)
    assert found.software == Answer.UNKNOWN, "between two scanners software says nothing of its own"


@pytest.mark.parametrize(
    ("other", "scanner"),
    [
        ({"device": "s-9"}, Answer.CHANGED),
        ({"device": "n-9"}, Answer.UNKNOWN),  # a serial number and a station's name do not compare
        ({"device": None}, Answer.UNKNOWN),
        ({"device": None, "model": "Aera"}, Answer.CHANGED),
        ({"device": None, "manufacturer": "GE MEDICAL SYSTEMS"}, Answer.CHANGED),
        ({"field_tesla": 3.0}, Answer.CHANGED),
        ({"field_tesla": 1.5}, Answer.SAME),
        ({"field_tesla": None}, Answer.SAME),  # the device itself is the same
        ({"manufacturer": "Siemens Healthineers"}, Answer.SAME),
        ({"model": "MAGNETOM Avanto"}, Answer.SAME),
    ],
)
def test_what_makes_another_scanner(other: dict[str, object], scanner: Answer) -> None:
    assert compare(SCAN, made(**other)).scanner == scanner
    assert compare(made(**other), SCAN).scanner == scanner


def test_two_devices_of_one_model_read_alike_and_are_told_apart() -> None:
    assert compare(SCAN, made(device="s-9")).changes == ("another scanner of the same model (Siemens Avanto 1.5 T)",)


@pytest.mark.parametrize("missing", ["manufacturer", "model", "field_tesla"])
def test_without_devices_maker_model_and_field_are_all_needed(missing: str) -> None:
    whole = made(device=None)
    assert compare(whole, whole).scanner == Answer.SAME
    part = replace(whole, facts=replace(whole.facts, **{missing: None}))
    assert scanner_key(part.facts) is None
    assert compare(part, part).scanner == Answer.UNKNOWN
    assert compare(part, whole).scanner == Answer.UNKNOWN


def test_what_is_not_recorded_is_never_the_same() -> None:
    nothing = replace(SCAN, facts=Facts())
    found = compare(nothing, nothing)
    assert (found.scanner, found.software, found.protocol) == (Answer.UNKNOWN,) * 3
    assert found.changes == ()
    assert found.unknown[0] == "scanner not recorded at the earlier and this visit"
    assert "echo time not recorded at the earlier and this visit" in found.unknown
    assert "scanner not recorded at this visit" in compare(SCAN, nothing).unknown
    assert "scanner not recorded at the earlier visit" in compare(nothing, SCAN).unknown


def test_a_visit_without_a_scan_cannot_be_compared() -> None:
    assert compare(None, SCAN).unknown == ("no scan at the earlier visit",)
    found = compare(None, None)
    assert found.unknown == ("no scan at the earlier and this visit",)
    assert found.protocol == Answer.UNKNOWN


def test_a_known_change_counts_though_other_things_are_not_recorded() -> None:
    found = compare(made(echo_time_ms=None), replace(SCAN, slice_mm=5.0))
    assert found.protocol == Answer.CHANGED
    assert found.changes == ("distance between slices from 3.3 to 5.0 mm",)
    assert found.unknown == ("echo time not recorded at the earlier visit",)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (replace(SCAN, contrast="T1w_ce"), "sequence from T2w to T1w + contrast"),
        (replace(SCAN, plane="axial"), "plane from sagittal to axial"),
        (replace(SCAN, slice_mm=4.0), "distance between slices from 3.3 to 4.0 mm"),
        (replace(SCAN, pixel_mm=0.9), "pixel size from 0.70 to 0.90 mm"),
        (made(echo_time_ms=130.0), "echo time from 100 to 130 ms"),
        (made(repetition_time_ms=5000.0), "repetition time from 3500 to 5000 ms"),
        (made(flip_angle_deg=90.0), "flip angle from 150 to 90°"),
        (made(slice_thickness_mm=2.0), "slice thickness from 3.0 to 2.0 mm"),
        (made(software="VB19"), "software from VB17 to VB19"),
        (made(model="Avanto fit"), "scanner renamed from Avanto to Avanto fit"),
    ],
)
def test_each_change_is_told_with_before_and_after(other: MeasuredScan, words: str) -> None:
    found = compare(SCAN, other)
    assert found.changes == (words,)
    assert (found.protocol == Answer.CHANGED) == (not words.startswith(("software", "scanner")))
    assert (found.software == Answer.CHANGED) == words.startswith("software")


@pytest.mark.parametrize(
    "other",
    [
        replace(SCAN, slice_mm=3.0),
        replace(SCAN, pixel_mm=0.6),
        made(echo_time_ms=120.0),
        made(repetition_time_ms=4500.0),
        made(flip_angle_deg=180.0),
        made(slice_thickness_mm=3.3),
        made(slice_thickness_mm=None),
        made(software=None),
    ],
)
def test_what_varies_from_day_to_day_is_no_change(other: MeasuredScan) -> None:
    found = compare(SCAN, other)
    assert found.changes == ()
    assert found.protocol == Answer.SAME


def test_a_thicker_slice_is_not_told_twice() -> None:
    thick = replace(made(slice_thickness_mm=5.0), slice_mm=5.5)
    assert compare(SCAN, thick).changes == ("distance between slices from 3.3 to 5.5 mm",)


@given(st.floats(0.1, 1e4), st.floats(0.1, 1e4), st.floats(0.01, 1))
def test_the_order_of_two_sizes_is_irrelevant(then: float, now: float, tolerance: float) -> None:
    assert is_beyond(then, now, tolerance) == is_beyond(now, then, tolerance)
    assert not is_beyond(then, then * (1 + tolerance), tolerance), "the tolerance itself is still the same"


def test_names_of_makers_and_fields() -> None:
    assert [maker_of(text) for text in ("GE MEDICAL SYSTEMS", "GENERAL ELECTRIC CO.", "generic", None)] == [
        "GE", "GE", None, None,
    ]  # fmt: skip
    assert [nominal_tesla(tesla) for tesla in (1.64, 1.66, 0.064)] == [1.5, 1.66, 0.06]
    assert scanner_name(Facts(model="Panorama")) == "Panorama"
    assert scanner_name(Facts()) is None
