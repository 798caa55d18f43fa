"""One publication of the store and what was read of it: queries run beside the page that asks, and are kept."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from pipeline.store.reader import Reader

MOST_KEPT = 512
"""Results of named queries that are kept, those asked for last."""

AT_ONCE = 4
"""Queries that run at the same time: planning one takes longer than running it, and a plan keeps one core busy."""


class Publication:
    """What all readers share while the published file is the same.

    Parameters
    ----------
    reader
        The publication, open for reading.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="query")
        self._kept: OrderedDict[tuple[Any, ...], Future[pd.DataFrame]] = OrderedDict()
        self._lock = Lock()

    def begin(self, name: str, **parameters: Any) -> Future[pd.DataFrame]:
        """Start a named query, unless its result is there or on its way; who needs it later waits less."""
        key = (name, *sorted(parameters.items()))
        with self._lock:
            result = self._kept.pop(key, None) or self._pool.submit(self.reader.query, name, **parameters)
            self._kept[key] = result
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return result

    def query(self, name: str, **parameters: Any) -> pd.DataFrame:
        """Return the rows of a named query; a failure is not kept.

        Raises
        ------
        StoreError
            The store cannot be read.
        """
        result = self.begin(name, **parameters)
        try:
            return result.result()
        except BaseException:
            with self._lock:
                self._kept.pop((name, *sorted(parameters.items())), None)
            raise
