"""What pages say held against the tables that the export writes: each number, day and word, worked out anew.

Nothing of the dashboard and no wording of the pipeline is used. A statement that names two scans is divided again from
the measured volumes; a number that stands alone must be one of the patient's own; a word must follow from a row.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tests.printed_numbers import NUMBER, is_one_of, is_rounded, printed

SYMBOLS = {
    "growing": "▲", "possible growth": "△", "not evaluable": "◌", "possible shrinkage": "▽", "shrinking": "▼",
    "no change detected": "●", "none seen": "○", "growth below the rule": "▴", "fall below the rule": "▾",
    "too uncertain to tell": "⊗", "recurrence": "◆", "new lesion elsewhere": "◆", "baseline": "●",
    "before baseline": "◌",
}  # fmt: skip
WORDS_OF = {
    "growth": {"growing"}, "possible_growth": {"possible growth"}, "not_evaluable": {"not evaluable"},
    "possible_shrinkage": {"possible shrinkage"}, "shrinkage": {"shrinking"}, "none_seen": {"none seen"},
    "no_change": {"no change detected", "growth below the rule", "fall below the rule", "too uncertain to tell"},
}  # fmt: skip
STATE_WORDS = {
    "recurrence": "recurrence", "distant": "new lesion elsewhere", "baseline": "baseline", "context": "before baseline",
}  # fmt: skip
BY_VOLUME = {"stable": "no change detected", "not judged": "before baseline"}
DAY = r"\d{4}-\d\d-\d\d"
OF_CRITERIA = tuple(
    sign * value for value in (20.0, 25.0, 30.0, 35.0, 40.0, 50.0, 65.0, 73.0, 95.0) for sign in (1, -1)
)
"""Percentages that rules and intervals are defined by, which a page may name of anybody."""
SMALLEST_GROWTH_MM3 = 100.0
"""Growth by less than this much is looked at again before it counts."""


DAYS = ("_on", "_at", "_by", "_from")
"""How the names of columns end that hold days."""
NUMBERS = (
    "_mm3", "_ratio", "_cv", "_sd", "probability", "probability_in_cohort", "growing_share", "growing_low_share",
    "growing_high_share", "_percent", "_percent_per_year",
)  # fmt: skip
"""How the names of columns end that hold numbers which a page may print."""


@dataclass
class Export:
    """The tables of an export. What is looked up of every patient is gathered column by column, once for all."""

    tables: Mapping[str, pd.DataFrame]
    criteria_id: str
    as_of: date
    _by_patient: dict[str, dict[str, pd.DataFrame]] = field(default_factory=dict)
    _truths: dict[str, Truth] = field(default_factory=dict)

    def of(self, patient_id: str) -> Truth:
        """Return what the export tells about one patient, the same for each page: it is worked out once."""
        if patient_id not in self._truths:
            self._truths[patient_id] = Truth(self, patient_id, self.as_of)
        return self._truths[patient_id]

    def rows(self, table: str, patient_id: str) -> pd.DataFrame:
        """Return the rows of a table about a patient, without columns where there are none."""
        if table not in self._by_patient:
            groups = self.tables[table].groupby("patient_id", sort=False) if table in self.tables else ()
            self._by_patient[table] = {str(name): rows for name, rows in groups}
        return self._by_patient[table].get(patient_id, pd.DataFrame())

    @cached_property
    def days(self) -> dict[str, set[str]]:
        """Every day by patient, of all columns that hold days."""
        days: dict[str, set[str]] = defaultdict(set)
        for _, patient_id, day in self._values(DAYS):
            days[patient_id].add(str(day)[:10])
        return days

    @cached_property
    def numbers(self) -> dict[str, dict[str, set[float]]]:
        """Every number by patient and name of its column, of all columns that hold printed numbers."""
        numbers: dict[str, dict[str, set[float]]] = defaultdict(lambda: defaultdict(set))
        for name, patient_id, value in self._values(NUMBERS):
            numbers[patient_id][name].add(float(value))
        return numbers

    def _values(self, endings: tuple[str, ...]) -> Iterator[tuple[str, str, Any]]:
        """Yield name of the column, patient and value of each column with such an ending, where there is a value."""
        for table in self.tables.values():
            for name in table.columns if "patient_id" in table else ():
                if name.endswith(endings):
                    filled = table[["patient_id", name]].dropna().drop_duplicates()
                    for patient_id, value in zip(filled["patient_id"], filled[name], strict=True):
                        yield name, str(patient_id), value


@dataclass
class Truth:
    """What the export tells about one patient."""

    export: Export
    patient_id: str
    as_of: date

    @property
    def criteria_id(self) -> str:
        """The criteria shown."""
        return self.export.criteria_id

    def rows(self, table: str, **wanted: Any) -> pd.DataFrame:
        """Return rows of a table with the values wanted; none where the patient has none."""
        rows = self.export.rows(table, self.patient_id)
        for name, value in wanted.items() if len(rows) else ():
            rows = rows[rows[name] == value]
        return rows

    @cached_property
    def board(self) -> pd.Series:
        """The row of the board by the criteria shown."""
        return self.rows("board", criteria_id=self.criteria_id).iloc[0]

    @cached_property
    def clauses(self) -> list[dict[str, Any]]:
        """The parts of every verdict and reading, as data."""
        names = ("assessment", "lesion_assessment", "reading_assessment")
        texts = [text for name in names for text in self.rows(name).get("clauses", ())]
        return [part for text in texts if isinstance(text, str) for part in json.loads(text)]

    @cached_property
    def days(self) -> set[str]:
        """Every day of this patient, and of every verdict."""
        of_verdicts = {str(part[name]) for part in self.clauses for name in ("on", "reference_on") if part.get(name)}
        return self.export.days[self.patient_id] | of_verdicts

    @cached_property
    def assumed(self) -> str:
        """What the next scan's day takes for granted, in words."""
        return "; ".join(map(str, self.rows("next_scan").get("assumed", ())))

    def sizes(self, day: str) -> list[float]:
        """Every volume of one day, mL: measured, judged, of a lesion or of a reading."""
        return self._sizes_by_day.get(day, [])

    @cached_property
    def _sizes_by_day(self) -> dict[str, list[float]]:
        sizes: dict[str, list[float]] = {}
        for name in ("measurement", "lesion", "lesion_assessment", "reading_assessment", "trajectory"):
            measured = self.rows(name)
            if len(measured):
                measured = measured[measured["volume_mm3"].notna()]
                for day, volume in zip(measured["acquired_on"], measured["volume_mm3"], strict=True):
                    sizes.setdefault(str(day)[:10], []).append(volume / 1000)
        for part in self.clauses:
            for on, value in (("on", "value"), ("reference_on", "reference_value")):
                if part.get("unit") == "mm³" and part.get(value) is not None:
                    sizes.setdefault(str(part.get(on)), []).append(part[value] / 1000)
        return sizes

    @cached_property
    def volumes(self) -> NDArray[np.float64]:
        """Every volume and end of an interval, mL, and sizes from which a change would exceed its error."""
        volumes = [part[name] for part in self.clauses for name in ("value", "reference_value") if part.get(name)]
        volumes += [
            part["reference_value"] * part["limit_ratio"]
            for part in self.clauses
            if part.get("reference_value") and part.get("limit_ratio")
        ]
        return np.sort([*volumes, *self._numbers("_mm3"), SMALLEST_GROWTH_MM3]) / 1000

    @cached_property
    def percents(self) -> NDArray[np.float64]:
        """Every change, limit, error and probability, percent, and changes between any two scans."""
        names = ("ratio", "low_ratio", "high_ratio", "limit_ratio", "rule_ratio")
        ratios = [part[name] for part in self.clauses for name in names if part.get(name) is not None]
        measured = self.rows("measurement")
        for _, rows in measured.groupby("compartment") if len(measured) else ():
            sizes = rows["volume_mm3"].dropna().to_numpy(float)
            sizes = sizes[sizes > 0]
            ratios += list((sizes[:, None] / sizes).ravel())
        ratios += self._numbers("_ratio")
        shares = self._numbers("_cv", "_sd", "probability", "probability_in_cohort")
        shares += self._numbers("growing_share", "growing_low_share", "growing_high_share")
        changes = self._numbers("_percent", "_percent_per_year")
        shares += self._described(
            "share of section", "share enhancing", "spread beyond cord / mean", "rise / signal before"
        )
        ratios += self._described("section / cord beside it", "section / healthy people's median")
        return np.sort([*changes, *(100 * (x - 1) for x in ratios), *(100 * x for x in shares), *OF_CRITERIA])

    def _described(self, *units: str) -> list[float]:
        """Return what the scans say of the lesions in some units."""
        described = self.rows("description")
        return (
            [float(x) for x in described.loc[described["unit"].isin(units), "number"].dropna()]
            if len(described)
            else []
        )

    def _numbers(self, *endings: str) -> list[float]:
        """Return the numbers of all columns with such an ending, which must be one of `NUMBERS`."""
        assert set(endings) <= set(NUMBERS)
        by_column = self.export.numbers[self.patient_id]
        return [value for name, values in by_column.items() if name.endswith(endings) for value in values]


