"""A command that is asked to end does so in order and says it, from its first moment on, before its libraries are read.

Nothing but the standard library may be imported here: reading the others takes seconds, in which people press Ctrl+C.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What asks a command to end: Ctrl+C, another program, a terminal that is closed."""
HANGUP = getattr(signal, "SIGHUP", None)
LOOK_AGAIN_S = 0.02
IMPORTING = "<frozen importlib._bootstrap>"
"""File of the code, as Python calls it, that reads a library."""
held_up: list[object] = []
"""What is in hand and is not broken off in the middle."""
asked_to_end: list[int] = []
"""The signal that asked this command to end; whatever breaks off after that is no crash."""

GOES_ON = "what was finished is kept, run again to go on"
READS = "it only reads, and nothing was changed"
WRITES = "no file was left half written, do it again"
ADDS = "what was added is whole and kept, do it again: it adds what is missing"
RECORDS = "it is on record as a whole or not at all, look there before you do it again"
SERVED = "the pages are no longer served; what people put on record is kept"
WHAT_STANDS = {
    "run": GOES_ON,
    "rebuild": GOES_ON,
    "gather": GOES_ON,
    "selftest": WRITES,
    "bench": WRITES,
    "status": READS,
    "check": READS,
    "version": READS,
    "journal verify": READS,
    "journal accept": RECORDS,
    "note": RECORDS,
    "export": WRITES,
    "assess": WRITES,
    "measure": WRITES,
    "register": WRITES,
    "draft": WRITES,
    "packet": WRITES,
    "backup": WRITES,
    "export-dicom": WRITES,
    "export-fhir": WRITES,
    "import": ADDS,
    "import-dicom": ADDS,
    "import-tables": ADDS,
    "restore": ADDS,
    "pull": ADDS,
    "push": "what the archive has taken stays there, do it again for the rest",
    "dashboard": SERVED,
    "serve": f"{SERVED}, and a run that was under way goes on when this is started again",
}
"""What is true of a command that ends early, by its name."""
NOTHING_YET = "nothing was done yet"


def obey_signals() -> None:
    """Let this process end in order when it is asked to, and say that it was.

    Who started it with ``nohup`` wants it to outlive the terminal: a closed terminal that is ignored stays ignored.
    """
    for number in ENDING:
        if number != HANGUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)


def end(number: int, at: FrameType | None) -> None:
    """End in order: what is open is closed on the way, workers included.

    What is in hand (:func:`undisturbed`) is done first. So is a library that is being read: one in machine code that
    is broken off there aborts.
    """
    if not asked_to_end:
        asked_to_end.append(number)
        _say(f"cordtrack: ended by {signal.Signals(number).name}; {what_stands(sys.argv[1:])}\n")
    if hasattr(signal, "setitimer") and (held_up or _is_reading_a_library(at)):
        signal.signal(signal.SIGALRM, end)
        signal.setitimer(signal.ITIMER_REAL, LOOK_AGAIN_S)
        return
    sys.exit(128 + asked_to_end[0])


@contextmanager
def undisturbed() -> Iterator[None]:
    """Do in whole what takes a moment, such as starting a process that has to be ended later."""
    held_up.append(None)
    try:
        yield
    finally:
        held_up.pop()


def _is_reading_a_library(at: FrameType | None) -> bool:
    while at is not None:
        if at.f_code.co_filename == IMPORTING:
            return True
        at = at.f_back
    return False


def what_stands(arguments: Sequence[str]) -> str:
    """Return what is true of the command that is being ended.

    Examples
    --------
    >>> what_stands(["journal", "verify", "out"])
    'it only reads, and nothing was changed'
    >>> what_stands([])
    'nothing was done yet'
    """
    words = [argument for argument in arguments if not argument.startswith("-")]
    return WHAT_STANDS.get(" ".join(words[:2])) or WHAT_STANDS.get(" ".join(words[:1])) or NOTHING_YET


def _say(sentence: str) -> None:
    """Say it, if anybody is there to read it: a terminal that was closed takes no words, and that is no crash."""
    try:
        sys.stderr.write(sentence)
        sys.stderr.flush()
    except OSError:
        pass
