"""A scan of another sharpness or contrast than the masked one: allowed for a little, said, and refused beyond."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from pipeline.core import records
from pipeline.core.transform import identity
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.journal.decisions import Decisions
from pipeline.refind import refinding, signal_search
from pipeline.refind.scene import scene_of
from pipeline.refind.sharpness import extra_blur_mm
from pipeline.refind.shrinkage import HIDDEN_CV
from pipeline.refind.template import template_of
from pipeline.run.steps import apply_acts, measure_visits, refind_masks, use_drawings
from pipeline.run.steps.visit_work import AlignedVisit, Drawings, MaskedVisit, PlacedVisit, ScannedVisit, VisitWork
from pipeline.study.scans import ScanFile
from pipeline.study.visits import StudyVisit
from tests.refind.test_refinding import phantom

HERE = identity("follow-up", "masked")
STILL = identity("reference", "reference")


def blurred(volume: Volume, blur_mm: float) -> Volume:
    return volume.with_array(ndimage.gaussian_filter(volume.array, blur_mm / volume.spacing_mm))


def masked(blur_mm: float = 0.0) -> refinding.DonorVisit:
    """Return a visit with a tumour, and with a mask of the cord, which does not grow."""
    scan, labels = phantom(4.5)
    tumour = labels.with_array(labels.array == 1)
    return refinding.DonorVisit(blurred(scan, blur_mm), {"tumour": tumour, "cord": tumour})


@pytest.mark.parametrize(
    ("first_mm", "later_mm", "noise", "expected_mm"),
    [(0, 0, 0, 0), (0, 0, 40, 0), (0, 0.8, 0, 0.8), (0, 0.8, 40, 0.8), (0, 1.5, 0, 1.5), (1.5, 0, 0, -1.5)],
)
def test_the_difference_of_blur_is_measured_whatever_the_noise(
    first_mm: float, later_mm: float, noise: float, expected_mm: float
) -> None:
    first, later = masked(first_mm), blurred(phantom(5.2, seed=4)[0], later_mm)
    later = later.with_array(later.array + np.random.default_rng(3).normal(0, noise, later.shape))
    template = template_of(first.image, {"tumour": first.masks["tumour"]})
    scene = scene_of(template, later, HERE)
    assert scene is not None
    assert extra_blur_mm(template, scene, later) == pytest.approx(expected_mm, abs=0.31)


def test_a_little_blur_is_allowed_for_and_makes_the_mask_less_sure() -> None:
    later = blurred(phantom(4.5, seed=4)[0], 0.8)
    found = refinding.follow_up_masks(masked(), later, HERE)
    assert found.methods["tumour"] == refinding.GROWN_LESS_SURELY
    assert any("this scan is blurrier than the masked one by" in note for note in found.notes)
    drawn = float(masked().masks["tumour"].array.sum())
    assert float(found.probabilities["tumour"].array.sum()) == pytest.approx(drawn, rel=0.1)


@pytest.mark.parametrize(
    ("first_mm", "later_mm", "same_contrast", "words"),
    [
        (0, 1.8, True, "this scan is blurrier than the masked one by"),
        (1.8, 0, True, "the masked scan is blurrier than this one by"),
        (0, 0, False, "its contrast is not that of the masked scan"),
    ],
)
def test_too_different_scans_get_no_mask_of_a_lesion_and_nobody_looks_for_new_signal(
    first_mm: float, later_mm: float, same_contrast: bool, words: str
) -> None:
    first, later = masked(first_mm), blurred(phantom(4.5, seed=4)[0], later_mm)
    found = refinding.follow_up_masks(first, later, HERE, same_contrast=same_contrast)
    assert words in (found.refusal or "")
    assert found.methods == {"cord": refinding.CARRIED_OVER}, "what does not grow is carried over as ever"
    assert set(found.probabilities) == {"cord"}
    bed = first.masks["tumour"]
    none = refinding.DonorVisit(first.image, {"tumour": bed.with_array(np.zeros(bed.shape))})
    assert signal_search.look_for_new_signal(none, bed, later, HERE, same_contrast=same_contrast) is None


def test_a_poor_alignment_and_unexplained_signal_make_the_mask_less_sure() -> None:
    later, _ = phantom(4.5, seed=4)
    unsure = refinding.follow_up_masks(masked(), later, HERE, is_sure=False)
    assert unsure.methods["tumour"] == refinding.GROWN_LESS_SURELY
    assert "less sure: the alignment is not of grade A" in unsure.notes


def ghosted(scan: Volume, share: float) -> Volume:
    """Put a share of a scan's signal into repeats of itself beside it, as movement does."""
    repeats = np.mean([np.roll(scan.array, 8 * k, axis=axis) for k in (1, 2) for axis in (0, 1)], axis=0)
    return scan.with_array((1 - share) * scan.array + share * repeats)


