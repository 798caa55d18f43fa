"""Blood in and at a lesion: a cap of low signal at a pole, blood that somebody drew, and its age by T1w and T2w.

T2*w and SWI show it best; low signal on T2w alone is said less surely, for calcium, flow and fibrous tissue look alike.
What this module refuses: an age without T1w and T2w, and "absent" where no scan reaches.

References
----------
Bradley 1993, Radiology 189:15 (signal of haemorrhage by age, of the brain; no such table exists for the cord).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.finding_terms import Described, LesionFinding, sure_if, unsaid
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.description.description_limits import BloodLimits, DescriptionLimits
from pipeline.description.lesion_scene import AlignedScan, CordVoxels, LesionScene, object_points, share_in
from pipeline.description.pole_cover import PoleCover, cover_of
from pipeline.description.tissue_signal import laid_along
from pipeline.measure.measurement_error import Z_95
from pipeline.measure.volumes import OBJECT_PROBABILITY

CAP, BLOOD, STAGE = LesionFinding.BLOOD_CAP, LesionFinding.BLOOD, LesionFinding.BLOOD_STAGE
SUSCEPTIBLE = frozenset({"T2star", "T2starw", "swi", "MEGRE"})
THIN = "a thin cap would not show beside the grain of this tumour, or in one so dark"
PERHAPS = "; patches of this tumour may be as dark, or it is less dark than blood"
NOT_DARK = (
    "; it is less bright than the rest of the tumour, but no piece is as dark beside the cord as blood: patches look so"
)
ON_T2_ALONE = "on T2w alone, which a thin cap hardly darkens"
CUT = "no scan that may show blood reaches both ends of the lesion"
NO_SCAN = "no T2w, T2*w or SWI of this visit shows it"
STAGES = {
    ("iso", "high"): "hyperacute", ("low", "high"): "hyperacute", ("iso", "low"): "acute",
    ("high", "low"): "early subacute", ("high", "high"): "late subacute", ("low", "low"): "chronic",
}  # fmt: skip
"""Signal on T1w and on T2w to age."""


@dataclass(frozen=True, eq=False)
class SignalAtCord:
    """One scan's signal beside healthy cord; arrays have shape ``(N,)``.

    Attributes
    ----------
    relative
        Signal as a ratio to the cord.
    spread
        Standard deviation of healthy cord, as a share of it.
    is_within
        Where darkness counts as blood: what was drawn, and the cord near its middle.
    error
        Shape ``(N,)``; standard error of healthy cord's signal there, as a share of it.
    """

    scan: AlignedScan
    voxels: CordVoxels
    relative: NDArray[np.float64]
    spread: float
    is_within: NDArray[np.bool_]
    error: NDArray[np.float64]


def blood_findings(
    scans: Sequence[AlignedScan], t1: AlignedScan | None, scene: LesionScene, limits: DescriptionLimits
) -> tuple[Described, ...]:
    """Describe cap, blood and its age; ``scans`` show blood, best first, ``t1`` is the T1w before contrast agent."""
    reasons: list[str] = [NO_SCAN]
    looks: list[tuple[PoleLook, Described]] = []
    for scan in scans:
        signal = _signal_at_cord(scan, scene, limits)
        if isinstance(signal, str):
            reasons.append(signal)
            continue
        dark = _dark_pieces(signal, limits.blood)
        looks.append((_look_at_poles(signal, dark, scene, limits), _blood(scene, signal.voxels, dark, scan)))
    if looks:
        blood, scan = next(
            ((blood, look.scan) for look, blood in looks if blood.value == "present"), (looks[0][1], looks[0][0].scan)
        )
        t2 = next((look.scan for look, _ in looks if look.scan.contrast not in SUSCEPTIBLE), scan)
        cap = _cap([look for look, _ in looks], limits)
        return (cap, _beside_cap(blood, cap), _stage(scene, (t2, t1), blood, limits))
    drawn = scene.others.get(Compartment.HAEMORRHAGE)
    if drawn is not None:
        blood = _drawn(drawn, ())
        return (unsaid(CAP, reasons[-1]), blood, unsaid(STAGE, reasons[-1]))
    return tuple(unsaid(name, reasons[-1], tuple(scan.path for scan in scans)) for name in (CAP, BLOOD, STAGE))


def _signal_at_cord(scan: AlignedScan, scene: LesionScene, limits: DescriptionLimits) -> SignalAtCord | str:
    """Lay a scan along the cord; in words, why it cannot be.

    A cord that nobody drew is found with fluid and dura in its radius, so only the very middle of it counts.
    """
    laid = laid_along(scan, scene, limits)
    if isinstance(laid, str):
        return laid
    voxels, reference = laid
    is_drawn = scene.course is not None and scene.course.is_drawn
    inner_mm = np.minimum(
        limits.blood.inner_cord * voxels.radius_mm, np.inf if is_drawn else limits.reference.core_most_mm
    )
    is_within = (voxels.away_mm <= inner_mm) | (voxels.solid + voxels.beside >= OBJECT_PROBABILITY)
    relative = voxels.values / reference.at(voxels.position_mm)
    return SignalAtCord(scan, voxels, relative, reference.spread, is_within, reference.errors_at(voxels.position_mm))


def _dark_pieces(signal: SignalAtCord, limits: BloodLimits) -> NDArray[np.bool_]:
    """Mark connected dark pieces in the cord near the lesion that are larger than a speck.

    Dark is what is so for any signal that healthy cord may have there: a coil falls off beyond where cord was read.
    """
    voxels, relative = signal.voxels, signal.relative
    limit = limits.dark_susceptible_below if signal.scan.contrast in SUSCEPTIBLE else limits.dark_below
    usual, grain = _look_of_tissue(voxels, relative, limits)
    limit = min(
        min(limit, 1.0 - 3.0 * signal.spread) * min(usual, 1.0), usual - limits.grains * grain
    )  # dark tumour is none
    lesion_mm = voxels.position_mm[voxels.solid >= 0.5]
    reach_mm = limits.cap_reach_mm
    near = (voxels.position_mm >= lesion_mm.min() - reach_mm) & (voxels.position_mm <= lesion_mm.max() + reach_mm)
    in_cord = near & signal.is_within
    dark = in_cord & (relative < limit * np.exp(-Z_95 * signal.error))
    marked = np.zeros(len(relative), dtype=bool)
    if not dark.any():
        return marked
    low = voxels.indices.min(axis=0)
    box = np.zeros(voxels.indices.max(axis=0) - low + 1, dtype=bool)
    box[tuple((voxels.indices[dark] - low).T)] = True
    pieces, _ = ndimage.label(box, structure=np.ones((3, 3, 3)))
    number = pieces[tuple((voxels.indices - low).T)] * dark
    sizes = np.bincount(number) * voxels.voxel_mm3
    counts = np.bincount(number)
    for piece in range(1, len(sizes)):
        if sizes[piece] >= limits.least_mm3 and counts[piece] >= 3:
            marked |= number == piece
    return marked


def _look_of_tissue(voxels: CordVoxels, relative: NDArray[np.float64], limits: BloodLimits) -> tuple[float, float]:
    """Return the tumour's signal beside the cord and the deviation of its voxels."""
    deep, tissue = voxels.core(limits.least_tissue_voxels), relative[voxels.mostly(limits.least_tissue_voxels)]
    usual = float(np.median(relative[deep])) if deep.any() else 1.0
    return usual, _spread(tissue) if len(tissue) else 0.0