def lies(said: Iterable[str], truth: Truth) -> list[str]:
    """Return what is said of a patient and does not follow from the export.

    Parameters
    ----------
    said
        Pieces of text, cells and lines apart by ``¶``.
    """
    complaints = []
    for piece in said:
        text = piece.replace("\u202f", " ").replace("\u00a0", " ")
        for check in CHECKS:
            complaints += [f"{check.__name__.strip('_')}: {words} in: {text[:300]}" for words in check(text, truth)]
    return complaints


def _each_day(text: str, truth: Truth) -> Iterator[str]:
    before_now = text.replace(f"overdue on {truth.as_of}", "overdue")  # on the day of the page itself
    for day in re.findall(
        rf"(?<!up to )({DAY})", before_now
    ):  # what holds "up to" a day is about one that is not known
        if day not in truth.days and f"taken for {day}" not in truth.assumed:
            yield day


def _each_volume(text: str, truth: Truth) -> Iterator[str]:
    for number in set(re.findall(rf"({NUMBER}) mL", text)):
        if not is_one_of(number, truth.volumes):
            yield f"{number} mL"


def _each_percent(text: str, truth: Truth) -> Iterator[str]:
    certain = re.sub(r"(?:above 99|below 1) %", "", text)
    for number in set(re.findall(rf"({NUMBER})(?: %|(?= to {NUMBER} %))", certain)):
        is_signed = number[0] in "+−"
        if not is_one_of(number, truth.percents) and (is_signed or not is_one_of(number, truth.percents, sign=-1)):
            yield f"{number} %"


