"""Where the mask of a visit without one comes from: the lesion of a masked visit, found again on the visit's own scan.

Carrying a mask over by the alignment alone shows where the lesion was, never that it grew. So the lesion's parts are
grown until they explain the later scan (``pipeline.refind.lesion_fit``). What this module returns is *automatic*: a
proposal on the follow-up's own grid that waits for a person. It refuses to answer for places the follow-up did not
scan: such a compartment is left out and named in the notes. It also refuses where the two scans differ so much in
contrast or sharpness that one cannot be explained by the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.core.transform import Transform, inverse, is_covered, move_points, resample_together
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, to_voxel, to_world
from pipeline.measure.measurement_error import THICK_MM
from pipeline.refind import shrinkage
from pipeline.refind.fading_outwards import OutwardFall
from pipeline.refind.lesion_fit import fitted_ends
from pipeline.refind.likeness import ScansDifferError, alike_enough, blur_in_words, is_disturbed, matched
from pipeline.refind.scar_signs import least_contrast, most_fluid, surest_fall
from pipeline.refind.scene import Scene, scene_of
from pipeline.refind.signal_voids import cut_in_words, seen_alone, seen_shares
from pipeline.refind.template import Template, template_of
from pipeline.refind.unexplained_signal import signal_error

CARRIED_OVER = "carried over"
"""Method of masks that were only warped: they show where the lesion was, never whether it grew or shrank."""

GROWN = "lesion growth 3"
"""Method of masks that were found again on the visit's own scan."""

GROWN_LESS_SURELY = f"{GROWN}, less surely"
"""The same where the error is larger: the masked visit's own slices are thick and hide the lesion's shape or end in
it, the two scans are not equally sharp, or much of what surrounds the lesion stays unexplained. The note says which."""

GROWING = (
    Compartment.TUMOUR,
    Compartment.CYST,
    Compartment.SYRINX,
    Compartment.OEDEMA,
    Compartment.CAVITY,
    Compartment.HAEMORRHAGE,
)
"""Compartments that are found again; they lie beside one another. Others are carried over."""

FEWEST_VOXELS = 8
"""A smaller part has no inside to learn from, and is carried over."""

ROOM_MM = 2.0
"""A mask that is carried over is looked for this far around where its voxels land, mm; bends are smoother than that."""

COVERED_SHARE = 0.9
"""A compartment is assessable when at least this share of its carried-over volume lies in the field of view."""


@dataclass(frozen=True, eq=False)
class DonorVisit:
    """A visit with masks.

    Attributes
    ----------
    image
        The scan.
    masks
        Compartment name to a binary or probability mask (0..1) on the image's grid.
    has_dark_fluid
        Fluid, cysts and oedema are darker than cord on this scan: it is known to be T1-weighted.
    """

    image: Volume
    masks: Mapping[str, Volume]
    has_dark_fluid: bool = False


