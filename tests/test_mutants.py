"""Faults made on purpose are faults, each changes one place, and the tests that can find them are tried."""

from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mutants.__main__ import RoomScore, equivalent_faults
from tests.mutants.coverage import Coverage
from tests.mutants.faults import Fault, faults_of, with_fault
from tests.mutants.patching import is_run_at_import, put_into_functions
from tests.mutants.trial import FewExamples
from tests.places import ROOT

SOURCE = '''
LIMIT = 5


def grown(now_mm3: float, nadir_mm3: float, ratio: float = 1.4) -> bool:
    """Say whether a tumour has grown."""
    if nadir_mm3 > LIMIT:
        msg = f"expected up to {LIMIT + 1}"
        raise ValueError(msg)
    return now_mm3 >= ratio * nadir_mm3 and not nadir_mm3 < 0
'''


def made() -> dict[str, Fault]:
    return {f"{fault.before} -> {fault.after}": fault for fault in faults_of(SOURCE)}


def test_every_place_that_decides_is_made_wrong_once_and_no_message_is() -> None:
    faults = faults_of(SOURCE)
    assert [fault.after for fault in faults] == ["6", "2.4", "GtE", "Or", "Gt", "Div", "without not", "LtE", "1"]
    assert len({ast.unparse(with_fault(SOURCE, fault)) for fault in faults}) == len(faults)
    assert [(fault.function, fault.line) for fault in faults[:3]] == [("", 2), ("grown", 5), ("grown", 7)]


def test_a_fault_changes_what_the_code_does() -> None:
    faulty: dict[str, object] = {}
    boundary = next(fault for fault in faults_of(SOURCE) if fault.after == "Gt")
    exec(compile(with_fault(SOURCE, boundary), "grown.py", "exec"), faulty)
    assert faulty["grown"](1.4, 1.0) is False  # type: ignore[operator]


def test_a_fault_is_put_into_functions_in_memory_unless_it_is_run_at_import(tmp_path: Path) -> None:
    path = tmp_path / "grown.py"
    path.write_text(SOURCE, encoding="utf-8")
    at_import = [name for name, fault in made().items() if is_run_at_import(path, fault)]
    assert at_import == ["5 -> 6", "1.4 -> 2.4"]
    module: dict[str, object] = {}
    exec(compile(SOURCE, path, "exec"), module)
    imported_before = module["grown"]
    put_into_functions(path, SOURCE, next(fault for fault in faults_of(SOURCE) if fault.after == "Gt"))
    assert imported_before(1.4, 1.0) is False  # type: ignore[operator]


@pytest.mark.parametrize(
    ("line", "rounds"),
    [
        (1, [["b", "a"], ["a.py::other", "starts"]]),  # run by two: quickest first, then what may depend on it
        (9, [["b", "a"], ["a.py::other", "starts", "elsewhere"]]),  # run by none: a line of the module itself
    ],
)
def test_the_tests_that_run_a_line_are_tried_first(line: int, rounds: list[list[str]]) -> None:
    seconds = {"a.py::a": 2.0, "a.py::b": 1.0, "a.py::other": 0.1, "c.py::starts": 5.0, "d.py::elsewhere": 9.0}
    coverage = Coverage({("m.py", 1): frozenset({"a.py::a", "a.py::b"})}, seconds, frozenset({"c.py::starts"}))
    named = [[name.partition("::")[2] for name in names] for names in coverage.rounds("m.py", line)]
    assert named == [[name.partition("::")[2] or name for name in names] for names in rounds]


@pytest.mark.parametrize(("quick_s", "names"), [(3.0, ["b", "a"]), (2.9, ["b"]), (0.5, ["b"])])
def test_a_limit_leaves_the_quickest_tests_that_run_the_line_and_at_least_one(quick_s: float, names: list[str]) -> None:
    coverage = Coverage({("m.py", 1): frozenset({"a", "b"})}, {"a": 2.0, "b": 1.0, "other": 0.1}, frozenset())
    assert coverage.rounds("m.py", 1, quick_s) == [names]


@pytest.mark.parametrize(("usual", "tried"), [(90, 5), (2, 2)])
def test_properties_are_tried_on_few_examples_and_those_with_fewer_stay(usual: int, tried: int) -> None:
    numbers: list[int] = []

    @settings(max_examples=usual)
    @given(st.integers())
    def law(number: int) -> None:
        numbers.append(number)

    def plain() -> None: ...

    FewExamples().pytest_collection_modifyitems([SimpleNamespace(obj=law), SimpleNamespace(obj=plain)])  # type: ignore[list-item]
    law()
    assert len(numbers) == tried


def test_a_score_counts_neither_what_changes_nothing_nor_hides_it() -> None:
    assert RoomScore("judge", 3, 25, 5, ("one", "two")).line() == "| judge | 3 | 25 | 5 | 18 of 20 | 90 % |"


def test_each_fault_that_changes_nothing_still_exists_and_says_why() -> None:
    for (module, *place), why in equivalent_faults().items():
        faults = faults_of((ROOT / module).read_text(encoding="utf-8"))
        assert any([f.function, f.text, f.before, f.after] == place for f in faults), (module, place)
        assert why
