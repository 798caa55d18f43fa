"""The frames of enhanced multi-frame objects: what is shared by all, and what each frame says of itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydicom.tag import BaseTag

from pipeline.errors import InputError
from pipeline.hospital.read import scaling
from pipeline.hospital.read.diffusion import direction_of, directionality_of
from pipeline.hospital.read.header_values import number, numbers, text, texts, whole
from pipeline.hospital.read.instances import Pixels, Plane, SeriesAcquisition

Split = tuple[str | float | None, ...]


def planes(
    dataset: Any, path: Path, pixels: Pixels, common: SeriesAcquisition
) -> tuple[tuple[Plane, ...], tuple[tuple[Split, SeriesAcquisition], ...]]:
    """Return the planes of an enhanced object and how each group of them was made.

    Raises
    ------
    InputError
        The object says nothing on some of its frames.
    """
    shared = dataset.SharedFunctionalGroupsSequence[0]
    frames = dataset.PerFrameFunctionalGroupsSequence
    if len(frames) != pixels.frames:
        raise InputError(f"expected a description of {pixels.frames} frames, found {len(frames)}; export it again")
    acquisitions: dict[Split, SeriesAcquisition] = {}
    placed_planes = []
    for index, frame_groups in enumerate(frames):
        groups = Groups(shared, frame_groups)
        acquisition = _acquisition(dataset, groups, common)
        split: Split = (
            "\\".join(acquisition.image_type), acquisition.echo_time_ms, acquisition.inversion_time_ms,
            acquisition.b_value, text(groups.get("FrameContentSequence"), "StackID"),
            *([",".join(f"{v:.3f}" for v in acquisition.direction)] if acquisition.direction else []),
        )  # fmt: skip
        acquisitions.setdefault(split, acquisition)
        plane = _plane(dataset, groups, path, index, pixels, split)
        placed_planes += [plane] if plane else []
    return tuple(placed_planes), tuple(acquisitions.items())


class Groups:
    """The functional groups of one frame: its own, else the shared ones."""

    def __init__(self, shared: Any, per_frame: Any) -> None:
        self.shared, self.per_frame = shared, per_frame

    def get(self, name: str | BaseTag) -> Any:
        """Return the first item of a functional group; an empty mapping when nobody has it."""
        for holder in (self.per_frame, self.shared):
            items = holder.get(name)
            items = getattr(items, "value", items)
            if items and not isinstance(items, bytes):
                return items[0]
        return {}


def _plane(dataset: Any, groups: Groups, path: Path, index: int, pixels: Pixels, split: Split) -> Plane | None:
    position = numbers(groups.get("PlanePositionSequence"), "ImagePositionPatient", 3)
    axes = numbers(groups.get("PlaneOrientationSequence"), "ImageOrientationPatient", 6)
    spacing = numbers(groups.get("PixelMeasuresSequence"), "PixelSpacing", 2)
    if position is None or axes is None or spacing is None:
        return None
    values, content = groups.get("PixelValueTransformationSequence"), groups.get("FrameContentSequence")
    return Plane(
        path=path,
        frame=index,
        sop_uid=text(dataset, "SOPInstanceUID"),
        position_mm=position,
        along_row=axes[:3],
        along_column=axes[3:],
        spacing_mm=spacing,
        slope=number(values, "RescaleSlope") or 1.0,
        intercept=number(values, "RescaleIntercept") or 0.0,
        split=split,
        repeat=(
            whole(content, "TemporalPositionIndex") or 0,
            whole(content, "FrameAcquisitionNumber") or 0,
            index,
        ),
        pixels=pixels,
        gain=scaling.gain_of(groups.get(scaling.ENHANCED), number(values, "RescaleSlope")),
    )


def _acquisition(dataset: Any, groups: Groups, common: SeriesAcquisition) -> SeriesAcquisition:
    timing = groups.get("MRTimingAndRelatedParametersSequence")
    frame_type = groups.get("MRImageFrameTypeSequence")
    types = tuple(value.upper() for value in texts(frame_type, "FrameType")) or common.image_type
    modifier, diffused = groups.get("MRModifierSequence"), groups.get("MRDiffusionSequence")
    kinds = common.kinds | _kinds(dataset, modifier)
    b_value = _b_value(diffused, common)
    is_diffusion = bool(b_value) or "EP" in kinds or "DIFFUSION" in types
    gradient = (diffused.get("DiffusionGradientDirectionSequence") or [{}])[0]
    usage = groups.get("ContrastBolusUsageSequence")
    is_not_given = text(usage, "ContrastBolusAgentAdministered").upper() == "NO"
    return replace(
        common,
        echo_time_ms=number(groups.get("MREchoSequence"), "EffectiveEchoTime") or common.echo_time_ms,
        repetition_time_ms=number(timing, "RepetitionTime") or common.repetition_time_ms,
        inversion_time_ms=number(modifier, "InversionTimes") or common.inversion_time_ms,
        flip_angle_deg=number(timing, "FlipAngle") or common.flip_angle_deg,
        echo_train_length=whole(timing, "EchoTrainLength") or common.echo_train_length,
        kinds=kinds,
        variants=common.variants | (_steady(dataset)),
        image_type=types,
        b_value=b_value if is_diffusion else None,
        direction=(direction_of(gradient) or common.direction) if b_value else None,
        is_isotropic=common.is_isotropic or directionality_of(diffused) == "ISOTROPIC",
        agent=False if is_not_given else common.agent,
        units=text(groups.get("PixelValueTransformationSequence"), "RescaleType") or common.units,
        stated_contrast=text(frame_type, "AcquisitionContrast").upper() or common.stated_contrast,
        slice_thickness_mm=number(groups.get("PixelMeasuresSequence"), "SliceThickness") or common.slice_thickness_mm,
    )


def _b_value(diffused: Any, common: SeriesAcquisition) -> float | None:
    value = number(diffused, "DiffusionBValue")
    return common.b_value if value is None else value


def _kinds(dataset: Any, modifier: Any) -> frozenset[str]:
    """Translate the words of enhanced objects into those of classic ones."""
    spin = {"SPIN": {"SE"}, "GRADIENT": {"GR"}, "BOTH": {"SE", "GR"}}.get(text(dataset, "EchoPulseSequence"), set())
    inverted = "YES" in (text(modifier, "InversionRecovery"), text(dataset, "InversionRecovery"))
    planar = text(dataset, "EchoPlanarPulseSequence") == "YES"
    return frozenset(spin | ({"IR"} if inverted else set()) | ({"EP"} if planar else set()))


def _steady(dataset: Any) -> frozenset[str]:
    return frozenset({"SS"} if text(dataset, "SteadyStatePulseSequence") in {"FREE_PRECESSION", "TRANSVERSE"} else ())
