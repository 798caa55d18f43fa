"""What a scan, a lesion or an outline cannot show is not said, or not surely. About 60 s."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import special

from pipeline.core.finding_terms import Described
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.description import cavities, limit_file
from pipeline.description.lesion_scene import AlignedScan, CordCourse
from tests.description.scenes import CORD, GRID, NEVER, TUMOUR, X, Y, Z, described, scan, scene


def _whole_of(radius_mm: float, middle_mm: float, half_mm: float) -> np.ndarray:
    return (np.hypot(X, Y) < radius_mm) & (abs(Z - middle_mm) < half_mm)


@pytest.mark.parametrize(
    ("compartment", "finding", "place_mm"),
    [
        ("syrinx", "syrinx", 30), ("cyst", "tumoral_cyst", 0), ("cyst", "polar_cyst_above", 14),
        ("cyst", "polar_cyst_below", -14), ("oedema", "oedema_above", 15), ("oedema", "oedema_below", -15),
    ],
)  # fmt: skip
def test_a_speck_that_a_program_marked_is_not_called_present_and_one_that_a_reader_drew_is(
    compartment, finding, place_mm
) -> None:
    speck = (abs(X) < 1.1) & (abs(Y) < 1.1) & (abs(Z - place_mm) < 1.1)  # 27 mm³
    drawn = scene(TUMOUR & ~speck, cord=CORD & ~TUMOUR & ~speck, **{compartment: speck})
    assert described([scan("T2w", 1.5)], drawn)[finding].value == "present"
    marked = replace(drawn, unsigned=frozenset({Compartment(compartment)}))
    row = described([scan("T2w", 1.5)], marked)[finding]
    assert (row.value, row.sureness) == (None, None)
    assert "a program by itself marked 27 mm³" in row.reason


def test_many_specks_make_no_whole_image_each(monkeypatch: pytest.MonkeyPatch) -> None:
    dots = np.zeros(GRID.shape, dtype=bool)
    dots[::4, ::4, ::4] = True
    marked = replace(scene(cord=CORD & ~TUMOUR, cyst=dots), unsigned=frozenset({Compartment.CYST}))
    wet = [scan("T2w", 1.5)]
    monkeypatch.delattr(Volume, "with_array")
    pieces = cavities.pieces_of(marked, Compartment.CYST, (-5.0, 5.0), limit_file.packaged(), wet)
    assert pieces is not None
    assert len(pieces) == np.count_nonzero(dots)
    assert {piece.volume_mm3 for piece in pieces} == {GRID.voxel_mm3}
    assert all("marked 1 mm³" in str(piece.doubt) for piece in pieces)


@pytest.mark.parametrize(("ratio", "value"), [(1.0, None), (1.3, None), (2.3, "present")])
def test_what_a_program_marked_is_a_syrinx_only_where_it_is_as_bright_as_the_fluid_around_the_cord(
    ratio, value
) -> None:
    hollow = _whole_of(2.5, 30, 7)
    plain = scan("T2w", 1.5)
    filled = replace(plain, image=plain.image.with_array(np.where(hollow, ratio, 1.0) * plain.image.array))
    marked = scene(cord=CORD & ~TUMOUR & ~hollow, syrinx=hollow)
    row = described([filled], replace(marked, unsigned=frozenset({Compartment.SYRINX})))["syrinx"]
    assert row.value == value
    assert value or "; fluid is above" in row.reason
    assert described([filled], marked)["syrinx"].value == "present", "a reader drew it"


def test_what_a_program_marked_in_tissue_is_no_syrinx_on_a_scan_that_shows_no_fluid_around_the_cord() -> None:
    hollow = _whole_of(2.5, 30, 7)
    marked = scene(cord=CORD & ~TUMOUR & ~hollow, syrinx=hollow)
    row = described([scan("T2w", 1.5, fluid=1.0)], replace(marked, unsigned=frozenset({Compartment.SYRINX})))["syrinx"]
    assert row.value is None
    assert "whose signal is 1.0" in row.reason


@pytest.mark.parametrize(
    ("first", "reason"), [(0.0, "whose signal is 1.0"), (1.0, "whose signal no scan of this visit tells")]
)
def test_a_speck_thinner_than_a_slice_is_no_syrinx_where_the_slice_shows_cord(first, reason) -> None:
    speck = (first - 0.5 < X) & (first + 1.5 > X) & (abs(Y) <= 2) & (abs(Z - 30) < 3.1)  # 70 mm³ in slices of 3 mm
    fine = scan("T2w", 1.5)
    affine = fine.image.affine.copy()
    affine[0, 0], affine[0, 3] = 3.0, affine[0, 3] + 1.0
    thick = replace(fine, image=Volume(fine.image.array.reshape(11, 3, 33, 121).mean(axis=1), affine))
    marked = scene(cord=CORD & ~TUMOUR & ~speck, syrinx=speck)
    row = described([thick], replace(marked, unsigned=frozenset({Compartment.SYRINX})))["syrinx"]
    assert row.value is None
    assert reason in row.reason
    assert described([thick], marked)["syrinx"].value == "present", "a reader drew it"


def _bent_line(heights: np.ndarray) -> CordCourse:
    """The line that a scan shows where a dorsal lesion pushes it along."""
    bulge_mm = -3.5 * np.exp(-((heights / 10) ** 2))
    return CordCourse.of_points(np.stack([0 * heights, bulge_mm, heights], axis=-1), np.full(len(heights), 6.0))


def test_a_bulge_that_the_line_follows_is_not_central() -> None:
    lesion = (np.hypot(X, Y + 3.5) < 3.0) & (abs(Z) < 7)
    row = described([scan("T2w", 1.5)], replace(scene(lesion), course=_bent_line(np.arange(-55.0, 56.0))))
    assert (row["eccentricity"].value, row["eccentricity"].sureness) == ("dorsal", "unsure")
    assert "may follow a bulge" in row["eccentricity"].reason
    one_side = replace(scene(lesion), course=_bent_line(np.arange(-15.0, 56.0)))
    untold = described([scan("T2w", 1.5)], one_side)["eccentricity"]
    assert (untold.value, untold.sureness) == (None, None)
    assert "both above and below" in untold.reason


def test_a_line_that_bends_with_the_spine_does_not_make_a_lesion_eccentric() -> None:
    heights = np.arange(-55.0, 56.0)
    forward_mm = 120.0 - np.sqrt(120.0**2 - heights**2)  # a lordosis
    line = CordCourse.of_points(np.stack([0 * heights, forward_mm, heights], axis=-1), np.full(len(heights), 6.0))
    lesion = (np.hypot(X, Y - (120.0 - np.sqrt(120.0**2 - Z**2))) < 3.0) & (abs(Z) < 12)
    row = described([scan("T2w", 1.5)], replace(scene(lesion), course=line))["eccentricity"]
    assert (row.value, row.sureness) == ("central", "sure")
    assert row.number < 0.5


def test_oedema_that_nobody_drew_takes_the_sureness_from_infiltrating() -> None:
    plain = scan("T2w", 1.0)

    def edge(halo: float) -> Described:
        beyond = np.clip(1 - (abs(Z) - 10) / 9, 0, 1) * halo
        ratio = np.where(abs(Z) < 10, 1.8, 1.0 + beyond)
        soft = 1 + 0.8 * 0.5 * (1 - special.erf((abs(Z) - 10) / (np.sqrt(2) * 1.6)))
        shown = np.where(np.hypot(X, Y) < 4.5, np.maximum(ratio if halo else soft, 1.0), 1.0)
        return described([replace(plain, image=plain.image.with_array(plain.image.array * shown))])["margin"]

    assert (edge(0.0).value, edge(0.0).sureness) == ("infiltrating", "sure")
    wet = edge(0.5)
    assert (wet.value, wet.sureness) != ("infiltrating", "sure")
    assert wet.value == "sharp" or "oedema that nobody drew" in wet.reason


@pytest.mark.parametrize("pattern", ["homogeneous", "ring"])
def test_the_pattern_is_said_from_a_scan_after_contrast_agent_alone_and_never_surely(pattern) -> None:
    ring = np.where(np.maximum(np.hypot(X, Y) / 4.5, abs(Z) / 10) > 0.62, 1.8, 0.8)
    row = described([scan("T1w_ce", ring if pattern == "ring" else 1.8)])["enhancement_pattern"]
    assert (row.value, row.sureness) == (pattern, "unsure")
    assert "only a scan after contrast agent" in row.reason


@pytest.mark.parametrize(("radius_mm", "sureness"), [(1.9, "unsure"), (4.5, "sure")])
def test_a_lesion_too_thin_to_show_a_ring_or_patches_is_not_surely_homogeneous(radius_mm, sureness) -> None:
    thin = (np.hypot(X, Y) < radius_mm) & (abs(Z) < 16)
    for seed in (11, 12, 13):
        scans = [_lesion_of(thin, scan(*of, seed=seed + n)) for n, of in enumerate([("T2w", 1.0), ("T1w", 1.0)])]
        rows = described([*scans, _lesion_of(thin, scan("T1w_ce", 1.0, seed=seed + 5), 1.9)], scene(thin))
        sureness_of = {rows[name].sureness for name in ("heterogeneity", "enhancement_pattern")}
        assert rows["heterogeneity"].value == rows["enhancement_pattern"].value == "homogeneous"
        assert sureness_of == {sureness}
        assert sureness == "sure" or "would not show" in rows["enhancement_pattern"].reason
        assert sureness == "sure" or "may not show patches" in rows["heterogeneity"].reason


@pytest.mark.parametrize(("radius_mm", "sureness"), [(1.9, "unsure"), (4.5, "sure")])
def test_no_or_faint_uptake_of_a_lesion_too_thin_to_hold_what_would_show_is_not_sure(radius_mm, sureness) -> None:
    thin = (np.hypot(X, Y) < radius_mm) & (abs(Z) < 16)
    row = described([scan("T1w", 1.0, seed=21), scan("T1w_ce", 1.0, seed=22)], scene(thin))["enhancement"]
    assert (row.value, row.sureness) == ("none", sureness)
    assert sureness == "sure" or "mm wide dilutes" in row.reason


def test_signal_held_against_cord_on_one_side_only_is_not_sure_and_says_so() -> None:
    low = (np.hypot(X, Y) < 4.5) & (Z < -44)
    row = described([_lesion_of(low, scan("T2w", 1.0, seed=31), 1.8)], scene(low))["t2_signal"]
    assert (row.value, row.sureness, row.reason) == (
        "hyperintense", "unsure", "cord on one side of the lesion only",
    )  # fmt: skip


def test_a_few_millimetres_of_cord_below_a_lesion_are_no_second_side() -> None:
    low = (np.hypot(X, Y) < 4.5) & (Z > -48) & (Z < -20)
    plain = _lesion_of(low, scan("T2w", 1.0, seed=33), 1.8)
    bright_end = replace(plain, image=plain.image.with_array(plain.image.array * np.where(Z < -50, 1.3, 1.0)))
    row = described([bright_end], scene(low))["t2_signal"]
    assert (row.value, row.sureness, row.reason) == (
        "hyperintense", "unsure", "cord on one side of the lesion only",
    )  # fmt: skip


def test_a_cord_that_tapers_below_a_lesion_is_not_called_thin() -> None:
    radius_mm = np.where(Z < -20, 6.0 - 0.1 * (-20 - Z), 6.0)
    cord = (np.hypot(X, Y) < radius_mm) & (Z > -50) & (Z < 58)
    low = (np.hypot(X, Y) < 2.0) & (Z > -48) & (Z < -24)
    row = described([scan("T2w", 1.0)], scene(low, cord=cord))["expansion"]
    assert row.value is None
    assert "changes by nature" in row.reason


def _lesion_of(inside: np.ndarray, plain: AlignedScan, ratio: float = 1.0) -> AlignedScan:
    return replace(plain, image=plain.image.with_array(plain.image.array * np.where(inside, ratio, 1.0)))


def _uptake_beside(rise: float, *, in_cord: float = 0.0, at_mm: float = 0.0) -> Described:
    """Uptake of a lesion with a focus that rises, and of a focus in healthy cord; ``at_mm`` is the lesion's middle."""
    lesion = (np.hypot(X, Y) < 4.5) & (abs(Z - at_mm) < 10)
    balls = [(rise, at_mm), (in_cord, at_mm + 26)]
    shown = sum(level * (X**2 + Y**2 + (Z - place) ** 2 < 2.5**2) for level, place in balls) + 1.0
    pair = [_lesion_of(lesion, scan(name, 1.0, seed=seed)) for seed, name in ((41, "T1w"), (42, "T1w_ce"))]
    after = replace(pair[1], image=pair[1].image.with_array(pair[1].image.array * shown))
    return described([pair[0], after], scene(lesion, cord=CORD & ~lesion))["enhancement"]