@dataclass(frozen=True)
class FollowUpMasks:
    """Automatic masks of a follow-up.

    Attributes
    ----------
    probabilities
        Compartment name to the share (0..1) of each voxel that belongs to it, on the follow-up's grid; compartments
        outside the follow-up's field of view are absent.
    methods
        Compartment name to how its mask was made.
    notes
        What a reader of the masks must know, in words.
    refusal
        Why nothing could be found again, in words; then compartments that grow are absent.
    ways_mm3
        Compartment name to its volume, mm³, by each way in which it was found again (from each masked visit and each
        end of the fit); the probabilities are their mean.
    signal_cv
        Compartment name to the standard deviation of ln V that unexplained signal gives its volume, where it was found
        again.
    shrinkage_cv
        The tumour to the standard deviation of ln V that it has for being found clearly smaller than it was drawn.
    disturbed
        Compartments whose volume is less sure for unexplained signal alone.
    left_contrast
        The tumour to how far the place that it has left differs from it, 1 as expected, where fine scans show that.
    untold
        The tumour to why its size cannot be told from this scan; then it is absent from all others.
    smaller_elsewhere
        The tumour to what scans of another contrast say, in words, where it is smaller there.
    scar_cv
        The tumour to the standard deviation of ln V that it has where it was treated: a scar may look like it.
    """

    probabilities: dict[str, Volume]
    methods: dict[str, str]
    notes: tuple[str, ...]
    ways_mm3: dict[str, tuple[float, ...]] = field(default_factory=dict)
    signal_cv: dict[str, float] = field(default_factory=dict)
    shrinkage_cv: dict[str, float] = field(default_factory=dict)
    refusal: str | None = None
    disturbed: tuple[str, ...] = ()
    left_contrast: dict[str, float] = field(default_factory=dict)
    untold: dict[str, str] = field(default_factory=dict)
    smaller_elsewhere: dict[str, str] = field(default_factory=dict)
    scar_cv: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Grown:
    """A compartment found again: its share (0..1) of each voxel by each end of the fit, and its signal error.

    ``seen_share`` is how much of its old place both scans show, padding and voids left out; ``left_contrast`` how far
    the place that it has left differs from it, ``returned_fluid`` how much fluid lies unexplained beside it,
    ``outward_fall`` how much its signal falls towards its outline; None where that cannot be told.
    """

    ways: tuple[Volume, ...]
    signal_cv: float
    seen_share: float = 1.0
    left_contrast: float | None = None
    returned_fluid: float | None = None
    outward_fall: OutwardFall | None = None

    @property
    def ways_mm3(self) -> tuple[float, ...]:
        """The volume at each end, mm³."""
        return tuple(float(way.array.sum(dtype=np.float64)) * way.voxel_mm3 for way in self.ways)


def carry_over(masked: DonorVisit, follow_up: Volume, to_masked: Transform) -> dict[str, Volume]:
    """Warp the masks of one visit onto another visit's grid, unchanged: the simple alternative.

    Parameters
    ----------
    to_masked
        Moves points from the follow-up to the masked visit.
    """
    crop = _reached(masked, follow_up, inverse(to_masked))
    affine = follow_up.affine.copy()
    affine[:3, 3] = to_world(follow_up.affine, np.array([side.start for side in crop]))
    there = Volume(follow_up.array[crop], affine)
    shares = [mask.with_array(mask.array.astype(np.float32)) for mask in masked.masks.values()]
    pulled = resample_together(shares, there, to_masked, order=1)
    carried = {}
    for name, share in zip(masked.masks, pulled, strict=True):
        whole = np.zeros(follow_up.shape)
        whole[crop] = share.array
        carried[name] = follow_up.with_array(whole)
    return carried


def _reached(masked: DonorVisit, follow_up: Volume, to_follow_up: Transform) -> tuple[slice, slice, slice]:
    """Return the part of a follow-up's grid that holds everything its masked visit has a mask of, with room around."""
    drawn = np.any([mask.array != 0 for mask in masked.masks.values()], axis=0)
    voxels = np.argwhere(drawn)
    if not len(voxels):
        return slice(0, 1), slice(0, 1), slice(0, 1)
    low, high = voxels.min(axis=0) - 1, voxels.max(axis=0) + 1  # a share reaches to the next voxel
    sides = [np.arange(first, last + 1) for first, last in zip(low, high, strict=True)]
    box = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 3)
    index = to_voxel(follow_up.affine, move_points(to_follow_up, to_world(masked.image.affine, box)))
    reach = ROOM_MM / follow_up.spacing_mm + 1
    first = np.clip(np.floor(index.min(axis=0) - reach).astype(int), 0, np.array(follow_up.shape) - 1)
    last = np.clip(np.ceil(index.max(axis=0) + reach).astype(int) + 1, first + 1, follow_up.shape)
    i, j, k = (slice(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True))
    return i, j, k


