-- One row per visit with a form of the whole neuraxis: levels imaged, and the leptomeningeal items after LANO.
create or replace view neuraxis as
select
    n.patient_id,
    n.session_id,
    v.acquired_on,
    n.brain,
    n.cervical,
    n.thoracic,
    n.lumbar,
    n.contrast,
    n.brain_nodules,
    n.brain_linear,
    n.hydrocephalus,
    n.spine_nodules,
    n.spine_linear,
    n.csf_cytology,
    n.reader,
    n.leptomeningeal,
    n.present,
    n.missing
from record.neuraxis as n
inner join record.visit as v using (patient_id, session_id);

comment on view neuraxis is 'One row per visit with a form of the whole neuraxis';
comment on column neuraxis.patient_id is 'participant label';
comment on column neuraxis.session_id is 'session label';
comment on column neuraxis.acquired_on is 'day of the visit; empty when unknown';
comment on column neuraxis.brain is 'whether the brain was imaged: yes, partly or no; empty when the form does not say';
comment on column neuraxis.cervical is 'the same of the cervical cord';
comment on column neuraxis.thoracic is 'the same of the thoracic cord';
comment on column neuraxis.lumbar is 'the same of the lumbar canal';
comment on column neuraxis.contrast is 'whether contrast agent was given, yes or no; empty when the form does not say';
comment on column neuraxis.brain_nodules is 'nodules in the subarachnoid space or ventricles of the brain: present, absent or not evaluable; empty when the form does not say';
comment on column neuraxis.brain_linear is 'linear leptomeningeal enhancement of the brain, as brain_nodules';
comment on column neuraxis.hydrocephalus is 'hydrocephalus, as brain_nodules';
comment on column neuraxis.spine_nodules is 'nodules in the spinal subarachnoid space, as brain_nodules';
comment on column neuraxis.spine_linear is 'linear leptomeningeal enhancement of the spine, as brain_nodules';
comment on column neuraxis.csf_cytology is 'tumour cells in the cerebrospinal fluid, as brain_nodules';
comment on column neuraxis.reader is 'who filled in the form';
comment on column neuraxis.leptomeningeal is 'yes (an item of seeding is present), no (all levels imaged with contrast agent and all items absent) or not imaged (neither)';
comment on column neuraxis.present is 'what is present, in words; empty when nothing is';
comment on column neuraxis.missing is 'levels and items that are missing, in words; empty when the form is complete';
