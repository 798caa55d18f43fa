"""How wrong the size of a lesion may be that was found clearly smaller than it had been drawn.

Of all masks found again these are the least sure, and in proportion to the change. Where a tumour gives room, cord and
fluid come back in thin layers that the masked visit never showed, and what shines out beyond its new border looks like
tumour: on fine slices a shrinkage is understated. On thick slices tumour, cord and fluid mix, and a shrinkage is found
where there is none.
"""

from __future__ import annotations

import math

from pipeline.core import wording
from pipeline.measure.measurement_error import Z_95
from pipeline.refind.fading_outwards import OutwardFall

WORTH_SAYING = 0.85
"""A lesion found at less than this share of what was drawn counts as found smaller: of 32 tumours of about the same
size or larger on four real cords with known lesions 29 were found above it, all 12 that had shrunk to 68 % or less
below."""

SHRINKAGE_SHARE = 0.3
"""Standard deviation of what was found of a shrinkage, as a share of it (natural log). Chosen on the same cords: of 15
found smaller the stated interval held the truth in 12 without it and in 14 with it, of all 44 in 41 and 43."""

HIDING = 0.7
"""Where the place that a tumour has left differs from it by less than this share of what is expected
(:mod:`pipeline.refind.place_left`), a shrinkage is hidden. Chosen on two hosts with implants whose place was left clear
(0.78 to 0.89: right within 2 %) or brightened by 40 to 55 % of the way to tumour (0.44 to 0.60: 42 to 58 % too large),
and on one real fall to a third of each (0.79: 21 %, 0.33: 71 % too large)."""

HIDDEN_FACTOR, HIDDEN_CV = 1.63, 0.25
"""Where a shrinkage is hidden, tumours were found up to so many times too large, whatever was found of their shrinkage;
and the least standard deviation of ln V there, which makes a 95 % interval reach as far."""

LEAST_SEEN = 0.5
"""The least share of a true shrinkage (natural log) that was found there on fine slices; others were 0.7 to 1."""

RETURNED = 0.03
"""Where fluid beside a lesion that was not found clearly smaller exceeds what is explained by this share of the step
from cord to fluid (:mod:`pipeline.refind.returned_fluid`), it may as well have shrunk and left a scar: no size is told.
Chosen on implants in a real cord and in a phantom that fell by 50 or 65 % and kept 80 or 90 % of their signal (0.07 to
0.19, and 0.04 to 0.09 on thick slices; found up to 3.4 times too large), against unchanged, grown and plainly shrunken
ones (at most 0.00) and two real cords with known lesions (at most 0.01, on thick slices 0.02). Where the masked visit's
own slices are thick, too, such implants gave 0.05 to 0.06 in one cord (0.00 to 0.04 in a noisier one), unchanged and
grown ones at most 0.01."""

NOT_SMALLER = 0.7
"""A lesion found at less than this share of what was drawn was seen to be smaller; its interval says how surely."""

FADING, FADING_SURE, NOT_LARGER = 0.03, 1.4, 1.1
"""Where the signal of a tumour that was found neither clearly smaller nor larger than this many times what was drawn
falls outwards by more than this share of its contrast, and by more than so many of its standard errors
(:mod:`pipeline.refind.fading_outwards`), it may be a smaller rest in a scar: no size is told. Chosen on implants in a
phantom and in two real cords that fell by 50 or 65 % and kept all their room and 70 to 90 % of their signal (14 of 15
fall by 0.03 to 0.25), against unchanged and evenly faded ones (at most 0.02). All
were found at 0.87 to 1.06 of what was drawn; a real tumour that grew by a quarter fell by 0.16."""

HALF_HIDDEN_CV, THIRD_HIDDEN_CV = 0.54, 0.19
"""After a treatment that can shrink it, a tumour found about as large as drawn may be a rest in a scar that looks like
it. With this standard deviation of ln V a 95 % interval reaches down by the largest factor by which such implants were
found too large, 2.9; and where the signal shows that no half of it is scar by 1.45, for a scar as thin as a fall of
30 % leaves does not show. Found clearly smaller, with a place that cannot be read, it may be as wrong as where that
place hides it (``HIDDEN_CV``)."""

