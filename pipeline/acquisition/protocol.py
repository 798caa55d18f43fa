"""How a scan was made, and what differs between two visits' scans: the one place that says when two are *the same*.

A tumour may look larger because it grew, or because another scanner or protocol drew its edge elsewhere. Nothing here
judges that: it says what changed, in words, so that a reader can. What is not recorded is never taken for the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

MAKERS = ("Siemens", "GE", "Philips", "Canon", "Toshiba", "Hitachi", "Fujifilm", "United Imaging", "Bruker", "Esaote")
"""Makers by the beginning of what scanners write; the rest of it changes with the software."""

OTHER_BEGINNINGS = {"General Electric": "GE", "UIH": "United Imaging"}

FIELDS_TESLA = (0.35, 0.55, 1.0, 1.5, 3.0, 7.0)
"""Field strengths that scanners are sold as."""

FIELD_TOLERANCE = 0.1
"""Scanners write what their magnet has (2.89 or 1.494 T): within a tenth it is the strength it is sold as."""

SLICE_TOLERANCE = 0.2
"""3.0 and 3.3 mm are one protocol with and without its gap; 3 and 4 mm (a third more) sample a cord otherwise."""

PIXEL_TOLERANCE = 0.2
"""0.6 and 0.7 mm are one protocol with the field of view of the day (17 %); 0.7 and 0.9 mm (29 %) are not."""

ECHO_TOLERANCE = 0.2
"""From 100 to 120 ms tissue with a T2 of 80 ms loses a fifth of its signal, enough to move an edge."""

REPETITION_TOLERANCE = 0.3
"""Scanners stretch it for more slices; from 3 to 4 s cord (T1 about 0.9 s) gains 2 % signal, fluid more."""

FLIP_TOLERANCE = 0.3
"""Refocusing pulses are lowered from 180 to 150 degrees to spare heat, without a new protocol."""

SAME_MODEL_WORDS = "another scanner of the same model"
ROUNDING = 1e-9


class Answer(StrEnum):
    """Whether two scans were made alike in one respect."""

    SAME = "same"
    CHANGED = "changed"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Facts:
    """What is recorded of how a scan was made; None where it is not.

    Attributes
    ----------
    device
        A token that stands for the serial number or station; only tokens that begin alike compare.
    """

    manufacturer: str | None = None
    model: str | None = None
    field_tesla: float | None = None
    device: str | None = None
    software: str | None = None
    echo_time_ms: float | None = None
    repetition_time_ms: float | None = None
    flip_angle_deg: float | None = None
    slice_thickness_mm: float | None = None


@dataclass(frozen=True)
class MeasuredScan:
    """The scan that a visit was measured on: sequence and geometry as the image has them, the rest as recorded.

    Attributes
    ----------
    slice_mm, pixel_mm
        Distance between slices, and the larger side of a pixel.
    """

    contrast: str
    plane: str | None
    slice_mm: float | None
    pixel_mm: float | None
    facts: Facts = field(default_factory=Facts)


@dataclass(frozen=True)
class Difference:
    """What differs between an earlier and a later scan.

    Attributes
    ----------
    changes
        In words, ``from`` the earlier ``to`` the later scan.
    unknown
        What could not be compared, and at which visit it is not recorded.
    """

    scanner: Answer
    software: Answer
    protocol: Answer
    changes: tuple[str, ...]
    unknown: tuple[str, ...]


def scanner_key(facts: Facts) -> str | None:
    """Return what visits of one scanner share; None where too little is recorded to tell it from another.

    The device's token, else maker, model and field strength together, all three.
    """
    if facts.device:
        return facts.device
    maker, model, tesla = _maker(facts), plain(facts.model), nominal_tesla(facts.field_tesla)
    return f"m-{maker} {model} {tesla:g} T" if maker and model and tesla else None


def scanner_name(facts: Facts) -> str | None:
    r"""Name a scanner by what is recorded of it; None where nothing is.

    Examples
    --------
    >>> scanner_name(Facts("SIEMENS", "Skyra", 2.89))
    'Siemens Skyra 3 T'
    """
    tesla = nominal_tesla(facts.field_tesla)
    parts = (_maker_shown(facts), facts.model, f"{tesla:g} T" if tesla else None)
    return " ".join(part for part in parts if part) or None


def protocol_name(scan: MeasuredScan) -> str:
    """Name a protocol in a few words: sequence, plane and distance between slices.

    Examples
    --------
    >>> protocol_name(MeasuredScan("T2w", "sagittal", 3.3, 0.7))
    'T2w sagittal 3.3 mm'
    """
    distance = f"{scan.slice_mm:.1f} mm" if scan.slice_mm else None
    return " ".join(part for part in (_sequence(scan), scan.plane, distance) if part)


def nominal_tesla(tesla: float | None) -> float | None:
    """Return the field strength a scanner is sold as; its own to two digits where none is near.

    Examples
    --------
    >>> nominal_tesla(2.89362), nominal_tesla(1.494), nominal_tesla(0.2)
    (3.0, 1.5, 0.2)
    """
    if tesla is None:
        return None
    nearest = min(FIELDS_TESLA, key=lambda field: abs(field - tesla))
    return nearest if abs(nearest - tesla) <= FIELD_TOLERANCE * nearest else round(tesla, 2)


def compare(then: MeasuredScan | None, now: MeasuredScan | None) -> Difference:
    """Say what differs between the scans that an earlier and a later visit were measured on; None for no scan."""
    if then is None or now is None:
        missing = " and ".join(word for word, scan in (("the earlier", then), ("this", now)) if scan is None)
        return Difference(Answer.UNKNOWN, Answer.UNKNOWN, Answer.UNKNOWN, (), (f"no scan at {missing} visit",))
    scanner, of_scanner = _scanner(then.facts, now.facts)
    software, of_software = _software(then.facts, now.facts, scanner)
    protocol, of_protocol, unknown = _protocol(then, now)
    if scanner == Answer.UNKNOWN:
        unknown = (_not_recorded("scanner", scanner_key(then.facts), scanner_key(now.facts)), *unknown)
    return Difference(scanner, software, protocol, (*of_scanner, *of_software, *of_protocol), unknown)


def is_beyond(then: float, now: float, tolerance: float) -> bool:
    """Say whether two sizes differ by more than a tolerance of the smaller one; which came first is irrelevant.

    Examples
    --------
    >>> is_beyond(3.0, 3.6, 0.2), is_beyond(3.0, 3.61, 0.2), is_beyond(3.61, 3.0, 0.2)
    (False, True, True)
    """
    return max(then, now) > (1 + tolerance) * min(then, now) * (1 + ROUNDING)


def _scanner(then: Facts, now: Facts) -> tuple[Answer, tuple[str, ...]]:
    """Compare scanners: field strength first, then the device, then maker and model."""
    answer = _same_device(then, now)
    before, after = scanner_name(then) or "one not named", scanner_name(now) or "one not named"
    if answer == Answer.CHANGED:
        words = f"{SAME_MODEL_WORDS} ({after})" if before == after else f"scanner from {before} to {after}"
        return answer, (words,)
    renamed = _differ(plain(then.model), plain(now.model))
    return answer, (f"scanner renamed from {then.model} to {now.model}",) if renamed else ()


def _same_device(then: Facts, now: Facts) -> Answer:
    if _differ(nominal_tesla(then.field_tesla), nominal_tesla(now.field_tesla)):
        return Answer.CHANGED
    devices = {then.device, now.device} - {None}
    if then.device and now.device and then.device[:2] == now.device[:2]:
        return Answer.SAME if then.device == now.device else Answer.CHANGED
    if _differ(_maker(then), _maker(now)) or _differ(plain(then.model), plain(now.model)):
        return Answer.CHANGED
    both_known = scanner_key(then) and scanner_key(now)
    return Answer.SAME if both_known and not devices else Answer.UNKNOWN


def _software(then: Facts, now: Facts, scanner: Answer) -> tuple[Answer, tuple[str, ...]]:
    """Compare the software of one scanner; between two scanners it says nothing of its own."""
    if scanner != Answer.SAME or not (then.software and now.software):
        return Answer.UNKNOWN, ()
    if then.software == now.software:
        return Answer.SAME, ()
    return Answer.CHANGED, (f"software from {then.software} to {now.software}",)


def _protocol(then: MeasuredScan, now: MeasuredScan) -> tuple[Answer, tuple[str, ...], tuple[str, ...]]:
    a, b = then.facts, now.facts
    words = (
        ("sequence", _sequence(then), _sequence(now)),
        ("plane", then.plane, now.plane),
    )
    sizes = (
        ("distance between slices", then.slice_mm, now.slice_mm, SLICE_TOLERANCE, "{:.1f}", " mm"),
        ("pixel size", then.pixel_mm, now.pixel_mm, PIXEL_TOLERANCE, "{:.2f}", " mm"),
        ("echo time", a.echo_time_ms, b.echo_time_ms, ECHO_TOLERANCE, "{:.0f}", " ms"),
        ("repetition time", a.repetition_time_ms, b.repetition_time_ms, REPETITION_TOLERANCE, "{:.0f}", " ms"),
        ("flip angle", a.flip_angle_deg, b.flip_angle_deg, FLIP_TOLERANCE, "{:.0f}", "°"),
    )
    changes = [f"{name} from {before} to {after}" for name, before, after in words if _differ(before, after)]
    for name, before, after, tolerance, form, unit in sizes:
        if before and after and is_beyond(before, after, tolerance):
            changes.append(f"{name} from {form.format(before)} to {form.format(after)}{unit}")
    if not any(change.startswith("distance") for change in changes):  # a gap can hide a thicker slice
        changes += _thickness(a.slice_thickness_mm, b.slice_thickness_mm)
    pairs = (*words, *((name, before, after) for name, before, after, *_ in sizes))
    unknown = tuple(_not_recorded(name, before, after) for name, before, after in pairs if not (before and after))
    if changes:
        return Answer.CHANGED, tuple(changes), unknown
    return (Answer.UNKNOWN if unknown else Answer.SAME), (), unknown


def _thickness(then: float | None, now: float | None) -> list[str]:
    """Compare the stated thickness; where it is not stated the image's own distance between slices has spoken."""
    if then and now and is_beyond(then, now, SLICE_TOLERANCE):
        return [f"slice thickness from {then:.1f} to {now:.1f} mm"]
    return []


