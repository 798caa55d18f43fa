"""What the scans say of a lesion, in the words and the order in which a radiologist dictates.

Rows of the patient_description query in, lines out. What this module refuses: a word for what was not told, and a
number without its unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.words import labels
from pipeline.core import wording
from pipeline.core.finding_terms import METABOLITE

Rows = Mapping[str, Mapping[Any, Any]]
"""Findings of one lesion at one visit by name."""

LINES = (
    ("place", ("levels", "length")),
    ("cord", ("expansion", "cord_share", "eccentricity", "nearest_surface")),
    ("signal", ("t2_signal", "stir_signal", "t1_signal", "pd_signal", "heterogeneity", "margin")),
    ("contrast agent", ("enhancement", "enhancement_pattern", "smallest_enhancing_seen")),
    ("cysts, oedema", (
        "tumoral_cyst", "polar_cyst_above", "polar_cyst_below", "syrinx", "oedema_above", "oedema_below",
    )),
    ("blood", ("blood_cap", "blood", "blood_stage")),
    ("diffusion", ("adc", "adc_ratio", "adc_p10")),
)  # fmt: skip
"""Lines in the order of a dictated report, and the findings that each puts together."""

NAMES = {
    "levels": "levels", "length": "length", "expansion": "cord", "cord_share": "share of the cord",
    "eccentricity": "place in the cord", "nearest_surface": "nearest surface",
    "t2_signal": "T2w", "stir_signal": "STIR",
    "t1_signal": "T1w", "pd_signal": "PDw", "heterogeneity": "texture", "margin": "edge", "enhancement": "enhancement",
    "enhancement_pattern": "pattern", "smallest_enhancing_seen": "smallest nodule seen", "tumoral_cyst": "tumoral cyst",
    "polar_cyst_above": "polar cyst above", "polar_cyst_below": "polar cyst below", "syrinx": "syrinx",
    "oedema_above": "oedema above", "oedema_below": "oedema below", "blood_cap": "blood cap", "blood": "blood",
    "blood_stage": "age of blood", "adc": "ADC", "adc_ratio": "ADC to cord", "adc_p10": "ADC, 10th percentile",
}  # fmt: skip
"""What each finding is called on a page."""

UNSURE = "?"
QUIET = frozenset({"adc_p10"})
"""Findings that stand in the table only."""


@dataclass(frozen=True)
class DescriptionLine:
    """One line of what the scans say: what it is about, and what is told or, in grey, why nothing is."""

    about: str
    text: str
    is_told: bool


def is_told(row: Mapping[Any, Any]) -> bool:
    """Say whether a finding was told at all."""
    return labels.is_known(row["sureness"])


def is_of(about: str, finding: str) -> bool:
    """Say whether a line, by its name, puts a finding together with others.

    >>> is_of("place", "levels"), is_of("diffusion", "metabolite:Cho"), is_of("cord", "levels")
    (True, True, False)
    """
    return finding in dict(LINES)[about] or (about == "diffusion" and finding.startswith(METABOLITE))


def lines(findings: Rows) -> list[DescriptionLine]:
    """Return at most seven lines on one lesion at one visit; a line of which nothing is told says why."""
    spectra = [name for name in sorted(findings) if name.startswith(METABOLITE)]
    return [
        _line(about, [findings[name] for name in (*names, *spectra) if name in findings and is_of(about, name)])
        for about, names in LINES
    ]


def _line(about: str, findings: list[Mapping[Any, Any]]) -> DescriptionLine:
    stated = [row for row in findings if is_told(row) and row["finding"] not in QUIET]
    parts = [_part(row) for row in sorted(stated, key=lambda row: bool(row["value"] == "absent"))]
    if not parts:
        reasons = dict.fromkeys(str(row["reason"]) for row in findings if labels.is_known(row["reason"]))
        return DescriptionLine(about, next(iter(reasons), "not described"), is_told=False)
    return DescriptionLine(about, labels.capital("; ".join([*parts, *_unchanged(stated)])), is_told=True)


def _part(row: Mapping[Any, Any]) -> str:
    """Write one finding with its number, in doubt where it is unsure, and what it was before where it changed.

    What is absent says so of itself: of "no tumoral cyst, syrinx" the second could be read as there.
    """
    doubt = UNSURE if row["sureness"] == "unsure" else ""
    phrase = _absent if row["value"] == "absent" else PHRASES.get(row["finding"], _plain)
    return f"{phrase(row)}{doubt}{_before(row)}"


def _before(row: Mapping[Any, Any]) -> str:
    if row["course"] != "changed":
        return ""
    earlier = {**row, "value": row["value_before"], "number": row["number_before"]}
    when = f"on {labels.day(row['compared_on'])}" if labels.is_known(row["compared_on"]) else "on a scan without a date"
    return f", {short(earlier)} {when}"


def _unchanged(stated: list[Mapping[Any, Any]]) -> list[str]:
    """Say since when all of a line is as it was; nothing where a part changed or cannot be compared."""
    courses = {row["course"] for row in stated}
    days = {labels.day(row["compared_on"]) for row in stated if labels.is_known(row["compared_on"])}
    return [f"unchanged since {days.pop()}"] if courses == {"unchanged"} and len(days) == 1 else []


def short(row: Mapping[Any, Any]) -> str:
    """Write a finding as a cell of a table: its term, or its number with its unit.

    >>> short({"finding": "adc", "value": None, "number": 1.234, "unit": "10^-3 mm²/s"})
    '1.23'
    >>> short({"finding": "t2_signal", "value": "hyperintense", "number": 1.6, "unit": "ratio to cord"})
    'hyperintense 1.6'
    """
    number = _number(row) if labels.is_known(row["number"]) else ""
    value = str(row["value"]) if labels.is_known(row["value"]) else ""
    return value if value in ("absent", "none") else f"{value} {number}".strip()


def _known_number(row: Mapping[Any, Any]) -> list[str]:
    return [_number(row)] if labels.is_known(row["number"]) else []


def _number(row: Mapping[Any, Any]) -> str:
    """Write a finding's number: shares and rises in percent, lengths in mm, ratios as they are."""
    number, unit = float(row["number"]), str(row["unit"] or "")
    if row["finding"] in ("cord_share", "enhancement_pattern", "heterogeneity"):
        return labels.typeset(f"{100 * number:.0f} %")
    if unit.startswith("rise"):
        return labels.typeset(f"{100 * number:+.0f} %")
    if unit.startswith("section"):
        beside = " beside healthy people's median" if "healthy people" in unit else ""
        return labels.typeset(f"{100 * (number - 1):+.0f} %{beside}")
    if unit.startswith("mm³"):
        return f"{number:.0f}{labels.NARROW}mm³"
    if unit.startswith("mm"):
        return f"{number:.0f} mm" if number >= 3 or number == 0 else f"{number:.1f} mm"
    return wording.significant(number, 3) if unit.startswith("10^") else wording.significant(number, 2)


