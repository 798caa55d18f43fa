"""A tumour that looks unchanged on the scan measured on and smaller after contrast agent: no size, or a wider one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.transform import Transform, identity, move_points
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, to_world, voxel_centres_mm
from pipeline.files import images
from pipeline.refind import other_contrast, refinding
from pipeline.refind.other_contrast import SizeElsewhere
from pipeline.refind.template import cord_signal
from pipeline.run.steps import measure_visits, refind_masks, second_contrast
from pipeline.run.steps.visit_work import MaskedVisit, PlacedVisit, VisitWork
from pipeline.selftest import implant_scan
from pipeline.selftest.host_scan import PHANTOM, Place, Source, read_source
from pipeline.study.scans import ScanFile
from tests.benchmark import second_contrast as second_contrast_pairs
from tests.refind.test_fading_outwards import kept_room
from tests.refind.test_refinding import phantom
from tests.refind.test_scans_differ import DRAWN, GIVEN, blurred, placed, size_of, visited

MOVED_MM = {"ses-01": (0.4, -0.3, 1.5), "ses-02": (-0.8, 0.2, -1.0)}
"""How the person moved between the two scans of a visit."""

UNCHANGED = visited("ses-02", kept_room(DRAWN.image, DRAWN.masks["tumour"], 1.0))
"""A later scan that shows the tumour as large as it was."""


def moved(session: str) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, 3] = MOVED_MM[session]
    return matrix


def with_second(visit: PlacedVisit, folder: Path, grade: str = "A") -> PlacedVisit:
    """Return a visit that has another scan, kept in a folder with how it lies on the anchor."""
    name = f"{visit.session_id}_T1w.nii.gz"
    image = visit.read.image
    images.save(Volume(image.array, moved(visit.session_id) @ image.affine), folder / name)
    images.save_transform(Transform("anchor", "T1w", moved(visit.session_id)), folder / f"{name}.h5")
    second = ScanFile(folder / name, name, "sub-1", visit.session_id, "T1w_ce")
    row = SimpleNamespace(moving_path=name, grade=grade, transform_path=f"{name}.h5", input_sha256=grade)
    study_visit = replace(visit.read.visit, scans=(*visit.read.visit.scans, second))
    return replace(visit, read=replace(visit.read, visit=study_visit), sequences=(row,))  # type: ignore[arg-type]


def found(folder: Path, grade: str | None = "A") -> MaskedVisit:
    """Find the drawn tumour again on a visit; both have a scan after contrast agent unless ``grade`` is None."""
    folder.mkdir(exist_ok=True)
    visit, donor = placed(UNCHANGED, MaskedVisit("ses-02", None, {})), placed(visited("ses-01", DRAWN.image), GIVEN)
    if grade is not None:
        visit, donor = with_second(visit, folder, grade), with_second(donor, folder)
    return refind_masks.automatic_masks(visit, [donor], folder, operated_between=False)


@pytest.fixture
def seen_there(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the other contrast show the tumour at a ratio that the test gives, laid and looked for where it lies."""
    ratios: list[float] = []

    def size(contrast: str, masked: refinding.DonorVisit, later: Volume, to_masked: Transform) -> SizeElsewhere:
        drawn, laid = DRAWN.masks["tumour"], masked.masks["tumour"]
        shift = middle_mm(laid) - middle_mm(drawn)
        np.testing.assert_allclose(shift, MOVED_MM["ses-01"], atol=0.05)
        here = to_world(later.affine, np.array([[10.0, 10.0, 10.0]]))
        back = to_world(masked.image.affine, np.array([[10.0, 10.0, 10.0]]))
        np.testing.assert_allclose(move_points(to_masked, here), back, atol=1e-4)
        return SizeElsewhere(contrast, ratios[-1])

    monkeypatch.setattr(other_contrast, "size_elsewhere", size)
    return ratios


def middle_mm(mask: Volume) -> NDArray[np.float64]:
    """Return the middle of a mask or of shares, RAS+ mm."""
    weight = mask.array.astype(float)
    return np.asarray(np.average(voxel_centres_mm(mask).reshape(-1, 3), axis=0, weights=weight.ravel()))


