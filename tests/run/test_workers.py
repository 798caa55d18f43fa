"""The processes that patients are worked on in: one thread each, our own code only, and ANTs only to align."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.cli import commands, ending
from pipeline.run import workers
from tests.places import ROOT

LOADED = "sorted({'pipeline.run.patient_run', 'pipeline.align.rigid', 'ants'} & set(__import__('sys').modules))"
THREADS = f"[__import__('os').environ.get(name) for name in {workers.THREAD_LIMITS}]"
IN_A_WORKER = f"""
from concurrent.futures import ProcessPoolExecutor
from pipeline.run import workers
if __name__ == '__main__':
    context = workers.worker_context([workers.STORY])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        with workers.one_thread_each():
            asked = [pool.submit(eval, words) for words in ({LOADED!r}, {THREADS!r})]
        print(*[one.result() for one in asked], sep='\\n')
"""


def python(words: str, folder: Path, code: int = 0, path: str = str(ROOT)) -> list[str]:
    """Run a script that lies elsewhere, as an installed command does, in a folder of the user's."""
    script = folder.with_name(f"{folder.name}-bin") / "command.py"
    script.parent.mkdir()
    script.write_text(words, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name not in workers.THREAD_LIMITS}
    done = subprocess.run(
        [sys.executable, script], cwd=folder, env={**environment, "PYTHONPATH": path},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not forked there")
def test_a_worker_has_the_story_ready_without_ants_one_thread_and_none_of_the_user_s_code(tmp_path: Path) -> None:
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "__init__.py").write_text("raise SystemExit('the user\\'s own code was run')\n")
    loaded, threads = python(IN_A_WORKER, tmp_path)
    assert loaded == "['pipeline.run.patient_run']"
    assert threads == str(["1"] * len(workers.THREAD_LIMITS))


def test_the_environment_is_as_before_once_workers_are_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with workers.one_thread_each():
        assert [os.environ[name] for name in workers.THREAD_LIMITS] == ["1"] * len(workers.THREAD_LIMITS)
    assert os.environ["OMP_NUM_THREADS"] == "8"
    assert "MKL_NUM_THREADS" not in os.environ


TWICE = """
import sys
from datetime import date, datetime
from pathlib import Path
from pipeline.run.study_run import RunSettings, run
from pipeline.study.import_numbers import import_table
if __name__ == '__main__':
    here = Path.cwd()
    import_table(here / 'volumes.csv', None, here / 'study', date(2026, 1, 1))
    day = datetime(2026, 1, 1)
    settings = RunSettings(here / 'study', here / 'out', 'imsct_adapted_v1', None, 1, day.date(), day)
    for _ in range(2):
        print(run(settings, lambda *_: None).computed)
    import pipeline.run.patient_run
    print('ants' in sys.modules)
"""


def test_a_run_without_scans_and_one_without_changes_never_import_ants(tmp_path: Path) -> None:
    (tmp_path / "volumes.csv").write_text("patient_id,date,compartment,volume_mm3\np1,2020-01-01,tumour,1000\n")
    assert python(TWICE, tmp_path) == ["('sub-p1',)", "()", "False"]


ABANDONED = """
import os, signal
from concurrent.futures import ProcessPoolExecutor
from pipeline.run import workers
if __name__ == '__main__':
    context = workers.worker_context([])
    pool = ProcessPoolExecutor(1, mp_context=context, initializer=workers.end_with_parent)
    with workers.one_thread_each():
        print(pool.submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the test asks the system for a process as POSIX does")
def test_a_worker_ends_when_the_run_that_started_it_is_killed(tmp_path: Path) -> None:
    (worker,) = python(ABANDONED, tmp_path, -signal.SIGKILL)
    for _ in range(300):
        try:
            os.kill(int(worker), 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.kill(int(worker), signal.SIGKILL)
    pytest.fail("the worker went on, and would write to a folder that another run may hold")


BUSY = """
import ctypes, os, signal, time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from pipeline.run import workers
def busy():
    print(os.getpid(), os.getppid(), flush=True)
    Path('busy').touch()
    ctypes.PyDLL(None).sleep(600)
if __name__ == '__main__':
    context = workers.worker_context([])
    pool = ProcessPoolExecutor(1, mp_context=context, initializer=workers.end_with_parent)
    with workers.one_thread_each():
        pool.submit(busy)
    while not Path('busy').exists():
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGKILL)
"""
READING = """
import os, signal, threading, time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from pipeline.run import workers
def die_once_it_reads():
    while not Path('busy').exists():
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGKILL)
if __name__ == '__main__':
    threading.Thread(target=die_once_it_reads).start()
    with workers.one_thread_each():
        ProcessPoolExecutor(1, mp_context=workers.worker_context(['slow'])).submit(os.getpid).result()
