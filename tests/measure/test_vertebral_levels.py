"""Levels of places along a line made by hand, from labels that are right and labels that cannot be. Under 1 s."""

import numpy as np
import pytest

from pipeline.measure.cord import CentreLine, LineSource
from pipeline.measure.vertebral_levels import (
    FIRST_DISC,
    LAST_DISC,
    Levels,
    disc,
    doubt_of,
    level_at,
    missing_between,
    placed,
    shift_mm,
    step_mm,
    vertebra,
)

STEP = 18.0
IN_FRONT = 12.0
"""How far the back of a disc lies before the cord's middle, mm."""


def line(axis=(0.0, 0.0, 1.0), half_mm=60):
    positions = np.arange(-half_mm, half_mm + 1.0)
    direction = np.array(axis) / np.linalg.norm(axis)
    points = np.outer(positions, direction)
    return CentreLine(points, np.tile(direction, (len(points), 1)), positions, LineSource.LESION)


def discs(*numbers, top_mm=45.0, step_mm=STEP):
    """Labels at equal distances before a straight cord; the first number lies at ``top_mm``."""
    return {n: np.array([0.0, IN_FRONT, top_mm - step_mm * (n - numbers[0])]) for n in numbers}


STRAIGHT = placed(discs(3, 4, 5, 6, 7), line())


def test_discs_have_the_names_that_readers_use():
    assert [disc(n) for n in (2, 3, 8, 9, 20, 21, 25)] == [
        "C1/C2", "C2/C3", "C7/T1", "T1/T2", "T12/L1", "L1/L2", "L5/S1",
    ]  # fmt: skip
    assert len({disc(n) for n in range(FIRST_DISC, LAST_DISC + 1)}) == 24


def test_a_disc_lies_where_its_plane_meets_the_cord():
    assert STRAIGHT.positions_mm == pytest.approx({3: 45.0, 4: 27.0, 5: 9.0, 6: -9.0, 7: -27.0})
    assert step_mm(STRAIGHT) == pytest.approx(STEP)


def test_labels_beyond_the_line_go_on_straight():
    found = placed(discs(3, 4, 5), line(half_mm=20))
    assert found.positions_mm == pytest.approx({3: 45.0, 4: 27.0, 5: 9.0})


def test_a_line_that_leans_forwards_moves_no_disc_to_another_vertebra():
    axis = np.array([0.0, np.sin(0.5), np.cos(0.5)])  # 29 degrees
    found = placed(discs(3, 4, 5, 6, 7), line(axis))
    # The plane of a disc at height z is met at z / cos: never is the disc's distance in front of the cord added.
    assert found.positions_mm == pytest.approx({n: p / axis[2] for n, p in STRAIGHT.positions_mm.items()})


def test_labels_round_a_bend_are_met_at_right_angles_to_the_spine():
    angles = np.radians(np.arange(-40, 41, 0.5))
    radius = 120.0
    points = np.stack([0 * angles, radius * (1 - np.cos(angles)), radius * np.sin(angles)], axis=1)
    tangents = np.stack([0 * angles, np.sin(angles), np.cos(angles)], axis=1)
    bent = CentreLine(points, tangents, radius * angles, LineSource.CORD)
    inner = radius - IN_FRONT
    at = np.radians([24, 16, 8, 0, -8, -16, -24])
    labels = {n: np.array([0.0, radius - inner * np.cos(a), inner * np.sin(a)]) for n, a in enumerate(at, start=3)}
    found = placed(labels, bent)
    # The first and last label have a neighbour on one side only, so their planes tilt by half a step: 4 degrees.
    assert list(found.positions_mm.values())[1:-1] == pytest.approx(list(radius * at[1:-1]), abs=0.2)
    assert list(found.positions_mm.values()) == pytest.approx(list(radius * at), abs=1.2)


def test_one_label_is_placed_but_names_no_vertebra_beyond_it():
    only = placed(discs(4), line())
    assert only.positions_mm == {4: 45.0}
    assert [level_at(only, place) for place in (46.0, 49.0, 40.0)] == ["C3/C4", "above C4", "below C3"]


def test_a_line_across_the_discs_places_none():
    assert placed(discs(3, 4, 5), line((0.0, 1.0, 0.2))) is None


@pytest.mark.parametrize(
    ("position_mm", "expected"),
    [
        (54.1, "above C3"),  # just more than half a vertebra above C2/C3 at 45
        (53.9, "C2"),
        (47.6, "C2"),
        (47.4, "C2/C3"),
        (42.6, "C2/C3"),
        (42.4, "C3"),
        (29.6, "C3"),
        (27.0, "C3/C4"),
        (0.0, "C5"),
        (-18.0, "C6"),
        (-29.6, "C7"),
        (-35.9, "C7"),
        (-36.1, "below C6"),
    ],
)
def test_a_place_has_the_vertebra_between_its_discs_and_none_far_beyond_them(position_mm, expected):
    assert level_at(STRAIGHT, position_mm) == expected


