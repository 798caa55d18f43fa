"""What pages say held against the tables that the export writes: each number, day and word, worked out anew.

Nothing of the dashboard and no wording of the pipeline is used. A statement that names two scans is divided again from
the measured volumes; a number that stands alone must be one of the patient's own; a word must follow from a row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from tests.exported_truths import Truth
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
