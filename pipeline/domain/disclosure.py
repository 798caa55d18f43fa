"""Counts that leave the hospital: small cells are withheld, since they can point at a person.

What this module refuses: a withheld count that a total would give away.
"""

from __future__ import annotations

from collections.abc import Mapping

FEWEST = 5
"""Smallest count that is shown in a shared export."""


def suppress_small(counts: Mapping[str, int], fewest: int = FEWEST) -> dict[str, int | None]:
    """Withhold counts under a limit, and the next smallest where a single one could be had from the total.

    Parameters
    ----------
    counts
        The cells of one row or column whose total is known, name to number of patients.
    fewest
        Smallest count that is shown.

    Returns
    -------
    dict
        The same names in the same order; None for withheld counts.

    Examples
    --------
    >>> suppress_small({"ependymoma": 40, "astrocytoma": 12, "other": 3})
    {'ependymoma': 40, 'astrocytoma': None, 'other': None}
    >>> suppress_small({"ependymoma": 40, "astrocytoma": 2, "other": 3})
    {'ependymoma': 40, 'astrocytoma': None, 'other': None}
    """
    withheld = {name for name, count in counts.items() if count < fewest}
    shown = {name: count for name, count in counts.items() if name not in withheld}
    if len(withheld) == 1 and shown:
        withheld.add(min(shown, key=lambda name: shown[name]))
    return {name: None if name in withheld else count for name, count in counts.items()}
