"""What is no measurable scan of a spine and is left out with a reason: localizers, captures, reformats, mosaics."""

from __future__ import annotations

import re

from pipeline.hospital.read.instances import Instance
from pipeline.hospital.read.makers_habits import habits_of, spaced
from pipeline.hospital.read.stacks import Stack

MR_CLASSES = frozenset({
    "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4",
})  # fmt: skip
"""MR Image, Enhanced MR Image, Legacy Converted Enhanced MR Image."""

CAPTURE_CLASSES = "1.2.840.10008.5.1.4.1.1.7"
KNOWN_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.88": "a structured report",
    "1.2.840.10008.5.1.4.1.1.11": "a presentation state",
    "1.2.840.10008.5.1.4.1.1.104": "an encapsulated document",
    "1.2.840.10008.5.1.4.1.1.66": "raw data or a spatial object",
    "1.2.840.10008.5.1.4.1.1.2": "a CT image",
    "1.2.840.10008.5.1.4.1.1.4.2": "spectroscopy",
    "1.2.840.10008.5.1.4.1.1.4.3": "a colour MR image",
}
SEG_CLASS = "1.2.840.10008.5.1.4.1.1.66.4"
RTSTRUCT_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
MASK_CLASSES = frozenset({SEG_CLASS, RTSTRUCT_CLASS})
DICOMDIR_CLASS = "1.2.840.10008.1.3.10"

LOCALIZER_NAME = re.compile(r"\blocali[sz]er\b|\bscouts?\b|\bsurvey\b|\b3 ?plane\b|\btopogra|\bplan ?scan\b")
PERHAPS_LOCALIZER = re.compile(r"\bloc\b|\btopo\b")
"""A word that is a localizer's name, and a place's as well: it counts where the making agrees."""

LOCALIZER_SLICES = 5
FAST_ECHO_TRAIN = 60
"""Echoes of one excitation from which on a spin echo is made in one shot, as localizers are."""

LEFT_OUT = frozenset({"opposed", "fat", "map", "flow", "angiography", "dynamic", "subtraction", "myelography", "part"})
WATER_ONLY_MS = 500.0
"""From this echo time on only fluid is left: myelography."""
SLAB_MM = 15.0
"""From this thickness on a slice is a slab that no outline can be drawn on."""
FEWEST_OF_A_VOLUME = 8
"""Slices from which on a secondary image with its timing counts as a volume, not as a capture."""
MOST_REPEATS = 3


NO_PLACE = "expected positions, spacing and direction in the header, found none"
"""Why an MR image that may show tumour is no scan here."""


def not_a_scan(instance: Instance) -> str | None:
    """Say why a file can be no MR image; None when it can."""
    kind = instance.sop_class
    if kind in MR_CLASSES:
        return None if instance.planes else NO_PLACE
    if kind.startswith(CAPTURE_CLASSES):
        return "screen capture (secondary capture object)"
    class_name = next((name for uid, name in KNOWN_CLASSES.items() if kind.startswith(uid)), "another kind of object")
    return f"{class_name}, no MR image"


def is_maimed(instance: Instance) -> bool:
    """Say whether a file may be an image that lost what made it one: an MR image without a place, or no known kind.

    Derived images without a place, such as graphs, never had one.
    """
    kind = instance.sop_class
    if kind in MR_CLASSES:
        return not instance.planes and "DERIVED" not in instance.acquisition.image_type
    return not kind.startswith((CAPTURE_CLASSES, *KNOWN_CLASSES, *MASK_CLASSES))


def reason_to_skip(stack: Stack) -> str | None:
    """Say why a stack is no scan to measure on; None when it may be one."""
    acquisition = stack.acquisition
    types = set(acquisition.image_type)
    habits = {habit.means: habit.says for habit in habits_of(acquisition) if habit.is_sure}
    is_magnitude = any(value == "M" or value.startswith("M_") for value in types)
    if is_magnitude:
        habits.pop("part", None)
    if "DERIVED" not in types:
        habits.pop("reformat", None)
    if {"ADC", "ADC_UNSPECIFIED"} & types:
        habits.pop("map", None)
    reasons = (
        ("MOSAIC" in types, "mosaic: several slices in one image, as fast series are stored"),
        (_is_localizer(stack), "localizer"),
        ("SCREEN SAVE" in types or _is_capture(stack), "screen capture or secondary image"),
        ("reformat" in habits, habits.get("reformat", "")),
        *((kind in habits, habits.get(kind, "")) for kind in sorted(LEFT_OUT)),
        (
            acquisition.is_flow and "GR" in acquisition.kinds and "SE" not in acquisition.kinds,
            "angiography or flow: the header flags it",
        ),
        (_is_one_of_many(stack), "one of several times of a dynamic series"),
        ((acquisition.echo_time_ms or 0) >= WATER_ONLY_MS, "myelography: at this echo time fluid alone is seen"),
        ((acquisition.slice_thickness_mm or 0) >= SLAB_MM, "slabs, too thick to outline anything on"),
    )
    return next((reason for applies, reason in reasons if applies), None)


def is_stitched(stack: Stack) -> bool:
    """Say whether a stack was composed of several stations."""
    return any(habit.means == "stitched" and habit.is_sure for habit in habits_of(stack.acquisition))


def is_secondary(stack: Stack) -> bool:
    """Say whether a volume says of itself that it was derived from other images."""
    types = set(stack.acquisition.image_type)
    return {"DERIVED", "SECONDARY"} <= types and not types & {"ADC", "DIFFUSION"}


def _is_capture(stack: Stack) -> bool:
    """Say whether a secondary image is no volume: without timing or with few slices."""
    acquisition = stack.acquisition
    has_timing = acquisition.echo_time_ms is not None and acquisition.repetition_time_ms is not None
    return is_secondary(stack) and not (has_timing and stack.grid and stack.plane_count >= FEWEST_OF_A_VOLUME)


def _is_localizer(stack: Stack) -> bool:
    """Say whether a stack is a localizer: by its type, its name, or few or fast slices in several planes."""
    acquisition = stack.acquisition
    words = spaced(acquisition.description)
    if "LOCALIZER" in acquisition.image_type or LOCALIZER_NAME.search(words):
        return True
    has_planes = stack.orientations > 1 and not stack.is_fan
    is_fast = "SE" not in acquisition.kinds or (acquisition.echo_train_length or 0) >= FAST_ECHO_TRAIN
    is_small = stack.plane_count <= LOCALIZER_SLICES or (is_fast and stack.plane_count <= 3 * LOCALIZER_SLICES)
    return is_small and (has_planes or PERHAPS_LOCALIZER.search(words) is not None)


def _is_one_of_many(stack: Stack) -> bool:
    acquisition = stack.acquisition
    if acquisition.b_value is not None or "EP" in acquisition.kinds:
        return False
    return (acquisition.times or 1) > 1 or ("GR" in acquisition.kinds and stack.repeats >= MOST_REPEATS)
