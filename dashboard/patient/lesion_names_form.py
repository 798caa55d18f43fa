"""Saying of the names that an imported table gives two lesions whether they are right, and the question that asks it.

Only a table's own names are asked for; which lesion of a scan is which is said by correcting the lesion.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from dashboard.data import queries
from dashboard.patient.act_preview import names_preview
from dashboard.shell import drafts, page, signing
from dashboard.words import labels
from dashboard.words.table_rows import as_rows
from pipeline.journal.decisions import Act, ActKind
from pipeline.journal.lesion_acts import NameAnswer
from pipeline.journal.sign_off import bound
from pipeline.judge.circumstances import GROWTH_IS_OPEN

ANSWERS = {
    NameAnswer.RIGHT: "Both names are right",
    NameAnswer.EXCHANGED: "The names are exchanged on this visit",
    NameAnswer.ONE: "Both are one lesion from this visit on",
    NameAnswer.ANOTHER: "The first name means another lesion from this visit on",
}


def of_table(patient_id: str, session_id: str) -> list[str]:
    """Return the lesions that a table tells apart at a visit, by the names that they bear now."""
    lesions = queries.query("patient_lesions", patient_id=patient_id)
    here = lesions[(lesions["session_id"] == session_id) & (lesions["status"] != "merged")]
    here = here[here["component_sha256"].notna() & here["scan_x_mm"].isna()]
    return sorted(here["lesion_id"].unique())


def ask(verdict_rows: pd.DataFrame) -> None:
    """Ask for an answer where lesions of a table seem to have exchanged tumour and nobody said which is which.

    Parameters
    ----------
    verdict_rows
        Last verdicts of the lesions, of the patient_lesion_verdicts query.
    """
    asked = [row for row in verdict_rows.pipe(as_rows) if GROWTH_IS_OPEN in str(row["reason"])]
    asked = [row for row in asked if len(of_table(row["patient_id"], row["session_id"])) > 1]
    if asked:
        days = " and ".join(dict.fromkeys(labels.day(row["acquired_on"]) for row in asked))
        names = " and ".join(str(row["lesion_id"]) for row in asked)
        page.remark(
            f"{names}: the sizes of {days} fit other names as well. Say under Sign-off, Lesion names, which is which "
            "on the scan that the reason names."
        )


def form(of: tuple[str, str, str], act: Callable[..., Act], put: Callable[..., str]) -> None:
    """Offer the answers about two lesions of a visit, each with what it would change; a reason is asked for.

    Parameters
    ----------
    of
        Patient, visit and the criteria by which the change is said.
    act
        Makes an act on the visit of a kind and further fields.
    put
        Puts acts on record and says so.
    """
    patient_id, session_id, criteria_id = of
    where = f"{patient_id}-{session_id}"
    names = of_table(patient_id, session_id)
    if not names:
        page.remark("No table tells lesions apart at this visit.")
        return
    lesion = st.selectbox("Lesion", names, key=f"names-first-{where}")
    chosen = st.radio("From the scans", list(ANSWERS), key=f"names-answer-{where}", format_func=ANSWERS.__getitem__)
    other = _other(where, lesion, chosen)
    if chosen == NameAnswer.ANOTHER:
        st.text_input("It is called from here on", key=other, max_chars=40, persist_state="session")
    else:
        st.selectbox("and", [name for name in names if name != lesion], key=other)
    page.remark(names_preview(patient_id, criteria_id, session_id, (lesion, signing.typed(other)), chosen))
    st.text_area("Reason", key=_why(where, lesion, chosen), height=80, max_chars=600, persist_state="session")
    st.button("Settle the names", key=f"names-put-{where}", on_click=_put, args=(where, act, put))


def _other(where: str, lesion: str, chosen: str) -> str:
    """Return the key of the other name."""
    return drafts.plain(f"{'called' if chosen == NameAnswer.ANOTHER else 'names-other'}-{where}-{lesion}")


def _why(where: str, lesion: str, chosen: str) -> str:
    """Return the key of the reason: given of some lesions, it is not that of others."""
    other = "" if chosen == NameAnswer.ANOTHER else signing.typed(_other(where, lesion, chosen))
    return drafts.plain(f"why-names-{where}-{lesion}-{other}")


def _put(where: str, act: Callable[..., Act], put: Callable[..., str]) -> None:
    """Put the answer on record: a callback."""
    lesion, chosen = (signing.typed(f"names-{part}-{where}") for part in ("first", "answer"))
    why = _why(where, lesion, chosen)
    reason = signing.typed(why)
    if not reason:
        signing.refuse(signing.NO_REASON)
        return
    other = _other(where, lesion, chosen)
    same_as = signing.typed(other)
    naming = act(ActKind.NAME_LESIONS, lesion_id=lesion, same_as=same_as, corrected_to=chosen, reason=reason)
    lesions = queries.query("patient_lesions", patient_id=naming.patient_id)
    if signing.record(lambda: put(bound(naming, lesions))):
        drafts.empty(why)
        if chosen == NameAnswer.ANOTHER:
            drafts.empty(other)
