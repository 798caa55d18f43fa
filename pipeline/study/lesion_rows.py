"""Rows of single lesions in a table of sizes: which lesions a visit has, and what they add up to.

What this module refuses: a total without a lesion that nobody looked at, as if it were gone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from pipeline.core.records import Finding
from pipeline.core.vocabulary import Compartment
from pipeline.measure.imported_sizes import UNSEEN, ImportedMeasure, any_seeding
from pipeline.study.own_number_rows import one_measure
from pipeline.study.study_tables import TableRow

WHOLE = frozenset({
    "total", "totals", "sum", "all", "whole", "overall", "combined", "all lesions", "total tumour", "total tumor",
    "whole tumour", "whole tumor", "gesamt", "summe", "alle", "totale", "somme", "tous", "suma", "todas", "totaal",
})  # fmt: skip
"""Names of a row that measures all lesions together: added to them it would double the tumour."""

SUM_SHARE = 1e-3
"""So near to the sum of all others of its day a lesion is that sum; programs round to a thousandth."""
FEWEST_SUMMED = 2


def lesion_of(row: TableRow) -> str | None:
    """Return which lesion a row measures; None where it is the whole tumour, by a name such as ``total`` or by none."""
    name = row.cells.get("lesion_id") or row.cells.get("lesion")
    return None if name is None or " ".join(name.casefold().replace("_", " ").split()) in WHOLE else name


def sum_among(lesions: Mapping[str, ImportedMeasure], apart: Collection[str] = ()) -> str | None:
    """Return the lesion that measures what all others of its day do together, as a row with their sum does; else None.

    Of three lesions in whole tenths of a mL one does so by chance on a tenth of all days.

    Parameters
    ----------
    lesions
        Of one day.
    apart
        Those that are lesions of their own, as an earlier day shows (:func:`sizes_of_their_own`).

    Examples
    --------
    >>> one, two, both = (ImportedMeasure(Compartment.TUMOUR, volume_mm3=size) for size in (300.0, 200.0, 500.0))
    >>> sum_among({"L1": one, "L2": two, "L1+L2": both}), sum_among({"L1": one, "L2": two})
    ('L1+L2', None)
    """
    sizes = {name: one.volume_mm3 for name, one in lesions.items() if one.volume_mm3}
    if len(sizes) <= FEWEST_SUMMED:
        return None
    total = sum(sizes.values())
    sums = (name for name, size in sizes.items() if abs(2 * size - total) <= SUM_SHARE * size)
    return next((name for name in sums if name not in apart), None)


def sizes_of_their_own(lesions: Mapping[str, ImportedMeasure]) -> frozenset[str]:
    """Return the lesions of a day, measured beside at least two others and all of them, that are not the others' sum.

    Examples
    --------
    >>> one, two, other = (ImportedMeasure(Compartment.TUMOUR, volume_mm3=size) for size in (300.0, 200.0, 700.0))
    >>> sorted(sizes_of_their_own({"L1": one, "L2": two, "L3": other}))
    ['L1', 'L2', 'L3']
    """
    sizes = {name: one.volume_mm3 for name, one in lesions.items() if one.volume_mm3}
    is_all_measured = len(sizes) > FEWEST_SUMMED and all(one.volume_mm3 is not None for one in lesions.values())
    return frozenset(sizes) - {sum_among(lesions)} if is_all_measured else frozenset()


def lesions_in(lesion_rows: Iterable[TableRow], findings: list[Finding]) -> dict[str, ImportedMeasure]:
    """Return the lesions that the rows of one visit measure, by name."""
    by_lesion: dict[str, list[TableRow]] = defaultdict(list)
    for row in lesion_rows:
        by_lesion[str(lesion_of(row))].append(row)
    return {
        name: one_measure(Compartment.TUMOUR, one_lesion, findings) for name, one_lesion in sorted(by_lesion.items())
    }


def new_tumours(lesions_by_day: Iterable[Mapping[str, ImportedMeasure]]) -> frozenset[str]:
    """Return the lesions that came later than others: tumours of their own in syndromes that make them.

    A lesion is one where its first row calls it new, and where that row is of a later day than the first sizes. One
    that has a row before it was seen may have been there, or have been known and gone.

    Parameters
    ----------
    lesions_by_day
        Of one patient, in order of days.
    """
    first: dict[str, bool] = {}
    others_were_measured = False
    for lesions in lesions_by_day:
        for name, measure in lesions.items():
            is_seen = measure.has_size and measure.volume_mm3 != 0
            first.setdefault(name, measure.new_lesion or (others_were_measured and is_seen))
        others_were_measured = others_were_measured or any(one.has_size for one in lesions.values())
    return frozenset(name for name, is_new in first.items() if is_new)


def volume_of(lesions: Mapping[str, ImportedMeasure], names: frozenset[str]) -> float:
    """Return what the named lesions of one day measure together, mm³."""
    return sum(measure.volume_mm3 or 0.0 for name, measure in lesions.items() if name in names)


def with_marks(whole: ImportedMeasure, lesions: Iterable[ImportedMeasure]) -> ImportedMeasure:
    """Return the whole tumour of a day with what rows of its lesions mark: a new one, seeding."""
    marked = [whole, *lesions]
    return replace(
        whole,
        new_lesion=any(one.new_lesion for one in marked),
        leptomeningeal=any_seeding(one.leptomeningeal for one in marked),
    )


def with_unseen(
    lesions: Mapping[str, ImportedMeasure], earlier: Mapping[str, ImportedMeasure]
) -> dict[str, ImportedMeasure]:
    """Return the lesions of a visit with those of earlier ones, which are not assessable without a row."""
    unseen = {name: ImportedMeasure(Compartment.TUMOUR, missing_reason=UNSEEN) for name in earlier}
    return {**unseen, **lesions}


def total_of(lesions: Mapping[str, ImportedMeasure], apart: Collection[str] = ()) -> ImportedMeasure:
    """Add up the lesions of one visit; one without a size, or one that may be their sum, leaves the total without one.

    ``apart`` are those that an earlier day shows to be no sum, as in :func:`sum_among`.

    Examples
    --------
    >>> one, two = (ImportedMeasure(Compartment.TUMOUR, volume_mm3=size) for size in (300.0, 200.0))
    >>> total_of({"L1": one, "L2": two}).volume_mm3
    500.0
    """
    measures = list(lesions.values())
    marked = ImportedMeasure(
        Compartment.TUMOUR,
        new_lesion=any(one.new_lesion for one in measures),
        leptomeningeal=any_seeding(one.leptomeningeal for one in measures),
    )
    missing = [name for name, one in lesions.items() if one.volume_mm3 is None]
    if missing:
        reason = f"lesion {missing[0]}: {lesions[missing[0]].missing_reason}"
        return replace(marked, missing_reason=reason)
    doubled = sum_among(lesions, apart)
    if doubled is not None:
        words = f"lesion {doubled} measures what all others of this day do together: is its row their sum?"
        return replace(marked, missing_reason=f"{words} If so, name it total; if not, add a row total for all of them")
    volume_mm3 = sum(one.volume_mm3 or 0.0 for one in measures)
    slices = [one.slices_spanned for one in measures if one.slices_spanned is not None]
    return replace(
        marked,
        volume_mm3=volume_mm3,
        volume_cv=_cv(measures, volume_mm3),
        product_mm2=_added([one.product_mm2 for one in measures]),
        longest_mm=_added([one.longest_mm for one in measures]),
        slices_spanned=max(slices, default=None),
    )


def _cv(measures: Sequence[ImportedMeasure], total_mm3: float) -> float | None:
    """Return the error of a sum of independent volumes; None where that of one is not given."""
    seen = [one for one in measures if one.volume_mm3]
    if not seen or any(one.volume_cv is None for one in seen):
        return None
    variance = sum(((one.volume_cv or 0.0) * (one.volume_mm3 or 0.0)) ** 2 for one in seen)
    return float(variance**0.5 / total_mm3)


def _added(sizes: Sequence[float | None]) -> float | None:
    given = [size for size in sizes if size is not None]
    return sum(given) if len(given) == len(sizes) else None
