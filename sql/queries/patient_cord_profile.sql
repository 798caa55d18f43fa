-- Cross-section of each compartment of one patient in every millimetre along the cord, visits with a date in time order.
select session_id, acquired_on, compartment, position_mm, area_mm2, line_source
from cord_profile
where patient_id = $patient_id and acquired_on is not null
order by compartment, acquired_on, session_id, position_mm
