"""Do the groups of a figure differ? Test and hazard ratios against the largest group, or why they are not given."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from dashboard.cohort.shared_curves import QUARTERS_NOTE
from dashboard.cohort.survival_groups import Curves, columns
from dashboard.words import labels
from pipeline.cohort import survival
from pipeline.errors import InputError, SettingsError


@dataclass(frozen=True)
class GroupComparison:
    """What tells groups apart.

    Attributes
    ----------
    sentence
        Test and model as a paper would name them, with the answer of the test.
    ratios
        For each group but the largest: name, hazard ratio with its interval, p.
    """

    sentence: str
    ratios: tuple[tuple[str, str, str], ...] = ()


NOTHING = GroupComparison("")


def compare(curves: Curves) -> GroupComparison:
    """Compare the groups of a figure; nothing to say of a single one."""
    names = list(curves.by_name)
    if len(names) < 2:
        return NOTHING
    (test, is_tested), (model, ratios) = _test(curves), _model(curves, names)
    words = [test, model, *([_rounded(curves)] if curves.is_shared and (is_tested or ratios) else [])]
    return GroupComparison(" ".join(words), ratios)


def _rounded(curves: Curves) -> str:
    """Say how days were rounded for what is given."""
    return QUARTERS_NOTE.format(", those of an entry down" if curves.is_truncated else "")


def _test(curves: Curves) -> tuple[str, bool]:
    """Return what the test says, and whether it gives a number."""
    durations, events, entries = columns(curves.rows)
    groups = curves.rows["group"].astype(str).tolist()
    if not curves.outcome.wording.is_competing:
        p_value = survival.log_rank(durations, events, groups, entries).p_value
        return f"Log-rank p = {labels.two_figures(p_value)}, adjusted for nothing.", True
    if curves.is_truncated:
        return "Gray's test: not given with left truncation, for which no kept library has it.", False
    competing = curves.rows["is_competing"].astype(bool).tolist()
    p_value = survival.gray_test(durations, events, competing, groups).p_value
    return f"Gray's test p = {labels.two_figures(p_value)}, adjusted for nothing.", True


def _model(curves: Curves, names: list[str]) -> tuple[str, tuple[tuple[str, str, str], ...]]:
    """Return how the hazard ratios were made and what they are; or why they are not given."""
    durations, events, entries = columns(curves.rows)
    groups = curves.rows["group"].astype(str)
    covariates = {name: (groups == name).astype(float).tolist() for name in names[1:]}
    is_competing = curves.outcome.wording.is_competing
    title = "Fine-Gray subdistribution hazard ratios" if is_competing else "Cox hazard ratios"
    if is_competing and curves.is_truncated:
        return f"{title}: not given with left truncation.", ()
    needed = survival.EVENTS_PER_COVARIATE * len(covariates)
    if sum(events) < needed:
        return f"{title}: not given below {needed} events for {labels.count(len(names), 'group')}.", ()
    try:
        model: survival.Cox | survival.FineGray
        if is_competing:
            competing = curves.rows["is_competing"].astype(bool).tolist()
            model = survival.fine_gray(durations, events, competing, covariates)
        else:
            model = survival.cox(durations, events, covariates, entries)
    except (InputError, SettingsError):
        return f"{title}: not given, since a group has no events that a model could compare.", ()
    reference = labels.words(names[0])
    sentence = f"{title} against {reference}, one covariate for each other group, adjusted for nothing."
    doubts = [f"{labels.capital(labels.words(doubt))}." for doubt in model.warnings]
    return " ".join([sentence, *doubts]), tuple(_ratio(one) for one in model.ratios)


def _ratio(one: survival.HazardRatio | survival.SubdistributionRatio) -> tuple[str, str, str]:
    numbers = [labels.two_figures(number) for number in (one.hazard_ratio, one.low, one.high)]
    return labels.words(one.covariate), f"{numbers[0]} ({numbers[1]} to {numbers[2]})", labels.two_figures(one.p_value)


def table_of(curves: Curves, comparison: GroupComparison) -> pd.DataFrame:
    """Return the ratios as a table; empty where they are not given."""
    against = labels.words(next(iter(curves.by_name))) if curves.by_name else ""
    return pd.DataFrame(comparison.ratios, columns=[f"against {against}", "hazard ratio, 95\u202f% CI", "p"])
