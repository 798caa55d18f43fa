"""Which label of a display mask is which compartment, and the colour it is outlined in."""

from __future__ import annotations

from dashboard.words import labels
from pipeline.core.vocabulary import Compartment

COMPARTMENT_COLOURS: dict[int, tuple[str, str]] = {
    index: (compartment.value, labels.compartment(compartment.value).colour)
    for index, compartment in enumerate(Compartment, start=1)
}
"""Label value (the order of :class:`Compartment`, as display masks are written) to name and CSS colour."""
