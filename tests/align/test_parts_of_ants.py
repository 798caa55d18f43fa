"""What no alignment uses of ANTs is loaded when somebody asks for it, and is whole then."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from pipeline.align import rigid

LEFT_OUT = "{'ants.learn.decomposition', 'matplotlib.pyplot', 'sklearn'} & set(sys.modules)"


def said(words: str) -> str:
    """Run a program in a process of its own, and return what it prints."""
    program = f"import sys\nimport pipeline.align.rigid\nimport ants\n{words}"
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()


def test_an_alignment_loads_no_figures_and_no_learning() -> None:
    assert said(f"print({LEFT_OUT})") == "set()"


def test_what_was_left_out_is_there_when_asked_for() -> None:
    words = "import ants.learn\nprint(ants.plot.__module__, ants.learn.sparse_decom2 is ants.sparse_decom2)"
    assert said(words) == "ants.plotting.plot True"


def test_a_name_that_is_nowhere_is_said_to_be_missing() -> None:
    assert said("print(hasattr(ants, 'nowhere'), hasattr(ants, 'nowhere'))") == "False False"


def test_a_name_that_begins_with_an_underscore_loads_nothing() -> None:
    assert said(f"print(hasattr(ants, '_repr_html_'), {LEFT_OUT})") == "False set()"


def package_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_out: str) -> ModuleType:
    """A package, and a module that was left out of it."""
    package = ModuleType("half")
    (tmp_path / "half_figures.py").write_text(left_out, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "half_figures", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "half", package)
    rigid._completed(package, ("half_figures",))
    return package


def test_what_cannot_be_loaded_is_said_to_each_who_asks_and_found_once_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = package_of(tmp_path, monkeypatch, "import nowhere_at_all")
    for _ in range(2):
        with pytest.raises(AttributeError, match=r"has no attribute 'draw'.*nowhere_at_all") as caught:
            _ = package.draw
        assert isinstance(caught.value.__cause__, ImportError)
    monkeypatch.setitem(sys.modules, "nowhere_at_all", ModuleType("nowhere_at_all"))
    with pytest.raises(AttributeError, match=r"has no attribute 'draw'$"):
        _ = package.draw


def test_what_is_loaded_may_ask_the_package_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = package_of(tmp_path, monkeypatch, "import half\nhad = hasattr(half, 'draw')\ndraw = 'drawn'\n")
    assert (package.draw, package.had) == ("drawn", False)


def test_two_threads_that_ask_at_once_both_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = package_of(tmp_path, monkeypatch, "import time\ntime.sleep(0.3)\ndraw = 'drawn'\n")
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: package.draw, range(2))) == ["drawn", "drawn"]
