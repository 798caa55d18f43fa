-- One row per act of a person: what it was, and whether it still has an effect on these results.
create or replace view journal as
select
    entry_id, written_at, who, act, patient_id, session_id, compartment, lesion_id, same_as, reason, undoes, status,
    status_reason, mask_sha256, scan_sha256, replaces_sha256, meeting_on, component_sha256,
    component_at_mm, drawn_how, finding, corrected_to
from record.journal_entry;

comment on view journal is 'One row per act of a person that these results know of';
comment on column journal.entry_id is 'id of the entry, by which a later one can undo it';
comment on column journal.written_at is 'when it was written, UTC';
comment on column journal.who is 'the person';
comment on column journal.act is 'accept_mask, exclude_mask, exclude_visit, pin_baseline, correct_lesion, withdraw_lesion, name_lesions, correct_mask, correct_finding, comment, note, decision or undo';
comment on column journal.patient_id is 'participant label';
comment on column journal.session_id is 'session label, when it is about one visit';
comment on column journal.compartment is 'tissue of the mask spoken of, when it is about a mask';
comment on column journal.lesion_id is 'lesion spoken of, as the program called it';
comment on column journal.same_as is 'lesion that it is, from this visit on; the other one of two that are named';
comment on column journal.reason is 'the reason, or the comment itself';
comment on column journal.undoes is 'entry that it undoes';
comment on column journal.status is 'in_force, undone, replaced (decided anew) or lapsed (the mask or scan is another one now)';
comment on column journal.status_reason is 'why it has no effect any more, in words';
comment on column journal.mask_sha256 is 'digest of the mask file that the person saw, or drew';
comment on column journal.scan_sha256 is 'digest of the scan that a corrected mask was drawn on; of other acts on sizes of a table, of the day and time of the scan there';
comment on column journal.replaces_sha256 is 'digest of the mask file that a corrected mask stands in for; empty where there was none';
comment on column journal.meeting_on is 'day of the board''s meeting, of notes and decisions';
comment on column journal.component_sha256 is 'digest of the piece of tumour that an act about a lesion is bound to';
comment on column journal.component_at_mm is 'its centre in the visit''s own scan, mm to the right, to the front and upwards';
comment on column journal.drawn_how is 'of a mask drawn in the page, JSON: clicks inside and outside in mm, the algorithm that proposed an outline from them, its version, and voxels brushed or erased';
comment on column journal.finding is 'finding of the description that a person reads otherwise, as in description';
comment on column journal.corrected_to is 'what they read in its place; of names of lesions right, exchanged, one lesion or another lesion';
