"""What is said of a made-up lesion of known signal, uptake, place and surroundings. About 3 s."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage, special

from pipeline.core.finding_terms import TERMS, Described, LesionFinding, Sureness, unsaid
from pipeline.core.volume import Volume
from pipeline.description import histology_fit, lesion_edge, limit_file, visit_description
from pipeline.description.blood_signal import PoleLook
from pipeline.description.finding_change import HowScanned, change_of
from pipeline.description.lesion_place import LevelsHere
from pipeline.description.lesion_scene import AlignedScan, CordCourse, LesionScene
from pipeline.description.pole_cover import PoleCover
from pipeline.description.seen_edge import seen_areas_mm2
from pipeline.measure.vertebral_levels import Levels
from tests.description.scenes import CORD, GRID, NEVER, TUMOUR, X, Y, Z, course, described, scan, scene


@pytest.mark.parametrize(
    ("contrast", "finding"), [("T2w", "t2_signal"), ("T1w", "t1_signal"), ("STIR", "stir_signal"), ("PDw", "pd_signal")]
)
@pytest.mark.parametrize(("ratio", "term"), [(0.7, "hypointense"), (1.0, "isointense"), (1.5, "hyperintense")])
def test_signal_is_held_against_the_cord_whatever_the_coil_and_the_gain(contrast, finding, ratio, term) -> None:
    said = described([scan(contrast, ratio, gain=37.0)])[finding]
    assert (said.value, said.sureness) == (term, "sure")
    assert said.number == pytest.approx(ratio, rel=0.06)
    assert said.low < ratio < said.high


def test_a_ratio_at_a_limit_is_never_sure() -> None:
    assert described([scan("T2w", 1.13)])["t2_signal"].sureness == "unsure"


def test_uneven_signal_is_heterogeneous_and_noise_is_not() -> None:
    rng = np.random.default_rng(1)
    mottled = 1.5 + 0.5 * np.sign(np.sin(X * 1.2) * np.sin(Z * 0.9)) + 0 * rng.normal()
    assert described([scan("T2w", mottled)])["heterogeneity"].value == "heterogeneous"
    even = described([scan("T2w", 1.5)])["heterogeneity"]
    assert (even.value, even.sureness) == ("homogeneous", "sure")


@pytest.mark.parametrize(("rise", "term"), [(0.0, "none"), (0.2, "faint"), (0.9, "vivid")])
def test_uptake_is_the_rise_against_the_cord_s_own(rise, term) -> None:
    rows = described([scan("T2w", 1.5), scan("T1w", 0.8, seed=2), scan("T1w_ce", 0.8 * (1 + rise), gain=90.0, seed=3)])
    assert (rows["enhancement"].value, rows["enhancement"].sureness) == (term, "sure")
    assert rows["enhancement"].number == pytest.approx(rise, abs=0.06)
    assert rows["enhancement_pattern"].value == (None if term == "none" else "homogeneous")
    assert 2.0 <= rows["smallest_enhancing_seen"].number <= 6.0


def test_a_ring_enhances_at_its_rim() -> None:
    ring = np.where(np.maximum(np.hypot(X, Y) / 4.5, abs(Z) / 10) > 0.62, 1.6, 0.8)
    rows = described([scan("T1w", 0.8, seed=2), scan("T1w_ce", ring, seed=3)])
    assert (rows["enhancement"].value, rows["enhancement_pattern"].value) == ("vivid", "ring")


def test_a_scan_after_contrast_agent_alone_is_never_sure_and_never_says_none() -> None:
    bright = described([scan("T1w_ce", 2.0)])["enhancement"]
    assert (bright.value, bright.sureness) == ("vivid", "unsure")
    dull = described([scan("T1w_ce", 0.9)])["enhancement"]
    assert dull.value is None
    assert "no T1w before it" in dull.reason


def test_noise_takes_the_sureness_from_none() -> None:
    def noisy(contrast, seed):
        good = scan(contrast, 0.8, seed=seed)
        noise = np.random.default_rng(seed).normal(0, 150.0, GRID.shape)
        return replace(good, image=good.image.with_array(good.image.array + noise))

    rows = described([noisy("T1w", 2), noisy("T1w_ce", 3)])
    assert rows["enhancement"].sureness != "sure"
    assert "a nodule of 5 mm would not surely show" in rows["enhancement"].reason
    smallest = rows["smallest_enhancing_seen"]
    assert smallest.number is None or smallest.number > 4.0


def test_the_cord_s_form_comes_from_its_mask() -> None:
    bulge = (np.hypot(X, Y) < 6.0 + 2.0 * np.exp(-((Z / 9) ** 2))) & (abs(Z) < 58)
    lesion = (np.hypot(X, Y + 2.5) < 3.5) & (abs(Z) < 10)
    rows = described([scan("T2w", 1.5)], scene(lesion, cord=bulge & ~lesion))
    assert (rows["expansion"].value, rows["expansion"].sureness) == ("expanded", "sure")
    assert rows["expansion"].number == pytest.approx((8 / 6) ** 2, rel=0.08)
    assert (rows["eccentricity"].value, rows["eccentricity"].sureness) == ("dorsal", "sure")
    assert rows["eccentricity"].number == pytest.approx(2.5, abs=0.3)
    assert (rows["nearest_surface"].value, rows["nearest_surface"].sureness) == ("dorsal", "sure")
    largest = max(lesion[:, :, plane].sum() / bulge[:, :, plane].sum() for plane in range(51, 70))
    assert rows["cord_share"].number == pytest.approx(largest, rel=0.1)


def test_a_hole_in_the_cord_s_mask_around_the_lesion_is_no_surface_of_it() -> None:
    lesion = (np.hypot(X, Y + 1.0) < 3.0) & (abs(Z) < 10)
    ring = (np.hypot(X, Y + 1.0) < 3.7) & (abs(Z) < 12)
    seen = [scan("T2w", 1.5)]
    full, holed = (described(seen, scene(lesion, cord=CORD & ~hole & ~lesion)) for hole in (NEVER, ring))
    for name in ("nearest_surface", "cord_share"):
        assert (holed[name].value, holed[name].number) == (full[name].value, full[name].number)
    assert full["nearest_surface"].number > 0.5


def test_without_a_mask_of_the_cord_no_section_is_said() -> None:
    rows = described([scan("T2w", 1.5)], scene())
    for name in ("expansion", "cord_share", "nearest_surface"):
        assert (rows[name].value, rows[name].number, rows[name].reason) == (None, None, "no mask of the cord")
    assert "the middle is that of the line found in the scan" in rows["eccentricity"].reason


def test_cysts_are_inside_or_at_a_pole_and_nobody_s_look_is_not_absence() -> None:
    inside, above = (np.hypot(X, Y) < 2) & (abs(Z) < 4), (np.hypot(X, Y) < 3) & (abs(Z - 16) < 6)
    long = (np.hypot(X, Y) < 2) & (abs(Z + 35) < 20)
    rows = described([scan("T2w", 1.5)], scene(TUMOUR & ~inside, cyst=inside | above, syrinx=long, oedema=NEVER))
    terms = {name: rows[name].value for name in ("tumoral_cyst", "polar_cyst_above", "polar_cyst_below", "syrinx")}
    assert terms == {
        "tumoral_cyst": "present", "polar_cyst_above": "present", "polar_cyst_below": "absent", "syrinx": "present",
    }  # fmt: skip
    assert rows["polar_cyst_above"].number == pytest.approx(11.0, abs=1.5)
    assert (rows["oedema_above"].value, rows["oedema_above"].sureness) == ("absent", "sure")
    nobody = described([scan("T2w", 1.5)])
    assert nobody["tumoral_cyst"].value is None
    assert nobody["oedema_below"].reason.startswith("nobody drew oedema")


@pytest.mark.parametrize(("contrast", "sureness"), [("T2starw", "sure"), ("T2w", "unsure")])
def test_a_dark_cap_is_told_and_is_surely_blood_only_where_the_scan_shows_blood(contrast, sureness) -> None:
    cap = np.where(Z > 7, 0.3, 1.5)
    rows = described([scan(contrast, cap)])
    assert (rows["blood_cap"].value, rows["blood_cap"].sureness) == ("present", "sure")
    assert (rows["blood"].value, rows["blood"].sureness) == ("present", sureness)
    assert "upper pole" in rows["blood_cap"].reason
    assert ("calcium and flow look the same" in rows["blood_cap"].reason) == (contrast == "T2w")
    none = described([scan(contrast, 1.5)])["blood_cap"]
    assert (none.value, none.sureness) == ("absent", sureness)
    assert ("on T2w alone" in (none.reason or "")) == (contrast == "T2w")


def test_the_sac_below_the_cord_s_end_is_no_cord_to_hold_signal_against() -> None:
    truly = described([scan("T2w", 1.5)])["t2_signal"]
    plain = scan("T2w", 1.5)
    for from_mm in (-30.0, -12.0):  # below some cord, and right below the lesion
        fluid = plain.image.with_array(np.where(from_mm > Z, 3.2, 1.0) * plain.image.array)
        row = described([replace(plain, image=fluid)])["t2_signal"]
        if from_mm == -30.0:
            assert row.value == "hyperintense"
            assert row.number == pytest.approx(truly.number, rel=0.03)
        else:
            assert row.value is None
            assert "differs too much to be healthy cord on both sides" in row.reason


@pytest.mark.parametrize(("contrast", "fluid", "finding"), [("T2w", 2.5, "t2_signal"), ("T1w", 0.4, "t1_signal")])
@pytest.mark.parametrize("sign", [1, -1])
def test_beside_a_sac_or_a_syrinx_signal_is_held_against_the_side_that_is_cord(contrast, fluid, finding, sign) -> None:
    """Below the conus, and above a lesion where nobody drew a syrinx, the middle is as bright as what is around it."""
    wet = CORD & (sign * Z < -12)
    plain = scan(contrast, 1.5, fluid=fluid)
    filled = replace(plain, image=plain.image.with_array(np.where(wet, fluid, 1.0) * plain.image.array))
    row = described([filled])[finding]
    assert (row.value, row.sureness, row.reason) == ("hyperintense", "unsure", "cord on one side of the lesion only")
    assert row.number == pytest.approx(1.5, rel=0.3), "the coil's fall-off is not told from one side"


def test_no_cap_is_sure_only_where_one_would_show() -> None:
    as_dark_as_blood = described([scan("T2starw", 0.3)])["blood_cap"]
    assert as_dark_as_blood.value is None, "what would not show is not absent"
    assert "would not show" in as_dark_as_blood.reason
    patches = 1.0 - 0.45 * np.sign(np.sin(Z * 0.9))  # as wide as a cap and as dark
    assert described([scan("T2starw", patches)])["blood_cap"].value is None


@pytest.mark.parametrize(
    ("darkest", "value", "sureness"),
    [(0.3, "present", "sure"), (0.8, "present", "unsure"), (0.9, "present", "unsure"), (1.1, None, None)],
)
def test_a_pole_less_bright_than_the_rest_is_no_sure_cap_and_no_absence(darkest, value, sureness) -> None:
    cap = described([scan("T2w", np.where(Z > 7.5, darkest, 1.5))])["blood_cap"]
    assert (cap.value, cap.sureness) == (value, sureness)


def in_thick_slices(plain):
    """The same scan in slices of 4 mm, one of which holds the upper pole."""
    thick = plain.image.array[..., 2:118].reshape(*plain.image.shape[:2], 29, 4).mean(axis=-1)
    affine = plain.image.affine.copy()
    affine[2, 2], affine[2, 3] = 4.0, affine[2, 3] + 3.5
    return replace(plain, image=Volume(thick, affine))


@pytest.mark.parametrize("contrast", ["T2starw", "T2w"])
@pytest.mark.parametrize(("pole", "sureness"), [(0.95, "unsure"), (0.3, "sure")])
def test_a_pole_of_bright_tumour_that_looks_like_cord_is_no_sure_cap(contrast, pole, sureness) -> None:
    """Infiltrated cord or a patch at the pole takes as much off a bright tumour as a cap takes off one like cord."""
    row = described([in_thick_slices(scan(contrast, np.where(Z > 5, pole, 2.0)))])["blood_cap"]
    assert (row.value, row.sureness) == ("present", sureness)
    assert ("no piece is as dark beside the cord as blood" in row.reason) == (sureness == "unsure")


@pytest.mark.parametrize("dark_mm3", [(0.0, 40.0), (40.0, 0.0)])
def test_dark_voxels_at_one_pole_do_not_make_a_cap_at_the_other_sure(dark_mm3) -> None:
    limits = limit_file.packaged()
    cover = PoleCover(0.9, 0.1, 0.05, limits.cap.dark_from, limits.cap)
    look = PoleLook(scan("T2starw", 1.0), dark_mm3, cover, reaches_both=True)
    assert look.pole == "upper"
    assert look.covered_dark_mm3 == dark_mm3[0]
    assert look.is_as_dark_as_blood(limits), "slices of 1 mm tell by the share"
    thick = replace(look, scan=in_thick_slices(look.scan))
    assert thick.is_as_dark_as_blood(limits) == (dark_mm3[0] > 0)


@pytest.mark.parametrize(("sigma_mm", "term"), [(0.2, "sharp"), (1.6, "infiltrating")])
def test_an_edge_is_as_wide_as_it_is_without_the_scan_s_own_blur(sigma_mm, term) -> None:
    inner = 0.5 * (1 - special.erf((abs(Z) - 10) / (np.sqrt(2) * sigma_mm))) * (np.hypot(X, Y) < 4.5)
    plain = scan("T2w", 1.0)
    blurred = replace(plain, image=plain.image.with_array(plain.image.array * np.where(CORD, 1 + 0.8 * inner, 1.0)))
    edge = described([blurred])["margin"]
    assert (edge.value, edge.sureness) == (term, "sure")
    assert (edge.number < 1.2) == (term == "sharp")


@pytest.mark.parametrize(("wide_mm", "ratio"), [(2.5, 1.25), (2.5, 1.5), (3.5, 1.25)])
def test_a_sharp_edge_in_a_rim_of_oedema_that_nobody_drew_is_not_surely_infiltrating(wide_mm, ratio) -> None:
    solid = (np.hypot(X, Y) < 3.0) & (abs(Z) < 9)
    rim = CORD & ~solid & (ndimage.distance_transform_edt(~solid) <= wide_mm)
    plain = scan("T2w", 1.0, seed=3)
    painted = plain.image.with_array(np.where(solid, 1.9, np.where(rim, ratio, 1.0)) * plain.image.array)
    edge = described([replace(plain, image=painted)], scene(solid, cord=CORD & ~solid))["margin"]
    assert (edge.value, edge.sureness) != ("infiltrating", "sure")
    assert lesion_edge.HALO in edge.reason
    drawn = scene(solid, cord=CORD & ~solid & ~rim, oedema=rim)
    told = described([replace(plain, image=painted)], drawn)["margin"]
    assert (told.value, told.sureness) == ("sharp", "sure")


@pytest.mark.parametrize(
    ("width_mm", "term", "sureness"),
    [(1.6, "sharp", "sure"), (1.8, "sharp", "unsure"), (2.6, "infiltrating", "unsure"), (2.7, "infiltrating", "sure")],
)
def test_infiltrating_is_sure_only_where_its_interval_is_clear_of_sharp(monkeypatch, width_mm, term, sureness) -> None:
    fit = lesion_edge.EdgeFit(width_mm, 0.4, scan("T2w", 1.0))
    monkeypatch.setattr(lesion_edge, "_edges_on", lambda *_: [fit])
    edge = lesion_edge.margin_finding([fit.scan], scene(), limit_file.packaged())
    assert (edge.value, edge.sureness) == (term, sureness)
    assert (edge.low < 1.9 < edge.high) == (width_mm < 2.7)


def _in_slices_of_3_mm(one: AlignedScan) -> AlignedScan:
    """Average a scan over three millimetres right to left, so that the lesion's wall fills its voxels in part."""
    affine = one.image.affine.copy()
    affine[:3, 0] *= 3
    affine[0, 3] += 1
    thick = Volume(one.image.array.reshape(11, 3, 33, 121).mean(axis=1), affine)
    return AlignedScan(thick, one.from_anchor, one.path, one.contrast)


