-- Whether a patient is known to have died, and when the patient was last known to be alive.
alter table record.patient add column died_on date;
alter table record.patient add column last_contact_on date;