def _plain(row: Mapping[Any, Any]) -> str:
    return f"{name_of(str(row['finding']))} {short(row)}"


def _absent(row: Mapping[Any, Any]) -> str:
    """Write that something is not there; oedema beside a tumour is not above or below it."""
    return f"no {NAMES[row['finding']]}{' the tumour' if row['finding'].startswith('oedema') else ''}"


def _hollow(row: Mapping[Any, Any]) -> str:
    return " ".join([NAMES[row["finding"]], *(f"({number})" for number in _known_number(row))])


def name_of(finding: str) -> str:
    """Return what a finding is called on a page.

    >>> name_of("t2_signal"), name_of("metabolite:Cho")
    ('T2w', 'Cho')
    """
    return NAMES.get(finding) or finding.removeprefix(METABOLITE)


def _signal(row: Mapping[Any, Any]) -> str:
    return f"{row['value']} on {NAMES[row['finding']]} ({_number(row)} × cord)"


def _enhancement(row: Mapping[Any, Any]) -> str:
    if row["value"] == "none":
        return "no enhancement"
    measure = f"{_number(row)} × cord" if str(row["unit"]).startswith("ratio") else _number(row)
    return f"{row['value']} enhancement ({measure})"


def _expansion(row: Mapping[Any, Any]) -> str:
    word = {"none": "not expanded", "expanded": "expanded", "thin": "thin"}[str(row["value"])]
    return f"cord {word} ({_number(row)})"


PHRASES: Mapping[str, Callable[[Mapping[Any, Any]], str]] = {
    "levels": lambda row: str(row["value"]),
    "length": lambda row: f"{_number(row)} long",
    "cord_share": lambda row: f"{_number(row)} of its section",
    "expansion": _expansion,
    "eccentricity": lambda row: f"{row['value']} ({_number(row)} from the middle)",
    "nearest_surface": lambda row: f"{_number(row)} of cord left on the {row['value']} side",
    "t1_signal": _signal, "t2_signal": _signal, "stir_signal": _signal, "pd_signal": _signal,
    "heterogeneity": lambda row: str(row["value"]),
    "margin": lambda row: f"{row['value']} edge ({_number(row)})",
    "enhancement": _enhancement,
    "enhancement_pattern": lambda row: f"{row['value']}, {_number(row)} of it",
    "smallest_enhancing_seen": lambda row: f"a nodule would show from {_number(row)}",
    "tumoral_cyst": _hollow, "polar_cyst_above": _hollow, "polar_cyst_below": _hollow, "syrinx": _hollow,
    "oedema_above": _hollow, "oedema_below": _hollow,
    "blood_cap": lambda row: f"cap of low signal ({', '.join([*_known_number(row), str(row['reason'])])})",
    "adc": lambda row: f"ADC {_number(row)} × 10⁻³ mm²/s",
    "adc_ratio": lambda row: f"{_number(row)} × cord",
}  # fmt: skip
"""Finding to how it is said in a line."""


def table_names(findings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and title of each finding in dictated order, spectra after the list."""
    for _, names in LINES:
        yield from ((name, NAMES[name]) for name in names if name in findings)
    yield from ((name, name_of(name)) for name in sorted(findings) if name.startswith(METABOLITE))