def test_a_focus_that_rises_no_more_than_one_in_healthy_cord_is_not_said_to_enhance() -> None:
    assert _uptake_beside(0.45).value in {"faint", "vivid"}
    alike = _uptake_beside(0.45, in_cord=0.6)
    assert (alike.value, alike.sureness) == (None, None)
    assert alike.reason is not None
    assert "the cord beside it has a focus that rises by" in alike.reason
    assert _uptake_beside(0.9, in_cord=0.45).value in {"faint", "vivid"}


def test_a_rise_held_against_cord_far_off_on_one_side_is_not_said_to_enhance() -> None:
    assert _uptake_beside(0.3).value == "faint"
    far = _uptake_beside(0.3, at_mm=-45.0)
    assert far.value is None
    assert far.reason is not None
    assert "healthy cord looks so, too" in far.reason


def test_a_coil_that_falls_off_beyond_the_cord_that_was_read_is_no_blood() -> None:
    low = (np.hypot(X, Y) < 4.5) & (Z < -38) & (Z > -50)
    plain = scan("T2starw", 1.0, seed=35)
    falls_off = np.select([Z < -50, Z < -38], [0.62, 0.9], 1.0)
    for deeper, term in ((1.0, "absent"), (0.45, "present")):
        shown = plain.image.array * falls_off * np.where(Z < -50, deeper, 1.0)
        row = described([replace(plain, image=plain.image.with_array(shown))], scene(low, cord=CORD & ~low))["blood"]
        assert row.value == term