def _size_on_day(text: str, truth: Truth) -> Iterator[str]:
    for number, day in re.findall(rf"({NUMBER}) mL (?:on|of) ({DAY})", text):
        if not any(is_rounded(number, exact) for exact in truth.sizes(day)):
            yield f"{number} mL on {day}"
    for day in re.findall(rf"[Nn]one (?:was )?seen on ({DAY})", text):
        if not any(exact == 0 for exact in truth.sizes(day)):
            yield f"none seen on {day}"


def _change(text: str, truth: Truth) -> Iterator[str]:
    """A change between two sizes of two days is their quotient, inside its interval, and lies to its rule as said."""
    interval = rf"(?: \(95 % CI[a-z ]*({NUMBER}) to ({NUMBER}) %\))?"
    compared = rf"({NUMBER}) mL on ({DAY}) is ({NUMBER}) %{interval} against the \w+ ({NUMBER}) mL of ({DAY})"
    for now, on, change, low, high, then, since in re.findall(compared, text):
        if not _divides(truth, (now, on), (then, since), change):
            yield f"{change} % from {then} to {now} mL"
        if low and not printed(low) <= printed(change) <= printed(high):
            yield f"{change} % outside of {low} to {high} %"
    grown = rf"from ({NUMBER}) mL on ({DAY}) to ({NUMBER}) mL on ({DAY}) \(({NUMBER}) %\)"
    for then, since, now, on, change in re.findall(grown, text):
        if not _divides(truth, (now, on), (then, since), change):
            yield f"{change} % from {then} to {now} mL"
    over = rf"({NUMBER}) %¶({NUMBER}) mL on ({DAY}) over ({NUMBER}) mL on ({DAY})"
    for change, now, on, then, since in re.findall(over, text):
        if not _divides(truth, (now, on), (then, since), change):
            yield f"{change} % from {then} to {now} mL"


