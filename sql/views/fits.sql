-- What was published of each sure finding in each histology; no probability of a diagnosis, and imaging alone does not tell.
create or replace view fits as
select
    fits.patient_id,
    fits.lesion_id,
    fits.session_id,
    fits.finding,
    fits.value,
    patients.histology as recorded_histology,
    fits.histology,
    fits.is_recorded,
    fits.term,
    fits.low_percent,
    fits.high_percent,
    fits.people,
    fits.source,
    fits.note
from record.fits as fits
inner join record.patient as patients on fits.patient_id = patients.patient_id;

comment on view fits is 'One row per published frequency of a finding that is sure in a lesion; imaging alone does not tell a histology';
comment on column fits.patient_id is 'participant label';
comment on column fits.lesion_id is 'lesion that it is about';
comment on column fits.session_id is 'last visit that is sure of the finding';
comment on column fits.finding is 'what is described, as in description';
comment on column fits.value is 'term told here';
comment on column fits.recorded_histology is 'histology as participants.tsv has it; empty where it is not known';
comment on column fits.histology is 'histology that the frequency is of';
comment on column fits.is_recorded is 'whether that is the recorded histology';
comment on column fits.term is 'term that the frequency is of';
comment on column fits.low_percent is 'how many of these tumours showed the term, lowest of the series, percent';
comment on column fits.high_percent is 'how many of these tumours showed the term, highest of the series, percent';
comment on column fits.people is 'number of people in the series; empty where it was not passed on';
comment on column fits.source is 'where the frequency was published, or who passed it on';
comment on column fits.note is 'what does not fit the recorded histology, for the board; empty where nothing is odd';
