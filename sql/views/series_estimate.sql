-- One row per judged visit, criteria and compartment: what all readings since the baseline say of the true volume and
-- of its changes. The home of every interval of a change that is shown; the changes themselves are in trajectory.
create or replace view series_estimate as
with volumes as (
    select patient_id, session_id, compartment, volume_mm3 from record.measurement
),
visits as (
    select patient_id, session_id, acquired_on from record.visit
)
select
    e.patient_id, e.session_id, v.acquired_on, e.criteria_id, e.compartment,
    e.volume_mm3 as smoothed_volume_mm3,
    e.low_mm3 as smoothed_low_mm3,
    e.high_mm3 as smoothed_high_mm3,
    ratio_percent(e.baseline_low_ratio) as change_from_baseline_low_percent,
    ratio_percent(e.baseline_high_ratio) as change_from_baseline_high_percent,
    ratio_percent(e.nadir_low_ratio) as change_from_nadir_low_percent,
    ratio_percent(e.nadir_high_ratio) as change_from_nadir_high_percent,
    ratio_percent(e.previous_low_ratio) as change_from_previous_low_percent,
    ratio_percent(e.previous_high_ratio) as change_from_previous_high_percent,
    e.smallest_session_id,
    s.acquired_on as smallest_on,
    least_volume.volume_mm3 as smallest_volume_mm3,
    change_percent(now.volume_mm3, least_volume.volume_mm3) as change_from_smallest_percent,
    ratio_percent(e.smallest_low_ratio) as change_from_smallest_low_percent,
    ratio_percent(e.smallest_high_ratio) as change_from_smallest_high_percent,
    ratio_percent(e.limit_ratio) as series_limit_percent
from record.series_estimate as e
inner join visits as v using (patient_id, session_id)
left join visits as s on s.patient_id = e.patient_id and s.session_id = e.smallest_session_id
left join volumes as now
    on (now.patient_id, now.session_id, now.compartment) = (e.patient_id, e.session_id, e.compartment)
left join volumes as least_volume
    on
        (least_volume.patient_id, least_volume.session_id, least_volume.compartment)
        = (e.patient_id, e.smallest_session_id, e.compartment);

comment on view series_estimate is 'One row per judged visit, criteria and compartment: true volume and intervals of its changes by all readings since the baseline';
comment on column series_estimate.patient_id is 'participant label';
comment on column series_estimate.session_id is 'session label';
comment on column series_estimate.acquired_on is 'day of the scan';
comment on column series_estimate.criteria_id is 'criteria that picked the visits to compare with';
comment on column series_estimate.compartment is 'tissue: tumour (solid), enhancing, cyst, syrinx, oedema, cavity, haemorrhage or cord';
comment on column series_estimate.smoothed_volume_mm3 is 'true volume as all readings since the baseline tell it, mm³; empty where unknown';
comment on column series_estimate.smoothed_low_mm3 is 'lower end of its 95 % interval, mm³';
comment on column series_estimate.smoothed_high_mm3 is 'upper end of its 95 % interval, mm³';
comment on column series_estimate.change_from_baseline_low_percent is 'lower end of the 95 % interval of the change since the baseline, percent';
comment on column series_estimate.change_from_baseline_high_percent is 'upper end of it, percent';
comment on column series_estimate.change_from_nadir_low_percent is 'lower end of the 95 % interval of the change since the nadir, percent';
comment on column series_estimate.change_from_nadir_high_percent is 'upper end of it, percent';
comment on column series_estimate.change_from_previous_low_percent is 'lower end of the 95 % interval of the change since the previous scan, percent';
comment on column series_estimate.change_from_previous_high_percent is 'upper end of it, percent';
comment on column series_estimate.smallest_session_id is 'session of the smallest tumour since the last surgery, this one aside; of tumour only';
comment on column series_estimate.smallest_on is 'day of that scan';
comment on column series_estimate.smallest_volume_mm3 is 'volume at that scan, mm³';
comment on column series_estimate.change_from_smallest_percent is 'change since that scan, percent';
comment on column series_estimate.change_from_smallest_low_percent is 'lower end of its 95 % interval, percent';
comment on column series_estimate.change_from_smallest_high_percent is 'upper end of its 95 % interval, percent';
comment on column series_estimate.series_limit_percent is 'smallest change from the nadir visit that would be called beyond the error of all scans, percent, of a fall as its inverse; empty for the tumour, whose limit stands in assessment';