def _divides(truth: Truth, now: tuple[str, str], then: tuple[str, str], change: str) -> bool:
    last = [exact for exact in truth.sizes(now[1]) if is_rounded(now[0], exact)]
    first = [exact for exact in truth.sizes(then[1]) if is_rounded(then[0], exact) and exact]
    return any(is_rounded(change, 100 * (x / y - 1)) for x in last for y in first)


def _ruling(text: str, truth: Truth) -> Iterator[str]:
    """Below and beyond a rule and an error is so of the numbers printed, and of one exact comparison."""
    ruled = rf"({NUMBER}) %\)?(?: \([^()]*\))?(?: (?:against the|since) [^:;]*)?: ((?:[^;:¶.]|\.(?=\d))*)"
    for change, words in re.findall(ruled, text):
        size = printed(change)
        for verb, rule in re.findall(rf"(below|beyond|reaches) the ({NUMBER}) % rule", words):
            threshold = printed(rule)
            if {"below": size > threshold, "beyond": size < threshold, "reaches": abs(size) < abs(threshold)}[verb]:
                yield f"{change} % {verb} {rule} %"
    for segment in re.split(r"[;:¶]|\.(?!\d)", text):
        rule = re.search(rf"(below|beyond|reaches) the ({NUMBER}) % rule", segment)
        limits = re.findall(rf"(within|beyond) measurement error \(limit ({NUMBER}) %\)", segment)
        if re.search(r"below the \S+ % rule but by less than", segment):
            yield f"{segment}: what is below a rule is not held to its smallest change"
        said = (rule[1], rule[2]) if rule else ("", "")
        if (rule or limits) and not any(_is_ruled(part, said, limits) for part in truth.clauses):
            yield f"{said} {limits}"


def _is_ruled(clause: Mapping[str, Any], rule: tuple[str, str], limits: Sequence[tuple[str, str]]) -> bool:
    """Tell whether one exact comparison lies to its rule and its error as said."""
    ratio, at, limit = (clause.get(name) for name in ("ratio", "rule_ratio", "limit_ratio"))
    if ratio is None:
        return False
    verb, number = rule
    if verb:
        if at is None or not is_rounded(number, 100 * (at - 1)):
            return False
        is_reached = ratio >= at - 1e-9 if at > 1 else ratio <= at + 1e-9
        if is_reached != (verb != "below"):
            return False
    for kind, number in limits:
        if limit is None or not is_rounded(number, 100 * (limit - 1)):
            return False
        if (kind == "beyond") != (ratio >= limit if limit > 1 else ratio <= limit):
            return False
    return True


def _function(text: str, truth: Truth) -> Iterator[str]:
    scores = truth.rows("function_score")
    for scale_before, before_on, after, after_on in re.findall(rf"grade (\d+) on ({DAY}), (\d+) on ({DAY})", text):
        for grade, day in ((scale_before, before_on), (after, after_on)):
            if scores.empty:
                yield f"grade {grade} of nobody who was graded"
                continue
            rows = scores[scores["assessed_on"].astype(str).str[:10] == day]
            if float(grade) not in set(rows["grade"].astype(float)):
                yield f"grade {grade} on {day}"
        if "worse" in text and int(after) <= int(scale_before):
            yield f"worse from {scale_before} to {after}"