def _spread(values: NDArray[np.float64]) -> float:
    """Return the standard deviation of values of which a few may be far off."""
    reached = values[np.isfinite(values)]
    return 1.4826 * float(np.median(np.abs(reached - np.median(reached)))) if len(reached) else 0.0


def _at_poles(voxels: CordVoxels) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Mark the voxels at the upper and at the lower pole."""
    low, high = np.percentile(voxels.position_mm[voxels.solid >= 0.5], [2, 98])
    quarter = (high - low) / 4
    return voxels.position_mm > high - quarter, voxels.position_mm < low + quarter


@dataclass(frozen=True)
class PoleLook:
    """One scan's look at the poles: dark volume at the upper and lower one, mm³, and how far a cap covers them."""

    scan: AlignedScan
    dark_mm3: tuple[float, float]
    cover: PoleCover | None
    reaches_both: bool

    @property
    def pole(self) -> str:
        """Name the pole that is likelier to have a cap."""
        shares = (self.cover.upper or 0.0, self.cover.lower or 0.0) if self.cover is not None else (0.0, 0.0)
        dark_mm3 = (0.0, 0.0) if self.cover is not None and self.cover.is_surely_present else self.dark_mm3
        return "upper" if (dark_mm3[0], shares[0]) > (dark_mm3[1], shares[1]) else "lower"

    @property
    def covered_dark_mm3(self) -> float:
        """Volume that is darker than healthy cord at the pole that a cap covers most, mm³; 0 where none is known."""
        if self.cover is None or not self.cover.shares:
            return 0.0
        upper, lower = self.cover.upper, self.cover.lower
        return self.dark_mm3[0] if lower is None or (upper is not None and upper > lower) else self.dark_mm3[1]

    def is_as_dark_as_blood(self, limits: DescriptionLimits) -> bool:
        """Tell by the share in slices thinner than a cap; thicker ones must hold dark voxels besides."""
        long_mm = float(np.abs(self.scan.image.affine[2, :3]).max())
        return long_mm <= limits.cap.thin_slice_mm or self.covered_dark_mm3 >= limits.blood.least_mm3

    @property
    def is_unlikely(self) -> bool:
        """A cap would most likely have shown on this scan, and none does."""
        shows_blood = self.scan.contrast in SUSCEPTIBLE
        return self.cover is not None and self.cover.is_likely_absent(shows_blood=shows_blood)

    @property
    def likely_share(self) -> float:
        """The larger share of the two poles; 0 where none is known."""
        return max(self.cover.shares, default=0.0) if self.cover is not None else 0.0


