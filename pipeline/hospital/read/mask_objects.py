"""DICOM SEG and RTSTRUCT as masks on an image's own grid; a mask that lies on no slice of it is refused.

Nothing is resampled. A plane of a segmentation must be a slice of the image, a contour must lie in one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels import pixel_array
from skimage.draw import polygon2mask

from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, to_voxel
from pipeline.errors import InputError
from pipeline.files.images import flip_points
from pipeline.hospital.codes import NARROWER, compartment_coded, is_vague
from pipeline.hospital.read.bounded_reading import quietly
from pipeline.hospital.read.enhanced import Groups
from pipeline.hospital.read.header_values import number, numbers, text, texts, whole
from pipeline.hospital.read.segment_rules import SegmentRule
from pipeline.study.label_names import compartment_named

ON_SLICE_VOXELS = 0.02
"""How far, in voxels, a plane of a segmentation may lie from a slice of the image."""

CONTOUR_ON_SLICE_VOXELS = 0.25
"""The same for contours, whose points planning systems round."""

MOST_VALUES = 256 * 1024**2


@dataclass(frozen=True, eq=False)
class Segment:
    """One segment or structure.

    Attributes
    ----------
    compartment
        None when neither its code nor its name says which.
    array
        On the image's grid: booleans, or float32 from 0 to 1.
    is_manual
        True only where the object says that a person drew it.
    number
        Number in the object.
    code, label
        Code and scheme, such as ``SCT 52988006``, and the name that its maker gave; the name may be free text.
    doubt
        What is odd about how it was drawn, in words. A structure of a planning system with nothing drawn in it, of
        which templates are full, is no statement that nothing is there: ``array`` then draws nothing and counts for
        nothing. A segment without a frame is one, and has to be confirmed.
    """

    compartment: Compartment | None
    array: NDArray
    is_manual: bool
    number: int
    conflict: bool = False
    code: str = ""
    label: str = field(default="", repr=False)
    doubt: str = ""


def referenced_series(dataset: Any) -> set[str]:
    """Return the series that a mask says it was drawn on."""
    series_uids = {text(item, "SeriesInstanceUID") for item in dataset.get("ReferencedSeriesSequence") or []}
    for frame_reference in dataset.get("ReferencedFrameOfReferenceSequence") or []:
        for study in frame_reference.get("RTReferencedStudySequence") or []:
            series_uids |= {text(item, "SeriesInstanceUID") for item in study.get("RTReferencedSeriesSequence") or []}
    return series_uids - {""}


def segments_of(dataset: Any, image: Volume, rules: Sequence[SegmentRule] = ()) -> list[Segment]:
    """Read a segmentation object onto an image's grid.

    Parameters
    ----------
    dataset
        A DICOM SEG with its pixels.
    image
        The scan it was drawn on.
    rules
        What a person says of codes and names; the first that fits decides.

    Raises
    ------
    InputError
        Its planes are not slices of the image, or it cannot be read.
    """
    kind = text(dataset, "SegmentationType")
    if kind not in {"BINARY", "FRACTIONAL"}:
        raise InputError(f"expected a binary or fractional segmentation, found another kind ({len(kind)} letters)")
    described = {whole(item, "SegmentNumber"): item for item in dataset.get("SegmentSequence") or []}
    arrays: dict[int, NDArray] = {
        n: np.zeros(image.shape, np.float32 if kind == "FRACTIONAL" else bool) for n in described if n is not None
    }
    most = number(dataset, "MaximumFractionalValue") or 255.0
    for segment, plane, place in _frames(dataset, image):
        if segment not in arrays:
            raise InputError(f"expected frames of the segments listed, found one of segment {segment}")
        values = plane.astype(np.float32) / most if kind == "FRACTIONAL" else plane > 0
        arrays[segment][:, :, place] = np.maximum(arrays[segment][:, :, place], values)
    segments = []
    for n, array in sorted(arrays.items()):
        item = described[n]
        codes = item.get("SegmentedPropertyTypeCodeSequence") or []
        is_manual = text(item, "SegmentAlgorithmType").upper() == "MANUAL"
        label = text(item, "SegmentLabel")
        read = _segment(codes, label, array, is_manual=is_manual, number=n, rules=rules)
        segments.append(read if array.any() else replace(read, doubt=EMPTY_SEGMENT))
    return segments


def structures_of(dataset: Any, image: Volume, rules: Sequence[SegmentRule] = ()) -> list[Segment]:
    """Read the closed contours of an RTSTRUCT onto an image's grid; contours within contours are holes.

    A voxel belongs to a structure when its centre lies inside. A structure without closed contours, or with others
    beside them, has a doubt.

    Raises
    ------
    InputError
        A contour does not lie in a slice of the image.
    """
    names = {whole(item, "ROINumber"): item for item in dataset.get("StructureSetROISequence") or []}
    seen = {whole(item, "ReferencedROINumber"): item for item in dataset.get("RTROIObservationsSequence") or []}
    contours = {whole(roi, "ReferencedROINumber"): roi for roi in dataset.get("ROIContourSequence") or []}
    segments = []
    for index in sorted(number for number in {*names, *contours} if number is not None):
        array, doubt = _contoured(contours.get(index) or {}, image)
        item = names.get(index) or {}
        code = (seen.get(index) or {}).get("RTROIIdentificationCodeSequence") or []
        is_manual = text(item, "ROIGenerationAlgorithm").upper() == "MANUAL"
        segment = _segment(code, text(item, "ROIName"), array, is_manual=is_manual, number=index, rules=rules)
        segments.append(replace(segment, doubt=doubt))
    return segments


EMPTY_SEGMENT = "expected frames of it, found none: it counts as nothing there"
NOT_DRAWN = "expected closed contours, found none: it counts as not drawn"


def _contoured(roi: Any, image: Volume) -> tuple[NDArray[np.bool_], str]:
    """Return what the closed contours of a structure hold, and what is odd about them in words."""
    array, others = np.zeros(image.shape, bool), 0
    for contour in roi.get("ContourSequence") or []:
        if text(contour, "ContourGeometricType").upper() in CLOSED:
            place, inside = _filled(texts(contour, "ContourData"), image)
            array[:, :, place] ^= inside
        else:
            others += 1
    if not array.any():
        return array, NOT_DRAWN
    return array, f"expected closed contours, found {others} points or open lines, too, which hold nothing" * (
        others > 0
    )


CLOSED = frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"})


def _frames(dataset: Any, image: Volume) -> Iterator[tuple[int, NDArray, int]]:
    """Yield segment number, plane ``[column, row]`` and slice index of each frame."""
    row_count, column_count = whole(dataset, "Rows") or 0, whole(dataset, "Columns") or 0
    frames = dataset.get("PerFrameFunctionalGroupsSequence") or []
    if row_count * column_count * max(1, len(frames)) > MOST_VALUES:
        raise InputError(f"expected up to {MOST_VALUES} values in a segmentation, found more")
    if (column_count, row_count) != image.shape[:2]:
        raise InputError(
            f"expected planes of {image.shape[0]} x {image.shape[1]} pixels, found {column_count} x {row_count}"
        )
    with quietly():
        stored = np.asarray(pixel_array(dataset, raw=True)).reshape(-1, row_count, column_count)
    if len(stored) != len(frames):
        raise InputError(f"expected {len(frames)} frames, found {len(stored)}")
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [{}])[0]
    for plane, frame_groups in zip(stored, frames, strict=True):
        groups = Groups(shared, frame_groups)
        segment = whole(groups.get("SegmentIdentificationSequence"), "ReferencedSegmentNumber")
        place, turn = _place(groups, image, row_count, column_count)
        yield segment or 0, turn(plane.T), place


def _place(groups: Groups, image: Volume, row_count: int, column_count: int) -> tuple[int, Any]:
    """Return the slice on which a frame lies, and how its plane ``[column, row]`` must be turned to the image's."""
    position = numbers(groups.get("PlanePositionSequence"), "ImagePositionPatient", 3)
    axes = numbers(groups.get("PlaneOrientationSequence"), "ImageOrientationPatient", 6)
    spacing = numbers(groups.get("PixelMeasuresSequence"), "PixelSpacing", 2)
    if position is None or axes is None or spacing is None:
        raise InputError("expected each frame's position, found a frame without one")
    first = np.array(position)
    along_row, along_column = np.array(axes[:3]) * spacing[1], np.array(axes[3:]) * spacing[0]
    corners = [first, first + along_row * (column_count - 1), first + along_column * (row_count - 1)]
    voxels = to_voxel(image.affine, flip_points(np.array(corners)))
    place = round(float(voxels[0, 2]))
    ends = np.array([image.shape[0] - 1.0, image.shape[1] - 1.0])
    is_turned = [abs(voxels[0, axis] - ends[axis]) < ON_SLICE_VOXELS for axis in (0, 1)]
    start = np.where(is_turned, ends, 0.0)
    expected = np.array([start, [ends[0] - start[0], start[1]], [start[0], ends[1] - start[1]]])
    off = max(float(np.abs(voxels[:, :2] - expected).max()), float(np.abs(voxels[:, 2] - place).max()))
    if off > ON_SLICE_VOXELS * max(1.0, float(max(image.shape[:2])) / 50) or not 0 <= place < image.shape[2]:
        raise InputError("expected planes on the image's own slices, found one beside them; nothing is resampled")
    steps = tuple(slice(None, None, -1) if turned else slice(None) for turned in is_turned)
    return place, lambda plane: plane[steps]


