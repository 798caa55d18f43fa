"""How wrong the size of a lesion may be that was found clearly smaller than it had been drawn.

Of all masks found again these are the least sure, and in proportion to the change. Where a tumour gives room, cord and
fluid come back in thin layers that the masked visit never showed, and what shines out beyond its new border looks like
tumour: on fine slices a shrinkage is understated. On thick slices tumour, cord and fluid mix, and a shrinkage is found
where there is none.
"""

from __future__ import annotations

import math

from pipeline.core import wording

WORTH_SAYING = 0.85
"""A lesion found at less than this share of what was drawn counts as found smaller: of 32 tumours of about the same
size or larger on four real cords with known lesions 29 were found above it, all 12 that had shrunk to 68 % or less
below."""

SHRINKAGE_SHARE = 0.3
"""Standard deviation of what was found of a shrinkage, as a share of it (natural log). Chosen on the same cords: of 15
found smaller the stated interval held the truth in 12 without it and in 14 with it, of all 44 in 41 and 43."""

LEAST_SEEN = 0.5
"""The least share of a true shrinkage (natural log) that was found there on fine slices; others were 0.7 to 1."""


def shrinkage_cv(found_mm3: float, drawn_mm3: float) -> float | None:
    """Return the standard deviation of ln V that a lesion has for being found smaller than it was drawn.

    Parameters
    ----------
    found_mm3
        Volume as found again, mm³.
    drawn_mm3
        Volume as drawn at the masked visit, mm³.

    Returns
    -------
    float or None
        None where it was not found clearly smaller, or nothing was.

    Examples
    --------
    >>> shrinkage_cv(1000 / math.e, 1000.0), shrinkage_cv(900.0, 1000.0), shrinkage_cv(0.0, 1000.0)
    (0.3, None, None)
    """
    if not 0 < found_mm3 < WORTH_SAYING * drawn_mm3:
        return None
    return SHRINKAGE_SHARE * math.log(drawn_mm3 / found_mm3)


def shrinkage_in_words(name: str, found_mm3: float, drawn_mm3: float, drawn_at: str) -> str:
    """Say how sure the size of a lesion is that was found smaller than it had been drawn.

    Parameters
    ----------
    name
        The compartment.
    found_mm3, drawn_mm3
        As :func:`shrinkage_cv`; neither is 0.
    drawn_at
        The masked visit.

    Examples
    --------
    >>> shrinkage_in_words("tumour", 600.0, 1200.0, "ses-01").split("; ")[0]
    'the tumour was found again, -50 % against what is drawn at ses-01'
    """
    ratio = found_mm3 / drawn_mm3
    least = ratio ** (1 / LEAST_SEEN)
    return (
        f"the {name} was found again, {wording.change_of(ratio)} against what is drawn at {drawn_at}; on known lesions "
        f"half of a shrinkage was missed at worst (that would be {wording.change_of(least)} here), and on thick slices "
        f"some was found where there was none"
    )
