-- The discs that give one patient's levels, from head to foot, and the day of the scan that they were put on.
select session_id, acquired_on, number, name, position_mm, label_origin
from disc
where patient_id = $patient_id and is_used
order by number
