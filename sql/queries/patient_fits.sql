-- Published frequencies of a patient's sure findings, the recorded histology's first.
select
    lesion_id,
    finding,
    value,
    recorded_histology,
    histology,
    is_recorded,
    term,
    low_percent,
    high_percent,
    people,
    source,
    note
from fits
where patient_id = $patient_id
order by lesion_id, finding, is_recorded desc, histology