def test_a_tumour_that_kept_its_look_and_is_smaller_after_contrast_agent_has_no_size_and_says_why(
    seen_there: list[float], tmp_path: Path
) -> None:
    for ratio in (0.45, 2.0):  # the second time from what was kept, whatever would be seen now
        seen_there.append(ratio)
        masks = found(tmp_path)
        assert Compartment.TUMOUR not in masks.primary
        why = masks.missing[Compartment.TUMOUR]
        assert why.startswith("the scans of this visit do not tell whether the tumour kept its size, or shrank")
        assert "on T1w after contrast agent alone by -55 %" in why
        assert why.endswith("draw it on this scan")
        size = size_of(UNCHANGED, masks)
        assert size.volume_mm3 is None
        (told,) = measure_visits.unmeasured([VisitWork(UNCHANGED, masks, measured=(size,))])
        assert told.code == "tumour_not_measured"


def test_where_it_is_a_little_smaller_there_the_error_is_larger_and_a_person_is_told(
    seen_there: list[float], tmp_path: Path
) -> None:
    seen_there.append(0.8)
    alone, both = found(tmp_path / "alone", None), found(tmp_path / "both")
    sure, unsure = (size_of(UNCHANGED, masks) for masks in (alone, both))
    assert unsure.volume_mm3 == sure.volume_mm3
    assert (unsure.volume_cv or 0) > 1.5 * (sure.volume_cv or 1)
    assert alone.findings == ()
    (doubt,) = both.findings
    assert doubt.code == "shrinkage_unsure"
    assert "ses-02: on T1w after contrast agent the tumour is found smaller than here, by " in doubt.message
    tumour, cord = (both.measured(one) for one in (Compartment.TUMOUR, Compartment.CORD))
    assert tumour is not None
    assert cord is not None
    assert "found smaller than here" in (tumour.note or "")
    assert "found smaller than here" not in (cord.note or "")


def test_where_it_is_as_large_there_the_size_is_as_without(seen_there: list[float], tmp_path: Path) -> None:
    seen_there.append(1.1)
    alone, both = found(tmp_path / "alone", None), found(tmp_path / "both")
    assert both.rows == alone.rows
    assert both.findings == alone.findings == ()


def test_a_scan_that_could_not_be_laid_on_the_visits_own_is_not_asked_and_one_laid_better_is(
    seen_there: list[float], tmp_path: Path
) -> None:
    seen_there.append(0.4)
    assert Compartment.TUMOUR in found(tmp_path, None).primary
    assert Compartment.TUMOUR in found(tmp_path, "C").primary
    assert Compartment.TUMOUR not in found(tmp_path, "B").primary


def test_scans_that_are_not_alike_or_do_not_show_its_place_say_nothing() -> None:
    scan = t1w(DRAWN.masks["tumour"], 0.5, 4)
    masked = other_contrast.laid_on(scan, DRAWN, identity("T1w", "anchor"))
    assert masked is not None
    assert set(masked.masks) == {"tumour"}, "the cord does not grow"
    here = identity("later", "first")
    assert other_contrast.size_elsewhere("T1w_ce", masked, Volume(scan.array[:, :, :30], scan.affine), here) is None
    assert other_contrast.size_elsewhere("T1w_ce", masked, scan.with_array(0 * scan.array), here) is None
    assert other_contrast.size_elsewhere("T1w_ce", masked, blurred(scan, 2.0), here) is None
    seen = other_contrast.size_elsewhere("T1w_ce", masked, scan, here)
    assert seen is not None
    assert seen.ratio == pytest.approx(1.0, abs=0.1)
    assert other_contrast.laid_on(Volume(scan.array[:, :, :30], scan.affine), DRAWN, here) is None
    cord_alone = refinding.DonorVisit(DRAWN.image, {"cord": DRAWN.masks["cord"]})
    assert other_contrast.laid_on(DRAWN.image, cord_alone, here) is None


