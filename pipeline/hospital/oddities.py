"""Every kind of finding of an import, with its severity and remedy, listed once; ``docs/hospital.md`` shows the table.

Messages never quote a header: what identifies a person must not reach a screen, a log or a file of the study.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pipeline.core.records import Finding

KINDS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "dicom_damaged": ("error", "export or send the file again; the other files were used"),
    "dicom_source": ("warning", "copy what is meant into the folder itself; this was not read"),
    "dicom_archive": ("error", "unpack the archive by hand and look at it; this was not read"),
    "dicom_index": ("warning", "copy the whole disc again: its index names files that are not there"),
    "dicom_conflict": ("error", "correct the files: one SOP instance must not have two contents; the first was used"),
    "patient_unnamed": ("error", "give these images a patient ID, then import again; nothing of them was used"),
    "patient_unmapped": ("error", "add the patient to the table given with --patients"),
    "patient_mixed": ("error", "correct the patient ID: two people seem to share one; nothing of them was used"),
    "patient_renamed": ("warning", "make sure that this is one person; different names stand under one patient ID"),
    "patient_sexes": ("warning", "make sure that this is one person; both sexes stand under one patient ID"),
    "patient_other_name": ("error", "use that name in the table, or remove its folder and import again; not used"),
    "patient_issuer": ("error", "list dicom_id, issuer and participant_id in the table of --patients; not used"),
    "patient_twice": ("warning", "if one person: both IDs and one of the names in --patients; remove the other folder"),
    "visit_without_date": ("error", "write the date into the sessions table; without it the visit is not judged"),
    "visit_date_acquired": ("warning", "look whether this is the day of the scan; if not, correct the sessions table"),
    "days_contradict": ("error", "find out whose scans these are and on which days; write them in the sessions table"),
    "days_moved": ("warning", "write dates of treatments moved alike, or the true days into the sessions table"),
    "series_refused": ("error", "see the reason; nothing of this series was imported"),
    "series_unsure": ("warning", "decide by a rule (--rules); unsure_series.html in the private folder shows it"),
    "series_incomplete": ("warning", "import again once all is there; if it is: unsure_series.html has the rule"),
    "series_completed": ("warning", "nothing to do; look at the visit again, its scan was part of a series before"),
    "series_grown": ("warning", "if the images of now are meant: remove the visit's image and import again"),
    "series_other_day": ("warning", "find out which day is right and, if it is that of now, correct the visit's day"),
    "series_of_another": ("error", "find out whose scan it is: it stays where it was put, and is measured there"),
    "text_burnt_in": ("error", "see unsure_series.html; if nothing identifies anybody, accept it by the rule there"),
    "mask_unplaced": ("error", "import the images that the mask was drawn on, too"),
    "mask_refused": ("error", "see the reason; export the mask again on the image's own slices"),
    "mask_unknown": ("error", "say what it is by a rule (--rules, [[segment]]); the private folder has its name"),
    "mask_not_drawn": ("warning", "look at this compartment: draw it, or draw an empty mask where nothing is there"),
    "mask_series_missing": ("warning", "import the series that it was drawn on, then remove this mask"),
    "series_shorter": ("warning", "compare both series with the archive; sizes that reach this end are lower bounds"),
    "mask_own": ("warning", "nothing to do: it is left out, for a mask compared with itself tells nothing"),
    "table_patient": ("error", "import the patient's scans first, or list the patient with --patients; not used"),
    "table_differs": ("warning", "what stands in the study is kept; correct it there by hand if it is wrong"),
})  # fmt: skip


def oddity(
    code: str, message: str, path: str | None = None, patient_id: str | None = None, session_id: str | None = None
) -> Finding:
    """Make a finding of a listed kind; ``path`` is relative to the source, with ``/``.

    Raises
    ------
    KeyError
        The code is not listed.
    """
    severity, remedy = KINDS[code]
    return Finding(code, severity, "import-dicom", path, patient_id, session_id, message, remedy)
