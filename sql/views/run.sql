-- One row per run that changed something.
create or replace view run as
select run_id, finished_at, cordtrack_version, software, settings, content_sha256
from record.run;

comment on view run is 'One row per run that changed something';
comment on column run.run_id is 'name of the run';
comment on column run.finished_at is 'when it ended, UTC';
comment on column run.cordtrack_version is 'version of cordtrack';
comment on column run.software is 'programs and versions';
comment on column run.settings is 'settings of the run';
comment on column run.content_sha256 is 'digest of everything that was read';
