"""A command that is asked to end does so in order and says it, from its first moment on, before its libraries are read.

Nothing but the standard library may be imported here: reading the others takes seconds, in which people press Ctrl+C.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What asks a command to end: Ctrl+C, another program, a terminal that is closed."""
HANGUP = getattr(signal, "SIGHUP", None)
asked_to_end: list[int] = []
"""The signal that asked this command to end; whatever breaks off after that is no crash."""


def obey_signals() -> None:
    """Let this process end in order when it is asked to, and say that it was.

    Who started it with ``nohup`` wants it to outlive the terminal: a closed terminal that is ignored stays ignored.
    """
    for number in ENDING:
        if number != HANGUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)


def end(number: int, _frame: FrameType | None) -> None:
    """End in order: what is open is closed on the way, workers included."""
    asked_to_end.append(number)
    reason = signal.Signals(number).name
    sys.stderr.write(f"cordtrack: ended by {reason}; what was finished is kept, run again to go on\n")
    sys.exit(128 + number)