def test_a_nodule_in_the_wall_is_not_called_none_and_not_sure() -> None:
    wall = np.where((Y >= 3) & (X > 1) & (abs(Z) < 4), 1.6, 1.0)
    pair = [_in_slices_of_3_mm(one) for one in (scan("T1w", 1.0), scan("T1w_ce", wall, seed=1))]
    enhancement = described(pair)["enhancement"]
    assert (enhancement.value, enhancement.sureness) == ("faint", "unsure")
    assert "at its edge" in enhancement.reason
    nothing = [_in_slices_of_3_mm(one) for one in (scan("T1w", 1.0), scan("T1w_ce", 1.0, seed=1))]
    assert described(nothing)["enhancement"].value == "none"


def test_a_person_who_moved_between_two_scans_does_not_enhance() -> None:
    before, after = scan("T1w", 0.5, fluid=0.4, seed=2), scan("T1w_ce", 0.5, fluid=0.4, seed=3)
    moved = GRID.affine.copy()
    moved[:3, 3] += (1.0, -1.0, 1.0)
    rows = described([before, replace(after, image=Volume(after.image.array, moved))])
    assert rows["enhancement"].value == "none"
    assert abs(rows["enhancement"].number) < 0.05


def _bulging(bulge_mm: float, tumour: float, *, fluid: float = 2.5) -> AlignedScan:
    """A T2w on which the cord, 6 mm in radius, is wider by a bulge about the tumour; blurred as by a scanner."""
    radius_mm = 6.0 + bulge_mm * np.exp(-((Z / 12) ** 4))
    share = np.clip(radius_mm - np.hypot(X, Y) + 0.5, 0, 1)
    tissue = fluid + share * (np.where(TUMOUR, tumour, 1.0) - fluid)
    noise = np.random.default_rng(5).normal(0, 0.03, GRID.shape)
    return replace(scan("T2w", 1.0), image=GRID.with_array(300 * (ndimage.gaussian_filter(tissue, 0.4) + noise)))


