-- One row per treatment.
create or replace view treatment as
select patient_id, kind, started_on, ended_on, extent, dose_gy, agent, started_by, ended_by, dose_mg, written,
    started_at
from record.treatment;

comment on view treatment is 'One row per treatment';
comment on column treatment.patient_id is 'participant label';
comment on column treatment.kind is 'surgery, radiotherapy, radiosurgery, chemotherapy, targeted, bevacizumab, immunotherapy, steroid, drainage, other or unknown';
comment on column treatment.started_on is 'first day, or the first on which it may have begun';
comment on column treatment.ended_on is 'last day; empty when unknown or ongoing';
comment on column treatment.extent is 'extent of surgery as the surgeon reports it: GTR, NTR, STR, PR or biopsy';
comment on column treatment.dose_gy is 'total radiation dose, Gy';
comment on column treatment.agent is 'drug or technique';
comment on column treatment.started_by is 'last day on which it may have begun; empty when the day is known';
comment on column treatment.ended_by is 'last day on which it may have ended; empty when the day is known';
comment on column treatment.dose_mg is 'daily steroid dose as dexamethasone, mg';
comment on column treatment.written is 'the kind as the table has it, where that is another word';
comment on column treatment.started_at is 'time of the first day, HH:MM:SS; empty when unknown';
