-- Why there may be more of a compartment than was measured: then its sizes are lower bounds.
alter table record.measurement add column bound_reason varchar;
