-- All criteria side by side on one patient's visits; a visit is disputed where two that could judge it differ.
with verdicts as (
    select
        a.session_id, a.acquired_on, a.criteria_id, c.title as criteria_title, c.version as criteria_version,
        c.is_adapted, c.metric, a.category, a.category_shown, a.state, a.display_state, a.is_confirmed,
        a.is_provisional, a.judged_change_percent, a.probability, a.reason,
        a.state not in ('context', 'baseline') and a.category <> 'NE' as is_rating
    from assessment as a
    inner join criteria as c using (criteria_id)
    where a.patient_id = $patient_id
),
visits as (
    select session_id, count(distinct category) filter (where is_rating) > 1 as is_disputed
    from verdicts
    group by session_id
),
defaults as (
    select v.session_id, v.category, v.is_rating
    from verdicts as v
    inner join study on study.default_criteria_id = v.criteria_id
)
select
    v.session_id, v.acquired_on, v.criteria_id, v.criteria_title, v.criteria_version, v.is_adapted, v.metric,
    v.category, v.category_shown, v.state, v.display_state, v.is_confirmed, v.is_provisional,
    v.judged_change_percent, v.probability, v.reason, i.is_disputed,
    i.is_disputed and v.is_rating and d.is_rating and v.category <> d.category as differs_from_default
from verdicts as v
inner join visits as i using (session_id)
left join defaults as d using (session_id)
order by v.acquired_on, v.session_id, v.criteria_id
