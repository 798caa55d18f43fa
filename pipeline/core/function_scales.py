"""Scales of function by their names: how people write them, whatever a table calls them.

What this module refuses: to guess a scale that it does not list; that one keeps the name of the table.
"""

from __future__ import annotations

SCALES = {
    "mccormick": ("McCormick", ("I", "II", "III", "IV", "V")),
    "mmccormick": ("modified McCormick", ("I", "II", "III", "IV", "V")),
    "modified_mccormick": ("modified McCormick", ("I", "II", "III", "IV", "V")),
}
"""Scales whose grades are written in Roman numerals, the best first; many call the modified one, which has a V, by the
name of the other."""


def scale_name(scale_id: str) -> str:
    """Return how people write a scale.

    >>> scale_name("mmccormick"), scale_name("mJOA_18")
    ('modified McCormick', 'mJOA 18')
    """
    return SCALES.get(scale_id.lower(), (scale_id.replace("_", " "), ()))[0]


def highest_grade(scale: str) -> int | None:
    """Return the worst grade of a scale whose grades are listed; None of any other.

    >>> highest_grade("mmccormick"), highest_grade("mccormick"), highest_grade("mJOA_18")
    (5, 5, None)
    """
    return len(SCALES[scale][1]) if scale in SCALES else None


ROMAN = {"I": 1.0, "II": 2.0, "III": 3.0, "IV": 4.0, "V": 5.0}
"""Grades as clinics write them."""


def scale_code(written: str) -> str:
    """Return the one name of a scale that people spell in many ways; of any other what is written.

    >>> [scale_code(name) for name in ("Modified McCormick scale", "mMcCormick", "McCormick (mod.)")]
    ['mmccormick', 'mmccormick', 'mmccormick']
    >>> scale_code("McCormick grade"), scale_code("mJOA_18")
    ('mccormick', 'mJOA_18')
    """
    letters = "".join(letter for letter in written.lower() if letter.isalpha())
    before, name, after = letters.partition("mccormick")
    if not name:
        return written
    beside = before + after.replace("scale", "").replace("grade", "").replace("score", "")
    if beside in ("m", "mod", "modified"):
        return "mmccormick"
    return written if beside else "mccormick"
