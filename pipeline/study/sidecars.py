"""How a scan was made, from the JSON file beside its image: a short list of fields, each believed only within reason.

Who writes such files is not known, so a value may be of any kind. One that cannot be used costs itself, with a finding,
and nothing else. What names a place or a person (institution, station, serial number) is never kept: the device becomes
a token, and findings do not quote it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.acquisition.protocol import Facts, maker_of
from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.study.names import relative_to
from pipeline.study.study_tables import read_json

LONGEST_TEXT = 64
"""Letters of a text, as DICOM allows (LO)."""

MOST_BYTES = 4_000_000
"""A sidecar has some thousand bytes; what is larger is not read."""

OWN_TOKEN = re.compile(r"[0-9a-f]{8,64}", re.ASCII)
"""How DICOM import writes a device, a series and a digest; anything else may be a number in the clear."""

MOST_QUOTED = 30
TOKEN_LENGTH = 12


@dataclass(frozen=True)
class _Range:
    """A number that is believed: above ``low`` up to ``high``, in the unit of BIDS; ``factor`` makes it ours."""

    low: float
    high: float
    unit: str
    factor: float = 1.0


RANGES = {
    "MagneticFieldStrength": _Range(0, 25, "tesla"),
    "EchoTime": _Range(0, 2, "seconds", 1000),
    "RepetitionTime": _Range(0, 60, "seconds", 1000),
    "FlipAngle": _Range(0, 360, "degrees"),
    "SliceThickness": _Range(0, 100, "mm"),
}
"""What BIDS has each number in; an echo time of 90 is one in milliseconds, and not taken for seconds."""

DEVICES = (("DeviceToken", "t"), ("DeviceSerialNumber", "s"), ("StationName", "n"))
"""Fields that tell one device from another, the best first; tokens of different fields do not compare."""


@dataclass(frozen=True)
class Conversion:
    """The DICOM series that this program converted to an image, as a token, and the SHA-256 of the file it wrote."""

    series: str
    image_sha256: str


@dataclass(frozen=True)
class Claims:
    """What a sidecar says that the scan's name, the tables or other visits may contradict.

    Attributes
    ----------
    acquired_on
        The day of the scan; None where none can be read.
    person
        Names of fields about the person with a digest of what they say; what they say leaves no sidecar.
    sequence, image_type
        Words of the header, upper case.
    body_part, agent
        As written; empty where nothing is.
    """

    acquired_on: date | None = None
    person: tuple[tuple[str, str], ...] = ()
    sequence: frozenset[str] = frozenset()
    image_type: frozenset[str] = frozenset()
    body_part: str = ""
    agent: str = ""


PERSON_FIELDS = ("PatientID", "PatientBirthDate", "PatientSex")
DAY_FIELDS = ("AcquisitionDateTime", "AcquisitionDate", "SeriesDate", "StudyDate")
PLACEHOLDER_DAYS = frozenset({date(1899, 12, 30), date(1900, 1, 1), date(1970, 1, 1)})
"""What programs write for no day."""
NOBODYS_ID = r"0+|x+|anon|anonym(?:ous|ized|ised|isiert)?|removed|deleted|redacted|unknown|unbekannt|none|null"
"""What programs write for no number of a person."""
AGENT_FIELDS = ("ContrastBolusAgent", "ContrastBolusIngredient")


class _Sidecar:
    """The content of one sidecar, with a finding for each value that cannot be used."""

    def __init__(self, content: Mapping[str, Any], relative: str, findings: list[Finding]) -> None:
        self._content = content
        self._relative = relative
        self._findings = findings

    def number(self, name: str) -> float | None:
        value, wanted = self._content.get(name), RANGES[name]
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and wanted.low < value <= wanted.high:
            return round(float(value) * wanted.factor, 6)
        expected = f"a number above {wanted.low:g} up to {wanted.high:g} ({wanted.unit})"
        self._refuse(name, expected, _quoted(value))
        return None

    def text(self, name: str, *, is_secret: bool = False) -> str | None:
        value = self._content.get(name)
        if value is None or value == "":
            return None
        cleaned = " ".join(value.split()) if isinstance(value, str) else ""
        if cleaned and len(cleaned) <= LONGEST_TEXT and cleaned.isprintable():
            return cleaned
        value_words = "something else" if is_secret else _quoted(value)
        self._refuse(name, f"a text of up to {LONGEST_TEXT} printable letters", value_words)
        return None

    def device(self, manufacturer: str | None) -> str | None:
        for name, kind in DEVICES:
            value = self.text(name, is_secret=True)
            if value is not None:
                is_ours = kind == "t" and OWN_TOKEN.fullmatch(value)
                return f"{kind}-{value if is_ours else _token(manufacturer, value)}"
        return None

    def own(self, name: str) -> str | None:
        """Return a token that the conversion of a DICOM series writes; None where it is none."""
        value = self._content.get(name)
        return value if isinstance(value, str) and OWN_TOKEN.fullmatch(value) else None

    def claims(self) -> Claims:
        """Return what is said of day, person and kind of scan; what is malformed says nothing."""
        days = (_day(self._content.get(name)) for name in DAY_FIELDS)
        person = ((name, _of_person(name, self._content.get(name))) for name in PERSON_FIELDS)
        return Claims(
            acquired_on=next((day for day in days if day is not None), None),
            person=tuple((name, hashlib.sha256(value.encode()).hexdigest()) for name, value in person if value),
            sequence=self._words("ScanningSequence"),
            image_type=self._words("ImageType", parted_by=r"[\\,/ ]+"),
            body_part=str(self._content.get("BodyPartExamined") or ""),
            agent=" ".join(str(self._content[name]) for name in AGENT_FIELDS if self._content.get(name)),
        )

    def _words(self, name: str, parted_by: str = r"[\\_,/ ]+") -> frozenset[str]:
        """Return the words of a field; of image types such as IN_PHASE are one."""
        value = self._content.get(name)
        parts = value if isinstance(value, list) else re.split(parted_by, value) if isinstance(value, str) else []
        return frozenset(part.upper() for part in parts if isinstance(part, str))

    def _refuse(self, name: str, expected: str, value_words: str) -> None:
        message = f"{self._relative}: expected {name} to be {expected}, found {value_words}"
        self._findings.append(finding("sidecar_value", message, self._relative))


def read_sidecar(image: Path, root: Path, findings: list[Finding]) -> tuple[Facts, Conversion | None, Claims]:
    """Read from the JSON file beside an image how it was made, of what if this program made it, and what it claims.

    Parameters
    ----------
    image
        Inside ``root``; the sidecar has its name with ``.json``.
    root
        The study folder, resolved.
    findings
        An unreadable sidecar and each value that cannot be used are added.
    """
    path = image.with_name(f"{image.name.removesuffix('.gz').removesuffix('.nii')}.json")
    if _is_too_large(path):
        relative = relative_to(root, path)
        message = f"{relative}: expected a JSON object of up to {MOST_BYTES} bytes, found a larger file"
        findings.append(finding("json_unreadable", message, relative))
        return Facts(), None, Claims()
    sidecar = _Sidecar(read_json(path, root, findings), relative_to(root, path), findings)
    manufacturer = sidecar.text("Manufacturer")
    facts = Facts(
        manufacturer=manufacturer,
        model=sidecar.text("ManufacturersModelName"),
        field_tesla=sidecar.number("MagneticFieldStrength"),
        device=sidecar.device(manufacturer),
        software=sidecar.text("SoftwareVersions"),
        echo_time_ms=sidecar.number("EchoTime"),
        repetition_time_ms=sidecar.number("RepetitionTime"),
        flip_angle_deg=sidecar.number("FlipAngle"),
        slice_thickness_mm=sidecar.number("SliceThickness"),
    )
    series, image_sha256 = sidecar.own("SeriesToken"), sidecar.own("ImageDigest")
    return facts, Conversion(series, image_sha256) if series and image_sha256 else None, sidecar.claims()


def _day(value: object) -> date | None:
    match = re.match(r"(\d{4})-?(\d{2})-?(\d{2})(?!\d)", value) if isinstance(value, str) else None
    try:
        on = date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None
    return None if on in PLACEHOLDER_DAYS else on


def _of_person(name: str, value: object) -> str:
    """Return what a field says of a person in one spelling; empty where it stands in place of a word that was removed.

    >>> _of_person("PatientBirthDate", "1970-01-31"), _of_person("PatientSex", "O")
    ('1970-01-31', '')
    """
    text = str(value or "").strip().casefold()
    if name == "PatientBirthDate":
        born_on = _day(text)
        is_day = born_on is not None and (born_on.month, born_on.day) != (1, 1)  # of a year alone, or of nobody
        return born_on.isoformat() if born_on is not None and is_day else ""
    if name == "PatientSex":
        return text[:1] if text in ("m", "f", "male", "female") else ""
    return "" if re.fullmatch(NOBODYS_ID, text) else text


def _is_too_large(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size > MOST_BYTES
    except OSError:  # said by whoever opens it
        return False


def _token(manufacturer: str | None, number: str) -> str:
    """Return what stands for a device: equal for equal numbers of one maker, and without the number in it."""
    maker = maker_of(manufacturer) or (manufacturer or "").casefold()
    return hashlib.sha256(f"{maker}\x1f{number}".encode()).hexdigest()[:TOKEN_LENGTH]


def _quoted(value: object) -> str:
    """Quote a value of any kind briefly and in plain letters."""
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "an object"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 64:
        return "a number of very many digits"
    text = ascii(value)
    return text if len(text) <= MOST_QUOTED else f"{text[:MOST_QUOTED]}…"