def _found(off_mm: float = 0.0) -> CordCourse:
    """The line that is found in such a scan, beside the cord's middle, with a rough width."""
    line = course(is_drawn=False)
    return replace(line, line=replace(line.line, points_mm=line.line.points_mm + np.array([off_mm, 0.0, 0.0])))


@pytest.mark.parametrize("tumour", [0.6, 1.0, 1.9])
@pytest.mark.parametrize(("bulge_mm", "term"), [(0.0, "none"), (2.2, "expanded")])
def test_without_a_mask_expansion_is_that_of_the_edge_that_the_scan_shows(bulge_mm, term, tumour) -> None:
    row = described([_bulging(bulge_mm, tumour)], replace(scene(), course=_found()))["expansion"]
    assert (row.value, row.sureness) == (term, "sure")
    assert row.number == pytest.approx((1 + bulge_mm / 6) ** 2, rel=0.05)
    assert "no mask of the cord: its edge as the scan shows it" in row.reason


def test_a_line_beside_the_cord_s_middle_reads_the_same_section() -> None:
    beside, middle = (
        described([_bulging(2.2, 1.5)], replace(scene(), course=_found(off_mm)))["expansion"] for off_mm in (2.5, 0.0)
    )
    assert beside.number == pytest.approx(middle.number, rel=0.03)


