"""What the code imports is what ``pyproject.toml`` declares: no more, no less, each in the set of those who need it."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from pipeline.files import fingerprints
from tests.places import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OWN = {"pipeline", "dashboard"}
EXTRAS = {
    "cluster": ROOT / "pipeline" / "run" / "executors",
    "hospital": ROOT / "pipeline" / "hospital",
    "onnx": ROOT / "pipeline" / "mask_models" / "onnx_model.py",
}
"""Where the imports of an extra stand; all else needs no more than the core."""


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: Sequence[str]) -> set[str]:
    return {plain(re.split(r"[<>=!~;\[ ]", line, maxsplit=1)[0]) for line in requirements}


CORE = declared(PROJECT["dependencies"])
OPTIONAL = {name: declared(lines) for name, lines in PROJECT["optional-dependencies"].items()}


@cache
def distributions() -> Mapping[str, Sequence[str]]:
    """What each installed package is brought by; a second of reading, so not as tests are collected."""
    return packages_distributions()


def modules_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        yield from (name.split(".")[0] for name in names)


def third_party(files: Sequence[Path]) -> dict[str, set[str]]:
    """Each imported package of others, with the distributions that bring it."""
    modules = {module for path in files for module in modules_of(path)}
    return {
        module: {plain(name) for name in distributions().get(module, ())}
        for module in modules - OWN - set(sys.stdlib_module_names)
    }


def sources(extra: str | None) -> list[Path]:
    files = [path for room in sorted(OWN) for path in sorted((ROOT / room).rglob("*.py"))]
    homes = {path: name for path in files for name, home in EXTRAS.items() if home == path or home in path.parents}
    return [path for path in files if homes.get(path) == extra]


@pytest.mark.parametrize("extra", [None, *EXTRAS])
def test_every_import_is_declared(extra: str | None) -> None:
    allowed = CORE | (OPTIONAL[extra] if extra else set())
    imports = third_party(sources(extra))
    assert imports
    missing = sorted(module for module, names in imports.items() if not names & allowed)
    assert not missing, f"declare them in pyproject.toml, in {extra or 'dependencies'}"


@pytest.mark.parametrize("extra", [None, *EXTRAS])
def test_what_is_declared_is_imported(extra: str | None) -> None:
    """What nobody imports is not for users to install; a library that only tests need stands in ``dev``."""
    imported = {name for names in third_party(sources(extra)).values() for name in names}
    assert not (OPTIONAL[extra] if extra else CORE) - imported


def test_only_libraries_of_the_core_stand_in_the_fingerprint_of_results() -> None:
    assert {plain(name) for name in fingerprints.SOFTWARE} <= CORE


def test_nothing_beside_the_dashboards_script_has_the_name_of_a_library() -> None:
    """Streamlit puts the folder of its script first among the places that modules are looked for in."""
    names = {path.stem for path in (ROOT / "dashboard").iterdir() if not path.name.startswith((".", "_"))}
    assert {"app", "app_pages"} <= names
    assert "pages" not in names, "Streamlit would serve each file of such a folder without the navigation of app.py"
    assert not names & (set(sys.stdlib_module_names) | set(distributions()))
