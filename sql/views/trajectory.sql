-- One row per judged visit, criteria and compartment: the volume beside those of the baseline, nadir and previous
-- visits that judgement picked. No verdict is made here, only the arithmetic that is shown.
-- Intervals are those of series_estimate. A visit compared with itself has a change of 0 and no interval.
-- A table made at each publish: as a view it would be too slow for large cohorts.
create or replace table trajectory as
with assessments as (
    select patient_id, session_id, criteria_id, epoch, baseline_session_id, nadir_session_id, previous_session_id,
        detection_limit_ratio from record.assessment
),
visits as not materialized (
    select patient_id, session_id, acquired_on from record.visit
),
volumes as not materialized (
    select patient_id, session_id, compartment, volume_mm3, volume_cv, missing_reason from record.measurement
),
current_volumes as (
    select
        a.patient_id, a.session_id, a.criteria_id, a.epoch, a.baseline_session_id, a.nadir_session_id,
        a.previous_session_id, a.detection_limit_ratio, coalesce(c.compartment, 'tumour') as compartment, c.volume_mm3, c.volume_cv,
        case when c.session_id is null then 'nothing was measured at this visit' else c.missing_reason end as missing_reason
    from assessments as a
    left join volumes as c using (patient_id, session_id)
),
compared as (
    select
        c.patient_id, c.session_id, v.acquired_on, c.criteria_id, c.epoch, c.compartment, c.volume_mm3, c.volume_cv,
        c.missing_reason, c.baseline_session_id, c.nadir_session_id, c.previous_session_id, bv.acquired_on as baseline_on,
        c.detection_limit_ratio, b.volume_mm3 as baseline_volume_mm3, nv.acquired_on as nadir_on, n.volume_mm3 as nadir_volume_mm3,
        pv.acquired_on as previous_on, p.volume_mm3 as previous_volume_mm3
    from current_volumes as c
    inner join visits as v using (patient_id, session_id)
    left join visits as bv on bv.patient_id = c.patient_id and bv.session_id = c.baseline_session_id
    left join visits as nv on nv.patient_id = c.patient_id and nv.session_id = c.nadir_session_id
    left join visits as pv on pv.patient_id = c.patient_id and pv.session_id = c.previous_session_id
    left join volumes as b
        on (b.patient_id, b.session_id, b.compartment) = (c.patient_id, c.baseline_session_id, c.compartment)
    left join volumes as n
        on (n.patient_id, n.session_id, n.compartment) = (c.patient_id, c.nadir_session_id, c.compartment)
    left join volumes as p
        on (p.patient_id, p.session_id, p.compartment) = (c.patient_id, c.previous_session_id, c.compartment)
)
select
    patient_id, session_id, c.acquired_on, criteria_id, epoch, compartment, volume_mm3,
    volume_low_mm3(volume_mm3, volume_cv) as volume_low_mm3,
    volume_high_mm3(volume_mm3, volume_cv) as volume_high_mm3,
    volume_cv, baseline_session_id, baseline_on, baseline_volume_mm3,
    volume_mm3 - baseline_volume_mm3 as change_from_baseline_mm3,
    volume_mm3 / nullif(baseline_volume_mm3, 0) as baseline_ratio,
    change_percent(volume_mm3, baseline_volume_mm3) as change_from_baseline_percent,
    e.change_from_baseline_low_percent, e.change_from_baseline_high_percent,
    nadir_session_id, nadir_on, nadir_volume_mm3,
    volume_mm3 - nadir_volume_mm3 as change_from_nadir_mm3,
    change_percent(volume_mm3, nadir_volume_mm3) as change_from_nadir_percent,
    e.change_from_nadir_low_percent, e.change_from_nadir_high_percent,
    previous_session_id, previous_on, previous_volume_mm3,
    volume_mm3 - previous_volume_mm3 as change_from_previous_mm3,
    change_percent(volume_mm3, previous_volume_mm3) as change_from_previous_percent,
    e.change_from_previous_low_percent, e.change_from_previous_high_percent,
    if(compartment = 'tumour', ratio_percent(detection_limit_ratio), e.series_limit_percent) as detection_limit_percent,
    c.acquired_on - baseline_on as days_from_baseline, missing_reason
