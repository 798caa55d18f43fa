"""What a word in a table of treatments means: a kind, or nothing that anybody here knows.

The names are in ``treatment_names.toml``; a study adds its own beside its treatments. What this module refuses: to
leave out a treatment because its kind is not understood. Such a one is kept as *unknown*, and nothing after it is
judged until somebody says what it was.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.core.records import Finding
from pipeline.core.vocabulary import SYSTEMIC, TreatmentKind
from pipeline.files import toml_rules
from pipeline.study.study_tables import is_complete, read_delimited

NAMES_TABLE = "treatment_names.tsv"
"""A study's own names, beside its treatments: columns ``name`` and ``kind``."""

NOT_DONE = re.compile(
    r"\b(no|not|none|never|without|planned|plan|scheduled|proposed|considered|refused|declined|cancell?ed|stopped|"
    r"pending|offered|held|withheld|deferred|"
    r"kein\w*|nicht|nein|ohne(?!\s+komplik)|geplant\w*|vorgesehen|verschob\w*|abgesagt|abgelehnt|abgebrochen|empfohlen\w*|"
    r"indikation|sans|aucun\w*|pas\s+d\w*|refus\w*|reportee?s?|annul(?:ee?s?|iert|at[ao]|ad[ao])|planifi\w*|prevue?s?|"
    r"programm?(?:ee?s?|at[ao]|ad[ao])|sin(?=\s+[a-z])|sem(?=\s+[a-z])|ningun\w*|rechaz\w*|aplazad[ao]|suspen[ds]\w*|"
    r"senza|nessun\w*|rifiutat[ao]|rinviat[ao]|sospes[ao]|previst[ao]|non(?=\s+\w+(?:ee?|at[ao]|ut[ao]|it[ao])\b)|"
    r"nao|nenhum\w*|recus\w*|adiad[ao]|cancelad[ao]|geen|niet|zonder|gepland\w*|geweigerd|uitgesteld|geannuleerd|propos(?:ee?s?|t[ao])|"
    r"propuest[ao]|attente|attesa|pendiente|pendente|aussteh\w*|diskutiert|discuter)\b"
)
"""Words, without accents, beside which a name is no treatment that was given."""

HAS_DIGIT = re.compile(r"\d")
"""Doses, levels and dates."""

SAYS_NOTHING = frozenset({
    "systemic", "systemictherapy", "systemictreatment", "drug", "drugs", "drugtherapy", "medication", "medicine",
    "medicaltherapy", "medicaltreatment", "pharmacotherapy", "therapy", "treatment", "antitumourtherapy",
    "antitumortherapy", "firstline", "secondline", "thirdline", "firstlinetherapy", "secondlinetherapy",
    "thirdlinetherapy", "line",
})  # fmt: skip
"""Plain words in place of a kind, beside which the drug says what it is."""

FINER: Mapping[TreatmentKind, tuple[TreatmentKind, ...]] = {
    **dict.fromkeys((*SYSTEMIC, TreatmentKind.OTHER), SYSTEMIC),
    TreatmentKind.RADIOTHERAPY: (TreatmentKind.RADIOSURGERY,),
}
"""Kinds under which people write another one, told by the drug or the machine beside it."""


@cache
def packaged() -> Mapping[str, TreatmentKind]:
    """Return the packaged names, plain, with the kind each means."""
    table = _table()
    pairs = (*table.items(), *table["of_other_languages"].items())
    return {plain(name): TreatmentKind(kind) for kind, names in pairs if isinstance(names, list) for name in names}


@cache
def _table() -> Mapping[str, Any]:
    return toml_rules.packaged("pipeline.study", "treatment_names.toml")


@cache
def _of_other_languages() -> frozenset[str]:
    return frozenset(plain(name) for names in _table()["of_other_languages"].values() for name in names)


@cache
def _harmless() -> frozenset[str]:
    return frozenset(plain(word) for word in _table()["harmless"]["words"])


def names_beside(treatments: Path, findings: list[Finding]) -> Mapping[str, TreatmentKind]:
    """Return the names that apply to a table of treatments: the packaged ones and those of a table beside it."""
    path = treatments.parent / NAMES_TABLE
    names = dict(packaged())
    for row in read_delimited(path, path.parent, ("name", "kind"), findings) if path.is_file() else []:
        if not is_complete(row, ("name", "kind"), findings):
            continue
        kind = names.get(plain(row.cells["kind"] or ""))
        if kind is None:
            kinds = ", ".join(kind for kind in TreatmentKind if kind != TreatmentKind.UNKNOWN)
            findings.append(
                row.problem("word_unknown", f"expected one of {kinds} in kind, found '{row.cells['kind']}'")
            )
        else:
            names[plain(row.cells["name"] or "")] = kind
    return names


def kind_named(text: str | None, names: Mapping[str, TreatmentKind]) -> TreatmentKind:
    """Return what a text means; unknown for one that names no kind, or several.

    Examples
    --------
    >>> [str(kind_named(text, packaged())) for text in ("Re-Operation", "Gamma Knife SRS", "surgery and RT", "no RT")]
    ['surgery', 'radiosurgery', 'unknown', 'unknown']
    """
    whole = plain(text or "")
    if whole in names:
        return names[whole]
    folded = _folded(text or "")
    words = re.findall(r"[^\W_]+", folded)
    if not words or NOT_DONE.search(folded):
        return TreatmentKind.UNKNOWN
    kinds = _inside(words, names)
    return kinds.pop() if len(kinds) == 1 else TreatmentKind.UNKNOWN


def kind_of(
    written: str | None, agent: str | None, extent: str | None, names: Mapping[str, TreatmentKind]
) -> TreatmentKind:
    """Return what a row means: its kind, else what drug or extent of resection say where it says nothing.

    A drug of one kind written under another one (nivolumab as chemotherapy, gamma knife as radiotherapy) is what it
    is, for its own rules apply: swelling after it, and what its stop does.

    Examples
    --------
    >>> [str(kind_of(*row, None, packaged())) for row in (("systemic therapy", "belzutifan"), ("chemo", "nivolumab"))]
    ['targeted', 'immunotherapy']
    """
    kind, by_agent = kind_named(written, names), kind_named(agent, names)
    if kind == TreatmentKind.UNKNOWN and (written is None or plain(written) in SAYS_NOTHING):
        return by_agent if agent else kind_named(extent, names)
    return by_agent if by_agent in FINER.get(kind, ()) else kind


def plain(name: str) -> str:
    """Return a name in lower case without accents, blanks and signs."""
    return re.sub(r"[\W_]+", "", _folded(name))


def _folded(text: str) -> str:
    """Return a text in lower case without accents, however its letters are composed."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _inside(words: list[str], names: Mapping[str, TreatmentKind]) -> set[TreatmentKind]:
    """Return the kinds that whole words of a text name; the longest name first, and no word twice.

    None where a name of another language stands beside a word that is not known to be harmless.
    """
    kinds, left, is_strict = set[TreatmentKind](), list[str](), False
    position = 0
    while position < len(words):
        for length in range(len(words) - position, 0, -1):
            name = "".join(words[position : position + length])
            if name in names:
                kinds.add(names[name])
                is_strict = is_strict or name in _of_other_languages()
                position += length
                break
        else:
            left.append(words[position])
            position += 1
    is_clear = not is_strict or all(word in _harmless() or HAS_DIGIT.search(word) for word in left)
    return kinds if is_clear else set()
