-- One row per surgery: the extent as the surgeon reported it beside what the scans before and after show.
create or replace view resection as
with volumes as (
    select patient_id, session_id, volume_mm3 from record.measurement where compartment = 'tumour'
),
visits as (
    select patient_id, session_id, acquired_on from record.visit
)
select
    r.patient_id, r.operated_on, r.extent_surgeon, r.extent_mri, r.before_session_id, bv.acquired_on as before_on,
    b.volume_mm3 as before_volume_mm3, r.after_session_id, av.acquired_on as after_on,
    a.volume_mm3 as residual_volume_mm3, -change_percent(a.volume_mm3, b.volume_mm3) as removed_percent,
    r.is_contradiction, r.is_provisional, r.reason
from record.resection as r
left join volumes as b on b.patient_id = r.patient_id and b.session_id = r.before_session_id
left join volumes as a on a.patient_id = r.patient_id and a.session_id = r.after_session_id
left join visits as bv on bv.patient_id = r.patient_id and bv.session_id = r.before_session_id
left join visits as av on av.patient_id = r.patient_id and av.session_id = r.after_session_id;

comment on view resection is 'One row per surgery, with the extent as reported and as the scans show it';
comment on column resection.patient_id is 'participant label';
comment on column resection.operated_on is 'day of the surgery';
comment on column resection.extent_surgeon is 'extent as the surgeon reports it: GTR, NTR, STR, PR or biopsy; empty when not known';
comment on column resection.extent_mri is 'extent that the scans show: GTR (none left), NTR (95 % and more removed), STR (80 to 95 %), PR (less); empty when not known';
comment on column resection.before_session_id is 'session of the last measured scan before; empty when there is none in the year before';
comment on column resection.before_on is 'day of that scan';
comment on column resection.before_volume_mm3 is 'solid tumour on it, mm³';
comment on column resection.after_session_id is 'session of the first scan late enough after; empty when there is none before the next treatment';
comment on column resection.after_on is 'day of that scan';
comment on column resection.residual_volume_mm3 is 'solid tumour on it, mm³; 0 means looked for and not there';
comment on column resection.removed_percent is 'solid tumour removed, percent of that before; empty when either is not known';
comment on column resection.is_contradiction is 'true when surgeon and scans cannot both be right';
comment on column resection.is_provisional is 'true when a size rests on an automatic mask nobody signed';
comment on column resection.reason is 'what was compared, or why it could not be, in one sentence';