def _look_at_poles(
    signal: SignalAtCord, dark: NDArray[np.bool_], scene: LesionScene, limits: DescriptionLimits
) -> PoleLook:
    voxels = signal.voxels
    upper, lower = (float((dark & pole).sum()) * voxels.voxel_mm3 for pole in _at_poles(voxels))
    is_susceptible = signal.scan.contrast in SUSCEPTIBLE
    ratio = limits.cap.blood_signal_susceptible if is_susceptible else limits.cap.blood_signal
    look = _look_of_tissue(voxels, signal.relative, limits.blood)
    cover = cover_of(voxels, signal.relative, look, ratio, limits.cap)
    is_upper_seen, is_lower_seen = _reached(voxels, scene)
    if cover is not None:
        cover = replace(
            cover, upper=cover.upper if is_upper_seen else None, lower=cover.lower if is_lower_seen else None
        )
    return PoleLook(signal.scan, (upper, lower), cover, is_upper_seen and is_lower_seen)


def _reached(voxels: CordVoxels, scene: LesionScene) -> tuple[bool, bool]:
    """Say whether a scan reaches the lesion's upper and lower end: else its own last slice passes for a pole."""
    ends_mm = scene.ends_mm(scene.solid)
    seen_mm = voxels.position_mm[np.isfinite(voxels.values) & (voxels.away_mm <= voxels.radius_mm)]
    if ends_mm is None or not len(seen_mm):
        return False, False
    affine = voxels.scan.image.affine
    slack_mm = float(np.abs(affine[2, :3]).max())  # a slice, which reaches beyond its middle
    return bool(seen_mm.max() + slack_mm >= ends_mm[1]), bool(seen_mm.min() - slack_mm <= ends_mm[0])


def _cap(looks: Sequence[PoleLook], limits: DescriptionLimits) -> Described:
    """Say whether there is a cap by all scans, the best for blood first: one that is seen goes before one ruled out.

    A pole that is only less bright than the rest of its tumour is no sure cap: patches and infiltrated cord look so.
    """
    covered = [look for look in looks if look.cover is not None and look.cover.is_surely_present]
    sure = next((look for look in covered if look.is_as_dark_as_blood(limits)), None)
    if sure is not None:
        return _cap_seen(sure, "")
    hints = [look for look in looks if max(look.dark_mm3) >= limits.blood.least_mm3 or _is_hinted(look)]
    likely = next((look for look in hints if max(look.dark_mm3) >= limits.blood.least_mm3), None)
    likely = likely or next((look for look in hints if look.likely_share >= limits.cap.likely_from), None)
    if likely is not None:
        return _cap_seen(likely, NOT_DARK if likely in covered else PERHAPS)
    clear = [look for look in looks if look.cover is not None and look.cover.is_surely_absent]
    surely = next((look for look in clear if look.scan.contrast in SUSCEPTIBLE), None)
    look = surely or next((look for look in looks if look.is_unlikely), None)
    if hints or look is None:
        reason = ON_T2_ALONE if clear and not hints else THIN if any(look.reaches_both for look in looks) else CUT
        return unsaid(CAP, reason, (looks[0].scan.path,))
    doubt = None if surely else THIN if look.scan.contrast in SUSCEPTIBLE else ON_T2_ALONE
    return Described(
        CAP, "absent", sum(look.dark_mm3), unit="mm³", sureness=sure_if(surely is not None), reason=doubt,
        scans=(look.scan.path,),
    )  # fmt: skip