def test_no_edge_of_the_cord_is_read_where_no_fluid_is_seen() -> None:
    row = described([_bulging(2.2, 1.5, fluid=1.05)], replace(scene(), course=_found()))["expansion"]
    assert (row.value, row.number) == (None, None)


def _in_a_canal(bulge_mm: float, contrast: str, fluid: float, wall: float) -> AlignedScan:
    """The cord, wider by a bulge about the tumour, in a canal of fluid of 10 mm radius, and what lies beyond."""
    away_mm, radius_mm = np.hypot(X, Y), 6.0 + bulge_mm * np.exp(-((Z / 12) ** 4))
    tissue = np.where(away_mm < radius_mm, 1.0, np.where(away_mm < 10.0, fluid, wall))
    noise = np.random.default_rng(5).normal(0, 0.03, GRID.shape)
    return replace(scan(contrast, 1.0), image=GRID.with_array(300 * (ndimage.gaussian_filter(tissue, 0.5) + noise)))


@pytest.mark.parametrize("wall", [0.1, 1.0, 1.6, 2.5])
def test_the_canal_s_wall_is_not_read_as_the_cord_s_edge_where_fluid_is_dark(wall) -> None:
    row = described([_in_a_canal(2.2, "T1w", 0.6, wall)], replace(scene(), course=_found()))["expansion"]
    assert (row.value, row.number) == (None, None)