from compared as c
left join series_estimate as e using (patient_id, session_id, criteria_id, compartment)
order by criteria_id, patient_id, c.acquired_on, session_id, compartment;

comment on table trajectory is 'One row per judged visit, criteria and compartment; changes are empty where a volume is unknown or the reference is 0';
comment on column trajectory.patient_id is 'participant label';
comment on column trajectory.session_id is 'session label';
comment on column trajectory.acquired_on is 'day of the scan';
comment on column trajectory.criteria_id is 'criteria that picked the visits to compare with';
comment on column trajectory.epoch is 'number of the period since the last reset of the baseline';
comment on column trajectory.compartment is 'tissue: tumour (solid), enhancing, cyst, syrinx, oedema, cavity, haemorrhage or cord';
comment on column trajectory.volume_mm3 is 'volume, mm³; 0 means looked for and not there, empty means unknown';
comment on column trajectory.volume_low_mm3 is 'lower end of the 95 % interval, mm³';
comment on column trajectory.volume_high_mm3 is 'upper end of the 95 % interval, mm³';
comment on column trajectory.volume_cv is 'coefficient of variation of the volume, a fraction';
comment on column trajectory.baseline_session_id is 'session that response is judged against';
comment on column trajectory.baseline_on is 'day of the baseline scan';
comment on column trajectory.baseline_volume_mm3 is 'volume of the same compartment at the baseline, mm³';
comment on column trajectory.change_from_baseline_mm3 is 'volume minus that at the baseline, mm³';
comment on column trajectory.baseline_ratio is 'volume over that at the baseline, a ratio';
comment on column trajectory.change_from_baseline_percent is 'change since the baseline, percent';
comment on column trajectory.change_from_baseline_low_percent is 'lower end of its 95 % interval by all readings since the baseline, percent';
comment on column trajectory.change_from_baseline_high_percent is 'upper end of its 95 % interval by all readings since the baseline, percent';
comment on column trajectory.nadir_session_id is 'session of the smallest tumour since the baseline; progression is judged against it';
comment on column trajectory.nadir_on is 'day of the nadir scan';
comment on column trajectory.nadir_volume_mm3 is 'volume of the same compartment at the nadir of the tumour, mm³';
comment on column trajectory.change_from_nadir_mm3 is 'volume minus that at the nadir, mm³';
comment on column trajectory.change_from_nadir_percent is 'change since the nadir, percent';
comment on column trajectory.change_from_nadir_low_percent is 'lower end of its 95 % interval by all readings since the baseline, percent';
comment on column trajectory.change_from_nadir_high_percent is 'upper end of its 95 % interval by all readings since the baseline, percent';
comment on column trajectory.previous_session_id is 'evaluable session before this one';
comment on column trajectory.previous_on is 'day of the previous scan';
comment on column trajectory.previous_volume_mm3 is 'volume of the same compartment at the previous scan, mm³';
comment on column trajectory.change_from_previous_mm3 is 'volume minus that at the previous scan, mm³';
comment on column trajectory.change_from_previous_percent is 'change since the previous scan, percent';
comment on column trajectory.change_from_previous_low_percent is 'lower end of its 95 % interval by all readings since the baseline, percent';
comment on column trajectory.change_from_previous_high_percent is 'upper end of its 95 % interval by all readings since the baseline, percent';
comment on column trajectory.detection_limit_percent is 'smallest change from the visit judged against that would be called beyond the error of the whole series, percent, of a fall as its inverse; of what is never judged, from the nadir visit of the tumour';
comment on column trajectory.days_from_baseline is 'time since the baseline scan, days';
comment on column trajectory.missing_reason is 'why there is no volume, in words';
