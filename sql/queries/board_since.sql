-- Beside each row of the board: the last treatment that surely began before the last scan, the days between, and the volume from which
-- the next scan is progression by size, as of the last visit that was compared.
with treatments as (
    select t.patient_id, t.kind as treated_by, coalesce(t.ended_on, t.started_on) as treated_on
    from treatment as t
    inner join patient as p using (patient_id)
    where t.kind not in ('steroid', 'other', 'unknown') and coalesce(t.started_by, t.started_on) <= p.last_scan_on
    qualify row_number() over (partition by t.patient_id order by t.started_on desc, t.kind) = 1
),
levels as (
    select patient_id, progression_from_mm3
    from assessment
    where criteria_id = $criteria_id and progression_from_mm3 is not null
    qualify row_number() over (partition by patient_id order by acquired_on desc, session_id desc) = 1
)
select
    p.patient_id, t.treated_by, t.treated_on, date_diff('day', t.treated_on, p.last_scan_on) as days_since_treatment,
    l.progression_from_mm3
from patient as p
left join treatments as t using (patient_id)
left join levels as l using (patient_id)
order by p.patient_id