@pytest.mark.parametrize("fluid", [1.7, 2.5])
def test_dark_bone_around_bright_fluid_is_not_read_as_the_cord_s_edge(fluid) -> None:
    row = described([_in_a_canal(2.2, "T2w", fluid, 0.1)], replace(scene(), course=_found()))["expansion"]
    assert (row.value, row.number) == ("expanded", pytest.approx((1 + 2.2 / 6) ** 2, rel=0.07))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("signal", [0.0, 300.0])
def test_a_scan_that_shows_nothing_shows_no_edge(signal) -> None:
    even = replace(scan("T2w", 1.0), image=GRID.with_array(np.full(GRID.shape, signal)))
    areas = seen_areas_mm2(even, replace(scene(), course=_found()), limit_file.packaged())
    assert areas is None or np.isnan(areas).all()


def test_a_section_far_within_the_line_s_own_width_is_no_cord() -> None:
    wide = replace(_found(), radius_mm=np.full(111, 8.5))
    row = described([_bulging(0.0, 1.0)], replace(scene(), course=wide))["expansion"]
    assert (row.value, row.number) == (None, None)


def test_a_section_that_hardly_differs_by_its_edge_alone_gets_no_term() -> None:
    row = described([_bulging(0.8, 1.5)], replace(scene(), course=_found()))["expansion"]
    assert (row.value, row.sureness) == (None, None)
    assert "the widest section is 1.2" in row.reason
    assert row.reason.endswith("too unsure to call it expanded")