def follow_up_masks(
    masked: DonorVisit,
    follow_up: Volume,
    to_masked: Transform,
    *,
    may_grow: bool = True,
    same_contrast: bool = True,
    is_sure: bool = True,
) -> FollowUpMasks:
    """Give a visit without masks the compartments of a masked visit, on its own grid.

    Parameters
    ----------
    masked
        The visit whose masks a person drew.
    follow_up
        The scan to mask.
    to_masked
        Moves points from the follow-up to the masked visit.
    may_grow
        False where the lesion of the masked visit is no longer the same, as after surgery: then masks are only
        carried over.
    same_contrast
        False where one scan is T1-weighted and the other T2-weighted, or the like.
    is_sure
        False where the alignment itself is not of the best grade.
    """
    probabilities = carry_over(masked, follow_up, to_masked)
    methods = dict.fromkeys(probabilities, CARRIED_OVER)
    grown, notes, disturbed, refusal = dict[str, Grown](), list[str](), list[str](), None
    if may_grow:
        try:
            grown, doubts = found_again(masked, follow_up, to_masked, same_contrast=same_contrast)
        except ScansDifferError as error:
            doubts, refusal = (), str(error)
            probabilities = {name: mask for name, mask in probabilities.items() if name not in GROWING}
            methods = dict.fromkeys(probabilities, CARRIED_OVER)
        if grown and not is_sure:
            doubts = (*doubts, "the alignment is not of grade A")
        notes += [f"less sure: {doubt}" for doubt in doubts]
        probabilities |= {name: _mean(one.ways) for name, one in grown.items()}
        for name, one in grown.items():
            if is_disturbed(Compartment(name), float(np.mean(one.ways_mm3)), one.signal_cv, less_sure=bool(doubts)):
                disturbed.append(name)
            methods[name] = GROWN_LESS_SURELY if doubts or name in disturbed else GROWN
    missed = unseen(masked, follow_up, inverse(to_masked), probabilities, grown)
    notes += missed.values()
    untold = {} if Compartment.TUMOUR in missed else _untold(masked, grown.get(Compartment.TUMOUR))
    for name in missed.keys() | untold.keys():
        del probabilities[name], methods[name]
        grown.pop(name, None)
    ways_mm3 = {name: one.ways_mm3 for name, one in grown.items()}
    signal_cv = {name: one.signal_cv for name, one in grown.items()}
    seen_disturbed = tuple(name for name in disturbed if name in grown)
    shrinkage_cv, left_contrast = _shrinkage(masked, grown.get(Compartment.TUMOUR))
    return FollowUpMasks(
        probabilities, methods, tuple(notes), ways_mm3, signal_cv, shrinkage_cv, refusal, seen_disturbed, left_contrast,
        untold, scar_cv=_scar(masked, grown.get(Compartment.TUMOUR)),
    )  # fmt: skip


def unseen(
    masked: DonorVisit,
    follow_up: Volume,
    to_follow_up: Transform,
    names: Iterable[str],
    grown: Mapping[str, Grown],
) -> dict[str, str]:
    """Return the compartments of whose place a follow-up shows too little, and why each cannot be assessed."""
    reasons = {}
    for name in names:
        mask = masked.masks[name]
        total = float(mask.array.sum())
        voxels = np.argwhere(mask.array)
        seen = is_covered(follow_up, to_world(mask.affine, voxels), to_follow_up)
        share = float(mask.array[tuple(voxels[seen].T)].sum()) / total if total > 0 else 1.0
        lit_share = grown[name].seen_share if name in grown else 1.0
        if min(share, lit_share) < COVERED_SHARE:
            where = "lies in this scan's field of view" if share < COVERED_SHARE else "shows signal on both scans"
            reasons[name] = f"{name}: only {min(share, lit_share):.0%} of its place {where}; not assessable"
    return reasons


