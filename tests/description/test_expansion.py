"""A cord that changes along the spine by nature is neither thin nor widened: made profiles, healthy people's (15 s)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pipeline.core.finding_terms import Described, Sureness
from pipeline.description import limit_file
from pipeline.description.cord_expansion import BESIDE, PEOPLE, SectionProfile, by_masks, usual_section
from pipeline.description.finding_change import FindingCourse, change_of
from pipeline.measure.cord_area import disc_numbers, normal_mm2
from pipeline.measure.vertebral_levels import Levels
from tests.description.scenes import NEVER, TUMOUR, X, Y, Z, described, scan, scene
from tests.places import SHARED

PEOPLE_BY_LEVEL = SHARED / "real/cord_normative/by_person.tsv"
LEVEL_MM = 20.0
LIMITS = limit_file.packaged().cord


def _profile(area_mm2, discs, lesion: tuple[float, float], *, below: bool = True, above: bool = True) -> SectionProfile:
    """A profile along discs ``(N,)`` a millimetre apart from foot to head, with a lesion between two of them."""
    position_mm = np.arange(len(discs), dtype=float)
    within = (discs >= lesion[0]) & (discs < lesion[1])
    low_mm, high_mm = position_mm[within].min() - 4, position_mm[within].max() + 4
    seen = np.isfinite(area_mm2)
    lower = seen & (position_mm < low_mm) & (position_mm > low_mm - 30) & below
    upper = seen & (position_mm > high_mm) & (position_mm < high_mm + 30) & above
    return SectionProfile(position_mm, np.nan_to_num(area_mm2, nan=0.0), within & seen, (lower, upper), discs)


def _unlabelled(profile: SectionProfile) -> SectionProfile:
    nowhere = np.full(len(profile.discs), np.nan)
    return SectionProfile(profile.position_mm, profile.area_mm2, profile.within, profile.sides, nowhere)


DISCS = np.arange(20.0, 2.0, -1 / LEVEL_MM)
"""From T12 up to C2, twenty millimetres a vertebra."""


@pytest.mark.parametrize("side", ["below", "above"])
@pytest.mark.parametrize(("share", "term"), [(1.0, "none"), (1.7, "expanded"), (0.5, "thin")])
def test_one_side_serves_by_healthy_people_s_course(share, term, side) -> None:
    usual = 1.1 * normal_mm2(DISCS)  # a wide cord by nature
    lesion = (DISCS >= 7) & (DISCS < 8.5)
    sides = {"below": side == "below", "above": side == "above"}
    profile = _profile(np.where(lesion, share, 1.0) * usual, DISCS, (7, 8.5), **sides)
    row = by_masks(profile, "x", LIMITS)
    assert (row.value, row.sureness, row.unit) == (term, "sure", BESIDE)
    assert row.number == pytest.approx(share, rel=0.03)
    assert row.reason is not None
    assert "among healthy people's at" in row.reason


@pytest.mark.parametrize(("side", "share", "term"), [
    ("above", 0.3, None), ("above", 2.2, "expanded"), ("below", 2.2, None), ("below", 0.3, None),
])  # fmt: skip
def test_one_side_at_no_known_level_tells_no_cord_that_a_taper_explains(side, share, term) -> None:
    area_mm2 = np.where((DISCS >= 7) & (DISCS < 8.5), share, 1.0) * 50.0
    profile = _profile(area_mm2, DISCS, (7, 8.5), below=side == "below", above=side == "above")
    row = by_masks(_unlabelled(profile), "x", LIMITS)
    assert row.value == term
    assert row.reason is not None
    assert term is not None or "cord that changes by nature" in row.reason


def test_a_wide_thoracic_cord_over_the_neck_s_end_is_told_from_the_taper_by_level_only() -> None:
    profile = _profile(normal_mm2(DISCS), DISCS, (5, 7), above=False)  # C5 and C6 beside T1: 1.6 times as wide
    assert by_masks(profile, "x", LIMITS).value == "none"
    assert by_masks(_unlabelled(profile), "x", LIMITS).value is None


@pytest.mark.parametrize(("share", "term", "sureness"), [
    (1.0, "none", "unsure"), (1.6, "expanded", "sure"), (0.55, "thin", "sure"),
])  # fmt: skip
def test_without_cord_beside_it_a_section_is_held_against_healthy_people_s(share, term, sureness) -> None:
    profile = _profile(share * normal_mm2(DISCS), DISCS, (4, 6), below=False, above=False)
    row = by_masks(profile, "x", LIMITS)
    assert (row.value, row.sureness, row.unit) == (term, sureness, PEOPLE)
    blind = by_masks(_unlabelled(profile), "x", LIMITS)
    assert (blind.value, blind.number) == (None, None)


def test_nothing_is_sure_where_the_cord_tapers_to_its_end() -> None:
    area_mm2 = np.where(DISCS < 18.5, 40.0, np.clip(40.0 * (20.5 - DISCS) / 2, 4.0, 48.0))
    profile = _profile(area_mm2, DISCS, (18.2, 19.3))
    row = by_masks(profile, "x", LIMITS)
    assert row.sureness == "unsure"
    assert row.reason is not None
    assert "T12 and below" in row.reason
    blind = by_masks(_unlabelled(profile), "x", LIMITS)
    assert blind.sureness == "unsure"
    assert blind.reason is not None
    assert "tapers from one side of the lesion to the other" in blind.reason


def test_the_error_of_a_section_grows_with_the_distance_to_the_cord_that_tells_it() -> None:
    even = np.full(len(DISCS), 50.0)
    short, long = (usual_section(_unlabelled(_profile(even, DISCS, ends)), LIMITS) for ends in ((10, 10.5), (10, 13)))
    assert short is not None
    assert long is not None
    assert short.error.max() < 0.75 * long.error.max()


def test_a_section_counted_beside_other_people_s_is_not_compared_with_one_beside_the_person_s_own() -> None:
    own = Described("expansion", "none", 1.0, 0.9, 1.1, BESIDE, Sureness.SURE)
    of_people = Described("expansion", "expanded", 1.6, 1.4, 1.8, PEOPLE, Sureness.SURE)
    change = change_of(own, of_people, (), ())
    assert (change.course, "counted as" in str(change.reason)) == (FindingCourse.NOT_COMPARED, True)


def test_cord_is_not_held_against_cord_that_a_syrinx_widens() -> None:
    def widened(masks: dict[str, np.ndarray]) -> Described:
        wide = np.where(abs(Z) < 10, 7.5, np.where(abs(Z) < 44, 8.5, 6.0))
        away = np.hypot(X, Y)
        cord = (away < wide) & (abs(Z) < 58) & ~TUMOUR
        return described([scan("T2w", 1.6)], scene(cord=cord & ~masks.get("syrinx", NEVER), **masks))["expansion"]

    syrinx = (np.hypot(X, Y) < 4.0) & (abs(Z) >= 10) & (abs(Z) < 44)
    assert widened({}).value in ("thin", "none")
    row = widened({"syrinx": syrinx})
    assert row.value not in ("thin", "none")
    short = widened({"syrinx": syrinx & (Z < 0)})
    assert (short.value, short.sureness) != ("thin", "sure")


def test_a_cord_that_is_wide_in_one_place_is_not_surely_unwidened() -> None:
    usual, lesion = normal_mm2(DISCS), (7, 8.5)
    wide = np.where((DISCS >= 7.6) & (DISCS < 7.95), 1.19, 1.0)  # seven of thirty millimetres
    row = by_masks(_profile(usual * wide, DISCS, lesion), "x", LIMITS)
    assert (row.value, row.sureness) == ("none", "unsure")
    assert row.number == pytest.approx(1.19, abs=0.01)
    assert by_masks(_profile(usual, DISCS, lesion), "x", LIMITS).sureness == "sure"


@pytest.mark.parametrize(("share", "by_people"), [(1.0, 1.5), (1.0, 0.6), (0.5, 2.2), (1.6, 0.6)])
def test_nothing_is_sure_that_healthy_people_s_sections_speak_against(share, by_people) -> None:
    lesion = (DISCS >= 7) & (DISCS < 8.5)
    row = by_masks(_profile(np.where(lesion, share, 1.0) * by_people * normal_mm2(DISCS), DISCS, (7, 8.5)), "x", LIMITS)
    assert row.sureness == "unsure"
    assert row.reason is not None
    assert "which speaks against it" in row.reason


def test_a_level_between_labels_that_lie_far_apart_is_not_guessed() -> None:
    far, near = Levels({3: 0.0, 20: -340.0}), Levels({3: 0.0, 5: -34.0, 7: -68.0})
    assert np.isnan(disc_numbers(far, np.array([-34.0, -68.0]))).all()
    assert disc_numbers(near, np.array([-34.0, -51.0])).tolist() == [5.0, 6.0]
    discs = disc_numbers(Levels({3: 340.0, 20: 0.0}), np.arange(len(DISCS), dtype=float))
    profile = _profile(np.full(len(DISCS), 60.0), DISCS, (5, 7))
    row = by_masks(replace(profile, discs=discs), "x", LIMITS)
    assert row.reason is not None
    assert " z " not in row.reason


def test_a_section_beside_healthy_people_s_says_so() -> None:
    row = by_masks(_profile(1.6 * normal_mm2(DISCS), DISCS, (4, 6), below=False, above=False), "x", LIMITS)
    assert row.reason is not None
    assert "beside healthy people's median: no cord above or below" in row.reason


def _healthy(first: int) -> Iterator[tuple[SectionProfile, int]]:
    """Sections of every second healthy person along the spine, with a lesion of one or two levels where is none."""
    table = pd.read_csv(PEOPLE_BY_LEVEL, sep="\t")
    wide = table.pivot_table(index="person", columns="vertebral_level", values="csa_mm2")
    for _, areas in list(wide.sort_index().iterrows())[first::2]:
        known = areas.dropna()
        discs = np.arange(known.index.max() + 1.0, known.index.min(), -1 / LEVEL_MM)
        area_mm2 = np.exp(np.interp(discs, known.index + 0.5, np.log(known.to_numpy())))
        for upper in range(max(int(known.index.min()), 2), int(known.index.max()) - 1):
            yield _profile(area_mm2, discs, (upper, upper + 1.5)), upper


@pytest.mark.skipif(not PEOPLE_BY_LEVEL.is_file(), reason="healthy people's sections are not beside the project")
@pytest.mark.parametrize("is_labelled", [True, False])
@pytest.mark.parametrize("sides", ["both", "above", "below"])
def test_of_healthy_people_who_chose_no_limit_few_are_called_anything(is_labelled, sides) -> None:
    told: Counter[str] = Counter()
    for profile, _ in _healthy(1):
        lower, upper = profile.sides
        kept = (lower & (sides != "above"), upper & (sides != "below"))
        one = SectionProfile(profile.position_mm, profile.area_mm2, profile.within, kept, profile.discs)
        row: Described = by_masks(one if is_labelled else _unlabelled(one), "x", LIMITS)
        told[f"{row.value} {row.sureness}"] += 1
    sure = {word: count for word, count in told.items() if word.endswith(" sure")}
    assert sure.get("none sure", 0) >= 0.95 * sum(sure.values())
    assert told["expanded sure"] + told["thin sure"] <= 0.02 * told.total()