def _agreement(text: str, truth: Truth) -> Iterator[str]:
    if "criteria agree" not in text and "criteria disagree" not in text:
        return
    now = truth.rows("assessment", session_id=truth.board["session_id"])
    counts = dict(now["category"].value_counts()) if len(now) else {}
    for agree, total in re.findall(r"(\d+) of (\d+) criteria agree", text):
        expected = counts.get(truth.board["category"], 0)
        if (int(agree), int(total)) != (expected, len(now)):
            yield f"{agree} of {total} criteria, expected {expected} of {len(now)}"
    for words in re.findall(r"criteria disagree: ([^.;¶]*)", text):
        said = {category: int(count) for count, category in re.findall(r"(\d+) ([A-Z]{2})", words)}
        missing = re.search(r"\((\d+) not evaluable", words)
        said |= {"NE": int(missing[1])} if missing else {}
        if said != {str(name): int(count) for name, count in counts.items()}:
            yield f"{said}, expected {counts}"


def _mask(text: str, truth: Truth) -> Iterator[str]:
    for number, day in re.findall(rf"({NUMBER}) mL of ({DAY}), an automatic mask", text):
        rows = truth.rows("measurement", compartment="tumour", mask_origin="automatic")
        sizes = rows.loc[rows["acquired_on"].astype(str).str[:10] == day, "volume_mm3"] / 1000 if len(rows) else []
        if not any(is_rounded(number, exact) for exact in sizes):
            yield f"automatic mask of {day}"


def _growth_rate(text: str, truth: Truth) -> Iterator[str]:
    for verb, time, unit, scans in re.findall(
        rf"(Doubling|Halving) in ({NUMBER}) (years|months).*?\({DAY} to {DAY}, (\d+) scans", text
    ):
        rows = truth.rows("growth_rate", scan_count=int(scans))
        days = 365.25 if unit == "years" else 365.25 / 12
        times = list(rows["doubling_time_days"].dropna() / days) if len(rows) else []
        if not any(is_rounded(time, abs(x)) and (x > 0) == (verb == "Doubling") for x in times):
            yield f"{verb} in {time} {unit}"
    for time, unit in re.findall(rf"({NUMBER}) (years|months) after [a-z]+", text):
        treated = [
            pd.Timestamp(day)
            for name in ("started_on", "ended_on")
            for day in truth.rows("treatment").get(name, pd.Series(dtype=object)).dropna()
        ]
        last = pd.Timestamp(truth.board["last_scan_on"])
        days = 365.25 if unit == "years" else 365.25 / 12
        if not any(is_rounded(time, (last - day).days / days) for day in treated):
            yield f"{time} {unit} after treatment"


def _lasting(text: str, truth: Truth) -> Iterator[str]:
    for days, first, last in re.findall(rf"for (\d+) days from [a-z ]*?({DAY}) (?:to|without)[a-z ]* ({DAY})", text):
        if (date.fromisoformat(last) - date.fromisoformat(first)).days != int(days):
            yield f"{days} days from {first} to {last}"


def _symbol(text: str, truth: Truth) -> Iterator[str]:
    del truth
    for symbol, word in re.findall(rf"([▲△◌▽▼●○▴▾⊗◆]) ({'|'.join(SYMBOLS)})\b", text):
        if symbol not in (SYMBOLS[word], "◆", "▲"):
            yield f"{symbol} {word}"


CHECKS = (
    _each_day, _each_volume, _each_percent, _size_on_day, _change, _ruling, _function, _agreement, _mask, _growth_rate,
    _lasting, _symbol,
)  # fmt: skip