def _shrinkage(masked: DonorVisit, tumour: Grown | None) -> tuple[dict[str, float], dict[str, float]]:
    """Return what a tumour has as error for being found smaller than drawn, and how far its old place differs."""
    if tumour is None:
        return {}, {}
    name = str(Compartment.TUMOUR)
    cv = shrinkage.shrinkage_cv(float(np.mean(tumour.ways_mm3)), _drawn_mm3(masked, name), tumour.left_contrast)
    contrast = tumour.left_contrast
    return {} if cv is None else {name: cv}, {} if contrast is None else {name: contrast}


def _scar(masked: DonorVisit, tumour: Grown | None) -> dict[str, float]:
    """Return what a tumour has as error for a scar that looks like it, where it may have one."""
    if tumour is None:
        return {}
    name = str(Compartment.TUMOUR)
    sizes_mm3 = (float(np.mean(tumour.ways_mm3)), _drawn_mm3(masked, name))
    cv = shrinkage.scar_cv(*sizes_mm3, tumour.outward_fall, tumour.left_contrast)
    return {} if cv is None else {name: cv}


def _untold(masked: DonorVisit, tumour: Grown | None) -> dict[str, str]:
    """Return why the tumour's size cannot be told, where it cannot."""
    if tumour is None:
        return {}
    name, fluid, fall = str(Compartment.TUMOUR), tumour.returned_fluid, tumour.outward_fall
    found_mm3, drawn_mm3 = float(np.mean(tumour.ways_mm3)), _drawn_mm3(masked, name)
    if fluid is not None and shrinkage.is_untold(found_mm3, drawn_mm3, fluid):
        return {name: shrinkage.untold_in_words(name, fluid)}
    if fall is not None and shrinkage.is_scarred(found_mm3, drawn_mm3, fall):
        return {name: shrinkage.scarred_in_words(name, fall)}
    return {}


def _drawn_mm3(masked: DonorVisit, name: str) -> float:
    drawn = masked.masks[name]
    return float(drawn.array.sum(dtype=np.float64)) * drawn.voxel_mm3


def together(ways: Sequence[FollowUpMasks]) -> FollowUpMasks:
    """Put masks of one follow-up that were found from several masked visits into one: the mean share of each voxel.

    Parameters
    ----------
    ways
        The first that is no refusal says which compartments there are and how they were made; one from which a size
        can be told goes before others. Of the others only what was found again counts: a mask that was merely carried
        over shows no change.
    """
    first = min(ways, key=lambda way: (way.refusal is not None, bool(way.untold)))  # the earliest of equals
    probabilities, ways_mm3, signal_cv = dict(first.probabilities), dict(first.ways_mm3), dict(first.signal_cv)
    for name in (name for name, method in first.methods.items() if method != CARRIED_OVER):
        again = [way for way in ways if way.methods.get(name, CARRIED_OVER) != CARRIED_OVER]
        probabilities[name] = _mean([way.probabilities[name] for way in again])
        ways_mm3[name] = tuple(volume for way in again for volume in way.ways_mm3[name])
        signal_cv[name] = float(np.mean([way.signal_cv[name] for way in again]))  # the scan is the same, so no less
    used = [way for way in ways if way.refusal is None]
    shrinkage_cv, scar_cv = (
        {name: max(one.get(name, 0.0) for one in errors) for every in errors for name in every}
        for errors in ([way.shrinkage_cv for way in used], [way.scar_cv for way in used])
    )
    left_contrast = {
        name: min(w.left_contrast.get(name, np.inf) for w in used) for w in used for name in w.left_contrast
    }
    return replace(
        first,
        probabilities=probabilities,
        ways_mm3=ways_mm3,
        signal_cv=signal_cv,
        shrinkage_cv=shrinkage_cv,
        left_contrast=left_contrast,
        scar_cv=scar_cv,
    )


