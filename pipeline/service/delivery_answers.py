"""What a person must say of scans before they are added: what each is, and of NIfTI also whose and of which day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from pipeline.errors import SettingsError
from pipeline.service.deliveries import Answers
from pipeline.study.names import with_prefix

SKIP = "skip"
"""Leaves a scan out."""
WHY = "why"
"""Of an answer that corrects what the program was sure of: the reason, which is kept with it."""
SAME_AS = "same_as"
"""Of an answer about a person: the pseudonym of the study under which the same person is known; empty for another."""
NIFTI_CONTRASTS = ("T2w", "T1w", "T1w_ce", "STIR", "PDw", "FLAIR", "T2starw", "ADC")
DICOM_CONTRASTS = (*NIFTI_CONTRASTS, "DWI")
"""What a scan may be called."""


def check_answers(
    scans: Iterable[Mapping[str, Any]], answers: Answers, today: date, doubles: Iterable[Sequence[str]] = ()
) -> None:
    """Refuse what a person decided where it says too little to put a scan into a study.

    Parameters
    ----------
    scans, doubles
        What a look decided, as kept on disk (``deliveries.decisions_of``); of doubles a new pseudonym, and the one
        that has the same name and date of birth.

    Raises
    ------
    SettingsError
        A patient, a day or a contrast is missing or no such thing, or what was sure is corrected without a reason;
        nothing was written.
    """
    for new, other in doubles:
        if answers.get(new, {}).get(SAME_AS) not in ("", other):
            raise SettingsError(f"{new}: say whether this is {other}, or another person; nothing was added")
    for scan in scans:
        answer, name = answers.get(str(scan["token"]), {}), _called(scan)
        _check_correction(scan, answer, name)
        if not scan["is_nifti"]:
            continue
        contrast = answer.get("contrast", "")
        if contrast == SKIP or scan["refusal"]:
            continue
        if contrast not in NIFTI_CONTRASTS:
            raise SettingsError(f"{name}: say what it is, or leave it out; nothing was added")
        if not with_prefix("sub", answer.get("patient_id", "")):
            raise SettingsError(f"{name}: say whose it is, by a pseudonym of letters and digits; nothing was added")
        try:
            is_past = date.fromisoformat(answer.get("day", "")) <= today
        except ValueError:
            is_past = False
        if not is_past:
            raise SettingsError(f"{name}: say when it was scanned, as 2024-05-31, not after today; nothing was added")


def may_be_otherwise(outcome: str, slices: str, *, is_nifti: bool) -> bool:
    """Say whether a person may correct what the program was sure of: what it took a series for, or that it left it out.

    Of DICOM one slice alone is no volume, whatever anybody calls it.

    >>> may_be_otherwise("imported", "15", is_nifti=False), may_be_otherwise("skipped", "1", is_nifti=False)
    (True, False)
    """
    return outcome == "imported" or (outcome == "skipped" and not is_nifti and slices.isdigit() and int(slices) > 1)


def _check_correction(scan: Mapping[str, Any], answer: Mapping[str, str], name: str) -> None:
    """Refuse an answer about a series that waits for none, unless it says what the series is and why."""
    contrast = answer.get("contrast", "")
    if not answer or contrast == SKIP or (scan["is_open"] and scan["outcome"] != "imported"):
        return
    if not may_be_otherwise(scan["outcome"], str(scan["slices"]), is_nifti=scan["is_nifti"]):
        raise SettingsError(f"{name}: nothing is to be decided about it ({scan['reason']}); nothing was added")
    if contrast not in (NIFTI_CONTRASTS if scan["is_nifti"] else DICOM_CONTRASTS):
        raise SettingsError(f"{name}: say what it is, or leave it as it was taken; nothing was added")
    is_as_taken = all(answer.get(column, scan[column]) == scan[column] for column in ("contrast", "patient_id", "day"))
    if not is_as_taken and not answer.get(WHY, "").strip():
        raise SettingsError(f"{name}: say why it is not what it was taken for; nothing was added")


def _called(scan: Mapping[str, Any]) -> str:
    """Return a series as a person knows it: its file, of NIfTI, or whose it is, its day and what it was taken for."""
    if scan["is_nifti"]:
        return str(scan["name"]).rpartition("/")[2]
    return " ".join(filter(None, (scan["patient_id"], scan["day"] or scan["session_id"], scan["contrast"])))
