"""Changes of scanner and protocol in words and tables: rows of the store in, markup out. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pandas as pd

from dashboard.words import labels
from dashboard.words.markup import BREAK, Html, join, table, tag
from dashboard.words.table_rows import as_rows
from pipeline.acquisition.protocol import Answer
from pipeline.acquisition.scanner_drift import EXPECTED, FEWEST_PAIRS, Spread, told_apart

NOT_ALIKE = "True growth is in these numbers too, so only the difference between the two groups speaks."
NO_VERDICT = "This informs and does not change the verdict."


def answer(counts: Mapping[Any, Any] | pd.Series) -> Html:
    """Say at how many visits something changed, how many of those read as growth, and how many nobody can tell.

    Parameters
    ----------
    counts
        The row of the quality_drift_counts query.
    """
    total, different = int(counts["follow_up_count"]), int(counts["changed_count"])
    if not total:
        return tag("p", "No visit follows another one, so nothing can be compared.", class_="ct-grey ct-small")
    if different:
        verb = "differs" if different == 1 else "differ"
        kinds = (
            ("scanner", counts["scanner_count"]),
            ("protocol", counts["protocol_count"]),
            ("software", counts["software_count"]),
        )
        counted = ", ".join(f"{name} at {number}" for name, number in kinds if number)
        main = f"{different} of {labels.count(total, 'follow-up visit')} {verb} from the visit before: {counted}."
        growth = int(counts["growth_count"])
        reads = "reads" if growth == 1 else "read"
        main += (
            f" {growth or 'None'} of them {reads} as growth{': look whether the change explains it' * bool(growth)}."
        )
    else:
        main = f"No change of scanner or protocol is known at {labels.count(total, 'follow-up visit')}."
    unknown = int(counts["unknown_scanner_count"])
    doubt = f" At {unknown} nobody can tell whether the scanner changed: too little is recorded." if unknown else ""
    return tag("p", main, tag("span", doubt, class_="ct-grey"))


def changes(change_rows: pd.DataFrame) -> Html:
    """Show each visit at which something changed: what, the tumour change across it, and how it was judged.

    Parameters
    ----------
    change_rows
        Of the quality_drift query.
    """
    head = ("visit", "against", "what changed", "tumour change across it", "judged")
    return table(head, [_change_row(row) for row in change_rows.pipe(as_rows)])


def _change_row(row: Mapping[Any, Any]) -> tuple[str, ...]:
    patient, visit = str(row["patient_id"]), str(row["session_id"])
    address = f"patient?patient={quote(patient)}&now={quote(visit)}"
    link = tag("a", f"{patient} {visit}", href=address, target="_self", class_="ct-link")
    unknown = row["unknown"] if labels.is_known(row["unknown"]) else ""
    words = [str(row["changes"]), *([BREAK, tag("span", unknown, class_="ct-grey ct-small")] if unknown else [])]
    return (
        tag("span", link, BREAK, tag("span", labels.day(row["acquired_on"]), class_="ct-small"), class_="ct-nowrap"),
        tag("span", str(row["compared_session_id"]), BREAK, _day(row["compared_on"]), class_="ct-nowrap"),
        join(words),
        tumour_change(row),
        _judged(row),
    )


def _day(value: object) -> Html:
    return tag("span", labels.day(value), class_="ct-small")


def tumour_change(row: Mapping[Any, Any]) -> str:
    """Write the tumour change between two visits with its interval, or why there is none."""
    then, now = row["compared_volume_mm3"], row["volume_mm3"]
    if labels.is_known(row["change_percent"]):
        interval = labels.percent_interval(row["change_low_percent"], row["change_high_percent"])
        low = tag("span", interval or "no interval", class_="ct-grey ct-small")
        return tag("span", labels.percent(row["change_percent"]), BREAK, low, class_="ct-nowrap")
    if labels.is_known(then) and labels.is_known(now):
        words = "none seen at either" if now == 0 else f"{labels.ml(now)}, none seen before"
        return tag("span", words, class_="ct-grey")
    when = "before" if labels.is_known(now) else "now" if labels.is_known(then) else "at either"
    return tag("span", f"not measured {when}", class_="ct-grey")


def _judged(row: Mapping[Any, Any]) -> Html:
    style = labels.look_of(row)
    return tag("span", f"{style.symbol}\u00a0{style.word}", class_="ct-state", style=f"color:{style.ink}")


def scanners(scanner_rows: pd.DataFrame) -> Html:
    """Show each scanner: period, patients, visits, protocols, slices and alignments, earlier and lately.

    Parameters
    ----------
    scanner_rows
        Of the quality_scanners query.
    """
    head = (
        "scanner", "period", "patients", "visits", "protocols seen", "slices apart (range), earlier → lately",
        "aligned A, earlier → lately",
    )  # fmt: skip
    return table(head, [_scanner_row(row) for row in scanner_rows.pipe(as_rows)])


def _scanner_row(row: Mapping[Any, Any]) -> tuple[str, ...]:
    name = str(row["scanner_name"])
    graded = [_graded(row[f"{when}_a_count"], row[f"{when}_aligned_count"]) for when in ("early", "late")]
    slices = [_slices(row, when) for when in ("early", "late")]
    period = f"{labels.month(row['first_on'])} to {labels.month(row['last_on'])}"
    return (
        name if row["is_known"] else tag("span", name, class_="ct-grey"),
        tag("span", period, class_="ct-nowrap"),
        str(row["patient_count"]),
        str(row["visit_count"]),
        tag("span", labels.words(row["protocols"], "not known"), class_="ct-small"),
        tag("span", " → ".join(slices), class_="ct-nowrap"),
        tag("span", " → ".join(graded), class_="ct-nowrap"),
    )


def _slices(row: Mapping[Any, Any], when: str) -> str:
    """Write the median distance between slices, and its range where there is one."""
    middle, low, high = (row[f"{when}_slice_{part}mm"] for part in ("", "low_", "high_"))
    if not labels.is_known(middle):
        return "no visit"
    usual_range = f"{low:.1f} to {high:.1f}"
    return f"{middle:.1f}{labels.NARROW}mm" + (f" ({usual_range})" if f"{low:.1f}" != f"{high:.1f}" else "")


def _graded(grade_a: Any, aligned: Any) -> str:
    return f"{grade_a} of {aligned}" if aligned else "none graded"


def repeatability(spreads: Mapping[str, Spread]) -> tuple[str, str]:
    """Say whether volumes repeat worse across a change of scanner, and what the numbers mean.

    Parameters
    ----------
    spreads
        The spread of the changes by what is known of the scanner: same, changed or cannot tell.
    """
    nothing = Spread(0)
    same, different = spreads.get(Answer.SAME, nothing), spreads.get(Answer.CHANGED, nothing)
    unknown = spreads.get(Answer.UNKNOWN, nothing).count
    verdict = {
        None: "Whether volumes repeat worse across a change of scanner cannot be told yet.",
        True: "Volumes repeat worse across a change of scanner than within one.",
        False: "That volumes repeat worse across a change of scanner is not shown.",
    }[told_apart(same, different)]
    left_out = f" {labels.count(unknown, 'pair')} left out, scanner not recorded." if unknown else ""
    main = f"{verdict} Same scanner: {_spread(same)}. Scanner changed: {_spread(different)}.{left_out}"
    further = (
        "Median absolute change, ln(later over earlier) divided by its stated standard error, with its "
        f"95{labels.NARROW}% interval; {EXPECTED:g} where nothing grew and the stated errors hold. {NOT_ALIKE}"
    )
    return main, further


def _spread(spread: Spread) -> str:
    count = labels.count(spread.count, "pair of visits", "pairs of visits")
    if spread.median is None or spread.low is None or spread.high is None:
        return f"{count}, withheld below {FEWEST_PAIRS}" if spread.count else "no pair of visits"
    return f"{spread.median:.1f} ({spread.low:.1f} to {spread.high:.1f}), {count}"


def differently_made(roles: Mapping[str, Any], change_rows: pd.DataFrame) -> list[str]:
    """Say where a visit was scanned otherwise than those it is judged against; nothing where it was not.

    Parameters
    ----------
    roles
        Session by what it is to the visit, such as baseline.
    change_rows
        Of the patient_protocol query, those of the visit.
    """
    by_session = {row["compared_session_id"]: row for row in change_rows.pipe(as_rows)}
    scans_by_difference: dict[str, list[str]] = {}
    for session in dict.fromkeys(session for session in roles.values() if session in by_session):
        row = by_session[session]
        who = " and ".join(role for role, name in roles.items() if name == session)
        scans_by_difference.setdefault(_difference(row), []).append(f"{who} {labels.of_day(row['compared_on'])}")
    scans_by_difference.pop("", None)
    lines = [words.format(" and ".join(scans)) for words, scans in scans_by_difference.items()]
    return [*lines, NO_VERDICT] if lines else []


def _difference(row: Mapping[Any, Any]) -> str:
    """Say what differs, with a gap for the scans it differs from; nothing where nothing does or is recorded at all."""
    if labels.is_known(row["changes"]):
        return f"Measured otherwise than its {{}}: {_gapless(row['changes'])}."
    nowhere = "scanner not recorded at the earlier and this visit"
    if row["scanner"] != Answer.UNKNOWN or str(row["unknown"]).startswith(nowhere):
        return ""
    return f"Whether the scanner is that of its {{}} cannot be told: {_gapless(row['unknown'])}."


def _gapless(text: object) -> str:
    return str(text).replace("{", "{{").replace("}", "}}")
