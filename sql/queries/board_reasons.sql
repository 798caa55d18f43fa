-- What else speaks for discussing a patient: criteria that disagree on the last judged visit, and function that was
-- worse at the last examination than at the one before (McCormick scales, where a higher grade is worse). And whether
-- that visit's scanner or protocol is not that of its baseline or nadir: no reason, but told beside them.
with calls as (
    select
        patient_id,
        count(*) filter (where session_id is not null) as criteria_count,
        count(distinct category) filter (where session_id is not null) > 1 as has_disagreement,
        max(category) filter (where criteria_id = $criteria_id) as own_category
    from patient_state
    group by patient_id
),
agreeing as (
    select s.patient_id, count(*) as agreeing_count
    from patient_state as s
    inner join calls as c on c.patient_id = s.patient_id and c.own_category = s.category
    where s.session_id is not null
    group by s.patient_id
),
grades as (
    select
        patient_id, assessed_on, grade,
        lag(grade) over (partition by patient_id, scale_id order by assessed_on) as grade_before,
        row_number() over (partition by patient_id, scale_id order by assessed_on desc) as place
    from function_score
    where contains(lower(scale_id), 'mccormick')
),
worse as (
    select patient_id, max(assessed_on) as worse_on
    from grades
    where place = 1 and grade > grade_before
    group by patient_id
),
differing as (
    select distinct s.patient_id
    from patient_state as s
    inner join record.assessment as a using (patient_id, session_id, criteria_id)
    inner join record.protocol_change as d
        on
            (d.patient_id, d.session_id) = (a.patient_id, a.session_id)
            and d.compared_session_id in (a.baseline_session_id, a.nadir_session_id)
    where s.criteria_id = $criteria_id and d.changes is not null
)
select
    p.patient_id, coalesce(c.criteria_count, 0) as criteria_count, coalesce(a.agreeing_count, 0) as agreeing_count,
    coalesce(c.has_disagreement, false) as has_disagreement, w.worse_on,
    d.patient_id is not null as is_made_otherwise
from patient as p
left join calls as c using (patient_id)
left join agreeing as a using (patient_id)
left join worse as w using (patient_id)
left join differing as d using (patient_id)
order by p.patient_id