def test_between_labels_with_one_missing_nothing_is_said():
    skipped = placed(discs(3, 4, 6, 7), line())
    assert missing_between(discs(3, 4, 6, 7)) == (5,)
    assert missing_between(discs(3, 4)) == missing_between({}) == ()
    assert [level_at(skipped, place) for place in (36.0, 18.0, 9.0, 0.0, -18.0)] == ["C3", None, None, None, "C6"]
    assert level_at(skipped, 28.0) == "C3/C4", "at a labelled disc it is known"


def test_the_neck_goes_over_into_the_chest_and_the_loin():
    found = Levels({8: 20.0, 9: 0.0})
    assert [level_at(found, place) for place in (25.0, 20.0, 10.0, -5.0)] == ["C7", "C7/T1", "T1", "T2"]
    assert level_at(Levels({24: 40.0, 25: 0.0}), -10.0) == "S1"


# ---------------------------------------------------------------- labels that cannot be


def test_labels_in_order_at_usual_distances_are_not_doubted():
    assert doubt_of(discs(3, 4, 5, 6)) is None
    assert doubt_of(discs(3, 4, 6, 7)) is None, "a disc without a label is no contradiction"
    assert doubt_of(discs(12)) is None
    assert doubt_of({}) is None
    dens = {2: np.array([0, 12, 75.0]), **discs(3, 4, 5)}
    assert doubt_of(dens) is None, "the second vertebra holds the dens and is higher"


def test_labels_that_count_towards_the_head_are_refused():
    backwards = {9 - n: place for n, place in discs(3, 4, 5, 6).items()}
    assert "grow towards the head" in doubt_of(backwards)


def test_two_labels_that_changed_places_are_named():
    swapped = discs(3, 4, 5, 6)
    swapped[4], swapped[5] = swapped[5], swapped[4]
    assert doubt_of(swapped) == "5 (C4/C5) lies above 4 (C3/C4)"


def test_a_number_that_was_left_out_shows_in_the_distances():
    places = list(discs(3, 4, 5, 6, 7).values())
    counted_wrong = dict(zip((3, 4, 6, 7, 8), places, strict=True))
    assert "from 3 (C2/C3) to 4 (C3/C4) there are 18.0 mm a vertebra and from 4 (C3/C4) to 6 (C5/C6) 9.0 mm" in (
        doubt_of(counted_wrong)
    )


def test_a_disc_that_was_passed_over_shows_in_the_distances():
    places = list(discs(3, 4, 5, 6, 7).values())
    passed_over = dict(zip((3, 4, 5, 6), [places[0], places[1], places[3], places[4]], strict=True))
    assert "a number or a disc was left out" in doubt_of(passed_over)


@pytest.mark.parametrize(("step", "is_doubted"), [(5.9, True), (6.1, False), (49.9, False), (50.1, True)])
def test_discs_lie_at_a_distance_that_spines_have(step, is_doubted):
    assert (doubt_of(discs(10, 11, step_mm=step)) is not None) == is_doubted


def test_labels_of_two_visits_are_compared_where_both_have_one():
    others = placed(discs(4, 5, 6, 7, 8), line())  # the same places, counted one too far
    assert shift_mm(STRAIGHT, others) == (pytest.approx(STEP), 4)
    assert shift_mm(STRAIGHT, STRAIGHT) == (0.0, 5)
    assert shift_mm(STRAIGHT, Levels({20: -200.0})) is None


# ---------------------------------------------------------------- what decides at the very limit


def test_the_two_ends_of_the_spine_have_names_and_nothing_beyond_them():
    assert [vertebra(n) for n in (1, 7, 8, 19, 20, 24, 25, 29)] == ["C1", "C7", "T1", "T12", "L1", "L5", "S1", "S5"]
    for number in (0, 30):
        with pytest.raises(ValueError, match=f"from 1 .C1. to 29 .S5., found {number}"):
            vertebra(number)


def test_a_place_two_and_a_half_millimetres_from_a_disc_is_at_the_disc():
    found = Levels({3: 40.0, 4: 22.0})
    assert [level_at(found, place) for place in (42.5, 37.5, 24.5, 19.5)] == ["C2/C3", "C2/C3", "C3/C4", "C3/C4"]
    assert [level_at(found, place) for place in (42.51, 37.49, 24.51, 19.49)] == ["C2", "C3", "C3", "C4"]


