-- What people decided about one patient, the latest first.
select
    entry_id, written_at, who, act, patient_id, session_id, compartment, lesion_id, same_as, reason, undoes, status,
    status_reason, mask_sha256
from journal
where patient_id = $patient_id
order by written_at desc, entry_id
