-- One row per visit and earlier visit that it is compared with: what changed, and the tumour change across it.
-- change_errors is the size of the change in units of its own stated standard error; it needs two volumes above 0.
create or replace view protocol_change as
with changes as (
    select
        patient_id, session_id, compared_session_id, is_visit_before, scanner, software, protocol, changes, unknown
    from record.protocol_change
),
visits as (
    select patient_id, session_id, acquired_on from record.visit
),
tumours as (
    select patient_id, session_id, volume_mm3, volume_cv from record.measurement where compartment = 'tumour'
),
judged as (
    select a.patient_id, a.session_id, a.previous_session_id, a.epoch, a.category, a.state
    from record.assessment as a
    inner join record.study as s on s.default_criteria_id = a.criteria_id
),
consecutive as (
    select j.patient_id, j.session_id, j.previous_session_id as compared_session_id, true as is_evaluable_pair
    from judged as j
    inner join judged as p
        on (p.patient_id, p.session_id, p.epoch) = (j.patient_id, j.previous_session_id, j.epoch)
    where 'NE' not in (j.category, p.category) and 'context' not in (j.state, p.state)
),
compared as (
    select
        patient_id, session_id, compared_session_id, changes.is_visit_before, changes.scanner, changes.software,
        changes.protocol, changes.changes, changes.unknown, visits.acquired_on, earlier.acquired_on as compared_on,
        now.volume_mm3, now.volume_cv, then_.volume_mm3 as compared_volume_mm3, then_.volume_cv as compared_cv,
        coalesce(consecutive.is_evaluable_pair, false) as is_evaluable_pair,
        case changes.compared_session_id
            when e.nadir_session_id then [e.change_from_nadir_low_percent, e.change_from_nadir_high_percent]
            when e.baseline_session_id then [e.change_from_baseline_low_percent, e.change_from_baseline_high_percent]
            when e.previous_session_id then [e.change_from_previous_low_percent, e.change_from_previous_high_percent]
        end as interval_percent
    from changes
    inner join visits using (patient_id, session_id)
    inner join visits as earlier
        on (earlier.patient_id, earlier.session_id) = (changes.patient_id, changes.compared_session_id)
    left join tumours as now using (patient_id, session_id)
    left join tumours as then_
        on (then_.patient_id, then_.session_id) = (changes.patient_id, changes.compared_session_id)
    left join consecutive using (patient_id, session_id, compared_session_id)
    left join trajectory as e
        on (e.patient_id, e.session_id, e.compartment) = (changes.patient_id, changes.session_id, 'tumour')
        and e.criteria_id = (select default_criteria_id from record.study)
)
select
    patient_id, session_id, acquired_on, compared_session_id, compared_on, is_visit_before, is_evaluable_pair,
    scanner, software, protocol, changes, unknown, compared_volume_mm3, volume_mm3,
    change_percent(volume_mm3, compared_volume_mm3) as change_percent,
    interval_percent[1] as change_low_percent, interval_percent[2] as change_high_percent,
    abs(ln(nullif(volume_mm3, 0) / nullif(compared_volume_mm3, 0))) / nullif(joint_cv(volume_cv, compared_cv), 0)
        as change_errors
from compared;

comment on view protocol_change is 'One row per visit and earlier visit it is compared with: what changed in scanner and protocol';
comment on column protocol_change.patient_id is 'participant label';
comment on column protocol_change.session_id is 'session label of the later visit';
comment on column protocol_change.acquired_on is 'day of the later scan';
comment on column protocol_change.compared_session_id is 'session label of the earlier visit';
comment on column protocol_change.compared_on is 'day of the earlier scan';
comment on column protocol_change.is_visit_before is 'true when the earlier visit is the usable one just before';
comment on column protocol_change.is_evaluable_pair is 'true when both are evaluable and follow each other in one period of the default criteria';
comment on column protocol_change.scanner is 'whether the scanner is the same: same, changed or cannot tell';
comment on column protocol_change.software is 'whether the software of the same scanner is the same: same, changed or cannot tell';
comment on column protocol_change.protocol is 'whether the protocol is the same: same, changed or cannot tell';
comment on column protocol_change.changes is 'what changed, in words; empty when nothing is known to have changed';
comment on column protocol_change.unknown is 'what could not be compared, and where it is not recorded; empty when all could';
comment on column protocol_change.compared_volume_mm3 is 'tumour volume at the earlier visit, mm³';
comment on column protocol_change.volume_mm3 is 'tumour volume at the later visit, mm³';
comment on column protocol_change.change_percent is 'tumour change between the two, percent';
comment on column protocol_change.change_low_percent is 'lower end of its 95 % interval by all readings since the baseline of the default criteria, percent; empty where they do not compare the two';
comment on column protocol_change.change_high_percent is 'upper end of its 95 % interval, percent';
comment on column protocol_change.change_errors is 'absolute ln(later over earlier volume) divided by its own stated standard error';
