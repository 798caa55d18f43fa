-- Places that may be new tumour where none was drawn. A mask of tumour drawn at the visit answers the question: then
-- the visit is no longer looked at, and its rows are gone.
create or replace view new_signal as
select
    n.patient_id, n.session_id, v.acquired_on, n.number, n.compared_session_id, e.acquired_on as compared_on,
    n.approximate_mm3, n.right_mm, n.anterior_mm, n.superior_mm,
    n.reference_right_mm, n.reference_anterior_mm, n.reference_superior_mm
from record.new_signal as n
inner join record.visit as v using (patient_id, session_id)
inner join record.visit as e on (e.patient_id, e.session_id) = (n.patient_id, n.compared_session_id);

comment on view new_signal is 'One row per place that may be new tumour where none was drawn; a flag for a person, never a measurement';
comment on column new_signal.patient_id is 'participant label';
comment on column new_signal.session_id is 'session label';
comment on column new_signal.acquired_on is 'day of the scan; empty when unknown';
comment on column new_signal.number is 'number of the place within the visit, 1 is the largest';
comment on column new_signal.compared_session_id is 'the earlier session, drawn without tumour, that does not explain the signal';
comment on column new_signal.compared_on is 'day of that scan; empty when unknown';
comment on column new_signal.approximate_mm3 is 'size, mm³, about right only';
comment on column new_signal.right_mm is 'middle of the place, mm to the right, in the coordinates of the visit''s own scan';
comment on column new_signal.anterior_mm is 'the same, mm to anterior';
comment on column new_signal.superior_mm is 'the same, mm to superior';
comment on column new_signal.reference_right_mm is 'middle of the place, mm to the right, in the coordinates of the reference visit''s scan';
comment on column new_signal.reference_anterior_mm is 'the same, mm to anterior';
comment on column new_signal.reference_superior_mm is 'the same, mm to superior';