def test_blood_is_not_surely_absent_where_nobody_can_say_so_of_a_cap() -> None:
    whole = scan("T2starw", 1.0)
    rows = described([whole], scene())
    assert [(rows[name].value, rows[name].sureness) for name in ("blood", "blood_cap")] == [("absent", "sure")] * 2
    cut = replace(whole, image=whole.image.with_array(np.where(Z > 4, np.nan, whole.image.array)))
    rows = described([cut], scene())
    assert rows["blood_cap"].value is None
    assert "reaches both ends of the lesion" in rows["blood_cap"].reason
    assert (rows["blood"].value, rows["blood"].sureness) == ("absent", "unsure"), "the upper pole was not seen"
    assert "reaches both ends" in rows["blood"].reason


def test_nothing_is_surely_absent_beyond_a_tumour_that_ends_with_its_scan() -> None:
    beyond = ("polar_cyst_{}", "oedema_{}")
    for solid, sureness in ((TUMOUR, "sure"), ((np.hypot(X, Y) < 4.5) & (Z > 40), "unsure")):
        rows = described([scan("T2w", 1.5)], scene(solid, cyst=NEVER, syrinx=NEVER, oedema=NEVER))
        assert {rows[name.format("above")].sureness for name in beyond} | {rows["syrinx"].sureness} == {sureness}
        assert {rows[name.format("below")].sureness for name in beyond} == {"sure"}
        assert all(rows[name.format("above")].value == "absent" for name in beyond)
