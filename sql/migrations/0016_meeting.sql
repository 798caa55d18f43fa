-- Notes and decisions of a meeting are acts of their own, with its day.
create table record.journal_entry_new (
    entry_id varchar primary key,
    written_at timestamp not null,
    who varchar not null,
    act varchar not null check (act in (
        'accept_mask', 'exclude_mask', 'exclude_visit', 'pin_baseline', 'correct_lesion', 'correct_mask', 'comment',
        'note', 'decision', 'undo')),
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
    scan_sha256 varchar,
    replaces_sha256 varchar,
    meeting_on date,
    check (status = 'in_force' or status_reason is not null),
    check (act <> 'correct_mask' or scan_sha256 is not null),
    check ((act in ('note', 'decision')) = (meeting_on is not null))
);
insert into record.journal_entry_new by name select * from record.journal_entry;
drop table record.journal_entry;
alter table record.journal_entry_new rename to journal_entry;
