"""Cysts inside the tumour and at its poles, syrinx beyond, oedema above and below: how what was drawn lies.

From masks alone. *Absent* is said where somebody looked for the tissue (an empty mask, or one that shows it
elsewhere); where nobody did, nothing is said. What this module refuses: to call a cyst a syrinx that a reader named,
and to call present a speck that a program marked by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from pipeline.core.finding_terms import Described, LesionFinding, sure_if, unsaid
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import is_within_faces, to_voxel
from pipeline.description.description_limits import CavityLimits, DescriptionLimits
from pipeline.description.lesion_scene import AlignedScan, LesionScene, box_of
from pipeline.description.unsigned_tissue import doubt_of
from pipeline.measure.volumes import NEIGHBOURS_26, OBJECT_PROBABILITY


@dataclass(frozen=True)
class CavityPiece:
    """One connected cyst or syrinx.

    Attributes
    ----------
    low_mm, high_mm
        Its ends along the cord.
    volume_mm3
        Its size.
    inside
        Share of its length that lies between the tumour's ends.
    doubt
        Why it cannot be called present, for what a program marked by itself; None where nothing speaks against it.
    """

    low_mm: float
    high_mm: float
    volume_mm3: float
    inside: float
    doubt: str | None = None

    @property
    def length_mm(self) -> float:
        """Its length along the cord, mm."""
        return self.high_mm - self.low_mm


def cavity_findings(
    scene: LesionScene, path: str, limits: DescriptionLimits, wet_scans: Sequence[AlignedScan] = ()
) -> tuple[Described, ...]:
    """Describe cysts, syrinx and oedema; ``path`` is the scan of the masks, fluid is bright on ``wet_scans``."""
    ends_mm = scene.ends_mm(scene.solid)
    names = (
        LesionFinding.TUMORAL_CYST, LesionFinding.POLAR_CYST_ABOVE, LesionFinding.POLAR_CYST_BELOW,
        LesionFinding.SYRINX, LesionFinding.OEDEMA_ABOVE, LesionFinding.OEDEMA_BELOW,
    )  # fmt: skip
    if ends_mm is None:
        reason = scene.no_course_reason or "no lesion drawn"
        return tuple(unsaid(name, reason, (path,)) for name in names)
    cysts = pieces_of(scene, Compartment.CYST, ends_mm, limits, wet_scans)
    syrinx = pieces_of(scene, Compartment.SYRINX, ends_mm, limits, wet_scans)
    wet = pieces_of(scene, Compartment.OEDEMA, ends_mm, limits, wet_scans)
    step_mm = float(np.abs(scene.solid.affine[2, :3]).max())
    rest = limits.cavities
    least_mm = max(rest.least_mm, 1.5 * step_mm)
    above, below = _is_in_view(scene, ends_mm[1], least_mm), _is_in_view(scene, ends_mm[0], -least_mm)
    return (
        _tumoral(cysts, path, rest),
        _in_view(_polar(names[1], cysts, syrinx, (ends_mm, 1), path, rest), is_in_view=above),
        _in_view(_polar(names[2], cysts, syrinx, (ends_mm, -1), path, rest), is_in_view=below),
        _in_view(_syrinx(syrinx, path), is_in_view=above and below),
        _in_view(_oedema(names[4], wet, (ends_mm, 1, step_mm), path, rest), is_in_view=above),
        _in_view(_oedema(names[5], wet, (ends_mm, -1, step_mm), path, rest), is_in_view=below),
    )


def _is_in_view(scene: LesionScene, end_mm: float, beyond_mm: float) -> bool:
    """Say whether the grid of the masks holds the cord so far beyond an end of the tumour."""
    assert scene.course is not None
    line = scene.course.line
    nearest = int(np.abs(line.positions_mm - end_mm).argmin())
    further_mm = end_mm + beyond_mm - line.positions_mm[nearest]
    place = to_voxel(scene.solid.affine, line.points_mm[nearest] + further_mm * line.tangents[nearest])
    return bool(is_within_faces(place, scene.solid.shape))


def _in_view(finding: Described, *, is_in_view: bool) -> Described:
    """Return a finding beyond the tumour; what the scan ends before is not surely absent."""
    if is_in_view or finding.value != "absent":
        return finding
    return replace(finding, sureness=sure_if(False), reason="the scan ends with the tumour, or just beyond it")


def pieces_of(
    scene: LesionScene,
    compartment: Compartment,
    ends_mm: tuple[float, float],
    limits: DescriptionLimits,
    wet_scans: Sequence[AlignedScan],
) -> list[CavityPiece] | None:
    """Return the connected pieces of a compartment along the cord; None where nobody looked for it."""
    mask = scene.others.get(compartment)
    if mask is None:
        return None
    box = box_of(mask.array, 0)
    if box is None:
        return []
    labels, _ = ndimage.label(mask.array[box] >= OBJECT_PROBABILITY, structure=NEIGHBOURS_26)
    corner = np.array([part.start for part in box])
    pieces = []
    for number, around in enumerate(ndimage.find_objects(labels), start=1):
        places = np.argwhere(labels[around] == number) + corner + [part.start for part in around]
        reach = scene.ends_of_voxels_mm(places, mask.affine)
        if reach is None:
            continue
        within_mm = max(min(reach[1], ends_mm[1]) - max(reach[0], ends_mm[0]), 0.0)
        volume_mm3 = float(len(places)) * mask.voxel_mm3
        doubt = doubt_of(places, mask, compartment, scene, wet_scans, limits)
        pieces.append(CavityPiece(*reach, volume_mm3, within_mm / max(reach[1] - reach[0], 1e-6), doubt))
    return pieces


def _believed(pieces: list[CavityPiece]) -> tuple[list[CavityPiece], str | None]:
    """Return the pieces that can be called present and, where none can, why not the others."""
    believed = [piece for piece in pieces if piece.doubt is None]
    return believed, None if believed or not pieces else pieces[0].doubt


def _nobody(name: str, compartment: str, path: str) -> Described:
    return unsaid(name, f"nobody drew {compartment} at this visit, or said that there is none", (path,))


def _tumoral(cysts: list[CavityPiece] | None, path: str, limits: CavityLimits) -> Described:
    name = LesionFinding.TUMORAL_CYST
    if cysts is None:
        return _nobody(name, "cysts", path)
    inner, doubt = _believed([cyst for cyst in cysts if cyst.inside >= limits.inside_from])
    if doubt is not None:
        return unsaid(name, doubt, (path,))
    if not inner:
        return Described(name, "absent", sureness=sure_if(True), scans=(path,))
    length_mm = max(cyst.length_mm for cyst in inner)
    is_clear = any(abs(cyst.inside - limits.inside_from) > 0.1 for cyst in inner)
    volume = sum(cyst.volume_mm3 for cyst in inner)
    reason = f"{len(inner)} of {volume:.0f} mm³" + ("" if is_clear else "; half of it lies beyond the tumour's end")
    return Described(
        name, "present", length_mm, unit="mm long", sureness=sure_if(is_clear), reason=reason, scans=(path,)
    )


def _polar(
    name: LesionFinding,
    cysts: list[CavityPiece] | None,
    syrinx: list[CavityPiece] | None,
    pole: tuple[tuple[float, float], int],
    path: str,
    limits: CavityLimits,
) -> Described:
    """Say whether a cyst lies at the upper (1) or lower (-1) pole: one drawn as a cyst, or a short syrinx there."""
    if cysts is None and syrinx is None:
        return _nobody(name, "cysts", path)
    ends_mm, sign = pole
    beyond = [c for c in cysts or [] if c.inside < limits.inside_from and _at_pole(c, ends_mm, sign, np.inf)]
    short = [
        s
        for s in syrinx or []
        if s.inside < limits.inside_from
        and s.length_mm <= limits.longest_polar_mm
        and _at_pole(s, ends_mm, sign, limits.pole_gap_mm)
    ]
    (beyond, doubt), (short, doubt_short) = _believed(beyond), _believed(short)
    if beyond:
        is_clear = any(abs(cyst.inside - limits.inside_from) > 0.1 for cyst in beyond)
        gap_mm = min(_gap_mm(cyst, ends_mm, sign) for cyst in beyond)
        words = f"{gap_mm:.0f} mm from the pole" if gap_mm > limits.pole_gap_mm else None
    elif short:
        beyond, is_clear, words = short, False, "drawn as a syrinx; short and at the pole"
    elif doubt is not None or doubt_short is not None:
        return unsaid(name, doubt or doubt_short or "", (path,))
    elif cysts is None:
        return _nobody(name, "cysts", path)
    else:
        return Described(name, "absent", sureness=sure_if(True), scans=(path,))
    length_mm = max(cyst.length_mm for cyst in beyond)
    return Described(
        name, "present", length_mm, unit="mm long", sureness=sure_if(is_clear), reason=words, scans=(path,)
    )


def _gap_mm(piece: CavityPiece, ends_mm: tuple[float, float], sign: int) -> float:
    return max(piece.low_mm - ends_mm[1] if sign > 0 else ends_mm[0] - piece.high_mm, 0.0)


def _at_pole(piece: CavityPiece, ends_mm: tuple[float, float], sign: int, gap_mm: float) -> bool:
    middle_mm, tumour_mm = (piece.low_mm + piece.high_mm) / 2, sum(ends_mm) / 2
    return (middle_mm - tumour_mm) * sign > 0 and _gap_mm(piece, ends_mm, sign) <= gap_mm


def _syrinx(syrinx: list[CavityPiece] | None, path: str) -> Described:
    name = LesionFinding.SYRINX
    if syrinx is None:
        return _nobody(name, "a syrinx", path)
    if not syrinx:
        return Described(name, "absent", sureness=sure_if(True), scans=(path,))
    believed, doubt = _believed(syrinx)
    if doubt is not None:
        return unsaid(name, doubt, (path,))
    length_mm = max(piece.length_mm for piece in believed)
    return Described(name, "present", length_mm, unit="mm long", sureness=sure_if(True), scans=(path,))


def _oedema(
    name: LesionFinding,
    wet: list[CavityPiece] | None,
    pole: tuple[tuple[float, float], int, float],
    path: str,
    limits: CavityLimits,
) -> Described:
    if wet is None:
        return _nobody(name, "oedema", path)
    (low_mm, high_mm), sign, step_mm = pole
    least_mm = max(limits.least_mm, 1.5 * step_mm)

    def reach_mm(piece: CavityPiece) -> float:
        return max(piece.high_mm - high_mm if sign > 0 else low_mm - piece.low_mm, 0.0)

    believed = [piece for piece in wet if piece.doubt is None]
    beyond_mm = max((reach_mm(piece) for piece in believed), default=0.0)
    doubted = next((piece for piece in wet if piece.doubt is not None and reach_mm(piece) >= least_mm), None)
    if doubted is not None and beyond_mm < least_mm:
        return unsaid(name, doubted.doubt or "", (path,))
    value = "present" if beyond_mm >= least_mm else "absent"
    is_clear = abs(beyond_mm - least_mm) >= 0.5 * step_mm
    reason = None if is_clear else "as long as a voxel or two"
    return Described(
        name, value, beyond_mm, max(beyond_mm - step_mm, 0.0), beyond_mm + step_mm, "mm beyond the tumour",
        sure_if(is_clear), reason, (path,),
    )  # fmt: skip
