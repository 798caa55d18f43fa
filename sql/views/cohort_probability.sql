-- One row per patient and criteria: how probable the change at the last visit is in this cohort, beside the stated one.
create or replace view cohort_probability as
with weighed as (
    select
        e.patient_id, e.session_id, e.criteria_id, e.course, s.people, s.growing_share, s.growing_low_share,
        s.growing_high_share, s.reason, s.version, e.usual_probability, e.still_probability, e.steady_probability,
        e.by_jumps_probability, e.otherwise_probability,
        s.usual_share * e.usual_likelihood as usual,
        s.still_share * e.still_likelihood as still,
        s.steady_share * e.steady_likelihood as steady,
        s.by_jumps_share * e.by_jumps_likelihood as by_jumps,
        s.otherwise_share * e.otherwise_likelihood as otherwise
    from record.kind_evidence as e
    inner join record.cohort_share as s using (criteria_id, course)
)
select
    patient_id,
    session_id,
    criteria_id,
    course,
    (usual * usual_probability + still * still_probability + steady * steady_probability + by_jumps * by_jumps_probability + otherwise * otherwise_probability) / (usual + still + steady + by_jumps + otherwise) as probability_in_cohort,
    people,
    growing_share,
    growing_low_share,
    growing_high_share,
    reason as missing_reason,
    version as cohort_version
from weighed;

comment on view cohort_probability is 'One row per patient and criteria: how probable the change at the last visit is in this cohort; it decides nothing, and another patient''s scan changes it';
comment on column cohort_probability.patient_id is 'participant label';
comment on column cohort_probability.session_id is 'last session, which the probability is of';
comment on column cohort_probability.criteria_id is 'criteria that judged';
comment on column cohort_probability.course is 'kind of course that the cohort is in: watched, after_surgery, after_radiotherapy, after_radiosurgery, line_of_treatment or after_pinned_baseline';
comment on column cohort_probability.probability_in_cohort is 'probability that the true change lies beyond the threshold of what is shown, by how often each kind of tumour is met in this cohort, 0 to 1; empty with a reason when too few people are in it';
comment on column cohort_probability.people is 'people of the cohort: those of the study whose last visit is in the same kind of course and has a probability';
comment on column cohort_probability.growing_share is 'share of them whose tumour grows, steadily or by jumps, as the cohort tells it, 0 to 1';
comment on column cohort_probability.growing_low_share is 'lower end of its 95 % interval, 0 to 1';
comment on column cohort_probability.growing_high_share is 'upper end of its 95 % interval, 0 to 1';
comment on column cohort_probability.missing_reason is 'why there is no number';
comment on column cohort_probability.cohort_version is 'version of how the shares are learned';
