-- What each set of criteria calls each visit that is neither a baseline nor before one, to see where they differ.
select a.patient_id, a.session_id, a.acquired_on, a.criteria_id, a.category, a.category_shown, p.histology, p.centre
from assessment as a
inner join patient as p using (patient_id)
where a.state not in ('context', 'baseline')
order by a.patient_id, a.acquired_on, a.session_id, a.criteria_id
