-- How fast one patient's tumour grew in each stretch without treatment.
select
    criteria_id, epoch, first_session_id, first_on, last_session_id, last_on, scan_count, days, specific_per_year,
    specific_low_per_year, specific_high_per_year, growth_percent_per_year, growth_low_percent_per_year,
    growth_high_percent_per_year, is_certain, doubling_time_days, doubling_low_days, doubling_high_days,
    diameter_mm_per_year, diameter_low_mm_per_year, diameter_high_mm_per_year, length_mm_per_year, length_low_mm_per_year,
    length_high_mm_per_year, residual_sd, error_sd, detectable_on, detectable_after_days, is_provisional
from growth_rate
where patient_id = $patient_id
order by epoch