@pytest.mark.parametrize("contrast", ["T2starw", "T2w"])
def test_the_dura_beside_a_cord_that_nobody_drew_is_no_blood(contrast) -> None:
    dura = (abs(Y) > 5.0) & (abs(Y) < 8.0)
    plain = scan(contrast, 1.5)
    beside = replace(plain, image=plain.image.with_array(np.where(dura, 0.3, 1.0) * plain.image.array))
    wide = replace(course(is_drawn=False), radius_mm=np.full(111, 7.6))
    rows = described([beside], replace(scene(), course=wide))
    assert (rows["blood"].value, rows["blood_cap"].value) == ("absent", "absent")
    within = replace(plain, image=plain.image.with_array(np.where((Z > 7) & TUMOUR, 0.2, 1.0) * plain.image.array))
    assert described([within], replace(scene(), course=wide))["blood_cap"].value == "present"


@pytest.mark.parametrize(("gain", "words"), [(0.9, "10^-3 mm²/s"), (900.0, "10^-6 mm²/s"), (9e-4, "in mm²/s")])
def test_a_diffusion_map_s_unit_is_told_and_the_number_is_the_same(gain, words) -> None:
    rows = described([scan("ADC", 1.4, gain=gain)])
    assert rows["adc"].unit == "10^-3 mm²/s"
    assert words in rows["adc"].reason
    assert rows["adc_ratio"].number == pytest.approx(1.4, rel=0.04)
    assert rows["adc"].low < rows["adc"].number < rows["adc"].high


