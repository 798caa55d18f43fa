"""What the scans say of each lesion, as coded observations: an evaluation for a term, a measurement for a number.

A code of SNOMED CT, DICOM or UCUM stands where DICOM PS3.16 lists one for that very meaning; all else bears the private
scheme (structured report) or its words alone (FHIR). What this module refuses: a finding that is not sure in the place
of one that is, and silence read as absence; findings of which nothing was said are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from highdicom import sr
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from pipeline.core.finding_terms import METABOLITE, LesionFinding, Sureness
from pipeline.hospital.codes import OWN_SCHEME

STANDARD_NAMES: Mapping[str, Code] = {
    LesionFinding.ADC: codes.DCM.ApparentDiffusionCoefficient,
    LesionFinding.LENGTH: codes.SCT.Length,
}
"""Findings that DICOM has a code for."""

STANDARD_TERMS: Mapping[str, Code] = {
    "present": codes.SCT.Present, "absent": codes.SCT.Absent, "left": codes.SCT.Left, "right": codes.SCT.Right,
}  # fmt: skip

WORDS: Mapping[str, tuple[str, str]] = {
    LesionFinding.LENGTH: ("length", "Length of the solid tumour"),
    LesionFinding.LEVELS: ("levels", "Vertebral levels of the solid tumour"),
    LesionFinding.CORD_SHARE: ("cord-share", "Share of the cord's section"),
    LesionFinding.EXPANSION: ("expansion", "Expansion of the cord"),
    LesionFinding.ECCENTRICITY: ("eccentricity", "Place in the cord's section"),
    LesionFinding.NEAREST_SURFACE: ("nearest-surface", "Nearest surface of the cord"),
    LesionFinding.T1_SIGNAL: ("t1-signal", "Signal on T1w beside the cord"),
    LesionFinding.T2_SIGNAL: ("t2-signal", "Signal on T2w beside the cord"),
    LesionFinding.STIR_SIGNAL: ("stir-signal", "Signal on STIR beside the cord"),
    LesionFinding.PD_SIGNAL: ("pd-signal", "Signal on PDw beside the cord"),
    LesionFinding.HETEROGENEITY: ("heterogeneity", "Heterogeneity of signal"),
    LesionFinding.MARGIN: ("margin", "Margin"),
    LesionFinding.ENHANCEMENT: ("enhancement", "Contrast enhancement"),
    LesionFinding.ENHANCEMENT_PATTERN: ("enh-pattern", "Pattern of enhancement"),
    LesionFinding.SMALLEST_ENHANCING_SEEN: ("enh-smallest", "Smallest enhancing nodule that could be seen"),
    LesionFinding.TUMORAL_CYST: ("tumoral-cyst", "Cyst in the tumour"),
    LesionFinding.POLAR_CYST_ABOVE: ("polar-cyst-above", "Polar cyst above"),
    LesionFinding.POLAR_CYST_BELOW: ("polar-cyst-below", "Polar cyst below"),
    LesionFinding.SYRINX: ("described-syrinx", "Syrinx"),
    LesionFinding.OEDEMA_ABOVE: ("oedema-above", "Oedema above"),
    LesionFinding.OEDEMA_BELOW: ("oedema-below", "Oedema below"),
    LesionFinding.BLOOD_CAP: ("blood-cap", "Cap of low signal at a pole"),
    LesionFinding.BLOOD: ("blood", "Blood in or at the tumour"),
    LesionFinding.BLOOD_STAGE: ("blood-stage", "Age of blood"),
    LesionFinding.ADC: ("adc", "Apparent diffusion coefficient"),
    LesionFinding.ADC_RATIO: ("adc-ratio", "Apparent diffusion coefficient beside the cord"),
    LesionFinding.ADC_P10: ("adc-p10", "Apparent diffusion coefficient, 10th percentile"),
}
"""Finding to its private code, at most 16 letters as DICOM has it, and what it is called."""

UNITS: Mapping[str, Code] = {
    "mm": codes.UCUM.Millimeter,
    "mm of cord left": codes.UCUM.Millimeter,
    "mm long": codes.UCUM.Millimeter,
    "mm beyond the tumour": codes.UCUM.Millimeter,
    "mm, 10 to 90 %": codes.UCUM.Millimeter,
    "mm³": codes.UCUM.CubicMillimeter,
    "10^-3 mm²/s": Code("um2/ms", "UCUM", "um2/ms"),
}
"""Unit of a description to UCUM; all others are ratios."""

RATIOS: Mapping[str, str] = {
    "section / cord beside it": "-cb", "section / healthy people's median": "-hp", "share of section": "-ss",
    "rise / signal before": "-rb", "ratio to cord": "-rc", "ratio to cord after": "-ra", "share enhancing": "-se",
    "spread beyond cord / mean": "-sm",
}  # fmt: skip
"""What a ratio is one of, to the end of its measurement's code: two ratios of one finding are never one measurement."""

