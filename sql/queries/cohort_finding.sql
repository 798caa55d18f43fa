-- What the scans first said of each patient's largest lesion: at the first described scan, no later than the baseline.
-- Patients without such a scan have no row; a finding without a term and without a reader's has none told.
with baselines as (
    select patient_id, min(acquired_on) as baseline_on
    from assessment
    where criteria_id = $criteria_id and state = 'baseline' and acquired_on is not null
    group by patient_id
),
stated as (
    select distinct described.patient_id, described.session_id, described.lesion_id, visits.acquired_on
    from description as described
    inner join visit as visits using (patient_id, session_id)
    inner join baselines using (patient_id)
    where described.sureness is not null and visits.acquired_on <= baselines.baseline_on
),
sizes as (
    select patient_id, session_id, lesion_id, sum(volume_mm3) as volume_mm3
    from lesion
    group by patient_id, session_id, lesion_id
),
firsts as (
    select stated.patient_id, stated.session_id, stated.lesion_id, stated.acquired_on
    from stated
    left join sizes using (patient_id, session_id, lesion_id)
    qualify row_number() over (
        partition by stated.patient_id
        order by stated.acquired_on, stated.session_id, sizes.volume_mm3 desc nulls last, stated.lesion_id
    ) = 1
)
select
    described.patient_id, firsts.session_id, firsts.acquired_on, firsts.lesion_id, described.finding, described.value,
    described.sureness, described.corrected_to
from description as described
inner join firsts using (patient_id, session_id, lesion_id)
order by described.patient_id, described.finding
