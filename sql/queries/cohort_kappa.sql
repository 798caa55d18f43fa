-- Agreement of each two criteria on the visits that both judged and that nobody called not evaluable (Cohen's kappa).
-- Intervals need a resampling of patients and are made by pipeline/cohort/agreement.py from cohort_agreement.
with ratings as (
    select patient_id, session_id, criteria_id, category
    from assessment
    where state not in ('context', 'baseline')
),
evaluable as (
    select patient_id, session_id, criteria_id, category
    from ratings
    qualify not bool_or(category = 'NE') over (partition by patient_id, session_id)
),
pairs as (
    select one.criteria_id as first_id, two.criteria_id as second_id, one.patient_id, one.category as first_category,
        two.category as second_category
    from evaluable as one
    inner join evaluable as two using (patient_id, session_id)
    where one.criteria_id < two.criteria_id
),
sums as (
    select
        first_id, second_id, count(*) as visit_count, count(distinct patient_id) as patient_count,
        avg((first_category = second_category)::int) as observed
    from pairs
    group by first_id, second_id
),
words as (
    select first_id, second_id, category, sum(is_first) as first_count, sum(1 - is_first) as second_count
    from (
        select first_id, second_id, first_category as category, 1 as is_first from pairs
        union all
        select first_id, second_id, second_category as category, 0 as is_first from pairs
    )
    group by first_id, second_id, category
),
chances as (
    select first_id, second_id, sum(first_count * second_count) / (any_value(visit_count) ** 2) as expected
    from words
    inner join sums using (first_id, second_id)
    group by first_id, second_id
)
select
    first_id, second_id, visit_count, patient_count, observed, expected,
    -- undefined where everybody always uses one and the same word
    if(expected < 1 - 1e-12, (observed - expected) / nullif(1 - expected, 0), null) as kappa
from sums
inner join chances using (first_id, second_id)
order by first_id, second_id
