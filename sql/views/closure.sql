-- Whether alignments close: how far going to a visit by way of an earlier one misses the straight way.
create or replace view closure as
with closures as (
    select patient_id, session_id, through_session_id, closure_mm
    from record.closure
),
visits as (
    select patient_id, session_id, acquired_on from record.visit
)
select
    closures.patient_id,
    closures.session_id,
    visits.acquired_on,
    closures.through_session_id,
    closures.closure_mm
from closures
inner join visits using (patient_id, session_id);

comment on view closure is 'One row per visit that could be reached by way of an earlier one';
comment on column closure.patient_id is 'participant label';
comment on column closure.session_id is 'session label';
comment on column closure.acquired_on is 'day of the scan; empty when unknown';
comment on column closure.through_session_id is 'the earlier visit gone by';
comment on column closure.closure_mm is 'mean distance over the lesion between the straight way from the reference and the way by the earlier visit, mm';
