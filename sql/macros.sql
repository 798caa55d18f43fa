-- The arithmetic that several views share, and its only home: what judgement computes for itself is held to the same
-- numbers by a test. Measurement error is log-normal: a 95 % interval multiplies and divides. z_95() is its half-width in
-- standard deviations, given by pipeline/measure/measurement_error.py.
-- A volume of 0 has no interval and is no reference: whatever would divide by it is NULL. The interval of a change is
-- not made here: it rests on all scans of a course, and judgement stores it (pipeline/judge/series_numbers.py).
create or replace macro interval_factor(cv) as exp(z_95() * cv);

create or replace macro joint_cv(cv, reference_cv) as sqrt(cv * cv + reference_cv * reference_cv);

create or replace macro volume_low_mm3(volume, cv) as nullif(volume, 0) / interval_factor(cv);

create or replace macro volume_high_mm3(volume, cv) as nullif(volume, 0) * interval_factor(cv);

create or replace macro change_percent(volume, reference) as 100 * (volume - reference) / nullif(reference, 0);

create or replace macro ratio_percent(ratio) as 100 * (ratio - 1);