def badge_lies(badge: str, truth: Truth) -> list[str]:
    """Return what a state in one line says that does not follow from the export: word, what is beside, provisional."""
    row = truth.board
    text = badge.replace("\u00a0", " ").replace("\u202f", " ")
    found = re.search(rf"(?:by volume )?({'|'.join((*BY_VOLUME, *SYMBOLS))})", text)
    if not isinstance(row["display_state"], str):
        return [] if "not judged" in text else [f"badge of nobody judged: {text}"]
    word = BY_VOLUME.get(found[1], found[1]) if found else ""
    expected = {STATE_WORDS[row["state"]]} if row["state"] in STATE_WORDS else WORDS_OF[row["display_state"]]
    complaints = [] if word in expected else [f"badge {text!r}, expected {expected}"]
    if word in WORDS_OF["no_change"]:
        complaints += interval_lies(word, truth)
    beside = row["beside"]
    if isinstance(beside, str) and beside not in text:
        complaints.append(f"badge {text!r} leaves out {beside!r}")
    return complaints


def interval_lies(word: str, truth: Truth) -> list[str]:
    """Return what a word for *no change* says of the interval that is not so."""
    parts = [p for p in json.loads(truth.board["clauses"]) if p["kind"] == "change" and not p.get("lesion")]
    low, high = (parts[0].get(name) for name in ("low_ratio", "high_ratio")) if parts else (None, None)
    if low is None or high is None:
        return []
    rises, falls = low > 1, high < 1
    expected = {"growth below the rule": rises, "fall below the rule": falls}.get(word, not rises and not falls)
    return [] if expected else [f"{word}, but the interval is {low:.2f} to {high:.2f}"]


def board_lies(cells: Sequence[str], truth: Truth) -> list[str]:
    """Return what a row of the board says that does not follow: state, size, last scan, what is overdue or unsigned."""
    row, text = truth.board, "¶".join(cells).replace("\u202f", " ").replace("\u00a0", " ")
    complaints = badge_lies(cells[0], truth)
    if str(row["last_scan_on"])[:10] not in text and isinstance(row["last_scan_on"], (date, pd.Timestamp)):
        complaints.append(f"last scan is {row['last_scan_on']}")
    size = row["tumour_volume_mm3"]
    if pd.notna(size) and size and not any(re.fullmatch(NUMBER, c) and is_rounded(c, size / 1000) for c in cells):
        complaints.append(f"size is {size}")
    due = truth.rows("next_scan")
    is_overdue = (
        bool(len(due))
        and pd.notna(due.iloc[0]["overdue_from"])
        and pd.Timestamp(due.iloc[0]["overdue_from"]).date() <= truth.as_of
    )
    if is_overdue != ("scan overdue" in text):
        complaints.append(f"overdue is {is_overdue}")
    if bool(row["is_provisional"]) != ("provisional" in cells[:2] or "provisional" in text):
        complaints.append(f"provisional is {row['is_provisional']}")
    for failures in re.findall(r"(\d+) failures?", text):
        if int(failures) != row["error_count"]:
            complaints.append(f"{failures} failures, expected {row['error_count']}")
    return complaints


def left_unsaid(said: Iterable[str], truth: Truth) -> list[str]:
    """Return what the export tells that a page must say and does not: worse function, progression, an act, a doubt."""
    text = "¶".join(said).replace("\u202f", " ").replace("\u00a0", " ")
    row = truth.board
    plain = text.replace("-", "−")
    questions = str(row["open_questions"]).split("; ") if row["needs_decision"] else []
    silent = [f"open question: {words}" for words in questions if words.replace("-", "−") not in plain]
    if row["is_provisional"] and "rovisional" not in text:
        silent.append("provisional")
    effects = truth.rows("act_effect", criteria_id=truth.criteria_id)
    silent += [f"act of {who}" for who in effects["who"] if who not in text] if len(effects) else []
    last = truth.rows("last_judged", criteria_id=truth.criteria_id)
    if len(last) and str(last.iloc[0]["last_judged_on"])[:10] not in text:
        silent.append("last judged")
    return silent
