"""Tables of the pages as markup: rows of the store in, HTML out, every number with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pandas as pd

from dashboard.words import glossary, labels, sentences
from dashboard.words.glossary import term
from dashboard.words.markup import BREAK, Html, join, table, tag
from dashboard.words.table_rows import as_rows
from pipeline.core.wording import FIGURES

EXCLUDED = "excluded"


TUMOUR = "tumour"


@dataclass(frozen=True)
class LesionSet:
    """Lesions that a row of numbers speaks of, and in what it differs from the row of all solid tumour.

    ``numbers`` holds columns of the trajectory view; ``baseline_day`` and the like are days of its own.
    """

    name: str
    numbers: Mapping[str, Any] = field(default_factory=dict)


VOLUMES = ("baseline_volume_mm3", "nadir_volume_mm3", "previous_volume_mm3", "volume_mm3")

ALWAYS_THERE = "cord"
"""A compartment that is never "not seen": without a mask of it nothing is said."""


def numbers(
    latest: pd.DataFrame, measured: pd.DataFrame, now: str, criteria_name: str, sets: Iterable[LesionSet] = ()
) -> Html:
    """Show each compartment at baseline, nadir, previous and one last visit, with the change since baseline and nadir.

    Parameters
    ----------
    latest
        Rows of the trajectory view at one visit, one per compartment.
    measured
        Rows of the patient_measurements query; each volume opens what it was made from.
    now
        What the last visit is called.
    criteria_name
        The rule that picked baseline and nadir, with its version.
    sets
        Which lesions the row of solid tumour speaks of, then others of the same scan with rows of their own.
    """
    whole, *apart = [*sets] or [LesionSet("")]
    first = latest.iloc[0]
    seen = latest[(latest[list(VOLUMES)] > 0).any(axis=1)]
    behind = {(row["session_id"], row["compartment"]): row for row in measured.pipe(as_rows)}
    taken_out = [
        name
        for name in latest["compartment"]
        if name not in set(seen["compartment"]) and _is_excluded(behind.get((first["session_id"], name)))
    ]
    never = [
        labels.compartment(name).word
        for name in latest["compartment"]
        if name not in {*seen["compartment"], *taken_out, ALWAYS_THERE}
    ]
    header = (
        "mL",
        _dated(term("baseline"), first["baseline_on"]),
        _dated(term("nadir"), first["nadir_on"]),
        _dated(term("previous"), first["previous_on"]),
        _dated(now, first["acquired_on"]),
        "since baseline",
        "since nadir",
    )
    order = {name: index for index, name in enumerate(labels.COMPARTMENTS)}
    compartments = seen.sort_values("compartment", key=lambda names: names.map(order)).pipe(as_rows)
    number_rows = [
        _number_row(pd.Series({**row, **one.numbers}), {} if one.numbers else behind, criteria_name, one.name)
        for row in compartments
        for one in ((whole, *apart) if row["compartment"] == TUMOUR else [LesionSet("")])
    ]
    body = table(header, number_rows, "ct-table ct-numbers")
    note = f"Not seen or not measured at any of these scans: {', '.join(never)}." if never else ""
    if taken_out:
        words = ", ".join(labels.compartment(name).word for name in taken_out)
        reason = labels.words(behind[first["session_id"], taken_out[0]]["missing_reason"])
        note = f"Excluded, so not compared: {words} ({reason}). {note}"
    return join([body, tag("p", note, class_="ct-grey ct-small")])


def _number_row(
    row: pd.Series, behind: Mapping[tuple[str, str], Mapping[Any, Any]], criteria_name: str, of: str = ""
) -> tuple[str, ...]:
    style = labels.compartment(row["compartment"])
    figures = labels.figures_beside(row["volume_mm3"], row["baseline_volume_mm3"], row["nadir_volume_mm3"])

    def opened(role: str, number: str) -> str:
        picked = f"{role} by {criteria_name}" if role else ""
        source = behind.get((row[f"{role}_session_id".lstrip("_")], row["compartment"]))
        return _opened(tag("span", EXCLUDED, class_="ct-grey") if _is_excluded(source) else number, source, picked)

    return (
        join(
            [
                tag("span", style.word, style=f"color:{style.ink}"),
                *([BREAK, tag("span", of, class_="ct-grey ct-small ct-of")] if of else []),
            ]
        ),
        *(
            _of_day(opened(role, _volume(row[f"{role}_volume_mm3"], figures)), row.get(f"{role}_day"))
            for role in ("baseline", "nadir", "previous")
        ),
        _with_interval(
            opened("", tag("b", _volume(row["volume_mm3"], figures))),
            labels.ml_interval(row["volume_low_mm3"], row["volume_high_mm3"]),
        ),
        _change(row, "baseline", criteria_name),
        _change(row, "nadir", criteria_name),
    )


def _of_day(number: str, day: Any) -> str:
    """Write a day below a number that is not of the day above it."""
    return join([number, BREAK, tag("span", str(day), class_="ct-grey ct-small")]) if labels.is_known(day) else number


def _is_excluded(source: Mapping[Any, Any] | None) -> bool:
    """Tell whether a person took the mask behind a missing number out of use."""
    return source is not None and bool(source.get("is_excluded"))


def _opened(number: str, source: Mapping[Any, Any] | None, picked: str = "") -> str:
    """Let a number open what it was made from, by click or key."""
    if source is None:
        return number
    cv = f", CV {labels.limit(100 * source['volume_cv'])}" if labels.is_known(source["volume_cv"]) else ""
    first, *files, software = made_from(source)
    error = f"error from {labels.CV_SOURCES.get(source['cv_source'], 'none stated')}{cv}"
    return explained(number, (first, labels.words(source["missing_reason"], ""), *files, error, software, picked))


def made_from(source: Mapping[Any, Any]) -> tuple[str, str, str, str]:
    """Say in words which visit, mask, scan and software a row of the patient_measurements query rests on."""
    sha = f", sha256 {str(source['mask_sha256'])[:8]}" if labels.is_known(source["mask_sha256"]) else ""
    return (
        f"{labels.day(source['acquired_on'])} {source['session_id']}",
        f"mask {labels.MASK_ORIGINS.get(source['mask_origin'], '')}: {_file(source['mask_path'])}{sha}",
        f"on scan {_file(source['scan_path'])}",
        labels.words(source["software"], "software not given"),
    )


def _file(path: object) -> str:
    return str(path) if labels.is_known(path) else "no file"


def explained(number: str, lines: Iterable[str]) -> Html:
    """Let a number open lines of words, by click or key; empty lines are left out."""
    words = [tag("span", line.replace("_", "_\u200b"), class_="ct-line") for line in lines if line]
    return tag("details", tag("summary", number), tag("div", *words), class_="ct-why", name_="why")


def open_questions(row: pd.Series) -> Html:
    """Show the leading questions in a few words; all of them with their numbers open by click or key."""
    leading, everything = sentences.leading_questions(row), sentences.open_questions(row)
    return explained(leading, everything.split("; ")) if everything != leading else join([leading])


def _change(row: pd.Series, against: str, criteria_name: str) -> str:
    """Write a change since a visit; it opens the two volumes and how its interval was made."""
    name = f"change_from_{against}"
    words = changed(row, against)
    if row[f"{against}_session_id"] == row["session_id"]:
        return tag("span", f"is the {against}", class_="ct-grey ct-small")
    if not labels.is_known(row[f"{name}_percent"]):
        return words
    interval = labels.percent_interval(row[f"{name}_low_percent"], row[f"{name}_high_percent"])
    parts = ("volume_mm3", f"{against}_volume_mm3")
    figures = labels.figures_beside(*(row[part] for part in parts))
    now, then = (labels.ml(row[part], figures) for part in parts)
    lines = (
        f"{now} on {labels.day(row['acquired_on'])} over {then} on {labels.day(row[f'{against}_on'])}",
        "interval by all scans since the baseline, as under Methods"
        if interval
        else row.get("no_interval") or "no interval: an error is not known",
        f"{against} by {criteria_name}",
    )
    return _with_interval(explained(words, lines), interval)


def measurements(measured: pd.DataFrame) -> Html:
    """Show every volume of a patient, visit by visit; each opens what it was made from.

    Parameters
    ----------
    measured
        Rows of the patient_measurements query.
    """
    order = [name for name in labels.COMPARTMENTS if name in set(measured["compartment"])]
    head = ("mL", *(labels.compartment(name).word for name in order))
    body = []
    for (_, session_id), visit_rows in measured.groupby(
        [measured["acquired_on"].map(labels.day), "session_id"], sort=True
    ):
        cells = {row["compartment"]: row for row in visit_rows.pipe(as_rows)}
        day = labels.day(visit_rows["acquired_on"].iloc[0])
        body.append((f"{day} {session_id}", *(_measured(cells.get(name)) for name in order)))
    return table(head, body, "ct-table ct-all")


def _measured(row: Mapping[Any, Any] | None) -> str:
    if row is None:
        return tag("span", "–", class_="ct-grey")
    if not labels.is_known(row["volume_mm3"]):
        word = EXCLUDED if _is_excluded(row) else labels.MISSING
        return _opened(tag("span", word, class_="ct-grey"), row)
    interval = labels.ml_interval(row["volume_low_mm3"], row["volume_high_mm3"])
    return _with_interval(_opened(_volume(row["volume_mm3"]), row), interval)


def changed(row: Mapping[Any, Any] | pd.Series, against: str) -> str:
    """Write a change against baseline or nadir, of the tumour as the sentence does, or why there is none."""
    has_reference = labels.is_known(row[f"{against}_session_id"])
    words = sentences.no_change(row[f"{against}_volume_mm3"], row["volume_mm3"], has_reference=has_reference)
    if words:
        return tag("span", words, class_="ct-grey ct-small")
    return sentences.table_change(row, against)


def verdicts(judged: pd.DataFrame) -> Html:
    """Show what every set of criteria says about one visit, and why.

    Parameters
    ----------
    judged
        Rows of the patient_assessments query at one visit.
    """
    if judged.empty:
        return tag("p", "No visit could be judged.", class_="ct-grey")
    body = [_verdict_row(row) for row in judged.pipe(as_rows)]
    return table(("criteria", "verdict", "why"), body, "ct-table ct-verdicts")


def _verdict_row(row: dict[Any, Any]) -> tuple[str, ...]:
    style = labels.category_look(row)
    shown = str(row["category_shown"])
    meaning = glossary.category(shown)
    return (
        tag("span", row["criteria_title"], title=f"{row['criteria_id']} {row['criteria_version']}"),
        tag("abbr", f"{style.symbol}\u00a0{shown}", class_="ct-state", style=f"color:{style.ink}", title=meaning),
        tag("span", sentences.reason_since(row), class_="ct-small", title=labels.typeset(row["reason"])),
    )


def visits(visit_rows: pd.DataFrame, alignments: pd.DataFrame) -> Html:
    """Show every visit: usable or not, how well it is aligned, and what that grade rests on."""
    body = []
    to_reference = alignments[alignments["role"] == "visit_to_reference"]
    certificates = {row["session_id"]: row for row in to_reference.pipe(as_rows)}
    for row in visit_rows.sort_values(["acquired_on", "session_id"], na_position="last").pipe(as_rows):
        reason = f": {row['status_reason']}" if labels.is_known(row["status_reason"]) else ""
        grade = "reference" if row["is_reference"] else labels.words(row["certificate_grade"], "not aligned")
        mask = "drawn by a person" if row["has_manual_mask"] else "no mask by a person"
        why = tag("span", _certificate(certificates.get(row["session_id"])), class_="ct-small")
        body.append((row["session_id"], labels.day(row["acquired_on"]), f"{row['status']}{reason}", mask, grade, why))
    return table(("visit", "scanned", "status", "tumour mask", "alignment", "certificate"), body)


def _certificate(alignment: Mapping[Any, Any] | None) -> str:
    if alignment is None:
        return ""
    numbers = (
        ("likeness near the lesion", alignment["local_correlation"], ""),
        ("there and back", alignment["inverse_consistency_mm"], f"{labels.NARROW}mm"),
        ("smallest stretch", alignment["jacobian_min"], ""),
        ("largest stretch", alignment["jacobian_max"], ""),
        ("share of lesion covered", alignment["coverage_ratio"], ""),
    )
    figures = [f"{word} {value:.2f}{unit}" for word, value, unit in numbers if labels.is_known(value)]
    return " · ".join(filter(None, [str(alignment["grade_reasons"]), str(alignment["method"]), *figures]))


def findings(finding_rows: pd.DataFrame) -> Html:
    """Show what the pipeline noticed, the worst first: where, what, and what to do."""
    body = [(_severity(row["severity"]), _where(row), _what(row), row["remedy"]) for row in finding_rows.pipe(as_rows)]
    return table(("", "where", "what", "what to do"), body)


def _severity(severity: str) -> Html:
    style = labels.SEVERITIES[severity]
    return tag("span", f"{style.symbol} {style.word}", class_="ct-state", style=f"color:{style.ink}")


def _where(row: dict[Any, Any]) -> str:
    if not labels.is_known(row.get("patient_id")):
        return (
            str(row["session_id"]) if labels.is_known(row.get("session_id")) else tag("span", "study", class_="ct-grey")
        )
    patient = str(row["patient_id"])
    link = tag("a", patient, href=f"patient?patient={quote(patient)}", target="_self", class_="ct-link")
    visit = f" {row['session_id']}" if labels.is_known(row["session_id"]) else ""
    return tag("span", link, visit, class_="ct-nowrap")


def _what(row: dict[Any, Any]) -> str:
    if not labels.is_known(row["path"]) or row["path"] in row["message"]:
        return str(row["message"])
    return join([str(row["message"]), tag("div", str(row["path"]), class_="ct-path ct-grey")])


def provenance(measured: pd.DataFrame, criteria_name: str) -> Html:
    """Show where each number of some visits comes from: scan, mask, error model, rule and versions."""
    body = [
        (
            labels.day(row["acquired_on"]),
            labels.compartment(row["compartment"]).word,
            tag("span", labels.ml(row["volume_mm3"]), class_="ct-nowrap")
            if labels.is_known(row["volume_mm3"])
            else str(row["missing_reason"]),
            _path(row["scan_path"], ""),
            _path(
                row["mask_path"],
                f"{labels.MASK_ORIGINS.get(row['mask_origin'], '')}, sha256 {str(row['mask_sha256'])[:8]}",
            ),
            labels.CV_SOURCES.get(row["cv_source"], "none stated"),
            tag("span", labels.words(row["software"], "not given"), class_="ct-small"),
        )
        for row in measured.pipe(as_rows)
    ]
    note = f"Judged by {criteria_name}. Volumes are counted in each scan's own grid, never on aligned copies."
    head = ("scanned", "compartment", "volume", "scan", "mask", "error estimated from", "software")
    return join([table(head, body), tag("p", note, class_="ct-grey ct-small")])


def _path(path: object, note: str) -> str:
    if not labels.is_known(path):
        return tag("span", "none", class_="ct-grey")
    return join([tag("span", str(path), class_="ct-path"), BREAK, tag("span", note, class_="ct-grey ct-small")])


def _dated(word: str, day: object) -> str:
    return join([word, BREAK, tag("span", labels.day(day), class_="ct-small")]) if labels.is_known(day) else word


def _volume(volume_mm3: object, figures: int = FIGURES) -> str:
    return labels.ml(volume_mm3, figures).removesuffix(f"{labels.NARROW}mL") if labels.is_known(volume_mm3) else "–"


def _with_interval(value: str, interval: str) -> str:
    return join([value, " ", tag("span", interval, class_="ct-grey ct-small ct-interval")]) if interval else value
