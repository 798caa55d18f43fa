-- What people decided about the whole study, the latest first.
select
    entry_id, written_at, who, act, patient_id, session_id, compartment, lesion_id, same_as, reason, undoes, status,
    status_reason, mask_sha256
from journal
order by written_at desc, entry_id
