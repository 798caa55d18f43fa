-- One row per participant, with the span of the follow-up.
create or replace view patient as
with patients as (
    select patient_id, sex, age_years, histology, who_grade, level, syndrome, centre, died_on, last_contact_on,
        is_enhancing, mycn, h3_k27, died_by, last_contact_by
    from record.patient
),
visits as (
    select
        patient_id,
        count(*) as visit_count,
        count(*) filter (where status = 'usable') as usable_visit_count,
        min(acquired_on) as first_scan_on,
        max(acquired_on) as last_scan_on
    from record.visit
    group by patient_id
)
select
    patients.patient_id,
    patients.sex,
    patients.age_years,
    patients.histology,
    patients.who_grade,
    patients.level,
    patients.syndrome,
    patients.centre,
    patients.died_on,
    patients.last_contact_on,
    patients.is_enhancing,
    patients.mycn,
    patients.h3_k27,
    patients.died_by,
    patients.last_contact_by,
    coalesce(visits.visit_count, 0) as visit_count,
    coalesce(visits.usable_visit_count, 0) as usable_visit_count,
    visits.first_scan_on,
    visits.last_scan_on
from patients
left join visits using (patient_id);

comment on view patient is 'One row per participant';
comment on column patient.patient_id is 'participant label';
comment on column patient.sex is 'sex as in participants.tsv';
comment on column patient.age_years is 'age as in participants.tsv, years';
comment on column patient.histology is 'histology as in participants.tsv';
comment on column patient.who_grade is 'WHO grade as in participants.tsv';
comment on column patient.level is 'level of the tumour along the cord';
comment on column patient.syndrome is 'VHL, NF1, NF2, none or unknown; empty when the study does not say';
comment on column patient.centre is 'treating centre';
comment on column patient.died_on is 'day of death, or the first that it may have been; empty when the patient is not known to have died';
comment on column patient.died_by is 'last day that the death may have been on; empty where the day is known';
comment on column patient.last_contact_on is 'last day the patient was known to be alive, or the first that it may have been; empty when the study does not say';
comment on column patient.last_contact_by is 'last day that the last contact may have been on; empty where the day is known';
comment on column patient.mycn is 'MYCN: amplified, not amplified or unknown; empty when participants.tsv has no word on it';
comment on column patient.h3_k27 is 'H3 K27: altered, wild type or unknown; empty when participants.tsv has no word on it';
comment on column patient.visit_count is 'number of sessions, dated or not';
comment on column patient.usable_visit_count is 'number of sessions that could be used';
comment on column patient.first_scan_on is 'day of the first dated session, whether it could be used or not';
comment on column patient.last_scan_on is 'day of the last dated session, whether it could be used or not';
comment on column patient.is_enhancing is 'whether the tumour takes up contrast agent; empty when the study does not say';
