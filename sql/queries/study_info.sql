-- What the store holds and which run made it; one row.
with last_run as (
    select run_id, finished_at, cordtrack_version, software, settings
    from run
    order by finished_at desc
    limit 1
),
counts as (
    select
        (select count(*) from record.patient) as patient_count,
        (select count(*) from record.visit) as visit_count,
        (select count(*) from record.visit where status = 'usable') as usable_visit_count,
        (select count(*) from record.scan) as scan_count,
        (select count(*) from record.segmentation) as mask_count,
        (select count(*) from record.finding where severity = 'error') as error_count,
        (select count(*) from record.finding where severity = 'warning') as warning_count,
        (select count(*) from record.finding where code = 'results_missing') as unpublished_count,
        (select version from meta.store_version) as store_version
)
select
    s.name, s.is_synthetic, s.default_criteria_id, c.title as criteria_title, c.version as criteria_version,
    c.is_adapted, s.content_sha256, r.run_id, r.finished_at, r.cordtrack_version, r.software, r.settings,
    n.patient_count, n.visit_count, n.usable_visit_count, n.scan_count, n.mask_count, n.error_count, n.warning_count,
    n.unpublished_count, n.store_version
from study as s
cross join counts as n
left join criteria as c on c.criteria_id = s.default_criteria_id
left join last_run as r on true
