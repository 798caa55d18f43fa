-- How far apart the ways ended in which an automatic mask was found.
alter table record.segmentation add column spread_cv double;
