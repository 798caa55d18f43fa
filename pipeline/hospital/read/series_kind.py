"""What a series shows: by how it was made first, by its name second, each with a confidence, never guessed silently.

The windows below are the usual ones for clinical spine protocols at 1.5 and 3 T (Bernstein, King, Zhou, *Handbook of
MRI Pulse Sequences*, 2004, chapters 14 to 16); what lies between two of them is unsure, not the nearer one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pipeline.hospital.read.instances import SeriesAcquisition
from pipeline.hospital.read.makers_habits import habits_of, part_of, spaced

SURE = 0.8
"""From this confidence on a series is imported; below it, it is listed and waits for a rule."""

BY_PHYSICS, BY_STATEMENT, BY_NAME, CONTRADICTED = 0.9, 0.95, 0.6, 0.5

T1, T2 = r"(?:[esm]|2d|3d|sag|ax|cor|tra)?t1(?!\d)", r"(?:[esm]|2d|3d|sag|ax|cor|tra)?t2(?!\d)"
FLUID_NULLED = r"flair|dark ?fluid"

NAMES = (
    ("ADC", r"\badc\b|apparent ?diff"),
    ("DWI", r"\bdwi\b|diff(usion)?\b|\bep2d diff|\btracew?\b|\bdti\b|\bresolve\b"),
    ("T1w", rf"\b{T1}\w* .*({FLUID_NULLED}|tirm)|\b{T1}({FLUID_NULLED})"),
    ("FLAIR", FLUID_NULLED),
    ("STIR", r"\btirm\b|\bt?stir"),
    ("T2starw", r"\bt2w? ?[*]|\bt2 ?star|\bmedic\b|\bmerge\b|\bme?ffe\b|\bgre\b|\bhemo\b|\bswi\b"),
    ("T1w", rf"\b{T1}|\bmp ?rage"),
    ("T2w", rf"\b{T2}|\bciss\b|\bfiesta|\bspace\b|\bdrive\b"),
    ("PDw", r"\bpdw?\b|\bproton"),
)  # fmt: skip
"""Contrasts by name, the first that fits: a T1 FLAIR is T1 weighted, for its fluid is nulled by a short inversion."""

WITHOUT_AGENT = re.compile(
    r"\bpre\b|\bnativ|\bwithout\b|\bohne\b|\bw/o\b|\bnon? ?(contrast|gad\w*|gd|km|ce|c)\b|\bkein\w*\b|\bnc\b|\bplain\b|"
    r"\bsans\b|\bsin\b|\bsenza\b|\bzonder\b|\bgeen\b|\butan\b|\bbez\b|\bsem\b|\bbasale?\b|\bvor (km|gd|gad)|\bunenh"
)  # fmt: skip
WITH_AGENT = re.compile(
    r"\+ ?c\b|\+ ?gd\b|\+ ?km\b|\bc\+|\bpost\b(?! ?(op|surg|trea|rad|rt\b))|\bkm\b|\bgado?|\bgd\b|\bce\b|"
    r"\bcontraste?\b|\bkontrast|\bdotarem|\bmdc\b|\bpdc\b|\binj\b|\benh(anced)?\b"
)  # fmt: skip
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
    part
        ``water`` for the water image of a Dixon acquisition: fat is suppressed, it is no plain scan.
    """

    name: str | None
    is_enhanced: bool
    confidence: float
    reasons: tuple[str, ...]
    part: str | None = None


def contrast_of(acquisition: SeriesAcquisition) -> Contrast:
    """Name what a series shows.

    Examples
    --------
    >>> spin = SeriesAcquisition(modality="MR", kinds=frozenset({"SE"}), echo_time_ms=105.0, repetition_time_ms=3500.0)
    >>> contrast_of(spin).name, contrast_of(spin).confidence
    ('T2w', 0.9)
    """
    habits = habits_of(acquisition)
    contrast = _of_making(acquisition)
    part = part_of(habits)
    doubts = tuple(habit.says for habit in habits if habit.means in OTHER_KINDS and not habit.is_sure)
    if acquisition.is_flow and contrast.name not in (None, "T1w"):
        doubts = (*doubts, "the header flags it as angiography")
    if part == "dixon":
        doubts = (*doubts, "one of the images of a Dixon acquisition, and it is not said which")
    if part == "water":
        contrast = replace(contrast, part="water", reasons=(*contrast.reasons, "water image of a Dixon acquisition"))
    if not doubts:
        return contrast
    reasons = (*contrast.reasons, *(f"but {doubt}" for doubt in doubts))
    return replace(contrast, confidence=min(contrast.confidence, CONTRADICTED), reasons=reasons)


OTHER_KINDS = frozenset({"map", "flow", "angiography", "dynamic", "subtraction", "myelography", "reformat"})
"""Kinds of habits that make no plain scan; where only a name says so, a person is asked."""