def test_levels_and_length_stand_side_by_side() -> None:
    here = LevelsHere(Levels({5: 20.0, 6: 2.0, 7: -16.0}), (-10.0, 9.0), None)
    rows = described([scan("T2w", 1.5)], here=here)
    assert (rows["levels"].value, rows["levels"].sureness) == ("C5 to C6", "sure")
    assert rows["length"].number == pytest.approx(19.0, abs=1.0)
    assert described([scan("T2w", 1.5)])["levels"].reason == "no visit has disc labels"


def test_nothing_is_said_without_cord_or_scan_and_each_says_why() -> None:
    lost = LesionScene(GRID.with_array(TUMOUR), {}, None, "no cord to hold it against: the scan is blank")
    rows = described([scan("T2w", 1.5)], lost)
    assert rows["t2_signal"].reason == "no cord to hold it against: the scan is blank"
    assert all(row.reason for row in visit_description.undescribed("no mask"))
    small = Volume(scan("T1w", 1.0).image.array[:, :, :20], GRID.affine)
    elsewhere = replace(scan("T1w", 1.0), image=small)
    assert described([scan("T2w", 1.5), elsewhere])["t1_signal"].reason == "the scan does not reach the lesion"


def test_only_terms_of_the_list_are_taken() -> None:
    with pytest.raises(ValueError, match="expected one of none, faint, vivid"):
        Described("enhancement", "some", sureness=None)
    with pytest.raises(ValueError, match="the reason why there is none"):
        Described("adc")
    assert set(TERMS) <= set(LesionFinding)
    assert unsaid("adc", "why").sureness is None


NONE = Described("enhancement", "none", 0.0, -0.02, 0.02, "rise / signal before", Sureness.SURE)
VIVID = Described("enhancement", "vivid", 0.6, 0.5, 0.7, "rise / signal before", Sureness.SURE)
HERE = (HowScanned("T1w_ce", "sagittal", 3.0),)


@pytest.mark.parametrize(
    ("then", "now", "scanned", "expected"),
    [
        (NONE, VIVID, HERE, "changed, None"),
        (VIVID, VIVID, HERE, "unchanged, None"),
        (VIVID, replace(VIVID, number=0.9, low=0.8, high=1.0), HERE, "changed, None"),
        (NONE, replace(VIVID, sureness=Sureness.UNSURE), HERE, "cannot be compared, not sure now"),
        (VIVID, replace(VIVID, sureness=Sureness.UNSURE), HERE, "cannot be compared, not sure now"),
        (NONE, VIVID, (replace(HERE[0], plane="axial"),), "cannot be compared, sagittal slices then, axial now"),
        (NONE, VIVID, (replace(HERE[0], field_tesla=1.5),), "cannot be compared, 3 tesla then, 1.5 now"),
        (NONE, VIVID, (replace(HERE[0], contrast="T1w"),), "cannot be compared, on T1w_ce then, on T1w now"),
        (NONE, unsaid("enhancement", "no T1w"), (), "cannot be compared, no T1w"),
        (VIVID, VIVID, (replace(HERE[0], field_tesla=1.5),), "unchanged, None"),
    ],
)  # fmt: skip
def test_a_finding_changed_only_where_both_are_sure_and_the_scans_alike(then, now, scanned, expected) -> None:
    change = change_of(then, now, HERE, scanned)
    assert f"{change.course}, {change.reason}" == expected


def test_frequencies_are_published_ones_and_only_a_sure_rarity_of_the_recorded_histology_is_a_note() -> None:
    table = histology_fit.packaged()
    assert all(one.source and one.mark in ("V", "M") for one in table.frequency)
    rows = list(histology_fit.fits({"eccentricity": "left", "tumoral_cyst": "absent"}, "Ependymoma", table))
    assert [fit.note for fit in rows if fit.note] == ["left; ependymoma: central in 100 % of 47"]
    assert {fit.frequency.histology for fit in rows if fit.frequency.finding == "tumoral_cyst"} == {
        "ependymoma", "astrocytoma", "haemangioblastoma", "ganglioglioma",
    }  # fmt: skip
    assert not any(fit.note for fit in histology_fit.fits({"eccentricity": "left"}, None, table))
    assert not list(histology_fit.fits({}, "ependymoma", table))
