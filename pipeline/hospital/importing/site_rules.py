"""Rules that a person writes where the program is unsure or wrong: the first that fits a series decides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.vocabulary import Compartment
from pipeline.errors import InputError, SettingsError
from pipeline.files import toml_rules
from pipeline.hospital.read.instances import SeriesAcquisition
from pipeline.hospital.read.segment_rules import SegmentRule

CONTRASTS = ("T1w", "T1w_ce", "T2w", "STIR", "PDw", "FLAIR", "T2starw", "DWI", "ADC", "skip")
PLANES = ("sag", "ax", "cor", "iso")


@dataclass(frozen=True)
class SiteRule:
    """One rule of a file; every condition that it has must hold.

    Attributes
    ----------
    series
        Name of the series in the report of an earlier import.
    description
        Regular expression found in the series description, protocol or sequence name, in any case.
    manufacturer
        Beginning of the manufacturer's name, in any case.
    echo_time_from_ms, echo_time_to_ms
        Range of the echo time.
    contrast
        One of :data:`CONTRASTS`; ``T1w_ce`` means after contrast agent, ``skip`` leaves the series out.
    plane, chunk
        Where the program's own word is wrong.
    accept_text
        True once somebody has looked and nothing in the pixels identifies anybody.
    accept_incomplete
        True once somebody knows that the images there are all there is, whatever the header announces.
    """

    contrast: str | None = None
    series: str | None = None
    description: str | None = None
    manufacturer: str | None = None
    echo_time_from_ms: float | None = None
    echo_time_to_ms: float | None = None
    plane: str | None = None
    chunk: str | None = None
    accept_text: bool = False
    accept_incomplete: bool = False


@dataclass(frozen=True)
class RuleFile:
    """A file of rules, in order: for series, and for segments of masks."""

    rule: tuple[SiteRule, ...] = ()
    segment: tuple[SegmentRule, ...] = ()


def load(path: Path) -> RuleFile:
    """Read a rules file.

    Raises
    ------
    InputError
        There is no such file.
    SettingsError
        A key, word or expression is not understood.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: expected a file of rules, found none ({error.strerror}); check the path") from error
    rules: RuleFile = toml_rules.fill(RuleFile, toml_rules.parse(content, path.name), path.name)
    for number, rule in enumerate(rules.rule, start=1):
        _check(rule, f"{path.name}: rule {number}")
    for number, segment in enumerate(rules.segment, start=1):
        _check_segment(segment, f"{path.name}: segment {number}")
    return rules


def first_match(rules: Sequence[SiteRule], series: str, acquisition: SeriesAcquisition) -> tuple[int, SiteRule] | None:
    """Return the first rule that fits a series with its number; None without one."""
    return next(((n, rule) for n, rule in enumerate(rules, start=1) if _fits(rule, series, acquisition)), None)


def _fits(rule: SiteRule, series: str, acquisition: SeriesAcquisition) -> bool:
    echo = acquisition.echo_time_ms
    return (
        (rule.series is None or rule.series == series)
        and (
            rule.description is None or re.search(rule.description, acquisition.description, re.IGNORECASE) is not None
        )
        and (rule.manufacturer is None or acquisition.manufacturer.lower().startswith(rule.manufacturer.lower()))
        and (rule.echo_time_from_ms is None or (echo is not None and echo >= rule.echo_time_from_ms))
        and (rule.echo_time_to_ms is None or (echo is not None and echo <= rule.echo_time_to_ms))
    )


def _check_segment(rule: SegmentRule, where: str) -> None:
    if rule.compartment not in list(Compartment):
        raise SettingsError(f"{where}: expected one of {', '.join(Compartment)}, found {rule.compartment!r}")
    if rule.code is None and rule.label is None:
        raise SettingsError(f"{where}: expected a code or a label, found none")


def _check(rule: SiteRule, where: str) -> None:
    if rule.contrast is not None and rule.contrast not in CONTRASTS:
        raise SettingsError(f"{where}: expected a contrast of {', '.join(CONTRASTS)}, found {rule.contrast!r}")
    if rule.plane is not None and rule.plane not in PLANES:
        raise SettingsError(f"{where}: expected a plane of {', '.join(PLANES)}, found {rule.plane!r}")
    if rule.chunk is not None and not re.fullmatch(r"[0-9A-Za-z]+", rule.chunk):
        raise SettingsError(f"{where}: expected letters and digits as chunk, found {rule.chunk!r}")
    conditions = (rule.series, rule.description, rule.manufacturer, rule.echo_time_from_ms, rule.echo_time_to_ms)
    if all(condition is None for condition in conditions):
        raise SettingsError(f"{where}: expected a condition such as series or description, found none")
    try:
        re.compile(rule.description or "")
    except re.error as error:
        raise SettingsError(f"{where}: expected a regular expression, found {rule.description!r} ({error})") from error
