"""The findings of a description in the order in which a radiologist dictates them, and the terms each may take.

A term is a word of the field; a finding without a term has a number. What this module refuses: a term that is not on
the list of its finding, and a finding with neither term, number nor reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

METABOLITE = "metabolite:"
"""Beginning of the findings of a spectrum; the name of the metabolite follows."""


NEAR_LIMIT = "too near the limit between two terms"


class LesionFinding(StrEnum):
    """What can be said of a lesion at one visit; the order is that of a dictated report."""

    LENGTH = "length"
    LEVELS = "levels"
    CORD_SHARE = "cord_share"
    EXPANSION = "expansion"
    ECCENTRICITY = "eccentricity"
    NEAREST_SURFACE = "nearest_surface"
    T1_SIGNAL = "t1_signal"
    T2_SIGNAL = "t2_signal"
    STIR_SIGNAL = "stir_signal"
    PD_SIGNAL = "pd_signal"
    HETEROGENEITY = "heterogeneity"
    MARGIN = "margin"
    ENHANCEMENT = "enhancement"
    ENHANCEMENT_PATTERN = "enhancement_pattern"
    SMALLEST_ENHANCING_SEEN = "smallest_enhancing_seen"
    TUMORAL_CYST = "tumoral_cyst"
    POLAR_CYST_ABOVE = "polar_cyst_above"
    POLAR_CYST_BELOW = "polar_cyst_below"
    SYRINX = "syrinx"
    OEDEMA_ABOVE = "oedema_above"
    OEDEMA_BELOW = "oedema_below"
    BLOOD_CAP = "blood_cap"
    BLOOD = "blood"
    BLOOD_STAGE = "blood_stage"
    ADC = "adc"
    ADC_RATIO = "adc_ratio"
    ADC_P10 = "adc_p10"


SIGNAL_TERMS = ("hypointense", "isointense", "hyperintense")
PRESENCE = ("present", "absent")
SIDES = ("dorsal", "ventral", "left", "right")

TERMS: Mapping[LesionFinding, tuple[str, ...]] = {
    LesionFinding.EXPANSION: ("none", "expanded", "thin"),
    LesionFinding.ECCENTRICITY: ("central", *SIDES),
    LesionFinding.NEAREST_SURFACE: SIDES,
    LesionFinding.T1_SIGNAL: SIGNAL_TERMS,
    LesionFinding.T2_SIGNAL: SIGNAL_TERMS,
    LesionFinding.STIR_SIGNAL: SIGNAL_TERMS,
    LesionFinding.PD_SIGNAL: SIGNAL_TERMS,
    LesionFinding.HETEROGENEITY: ("homogeneous", "heterogeneous"),
    LesionFinding.MARGIN: ("sharp", "infiltrating"),
    LesionFinding.ENHANCEMENT: ("none", "faint", "vivid"),
    LesionFinding.ENHANCEMENT_PATTERN: ("homogeneous", "heterogeneous", "ring", "nodule"),
    LesionFinding.BLOOD_STAGE: ("hyperacute", "acute", "early subacute", "late subacute", "chronic"),
    **dict.fromkeys(
        (
            LesionFinding.TUMORAL_CYST, LesionFinding.POLAR_CYST_ABOVE, LesionFinding.POLAR_CYST_BELOW,
            LesionFinding.SYRINX, LesionFinding.OEDEMA_ABOVE, LesionFinding.OEDEMA_BELOW, LesionFinding.BLOOD_CAP,
            LesionFinding.BLOOD,
        ),
        PRESENCE,
    ),
}  # fmt: skip
"""Finding to the terms that it may take; the others are numbers, and ``levels`` names vertebrae."""


class Sureness(StrEnum):
    """How far a term is to be trusted: of those that are sure at least 95 % are right (docs/benchmarks.md)."""

    SURE = "sure"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Described:
    """One finding of one lesion at one visit.

    Attributes
    ----------
    finding
        A :class:`LesionFinding`, or :data:`METABOLITE` and a name.
    value
        A term; None where there is none, and then ``reason`` says why or ``number`` says it.
    number, low, high, unit
        The measure behind it with its 95 % interval, and what it is counted in.
    sureness
        None where nothing is said.
    reason
        Why nothing is said, or why it is not sure; for what is sure, on what it rests where that is not plain.
    scans
        Paths of the scans it was taken from.
    """

    finding: str
    value: str | None = None
    number: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str | None = None
    sureness: Sureness | None = None
    reason: str | None = None
    scans: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a term that is not on the list, and silence without a reason."""
        terms = TERMS.get(LesionFinding(self.finding)) if self.finding in list(LesionFinding) else None
        if terms is not None and self.value is not None and self.value not in terms:
            msg = f"{self.finding}: expected one of {', '.join(terms)}, found {self.value!r}"
            raise ValueError(msg)
        if self.value is None and self.number is None and not self.reason:
            msg = f"{self.finding}: expected a term, a number or the reason why there is none"
            raise ValueError(msg)
        if (self.value is None and self.number is None) != (self.sureness is None):
            msg = f"{self.finding}: what is said is sure or unsure, and nothing is neither"
            raise ValueError(msg)


def unsaid(finding: str, reason: str, scans: tuple[str, ...] = ()) -> Described:
    """Return a finding of which nothing can be said, with the reason."""
    return Described(finding, reason=reason, scans=scans)


def sure_if(is_sure: bool) -> Sureness:
    """Return the sureness of something that is said.

    Examples
    --------
    >>> str(sure_if(True)), str(sure_if(False))
    ('sure', 'unsure')
    """
    return Sureness.SURE if is_sure else Sureness.UNSURE


def is_clear_of(number: float, error: float, bounds: tuple[float, ...], deviations: float) -> bool:
    """Say whether a number lies far enough from every limit between two terms, in its standard errors.

    Examples
    --------
    >>> is_clear_of(1.3, 0.1, (0.9, 1.1), 1.5), is_clear_of(1.2, 0.1, (0.9, 1.1), 1.5)
    (True, False)
    """
    return all(abs(number - bound) >= deviations * error for bound in bounds)


def complete(described: tuple[Described, ...], reason: str) -> tuple[Described, ...]:
    """Return all findings of the list in its order, those that nothing was said of with a reason; spectra last."""
    by_name = {one.finding: one for one in described}
    listed = tuple(by_name.get(name) or unsaid(name, reason) for name in LesionFinding)
    return (*listed, *(one for one in described if one.finding not in list(LesionFinding)))