SHOWN_FALL, ONE_SIDED = 0.03, 1.64
"""No half of a tumour is scar where its fall outwards is below this share of its contrast, with 95 % one-sided; that of
implants that had fallen by half, in a scar of nine tenths of their signal, was 0.04 to 0.1 where nothing hid it."""


def is_untold(found_mm3: float, drawn_mm3: float, returned_fluid: float | None) -> bool:
    """Say whether a lesion's size cannot be told: found about as large or larger, with fluid where it should be pushed.

    Parameters
    ----------
    returned_fluid
        Unexplained fluid right beside it, share of the step from cord to fluid; None where that cannot be told.

    Examples
    --------
    >>> is_untold(1300.0, 1000.0, 0.1), is_untold(1300.0, 1000.0, 0.0), is_untold(500.0, 1000.0, 0.1)
    (True, False, False)
    """
    return returned_fluid is not None and returned_fluid > RETURNED and found_mm3 >= NOT_SMALLER * drawn_mm3


def untold_in_words(name: str, returned_fluid: float) -> str:
    """Say why the size of a compartment cannot be told.

    Examples
    --------
    >>> untold_in_words("tumour", 0.1)[:74]
    'this scan does not tell whether the tumour grew, or shrank and left a scar'
    """
    return (
        f"this scan does not tell whether the {name} grew, or shrank and left a scar that looks like it: beside what "
        f"looks like {name} there is more fluid than the masked scan explains (by {returned_fluid:.0%} of the step "
        f"from cord to fluid), as beside a cord that has become thinner"
    )


def is_scarred(found_mm3: float, drawn_mm3: float, fall: OutwardFall) -> bool:
    """Say whether what was found at about its old size may be a smaller rest in a scar that kept all its room.

    Examples
    --------
    >>> is_scarred(1000.0, 1000.0, OutwardFall(0.1, 0.02)), is_scarred(1000.0, 1000.0, OutwardFall(0.1, 0.09))
    (True, False)
    """
    is_as_large = WORTH_SAYING * drawn_mm3 <= found_mm3 <= NOT_LARGER * drawn_mm3
    return is_as_large and fall.mean > FADING and fall.mean > FADING_SURE * fall.error


def scarred_in_words(name: str, fall: OutwardFall) -> str:
    """Say why the size of a compartment that fades towards its outline cannot be told.

    Examples
    --------
    >>> scarred_in_words("tumour", OutwardFall(0.1, 0.02))[:85]
    'this scan does not tell whether the tumour kept its size, or shrank and left a scar i'
    """
    return (
        f"this scan does not tell whether the {name} kept its size, or shrank and left a scar in all of its old place: "
        f"from its middle to its outline its signal falls, on average of its sides, by {fall.mean:.0%} (standard error "
        f"{fall.error:.0%}) of its contrast to cord more than on the masked scan, as around a smaller rest"
    )


def is_hidden(left_contrast: float | None) -> bool:
    """Say whether the place that a lesion has left looks so much like it that more may have shrunk than was found."""
    return left_contrast is not None and left_contrast < HIDING


def shrinkage_cv(found_mm3: float, drawn_mm3: float, left_contrast: float | None = None) -> float | None:
    """Return the standard deviation of ln V that a lesion has for being found smaller than it was drawn.

    Parameters
    ----------
    found_mm3
        Volume as found again, mm³.
    drawn_mm3
        Volume as drawn at the masked visit, mm³.
    left_contrast
        How far the place that it has left differs from it, 1 as expected; None where that cannot be told.

    Returns
    -------
    float or None
        None where it was not found clearly smaller and nothing hides that it is, or nothing was found.

    Examples
    --------
    >>> shrinkage_cv(1000 / math.e, 1000.0), shrinkage_cv(900.0, 1000.0), shrinkage_cv(0.0, 1000.0)
    (0.3, None, None)
    >>> shrinkage_cv(1000 / math.e, 1000.0, 0.4), shrinkage_cv(900.0, 1000.0, 0.4)
    (0.3, 0.25)
    """
    least = HIDDEN_CV if is_hidden(left_contrast) else 0.0
    if not found_mm3 or found_mm3 >= (drawn_mm3 if least else WORTH_SAYING * drawn_mm3):
        return None
    return max(least, SHRINKAGE_SHARE * math.log(drawn_mm3 / found_mm3))


