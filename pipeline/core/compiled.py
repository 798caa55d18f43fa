"""Inner loops over voxels compiled to machine code: the only module that imports numba.

Numba is imported when the first such loop runs, since pages and most commands run none. What it compiles is kept beside
the source file, or in the user's cache where that folder cannot be written to, so that only the first run after an
installation compiles; a loop that can be kept nowhere is compiled for each process. A folder that is named from where
a command was started (``XDG_CACHE_HOME`` or ``NUMBA_CACHE_DIR`` empty or not from ``/``) is not used: that would write
into a study, and run what lies in it. One thread, and no rearranged sums:
the same numbers come out on every run.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def compiled(loop: Callable[P, R]) -> Callable[P, R]:
    """Return a function whose body is compiled when it is first called.

    Parameters
    ----------
    loop
        Takes arrays and numbers by place, and calls no other function of this package.
    """

    @cache
    def machine_code() -> Callable[P, R]:
        import numba  # noqa: PLC0415  # takes a third of a second: only where a loop runs
        from numba.core import config  # noqa: PLC0415
        from numba.misc.appdirs import AppDirs  # noqa: PLC0415

        config._config_fname = ""  # its file in the current folder could name a folder whose code is then run
        config.reload_config()
        if not Path(config.CACHE_DIR).is_absolute():
            config.CACHE_DIR = ""
        if not Path(AppDirs("numba").user_cache_dir).is_absolute():
            config.CACHE_LOCATOR_CLASSES = "UserProvidedCacheLocator,InTreeCacheLocator"  # all but the user's own
        try:
            return numba.njit(cache=True)(loop)
        except RuntimeError:  # nowhere to keep it
            return unkept()

    @cache
    def unkept() -> Callable[P, R]:
        import numba  # noqa: PLC0415

        return numba.njit(loop)

    @wraps(loop)
    def run(*arguments: P.args, **named: P.kwargs) -> R:
        try:
            return machine_code()(*arguments, **named)
        except OSError:  # its folder is full or gone by now; the loop has not begun, and reads no file itself
            return unkept()(*arguments, **named)

    return run