def t1w(tumour: Volume, uptake: float, noise: int, *, is_ring: bool = False) -> Volume:
    """Return the phantom's cord as T1w shows it, its fluid dark; a tumour that takes up nothing is cord."""
    bare = phantom(0.01, seed=noise)[0]
    takes_up = tumour.array - (phantom(2.5)[1].array == 1) * float(is_ring)
    return bare.with_array(1000 - bare.array + uptake * 780 * ndimage.gaussian_filter(takes_up, 0.5))


def test_a_tumour_that_takes_up_no_contrast_agent_is_not_asked_for_there_and_keeps_its_size() -> None:
    here, tumour = identity("later", "first"), DRAWN.masks["tumour"]
    masked = other_contrast.laid_on(t1w(tumour, 0.0, 4), DRAWN, here)
    assert masked is not None
    later = t1w(tumour, 0.0, 7)
    blind, _ = refinding.found_again(masked, later, here, free=("tumour",))
    found_there = float(np.mean(blind["tumour"].ways_mm3)) / other_contrast.volume_mm3(masked.masks["tumour"])
    assert found_there < 1.2, "nothing shows it, and still a size would be found"
    assert other_contrast.size_elsewhere("T1w_ce", masked, later, here) is None


@pytest.mark.parametrize(
    ("uptake", "is_ring", "counts"), [(0.1, False, False), (0.3, False, True), (0.4, True, True), (-0.3, False, False)]
)
def test_a_rim_that_takes_up_contrast_agent_is_enough(uptake: float, is_ring: bool, counts: bool) -> None:
    first = t1w(DRAWN.masks["tumour"], uptake, 4, is_ring=is_ring)
    masked = other_contrast.laid_on(first, DRAWN, identity("later", "first"))
    assert masked is not None
    template = refinding.parts_of(masked)
    assert template is not None
    seen = other_contrast.uptake_at_rim(template)
    assert seen == pytest.approx(uptake, abs=0.15 if is_ring else 0.04)
    assert (seen >= other_contrast.TAKES_UP) == counts


def test_a_small_tumour_on_thick_slices_takes_up_nothing_where_its_axis_runs_out_of_the_cord() -> None:
    bare, labels = phantom(0.01, slice_mm=3.0)[0], phantom(2.2, slice_mm=3.0)[1]
    drawn = refinding.DonorVisit(bare, {"tumour": labels.with_array((labels.array == 1).astype(float))})
    masked = other_contrast.laid_on(bare.with_array(1000 - bare.array), drawn, identity("later", "first"))
    assert masked is not None
    template = refinding.parts_of(masked)
    assert template is not None
    assert other_contrast.uptake_at_rim(template) < other_contrast.TAKES_UP


@pytest.mark.parametrize(("has_dark_fluid", "signal"), [(False, 150.0), (True, 220.0)])
def test_cord_is_read_at_the_end_that_no_fluid_spoils_whether_it_is_bright_or_dark(
    has_dark_fluid: bool, signal: float
) -> None:
    lesion = np.zeros((21, 21, 41), dtype=bool)
    lesion[8:13, 8:13, 12:29] = True
    scan = np.where(np.arange(41) < 20, 220.0, 150.0) * np.ones(lesion.shape)
    assert cord_signal(scan, np.eye(4), lesion, has_dark_fluid=has_dark_fluid) == pytest.approx(signal)


