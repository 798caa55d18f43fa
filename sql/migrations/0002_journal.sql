-- What people decided, copied from the journal at each publish; the journal itself lies beside this file.
create table record.journal_entry (
    entry_id varchar primary key,
    written_at timestamp not null,
    who varchar not null,
    act varchar not null check (act in (
        'accept_mask', 'exclude_mask', 'exclude_visit', 'pin_baseline', 'correct_lesion', 'comment', 'undo')),
    patient_id varchar not null,
    session_id varchar,
    compartment varchar,
    mask_sha256 varchar,
    lesion_id varchar,
    same_as varchar,
    reason varchar,
    undoes varchar,
    status varchar not null check (status in ('in_force', 'undone', 'replaced', 'lapsed')),
    status_reason varchar,
    check (status = 'in_force' or status_reason is not null)
);