"""
SLOW = "import os, time; print(os.getpid(), flush=True); open('busy', 'w').close(); time.sleep(600)"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does not end processes with their parent")
@pytest.mark.parametrize("words", [BUSY, READING], ids=["in compiled code", "reading libraries"])
def test_nothing_of_a_killed_run_is_left_whatever_it_is_at(words: str, tmp_path: Path) -> None:
    modules = tmp_path.with_name(f"{tmp_path.name}-modules")
    modules.mkdir()
    (modules / "slow.py").write_text(SLOW, encoding="utf-8")
    path = os.pathsep.join((str(ROOT), str(modules)))
    processes = [int(pid) for line in python(words, tmp_path, -signal.SIGKILL, path) for pid in line.split()]
    assert processes
    for _ in range(300):
        if not [pid for pid in processes if Path(f"/proc/{pid}").exists()]:
            return
        time.sleep(0.1)
    for pid in processes:
        os.kill(pid, signal.SIGKILL)
    pytest.fail("a process went on for nobody")


def test_a_command_that_is_ended_while_its_libraries_are_read_says_so(tmp_path: Path) -> None:
    """Somebody presses Ctrl+C right after having typed the command."""
    (tmp_path / "typer.py").write_text(
        "import os, signal, sys; os.kill(os.getpid(), signal.SIGINT)\n"
        f"sys.path.remove({str(tmp_path)!r}); del sys.modules['typer']; import typer\n",
        encoding="utf-8",
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    command = [sys.executable, "-P", "-m", "pipeline", "status", "out"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 128 + signal.SIGINT
    assert done.stderr == "cordtrack: ended by SIGINT; it only reads, and nothing was changed\n"


LEFT = """
import os, signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import forkserver
from pipeline.run import workers
connect = forkserver.connect_to_new_process
def and_die(fds):
    connect(fds)
    os.kill(os.getpid(), signal.SIGKILL)
if __name__ == '__main__':
    context = workers.worker_context([])
    forkserver.connect_to_new_process = and_die
    ProcessPoolExecutor(1, mp_context=context).submit(os.getpid).result()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the test asks the system for a process as POSIX does")
def test_a_worker_whose_run_dies_while_it_starts_says_nothing(tmp_path: Path) -> None:
    script = tmp_path / "command.py"
    script.write_text(LEFT, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == -signal.SIGKILL
    assert "Traceback" not in run.stderr


ENDED = """
import os, signal, time
from pathlib import Path
from types import SimpleNamespace
from pipeline.cli import ending
from pipeline.run import workers
def endless(patient, out_dir, rules):
    (out_dir / patient.patient.patient_id).write_text(str(os.getpid()))
    time.sleep(600)
workers._process = endless
if __name__ == '__main__':
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # tests may run under nohup
    ending.obey_signals()
    one = SimpleNamespace(patient=SimpleNamespace(patient_id='sub-p1'), visits=())
    out = Path.cwd()
    print(os.getpid(), flush=True)
    list(workers.work_on([one], workers.Rules((), None), out, 1))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the test asks the system for a process as POSIX does")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_run_that_is_asked_to_end_ends_its_workers_and_says_what_is_kept(
    tmp_path: Path, number: signal.Signals
) -> None:
    script = tmp_path.with_name(f"{tmp_path.name}-bin") / "command.py"
    script.parent.mkdir()
    script.write_text(ENDED, encoding="utf-8")
    run = subprocess.Popen(
        [sys.executable, script, "run"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    begun = tmp_path / "sub-p1"
    while not (begun.is_file() and begun.read_text()):
        assert run.poll() is None, run.stderr
        time.sleep(0.1)
    run.send_signal(number)
    _, spoken = run.communicate(timeout=60)  # the patient alone would take ten minutes
    assert run.returncode == 128 + number
    assert f"ended by {number.name}; what was finished is kept" in spoken
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text()), 0)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="the system knows no closed terminal")
def test_a_closed_terminal_ends_no_command_that_nohup_started() -> None:
    code = (
        "import os, signal; from pipeline.cli import ending; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
        "ending.obey_signals(); os.kill(os.getpid(), signal.SIGHUP); print('goes on'); "
        "os.kill(os.getpid(), signal.SIGTERM)"
    )
    command = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (command.stdout.strip(), command.returncode) == ("goes on", 128 + signal.SIGTERM)


def test_a_query_that_a_signal_broke_off_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB answers with an error of its own when a command is asked to end while it works."""

    def interrupted(**_: object) -> None:
        with pytest.raises(SystemExit):
            ending.end(signal.SIGTERM, None)
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr(ending, "obey_signals", lambda: None)
    monkeypatch.setattr(ending, "asked_to_end", [])
    monkeypatch.setattr(commands, "app", interrupted)
    with pytest.raises(SystemExit, match="143"):
        commands.main()
    monkeypatch.setattr(ending, "asked_to_end", [])
    monkeypatch.setattr(commands, "app", lambda **_: (_ for _ in ()).throw(RuntimeError("a fault of ours")))
    with pytest.raises(RuntimeError, match="a fault of ours"):
        commands.main()


LOCK_GONE = """
from multiprocessing import get_context, synchronize
import pipeline.run.worker_start
handle = get_context("forkserver").Lock()._semlock
fresh = synchronize.Lock.__new__(synchronize.Lock)
fresh.__setstate__((handle.handle, handle.kind, handle.maxvalue, "/gone"))
"""
FILE_GONE = "import pipeline.run.worker_start; open('/gone')"


@pytest.mark.parametrize(("what", "is_silent"), [(LOCK_GONE, True), (FILE_GONE, False)])
def test_a_lock_that_the_run_took_away_is_no_crash_and_a_file_that_is_missing_is_one(
    what: str, is_silent: bool
) -> None:
    command = [sys.executable, "-P", "-c", what]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert ("FileNotFoundError" not in done.stderr) == is_silent, done.stderr