def _filled(values: tuple[str, ...], image: Volume) -> tuple[int, NDArray]:
    try:
        points = np.array(values, dtype=np.float64).reshape(-1, 3)
    except ValueError as error:
        raise InputError("expected contour points of three numbers, found others; export it again") from error
    if len(points) < 3 or not np.isfinite(points).all():
        raise InputError("expected contours of three points or more, found fewer or no numbers; export it again")
    voxels = to_voxel(image.affine, flip_points(points))
    place = round(float(np.median(voxels[:, 2])))
    if np.abs(voxels[:, 2] - place).max() > CONTOUR_ON_SLICE_VOXELS or not 0 <= place < image.shape[2]:
        raise InputError("expected contours in the image's own slices, found one across or outside them")
    return place, polygon2mask(image.shape[:2], voxels[:, :2])


def _segment(
    codes: Any, label: str, array: NDArray, *, is_manual: bool, number: int, rules: Sequence[SegmentRule]
) -> Segment:
    coded = [(text(item, "CodeValue"), text(item, "CodingSchemeDesignator")) for item in codes]
    code = " ".join(reversed(coded[0])) if coded else ""
    ruled = next((rule for rule in rules if rule.fits(coded, label)), None)
    if ruled is not None:
        return Segment(Compartment(ruled.compartment), array, is_manual, number, False, code, label)
    compartment, conflict = _meaning(coded, label)
    return Segment(compartment, array, is_manual, number, conflict, code, label)


def _meaning(coded: Sequence[tuple[str, str]], label: str) -> tuple[Compartment | None, bool]:
    """Return what a segment shows, by code first, and whether its name says something else.

    A name decides where there is no code or a vague one; it never stands against a code that is not known.
    """
    coded_part = next((c for code in coded if (c := compartment_coded(*code))), None)
    named = compartment_named(NUMBER.sub("", label))
    if coded_part is None:
        is_open = all(is_vague(*code) for code in coded)
        return (named if is_open else None), False
    if named is None or coded_part == named:
        return coded_part, False
    return (named, False) if (coded_part, named) in NARROWER else (None, True)


NUMBER = re.compile(r"[\s_#-]*\d{1,2}$")
"""The number behind a name, as programs count segments: Tumor 1."""
