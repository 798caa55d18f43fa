"""What the server of the workers is told before it starts any: a worker that nobody waits for any more ends in silence.

Imported by that server alone, before its other modules. A run that is asked to end, or is killed, may do so while a
worker is still being told what to do; that worker then has nobody to answer to, which is no fault of its own. Ctrl+C
reaches every process of a terminal: workers leave it to the run, which ends them. A server that still reads libraries
for workers of a run that is gone does not read on.
"""

from __future__ import annotations

import signal
import sys
import traceback
from multiprocessing import synchronize
from types import TracebackType

from pipeline.files import child_process

NOBODY_THERE = (EOFError, ConnectionError)
"""What a worker meets when the run went away while it was started."""


def end_in_silence(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what nobody caught, but for what only says that the run is gone."""
    if not issubclass(kind, NOBODY_THERE) and not _is_lock_of_a_run_that_ended(error, trace):
        sys.__excepthook__(kind, error, trace)


def _is_lock_of_a_run_that_ended(error: BaseException, trace: TracebackType | None) -> bool:
    """Say whether a worker was told of a lock that its run, which ended in order meanwhile, has taken away."""
    frames = traceback.extract_tb(trace)
    is_lock = bool(frames) and frames[-1].filename == synchronize.__file__ and frames[-1].name == "__setstate__"
    return isinstance(error, FileNotFoundError) and is_lock


signal.signal(signal.SIGINT, signal.SIG_IGN)
child_process.killed_with_parent(child_process.started_by())
sys.excepthook = end_in_silence
