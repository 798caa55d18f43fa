"""What makers write, held against what it means: types, units, names, words on contrast agents, diffusion."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from pydicom.dataset import Dataset

from pipeline.core.contrast_agents import agent_given
from pipeline.hospital.importing.writing import along_axes
from pipeline.hospital.read import diffusion
from pipeline.hospital.read.headers import acquisition_of
from pipeline.hospital.read.instances import SeriesAcquisition
from pipeline.hospital.read.makers_habits import DIXON_PARTS, habits_of, part_of, table
from pipeline.hospital.read.screening import LEFT_OUT, reason_to_skip
from pipeline.hospital.read.series_kind import OTHER_KINDS, SURE, contrast_of
from pipeline.hospital.read.stacks import Stack

SPIN = SeriesAcquisition(
    modality="MR", kinds=frozenset({"SE"}), echo_time_ms=105.0, repetition_time_ms=3500.0, echo_train_length=17,
    image_type=("ORIGINAL", "PRIMARY", "M"), is_3d=False,
)  # fmt: skip
T1 = replace(SPIN, echo_time_ms=11.0, repetition_time_ms=620.0)
GRADIENT = replace(SPIN, kinds=frozenset({"GR"}), echo_time_ms=3.4, repetition_time_ms=7.6, flip_angle_deg=10.0,
                   is_3d=True, echo_train_length=1)  # fmt: skip
KNOWN = {"in_phase", "map", "flow", "angiography", "dynamic", "subtraction", "myelography", "part", "reformat",
         "stitched", "dixon", "opposed", "fat", "water"}  # fmt: skip


def stack(made: SeriesAcquisition, count: int = 12, **more: object) -> Stack:
    return Stack(None, made, "", count, more.pop("orientations", 1), None, **more)  # type: ignore[arg-type]


def became(made: SeriesAcquisition, **more: object) -> str:
    """What a series becomes: its contrast where that is sure, ``asked`` or ``left out``."""
    if reason_to_skip(stack(made, **more)):
        return "left out"
    found = contrast_of(made)
    if found.confidence < SURE:
        return "asked"
    return f"{found.name}{'_ce' if found.is_enhanced else ''}{f' {found.part}' if found.part else ''}"


def test_every_habit_has_a_source_and_expressions_that_can_be_read() -> None:
    assert len({habit.id for habit in table()}) == len(table())
    for habit in table():
        assert habit.means in KNOWN, habit.id
        assert habit.means in DIXON_PARTS | LEFT_OUT | OTHER_KINDS | {"dixon", "stitched"}, habit.id
        assert len(habit.source) > 10, habit.id
        for pattern in (*habit.image_type, *habit.units, habit.words or "", habit.needs or "", habit.unless or ""):
            re.compile(pattern)
        assert habit.image_type or habit.units or habit.words, habit.id


DIXONS = [
    ("t2_tse_dixon_sag_in", "M", "T2w"), ("t2_tse_dixon_sag_opp", "M", "left out"),
    ("t2_tse_dixon_sag_F", "FAT", "left out"), ("t2_tse_dixon_sag_W", "WATER", "T2w water"),
    ("t2_tse_dixon_sag_W", "M", "T2w water"), ("t2_tse_dixon_sag", "M", "asked"),
    ("InPhase: Sag T2 FSE Flex", "IN_PHASE", "T2w"), ("OutPhase: Sag T2 FSE Flex", "OUT_PHASE", "left out"),
    ("FAT: Sag T2 IDEAL", "OTHER", "left out"), ("WATER: Sag T2 IDEAL", "OTHER", "T2w water"),
    ("T2W_mDIXON_TSE_sag", "W", "T2w water"), ("T2W_mDIXON_TSE_sag", "F", "left out"),
    ("T2W_mDIXON_TSE_sag", "OP", "left out"), ("T2W_mDIXON_TSE_sag", "IP", "T2w"),
    ("t2_fse_sag_wfi_op", "OP", "left out"), ("t2_fse_sag_wfi_ip", "M", "T2w"), ("FF", "FF", "left out"),
    # what only looks like it
    ("Sag T2 FAT SAT", "M", "T2w"), ("t2_tse_sag_fatsat", "M", "T2w"), ("Sag T2 FLEXION", "M", "T2w"),
    ("t2_tse_sag_water_exc", "M", "T2w"), ("T2 sag in flexion", "M", "T2w"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "right"), DIXONS)
def test_parts_of_a_dixon_acquisition(name: str, kind: str, right: str) -> None:
    assert became(replace(SPIN, description=name, image_type=("DERIVED", "PRIMARY", kind))) == right


def test_the_header_decides_which_image_of_a_dixon_acquisition_it_is() -> None:
    made = replace(SPIN, description="t2 dixon W and F", image_type=("DERIVED", "PRIMARY", "FAT"))
    assert part_of(habits_of(made)) == "fat"


OTHERS = [
    (replace(GRADIENT, is_flow=True, repetition_time_ms=22.0, description="tof_fl3d_tra"), "left out"),
    (replace(GRADIENT, repetition_time_ms=22.0, flip_angle_deg=18.0, description="3D TOF multi slab"), "asked"),
    (replace(GRADIENT, repetition_time_ms=22.0, flip_angle_deg=18.0, description="ax 3d"), "asked"),
    (replace(GRADIENT, repetition_time_ms=27.0, is_3d=False, description="sag 2d"), "asked"),
    (replace(GRADIENT, description="MRA neck"), "asked"),
    (replace(SPIN, is_flow=True), "asked"),
    (replace(GRADIENT, times=3, description="dyn_t1_vibe"), "left out"),
    (replace(GRADIENT, description="t1_vibe_DCE"), "asked"),
    (replace(T1, description="SUB: Sag T1 post - pre"), "asked"),
    (replace(T1, image_type=("DERIVED", "PRIMARY", "SUBTRACTION")), "left out"),
    (replace(SPIN, image_type=("DERIVED", "PRIMARY", "T2 MAP", "ND")), "left out"),
    (replace(SPIN, image_type=("DERIVED", "PRIMARY", "T1_MAP")), "left out"),
    (replace(SPIN, description="T2 map sag"), "asked"),
    (replace(GRADIENT, units="Hz"), "left out"),
    (replace(GRADIENT, units="ms"), "left out"),
    (replace(GRADIENT, units="normalized"), "T1w"),
    (replace(GRADIENT, units="US"), "T1w"),
    (replace(SPIN, kinds=frozenset({"EP"}), image_type=("DERIVED", "PRIMARY", "DIFFUSION", "FA")), "left out"),
    (replace(SPIN, kinds=frozenset({"EP"}), b_value=800.0, description="ADC"), "asked"),
    (replace(SPIN, echo_time_ms=740.0, description="haste cor"), "left out"),
    (replace(SPIN, slice_thickness_mm=40.0), "left out"),
    (replace(SPIN, description="HASTE Myelo"), "asked"),
    (replace(SPIN, image_type=("ORIGINAL", "PRIMARY", "P", "ND")), "left out"),
    (replace(SPIN, image_type=("ORIGINAL", "PRIMARY", "PHASE MAP", "P", "FFE")), "left out"),
    # letters within a word, and words that mean something else
    (replace(SPIN, description="t2_tse_sag_flowcomp"), "T2w"),
    (replace(SPIN, description="t2 tse sag flow comp"), "T2w"),
    (replace(SPIN, description="T2 sag Haemangioblastom"), "T2w"),
    (replace(SPIN, description="T2 sag subaxial"), "T2w"),
    (replace(SPIN, description="LocalShim_t2_tse_sag"), "T2w"),
    (replace(SPIN, description="t2_tse_sag_v2"), "T2w"),
    (replace(T1, description="T1 sag post op"), "T1w"),
    # T1 FLAIR and its likes
    (replace(SPIN, kinds=frozenset({"SE", "IR"}), echo_time_ms=24.0, repetition_time_ms=2100.0,
             inversion_time_ms=860.0, description="Sag T1 FLAIR"), "T1w"),
    (replace(SPIN, kinds=frozenset({"SE", "IR"}), echo_time_ms=9.0, repetition_time_ms=2000.0,
             inversion_time_ms=860.0, description="t1_tirm_tra_dark-fluid"), "T1w"),
    (replace(SPIN, kinds=frozenset({"SE", "IR"}), echo_time_ms=120.0, repetition_time_ms=9000.0,
             inversion_time_ms=2500.0, description="t2_tirm_tra_dark-fluid"), "FLAIR"),
    (replace(SPIN, kinds=frozenset({"SE", "IR"}), echo_time_ms=48.0, repetition_time_ms=4200.0,
             inversion_time_ms=220.0, description="Sag T2 STIR"), "STIR"),
    # a b-value of 0 without a diffusion sequence
    (replace(SPIN, b_value=0.0, description="SAG TSE"), "T2w"),
    (replace(GRADIENT, b_value=0.0, inversion_time_ms=900.0, description="sT1W_MPRAGE_sag"), "T1w"),
    (replace(SPIN, kinds=frozenset({"EP", "SE"}), b_value=0.0), "DWI"),
    (replace(T1, is_agent_unclear=True), "asked"),
]  # fmt: skip


@pytest.mark.parametrize(("made", "right"), OTHERS)
def test_what_is_no_plain_anatomy_is_never_sure_and_what_is_comes_in(made: SeriesAcquisition, right: str) -> None:
    assert became(made) == right, contrast_of(made)


def test_localizers_are_told_by_type_name_or_few_slices_in_several_planes() -> None:
    fast = replace(GRADIENT, is_3d=False)
    assert became(replace(fast, description="localizer"), count=15) == "left out"
    assert became(fast, count=15, orientations=3) == "left out"
    assert became(SPIN, count=12, orientations=3) == "T2w", "twelve slices of a slow spin echo are no localizer"
    assert became(SPIN, count=4, orientations=3) == "left out"
    assert became(SPIN, count=4, orientations=3, is_fan=True) == "T2w", "blocks along discs"
    assert became(SPIN, count=12, repeats=1, orientations=3, is_fan=True) == "T2w"
    assert became(GRADIENT, repeats=3) == "left out", "three times the same place in one series: dynamic"


@pytest.mark.parametrize(
    ("words", "right"),
    [
        ("NO CONTRAST", False), ("None given", False), ("nein", False), ("kein KM", False), ("ohne KM", False),
        ("sans injection", False), ("sin contraste", False), ("geen", False), ("нет", False), ("なし", False),
        ("0", False), ("0.0", False), ("without contrast", False), ("W/O CONTRAST", False), ("keines", False),
        ("Gadovist", True), ("gadobutrol", True), ("DOTAREM 7.5 ml", True), ("Gd-DTPA", True), ("KM", True),
        ("contrast", True), ("yes", True), ("Clariscan", True), ("Гадовист", True), ("ProHance", True),
        ("-", None), ("?", None), ("Buscopan", None), ("Feraheme", None), ("Gadovist not given", None),
        ("siehe Bogen", None), ("patient refused Gadovist", None), ("allergic to gadolinium", None),
        ("Gadovist?", None), ("Gadovist geplant", None), ("Dotarem letzte Woche", None), ("Gd 0 ml", None),
        ("Gadovist 0,0ml", None), ("Gadovist 1.0 7,5 ml i.v.", True), ("0.1 mmol/kg gadobutrol", True),
        ("GADOTERATE MEGLUMINE", True), ("Multihance 10.0 ml", True), ("Gadovist 7ml Charge 998877", True),
        ("gadolinium-based contrast agent", True), ("Gd-DTPA 20 ml hand injection", True),
    ],
)  # fmt: skip
def test_text_is_no_agent_until_it_is_known_as_one(words: str, right: bool | None) -> None:
    assert agent_given(words) is right


def test_unknown_words_on_an_agent_are_asked_about_and_placeholders_say_nothing() -> None:
    header = Dataset()
    for words, expected in (("Buscopan", (None, True)), ("-", (None, False)), ("Gadovist", (True, False))):
        header.ContrastBolusAgent = words
        made = acquisition_of(header)
        assert (made.agent, made.is_agent_unclear) == expected


def private(group: int, creator: str, offset: int, kind: str, value: object, more: Dataset | None = None) -> Dataset:
    header = more if more is not None else Dataset()
    header.private_block(group, creator, create=True).add_new(offset, kind, value)
    return header


def test_b_values_and_directions_of_the_makers_own_elements() -> None:
    siemens = private(0x0019, "SIEMENS MR HEADER", 0x0C, "IS", "800")
    private(0x0019, "SIEMENS MR HEADER", 0x0E, "FD", [0.6, 0.0, 0.8], siemens)
    assert diffusion.b_value_of(siemens) == 800
    assert diffusion.direction_of(siemens) == pytest.approx((0.6, 0.0, 0.8))
    assert diffusion.b_value_of(private(0x0043, "GEMS_PARM_01", 0x39, "IS", [1000001500, 0, 0, 0])) == 1500
    philips = private(0x2001, "Philips Imaging DD 001", 0x03, "FL", 600.0)
    for offset, value in ((0xB0, 0.0), (0xB1, 1.0), (0xB2, 0.0)):
        private(0x2005, "Philips MR Imaging DD 001", offset, "FL", value, philips)
    assert diffusion.b_value_of(philips) == 600
    assert diffusion.direction_of(philips) == (0.0, 1.0, 0.0)
    assert diffusion.direction_of(private(0x0019, "SIEMENS MR HEADER", 0x0E, "FD", [0.0, 0.0, 0.0])) is None
    assert diffusion.b_value_of(private(0x0019, "SOMEBODY ELSE", 0x0C, "IS", "800")) is None


@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_a_direction_is_told_along_the_images_axes_as_fsl_has_it(flip: float) -> None:
    axes = np.array([[0.0, 0.0, 3.3], [0.7, 0.0, 0.0], [0.0, flip * 0.7, 0.0]])
    affine = np.eye(4)
    affine[:3, :3] = axes
    foot_to_head = along_axes((0.0, 0.0, 1.0), affine)
    assert foot_to_head == pytest.approx((0.0, flip, 0.0))
    to_the_back = along_axes((0.0, 1.0, 0.0), affine)  # LPS: the back is the patient's posterior
    is_right_handed = np.linalg.det(axes) > 0
    assert to_the_back == pytest.approx((1.0 if is_right_handed else -1.0, 0.0, 0.0))
