"""A command that is asked to end says what is true of that command, and breaks no library off while it is read."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer.main

from pipeline.cli import commands, ending, pages_command
from tests.places import ROOT


def names(group: typer.main.TyperGroup, before: str = "") -> list[str]:
    listed = []
    for name, command in group.commands.items():
        whole = f"{before}{name}"
        listed += names(command, f"{whole} ") if isinstance(command, typer.main.TyperGroup) else [whole]
    return listed


def test_there_is_a_sentence_for_each_command_and_for_no_other() -> None:
    group = typer.main.get_command(commands.app)
    assert isinstance(group, typer.main.TyperGroup)
    assert sorted(names(group)) == sorted(ending.WHAT_STANDS)


@pytest.mark.parametrize(
    ("words", "stands"),
    [
        (["run", "study", "out"], "run again to go on"),
        (["run", "dashboard", "out"], "run again to go on"),
        (["dashboard", "out"], "no longer served"),
        (["serve", "study", "out"], "goes on when this is started again"),
        (["note", "out", "comment"], "on record as a whole or not at all"),
        (["journal", "accept", "out"], "on record as a whole or not at all"),
        (["journal", "verify", "out"], "only reads"),
        (["backup", "out", "a.zip"], "no file was left half written"),
        (["import", "a.csv", "study"], "adds what is missing"),
        (["--help"], "nothing was done yet"),
    ],
)
@pytest.mark.parametrize("number", ending.ENDING)
def test_what_is_said_is_true_of_the_command(
    number: int, words: list[str], stands: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["cordtrack", *words])
    monkeypatch.setattr(ending, "asked_to_end", [])
    with pytest.raises(SystemExit) as end:
        ending.end(number, None)
    with pytest.raises(SystemExit):
        ending.end(signal.SIGTERM, None)
    told = capsys.readouterr().err
    assert end.value.code == 128 + number
    assert stands in told
    assert told.count("ended by") == 1


def test_a_terminal_that_is_gone_takes_no_words_and_the_command_ends_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Closed:
        def write(self, _: str) -> None:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(ending, "asked_to_end", [])
    monkeypatch.setattr(sys, "stderr", Closed())
    with pytest.raises(SystemExit, match="129"):
        ending.end(signal.SIGHUP, None)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there it ends at once")
def test_a_library_is_read_to_its_end_before_a_command_leaves(tmp_path: Path) -> None:
    """One in machine code that is broken off while it is read aborts the process with pages of words."""
    (tmp_path / "slow.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(.1)\nprint('read')\n",
        encoding="utf-8",
    )
    code = "from pipeline.cli import ending; ending.obey_signals(); import slow, time; time.sleep(60)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "read\n")
    assert "Traceback" not in done.stderr


def a_sleeper_is_started() -> None:
    with pages_command.ended_together() as processes:
        pages_command.start(processes, [sys.executable, "-c", "import time; time.sleep(60)"], os.environ, ROOT)
        time.sleep(10)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there it ends at once")
def test_a_server_is_ended_though_the_signal_came_while_it_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts a process and is broken off before it is noted would wait for it for ever."""
    start, begun = subprocess.Popen, []

    def broken_off(*arguments: object, **more: object) -> subprocess.Popen[bytes]:
        begun.append(start(*arguments, **more))  # type: ignore[call-overload]
        signal.raise_signal(signal.SIGTERM)
        return begun[-1]

    monkeypatch.setattr(ending, "asked_to_end", [])
    monkeypatch.setattr(subprocess, "Popen", broken_off)
    handlers = {number: signal.signal(number, ending.end) for number in (signal.SIGTERM, signal.SIGALRM)}
    try:
        with pytest.raises(SystemExit, match="143"):
            a_sleeper_is_started()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert begun[0].returncode == -signal.SIGTERM