NOT_SURE = Code("not-sure", OWN_SCHEME, "Not sure")


def told(description: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows of a description of which something was said, in the order of a dictated report."""
    order = {str(finding): place for place, finding in enumerate(LesionFinding)}
    with_content = [row for row in description if row["sureness"] is not None or row["corrected_to"] is not None]
    return sorted(
        with_content, key=lambda row: (row["lesion_id"], order.get(row["finding"], len(order)), row["finding"])
    )


def name_of(finding: str) -> str:
    """Return what a finding is called.

    Examples
    --------
    >>> name_of("t2_signal"), name_of("metabolite:Cho")
    ('Signal on T2w beside the cord', 'Metabolite Cho')
    """
    if finding.startswith(METABOLITE):
        return f"Metabolite {finding.removeprefix(METABOLITE)}"
    return WORDS[finding][1]


def code_of(finding: str) -> Code:
    """Return the code of a finding; one of the private scheme where no other says exactly this."""
    value, meaning = WORDS[finding]
    return STANDARD_NAMES.get(finding) or Code(value, OWN_SCHEME, meaning)


def term_code(term: str, *, is_sure: bool = True) -> Code:
    """Return the code of a term; a term that is not sure has none of its own in any standard.

    Examples
    --------
    >>> term_code("present").scheme_designator, term_code("present", is_sure=False).meaning
    ('SCT', 'present, not sure')
    """
    short = term.replace(" ", "-")
    if not is_sure:
        return Code(f"{short[:14]}-u", OWN_SCHEME, f"{term}, not sure")
    return STANDARD_TERMS.get(term) or Code(short[:16], OWN_SCHEME, term)


def evaluations_and_measurements(
    of_lesion: Iterable[Mapping[str, Any]],
) -> tuple[list[sr.QualitativeEvaluation], list[sr.Measurement]]:
    """Return one lesion's findings as content of a structured report (TID 1501); spectra are left to FHIR.

    Numbers are those of the store, rounded to 0.001, with the ends of their 95 % interval.
    """
    evaluations, measurements = [], []
    for row in of_lesion:
        if row["finding"] not in WORDS:
            continue
        name, is_sure = code_of(row["finding"]), row["sureness"] == Sureness.SURE
        if row["value"] is not None:
            evaluations.append(sr.QualitativeEvaluation(name=name, value=term_code(row["value"], is_sure=is_sure)))
        if row["corrected_to"] is not None:
            by_person = Code(WORDS[row["finding"]][0], OWN_SCHEME, f"{name.meaning}, read by a person"[:64])
            evaluations.append(sr.QualitativeEvaluation(name=by_person, value=term_code(row["corrected_to"])))
        if row["number"] is not None:
            measurements.append(_measurement(name, row, is_sure))
    return evaluations, measurements


def _measurement(name: Code, row: Mapping[str, Any], is_sure: bool) -> sr.Measurement:
    unit, properties = UNITS.get(str(row["unit"]), codes.UCUM.Ratio), None
    if str(row["unit"]) in RATIOS:
        value = f"{WORDS[row['finding']][0][:13]}{RATIOS[str(row['unit'])]}"
        name = Code(value, OWN_SCHEME, f"{name.meaning}: {row['unit']}"[:64])
    if row["low"] is not None and row["high"] is not None:
        number, low, high = (round(float(row[key]), 3) for key in ("number", "low", "high"))
        properties = sr.MeasurementProperties(
            upper_measurement_uncertainty=round(max(high - number, 0.0), 3),
            lower_measurement_uncertainty=round(max(number - low, 0.0), 3),
        )
        for item in properties:  # highdicom gives these no unit
            coded = sr.CodedConcept(unit.value, unit.scheme_designator, unit.meaning)
            item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence = [coded]
    return sr.Measurement(
        name=name, value=round(float(row["number"]), 3), unit=unit, method=None if is_sure else NOT_SURE,
        properties=properties,
    )  # fmt: skip
