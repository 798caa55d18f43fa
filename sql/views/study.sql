-- The study folder that was read.
create or replace view study as
select name, is_synthetic, default_criteria_id, content_sha256
from record.study;

comment on view study is 'The study folder that was read; one row';
comment on column study.name is 'name of the study';
comment on column study.is_synthetic is 'true when the patients are invented';
comment on column study.default_criteria_id is 'criteria shown first';
comment on column study.content_sha256 is 'digest of everything that was read';
