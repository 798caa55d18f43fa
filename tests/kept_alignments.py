"""Imported by the server that workers are forked from: scans that were aligned in an earlier test are not again.

A patient's alignments are most of the time of a run, and many tests run the same two visits, each into a folder of its
own. Kept by content, code and libraries (:func:`tests.finished_runs.finished`), as the program keeps its own steps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from pipeline.align import registration
from tests.finished_runs import finished

KEPT = ("align", "align_within_visit", "closure_mm")


def keeping(make: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(make)
    def kept(*inputs: Any, **named: Any) -> Any:
        return finished(make, *inputs, **named)

    return kept


for name in KEPT:
    setattr(registration, name, keeping(getattr(registration, name)))
