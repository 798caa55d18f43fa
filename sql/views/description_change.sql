-- What became of each finding since the visit before at which it was told; nothing of it is judged.
create or replace view description_change as
select
    changes.patient_id,
    changes.session_id,
    changes.lesion_id,
    changes.finding,
    changes.course,
    changes.reason,
    changes.compared_session_id,
    earlier.acquired_on as compared_on,
    changes.value_before,
    changes.number_before
from record.description_change as changes
inner join record.visit as earlier
    on changes.patient_id = earlier.patient_id and changes.compared_session_id = earlier.session_id;

comment on view description_change is 'One row per finding, lesion and visit since it was first told';
comment on column description_change.patient_id is 'participant label';
comment on column description_change.session_id is 'session label';
comment on column description_change.lesion_id is 'lesion that it is about';
comment on column description_change.finding is 'what is described, as in description';
comment on column description_change.course is 'changed, unchanged or cannot be compared';
comment on column description_change.reason is 'why it cannot be compared, in words';
comment on column description_change.compared_session_id is 'visit before at which the finding was told';
comment on column description_change.compared_on is 'day of that visit''s scan';
comment on column description_change.value_before is 'term told then';
comment on column description_change.number_before is 'measure told then, in the unit of description';
