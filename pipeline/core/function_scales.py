"""Scales of function by their names: how people write them, whatever a table calls them.

What this module refuses: to guess a scale that it does not list; that one keeps the name of the table.
"""

from __future__ import annotations

SCALES = {
    "mccormick": ("McCormick", ("I", "II", "III", "IV")),
    "mmccormick": ("modified McCormick", ("I", "II", "III", "IV", "V")),
    "modified_mccormick": ("modified McCormick", ("I", "II", "III", "IV", "V")),
}
"""Scales whose grades are written in Roman numerals, the best first."""


def scale_name(scale_id: str) -> str:
    """Return how people write a scale.

    >>> scale_name("mmccormick"), scale_name("mJOA_18")
    ('modified McCormick', 'mJOA 18')
    """
    return SCALES.get(scale_id.lower(), (scale_id.replace("_", " "), ()))[0]
