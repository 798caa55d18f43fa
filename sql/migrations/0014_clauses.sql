-- The parts of a verdict as data, in JSON, so that no page takes a sentence apart.
alter table record.assessment add column clauses varchar;
