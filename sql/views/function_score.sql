-- One row per functional grade; grades of different scales are never pooled.
create or replace view function_score as
select patient_id, assessed_on, assessed_by, scale_id, grade, tumour_related
from record.function_score;

comment on view function_score is 'One row per functional grade; grades of different scales must not be pooled';
comment on column function_score.patient_id is 'participant label';
comment on column function_score.assessed_on is 'day of the examination; the first possible one where only a month or a year is known';
comment on column function_score.assessed_by is 'last possible day of the examination; empty where the day is known';
comment on column function_score.scale_id is 'scale, such as modified McCormick; it decides the range and direction of the grade';
comment on column function_score.grade is 'grade in points of its scale';
comment on column function_score.tumour_related is 'true when the examiner put the deficit down to the tumour';
