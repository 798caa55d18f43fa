"""What is true of each tumour beside its size, in the terms of a description; only what was put in, never measured."""

from __future__ import annotations

from collections.abc import Iterator

from sample_data.further_scans import disc_heights
from sample_data.lesions import Blob
from sample_data.phantom import CAP_FROM_MM
from sample_data.stories import Patient, Visit
from sample_data.tissue import CHANNELS, SIGNAL
from sample_data.visit_setup import Setup

Row = tuple[str, str, str, str, str]
CERVICAL, THORACIC = 7, 12


def rows_of(patient: Patient, visit: Visit, setup: Setup) -> Iterator[Row]:
    """Yield lesion, finding, value, number and unit of each thing that was put into a visit's scans.

    Findings that no scan of the visit could show are left out; of a patient whose discs are numbered each lesion has
    its levels.
    """
    if visit.fault == "truncated scan":
        return
    compartments = {blob.compartment for blob in setup.scene.blobs}
    tumours = [blob for blob in setup.scene.blobs if blob.compartment == "tumour"]
    for lesion, blob in enumerate(tumours, start=1):
        for finding, value, number, unit in _findings(patient, visit, blob):
            yield str(lesion), finding, value, number, unit
        if "cyst" in compartments and lesion == 1:
            above = patient.sides.get("cyst", 0) > 0
            yield "1", "polar_cyst_above" if above else "polar_cyst_below", "present", "", ""
        if patient.middle_disc is not None:
            yield str(lesion), "levels", _levels(setup, blob, patient.middle_disc), "", ""


def _findings(patient: Patient, visit: Visit, blob: Blob) -> Iterator[tuple[str, str, str, str]]:
    tumour = dict(zip(CHANNELS, SIGNAL["dark tumour" if patient.is_dark else "tumour"], strict=True))
    still = dict(zip(CHANNELS, SIGNAL["still tumour"], strict=True))
    yield "t2_signal", "hyperintense", "", ""
    yield "blood_cap", "present" if blob.half_axes_mm()[2] > CAP_FROM_MM else "absent", "", ""
    if "T1w" in visit.further:
        yield "t1_signal", "hypointense" if patient.is_dark else "isointense", "", ""
    if visit.contrast and visit.uptake == "none":
        yield "enhancement", "none", "0.00" if "T1w" in visit.further else "", "rise / signal before"
    elif visit.contrast:
        rise = f"{tumour['T1w_ce'] / tumour['T1w'] - 1:.2f}" if "T1w" in visit.further else ""
        yield "enhancement", "vivid", rise, "rise / signal before"
        yield "enhancement_pattern", "ring" if visit.uptake == "ring" else "homogeneous", "", ""
    if {"ADC", "dwi"} & set(visit.further):
        yield "adc", "", f"{still['ADC'] / 1000:.2f}", "10^-3 mm²/s"


def _levels(setup: Setup, blob: Blob, middle_disc: int) -> str:
    """Return the vertebrae at which the tumour's upper and lower end lie."""
    discs = disc_heights(setup.person, middle_disc)
    middle, half = blob.centre_mm[2], blob.half_axes_mm()[2]
    upper, lower = (
        _vertebra(max(number for number, height in discs.items() if height > end))
        for end in (middle + half, middle - half)
    )
    return upper if upper == lower else f"{upper} to {lower}"


def _vertebra(disc_above: int) -> str:
    """Name the vertebra below a disc: disc 3 lies between C2 and C3, disc 8 between C7 and T1."""
    if disc_above <= CERVICAL:
        return f"C{disc_above}"
    if disc_above <= CERVICAL + THORACIC:
        return f"T{disc_above - CERVICAL}"
    return f"L{disc_above - CERVICAL - THORACIC}"
