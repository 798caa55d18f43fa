"""What people did, said beside the verdict that rests on it: who, when, why, and the verdict as it would be without.

Nothing is computed here; what the verdict would be comes with the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard.words import labels, sentences
from dashboard.words.markup import Html, join, tag
from dashboard.words.table_rows import as_rows

FLAG = "⚑"
SAID = {
    "pin_baseline": "baseline pinned to {day}",
    "exclude_mask": "{mask} mask of {day} excluded",
    "exclude_visit": "visit of {day} excluded",
    "correct_mask": "{mask} mask of {day} drawn anew",
    "accept_mask": "{mask} mask of {day} accepted",
    "correct_lesion": "lesion {lesion} of {day} called {same_as}",
    "withdraw_lesion": "new lesion of {day} withdrawn",
    "name_lesions": "{names}",
}
"""What was done, by the kind of act."""
OF_NAMES = {
    "right": "{lesion} and {same_as} named rightly on {day}",
    "exchanged": "names {lesion} and {same_as} exchanged on {day}, put right",
    "one lesion": "{lesion} and {same_as} one lesion from {day} on, {lesion}",
    "another lesion": "what is called {lesion} from {day} on is another lesion, {same_as}",
}
"""What was said of the names that a table gives two lesions, by the answer."""
SIGNED = "accept_mask"
READINGS = {
    "solid_and_cyst": "with the cyst counted",
    "enhancing": "enhancing part alone",
    "t2": "T2 part alone",
    "mixed": "enhancing and T2 together",
}
"""What a reading beside solid tumour is called."""


@dataclass(frozen=True)
class ActLine:
    """One thing that people did: what, by whom, when and why, and what would be said without it."""

    what: str
    by: str
    without: str

    @property
    def text(self) -> str:
        """The whole line in words."""
        return f"{self.what} by {self.by}; {self.without}"


def lines(effects: pd.DataFrame) -> list[ActLine]:
    """Return a line for each act, those that change the verdict first; acceptances without effect together.

    Parameters
    ----------
    effects
        Rows of the act_effects query of one patient.
    """
    of_acts: dict[Any, list[dict[Any, Any]]] = {}
    for number, row in enumerate(effects.pipe(as_rows)):
        of_acts.setdefault(row.get("entry_id", number), []).append(row)
    acts = [sorted(act_rows, key=_place) for act_rows in of_acts.values()]
    idle = [act_rows[0] for act_rows in acts if len(act_rows) == 1 and _is_idle(act_rows[0])]
    others = sorted(
        (act_rows for act_rows in acts if act_rows[0] not in idle),
        key=lambda act_rows: (all(bool(row["is_same"]) for row in act_rows), act_rows[0]["act"] == SIGNED),
    )
    return [*(_line(act_rows) for act_rows in others), *_together(idle)]


def _is_of_reading(row: Mapping[Any, Any]) -> bool:
    return labels.is_known(row.get("reading"))


def _is_idle(row: Mapping[Any, Any]) -> bool:
    return row["act"] == SIGNED and bool(row["is_same"]) and not _is_of_reading(row)


def _place(row: Mapping[Any, Any]) -> int:
    """Put the verdict on the patient first, and the readings in their order."""
    return list(READINGS).index(row["reading"]) + 1 if _is_of_reading(row) else 0


def _line(act_rows: list[dict[Any, Any]]) -> ActLine:
    """Say one act with all that it bears on: the verdict, and the readings beside it."""
    parts = [
        f"{READINGS[row['reading']]}, without it {_without(row)}"
        if _is_of_reading(row)
        else f"without it {_without(row)}"
        for row in act_rows
    ]
    return ActLine(what(act_rows[0]), _by(act_rows[0]), "; ".join(parts))


def _together(signatures: list[dict[Any, Any]]) -> list[ActLine]:
    if len(signatures) < 2:
        return [_line([row]) for row in signatures]
    people = ", ".join(sorted({str(row["who"]) for row in signatures}))
    days = ", ".join(sorted({labels.day(row["acquired_on"]) for row in signatures}))
    return [ActLine(f"tumour masks of {days} accepted", people, "without any one of them the same")]


def what(row: Mapping[Any, Any]) -> str:
    """Say what was done.

    Parameters
    ----------
    row
        Columns act, session_id, acquired_on, compartment, lesion_id, same_as, and corrected_to of names of lesions.
    """
    day = labels.day(row["acquired_on"]) if labels.is_known(row["acquired_on"]) else str(row["session_id"])
    mask = labels.compartment(row["compartment"]).word if labels.is_known(row["compartment"]) else "tumour"
    lesion, same_as = labels.words(row["lesion_id"], ""), labels.words(row["same_as"], "")
    answer = OF_NAMES.get(labels.words(row.get("corrected_to"), ""), OF_NAMES["right"])
    names = answer.format(day=day, lesion=lesion, same_as=same_as)
    return SAID[row["act"]].format(day=day, mask=mask, lesion=lesion, same_as=same_as, names=names)


def _by(row: Mapping[Any, Any]) -> str:
    why = f": {row['reason']}" if labels.is_known(row["reason"]) else ", no reason given"
    return f"{row['who']} on {labels.day(row['written_at'])}{why}"


def _without(row: Mapping[Any, Any]) -> str:
    if row["is_same"]:
        return "the same"
    return verdict(
        {
            "state": row["without_state"],
            "display_state": row["without_display_state"],
            "clauses": row["without_clauses"],
            "is_provisional": row["without_is_provisional"],
        }
    )


def verdict(row: Mapping[Any, Any]) -> str:
    """Say a verdict in a few words: symbol, word, change.

    Parameters
    ----------
    row
        Columns state, display_state, clauses, is_provisional.
    """
    look = labels.look_of(row)
    change = sentences.main_change(row)
    parts = [f"{look.symbol} {look.word}", *([change] if change else [])]
    if row["is_provisional"]:
        parts.append("provisional")
    return ", ".join(parts)


def last_judged(row: Mapping[Any, Any] | pd.Series) -> str:
    """Say the last verdict that compared something, where the latest scan could not be; empty where it could.

    Parameters
    ----------
    row
        Of the board or patient_header query.
    """
    if not labels.is_known(row.get("last_judged_on")):
        return ""
    verdict_words = verdict(
        {
            "state": row["last_judged_state"],
            "display_state": row["last_judged_display_state"],
            "clauses": row["last_judged_clauses"],
            "is_provisional": False,
        }
    )
    return f"last judged {labels.day(row['last_judged_on'])}: {verdict_words}"


def changes_verdict(effects: pd.DataFrame) -> pd.DataFrame:
    """Keep the acts without which the verdict would be another one, and all that took something out or pinned it."""
    is_quiet = effects["is_same"].astype(bool) & ((effects["act"] == SIGNED) | effects["reading"].notna())
    return effects[~is_quiet]


def marked(act_lines: Iterable[ActLine]) -> Html:
    """Write lines as markup, each with its flag."""
    parts = [
        tag("p", f"{FLAG} ", tag("b", line.what), f" by {line.by}; ", tag("b", line.without), ".", class_="ct-act")
        for line in act_lines
    ]
    return join(parts)


def in_short(act_lines: Iterable[ActLine]) -> Html:
    """Write lines where room is short: what, by whom, and the verdict without it; the reason is on hover."""
    parts = []
    for line in act_lines:
        who, _, _ = line.by.partition(" on ")
        words = f"{FLAG} {line.what} by {who}; {line.without}"
        parts.append(tag("span", words, title=line.text, class_="ct-act-short"))
    return join(parts)
