"""Sizes in words: what a metric measures, and its unit, in the one number format of ``wording``."""

from __future__ import annotations

from pipeline.core import wording
from pipeline.core.vocabulary import SOLID, VisitMeasure
from pipeline.judge.criteria import Metric

DIAMETERS = {Metric.PRODUCT: "product of axial diameters", Metric.LONGEST: "sum of longest diameters"}
UNITS = {Metric.VOLUME: "mm³", Metric.PRODUCT: "mm²", Metric.LONGEST: "mm"}
SIZES = {Metric.VOLUME: wording.volume, Metric.PRODUCT: wording.area, Metric.LONGEST: wording.length}


def size(value: float, metric: Metric, figures: int = wording.FIGURES) -> str:
    """Write a size in the unit people use: mL for volumes."""
    return SIZES[metric](value, figures)


def subject(visit: VisitMeasure, metric: Metric) -> str:
    """Say what the sizes of a visit are of."""
    if metric == Metric.VOLUME:
        return visit.subject
    return DIAMETERS[metric] if visit.subject == SOLID else f"{DIAMETERS[metric]} of {visit.subject}"
