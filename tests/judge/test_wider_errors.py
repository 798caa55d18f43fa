"""A size that is stated less surely, as after a treatment that may leave a scar, never makes a call surer."""

from __future__ import annotations

import pytest

from pipeline.core.vocabulary import DisplayState, MaskOrigin, VisitJudgement
from pipeline.judge import criteria_files
from pipeline.judge.response import judge
from tests.judge.course_maker import course, radiotherapy, visit

RULES = criteria_files.load("imsct_adapted_v1")
DRAWN_CV, NARROW_CV, SCARRED_CVS = 0.12, 0.11, (0.21, 0.55)
SURELY = (DisplayState.GROWTH, DisplayState.SHRINKAGE)


def judged(sizes_mm3: tuple[float, ...], errors: list[float]) -> tuple[VisitJudgement, ...]:
    """Judge a treated tumour that was drawn once and found again every half year."""
    visits = [
        visit(100 + 180 * n, size, volume_cv=cv, mask_origin=MaskOrigin.AUTOMATIC if n else MaskOrigin.MANUAL)
        for n, (size, cv) in enumerate(zip(sizes_mm3, errors, strict=True))
    ]
    return judge(course(*visits, treatments=(radiotherapy(10, 40),)), RULES)


@pytest.mark.parametrize(
    "sizes_mm3",
    [
        (1000, 1000, 1500), (1000, 1050, 1080, 1400), (1000, 950, 1300), (1000, 1000, 600), (1000, 900, 1000, 1600),
        (1000, 1000, 300), (1000, 400, 1000), (1000, 870, 1250), (1000, 1100, 1000, 1100), (1000, 860, 860, 500),
    ],
)  # fmt: skip
@pytest.mark.parametrize("scarred_cv", SCARRED_CVS)
def test_sizes_found_about_as_drawn_and_stated_less_surely_make_no_call_surer(
    sizes_mm3: tuple[float, ...], scarred_cv: float
) -> None:
    own = [DRAWN_CV] + [NARROW_CV] * (len(sizes_mm3) - 1)
    as_drawn = [n > 0 and 850 <= size <= 1100 for n, size in enumerate(sizes_mm3)]
    wide = [scarred_cv if scarred else cv for scarred, cv in zip(as_drawn, own, strict=True)]
    pairs = list(zip(judged(sizes_mm3, own), judged(sizes_mm3, wide), strict=True))
    for narrow, less_sure in pairs:
        if less_sure.display_state in SURELY:
            assert narrow.display_state == less_sure.display_state
    for (narrow, less_sure), scarred in zip(pairs[1:], as_drawn[1:], strict=True):
        if scarred:
            assert less_sure.change_low_ratio <= narrow.change_low_ratio
            assert less_sure.change_high_ratio >= narrow.change_high_ratio
