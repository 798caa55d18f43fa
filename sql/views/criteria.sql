-- One row per set of criteria, as it was when it judged.
create or replace view criteria as
select
    criteria_id,
    version,
    title,
    is_adapted,
    metric,
    source,
    sha256,
    progression_ratio,
    100 * (progression_ratio - 1) as progression_change_percent,
    response_ratio,
    100 * (response_ratio - 1) as response_change_percent
from record.criteria;

comment on view criteria is 'One row per set of criteria, as it was when it judged';
comment on column criteria.criteria_id is 'short name of the criteria';
comment on column criteria.version is 'version of the criteria file';
comment on column criteria.title is 'name of the criteria';
comment on column criteria.is_adapted is 'true when the rules were changed to suit tumours in the spinal cord';
comment on column criteria.metric is 'what is compared: volume or diameters';
comment on column criteria.source is 'where the rules come from';
comment on column criteria.sha256 is 'digest of the criteria file';
comment on column criteria.progression_ratio is 'current over nadir at which growth counts as progression';
comment on column criteria.progression_change_percent is 'the same as change from the nadir, percent';
comment on column criteria.response_ratio is 'current over baseline at which shrinkage counts as response';
comment on column criteria.response_change_percent is 'the same as change from the baseline, percent';
