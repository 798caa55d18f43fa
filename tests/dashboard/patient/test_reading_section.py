"""The table of other readings calls the verdict on solid tumour what the badge calls it (in a second)."""

from dashboard.patient import reading_section
from dashboard.words import labels
from pipeline.judge import criteria_files
from pipeline.judge.response import judge
from tests.judge.course_maker import course, visit


def row_of(verdict):
    """A verdict as the page's queries give it."""
    return {
        "state": str(verdict.state),
        "display_state": str(verdict.display_state),
        "category": str(verdict.category),
        "category_shown": str(verdict.category),
        "clauses": verdict.clauses,
        "reason": verdict.reason,
        "reading": None,
        "volume_mm3": 400.0,
        "volume_low_mm3": 200.0,
        "volume_high_mm3": 790.0,
        "judged_change_percent": 0.0,
    }


def test_a_verdict_too_uncertain_to_tell_is_not_called_no_change_in_the_table():
    rough = course(visit(0, 400.0, volume_cv=0.35), visit(365, 400.0, volume_cv=0.35))
    row = row_of(judge(rough, criteria_files.load("imsct_adapted_v1"))[-1])
    assert labels.look_of(row).word == "too uncertain to tell"
    verdict = reading_section._cells(row)[1]
    assert "too uncertain to tell" in verdict
    assert "no change detected" not in verdict
