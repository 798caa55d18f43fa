"""Numbers as a page prints them, held against exact ones: rounded to the digits that are printed."""

import numpy as np
from numpy.typing import NDArray

NUMBER = r"[+−]?\d+(?:\.\d+)?"


def printed(text: str) -> float:
    """Read a number as a page prints it."""
    return float(text.replace("−", "-").replace("+", ""))


def step_of(text: str) -> float:
    """Return the unit of the last digit that a page prints: of two significant figures in large whole numbers."""
    digits = text.lstrip("+−")
    if "." in digits:
        return 10.0 ** -len(digits.split(".")[1])
    return 10.0 ** max(0, len(digits) - 2) if float(digits) >= 100 else 1.0


def is_rounded(text: str, exact: float) -> bool:
    """Tell whether a printed number is an exact one, rounded to the digits that are printed."""
    value = printed(text)
    return abs(value - exact) <= step_of(text) / 2 * (1 + 1e-6) or (value == -99 and -100 < exact < -98.5)


def is_one_of(text: str, exacts: NDArray[np.float64], *, sign: int = 1) -> bool:
    """Tell whether a printed number is one of some exact ones, in rising order, rounded to the digits printed."""
    value, reach = sign * printed(text), step_of(text) / 2 * (1 + 1e-6)
    place = int(np.searchsorted(exacts, value - reach))
    if place < len(exacts) and exacts[place] <= value + reach:
        return True
    return value == -99 and bool(((exacts > -100) & (exacts < -98.5)).any())
