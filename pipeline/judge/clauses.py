"""The parts of a verdict as data: what each part is about, its numbers, days and rule, and the words for them.

A sentence is made from them here and nowhere else, and no page takes a sentence apart. They are stored as JSON with
the assessment. What this module refuses: two clauses that say the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Any

from pipeline.core.written_day import WrittenDay


class ClauseKind(StrEnum):
    """What a part of a verdict is about; the values are stored."""

    NOT_JUDGED = "not_judged"
    BASELINE = "baseline"
    NOT_EVALUABLE = "not_evaluable"
    NONE_SEEN = "none_seen"
    SEEN_AGAIN = "seen_again"
    PERHAPS_AGAIN = "perhaps_again"  # the same where a scan before could not say whether there was tumour
    NEW_TUMOUR = "new_tumour"  # where none was seen, nor treated as far as is known, before
    CHANGE = "change"
    READ = "read"  # a reader's own word, without sizes
    SHRINKAGE = "shrinkage"  # what a shrinkage that is no response amounts to
    NEW_LESION = "new_lesion"
    UNJUDGED_LESION = "unjudged_lesion"
    LESION = "lesion"  # what the worst of several lesions does by itself
    EXCHANGE = "exchange"  # what one lesion gained while another lost as much, on one scan
    LESION_SET = "lesion_set"  # which lesions the numbers of the total speak of
    MIXED = "mixed"  # what enhancing and T2 tumour amount to together
    ELSEWHERE = "elsewhere"  # new tumour that the syndrome explains
    CLINICAL = "clinical"
    CONFIRMATION = "confirmation"
    TREATMENT = "treatment"
    ERROR = "error"  # the measurement error was assumed and not measured; the value is what was assumed, in percent
    PASSED_OVER = "passed_over"
    UNSIGNED = "unsigned"
    REMARK = "remark"


@dataclass(frozen=True)
class Clause:
    """One part of a verdict.

    Attributes
    ----------
    words
        What stands: sizes, days, visits.
    ruling
        Where that lies to the rule and to the error; empty where no rule is held against it.
    on, reference_on
        The days of the scan spoken of and of the one that it is compared with.
    reference
        What the other scan is: baseline or nadir.
    unit
        Of ``value`` and ``reference_value``: mm³, mm² or mm; % where the largest error that was assumed is.
    value, reference_value, ratio, low_ratio, high_ratio
        Sizes, their ratio and its 95 % interval; None where there are none.
    limit_ratio, rule_ratio
        The ratio that measurement error could make at 95 %, on the side of the change, and the rule's own.
    lesion
        Name of the lesion spoken of; None where it is the total.
    change
        The ratio as it is printed, with the decimals that show on which side of the limits it lies.
    """

    kind: ClauseKind
    words: str
    ruling: str = ""
    on: date | None = None
    reference_on: date | None = None
    reference: str | None = None
    unit: str | None = None
    value: float | None = None
    reference_value: float | None = None
    ratio: float | None = None
    low_ratio: float | None = None
    high_ratio: float | None = None
    limit_ratio: float | None = None
    rule_ratio: float | None = None
    change: str | None = None
    lesion: str | None = None

    @property
    def text(self) -> str:
        """The clause in words."""
        return f"{self.words}: {self.ruling}" if self.ruling else self.words


DAYS = ("on", "reference_on")
MAIN = frozenset({
    ClauseKind.NOT_JUDGED, ClauseKind.BASELINE, ClauseKind.NOT_EVALUABLE, ClauseKind.NONE_SEEN, ClauseKind.SEEN_AGAIN,
    ClauseKind.PERHAPS_AGAIN, ClauseKind.NEW_TUMOUR, ClauseKind.CHANGE,
})  # fmt: skip
"""Clauses that usually begin a sentence, and are written so."""


def beside(kind: ClauseKind, words: str) -> tuple[Clause, ...]:
    """Return a clause of words alone; none where there is nothing to say."""
    return (Clause(kind, words),) if words else ()


def distinct(clauses: Iterable[Clause]) -> tuple[Clause, ...]:
    """Return the clauses in order, each said once."""
    return tuple({clause.text: clause for clause in clauses}.values())


def of_total(clauses: Sequence[Clause]) -> Clause | None:
    """Return the main clause on the patient's total, which stands behind that of a lesion that leads the state."""
    return next((clause for clause in clauses if clause.kind != ClauseKind.LESION and clause.lesion is None), None)


def sentence(clauses: Sequence[Clause]) -> str:
    """Make the sentence of a verdict; what usually begins one is written small behind another clause.

    >>> sentence([Clause(ClauseKind.NONE_SEEN, "No solid tumour seen"), Clause(ClauseKind.REMARK, "look at it")])
    'No solid tumour seen; look at it.'
    """
    further = (small(clause.text) if clause.kind in MAIN else clause.text for clause in clauses[1:])
    return "; ".join([*(clause.text for clause in clauses[:1]), *further]) + "."


def small(words: str) -> str:
    """Return words as they stand within a sentence."""
    return f"{words[:1].lower()}{words[1:]}"


def to_json(clauses: Sequence[Clause]) -> str:
    """Write clauses for the store; what is not known is left out, a day of which only the month is known as well."""
    objects = [
        {
            name: value
            for name, value in vars(clause).items()  # plain values all
            if value not in (None, "") and not isinstance(value, WrittenDay)
        }
        for clause in clauses
    ]
    return json.dumps(objects, ensure_ascii=False, default=str)


def from_json(text: str) -> tuple[Clause, ...]:
    """Read clauses from the store.

    >>> from_json(to_json((Clause(ClauseKind.CHANGE, "grew", on=date(2020, 1, 2), ratio=1.5),)))[0].on
    datetime.date(2020, 1, 2)
    """
    return tuple(_clause(row) for row in json.loads(text))


def _clause(row: dict[str, Any]) -> Clause:
    field_names = {field.name for field in fields(Clause)} - {"kind", *DAYS}
    days: dict[str, Any] = {name: date.fromisoformat(row[name]) for name in DAYS if name in row}
    return Clause(ClauseKind(row["kind"]), **{name: row[name] for name in field_names if name in row}, **days)