def _not_recorded(name: str, then: object, now: object) -> str:
    visits = " and ".join(word for word, value in (("the earlier", then), ("this", now)) if not value)
    return f"{name} not recorded at {visits} visit" if visits else f"{name} recorded too differently to compare"


def _sequence(scan: MeasuredScan) -> str:
    return scan.contrast.replace("_ce", " + contrast")


def _differ(then: object, now: object) -> bool:
    return then is not None and now is not None and then != now


def _maker(facts: Facts) -> str | None:
    return maker_of(facts.manufacturer) or plain(facts.manufacturer)


def _maker_shown(facts: Facts) -> str | None:
    return maker_of(facts.manufacturer) or facts.manufacturer


def maker_of(text: str | None) -> str | None:
    """Return the known maker that a text begins with; None for any other.

    Examples
    --------
    >>> maker_of("SIEMENS"), maker_of("GE MEDICAL SYSTEMS"), maker_of("generic")
    ('Siemens', 'GE', None)
    """
    for beginning, maker in ({name: name for name in MAKERS} | OTHER_BEGINNINGS).items():
        rest = (text or "").strip()[len(beginning) :]
        if (text or "").strip().upper().startswith(beginning.upper()) and not rest[:1].isalpha():
            return maker
    return None


def plain(text: str | None) -> str | None:
    """Return letters and digits only, without the family name that newer software writes before a model.

    Examples
    --------
    >>> plain("MAGNETOM Skyra"), plain("Skyra")
    ('skyra', 'skyra')
    """
    letters = "".join(letter for letter in (text or "").casefold() if letter.isalnum()).removeprefix("magnetom")
    return letters or None
