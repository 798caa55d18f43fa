-- One row per patient and stretch without treatment: how fast solid tumour grew on the scans that were judged.
create or replace view growth_rate as
with visits as (
    select patient_id, session_id, acquired_on from record.visit
)
select
    g.patient_id, g.criteria_id, g.epoch, g.first_session_id, f.acquired_on as first_on, g.last_session_id,
    l.acquired_on as last_on, g.scan_count, g.days, g.specific_per_year, g.specific_low_per_year,
    g.specific_high_per_year, 100 * (exp(g.specific_per_year) - 1) as growth_percent_per_year,
    100 * (exp(g.specific_low_per_year) - 1) as growth_low_percent_per_year,
    100 * (exp(g.specific_high_per_year) - 1) as growth_high_percent_per_year,
    g.specific_low_per_year * g.specific_high_per_year > 0 as is_certain, g.doubling_time_days,
    case when is_certain then 365.25 * ln(2) / g.specific_high_per_year end as doubling_low_days,
    case when is_certain then 365.25 * ln(2) / g.specific_low_per_year end as doubling_high_days,
    g.diameter_mm_per_year, g.diameter_low_mm_per_year, g.diameter_high_mm_per_year, g.length_mm_per_year,
    g.length_low_mm_per_year, g.length_high_mm_per_year, g.residual_sd, g.error_sd, g.detectable_on,
    g.detectable_on - l.acquired_on as detectable_after_days, g.is_provisional
from record.growth_rate as g
left join visits as f on f.patient_id = g.patient_id and f.session_id = g.first_session_id
left join visits as l on l.patient_id = g.patient_id and l.session_id = g.last_session_id;

comment on view growth_rate is 'One row per patient and stretch without treatment that has two measured tumours';
comment on column growth_rate.patient_id is 'participant label';
comment on column growth_rate.criteria_id is 'criteria whose baselines divide the course';
comment on column growth_rate.epoch is 'number of the stretch, as in assessment';
comment on column growth_rate.first_session_id is 'first scan used';
comment on column growth_rate.first_on is 'day of that scan';
comment on column growth_rate.last_session_id is 'last scan used';
comment on column growth_rate.last_on is 'day of that scan';
comment on column growth_rate.scan_count is 'number of scans with tumour used';
comment on column growth_rate.days is 'days from the first to the last';
comment on column growth_rate.specific_per_year is 'specific growth rate, d(ln V)/dt, per year';
comment on column growth_rate.specific_low_per_year is 'lower end of its 95 % interval; empty when an error is unknown';
comment on column growth_rate.specific_high_per_year is 'upper end of its 95 % interval';
comment on column growth_rate.growth_percent_per_year is 'growth of the volume, percent a year';
comment on column growth_rate.growth_low_percent_per_year is 'lower end of its 95 % interval, percent a year; empty when an error is unknown';
comment on column growth_rate.growth_high_percent_per_year is 'upper end of its 95 % interval, percent a year';
comment on column growth_rate.is_certain is 'true when the 95 % interval of the rate leaves out no change; empty when an error is unknown';
comment on column growth_rate.doubling_low_days is 'volume doubling time at the upper end of the rate, days; empty unless is_certain';
comment on column growth_rate.doubling_high_days is 'volume doubling time at the lower end of the rate, days; empty unless is_certain';
comment on column growth_rate.doubling_time_days is 'volume doubling time, days; negative is a halving time, empty without change';
comment on column growth_rate.diameter_mm_per_year is 'slope of the mean diameter (sphere of the volume), mm a year';
comment on column growth_rate.diameter_low_mm_per_year is 'lower end of its 95 % interval, mm a year';
comment on column growth_rate.diameter_high_mm_per_year is 'upper end of its 95 % interval, mm a year';
comment on column growth_rate.length_mm_per_year is 'slope of the length, mm a year; empty when it was not measured twice';
comment on column growth_rate.length_low_mm_per_year is 'lower end of its 95 % interval, mm a year';
comment on column growth_rate.length_high_mm_per_year is 'upper end of its 95 % interval, mm a year';
comment on column growth_rate.residual_sd is 'scatter of ln V about the line; empty with two scans';
comment on column growth_rate.error_sd is 'measurement error of ln V, to hold the scatter against';
comment on column growth_rate.detectable_on is 'first day on which growth at this rate would exceed measurement error since the last scan; empty where it is not certain that it grows';
comment on column growth_rate.detectable_after_days is 'the same, days after the last scan';
comment on column growth_rate.is_provisional is 'true when a size rests on an automatic mask nobody signed';
