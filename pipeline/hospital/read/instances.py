"""What one DICOM file says, as frozen values: whose it is, how it was made, where its planes lie, where its pixels are.

Nothing here shows a person's data when printed: fields that may identify somebody are left out of every ``repr``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

Triple = tuple[float, float, float]

UNWEIGHTED = 50.0
"""Up to this b-value, s/mm², an image counts as unweighted: it has no direction."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who was scanned, as the scanner was told; never printed and never written into a study folder."""

    patient_id: str = field(repr=False)
    issuer: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    born_on: date | None = field(default=None, repr=False)
    sex: str | None = None
    age_years: float | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SeriesAcquisition:
    """How a series was made: what decides its contrast.

    Attributes
    ----------
    echo_time_ms, repetition_time_ms, inversion_time_ms
        Milliseconds; None when not stated.
    flip_angle_deg
        Degrees.
    kinds
        Scanning sequence: SE, GR, IR, EP, RM; of enhanced objects translated into the same words.
    variants
        Sequence variant, such as SK, SP, SS, MP, OSP.
    stated_contrast
        Acquisition contrast of enhanced objects, such as T1 or STIR.
    image_type
        Values of Image Type, upper case.
    b_value, direction
        Diffusion: b-value, s/mm², only where there is a diffusion sequence; direction in the patient's axes (LPS).
    agent
        True when the header names a contrast agent, False when it says there was none, None when it says nothing.
    is_agent_unclear
        The header has words about a contrast agent that are not known as one, nor as a denial.
    is_flow
        The angiography flag of the header.
    units
        What the scaled values are said to be, such as Hz; ``US`` and ``normalized`` are no units.
    times
        Temporal positions, or images over the cardiac cycle, that the header announces.
    images_stated, slices_stated
        How many images the acquisition, and how many slices a stack, is said to have.
    slice_distance_mm
        How far apart slices are said to be; positions decide.
    parts_stated
        Into how many files a multi-frame object is said to be split.
    description
        Series description, protocol and sequence name: read for words, never written anywhere.
    body_part
        The part of the body that the header names: read for words like the description.
    """

    modality: str = ""
    echo_time_ms: float | None = None
    repetition_time_ms: float | None = None
    inversion_time_ms: float | None = None
    flip_angle_deg: float | None = None
    echo_train_length: int | None = None
    kinds: frozenset[str] = frozenset()
    variants: frozenset[str] = frozenset()
    is_3d: bool | None = None
    stated_contrast: str = ""
    image_type: tuple[str, ...] = ()
    b_value: float | None = None
    direction: Triple | None = None
    is_isotropic: bool = False
    agent: bool | None = None
    is_agent_unclear: bool = False
    is_flow: bool = False
    units: str = ""
    times: int | None = None
    images_stated: int | None = None
    slices_stated: int | None = None
    parts_stated: int | None = None
    manufacturer: str = ""
    field_tesla: float | None = None
    slice_thickness_mm: float | None = None
    slice_distance_mm: float | None = None
    burned_in: bool | None = None
    description: str = field(default="", repr=False)
    body_part: str = field(default="", repr=False)

    @property
    def lacks_direction(self) -> bool:
        """Whether it is diffusion weighted in a direction that nobody tells; a trace image has none."""
        return (self.b_value or 0.0) > UNWEIGHTED and self.direction is None and not self.is_isotropic


@dataclass(frozen=True, slots=True)
class Filing:
    """What a hospital files results by, as the scanner was told; never printed and never written into a study."""

    accession: str = field(default="", repr=False)
    study_id: str = field(default="", repr=False)
    study_time: str = field(default="", repr=False)
    referring: str = field(default="", repr=False)
    instance_number: int | None = None


@dataclass(frozen=True, slots=True)
class Pixels:
    """How the pixels of a file are stored.

    Attributes
    ----------
    offset, length
        Byte position and length of the value in the file; length None when it is encapsulated (compressed) or when
        the whole data set is deflated.
    high_bit
        The bit, from 0, that the highest bit of a stored value lies at; None where it is ``bits_stored`` - 1.
    """

    syntax: str
    rows: int
    columns: int
    frames: int
    samples: int
    bits_allocated: int
    bits_stored: int
    is_signed: bool
    is_big_endian: bool
    offset: int
    length: int | None
    photometric: str = "MONOCHROME2"
    high_bit: int | None = None


@dataclass(frozen=True, slots=True)
class Plane:
    """One slice: its place in the patient (LPS mm, as DICOM has it) and in its file.

    Attributes
    ----------
    position_mm
        Centre of the first pixel.
    along_row, along_column
        Unit vectors of growing column and row index.
    spacing_mm
        Distance between rows, distance between columns.
    split
        Whatever tells images of one series apart: echo, b-value, image type, stack.
    repeat
        What orders planes that lie at the same place: acquisition, temporal position, instance number.
    gain
        Philips: by how much scaled values are larger than the signal that was measured; None where it is not said.
    """

    path: Path
    frame: int
    sop_uid: str = field(repr=False)
    position_mm: Triple
    along_row: Triple
    along_column: Triple
    spacing_mm: tuple[float, float]
    slope: float
    intercept: float
    split: tuple[str | float | None, ...]
    repeat: tuple[int, int, int]
    pixels: Pixels
    gain: float | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """One readable file of a series of images.

    ``acquisitions`` has one value per group of planes, by :attr:`Plane.split`; ``seen_at`` is the time of day.
    ``day_doubt`` says why ``studied_on`` cannot be the day of the scan; None where it may be. ``sat_on`` is that day
    where it is another one than ``studied_on``: a later sitting of one study, or a shifted StudyDate. ``made_on`` is
    the day in the unique number of an image, ``stepped_on`` that of the step: forgotten where dates are moved, or not.
    """

    path: Path
    sop_class: str
    sop_uid: str = field(repr=False)
    series_uid: str = field(repr=False)
    study_uid: str = field(repr=False)
    frame_of_reference_uid: str = field(repr=False)
    person: Person
    studied_on: date | None
    seen_at: str
    series_number: int
    device: str = field(repr=False)
    filing: Filing = field(repr=False)
    maker: str = field(repr=False)
    acquisition: SeriesAcquisition
    variants: tuple[tuple[tuple[str | float | None, ...], SeriesAcquisition], ...]
    planes: tuple[Plane, ...]
    day_doubt: str | None = None
    sat_on: date | None = field(default=None, repr=False)
    made_on: date | None = field(default=None, repr=False)
    stepped_on: date | None = field(default=None, repr=False)