def _of_making(acquisition: SeriesAcquisition) -> Contrast:
    """Name a contrast by how a series was made and what it is called."""
    stated = _stated(acquisition)
    measured, why = _by_physics(acquisition)
    named = _by_name(acquisition.description)
    name = stated or measured
    if name is None:
        why = f"its name says {named}" if named else "nor does its name"
        return Contrast(named, False, BY_NAME if named else 0.0, ("TE, TR and sequence do not decide it", why))
    confidence = BY_STATEMENT if stated else BY_PHYSICS
    reasons = [f"the header states {stated}" if stated else why]
    is_diffusion = stated in {"DWI", "ADC"}
    if stated and measured and stated != measured and not is_diffusion and {stated, measured} != {"STIR", "T2w"}:
        confidence = CONTRADICTED
        reasons.append(f"but {why} speaks for {measured}")
    if named and not _agree(named, name):
        confidence = min(confidence, CONTRADICTED)
        reasons.append(f"but its name says {named}")
    if name == "T1w" and named != "T1w" and _may_be_flow(acquisition):
        confidence = min(confidence, CONTRADICTED)
        reasons.append("angiography and flow are made this way, too, and its name does not say T1")
    if name == "T1w":
        return _with_agent(acquisition, confidence, reasons)
    return Contrast(name, False, confidence, tuple(reasons))


def _may_be_flow(acquisition: SeriesAcquisition) -> bool:
    """Say whether a short gradient echo may show flow: inflow is bright at 18 to 50 ms, phase contrast is 2D."""
    tr, is_prepared = acquisition.repetition_time_ms, acquisition.inversion_time_ms or "MP" in acquisition.variants
    if "GR" not in acquisition.kinds or is_prepared or tr is None or tr > 50:
        return False
    return tr >= 18 or acquisition.is_3d is False


def _with_agent(acquisition: SeriesAcquisition, confidence: float, reasons: list[str]) -> Contrast:
    words = spaced(acquisition.description)
    without = WITHOUT_AGENT.search(words) is not None
    with_agent = not without and WITH_AGENT.search(words) is not None
    if acquisition.is_agent_unclear:
        reasons.append("the header has words on a contrast agent that are not known")
        return Contrast("T1w", with_agent, min(confidence, CONTRADICTED), tuple(reasons))
    if acquisition.agent is not None:
        if (acquisition.agent and without) or (not acquisition.agent and with_agent):
            confidence = min(confidence, CONTRADICTED)
            reasons.append("the contrast agent of the header and of the name contradict each other")
        else:
            reasons.append(
                "the header names a contrast agent" if acquisition.agent else "the header says: no contrast agent"
            )
        return Contrast("T1w", acquisition.agent, confidence, tuple(reasons))
    if with_agent:
        reasons.append("contrast agent by its name only")
        return Contrast("T1w", True, min(confidence, BY_NAME), tuple(reasons))
    reasons.append("no word of a contrast agent")
    return Contrast("T1w", False, confidence, tuple(reasons))


def _agree(named: str, measured: str) -> bool:
    return (
        named == measured
        or {named, measured} in ({"STIR", "T2w"}, {"T2starw", "T2w"})
        or (named, measured) == ("DWI", "ADC")
    )


def _stated(acquisition: SeriesAcquisition) -> str | None:
    if {"ADC", "ADC_UNSPECIFIED"} & set(acquisition.image_type):
        return "ADC"
    has_b_value = acquisition.b_value is not None and (acquisition.b_value > 0 or "EP" in acquisition.kinds)
    if {"DIFFUSION", "TRACEW", "TRACE"} & set(acquisition.image_type) or has_b_value:
        return "DWI"
    return STATED.get(acquisition.stated_contrast)


def _by_name(description: str) -> str | None:
    words = spaced(description)
    return next((name for name, pattern in NAMES if re.search(pattern, words)), None)


def _by_physics(acquisition: SeriesAcquisition) -> tuple[str | None, str]:
    te, tr, ti = acquisition.echo_time_ms, acquisition.repetition_time_ms, acquisition.inversion_time_ms
    if te is None or tr is None:
        return None, ""
    why = f"TE {te:g} ms, TR {tr:g} ms" + (f", TI {ti:g} ms" if ti else "")
    if "EP" in acquisition.kinds:
        return None, ""  # echo planar without a b-value: perfusion, function or a broken header
    if "IR" in acquisition.kinds or ti:
        return _inverted(te, tr, ti), why
    if "GR" in acquisition.kinds and "SE" not in acquisition.kinds:
        return _gradient(te, tr, acquisition), f"gradient echo, {why}"
    return _spin(te, tr), f"spin echo, {why}" if "SE" in acquisition.kinds else why


def _inverted(te: float, tr: float, ti: float | None) -> str | None:
    """Inversion recovery: fat is nulled at 80 to 300 ms, water at 1600 to 3000 ms, T1 contrast lies between."""
    if ti is None:
        return None
    if 80 <= ti <= 300 and tr >= 1500:
        return "STIR"
    if 1600 <= ti <= 3000 and te >= 60 and tr >= 4000:
        return "FLAIR"
    return "T1w" if 400 <= ti <= 1400 and te <= 30 else None


def _gradient(te: float, tr: float, acquisition: SeriesAcquisition) -> str | None:
    flip = acquisition.flip_angle_deg
    if "SS" in acquisition.variants and flip is not None and flip >= 30 and tr <= 15:
        return "T2w"  # balanced steady state (CISS, FIESTA, bFFE): bright fluid
    if te <= 8 and flip is not None and flip >= 8 and "SS" not in acquisition.variants:
        return "T1w" if tr <= 30 or flip >= 50 else None
    return "T2starw" if te >= 9 and flip is not None and flip <= 45 else None


def _spin(te: float, tr: float) -> str | None:
    if te <= 35 and tr <= 1200:
        return "T1w"
    if te >= 60 and tr >= 1000:
        return "T2w"
    return "PDw" if te <= 40 and tr >= 1800 else None
