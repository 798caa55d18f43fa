"""What is no measurable scan of a spine and is left out with a reason: localizers, captures, reformats, mosaics."""

from __future__ import annotations

import re

from pipeline.hospital.read.instances import Instance
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

LOCALIZER_NAME = re.compile(r"\bloc(ali[sz]er)?\b|\bscout\b|\bsurvey\b|\b3.?plane|\btopo|_loc\b|^loc")
REFORMATS = frozenset({
    "MPR", "REFORMATTED", "PROJECTION IMAGE", "MIP", "MINIP", "MIN IP", "CSA MPR", "CSAPARALLEL", "MPR THICK",
    "CPR", "VRT", "3D", "MAX_IP", "MIN_IP", "MEAN_IP", "RESAMPLED",
})  # fmt: skip
COMPOSED = frozenset({"COMPOSED", "COMP_SP", "COMP_SPI", "COMP_AN", "COMP_AD", "COMP_DIS"})
CALCULATED = frozenset({"SUBTRACT", "SUBTRACTION", "SUB", "ADDITION", "DIVISION", "PERCENTAGE", "TTP", "PEI", "MOCO"})
PARTS = frozenset({"P", "R", "I", "PHASE", "PHASE MAP", "REAL", "IMAGINARY"})


def not_a_scan(instance: Instance) -> str | None:
    """Say why a file can be no MR image; None when it can."""
    kind = instance.sop_class
    if kind in MR_CLASSES:
        return None if instance.planes else "expected positions, spacing and direction in the header, found none"
    if kind.startswith(CAPTURE_CLASSES):
        return "screen capture (secondary capture object)"
    known = next((name for uid, name in KNOWN_CLASSES.items() if kind.startswith(uid)), "another kind of object")
    return f"{known}, no MR image"


def reason_to_skip(stack: Stack) -> str | None:
    """Say why a stack is no scan to measure on; None when it may be one."""
    made = stack.acquisition
    types = set(made.image_type)
    is_secondary = {"DERIVED", "SECONDARY"} <= types and not types & {"ADC", "DIFFUSION", *REFORMATS}
    is_named_localizer = LOCALIZER_NAME.search(made.description.lower().replace("_", " ")) is not None
    reasons = (
        ("MOSAIC" in types, "mosaic: several slices in one image, as fast series are stored"),
        ("LOCALIZER" in types or is_named_localizer, "localizer"),
        (stack.orientations > 1 and stack.plane_count <= 15, "localizer: few slices in several directions"),
        ("SCREEN SAVE" in types or is_secondary, "screen capture or secondary image"),
        ("DERIVED" in types and types & REFORMATS, "reformat of another series"),
        (types & CALCULATED, "calculated from other series"),
        (types & PARTS and "M" not in types, "phase, real or imaginary part"),
        (types & COMPOSED, "stitched from several stations, which are imported by themselves"),
    )
    return next((reason for applies, reason in reasons if applies), None)