def after_treatment(again: FollowUpMasks) -> FollowUpMasks:
    """Return masks whose tumour was treated meanwhile: its error is as large as a scar asks for."""
    wider = {name: max(again.shrinkage_cv.get(name, 0.0), cv) for name, cv in again.scar_cv.items()}
    return replace(again, shrinkage_cv={**again.shrinkage_cv, **wider})


def found_again(
    masked: DonorVisit,
    follow_up: Volume,
    to_masked: Transform,
    *,
    same_contrast: bool = True,
    free: Collection[str] = (),
) -> tuple[dict[str, Grown], tuple[str, ...]]:
    """Find the compartments of a masked visit again on a later scan, grown or shrunk as that scan shows them.

    Parameters
    ----------
    free
        Compartments whose signal may change at will: then their edges alone show their size.

    Returns
    -------
    dict, tuple of str
        Compartment name to what was found, on the follow-up's grid; empty where there is nothing to grow or the scan
        does not show its place. And why all of them are less sure than others, in words.

    Raises
    ------
    ScansDifferError
        The later scan cannot be explained by the masked one.
    """
    template = parts_of(masked)
    if template is None:
        return {}, ()
    whole = scene_of(template, follow_up, to_masked)
    if whole is None or is_blank(template, whole):
        return {}, ()
    scene = seen_alone(template, whole, follow_up, to_masked)
    shares = seen_shares(template, whole, scene)
    thick = is_thick(masked.image)
    extra_mm = alike_enough(template, scene, follow_up, same_contrast=same_contrast, from_thick=thick)
    doubts = (
        *(["its mask was drawn on thick slices"] * thick),
        *cut_in_words(masked.image, [masked.masks[name] for name in template.names]),
        *([blur_in_words(extra_mm)] * bool(extra_mm)),
    )
    blur_mm, scene = matched(extra_mm, scene, follow_up)
    ends = fitted_ends(template, scene, blur_mm, free)
    return {
        name: Grown(
            tuple(_whole(end.occupancy[c], scene, follow_up) for end in ends),
            float(
                np.mean([signal_error(end.patterns[c], end.left, scene.is_active, scene.spacing_mm) for end in ends])
            ),
            float(shares[c]),
            None if thick or is_thick(follow_up) else least_contrast(template, scene, ends, c),
            most_fluid(template, scene, ends, c),
            None if thick or is_thick(follow_up) or extra_mm else surest_fall(template, scene, ends, c),
        )
        for c, name in enumerate(template.names)
    }, doubts


@lru_cache(maxsize=2)
def parts_of(masked: DonorVisit) -> Template | None:
    """Take a masked visit apart, once for the later visits that follow one another; None where nothing can grow.

    Two are kept: the scan that is measured on, and that of another contrast.
    """
    parts = {name: mask for name, mask in masked.masks.items() if name in GROWING and has_inside(mask)}
    return template_of(masked.image, parts, has_dark_fluid=masked.has_dark_fluid) if parts else None


def _mean(shares: Sequence[Volume]) -> Volume:
    return shares[0].with_array(np.asarray(np.mean([share.array for share in shares], axis=0, dtype=np.float32)))


def _whole(share: NDArray[np.float64], scene: Scene, follow_up: Volume) -> Volume:
    """Put what was found in a scene's crop back on the whole scan."""
    whole = np.zeros(follow_up.shape, dtype=np.float32)
    whole[scene.crop] = share
    return follow_up.with_array(whole)


def has_inside(mask: Volume) -> bool:
    """Say whether a mask is large enough to learn from."""
    return bool(np.count_nonzero(mask.array >= 0.5) >= FEWEST_VOXELS)


def is_thick(image: Volume) -> bool:
    """Say whether a scan's slices are so thick that they hide a lesion's shape."""
    return bool(image.spacing_mm.max() > THICK_MM)


def is_blank(template: Template, scene: Scene) -> bool:
    """Say whether one of the two scans shows nothing to compare."""
    return not np.ptp(scene.signal) or not np.ptp(template.background)
