-- Every number measured for one patient, with the files behind it; visits without a date last. What a person took out of
-- use has no number, and says so.
with excluded as (
    select distinct session_id, if(act = 'exclude_mask', coalesce(compartment, 'tumour'), null) as only_compartment
    from journal
    where patient_id = $patient_id and status = 'in_force' and act in ('exclude_mask', 'exclude_visit')
)
select
    m.*,
    exists (
        select 1
        from excluded as e
        where e.session_id = m.session_id and coalesce(e.only_compartment, m.compartment) = m.compartment
    ) as is_excluded
from measurement as m
where m.patient_id = $patient_id
order by m.acquired_on nulls last, m.session_id, m.compartment = 'tumour' desc, m.compartment
