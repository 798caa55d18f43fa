"""What no alignment uses of ANTs is loaded when somebody asks for it, and is whole then."""

import subprocess
import sys

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
