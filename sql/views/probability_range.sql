-- One row per patient and criteria: between which numbers the probability at the last visit lies, wherever few or most grow.
create or replace view probability_range as
with elsewhere as (
    -- one in ten or nine in ten grow, steadily or by jumps (cohort/kind_shares.py)
    select w.still, w.steady, w.by_jumps from (values (0.9, 0.1, 0.0), (0.9, 0.0, 0.1), (0.1, 0.9, 0.0), (0.1, 0.0, 0.9)) as w(still, steady, by_jumps)
),
tried as (
    select
        e.patient_id, e.session_id, e.criteria_id, e.usual_probability as stated,
        (0.05 * e.usual_likelihood * e.usual_probability + 0.95 * (
            w.still * e.still_likelihood * e.still_probability + w.steady * e.steady_likelihood * e.steady_probability
            + w.by_jumps * e.by_jumps_likelihood * e.by_jumps_probability))
        / (0.05 * e.usual_likelihood + 0.95 * (
            w.still * e.still_likelihood + w.steady * e.steady_likelihood + w.by_jumps * e.by_jumps_likelihood
        )) as probability
    from record.kind_evidence as e
    cross join elsewhere as w
)
select
    patient_id,
    session_id,
    criteria_id,
    any_value(stated) as probability,
    least(min(probability), any_value(stated)) as probability_low,
    greatest(max(probability), any_value(stated)) as probability_high
from tried
group by patient_id, session_id, criteria_id;

comment on view probability_range is 'One row per patient and criteria: between which numbers the probability of the change at the last visit lies in cohorts of which few or most people grow; no other patient changes it';
comment on column probability_range.patient_id is 'participant label';
comment on column probability_range.session_id is 'last session, which the probability is of';
comment on column probability_range.criteria_id is 'criteria that judged';
comment on column probability_range.probability is 'stated probability that the true change lies beyond the threshold of what is shown, 0 to 1';
comment on column probability_range.probability_low is 'least that it is where one in ten or nine in ten people grow, steadily or by jumps, 0 to 1';
comment on column probability_range.probability_high is 'most that it is there, 0 to 1';
