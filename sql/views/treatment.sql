-- One row per treatment.
create or replace view treatment as
select patient_id, kind, started_on, ended_on, extent, dose_gy, agent
from record.treatment;

comment on view treatment is 'One row per treatment';
comment on column treatment.patient_id is 'participant label';
comment on column treatment.kind is 'surgery, radiotherapy, chemotherapy, bevacizumab, immunotherapy, steroid or other';
comment on column treatment.started_on is 'first day';
comment on column treatment.ended_on is 'last day; empty when unknown or ongoing';
comment on column treatment.extent is 'extent of surgery as the surgeon reports it: GTR, NTR, STR, PR or biopsy';
comment on column treatment.dose_gy is 'total radiation dose, Gy';
comment on column treatment.agent is 'drug or technique';
