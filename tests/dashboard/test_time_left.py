"""How long a run still takes: told from what is finished, never from how long a step has gone on."""

import pytest

from dashboard.shell import job_progress
from pipeline.run.patient_run import STORY
from pipeline.run.step_notes import StepNote
from pipeline.service.jobs import Progress


def at(done: int) -> StepNote:
    return StepNote("sub-01", done, len(STORY), "step", 0.0)


def test_the_alignment_counts_for_most_of_a_patient_and_only_once_it_is_behind():
    assert STORY[job_progress.LONGEST_AT].__module__.endswith("align_visits")
    shares = [job_progress.share_done(Progress(0, 1), (at(done),)) for done in range(len(STORY) + 1)]
    assert shares == sorted(shares)
    assert shares[job_progress.LONGEST_AT] < job_progress.LEAST_SHARE < 0.6 < shares[job_progress.LONGEST_AT + 1]
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert job_progress.share_done(Progress(3, 4), (at(0),)) == pytest.approx(0.75)


def test_what_is_left_falls_while_a_step_goes_on_and_is_not_told_once_it_takes_longer():
    while_it_lasts = [job_progress.seconds_left(elapsed_s, 60.0, 0.5) for elapsed_s in (60.0, 80.0, 110.0, 130.0)]
    assert while_it_lasts == pytest.approx([60.0, 40.0, 10.0, None])


def test_nothing_is_told_before_enough_is_finished():
    share = job_progress.share_done(Progress(0, 1), (at(job_progress.LONGEST_AT),))
    assert job_progress.seconds_left(100.0, 3.0, share) is None
    assert job_progress.seconds_left(100.0, 100.0, 0.25) == pytest.approx(300.0)