def again_at(size_mm3: float, shrinkage_cv: dict[str, float] | None = None) -> refinding.FollowUpMasks:
    share = DRAWN.masks["tumour"]
    return refinding.FollowUpMasks(
        {"tumour": share, "cyst": share}, {"tumour": "grown", "cyst": "grown"}, (), {"tumour": (size_mm3,)},
        {"tumour": 0.1}, shrinkage_cv or {}, scar_cv={"tumour": 0.3},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found_mm3", "there", "outcome"),
    [
        (1000.0, 0.9, "as it was"), (1000.0, 1.5, "as it was"), (1500.0, 1.3, "as it was"), (1000.0, 0.8, "wider"),
        (1000.0, 0.7, "no size"), (1500.0, 1.0, "no size"), (600.0, 0.3, "wider"), (1000.0, 0.0, "no size"),
        (500.0, 0.0, "wider"), (0.0, 0.5, "as it was"), (2000.0, 1.4, "wider"), (2000.0, 1.1, "no size"),
    ],
)  # fmt: skip
def test_only_a_tumour_that_is_smaller_there_is_doubted(found_mm3: float, there: float, outcome: str) -> None:
    again = again_at(found_mm3)
    held = other_contrast.held_against(again, 1000.0, SizeElsewhere("T1w_ce", there))
    if outcome == "as it was":
        assert held == replace(again, scar_cv={})
    elif outcome == "wider":
        assert held.probabilities == again.probabilities
        assert held.shrinkage_cv["tumour"] > 0
        assert held.scar_cv == again.scar_cv
    else:
        assert set(held.probabilities) == {"cyst"} == set(held.methods)
        assert "tumour" not in {**held.ways_mm3, **held.signal_cv, **held.shrinkage_cv, **held.scar_cv}
        assert "shrank and left a scar" in held.untold["tumour"]


def test_the_error_never_becomes_smaller_for_what_another_contrast_says() -> None:
    held = other_contrast.held_against(again_at(600.0, {"tumour": 0.5}), 1000.0, SizeElsewhere("T1w_ce", 0.45))
    assert held.shrinkage_cv == {"tumour": 0.5}


def test_scans_made_alike_are_asked_first() -> None:
    def scan(session: str, acquisition: str) -> second_contrast.SecondScan:
        name = f"{session}_{acquisition}"
        return second_contrast.SecondScan(
            ScanFile(Path(name), name, "sub-1", session, "T1w_ce", acquisition=acquisition),
            SimpleNamespace(),  # type: ignore[arg-type]
        )

    by_visit = {"ses-01": ["ax", "sag"], "ses-02": ["sag"]}
    visits = {name: placed(visited(name, DRAWN.image), GIVEN) for name in by_visit}
    listed = {name: tuple(scan(name, one) for one in made) for name, made in by_visit.items()}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(second_contrast, "second_scans", lambda visit: listed[visit.session_id])
        pairs = list(second_contrast.pairs_of(visits["ses-02"], [visits["ses-01"]]))
    assert [(one.file.relative, other.file.relative) for _, one, other in pairs] == [
        ("ses-01_sag", "ses-02_sag"), ("ses-01_ax", "ses-02_sag")
    ]  # fmt: skip


IMPLANTED = {case.name: case for case in second_contrast_pairs.CASES}


@pytest.fixture(scope="module")
def packaged() -> tuple[Source, Source]:
    """Return the packaged phantom as T2w and as T1w after contrast agent, on thick slices."""
    scan, cord = PHANTOM / "synthetic_T2w.nii.gz", PHANTOM / "synthetic_cord.nii.gz"
    source = read_source(scan, cord, Place(0.0), None)
    return source, second_contrast_pairs.after_agent(source, images.load(cord), 0.0, 3.3)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("scar 0.9, keeps room", 0.3, other_contrast.CONTRADICTED),
        ("unchanged, uptake falls to 0.4", 0.8, 1.2),
        ("grown", 1.2, 1.9),
    ],
)
def test_after_contrast_agent_a_scar_is_told_from_uptake_that_fades_evenly(
    name: str, low: float, high: float, packaged: tuple[Source, Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(implant_scan, "POSE_SHARE", 0.0)
    first, later, *_ = second_contrast_pairs.sessions_of(*packaged, IMPLANTED[name], 1, 3)
    tumour = first.after.tumour
    donor = refinding.DonorVisit(first.after.scan, {"tumour": tumour.with_array(tumour.array >= 0.5)})
    here = identity("later", "first")
    masked = other_contrast.laid_on(first.after.scan, donor, here)
    assert masked is not None
    seen = other_contrast.size_elsewhere("T1w_ce", masked, later.after.scan, here)
    assert seen is not None
    assert low < seen.ratio < high
