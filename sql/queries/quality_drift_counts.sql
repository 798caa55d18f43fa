-- How many visits follow another one, at how many of them something changed or nobody can tell.
with verdicts as (
    select patient_id, session_id, display_state in ('growth', 'possible_growth') as reads_as_growth
    from assessment
    where criteria_id = $criteria_id
)
select
    count(*) as follow_up_count,
    count(c.changes) as changed_count,
    count(*) filter (where c.scanner = 'changed') as scanner_count,
    count(*) filter (where c.protocol = 'changed') as protocol_count,
    count(*) filter (where c.software = 'changed') as software_count,
    count(*) filter (where c.changes is not null and v.reads_as_growth) as growth_count,
    count(*) filter (where c.scanner = 'cannot tell') as unknown_scanner_count,
    count(*) filter (where c.changes is null and c.scanner = 'same' and c.protocol = 'same') as same_count
from protocol_change as c
left join verdicts as v using (patient_id, session_id)
where c.is_visit_before