def scar_cv(
    found_mm3: float, drawn_mm3: float, fall: OutwardFall | None, left_contrast: float | None = None
) -> float | None:
    """Return the standard deviation of ln V of a lesion that was treated, for a scar that this scan would not show.

    Parameters
    ----------
    found_mm3, drawn_mm3, left_contrast
        As :func:`shrinkage_cv`.
    fall
        How its signal falls outwards; None where that cannot be told: on thick slices, or where its tissue changed.

    Returns
    -------
    float or None
        None where it was found larger than a scar is, where it is gone, and where the place that it left can be read.

    Examples
    --------
    >>> scar_cv(1000.0, 1000.0, None), scar_cv(1000.0, 1000.0, OutwardFall(0.0, 0.01)), scar_cv(600.0, 1000.0, None)
    (0.54, 0.19, 0.25)
    >>> scar_cv(1300.0, 1000.0, None), scar_cv(600.0, 1000.0, None, left_contrast=0.9), scar_cv(0.0, 1000.0, None)
    (None, None, None)
    """
    if not 0 < found_mm3 <= NOT_LARGER * drawn_mm3:
        return None
    if found_mm3 < WORTH_SAYING * drawn_mm3:
        return HIDDEN_CV if left_contrast is None else None
    is_shown = fall is not None and fall.mean + ONE_SIDED * fall.error < SHOWN_FALL
    return THIRD_HIDDEN_CV if is_shown else HALF_HIDDEN_CV


def scar_in_words(name: str, cv: float) -> str:
    """Say that a lesion that was treated may be smaller than it was found.

    Examples
    --------
    >>> scar_in_words("tumour", 0.54)[:79]
    'after a treatment that can shrink it, this scan does not tell the tumour from a'
    """
    return (
        f"after a treatment that can shrink it, this scan does not tell the {name} from a scar that looks like it, so "
        f"that it may be smaller (on known lesions of this kind the size found was up to {math.exp(Z_95 * cv):.1f} "
        f"times the true one); draw it on this scan"
    )


def shrinkage_in_words(
    name: str, found_mm3: float, drawn_mm3: float, drawn_at: str, left_contrast: float | None = None
) -> str:
    """Say how sure the size of a lesion is that was found smaller than it had been drawn.

    Parameters
    ----------
    name
        The compartment.
    found_mm3, drawn_mm3, left_contrast
        As :func:`shrinkage_cv`; neither size is 0.
    drawn_at
        The masked visit.

    Examples
    --------
    >>> shrinkage_in_words("tumour", 600.0, 1200.0, "ses-01").split("; ")[0]
    'the tumour was found again, -50 % against what is drawn at ses-01'
    """
    ratio = found_mm3 / drawn_mm3
    least = ratio ** (1 / LEAST_SEEN)
    by_how_much = f"the {name} was found again, {wording.change_of(ratio)} against what is drawn at {drawn_at}"
    if left_contrast is not None and is_hidden(left_contrast):
        differs = f"{max(left_contrast, 0):.0%}"
        return (
            f"{by_how_much}, and it may be smaller yet: the place that it left differs from it by {differs} of what "
            f"cord would, so that this scan hardly tells {name} from the place it left (on known lesions of this kind "
            f"the size found was up to {HIDDEN_FACTOR:.1f} times the true one); draw it on this scan"
        )
    return (
        f"{by_how_much}; on known lesions half of a shrinkage was missed at worst (that would be "
        f"{wording.change_of(least)} here), and on thick slices some was found where there was none"
    )
