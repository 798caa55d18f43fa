-- Every scanner with its period, protocols and alignments, the busiest first; visits nobody can assign come last.
select
    scanner_name, first_on, last_on, patient_count, visit_count, protocol_count, protocols, early_visit_count,
    late_visit_count, early_slice_mm, early_slice_low_mm, early_slice_high_mm, late_slice_mm, late_slice_low_mm,
    late_slice_high_mm, early_aligned_count, early_a_count, late_aligned_count, late_a_count, scanner_key is not null as is_known
from scanner
order by is_known desc, visit_count desc, scanner_name