def test_half_a_vertebra_beyond_the_labels_is_named_and_no_more_whatever_its_height_further_on():
    uneven = Levels({3: 60.0, 4: 50.0, 5: 20.0})
    assert [level_at(uneven, place) for place in (65.0, 65.01)] == ["C2", "above C3"], "half of 10 mm"
    assert [level_at(uneven, place) for place in (5.0, 4.99)] == ["C5", "below C4"], "half of 30 mm"
    assert step_mm(uneven) == 20.0


def test_one_label_leaves_the_least_possible_step():
    assert step_mm(Levels({5: 3.0})) == 6.0


def test_a_label_without_a_neighbour_is_carried_back_level_with_itself():
    leaning = line((0.0, np.sin(0.5), np.cos(0.5)))
    only = placed(discs(4, top_mm=18.0), leaning)
    assert only.positions_mm == pytest.approx({4: 18.0 / np.cos(0.5)}), "head-foot is its course: none other is known"


@pytest.mark.parametrize(("degrees", "is_placed"), [(55, True), (65, False)])
def test_a_line_that_leans_more_than_sixty_degrees_from_the_discs_places_none(degrees, is_placed):
    lean = np.radians(degrees)
    assert (placed(discs(3, 4, 5), line((0.0, np.sin(lean), np.cos(lean)))) is not None) == is_placed


def test_discs_that_meet_the_line_at_one_place_or_in_another_order_are_not_placed():
    same = {3: np.array([0.0, IN_FRONT, 9.0]), 4: np.array([0.0, IN_FRONT + 5, 9.0])}
    assert placed(same, line()) is None
    assert placed({3: np.array([0.0, IN_FRONT, 9.0]), 4: np.array([0.0, IN_FRONT, 27.0])}, line()) is None


def test_a_disc_on_a_point_of_the_line_lies_there_at_either_end_and_beyond_both():
    short = line(half_mm=20)
    found = placed(discs(3, 4, 5, 6, top_mm=30.0, step_mm=20.0), short)
    assert found.positions_mm == pytest.approx({3: 30.0, 4: 10.0, 5: -10.0, 6: -30.0})
    ends = placed(discs(3, 4, 5, top_mm=20.0, step_mm=20.0), short)
    assert ends.positions_mm == pytest.approx({3: 20.0, 4: 0.0, 5: -20.0})


def test_a_line_that_turns_back_is_met_where_it_is_nearest_to_the_disc():
    there, back = np.arange(-30.0, 31.0), np.arange(-30.0, 31.0)
    points = np.vstack([
        np.stack([0 * there, 0 * there, there], axis=1),
        np.stack([0 * back, 0 * back + 80.0, back], axis=1),
    ])  # fmt: skip
    tangents = np.tile([0.0, 0.0, 1.0], (len(points), 1))
    two = CentreLine(points, tangents, np.arange(float(len(points))), LineSource.CORD)
    near = placed({4: np.array([0.0, 10.0, 0.5]), 5: np.array([0.0, 10.0, -9.5])}, two)
    assert near.positions_mm == pytest.approx({4: 30.5, 5: 20.5})
    far = placed({4: np.array([0.0, 70.0, 0.5]), 5: np.array([0.0, 70.0, -9.5])}, two)
    assert far.positions_mm == pytest.approx({4: 91.5, 5: 81.5})


@pytest.mark.parametrize(("step", "is_doubted"), [(6.0, False), (50.0, False)])
def test_the_limits_of_possible_distances_are_possible(step, is_doubted):
    assert (doubt_of({10: np.zeros(3), 11: np.array([0.0, 0.0, -step])}) is not None) == is_doubted


@pytest.mark.parametrize(("second_mm", "is_doubted"), [(15.9, False), (16.1, True), (6.3, False), (6.2, True)])
def test_neighbouring_distances_differ_by_six_tenths_at_most(second_mm, is_doubted):
    three = {10: np.zeros(3), 11: np.array([0.0, 0.0, -10.0]), 12: np.array([0.0, 0.0, -10.0 - second_mm])}
    assert (doubt_of(three) is not None) == is_doubted


def test_two_labels_at_one_height_are_in_no_order():
    level = {3: np.array([0.0, 0.0, 10.0]), 4: np.array([0.0, 9.0, 10.0]), 5: np.array([0.0, 9.0, 0.0])}
    assert doubt_of(level) == "4 (C3/C4) lies above 3 (C2/C3)"


def test_distances_count_in_all_directions_and_by_the_vertebrae_between():
    slanting = {10: np.zeros(3), 11: np.array([0.0, 4.8, -3.6]), 13: np.array([0.0, 14.4, -10.8])}
    assert doubt_of(slanting) is None, "6 mm each, the second twice"
    slanting[13] = np.array([0.0, 12.0, -9.0])
    assert "lie 4.5 mm a vertebra apart" in doubt_of(slanting)
