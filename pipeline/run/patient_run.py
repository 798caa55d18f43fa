"""The story of one patient: read, align, mask, measure, follow, judge.

One bad visit never stops the others: whatever goes wrong with it becomes a finding, and its numbers are missing with
that reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.run.steps import (
    align_visits,
    apply_acts,
    compare_protocols,
    describe_lesions,
    describe_shape,
    draw_labels,
    follow_lesions,
    judge_context,
    judge_course,
    judge_without,
    mask_visits,
    measure_visits,
    model_masks,
    read_visits,
    refind_masks,
    schedule_scan,
    stand_in,
    use_drawings,
)
from pipeline.run.steps.patient_work import PatientPlan, PatientWork

STORY: tuple[Callable[[PatientWork], PatientWork], ...] = (
    read_visits.read,  # the scans of every visit, and the visit that all others are laid on
    mask_visits.read_masks,  # the masks of the study folder
    align_visits.align,  # every visit to the reference visit, its other sequences to its anchor scan
    use_drawings.read_drawings,  # what people drew here in place of other masks
    model_masks.draw,  # masks that nobody drew: by the model that the study names,
    refind_masks.find_again,  # or else found again from visits that have some
    stand_in.say,  # where they stand in for drawings that could not be used
    use_drawings.put_in_place,  # people's drawings before all other masks
    apply_acts.decide,  # what people accepted, excluded and pinned takes effect here, once
    draw_labels.show,  # masks on the reference grid, for the eye only
    measure_visits.measure,  # every compartment in the visit's own grid, with its error
    describe_shape.describe,  # where along the cord each lies, and how it looks
    follow_lesions.follow,  # the same lesion from visit to visit
    describe_lesions.describe,  # what each lesion looks like at each visit, beside its size
    judge_course.judge_patient,  # every visit under every set of criteria
    judge_without.judge_without_acts,  # and the latest without each thing that a person decided
    compare_protocols.compare_scans,  # how each scan was made, and what changed between visits
    judge_context.describe_context,  # cyst and oedema, what surgery left, how fast tumour grows
    schedule_scan.schedule,  # when the next scan is due
    apply_acts.name_acts_without_effect,
)
"""The steps in order: each takes all that is known of the patient and gives back more of it."""


def process(plan: PatientPlan, on_step: Callable[[int, int, str], None] | None = None) -> tuple[Any, ...]:
    """Do everything for one patient and return its records, each kind in a fixed order.

    Parameters
    ----------
    on_step
        Called before each step with the steps done, the steps in all, and the name of the one that begins.

    Returns
    -------
    tuple
        Records of every kind except ``Study``, ``Criteria`` and ``Run``, which belong to the whole study.
    """
    work = PatientWork(plan)
    for done, step in enumerate(STORY):
        if on_step is not None:
            on_step(done, len(STORY), step.__module__.rpartition(".")[2])
        work = step(work)
    return work.rows