def test_a_disturbed_scan_is_said_once_and_answered_by_a_drawing(tmp_path: Path) -> None:
    later = visited("ses-02", ghosted(phantom(4.5, seed=4)[0], 0.5))
    found = automatic(later, tmp_path)
    (told,) = found.findings
    assert (told.code, told.severity) == ("scan_disturbed", "warning")
    assert told.message.startswith("sub-1 ses-02: signal around the tumour that the masked scan does not explain")
    tumour, cord = (found.measured(one) for one in (Compartment.TUMOUR, Compartment.CORD))
    assert tumour is not None
    assert cord is not None
    assert (tumour.note or "").endswith(f"could by itself change its volume by {tumour.signal_cv:.0%}")
    assert "less sure" not in (cord.note or ""), "what is carried over is not less sure for the tumour's sake"
    assert Compartment.TUMOUR not in found.missing
    size = size_of(later, found)
    clean = visited("ses-02", phantom(4.5, seed=4)[0])
    sure = automatic(clean, tmp_path / "clean")
    assert sure.findings == ()
    unchanged = sure.measured(Compartment.TUMOUR)
    assert unchanged is not None
    assert [row.method for row in (unchanged, tumour)] == [refinding.GROWN, refinding.GROWN_LESS_SURELY]
    assert (unchanged.signal_cv or 1) < 0.3 * (tumour.signal_cv or 0)
    assert (size.volume_cv or 0) > 2 * (size_of(clean, sure).volume_cv or 1)
    assert drawn_by_a_person(later, found).findings == ()


def test_a_tumour_found_smaller_may_be_smaller_yet_until_a_person_draws_or_accepts_it(tmp_path: Path) -> None:
    later = visited("ses-02", phantom(3.5, seed=4)[0])
    shrunk = automatic(later, tmp_path)
    (doubt,) = shrunk.findings
    assert (doubt.code, doubt.severity) == ("shrinkage_unsure", "warning")
    assert doubt.message.startswith("sub-1 ses-02: the tumour was found again, -")
    assert "what is drawn at ses-01" in doubt.message
    assert drawn_by_a_person(later, shrunk).findings == ()
    visit = VisitWork(later, shrunk)
    accepted = Decisions(accepted=frozenset({("ses-02", "tumour")}))
    assert apply_acts.decided(visit, Decisions()).masks.findings == (doubt,)
    assert apply_acts.decided(visit, accepted).masks.findings == ()


def test_where_the_place_that_a_tumour_left_looks_like_it_the_finding_says_so_and_the_error_is_larger(
    tmp_path: Path,
) -> None:
    (scan, labels), was = phantom(3.5, seed=4), DRAWN.masks["tumour"]
    scar = was.array.astype(bool) & (labels.array != 1)
    clear, scarred = (
        automatic(visited("ses-02", scan.with_array(scan.array + brighter * scar)), tmp_path / str(brighter))
        for brighter in (0.0, 45.0)
    )
    (seen,), (hidden,) = clear.findings, scarred.findings
    assert "may be smaller yet" not in seen.message
    assert hidden.code == "shrinkage_unsure"
    assert "this scan hardly tells tumour from the place it left" in hidden.message
    tumour = scarred.measured(Compartment.TUMOUR)
    assert tumour is not None
    assert (tumour.shrinkage_cv or 0) >= HIDDEN_CV


def test_after_treatment_a_tumour_found_as_drawn_is_less_sure_and_says_why(tmp_path: Path) -> None:
    later = visited("ses-02", phantom(4.5, seed=4)[0])
    watched, treated = (automatic(later, tmp_path, treated_before=treated) for treated in (False, True))
    assert watched.findings == ()
    (doubt,) = treated.findings
    assert (doubt.code, doubt.severity) == ("shrinkage_unsure", "warning")
    assert "after a treatment that can shrink it" in doubt.message
    rows = [one.measured(Compartment.TUMOUR) for one in (watched, treated)]
    narrow, wide = (size_of(later, one) for one in (watched, treated))
    assert narrow.volume_mm3 == wide.volume_mm3
    assert [row.shrinkage_cv is None for row in rows if row] == [True, False]
    assert (wide.volume_cv or 0) > (narrow.volume_cv or 0) + 0.05
    assert "scar that looks like it" in (rows[1].note if rows[1] else "")
    assert drawn_by_a_person(later, treated).findings == ()


def test_of_several_masked_visits_those_that_differ_are_passed_over() -> None:
    good = refinding.FollowUpMasks({}, {}, ())
    bad = refinding.FollowUpMasks({}, {}, (), refusal="blurred")
    assert refinding.together([bad, good]).refusal is None
    assert refinding.together([bad, bad]).refusal == "blurred"


