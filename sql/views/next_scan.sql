-- One row per patient with a scan or a treatment: when a published schedule would have the next scan.
create or replace view next_scan as
select
    patient_id,
    surveillance_id,
    schedule_id,
    counted_from,
    due_on,
    overdue_from,
    interval_days,
    rule,
    source,
    closer_reason,
    assumed
from record.next_scan;

comment on view next_scan is 'One row per patient: when a published schedule would have the next scan';
comment on column next_scan.patient_id is 'participant label';
comment on column next_scan.surveillance_id is 'set of schedules that was read';
comment on column next_scan.schedule_id is 'schedule of it that fits the patient';
comment on column next_scan.counted_from is 'day of the last scan, or of the treatment when no scan since counts';
comment on column next_scan.due_on is 'last day on which the schedule would have the scan; empty when it has ended';
comment on column next_scan.overdue_from is 'first day on which the scan is overdue; empty when the schedule has ended';
comment on column next_scan.interval_days is 'interval of the schedule, days; empty when it has ended';
comment on column next_scan.rule is 'the schedule in words';
comment on column next_scan.source is 'where the schedule comes from, and how far that was checked';
comment on column next_scan.closer_reason is 'why the interval is closer than that of the schedule, such as a growing tumour; empty when it is not';
comment on column next_scan.assumed is 'what is not known of the patient and would change the interval, in words; empty when nothing is';
