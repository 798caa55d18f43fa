-- By how much unexplained signal could have changed the volume of an automatic mask.
alter table record.segmentation add column signal_cv double;
