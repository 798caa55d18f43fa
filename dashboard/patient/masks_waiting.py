"""Masks of a patient that are measured, and the visits whose automatic mask waits for a person."""

from __future__ import annotations

from dashboard.data import queries
from dashboard.words import labels
from pipeline.core.records import JournalEntry
from pipeline.journal.decisions import ABOUT_MASKS, TUMOUR, ActKind, Standing

OF_MASKS = (*ABOUT_MASKS, ActKind.CORRECT_MASK)


def measured_masks(patient_id: str, session_id: str) -> dict[str, str]:
    """Return the compartments of a visit that are measured on a mask, each with the digest of its file."""
    masks = queries.query("patient_masks", patient_id=patient_id)
    here = masks[(masks["session_id"] == session_id) & masks["is_primary"]]
    return dict(zip(here["compartment"], here["sha256"], strict=True))


def signed_by_accepting(patient_id: str, session_id: str) -> str:
    """Say which masks are signed by accepting a visit: all that are measured, seen on the slice shown or not."""
    names = [labels.compartment(name).word for name in measured_masks(patient_id, session_id)]
    if not names:
        return "This visit has no measured mask to accept."
    return f"Accept signs all measured masks of this visit: {', '.join(names)}."


def unsigned(patient_id: str, entries: tuple[JournalEntry, ...]) -> list[str]:
    """Return the visits whose tumour mask a program made and nobody has decided about, what waits for a run included.

    Parameters
    ----------
    entries
        The journal of the patient, with what stands now.
    """
    masks = queries.query("patient_masks", patient_id=patient_id)
    automatic = masks[masks["is_primary"] & (masks["compartment"] == TUMOUR) & (masks["mask_origin"] == "automatic")]
    decided = {
        entry.session_id
        for entry in entries
        if entry.status == Standing.IN_FORCE
        and (entry.act == ActKind.EXCLUDE_VISIT or (entry.act in OF_MASKS and (entry.compartment or TUMOUR) == TUMOUR))
    }
    return sorted(set(automatic["session_id"]) - decided)


def has_masks(patient_id: str) -> bool:
    """Say whether there is any tumour mask of a patient that could be signed."""
    masks = queries.query("patient_masks", patient_id=patient_id)
    return bool((masks["is_primary"] & (masks["compartment"] == TUMOUR)).any())


def accepted(session_id: str, entries: tuple[JournalEntry, ...]) -> frozenset[str]:
    """Return the compartments of a visit whose mask somebody accepted, what waits for a run included."""
    return frozenset(
        entry.compartment or TUMOUR
        for entry in entries
        if (entry.act, entry.status, entry.session_id) == (ActKind.ACCEPT_MASK, Standing.IN_FORCE, session_id)
    )
