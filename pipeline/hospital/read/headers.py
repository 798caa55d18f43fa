"""One DICOM file's header as an :class:`Instance`: the only place that reads the elements of images.

A value that is missing or is no number stays missing. What cannot be an image of a person (no pixels, impossible
sizes, fewer bytes than announced) is refused in one sentence that quotes nothing of the header.
"""

from __future__ import annotations

import math
import re
from datetime import date
from pathlib import Path
from typing import Any

from pydicom.tag import Tag

from pipeline.core.contrast_agents import agent_given, says_nothing
from pipeline.errors import InputError
from pipeline.hospital.read import diffusion, enhanced, scaling
from pipeline.hospital.read.bounded_reading import quietly, read_dataset
from pipeline.hospital.read.header_values import day, number, numbers, text, texts, whole
from pipeline.hospital.read.instances import Filing, Instance, Person, Pixels, Plane, SeriesAcquisition

KEYWORDS = (
    "SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "StudyDate", "SeriesDate", "AcquisitionDate",
    "AcquisitionTime", "SeriesTime", "StudyTime", "AccessionNumber", "Modality", "Manufacturer", "StationName",
    "SeriesDescription", "ManufacturerModelName", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate",
    "PatientSex", "PatientAge", "ContrastBolusAgent", "ScanningSequence", "SequenceVariant", "MRAcquisitionType",
    "SequenceName", "SliceThickness", "RepetitionTime", "EchoTime", "InversionTime", "MagneticFieldStrength",
    "EchoTrainLength", "FlipAngle", "DeviceSerialNumber", "ProtocolName", "DiffusionBValue", "StudyInstanceUID",
    "SeriesInstanceUID", "SeriesNumber", "AcquisitionNumber", "InstanceNumber", "ImagePositionPatient",
    "ImageOrientationPatient", "FrameOfReferenceUID", "TemporalPositionIdentifier", "SamplesPerPixel",
    "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns", "PixelSpacing", "BitsAllocated", "BitsStored",
    "PixelAspectRatio",
    "PixelRepresentation", "BurnedInAnnotation", "RescaleIntercept", "RescaleSlope", "ContrastBolusAgentSequence",
    "ContrastBolusVolume", "ContrastBolusIngredient", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence", "AcquisitionContrast", "EchoPulseSequence", "InversionRecovery",
    "SteadyStatePulseSequence", "SpacingBetweenSlices", "ContentTime", "StudyID", "ReferringPhysicianName", "AngioFlag",
    "RescaleType", "NumberOfTemporalPositions", "CardiacNumberOfImages", "ImagesInAcquisition", "NumberOfSlices",
    "DiffusionGradientOrientation", "DiffusionDirectionality", "EchoPlanarPulseSequence", "ContrastBolusUsageSequence",
    "InPlanePhaseEncodingDirection", "PatientPosition", "BodyPartExamined", "ContentDate",
    "InConcatenationNumber", "InConcatenationTotalNumber", "HighBit", "LongitudinalTemporalInformationModified",
    "PerformedProcedureStepStartDate",
)  # fmt: skip
TAGS = [*(Tag(keyword) for keyword in KEYWORDS), *diffusion.PRIVATE_TAGS, *scaling.PRIVATE_TAGS]

LARGEST_EDGE = 16384
"""Rows or columns; no scanner makes more."""
MOST_FRAMES = 20_000
ONE_SITTING_DAYS = 1
"""A study that goes on over midnight ends on the day after its date."""
FIRST_MRI = 1980
"""People were scanned from about this year on; earlier dates are moved ones, or none."""
ONE_STUDY_DAYS = 31
"""Sittings under one StudyDate lie no further apart (a proposal)."""
MOST_PIXEL_BYTES = 2 * 1024**3
"""Unpacked pixels of one file; more is refused before anything is unpacked."""

DIFFUSION_TYPES = frozenset({"DIFFUSION", "TRACEW", "TRACE", "ADC", "ADC_UNSPECIFIED"})