def _is_hinted(look: PoleLook) -> bool:
    return look.cover is not None and look.cover.is_hinted


def _cap_seen(look: PoleLook, doubt: str) -> Described:
    alike = "" if look.scan.contrast in SUSCEPTIBLE else "; calcium and flow look the same on T2w"
    volume_mm3 = sum(look.dark_mm3)
    return Described(
        CAP, "present", volume_mm3 or None, unit="mm³" if volume_mm3 else None, sureness=sure_if(not doubt),
        reason=f"at the {look.pole} pole{doubt}{alike}", scans=(look.scan.path,),
    )  # fmt: skip


def _drawn(mask: Volume, paths: tuple[str, ...]) -> Described:
    volume_mm3 = float((mask.array >= OBJECT_PROBABILITY).sum()) * mask.voxel_mm3
    return Described(
        BLOOD, "present" if volume_mm3 else "absent", volume_mm3, unit="mm³", sureness=sure_if(True), reason="as drawn",
        scans=paths,
    )  # fmt: skip


def _blood(scene: LesionScene, voxels: CordVoxels, dark: NDArray[np.bool_], scan: AlignedScan) -> Described:
    drawn = scene.others.get(Compartment.HAEMORRHAGE)
    if drawn is not None and len(object_points(drawn)):
        return _drawn(drawn, (scan.path,))
    volume_mm3 = float(dark.sum()) * voxels.voxel_mm3
    is_sure_scan = scan.contrast in SUSCEPTIBLE
    reason = None if is_sure_scan else "on T2w alone"
    value = "present" if volume_mm3 else "absent"
    return Described(
        BLOOD, value, volume_mm3, unit="mm³", sureness=sure_if(is_sure_scan), reason=reason, scans=(scan.path,)
    )


def _beside_cap(blood: Described, cap: Described) -> Described:
    """Hold blood that is absent to what is said of a cap, which is blood: no surer, and not said beside one."""
    if blood.value != "absent" or (cap.value == "absent" and cap.sureness == sure_if(True)):
        return blood
    if cap.value == "present":
        return unsaid(BLOOD, f"a cap {cap.reason}, and no dark piece large enough to be measured", blood.scans)
    return replace(blood, sureness=sure_if(False), reason=blood.reason or f"no dark piece; of a cap: {cap.reason}")


def _stage(
    scene: LesionScene, scans: tuple[AlignedScan, AlignedScan | None], blood: Described, limits: DescriptionLimits
) -> Described:
    """Name the age of blood that somebody drew by its signal on T1w and T2w, never surely."""
    t2, t1 = scans
    if blood.value != "present":
        return unsaid(STAGE, blood.reason if blood.value is None and blood.reason else "no blood is seen")
    drawn = scene.others.get(Compartment.HAEMORRHAGE)
    if drawn is None or not len(object_points(drawn)):
        return unsaid(STAGE, "nobody drew the blood, so its signal is not told from what surrounds it", blood.scans)
    if t1 is None or t2.contrast in SUSCEPTIBLE:
        return unsaid(STAGE, "its age needs T1w before contrast agent and T2w", blood.scans)
    words = []
    for scan in (t1, t2):
        ratio = _ratio_in(drawn, scan, scene, limits)
        if ratio is None:
            return unsaid(STAGE, "T1w or T2w does not show the blood with cord beside it", (t1.path, t2.path))
        bounds = (limits.blood.low_below, limits.blood.high_above)
        words.append(("low", "iso", "high")[int(np.searchsorted(bounds, ratio))])
    stage = STAGES.get((words[0], words[1]))
    if stage is None:
        return unsaid(STAGE, f"T1w {words[0]} and T2w {words[1]} is no stage of the table", (t1.path, t2.path))
    reason = "by the table of the brain; stages overlap and mix"
    return Described(STAGE, stage, sureness=sure_if(False), reason=reason, scans=(t1.path, t2.path))


def _ratio_in(drawn: Volume, scan: AlignedScan, scene: LesionScene, limits: DescriptionLimits) -> float | None:
    laid = laid_along(scan, scene, limits)
    if isinstance(laid, str):
        return None
    voxels, reference = laid
    inside = share_in(scan, drawn, voxels.indices) >= limits.blood.mostly
    if inside.sum() < 3:
        return None
    return float(np.median(voxels.values[inside] / reference.at(voxels.position_mm[inside])))
