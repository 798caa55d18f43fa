"""Short ways to write a patient's course in a test: days from 2020-01-01, volumes in mm³."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any

from pipeline.core.vocabulary import (
    FunctionGrade,
    MaskOrigin,
    PartSize,
    PatientCourse,
    TreatmentEvent,
    TreatmentKind,
    VisitJudgement,
    VisitMeasure,
)
from pipeline.judge import criteria_files
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.response import judge

START = date(2020, 1, 1)
CV = 0.05
"""A well measured volume: the detection limit of two such is +15 %."""

ORIGINS = {"auto": MaskOrigin.AUTOMATIC, "manual": MaskOrigin.MANUAL, "edited": MaskOrigin.EDITED}

PARTS = {"cyst": ("cyst", False), "autocyst": ("cyst", True), "enh": ("enhancing", False)}
SIZES = {"product": "product_mm2", "longest": "longest_mm", "newmm3": "new_tumour_mm3"}


def on(day: int) -> date:
    return START + timedelta(days=day)


def visit(day: int, volume_mm3: float | None, **more: Any) -> VisitMeasure:
    more.setdefault("volume_cv", CV if volume_mm3 else None)
    if volume_mm3 is None:
        more.setdefault("missing_reason", "the scan moved")
    return VisitMeasure(f"ses-{day:04d}", on(day), volume_mm3, **more)


def course(*visits: VisitMeasure, treatments: tuple[TreatmentEvent, ...] = (), **more: Any) -> PatientCourse:
    return PatientCourse("sub-01", visits, treatments, **more)


def surgery(day: int, extent: str | None = None) -> TreatmentEvent:
    return TreatmentEvent(TreatmentKind.SURGERY, on(day), on(day), extent)


def radiotherapy(first: int, last: int | None = None) -> TreatmentEvent:
    return TreatmentEvent(TreatmentKind.RADIOTHERAPY, on(first), None if last is None else on(last))


def written_visit(text: str) -> VisitMeasure:
    """Read a visit such as ``95 900 slices=3 auto new``."""
    day, volume, *rest = text.split()
    more: dict[str, Any] = {}
    for word in rest:
        name, _, value = word.partition("=")
        if name in ORIGINS:
            more["mask_origin"] = ORIGINS[name]
        elif name == "cv":
            more["volume_cv"] = None if value == "none" else float(value)
        elif name == "has":
            more["contrasts"] = frozenset(value.split("+"))
        elif name in PARTS:
            compartment, is_unsigned = PARTS[name]
            more[compartment] = PartSize(float(value), CV if float(value) else None, is_unsigned=is_unsigned)
            if compartment == "enhancing":
                more["enhancing_mm3"] = float(value)
                more["enhancing"] = replace(more["enhancing"], slices_spanned=3)
        elif name in SIZES:
            more[SIZES[name]] = float(value)
        else:
            flags = {
                "signed": ("signed_off", True), "new": ("new_lesion", True),
                "seeding": ("leptomeningeal", True), "noseeding": ("leptomeningeal", False),
            }  # fmt: skip
            named = {"slices": "slices_spanned", "plane": "plane", "cert": "certificate", "on": "contrast"}
            key, flag = flags.get(name, (named.get(name, ""), value))
            more[key] = int(flag) if key == "slices_spanned" else flag
    return visit(int(day), None if volume == "none" else float(volume), **more)


def written_course(case: dict[str, Any]) -> PatientCourse:
    """Read a case of the hand-worked tables."""
    treatments = [surgery(day) for day in case.get("surgery", [])]
    for kind in (kind for kind in TreatmentKind if kind != TreatmentKind.SURGERY):
        treatments += [TreatmentEvent(kind, *(on(day) for day in days)) for days in case.get(kind, [])]
    return course(
        *(written_visit(line.partition("->")[0]) for line in case["visits"]),
        treatments=tuple(treatments),
        function_scores=tuple(_written_score(line) for line in case.get("function", [])),
        syndrome=case.get("syndrome"),
        pinned_baselines=tuple(f"ses-{day:04d}" for day in case.get("pinned", [])),
    )


def rules_of(case: dict[str, Any]) -> ResponseCriteria:
    return criteria_files.load(case.get("criteria", criteria_files.DEFAULT_CRITERIA_ID))


def judged(case: dict[str, Any]) -> tuple[VisitJudgement, ...]:
    """Judge a case of the hand-worked tables, once for all tests that look at it."""
    return _judged(json.dumps(case, default=str))


@cache
def _judged(written: str) -> tuple[VisitJudgement, ...]:
    case = json.loads(written)
    return judge(written_course(case), rules_of(case))


def _written_score(text: str) -> FunctionGrade:
    day, scale_id, grade, *other = text.split()
    return FunctionGrade(on(int(day)), scale_id, float(grade), tumour_related=not other)
