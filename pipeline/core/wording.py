"""Numbers and days as people read them: the one format of sentences, pages, packets, minutes and the command line.

Two significant figures, volumes in mL, changes in whole percent, dates as ISO. A third figure stands only where two
would contradict the change printed beside them. Text is plain ASCII but for units; ``typeset`` sets it for the page.
What this module refuses: 0 for what is missing, -100 % for what is still there, and a sign before zero.
"""

from __future__ import annotations

import math
import re
from datetime import date

NARROW = "\u202f"
"""Narrow no-break space between a number and its unit, on pages."""

FIGURES = 2
MORE_FIGURES = 3
WHOLE_UP_TO = 100
"""Changes up to this many percent are whole numbers; larger ones have two figures."""

GONE = -100
NEARLY_GONE = -99
"""What a tumour that is still there has lost at most, as printed."""

AGREES_POINTS = 2.0
AGREES_SHARE = 0.05
"""How far a change may lie from the one that a reader works out from the printed volumes: points, or its share."""

MOST_DECIMALS = 4
MM3_PER_ML = 1000.0


def significant(value: float, figures: int = FIGURES) -> str:
    """Write a number with significant figures and no exponent.

    >>> [significant(x) for x in (0, 0.0786, 1.52, 9.96, 87.3, 154, -0.18)]
    ['0', '0.079', '1.5', '10', '87', '150', '-0.18']
    """
    if value == 0:
        return "0"
    rounded = round(value, figures - 1 - math.floor(math.log10(abs(value))))
    places = max(0, figures - 1 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:.{places}f}"


def volume(value_mm3: float, figures: int = FIGURES) -> str:
    """Write a volume in mL.

    >>> volume(1480.0), volume(23.4), volume(1449.0, 3)
    ('1.5 mL', '0.023 mL', '1.45 mL')
    """
    return f"{significant(value_mm3 / MM3_PER_ML, figures)} mL"


def length(value_mm: float, figures: int = FIGURES) -> str:
    """Write a diameter or length in mm."""
    return f"{significant(value_mm, figures)} mm"


def area(value_mm2: float, figures: int = FIGURES) -> str:
    """Write a product of diameters in mm²."""
    return f"{significant(value_mm2, figures)} mm²"


def figures_beside(value: float, *references: float | None) -> int:
    """Return how many figures sizes need so that dividing them gives the change printed beside them.

    Parameters
    ----------
    value, references
        The size now and those that it is compared with, in one unit; a missing one or 0 has no change.

    >>> figures_beside(1449.0, 999.0), figures_beside(1500.0, 1000.0)
    (3, 2)
    """
    agree = all(_agrees(value, reference) for reference in references if reference and value)
    return FIGURES if agree else MORE_FIGURES


def _agrees(value: float, reference: float) -> bool:
    change = 100 * (value / reference - 1)
    shown_change = 100 * (float(significant(value)) / float(significant(reference)) - 1)
    if (shown_change > 0) != (change > 0) and round(change) != 0:
        return False
    return abs(shown_change - float(_change_digits(change))) <= max(AGREES_POINTS, AGREES_SHARE * abs(change))


def _change_digits(change_percent: float, decimals: int = 0) -> str:
    """Write a change in percent without its plus sign: rounded once, never a signed zero, -100 for what is gone."""
    if abs(change_percent) > WHOLE_UP_TO and not decimals:
        return significant(change_percent)
    rounded = round(change_percent, decimals)
    if rounded <= GONE < change_percent:
        return str(NEARLY_GONE) if not decimals else f"-99.{'9' * decimals}"
    return f"{rounded:.{decimals}f}" if rounded else "0"


def change(change_percent: float, decimals: int = 0) -> str:
    """Write a change in percent with its sign.

    >>> change(87.3), change(-12.4), change(-99.8), change(-100), change(154.9), change(-0.3)
    ('+87 %', '-12 %', '-99 %', '-100 %', '+150 %', '0 %')
    """
    digits = _change_digits(change_percent, decimals)
    return f"{'+' if float(digits) > 0 else ''}{digits} %"


def change_of(ratio: float, decimals: int = 0) -> str:
    """Write a ratio as a change.

    >>> change_of(1.87), change_of(0.35), change_of(1.0), change_of(0.002)
    ('+87 %', '-65 %', '0 %', '-99 %')
    """
    is_gone = ratio <= 0
    return change(100 * (ratio - 1) if is_gone else max(100 * (ratio - 1), math.nextafter(GONE, 0)), decimals)


def change_interval(low_percent: float, high_percent: float) -> str:
    """Write the ends of an interval of a change.

    >>> change_interval(-28.0, 188.0)
    '-28 to +190 %'
    """
    return f"{change(low_percent).removesuffix(' %')} to {change(high_percent)}"


def volume_interval(low_mm3: float, high_mm3: float) -> str:
    """Write the ends of an interval of a volume in mL, without the unit."""
    return f"{significant(low_mm3 / MM3_PER_ML)} to {significant(high_mm3 / MM3_PER_ML)}"


def signed_alike(*values: float) -> tuple[str, ...]:
    """Write signed numbers that belong together, such as the ends of an interval, with the same decimals.

    The largest has two figures at least. More decimals stand only where an end would be 0 though all numbers lie on
    one side of it.

    >>> signed_alike(-0.118, -0.24, 0.0048), signed_alike(0.12, 0.0048, 0.24), signed_alike(154.2, -3.2)
    (('-0.12', '-0.24', '0.00'), ('+0.120', '+0.005', '+0.240'), ('+154', '-3'))
    """
    largest = max(map(abs, values))
    if largest == 0:
        return ("0",) * len(values)
    places = max(0, FIGURES - 1 - math.floor(math.log10(largest)))
    if min(values) > 0 or max(values) < 0:
        while any(round(value, places) == 0 for value in values):
            places += 1
    rounded = (round(value, places) + 0.0 for value in values)
    return tuple(f"{'+' if value > 0 else ''}{value:.{places}f}" for value in rounded)


def decimals_apart(ratio: float, *limits: float | None) -> int:
    """Return how many decimals a change and its limits need so that their order can be seen.

    0 where the printed change already lies on the side of each limit that the exact one lies on, or equals it exactly.

    >>> decimals_apart(1.398, 1.4), decimals_apart(1.39, 1.4), decimals_apart(1.4, 1.4)
    (1, 0, 0)
    """
    others = [limit for limit in limits if limit is not None and not math.isclose(limit, ratio, rel_tol=1e-9)]
    for decimals in range(MOST_DECIMALS):
        if all(change_of(ratio, decimals) != change_of(limit, decimals) for limit in others):
            return decimals
    return MOST_DECIMALS


def count(number: int, singular: str, plural: str | None = None) -> str:
    """Write a number of things.

    >>> count(1, "day"), count(3, "day")
    ('1 day', '3 days')
    """
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def day(value: date) -> str:
    """Write a date as ISO."""
    return f"{value:%Y-%m-%d}"


def typeset(text: str) -> str:
    r"""Set minus signs and the space before a percent sign as figures and tables do.

    >>> typeset("is -72 % (95 % CI -91 to -11 %) of 2023-06-20")
    'is −72\u202f% (95\u202f% CI −91 to −11\u202f%) of 2023-06-20'
    """
    return re.sub(r"(?<![\w-])-(?=\d)", "−", text).replace(" %", f"{NARROW}%")
