"""How findings here agree with what was published of the recorded histology and of others: frequencies, no diagnosis.

What this module refuses: a probability of any diagnosis, a frequency without its source, and a mismatch from a finding
that is not sure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from pipeline.core.finding_terms import TERMS, LesionFinding
from pipeline.errors import SettingsError
from pipeline.files import toml_rules

FILE = "frequencies_v1.toml"
HISTOLOGIES = ("ependymoma", "astrocytoma", "haemangioblastoma", "ganglioglioma", "subependymoma", "metastasis")
RARE_PERCENT = 5.0
"""What is met in fewer of a histology than this is a note for the board. This project's own limit."""


@dataclass(frozen=True)
class Frequency:
    """How often one term of a finding was met in a histology; ``n`` people, 0 where that was not passed on."""

    histology: str
    finding: str
    term: str
    low_percent: float
    high_percent: float
    n: int
    mark: str
    source: str


@dataclass(frozen=True)
class Frequencies:
    """All published frequencies, and what is always said beside them."""

    version: str
    caution: str
    frequency: tuple[Frequency, ...]


@dataclass(frozen=True)
class HistologyFit:
    """One published frequency beside what is found here; ``note`` is for the board, None where nothing is odd."""

    frequency: Frequency
    value: str
    is_recorded: bool
    note: str | None


@cache
def packaged() -> Frequencies:
    """Return the packaged frequencies.

    Raises
    ------
    SettingsError
        The file was changed into one that cannot be used.
    """
    table: Frequencies = toml_rules.fill(Frequencies, toml_rules.packaged("pipeline.description", FILE), FILE)
    faults = [
        f"{one.finding} {one.term} of {one.histology}"
        for one in table.frequency
        if one.histology not in HISTOLOGIES
        or one.term not in TERMS.get(LesionFinding(one.finding), ())
        or not 0 <= one.low_percent <= one.high_percent <= 100
        or not one.source
    ]
    if faults:
        raise SettingsError(f"{FILE}: no such histology, term or share: {'; '.join(faults)}; correct the file")
    return table


def fits(sure: Mapping[str, str], histology: str | None, table: Frequencies) -> Iterator[HistologyFit]:
    """Yield every published frequency of a finding that is sure here, the recorded histology's among them.

    Parameters
    ----------
    sure
        Finding to term, of those that are sure.
    histology
        As recorded; None or another word where it is not known.

    Examples
    --------
    >>> [fit.note for fit in fits({"eccentricity": "left"}, "ependymoma", packaged())]
    ['left; ependymoma: central in 100 % of 47']
    """
    recorded = (histology or "").lower()
    for one in table.frequency:
        value = sure.get(one.finding)
        if value is None:
            continue
        is_recorded = one.histology in recorded
        usual = one.high_percent if value == one.term else 100.0 - one.low_percent
        is_odd = is_recorded and usual < RARE_PERCENT
        people = f" of {one.n}" if one.n else ""
        note = f"{value}; {one.histology}: {one.term} in {one.low_percent:g} %{people}" if is_odd else None
        yield HistologyFit(one, value, is_recorded, note)
