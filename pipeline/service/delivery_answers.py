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
        A patient, a day or a contrast is missing or no such thing; nothing was written.
    """
    for new, other in doubles:
        if answers.get(new, {}).get(SAME_AS) not in ("", other):
            raise SettingsError(f"{new}: say whether this is {other}, or another person; nothing was added")
    for scan in scans:
        if not scan["is_nifti"]:
            continue
        answer, name = answers.get(str(scan["token"]), {}), str(scan["name"]).rpartition("/")[2]
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
