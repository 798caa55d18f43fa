"""Every kind of oddity that cordtrack reports about a study folder, with its severity and remedy, listed once.

The documentation's table of findings is made from :data:`KINDS`. A finding never stops anything: what is odd is left
out (error), used with a warning, or merely said (note).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType

from pipeline.core.records import Finding

WORKER_DIED = "worker_died"
"""Code of the finding beside a patient whose process died: nothing is known of the visits then."""


@dataclass(frozen=True)
class FindingKind:
    """What one finding code means.

    Attributes
    ----------
    step
        The part of the pipeline that notices it.
    severity
        ``error`` (something was left out), ``warning`` (used, but look) or ``note``.
    remedy
        What to do, in plain words.
    """

    step: str
    severity: str
    remedy: str


def _kinds(step: str, kind_rows: tuple[tuple[str, str, str], ...]) -> dict[str, FindingKind]:
    return {code: FindingKind(step, severity, remedy) for code, severity, remedy in kind_rows}


FOLDER_KINDS = (
    ("description_missing", "note", "add dataset_description.json with a Name, so that reports can name the study"),
    ("json_unreadable", "warning", "correct the JSON file or remove it; it was not used"),
    ("study_empty", "error", "give the folder that holds the sub-<label> folders"),
    ("patient_not_found", "error", "check the spelling of the requested patient; the folder lists who is there"),
    ("patient_not_listed", "warning", "add a row for this patient to participants.tsv"),
    ("patient_without_images", "warning", "add the patient's images or remove the row from participants.tsv"),
    ("visit_without_images", "warning", "add the visit's images or remove its row from the sessions table"),
    ("visit_level_missing", "note", "put the images in sub-<label>/ses-<label>/anat when there is a second visit"),
    (
        "visit_undated",
        "error",
        "write the visit's date (YYYY-MM-DD) into the sessions table; until then what its day may change is not judged",
    ),
    ("visit_date_conflict", "error", "leave one date for the visit in the sessions table"),
    ("visit_date_repeated", "warning", "check both dates; two visits of one day are both kept"),
    ("visit_order", "warning", "make sure that their dates are not exchanged; the dates count, not the numbers"),
    (
        "date_impossible",
        "error",
        "write the day of the scan; until then it may be any day, and what that may change is not judged",
    ),
    ("visit_date_from_scans", "note", "write the date into the sessions table to have it in one place"),
    (
        "link_outside",
        "error",
        "copy the file into the study folder (cp -rL, datalad unlock); links out of it are not followed",
    ),
    ("link_annex", "error", "fetch it with 'datalad get' or 'git annex get', or copy the study with cp -rL"),
    ("file_unreadable", "error", "restore the file or make it readable, then run again"),
    ("folder_ignored", "warning", "rename the folder to the BIDS pattern, or move it to sourcedata/"),
    ("image_misplaced", "error", "move the image into the anat folder of its visit"),
    ("image_format", "error", "convert the image to NIfTI (.nii.gz)"),
    ("name_not_bids", "error", "rename to the BIDS pattern, for example sub-01_ses-01_acq-sag_T2w.nii.gz"),
    ("name_mismatch", "error", "make sure whose image this is, then correct its name or move it"),
    ("contrast_unknown", "warning", "rename with a BIDS suffix such as T2w or T1w, or move the file away"),
    ("scan_duplicated", "warning", "keep one of the two files"),
    ("sidecar_value", "warning", "correct the value in the image's .json file, or remove it; it was not used"),
    ("scan_contradicted", "warning", "look at the scan; correct its name or the .json file; its name was believed"),
    ("scan_of_another", "warning", "find out whose scan each is, and exclude the visit that is another person's"),
    ("visit_day_contradicted", "warning", "correct the sessions table or the .json file; the table was believed"),
    ("scan_unusual", "note", "nothing to do; it is compared only with visits measured on the same contrast"),
    (
        "scan_two_positions",
        "warning",
        "find out which is right, qform or sform, and save the scan with that one in both",
    ),
    ("scan_not_finite", "warning", "nothing to do where this is outside the field of view; else export the scan again"),
    ("visit_not_measurable", "error", "add a T2w or T1w scan, or draw the mask on a scan of this visit"),
    (
        "scan_copied",
        "warning",
        "put each visit's own scan there or exclude the wrong visit; until then this one has no size",
    ),
    ("scan_alike", "warning", "put the later visit's own scan there or exclude it; this one keeps its sizes"),
    ("sequence_copied", "warning", "put this visit's own file here, or take it away where it was not scanned"),
    ("anchor_ambiguous", "warning", "check the chosen scan; name planes by acq-sag or acq-ax, or draw on the right"),
)

TABLE_KINDS = (
    ("participants_missing", "warning", "add participants.tsv; patients were taken from the folders"),
    ("treatments_missing", "warning", "add treatments.tsv; without it baselines after surgery cannot be placed"),
    ("table_empty", "warning", "fill the table (header and rows) or remove it"),
    ("table_encoding", "warning", "save the table as UTF-8 text"),
    ("table_delimiter", "error", "save the table with tabs between the columns"),
    ("table_misnamed", "warning", "save it under the name expected, with tabs between the columns"),
    ("column_missing", "error", "add or rename the column; nothing that depends on it was used"),
    ("column_unread", "note", "if one of these means a column that is read, give it that name; it is not used"),
    ("column_repeated", "error", "leave one column of this name; where they differ neither is used"),
    ("columns_differ", "error", "leave one of the columns of this name, with the right value; neither was used"),
    ("age_capped", "note", "nothing to do; ages from 89 on may name a person"),
    ("row_short", "note", "fill the row up with n/a"),
    ("row_long", "error", "give the row one cell per column (a decimal comma makes one too many); it was not used"),
    ("row_incomplete", "error", "fill in the missing cells; the row was not used as it stands"),
    ("row_repeated", "warning", "remove one of the two rows"),
    (
        "patient_alike",
        "error",
        "write one person's name alike everywhere, those of two so that more than zeros, case and marks differ",
    ),
    (
        "person_differs",
        "error",
        "leave one row of each patient, with the right words; where two differ neither is used",
    ),
    ("row_unknown_patient", "error", "correct the participant_id or add the patient; the row was not used"),
    ("date_malformed", "error", "write dates as YYYY-MM-DD; this one was not used"),
    ("date_partial", "warning", "write the whole day; until then what depends on it is not evaluable"),
    ("treatment_unplaced", "error", "write its date; until then only what no day of it could change is judged"),
    ("treatment_unknown", "error", "say what kind it was (see docs); until then nothing after it is judged"),
    ("treatment_by_agent", "warning", "make sure of it, and write the kind that the drug or the machine belongs to"),
    (
        "syndrome_unknown",
        "warning",
        "write VHL, NF1, NF2, none or unknown; new lesions count as progression until then",
    ),
    ("marker_unknown", "warning", "write one of the expected words; until then the marker is unknown, never negative"),
    ("neuraxis_word", "error", "use one of the expected words; until then the item is missing, never negative"),
    ("neuraxis_differ", "error", "leave one form per visit, or agree; until then the item is not evaluable"),
    ("neuraxis_unplaced", "error", "name a visit by its session_id or day; until then only seeding that it saw counts"),
    ("spectrum_unplaced", "error", "name a visit of this patient; until then the value counts for nothing"),
    ("spectrum_differs", "error", "leave one value of a metabolite for each box, or name them apart; neither is used"),
    ("spectrum_voxel", "error", "give the NIfTI-MRS file of the spectrum; until then its value is without a place"),
    ("date_future", "error", "correct the date; dates after the day of reading are not used"),
    ("death_date_conflict", "error", "correct the date of death or the other date; until then no death is counted"),
    ("date_order", "error", "correct the dates; the wrong one is not known, and they were not taken as they stand"),
    ("index_malformed", "error", "write the index as a whole number such as 1; this label was not used"),
    ("number_malformed", "error", "write a plain number with a decimal point; this one was not used"),
    (
        "number_ambiguous",
        "error",
        "write 1234 for a thousand and more, 1.2340 (a fourth digit) for a fraction; until then it is not used",
    ),
    (
        "number_notation",
        "warning",
        "make sure that it was read right, or write 1234 for a thousand, 1.2340 for a fraction",
    ),
    ("word_unknown", "error", "use one of the expected words; this one was not used"),
    (
        "rows_differ",
        "error",
        "leave one row per patient, date and compartment, or add each scan's time; until then the visit has no number",
    ),
    (
        "remark_unread",
        "warning",
        "remarks are not read: where it takes the size back, leave that cell empty",
    ),
    ("row_of_all", "warning", "take the row out: a table of sizes has one row per person, date and compartment"),
    ("number_code", "warning", "leave the cell empty where nothing was measured; it was read as a size"),
    ("slices_suspect", "warning", "correct the number of slices or the volume; both were read as they stand"),
    ("year_suspect", "warning", "correct the year if it is mistyped; the date counts, not the place of the row"),
    ("cells_differ", "error", "leave one of the two cells, or correct them; until then the visit has no number"),
    ("unit_suspect", "warning", "make sure of the unit: 1 mL is 1000 mm³; floors and errors depend on it"),
    (
        "unit_doubtful",
        "error",
        "write it in the unit of the column, or slices_spanned 1 beside it if it is a speck; until then it is not used",
    ),
    ("unit_differs", "error", "write the size in the unit that its column names, and that unit beside it, or none"),
    ("imported_not_used", "note", "nothing to do: a visit with images is measured on them"),
    ("imported_differs", "warning", "what was imported first is kept; correct phenotype/cordtrack_volumes.tsv by hand"),
    ("import_contradicts", "warning", "what stands in the study is kept; correct its table by hand where it is wrong"),
)

MASK_KINDS = (
    ("mask_without_visit", "error", "add the visit's images or correct the mask's folder"),
    ("mask_repeated", "warning", "keep one mask per compartment and scan in each derivatives folder"),
    ("mask_label_missing", "error", "name the compartment, for example label-tumour in the file name"),
    ("mask_table_missing", "error", "add dseg.tsv (index, name) beside the masks; label numbers are never guessed"),
    ("mask_table_ambiguous", "error", "leave one dseg.tsv that applies to this mask"),
    ("mask_table_conflict", "error", "give each index one name in dseg.tsv; this index was not used"),
    ("compartment_unknown", "error", "use a known compartment name (see docs); this one is not measured"),
    ("mask_origin_unstated", "warning", 'if people drew it, say so: "Manual": true in the mask\'s .json sidecar'),
    ("derivative_own_output", "note", "nothing to do; cordtrack does not read its own results as input"),
    ("mask_unreadable", "error", "export or copy the mask again"),
    ("mask_grid", "error", "export the mask again on the image's grid"),
    ("mask_values", "error", "export the mask again as whole-number labels, 0/1, or probabilities from 0 to 1"),
    (
        "mask_label_unlisted",
        "error",
        "list the value in dseg.tsv or correct the mask; until then an absent compartment is missing, not 0",
    ),
    ("mask_is_scan", "error", "put the mask in this place; if it is a label map, list its labels in dseg.tsv"),
    ("mask_covers_scan", "error", "draw the compartment alone: is this its inverse, or the outline of the picture?"),
    (
        "mask_space",
        "error",
        "bring it back to the visit's own scan, or name it space-orig if it was drawn there; it was not used",
    ),
    ("mask_grid_rounded", "note", "nothing to do; the voxels are taken for those of the scan"),
    (
        "mask_other_position",
        "warning",
        "see what is said of the scan's two positions; its voxels are used",
    ),
    ("mask_other_scan", "warning", "make sure which scan it was drawn on, and name it after that one"),
    ("mask_copied", "warning", "draw this visit's own mask, or accept this one; until then it does not count"),
    (
        "mask_alike",
        "warning",
        "make sure that it was drawn on this visit, for its size counts; exclude it if not",
    ),
    ("mask_at_edge", "warning", "scan the whole lesion next time; the volume is a lower bound and proves no shrinkage"),
    (
        "mask_name_unknown",
        "warning",
        "name it label-<compartment>_mask, or _dseg with a dseg.tsv beside it that lists its numbers (see docs)",
    ),
    (
        "readers_disagree",
        "error",
        "agree: correct or accept the mask on the page, or take the wrong file away; until then it has no size",
    ),
    ("readers_differ", "warning", "look at both outlines and agree on one; the error of the size allows for it"),
    ("cyst_apart", "warning", "name it syrinx where it is one; where it is the tumour's own, draw it up to the tumour"),
    ("mask_empty", "warning", "confirm that nothing is there; an empty mask counts as volume 0"),
)

DISC_KINDS = (
    ("disc_unreadable", "error", "export or copy the disc labels again; they give no levels"),
    ("disc_grid", "error", "put the disc labels on the grid of the scan that is measured; they give no levels"),
    ("disc_values", "error", "mark each disc with one point of its number (3 = C2/C3, 25 = L5/S1); it was not used"),
    ("disc_order", "error", "look at the numbers of the disc labels; none of this file is used"),
    ("disc_skipped", "warning", "label this disc as well; beside it no level is named"),
    ("disc_differ", "warning", "find out which labels are counted right and correct the others"),
)

RUN_KINDS = (
    ("scan_unreadable", "error", "export or copy the scan again; this visit has no numbers until then"),
    ("step_failed", "error", "look at the scan named; the visit's numbers are missing for this reason"),
    ("step_crashed", "error", "report this message with logs/unexpected.log of the output folder"),
    ("mask_stand_in", "warning", "correct the drawn mask; what rests on the automatic one is provisional until then"),
    ("mask_source_failed", "error", "add the scan it needs, or draw a mask on this visit's scan"),
    ("protocol_changed", "note", "compare the outlines of both scans; a scan like the earlier ones compares best"),
    ("scans_differ", "warning", "draw a mask on this visit's scan"),
    (
        "scan_disturbed",
        "warning",
        "look at the scan and the outline found on it; correct the mask where it is wrong",
    ),
    (
        "shrinkage_unsure",
        "warning",
        "look at the outline found on the scan; correct it where it is wrong, or sign it",
    ),
    ("new_signal", "warning", "look at this place; accept the draft where there is one, or draw a mask on this scan"),
    ("no_new_signal", "note", "this is no proof; draw a mask on this visit's scan, an empty one where nothing is seen"),
    ("signal_not_searched", "warning", "draw a mask on this visit's scan, an empty one where nothing is seen"),
    ("tumour_not_measured", "warning", "draw a mask on this visit's scan (empty where nothing is seen) and run again"),
    ("journal_line_unusable", "error", "look at this line of the journal; what it says has no effect, do it again"),
    ("journal_line_missing", "warning", "restore the journal from a copy, or look whether an act of a person is gone"),
    ("extent_contradiction", "warning", "read the operation note and look at both scans again; both extents are kept"),
    ("act_lapsed", "warning", "look at the visit as it is now and decide anew"),
    ("act_without_effect", "warning", "correct the act (undo it and make it anew), or the study"),
    ("drawing_unusable", "error", "restore journal/masks of the output folder from a copy, or undo the correction"),
    ("drawing_and_mask", "warning", "if the mask in the study folder is the right one, undo the correction"),
    ("drawing_overlap", "warning", "look at both outlines and correct the other mask as well"),
    ("results_missing", "warning", "run the whole study (cordtrack run without --participant-label)"),
    ("worker_died", "error", "run this patient alone (--participant-label) on a machine with more free memory"),
)

KINDS: Mapping[str, FindingKind] = MappingProxyType(
    _kinds("folder", FOLDER_KINDS)
    | _kinds("table", TABLE_KINDS)
    | _kinds("mask", MASK_KINDS)
    | _kinds("discs", DISC_KINDS)
    | _kinds("run", RUN_KINDS)
)


def finding(
    code: str,
    message: str,
    path: str | None = None,
    *,
    patient_id: str | None = None,
    session_id: str | None = None,
) -> Finding:
    """Make a finding of a listed kind.

    Parameters
    ----------
    code
        A key of :data:`KINDS`.
    message
        Where, what was expected, what came.
    path
        Relative to the study folder, with ``/``; patient and visit are read from it where not given.

    Raises
    ------
    KeyError
        The code is not listed.

    Examples
    --------
    >>> finding("table_empty", "the table is empty", "sub-01/sub-01_sessions.tsv").patient_id
    'sub-01'
    """
    kind = KINDS[code]
    parts = PurePosixPath(path).parts if path else ()
    folders = {part[:4]: part for part in parts if "." not in part}
    return Finding(
        code=code,
        severity=kind.severity,
        step=kind.step,
        path=path,
        patient_id=patient_id or folders.get("sub-"),
        session_id=session_id or folders.get("ses-"),
        message=message,
        remedy=kind.remedy,
    )
