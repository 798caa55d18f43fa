-- One row per patient for the command line: how far the pipeline came, and the verdict of the default criteria.
with visits as (
    select
        patient_id,
        count(*) filter (where status = 'failed') as failed,
        count(*) filter (where status = 'undated') as undated,
        count(*) filter (where certificate_grade = 'C') as misaligned
    from visit
    group by patient_id
),
volumes as (
    select patient_id, count(*) as measured
    from measurement
    where compartment = 'tumour' and volume_mm3 is not null
    group by patient_id
),
reasons as (
    select
        v.patient_id,
        string_agg(
            v.session_id || ': ' || if(v.status = 'usable', m.missing_reason, v.status_reason), '; ' order by v.session_id
        ) as why
    from visit as v
    left join measurement as m
        on m.patient_id = v.patient_id and m.session_id = v.session_id and m.compartment = 'tumour'
    where v.status <> 'usable' or m.volume_mm3 is null
    group by v.patient_id
),
states as (
    -- no word of a verdict that nobody signed stands without saying so
    select
        s.patient_id, s.category_shown || if(s.is_provisional, ' provisional', '') as category_shown, s.state,
        s.error_count, s.warning_count
    from patient_state as s
    inner join study on study.default_criteria_id = s.criteria_id
)
select
    p.patient_id as patient, p.visit_count as visits, coalesce(m.measured, 0) as measured,
    coalesce(v.failed, 0) as failed, coalesce(v.undated, 0) as undated, coalesce(v.misaligned, 0) as misaligned,
    p.last_scan_on as last_scan, s.category_shown as category, s.state, s.error_count as errors,
    s.warning_count as warnings, r.why
from patient as p
left join visits as v using (patient_id)
left join volumes as m using (patient_id)
left join states as s using (patient_id)
left join reasons as r using (patient_id)
union all
-- patients of the study of whom nothing is published: no number of theirs is known, and none is zero
select patient_id, null, null, null, null, null, null, null, 'no_results_yet', null, null, 'no results yet'
from finding
where code = 'results_missing'
order by patient