CARRIED = {Compartment.CORD}
DRAWN = masked()
GIVEN = MaskedVisit(
    "ses-01", MaskOrigin.MANUAL, {"reader": {Compartment(name): mask for name, mask in DRAWN.masks.items()}},
    source="reader",
)  # fmt: skip


def visited(session: str, image: Volume, contrast: str = "T2w") -> ScannedVisit:
    """Return a visit with one scan."""
    anchor = ScanFile(Path(session), f"{session}.nii.gz", "sub-1", session, contrast)
    row = records.Scan("sub-1", session, anchor.relative, contrast, is_anchor=True, sha256=session)
    return ScannedVisit(StudyVisit("sub-1", session, None, (anchor,), ()), "usable", None, anchor, image, (row,), ())


def placed(read: ScannedVisit, masks: MaskedVisit, grade: str = "A") -> PlacedVisit:
    record = SimpleNamespace(input_sha256="x", grade=grade)
    return PlacedVisit(read, masks, place=AlignedVisit(read.session_id, STILL, STILL, "", record))  # type: ignore[arg-type]


def automatic(
    later: ScannedVisit, out_dir: Path, grade: str = "A", others: tuple[str, ...] = (), *, treated_before: bool = False
) -> MaskedVisit:
    """Find the drawn visit's masks again; ``others`` are further visits with the same masks, of these contrasts."""
    further = [visited(f"ses-0{n}", DRAWN.image, contrast) for n, contrast in enumerate(others, start=3)]
    donors = [placed(visit, GIVEN, grade) for visit in (visited("ses-01", DRAWN.image), *further)]
    nothing = MaskedVisit(later.session_id, None, {})
    return refind_masks.automatic_masks(
        placed(later, nothing, grade), donors, out_dir, operated_between=False, treated_before=treated_before
    )


def drawn_by_a_person(visit: ScannedVisit, masks: MaskedVisit) -> MaskedVisit:
    entry = SimpleNamespace(mask_sha256="0", who="A", reason=None, replaces_sha256="1", written_at=datetime(2024, 1, 2))  # noqa: DTZ001
    drawings = Drawings({Compartment.TUMOUR: entry}, {Compartment.TUMOUR: DRAWN.masks["tumour"]})  # type: ignore[dict-item]
    return use_drawings.drawn_over(VisitWork(visit, masks, drawings=drawings)).masks


def size_of(visit: ScannedVisit, masks: MaskedVisit) -> records.Measurement:
    return measure_visits.measure_visit(VisitWork(visit, masks), [Compartment.TUMOUR], None)[0]


@pytest.mark.parametrize(
    ("blur_mm", "contrast", "words"),
    [(1.8, "T2w", "blurrier than the masked one"), (0.0, "T1w", "contrast"), (0.0, "T2w_ce", "contrast")],
)
def test_the_visit_says_why_it_has_no_mask_and_says_it_again_from_what_was_kept(
    blur_mm: float, contrast: str, words: str, tmp_path: Path
) -> None:
    later = visited("ses-02", blurred(phantom(4.5, seed=4)[0], blur_mm), contrast)
    for _ in range(2):
        found = automatic(later, tmp_path)
        assert set(found.primary) == CARRIED
        assert words in found.missing[Compartment.TUMOUR]
        assert "draw a mask on this visit's scan" in found.missing[Compartment.TUMOUR]
        (told,) = found.findings
        assert (told.code, told.severity, told.session_id) == ("scans_differ", "warning", "ses-02")
        assert "sub-1 ses-02: the masks of ses-01 cannot be found again" in told.message


def test_it_is_said_once_and_no_more_when_a_person_has_drawn_the_tumour(tmp_path: Path) -> None:
    later = visited("ses-02", phantom(4.5, seed=4)[0], "T1w")
    found = automatic(later, tmp_path)
    size = size_of(later, found)
    assert size.volume_mm3 is None
    assert measure_visits.unmeasured([VisitWork(later, found, measured=(size,))]) == ()
    (unsaid,) = measure_visits.unmeasured([VisitWork(later, replace(found, findings=()), measured=(size,))])
    assert unsaid.code == "tumour_not_measured"
    assert "scans_differ" not in {row.code for row in drawn_by_a_person(later, found).findings}


def test_a_poor_alignment_and_the_visits_used_are_named_with_the_mask(tmp_path: Path) -> None:
    found = automatic(visited("ses-02", phantom(4.5, seed=4)[0]), tmp_path, grade="B", others=("T1w", "T2w"))
    (tumour,) = (row for row in found.rows if row.compartment == "tumour")
    assert tumour.method == refinding.GROWN_LESS_SURELY
    assert (tumour.note or "").startswith("from the masks of ses-01 and ses-04; "), "ses-03 differs in contrast"
