"""Limits of the description stand in one file with their sources, none in a module, and none that nothing reads."""

from __future__ import annotations

import ast
import re
from dataclasses import asdict, fields, replace

import pytest

from pipeline.description import description_limits, limit_file
from tests.places import ROOT

ROOM = ROOT / "pipeline" / "description"
OF_THE_METHOD = {
    "contrast_uptake": {"DIAMETERS_MM", "IMPLANTS"},
    "diffusion_fit": {"MM2_S_TO_UM2_MS"},
    "histology_fit": {"RARE_PERCENT"},
    "lesion_edge": {
        "FAR_MM",
        "SAMPLED_MM",
        "MOST_SAMPLES",
        "FIRST_GUESS",
        "LOWEST",
        "HIGHEST",
        "RIMS_MM",
        "RIM_EDGE_MM",
        "RIM_BOUNDS",
    },
    "lesion_scene": {"NEAR_MM", "SAMPLED_MM", "MOST_POINTS", "USUAL_RADIUS_MM", "SHARES"},
    "pole_cover": {"SLABS_MM", "SHIFTS_MM"},
    "same_slice": {"PIXEL_MM"},
    "scan_shift": {"ROUNDS", "PROBE_MM"},
    "seen_edge": {
        "ALONG_MM",
        "CENTRED",
        "CENTRED_ALONG_MM",
        "CORE_MM",
        "DIRECTIONS",
        "FLUID_ALONG_MM",
        "STEP_OUT_MM",
    },
    "spectra": {"POINTS"},
    "tissue_signal": {"TEN_TO_NINETY"},
}
"""Numbers that say how finely something is computed, drawn or tried; and what frequency is odd, beside its table."""


def is_number(value: ast.expr) -> bool:
    """A number, or several of them."""
    if isinstance(value, ast.UnaryOp):
        return is_number(value.operand)
    if isinstance(value, ast.Tuple):
        return all(is_number(one) for one in value.elts)
    return isinstance(value, ast.Constant) and isinstance(value.value, int | float)


def numbers_of(text: str) -> set[str]:
    """Names that a module gives to numbers, also of two that are given at once."""
    names: set[str] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and is_number(node.value):
            target = node.targets[0]
            names |= {one.id for one in (target.elts if isinstance(target, ast.Tuple) else [target])}
    return names


def test_no_module_of_the_description_holds_a_limit() -> None:
    held = {path.stem: numbers_of(path.read_text(encoding="utf-8")) for path in ROOM.glob("*.py")}
    assert {name: numbers for name, numbers in held.items() if numbers} == OF_THE_METHOD


def test_every_section_says_where_its_limits_come_from() -> None:
    for name, section in asdict(limit_file.packaged()).items():
        assert name == "version" or len(section["source"]) > 20, name


def test_every_limit_is_read_somewhere() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in ROOM.glob("*.py"))
    limits = limit_file.packaged()
    names = {
        one.name for part in fields(limits) if part.name != "version" for one in fields(getattr(limits, part.name))
    }
    assert not [name for name in names - {"source"} if not re.search(rf"\.{name}\b", code)]


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [("reference", "fluid_to_mm", 0.1), ("weighting", "mono_up_to", 100.0), ("spectrum", "mostly", 0.001)],
)
def test_limits_in_the_wrong_order_are_refused(section, name, value) -> None:
    limits = limit_file.packaged()
    wrong = replace(limits, **{section: replace(getattr(limits, section), **{name: value})})
    assert [problem for problem in description_limits.problems(wrong) if problem.startswith(f"{section}: ")]
    assert description_limits.problems(limits) == []
