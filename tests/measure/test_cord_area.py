"""The cord's section by level: made profiles, and the healthy people and repeated scans beside the project (2 s)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.measure import cord_area
from pipeline.measure.cord_area import NORMAL_MM2, SectionWord
from pipeline.measure.vertebral_levels import Levels
from tests.places import SHARED

LEVELS = Levels({4: 60.0, 5: 42.0, 6: 24.0, 7: 6.0})
POSITION_MM = np.arange(-20.0, 80.0)
BANDS, SESSIONS = SHARED / "real/cord_normative/by_person.tsv", SHARED / "real/cord_csa/sessions.tsv"
LAST_OF_BOTH = 10
"""Down to T3 both groups of healthy people have whole levels."""


def test_each_whole_level_has_its_mean_section_and_half_covered_ones_have_none() -> None:
    area_mm2 = np.where(POSITION_MM >= 42, 80.0, 60.0)
    area_mm2[POSITION_MM > 55] = np.nan  # the scan ends in C4: 13 of its 18 mm are seen
    area_mm2[POSITION_MM < 12] = 0.0  # the mask ends in C6
    areas = cord_area.mean_areas(POSITION_MM, area_mm2, cord_area.level_places(LEVELS))
    assert areas == {5: 60.0}
    area_mm2[POSITION_MM > 55] = 80.0
    assert cord_area.mean_areas(POSITION_MM, area_mm2, cord_area.level_places(LEVELS)) == {4: 80.0, 5: 60.0}


def test_without_labelled_discs_places_along_the_cord_are_compared_and_no_band_is() -> None:
    places = cord_area.stretch_places(POSITION_MM)
    areas = cord_area.mean_areas(POSITION_MM, np.full(len(POSITION_MM), 70.0), places)
    assert areas == dict.fromkeys(range(-1, 4), 70.0)
    assert cord_area.z_of(-1, 70.0) is None


@pytest.mark.parametrize(("number", "share", "word"), [
    (5, 1.0, SectionWord.WITHIN), (5, 1.3, SectionWord.PERHAPS_EXPANDED), (5, 1.6, SectionWord.EXPANDED),
    (5, 0.75, SectionWord.PERHAPS_THIN), (5, 0.6, SectionWord.THIN),
])  # fmt: skip
def test_a_section_is_called_by_its_place_among_healthy_peoples(number: int, share: float, word: SectionWord) -> None:
    z = cord_area.z_of(number, share * NORMAL_MM2[number][1])
    assert z is not None
    assert cord_area.word_of(z) == word


def test_conus_and_skull_base_have_no_band() -> None:
    assert [cord_area.z_of(number, 40.0) for number in (1, 19, 20)] == [None] * 3


def test_a_change_is_called_with_ageing_taken_out_and_only_on_one_protocol() -> None:
    before = {4: 75.0, 5: 75.0, 6: 70.0}
    after = {4: 75.0 * 1.3, 5: 75.0 * 0.87, 7: 60.0}
    same = cord_area.changes(before, after, 10.0, is_same_protocol=True)
    assert {number: one.word for number, one in same.items()} == {4: SectionWord.WIDER, 5: SectionWord.UNCHANGED}
    assert same[5].change == pytest.approx(0.87 / 0.996**10 - 1)
    at_once = cord_area.changes(before, {5: 75.0 * 0.85}, 0.0, is_same_protocol=True)
    assert at_once[5].word == SectionWord.THINNER, "in no time there is no ageing to explain it"
    other = cord_area.changes(before, after, 10.0, is_same_protocol=False)
    assert other[4].word == SectionWord.PERHAPS_WIDER


def healthy() -> pd.DataFrame:
    people = pd.read_csv(BANDS, sep="\t")
    people = people[people["vertebral_level"].isin(list(NORMAL_MM2))]
    return people[(people["dataset"] == "whole-spine") | (people["vertebral_level"] <= LAST_OF_BOTH)]


@pytest.mark.skipif(not BANDS.is_file(), reason="the tables of healthy people are not beside the project")
def test_the_band_is_that_of_the_healthy_and_few_of_them_are_called_anything() -> None:
    people = healthy()
    bands = people.groupby("vertebral_level")["csa_mm2"].quantile([0.025, 0.5, 0.975]).round(1)
    assert {number: tuple(bands[number]) for number in NORMAL_MM2} == dict(NORMAL_MM2)
    words = [
        cord_area.word_of(cord_area.z_of(n, a) or 0.0) for n, a in people[["vertebral_level", "csa_mm2"]].to_numpy()
    ]
    called = people.assign(is_called=[word in (SectionWord.EXPANDED, SectionWord.THIN) for word in words])
    share = called.groupby(["dataset", "person"])["is_called"].any().mean()
    assert share <= 0.05


@pytest.mark.skipif(not SESSIONS.is_file(), reason="the repeated scans are not beside the project")
def test_of_unchanged_people_scanned_again_few_have_changed() -> None:
    """False change at most 5 %: first against each later session; ageing taken out leaves no drift over the years."""
    called, drifts = [], []
    sessions = pd.read_csv(SESSIONS, sep="\t").query("pathology != 'MS'").sort_values(["age_years", "session_id"])
    for _, visits in sessions.groupby("participant_id"):
        first, *later = (
            ({n: v[f"csa_c{n}_mm2"] for n in (2, 3, 4) if v[f"n_c{n}"] >= 0.95 * v[f"of_c{n}"]}, v["age_years"])
            for v in visits.to_dict("records")
        )
        for areas, age in later:
            changed = cord_area.changes(first[0], areas, age - first[1], is_same_protocol=True)
            if changed:
                called.append(any(one.word != SectionWord.UNCHANGED for one in changed.values()))
                drifts += [one.change for one in changed.values()] if age - first[1] > 5 else []
    assert len(called) > 1000
    assert np.mean(called) <= 0.05
    assert abs(np.median(drifts)) < 0.01
