"""A fault put into functions that are imported already, so that the project and its tests are imported only once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from functools import _lru_cache_wrapper
from pathlib import Path
from types import CodeType, FunctionType

from tests.mutants.faults import Fault, with_fault

NEW_LOCALS = 2
"""The flag of code that has names of its own: a function, no module and no body of a class."""


def is_run_at_import(path: Path, fault: Fault) -> bool:
    """Say whether a fault lies in what runs when the module is imported: it must then be imported anew."""
    source = path.read_text(encoding="utf-8")
    before, after = (list(_code_in(compile(text, path, "exec"))) for text in (source, with_fault(source, fault)))
    return len(before) != len(after) or any(
        not old.co_flags & NEW_LOCALS and (old.co_code, _plain(old)) != (new.co_code, _plain(new))
        for old, new in zip(before, after, strict=True)
    )


def put_into_functions(path: Path, source: str, fault: Fault) -> None:
    """Give every function that was made from a module the code with the fault; forget what was kept of results."""
    faulty = compile(with_fault(source, fault), path, "exec")
    codes = {(code.co_qualname, code.co_firstlineno): code for code in _code_in(faulty)}
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename == str(path):
            place = thing.__code__.co_qualname, thing.__code__.co_firstlineno
            thing.__code__ = codes.get(place, thing.__code__)
        elif isinstance(thing, _lru_cache_wrapper):
            thing.cache_clear()


def _code_in(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code_in(constant)


def _plain(code: CodeType) -> list[object]:
    return [(type(constant), constant) for constant in code.co_consts if not isinstance(constant, CodeType)]
