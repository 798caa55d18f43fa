"""What a series shows: by how it was made first, by its name second, each with a confidence, never guessed silently.

The windows below are the usual ones for clinical spine protocols at 1.5 and 3 T (Bernstein, King, Zhou, *Handbook of
MRI Pulse Sequences*, 2004, chapters 14 to 16); what lies between two of them is unsure, not the nearer one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.hospital.read.instances import SeriesAcquisition

SURE = 0.8
"""From this confidence on a series is imported; below it, it is listed and waits for a rule."""

BY_PHYSICS, BY_STATEMENT, BY_NAME, CONTRADICTED = 0.9, 0.95, 0.6, 0.5

NAMES = (
    ("ADC", r"\badc\b|apparent.?diff"),
    ("DWI", r"\bdwi\b|diff(usion)?\b|\bep2d_diff|\btrace"),
    ("STIR", r"\bs?tirm?\b|\bstir"),
    ("FLAIR", r"flair|dark.?fluid"),
    ("T2starw", r"t2\s?[*]|t2.?star|medic|merge\b|\bme?ffe\b|\bgre\b|hemo|swi"),
    ("T1w", r"\bt1|_t1|t1w|mp.?rage"),
    ("T2w", r"\bt2|_t2|t2w|ciss|fiesta|space\b|drive"),
    ("PDw", r"\bpd\b|_pd|proton"),
)  # fmt: skip
WITH_AGENT = re.compile(r"(\+\s?c\b|\bc\+|\bpost\b|\bkm\b|gad|\bgd\b|_gd|[_ ]ce\b|contrast|\bmit km|dotarem|gadovist)")
WITHOUT_AGENT = re.compile(r"(\bpre\b|\bnativ|\bwithout|\bohne|w/o|\bnon.?contrast|\bnc\b|\bplain\b)")
STATED = {
    "T1": "T1w", "T2": "T2w", "PROTON_DENSITY": "PDw", "STIR": "STIR", "DIFFUSION": "DWI",
    "FLUID_ATTENUATED": "FLAIR", "T2_STAR": "T2starw",
}  # fmt: skip


@dataclass(frozen=True)
class Contrast:
    """What a series shows.

    Attributes
    ----------
    name
        T1w, T2w, STIR, PDw, FLAIR, T2starw, DWI or ADC; None when nothing speaks for any.
    is_enhanced
        After gadolinium; only ever said of T1w.
    confidence
        0 to 1.
    reasons
        What it rests on, in words that quote nothing of the header but numbers and code words.
    """

    name: str | None
    is_enhanced: bool
    confidence: float
    reasons: tuple[str, ...]


def contrast_of(made: SeriesAcquisition) -> Contrast:
    """Name what a series shows.

    Examples
    --------
    >>> spin = SeriesAcquisition(modality="MR", kinds=frozenset({"SE"}), echo_time_ms=105.0, repetition_time_ms=3500.0)
    >>> contrast_of(spin).name, contrast_of(spin).confidence
    ('T2w', 0.9)
    """
    said = _stated(made)
    measured, why = _by_physics(made)
    named = _by_name(made.description)
    found = said or measured
    if found is None:
        why = f"its name says {named}" if named else "nor does its name"
        return Contrast(named, False, BY_NAME if named else 0.0, ("TE, TR and sequence do not decide it", why))
    confidence = BY_STATEMENT if said else BY_PHYSICS
    reasons = [f"the header states {said}" if said else why]
    is_diffusion = said in {"DWI", "ADC"}
    if said and measured and said != measured and not is_diffusion and {said, measured} != {"STIR", "T2w"}:
        confidence = CONTRADICTED
        reasons.append(f"but {why} speaks for {measured}")
    if named and not _agree(named, found):
        confidence = min(confidence, CONTRADICTED)
        reasons.append(f"but its name says {named}")
    if found == "T1w":
        return _with_agent(made, confidence, reasons)
    return Contrast(found, False, confidence, tuple(reasons))


def _with_agent(made: SeriesAcquisition, confidence: float, reasons: list[str]) -> Contrast:
    words = made.description.lower()
    without = WITHOUT_AGENT.search(words) is not None
    with_agent = not without and WITH_AGENT.search(words) is not None
    if made.agent is not None:
        if (made.agent and without) or (not made.agent and with_agent):
            confidence = min(confidence, CONTRADICTED)
            reasons.append("the contrast agent of the header and of the name contradict each other")
        else:
            reasons.append("the header names a contrast agent" if made.agent else "the header says: no contrast agent")
        return Contrast("T1w", made.agent, confidence, tuple(reasons))
    if with_agent:
        reasons.append("contrast agent by its name only")
        return Contrast("T1w", True, min(confidence, BY_NAME), tuple(reasons))
    reasons.append("no word of a contrast agent")
    return Contrast("T1w", False, confidence, tuple(reasons))


def _agree(named: str, found: str) -> bool:
    return named == found or {named, found} in ({"STIR", "T2w"}, {"DWI", "ADC"}, {"T2starw", "T2w"})


def _stated(made: SeriesAcquisition) -> str | None:
    if {"ADC", "ADC_UNSPECIFIED"} & set(made.image_type):
        return "ADC"
    if {"DIFFUSION", "TRACEW", "TRACE"} & set(made.image_type) or made.b_value is not None:
        return "DWI"
    return STATED.get(made.stated_contrast)


def _by_name(description: str) -> str | None:
    words = description.lower().replace("-", "_")
    return next((name for name, pattern in NAMES if re.search(pattern, words)), None)


def _by_physics(made: SeriesAcquisition) -> tuple[str | None, str]:
    te, tr, ti = made.echo_time_ms, made.repetition_time_ms, made.inversion_time_ms
    if te is None or tr is None:
        return None, ""
    why = f"TE {te:g} ms, TR {tr:g} ms" + (f", TI {ti:g} ms" if ti else "")
    if "EP" in made.kinds:
        return None, ""  # echo planar without a b-value: perfusion, function or a broken header
    if "IR" in made.kinds or ti:
        return _inverted(te, tr, ti), why
    if "GR" in made.kinds and "SE" not in made.kinds:
        return _gradient(te, tr, made), f"gradient echo, {why}"
    return _spin(te, tr), f"spin echo, {why}" if "SE" in made.kinds else why


def _inverted(te: float, tr: float, ti: float | None) -> str | None:
    """Inversion recovery: fat is nulled at 80 to 300 ms, water at 1600 to 3000 ms, T1 contrast lies between."""
    if ti is None:
        return None
    if 80 <= ti <= 300 and tr >= 1500:
        return "STIR"
    if 1600 <= ti <= 3000 and te >= 60 and tr >= 4000:
        return "FLAIR"
    return "T1w" if 400 <= ti <= 1400 and te <= 30 else None


def _gradient(te: float, tr: float, made: SeriesAcquisition) -> str | None:
    flip = made.flip_angle_deg
    if "SS" in made.variants and flip is not None and flip >= 30 and tr <= 15:
        return "T2w"  # balanced steady state (CISS, FIESTA, bFFE): bright fluid
    if te <= 8 and flip is not None and flip >= 8 and "SS" not in made.variants:
        return "T1w" if tr <= 30 or flip >= 50 else None
    return "T2starw" if te >= 9 and flip is not None and flip <= 45 else None


def _spin(te: float, tr: float) -> str | None:
    if te <= 35 and tr <= 1200:
        return "T1w"
    if te >= 60 and tr >= 1000:
        return "T2w"
    return "PDw" if te <= 40 and tr >= 1800 else None
