-- How many alignments of each kind got which grade.
select role, grade, count(*) as alignment_count
from registration
group by role, grade
order by role, grade
