"""How unsure a lesion is that was found smaller than drawn, and when nothing is said of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.measure import measurement_error
from pipeline.refind import refinding, shrinkage
from pipeline.refind.fading_outwards import OutwardFall

DRAWN_MM3 = 1000.0


@pytest.mark.parametrize("found_mm3", [0.0, shrinkage.WORTH_SAYING * DRAWN_MM3, DRAWN_MM3, 2 * DRAWN_MM3])
def test_a_lesion_that_is_gone_or_not_clearly_smaller_has_no_such_error(found_mm3: float) -> None:
    assert shrinkage.shrinkage_cv(found_mm3, DRAWN_MM3) is None


@pytest.mark.parametrize("found_mm3", [0.0, 5.0])
def test_nothing_drawn_has_not_shrunk(found_mm3: float) -> None:
    assert shrinkage.shrinkage_cv(found_mm3, 0.0) is None


@given(st.floats(1.0, 849.0))
def test_the_error_grows_with_the_shrinkage_and_not_with_the_size(found_mm3: float) -> None:
    cv = shrinkage.shrinkage_cv(found_mm3, DRAWN_MM3)
    assert cv is not None
    assert cv > 0
    assert shrinkage.shrinkage_cv(2 * found_mm3, 2 * DRAWN_MM3) == pytest.approx(cv)
    assert (shrinkage.shrinkage_cv(0.9 * found_mm3, DRAWN_MM3) or 0) > cv


@given(st.floats(1.0, 300.0))
def test_a_tumour_found_at_less_than_a_third_is_surely_smaller_for_all_that(found_mm3: float) -> None:
    cv = shrinkage.shrinkage_cv(found_mm3, DRAWN_MM3)
    total, _ = measurement_error.largest_error(0.15, shrinkage=cv)
    assert measurement_error.change_interval(found_mm3 / DRAWN_MM3, total, 0.1).high < 1


def test_of_several_masked_visits_the_one_from_which_it_shrank_most_counts() -> None:
    ways = [refinding.FollowUpMasks({}, {}, (), shrinkage_cv=cvs) for cvs in ({"tumour": 0.1}, {"tumour": 0.2}, {})]
    assert refinding.together(ways).shrinkage_cv == {"tumour": 0.2}
    refused = refinding.FollowUpMasks({}, {}, (), shrinkage_cv={"tumour": 0.4}, refusal="blurred")
    assert refinding.together([refused, *ways]).shrinkage_cv == {"tumour": 0.2}


@pytest.mark.parametrize("found_mm3", [100.0, 600.0, 950.0])
def test_a_hidden_shrinkage_is_never_surer_than_a_seen_one(found_mm3: float) -> None:
    seen, hidden = (
        shrinkage.shrinkage_cv(found_mm3, DRAWN_MM3, contrast)
        for contrast in (shrinkage.HIDING, shrinkage.HIDING - 0.01)
    )
    assert seen == shrinkage.shrinkage_cv(found_mm3, DRAWN_MM3)
    assert hidden is not None
    assert hidden == max(seen or 0.0, shrinkage.HIDDEN_CV)


def test_where_shrinkage_is_hidden_the_interval_reaches_the_largest_error_seen() -> None:
    cv = shrinkage.shrinkage_cv(900.0, DRAWN_MM3, 0.4)
    total, _ = measurement_error.largest_error(0.05, shrinkage=cv)
    assert measurement_error.volume_interval(900.0, total).low < 900.0 / shrinkage.HIDDEN_FACTOR


@pytest.mark.parametrize("found_mm3", [0.0, DRAWN_MM3, 2 * DRAWN_MM3])
def test_nothing_is_hidden_of_a_lesion_that_is_gone_or_not_smaller(found_mm3: float) -> None:
    assert shrinkage.shrinkage_cv(found_mm3, DRAWN_MM3, 0.1) is None


def test_of_several_masked_visits_the_one_that_tells_least_counts() -> None:
    ways = [refinding.FollowUpMasks({}, {}, (), left_contrast=own) for own in ({"tumour": 0.9}, {"tumour": 0.4}, {})]
    assert refinding.together(ways).left_contrast == {"tumour": 0.4}
    assert refinding.together(ways[2:]).left_contrast == {}


def test_the_words_say_what_a_hidden_shrinkage_is_and_what_to_do() -> None:
    words = shrinkage.shrinkage_in_words("tumour", 652.0, 1100.0, "ses-01", 0.33)
    for part in ("-41 %", "ses-01", "may be smaller yet", "33%", "1.6 times", "draw it on this scan"):
        assert part in words
    seen = shrinkage.shrinkage_in_words("tumour", 652.0, 1100.0, "ses-01", 0.9)
    assert seen == shrinkage.shrinkage_in_words("tumour", 652.0, 1100.0, "ses-01")


def test_the_words_name_lesion_visit_and_both_sizes() -> None:
    words = shrinkage.shrinkage_in_words("tumour", 652.0, 1100.0, "ses-01")
    for part in ("tumour", "-41 %", "ses-01", "-65 %"):
        assert part in words


FALLS = [None, OutwardFall(0.0, 0.01), OutwardFall(0.0, 0.1), OutwardFall(0.05, 0.01), OutwardFall(-0.2, 0.2)]


@pytest.mark.parametrize("fall", FALLS)
@pytest.mark.parametrize("ratio", [0.85, 1.0, 1.1])
def test_after_treatment_the_interval_of_a_tumour_found_as_drawn_holds_what_a_scar_hides(
    ratio: float, fall: OutwardFall | None
) -> None:
    cv = shrinkage.scar_cv(ratio * DRAWN_MM3, DRAWN_MM3, fall)
    assert cv is not None
    total, _ = measurement_error.largest_error(0.09, shrinkage=cv)
    reached = measurement_error.volume_interval(ratio, total).low / ratio
    if fall == FALLS[1]:
        assert 1 / 1.6 < reached < 0.7
    else:
        assert reached < 0.35


@given(st.floats(-0.3, 0.3), st.floats(0.0, 0.2), st.floats(0.0, 0.2))
def test_a_fall_that_is_told_less_surely_never_makes_a_size_surer(mean: float, error: float, more: float) -> None:
    sure, unsure = (
        shrinkage.scar_cv(DRAWN_MM3, DRAWN_MM3, OutwardFall(mean, one)) or 0 for one in (error, error + more)
    )
    assert sure <= unsure <= (shrinkage.scar_cv(DRAWN_MM3, DRAWN_MM3, None) or 0)


def test_a_tumour_that_grew_is_gone_or_left_a_place_that_can_be_read_hides_no_scar() -> None:
    for found_mm3, left_contrast in ((1.11 * DRAWN_MM3, None), (0.0, None), (0.5 * DRAWN_MM3, 0.9)):
        assert shrinkage.scar_cv(found_mm3, DRAWN_MM3, None, left_contrast) is None
    assert shrinkage.scar_cv(0.5 * DRAWN_MM3, DRAWN_MM3, None) == shrinkage.HIDDEN_CV


def test_only_after_treatment_a_scar_makes_the_error_larger_and_never_smaller() -> None:
    ways = [refinding.FollowUpMasks({}, {}, (), scar_cv=cvs) for cvs in ({"tumour": 0.2}, {"tumour": 0.5}, {})]
    both = refinding.together(ways)
    assert (both.scar_cv, both.shrinkage_cv) == ({"tumour": 0.5}, {})
    assert refinding.after_treatment(both).shrinkage_cv == {"tumour": 0.5}
    surer = refinding.FollowUpMasks({}, {}, (), shrinkage_cv={"tumour": 0.6}, scar_cv={"tumour": 0.5})
    assert refinding.after_treatment(surer).shrinkage_cv == {"tumour": 0.6}


def test_the_words_of_a_scar_name_the_treatment_and_how_wrong_such_sizes_were() -> None:
    for cv, factor in ((shrinkage.HALF_HIDDEN_CV, "2.9"), (shrinkage.THIRD_HIDDEN_CV, "1.5")):
        words = shrinkage.scar_in_words("tumour", cv)
        for part in ("treatment", "scar that looks like it", "may be smaller", f"{factor} times", "draw it"):
            assert part in words
