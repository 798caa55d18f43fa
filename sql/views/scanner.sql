-- One row per scanner, and one without a key for all visits whose scanner cannot be told: what it scanned and how,
-- earlier and lately. Lately: within 365 days of the scanner's own last visit.
create or replace view scanner as
with measured as (
    select
        patient_id, session_id, acquired_on, scanner_key, scanner_name, protocol_name, slice_mm,
        acquired_on > max(acquired_on) over (partition by scanner_key) - 365 as is_late
    from acquisition
    where is_measured
),
alignments as (
    select patient_id, session_id, max(grade) as grade
    from record.registration
    where role = 'visit_to_reference'
    group by patient_id, session_id
),
seen as (
    select
        m.patient_id, m.session_id, m.acquired_on, m.scanner_key, m.scanner_name, m.protocol_name, m.slice_mm,
        m.is_late, a.grade
    from measured as m
    left join alignments as a using (patient_id, session_id)
),
counted as (
    select
        scanner_key,
        arg_max(scanner_name, (acquired_on, session_id, patient_id)) as scanner_name,
        min(acquired_on) as first_on, max(acquired_on) as last_on,
        count(distinct patient_id) as patient_count, count(*) as visit_count,
        count(distinct protocol_name) as protocol_count,
        string_agg(distinct protocol_name, ', ' order by protocol_name) as protocols,
        count(*) filter (where not is_late) as early_visit_count, count(*) filter (where is_late) as late_visit_count,
        quantile_disc(slice_mm, 0.5) filter (where not is_late) as early_slice_mm,
        min(slice_mm) filter (where not is_late) as early_slice_low_mm,
        max(slice_mm) filter (where not is_late) as early_slice_high_mm,
        quantile_disc(slice_mm, 0.5) filter (where is_late) as late_slice_mm,
        min(slice_mm) filter (where is_late) as late_slice_low_mm,
        max(slice_mm) filter (where is_late) as late_slice_high_mm,
        count(grade) filter (where not is_late) as early_aligned_count,
        count(*) filter (where not is_late and grade = 'A') as early_a_count,
        count(grade) filter (where is_late) as late_aligned_count,
        count(*) filter (where is_late and grade = 'A') as late_a_count
    from seen
    group by scanner_key
)
select
    scanner_key,
    case
        when scanner_key is null then 'not recorded'
        when count(*) over (partition by scanner_name) > 1 then
            coalesce(scanner_name, 'scanner') || ' (device ' || substr(scanner_key, 3, 4) || ')'
        else coalesce(scanner_name, 'scanner (device ' || substr(scanner_key, 3, 4) || ')')
    end as scanner_name,
    first_on, last_on, patient_count, visit_count, protocol_count, protocols, early_visit_count, late_visit_count,
    early_slice_mm, early_slice_low_mm, early_slice_high_mm, late_slice_mm, late_slice_low_mm, late_slice_high_mm,
    early_aligned_count, early_a_count, late_aligned_count, late_a_count
from counted;

comment on view scanner is 'One row per scanner of measured visits, and one for those whose scanner cannot be told; lately means within 365 days of its last visit';
comment on column scanner.scanner_key is 'key of the scanner; empty for visits whose scanner cannot be told from another';
comment on column scanner.scanner_name is 'maker, model and field strength, with a part of the device''s token where two would read alike';
comment on column scanner.first_on is 'day of its first measured visit';
comment on column scanner.last_on is 'day of its last measured visit';
comment on column scanner.patient_count is 'number of patients';
comment on column scanner.visit_count is 'number of measured visits';
comment on column scanner.protocol_count is 'number of protocols told apart by sequence, plane and distance between slices';
comment on column scanner.protocols is 'those protocols in words';
comment on column scanner.early_visit_count is 'number of measured visits before the last 365 days of the scanner';
comment on column scanner.late_visit_count is 'number of measured visits within them';
comment on column scanner.early_slice_mm is 'median distance between slices before, mm; empty when there was no visit';
comment on column scanner.early_slice_low_mm is 'smallest distance between slices before, mm';
comment on column scanner.early_slice_high_mm is 'largest distance between slices before, mm';
comment on column scanner.late_slice_mm is 'median distance between slices lately, mm';
comment on column scanner.late_slice_low_mm is 'smallest distance between slices lately, mm';
comment on column scanner.late_slice_high_mm is 'largest distance between slices lately, mm';
comment on column scanner.early_aligned_count is 'number of graded alignments to a reference visit before';
comment on column scanner.early_a_count is 'number of them with grade A';
comment on column scanner.late_aligned_count is 'number of graded alignments to a reference visit lately';
comment on column scanner.late_a_count is 'number of them with grade A';