def read_instance(path: Path) -> Instance:
    """Read what one file says.

    Raises
    ------
    InputError
        No DICOM, damaged, no object of a series, or an image whose size is impossible or whose pixels are missing.
    """
    dataset, stopped_at = read_dataset(path, TAGS)
    with quietly():
        try:
            return _instance(dataset, path, stopped_at)
        except InputError:
            raise
        except Exception as error:  # a header may be wrong in any way; it costs this file only
            message = f"expected a readable DICOM header, found a damaged one ({type(error).__name__}); export it again"
            raise InputError(message) from error


def _instance(dataset: Any, path: Path, stopped_at: int) -> Instance:
    uids = {key: text(dataset, key) for key in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID")}
    missing = [key for key, value in uids.items() if not value]
    if missing:
        raise InputError(f"expected a DICOM image, found no {missing[0]}; export it again")
    row_count, column_count = whole(dataset, "Rows"), whole(dataset, "Columns")
    pixels = None if row_count is None and column_count is None else _pixels(dataset, path, stopped_at)
    planes, variants = ((), ()) if pixels is None else _planes(dataset, path, pixels)
    _say_aspect(dataset, planes)
    return Instance(
        path=path,
        sop_class=uids["SOPClassUID"],
        sop_uid=uids["SOPInstanceUID"],
        series_uid=uids["SeriesInstanceUID"],
        study_uid=text(dataset, "StudyInstanceUID"),
        frame_of_reference_uid=text(dataset, "FrameOfReferenceUID"),
        person=_person(dataset),
        studied_on=_studied_on(dataset),
        day_doubt=_day_doubt(dataset),
        sat_on=_sat_on(dataset),
        made_on=_made_on(dataset, uids["SOPInstanceUID"]),
        stepped_on=_stepped_on(dataset),
        seen_at=next((v for k in ("AcquisitionTime", "SeriesTime", "StudyTime") if (v := text(dataset, k))), ""),
        series_number=whole(dataset, "SeriesNumber") or 0,
        device="|".join(text(dataset, k) for k in ("ManufacturerModelName", "DeviceSerialNumber", "StationName")),
        filing=Filing(
            accession=text(dataset, "AccessionNumber"),
            study_id=text(dataset, "StudyID"),
            study_time=text(dataset, "StudyTime"),
            referring=text(dataset, "ReferringPhysicianName"),
            instance_number=whole(dataset, "InstanceNumber"),
        ),
        maker=text(dataset, "Manufacturer"),
        acquisition=variants[0][1] if variants else acquisition_of(dataset),
        variants=variants,
        planes=planes,
    )


def acquisition_of(dataset: Any) -> SeriesAcquisition:
    """Read how a classic image was made."""
    kinds, types = frozenset(texts(dataset, "ScanningSequence")), texts(dataset, "ImageType")
    image_type = tuple(value.upper() for value in types)
    agent, is_agent_unclear = _agent(dataset)
    b_value = diffusion.b_value_of(dataset)
    is_diffusion = bool(b_value) or "EP" in kinds or bool(DIFFUSION_TYPES & set(image_type))
    directionality = diffusion.directionality_of(dataset)
    return SeriesAcquisition(
        modality=text(dataset, "Modality"),
        echo_time_ms=number(dataset, "EchoTime"),
        repetition_time_ms=number(dataset, "RepetitionTime"),
        inversion_time_ms=number(dataset, "InversionTime"),
        flip_angle_deg=number(dataset, "FlipAngle"),
        echo_train_length=whole(dataset, "EchoTrainLength"),
        kinds=kinds,
        variants=frozenset(texts(dataset, "SequenceVariant")),
        is_3d={"2D": False, "3D": True}.get(text(dataset, "MRAcquisitionType")),
        stated_contrast=text(dataset, "AcquisitionContrast").upper(),
        image_type=image_type,
        b_value=b_value if is_diffusion else None,
        direction=diffusion.direction_of(dataset) if b_value else None,
        is_isotropic=directionality == "ISOTROPIC" or bool({"TRACEW", "TRACE"} & set(image_type)),
        agent=agent,
        is_agent_unclear=is_agent_unclear,
        is_flow=text(dataset, "AngioFlag").upper() == "Y",
        units=text(dataset, "RescaleType"),
        times=max(whole(dataset, key) or 0 for key in ("NumberOfTemporalPositions", "CardiacNumberOfImages")) or None,
        images_stated=whole(dataset, "ImagesInAcquisition"),
        slices_stated=diffusion.slices_stated(dataset),
        parts_stated=max(whole(dataset, f"InConcatenation{word}Number") or 0 for word in ("", "Total")) or None,
        manufacturer=text(dataset, "Manufacturer"),
        field_tesla=number(dataset, "MagneticFieldStrength"),
        slice_thickness_mm=number(dataset, "SliceThickness"),
        slice_distance_mm=number(dataset, "SpacingBetweenSlices"),
        burned_in={"YES": True, "NO": False}.get(text(dataset, "BurnedInAnnotation").upper()),
        description=" ".join(text(dataset, k) for k in ("SeriesDescription", "ProtocolName", "SequenceName")),
        body_part=text(dataset, "BodyPartExamined"),
    )


def _agent(dataset: Any) -> tuple[bool | None, bool]:
    """Return whether a contrast agent was given, and whether the header has words on it that are not known."""
    coded = [text(item, "CodeMeaning") for item in dataset.get("ContrastBolusAgentSequence") or []]
    words = [text(dataset, "ContrastBolusAgent"), text(dataset, "ContrastBolusIngredient"), *coded]
    stated = [word for word in words if not says_nothing(word)]
    given = {agent_given(word) for word in stated}
    if len(given) == 1 and None not in given:
        return given.pop(), False
    if stated:
        return None, True
    return (True, False) if number(dataset, "ContrastBolusVolume") else (None, False)


def _person(dataset: Any) -> Person:
    age = text(dataset, "PatientAge")
    unit = {"Y": 1.0, "M": 12.0, "W": 52.18, "D": 365.25}.get(age[-1:].upper())
    years = int(age[:-1]) / unit if unit and age[:-1].isdigit() else None
    return Person(
        patient_id=text(dataset, "PatientID"),
        issuer=text(dataset, "IssuerOfPatientID"),
        name=text(dataset, "PatientName"),
        born_on=day(dataset, "PatientBirthDate"),
        sex={"M": "M", "F": "F", "O": "O"}.get(text(dataset, "PatientSex").upper()),
        age_years=years,
    )


def _studied_on(dataset: Any) -> date | None:
    days = (day(dataset, key) for key in ("StudyDate", "SeriesDate", "AcquisitionDate"))
    return next((studied_on for studied_on in days if studied_on), None)


def _day_doubt(dataset: Any) -> str | None:
    """Say why the date of the study cannot be the day of the scan, without the days; None where it may be."""
    studied_on, acquired_on = day(dataset, "StudyDate"), day(dataset, "AcquisitionDate")
    if text(dataset, "LongitudinalTemporalInformationModified").upper() == "REMOVED":
        return "found that its dates were removed, and one in place of them"
    if studied_on is None:
        return None
    if studied_on == day(dataset, "PatientBirthDate"):
        return "found the date of birth in StudyDate"
    apart = 0 if acquired_on is None else abs((studied_on - acquired_on).days)
    if apart > ONE_SITTING_DAYS and _sat_on(dataset) is None:
        return f"found StudyDate and AcquisitionDate {apart} days apart"
    if (studied_on.month, studied_on.day) == (1, 1) and studied_on.year < FIRST_MRI:
        return "found a first of January of a year without MRI in StudyDate, as stands for no date"
    return None


def _sat_on(dataset: Any) -> date | None:
    """Return the day of a sitting some days from StudyDate, on which the dates of series and image agree; else None."""
    studied_on, acquired_on = day(dataset, "StudyDate"), day(dataset, "AcquisitionDate")
    born_on = day(dataset, "PatientBirthDate")
    if studied_on is None or acquired_on is None or born_on in (studied_on, acquired_on):
        return None
    others = [one for key in ("SeriesDate", "ContentDate") if (one := day(dataset, key)) is not None]
    is_agreed = all(abs((one - acquired_on).days) <= ONE_SITTING_DAYS for one in others)
    is_apart = ONE_SITTING_DAYS < abs((studied_on - acquired_on).days) <= ONE_STUDY_DAYS
    return acquired_on if is_apart and is_agreed else None


MAKERS_DAY = re.compile(
    r"^1\.3\.(?:12\.2\.1107\.5\.2|46\.670589\.11)\.(?:[0-9]+\.)*"
    r"((?:19[89]|20[0-9])[0-9])(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9][0-9]*"
)
"""Unique numbers of Siemens and Philips, with year, month and day of the image in them."""


def _made_on(dataset: Any, sop_uid: str) -> date | None:
    """Return the day that an original image's unique number holds."""
    match = None if "DERIVED" in texts(dataset, "ImageType") else MAKERS_DAY.match(sop_uid)
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None


def _stepped_on(dataset: Any) -> date | None:
    """Return the day of the step that an original image was made in; a placeholder is none."""
    stepped_on = None if "DERIVED" in texts(dataset, "ImageType") else day(dataset, "PerformedProcedureStepStartDate")
    return None if stepped_on is None or (stepped_on.month, stepped_on.day) == (1, 1) else stepped_on


def _pixels(dataset: Any, path: Path, stopped_at: int) -> Pixels:
    row_count, column_count = whole(dataset, "Rows") or 0, whole(dataset, "Columns") or 0
    frames, samples = whole(dataset, "NumberOfFrames") or 1, whole(dataset, "SamplesPerPixel") or 1
    bits = whole(dataset, "BitsAllocated") or 0
    if not (0 < row_count <= LARGEST_EDGE and 0 < column_count <= LARGEST_EDGE and 0 < frames <= MOST_FRAMES):
        raise InputError(f"expected an image size, found {row_count} x {column_count} pixels in {frames} frames")
    if bits not in (1, 8, 16, 32, 64) or samples not in (1, 3, 4):
        raise InputError(f"expected 1 to 64 bits and 1 or 3 samples a pixel, found {bits} and {samples}")
    claimed = (row_count * column_count * frames * samples * bits + 7) // 8
    if claimed > MOST_PIXEL_BYTES:
        raise InputError(f"expected up to {MOST_PIXEL_BYTES} bytes of pixels in one file, found {claimed} claimed")
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", "")) if hasattr(dataset, "file_meta") else ""
    _, is_little = dataset.original_encoding
    offset, length = _stored(dataset, path, stopped_at, claimed)
    return Pixels(
        syntax=syntax,
        rows=row_count,
        columns=column_count,
        frames=frames,
        samples=samples,
        bits_allocated=bits,
        bits_stored=whole(dataset, "BitsStored") or bits,
        is_signed=whole(dataset, "PixelRepresentation") == 1,
        is_big_endian=is_little is False,
        offset=offset,
        length=length,
        photometric=text(dataset, "PhotometricInterpretation"),
        high_bit=whole(dataset, "HighBit"),
    )


def _stored(dataset: Any, path: Path, stopped_at: int, claimed: int) -> tuple[int, int | None]:
    """Return where the pixels lie in the file and how many bytes they have; None when packed in some way."""
    if stopped_at < 0:
        return -1, None
    is_implicit, is_little = dataset.original_encoding
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(stopped_at)
        head = stream.read(12)
    order = "little" if is_little is not False else "big"
    tag = (int.from_bytes(head[:2], order), int.from_bytes(head[2:4], order))  # type: ignore[arg-type]
    if tag not in ((0x7FE0, 0x0010), (0x7FE0, 0x0008), (0x7FE0, 0x0009)) or len(head) < 12:
        raise InputError("expected pixels after the header, found none (the file may be truncated); export it again")
    start = stopped_at + (8 if is_implicit else 12)
    length = int.from_bytes(head[4:8] if is_implicit else head[8:12], order)  # type: ignore[arg-type]
    if length == 0xFFFFFFFF:
        return start, None
    byte_count = min(length, size - start)
    if byte_count < claimed:
        raise InputError(
            f"expected {claimed} bytes of pixels, found {byte_count} (the file is truncated); export it again"
        )
    return start, claimed


MOST_ASPECT_ERROR = 0.02
"""The ratio is written in whole numbers."""
Variants = tuple[tuple[tuple[str | float | None, ...], SeriesAcquisition], ...]


def _planes(dataset: Any, path: Path, pixels: Pixels) -> tuple[tuple[Plane, ...], Variants]:
    if dataset.get("PerFrameFunctionalGroupsSequence") and dataset.get("SharedFunctionalGroupsSequence"):
        return enhanced.planes(dataset, path, pixels, acquisition_of(dataset))
    acquisition = acquisition_of(dataset)
    position = numbers(dataset, "ImagePositionPatient", 3)
    axes = numbers(dataset, "ImageOrientationPatient", 6)
    spacing = numbers(dataset, "PixelSpacing", 2)
    if position is None or axes is None or spacing is None or pixels.frames != 1:
        return (), (((), acquisition),)
    split = split_of(acquisition)
    plane = Plane(
        path=path,
        frame=0,
        sop_uid=text(dataset, "SOPInstanceUID"),
        position_mm=position,
        along_row=axes[:3],
        along_column=axes[3:],
        spacing_mm=spacing,
        slope=_finite(number(dataset, "RescaleSlope"), 1.0) or 1.0,
        intercept=_finite(number(dataset, "RescaleIntercept"), 0.0),
        split=split,
        repeat=(
            whole(dataset, "TemporalPositionIdentifier") or 0,
            whole(dataset, "AcquisitionNumber") or 0,
            whole(dataset, "InstanceNumber") or 0,
        ),
        pixels=pixels,
        gain=scaling.gain_of(dataset),
    )
    return (plane,), ((split, acquisition),)


def _say_aspect(dataset: Any, planes: tuple[Plane, ...]) -> None:
    """Refuse planes whose two pixel spacings are not in the ratio that the file gives them; 1 to 1 says nothing.

    References
    ----------
    DICOM PS3.3, C.7.6.3.1.7: the ratio is vertical to horizontal, as the two values of Pixel Spacing are.
    """
    aspect = numbers(dataset, "PixelAspectRatio", 2)
    if aspect is None or min(aspect) <= 0 or aspect[0] == aspect[1]:
        return
    for plane in planes:
        down, across = plane.spacing_mm
        if abs(down * aspect[1] - across * aspect[0]) > MOST_ASPECT_ERROR * across * aspect[0]:
            raise InputError(
                f"expected pixels of {aspect[0]:g} to {aspect[1]:g} (PixelAspectRatio), found {down:g} x {across:g} mm "
                "(PixelSpacing); export the series from the archive again"
            )


def split_of(acquisition: SeriesAcquisition) -> tuple[str | float | None, ...]:
    """Return what tells images of one series apart, besides their place."""
    common = (
        "\\".join(acquisition.image_type),
        acquisition.echo_time_ms,
        acquisition.inversion_time_ms,
        acquisition.b_value,
    )
    return common if acquisition.direction is None else (*common, ",".join(f"{v:.3f}" for v in acquisition.direction))


def _finite(value: float | None, default: float) -> float:
    return value if value is not None and math.isfinite(value) else default
