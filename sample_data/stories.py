"""Eight invented people: who they are, when they were scanned, what was in the cord, what was done.

Everything is made up. Volumes are in mm³; a compartment that is not named is not there (true volume 0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Shape = tuple[float, float, float]


@dataclass(frozen=True)
class Visit:
    """One scan.

    Attributes
    ----------
    session_id, acquired_on
        ``ses-01`` and an ISO date; None when the clinic did not send the date.
    protocol
        Key of ``sample_data.scanner.PROTOCOLS``.
    volumes_mm3
        True volume of each compartment; ``tumour_2`` is a second tumour.
    contrast
        Whether a contrast-enhanced T1w scan was made too.
    operated
        Whether the arches above the lesion have been opened by then.
    fault
        ``truncated scan`` or ``mask on another grid``; empty for a good visit.
    machine
        Key of ``sample_data.scanner.MACHINES``; ``none`` where the sidecar names no scanner, empty for B where the
        protocol has no slices and A where it has.
    echo_time_s
        Echo time of the T2w scan as its sidecar says, s; None for the usual one.
    uptake
        How tumour takes up contrast agent: ``all`` of it, ``none``, or a ``ring``.
    further
        Scans beside T2w and T1w after contrast agent: ``T1w``, ``T2starw``, ``ADC``, ``dwi``.
    is_labelled
        Whether discs and cord are labelled on the T2w scan.
    spectrum
        Whether a spectrum of the tumour was taken.
    """

    session_id: str
    acquired_on: str | None
    protocol: str
    volumes_mm3: Mapping[str, float]
    contrast: bool = True
    operated: bool = True
    fault: str = ""
    machine: str = ""
    echo_time_s: float | None = None
    uptake: str = "all"
    further: tuple[str, ...] = ()
    is_labelled: bool = False
    spectrum: bool = False


@dataclass(frozen=True)
class Treatment:
    """One row of ``treatments.tsv``."""

    date: str
    end_date: str
    kind: str
    extent: str = "n/a"
    dose_gy: str = "n/a"
    agent: str = "n/a"


@dataclass(frozen=True)
class Patient:
    """One person and the course of the disease.

    Attributes
    ----------
    reading
        How the reader's masks are written: ``labels`` (one map), ``masks`` (one file per compartment) or
        ``soft`` (one probability map per compartment).
    read_visits
        Sessions that the reader read; all others have no mask.
    second_reader
        Sessions read again by a second person.
    shapes
        Relative half-axes of each compartment along x, u, z.
    places
        Centre of each compartment, mm from the middle of the cord; x, u, z.
    sides
        +1 or -1 for what lies above or below the tumour.
    is_dark
        Tumour is darker than cord on T1w before contrast agent, instead of as bright.
    middle_disc
        Number of the disc that is nearest to the middle, as labels of discs count: 3 is C2/C3, 8 is C7/T1.
    """

    participant_id: str
    story: str
    region: str
    seed: int
    columns: Mapping[str, str]
    visits: tuple[Visit, ...]
    treatments: tuple[Treatment, ...]
    function: tuple[tuple[str, int], ...]
    read_visits: tuple[str, ...]
    reading: str = "labels"
    second_reader: tuple[str, ...] = ()
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    places: Mapping[str, Shape] = field(default_factory=dict)
    sides: Mapping[str, int] = field(default_factory=dict)
    is_dark: bool = False
    middle_disc: int | None = None


def _columns(sex: str, age: int, histology: str, who_grade: str, syndrome: str, where: str) -> dict[str, str]:
    centre, level = where.split(": ")
    keys = ("sex", "age", "histology", "who_grade", "syndrome", "centre", "level")
    return dict(zip(keys, (sex, str(age), histology, who_grade, syndrome, centre, level), strict=True))


STABLE = Patient(
    participant_id="sub-demo01",
    story="stable residual after subtotal resection",
    region="thoracic",
    seed=101,
    columns=_columns("F", 46, "ependymoma", "2", "n/a", "north: T6-T7"),
    visits=(
        Visit(
            "ses-01",
            "2019-06-11",
            "iso09",
            {"tumour": 620, "cyst": 190, "oedema": 260},
            further=("T1w", "T2starw"),
            is_labelled=True,
        ),
        Visit("ses-02", "2019-12-10", "iso09", {"tumour": 634, "cyst": 184, "oedema": 240}, contrast=False),
        Visit("ses-03", "2020-12-15", "iso09", {"tumour": 611, "cyst": 192, "oedema": 210}, contrast=False),
        Visit("ses-04", "2021-12-07", "iso09", {"tumour": 628, "cyst": 187, "oedema": 205}, contrast=False),
    ),
    treatments=(Treatment("2019-03-06", "2019-03-06", "surgery", "STR"),),
    function=(("2019-03-04", 2), ("2019-06-11", 3), ("2019-12-10", 2), ("2021-12-07", 2)),
    read_visits=("ses-01", "ses-02", "ses-03", "ses-04"),
    second_reader=("ses-01",),
    sides={"cyst": 1},
    middle_disc=14,
)

GROWTH = Patient(
    participant_id="sub-demo02",
    story="residual that grows slowly past 40 % above its nadir",
    region="cervical",
    seed=202,
    columns=_columns("M", 38, "ependymoma", "2", "NF2", "south: C4-C5"),
    visits=(
        Visit("ses-01", "2019-09-17", "sag", {"tumour": 545, "oedema": 330}),
        Visit("ses-02", "2020-03-24", "sag", {"tumour": 520, "oedema": 280}, contrast=False),
        Visit("ses-03", "2021-03-30", "sag", {"tumour": 585, "oedema": 280}, contrast=False),
        Visit("ses-04", "2022-04-05", "sag", {"tumour": 680, "oedema": 320}, contrast=False),
        Visit("ses-05", "2023-04-11", "sag", {"tumour": 850, "oedema": 380}, machine="C"),
        Visit("ses-06", "2023-10-17", "sag", {"tumour": 960, "oedema": 430}, machine="C"),
    ),
    treatments=(Treatment("2019-06-12", "2019-06-12", "surgery", "STR"),),
    function=(("2019-06-10", 2), ("2019-09-17", 2), ("2021-03-30", 2), ("2023-04-11", 2), ("2023-10-17", 3)),
    read_visits=("ses-01", "ses-04", "ses-05", "ses-06"),
)

RECURRENCE = Patient(
    participant_id="sub-demo03",
    story="recurrence four years after total resection",
    region="cervical",
    seed=303,
    columns=_columns("F", 52, "ependymoma", "2", "n/a", "north: C6-C7"),
    visits=(
        Visit("ses-01", "2019-05-14", "iso08", {"cavity": 330}),
        Visit("ses-02", "2019-11-19", "iso08", {"cavity": 190}, contrast=False),
        Visit("ses-03", "2020-11-17", "iso08", {"cavity": 70}, contrast=False),
        Visit("ses-04", "2021-11-23", "iso08", {}, contrast=False),
        Visit("ses-05", "2023-02-14", "iso08", {"tumour": 190}),
        Visit("ses-06", "2023-06-20", "iso08", {"tumour": 410}),
    ),
    treatments=(Treatment("2019-02-13", "2019-02-13", "surgery", "GTR"),),
    function=(("2019-02-11", 2), ("2019-05-14", 3), ("2020-11-17", 2), ("2023-06-20", 2)),
    read_visits=("ses-01", "ses-02", "ses-03", "ses-04", "ses-05", "ses-06"),
    shapes={"tumour": (1.0, 0.9, 0.8), "cavity": (0.9, 0.8, 1.2)},
    places={"tumour": (0.8, 0.2, -9.5), "cavity": (0.0, -0.9, 0.0)},
)

CYST = Patient(
    participant_id="sub-demo04",
    story="stable tumour beside a growing polar cyst",
    region="thoracic",
    seed=404,
    columns=_columns("M", 41, "ependymoma", "2", "n/a", "south: T9-T10"),
    visits=(
        Visit("ses-01", "2020-02-18", "ax", {"tumour": 580, "cyst": 300}),
        Visit("ses-02", "2020-08-25", "ax", {"tumour": 570, "cyst": 410}, contrast=False),
        Visit("ses-03", "2021-08-31", "ax", {"tumour": 592, "cyst": 640}, contrast=False),
        Visit("ses-04", "2022-09-06", "ax", {"tumour": 585, "cyst": 900}, contrast=False),
        Visit("ses-05", "2023-03-14", "ax", {"tumour": 576, "cyst": 1180}),
    ),
    treatments=(Treatment("2019-11-20", "2019-11-20", "surgery", "STR"),),
    function=(("2019-11-18", 3), ("2020-02-18", 3), ("2021-08-31", 3), ("2023-03-14", 4)),
    read_visits=("ses-01", "ses-02", "ses-03", "ses-04", "ses-05"),
    reading="masks",
    places={"tumour": (0.3, 0.0, -12.0)},
    sides={"cyst": 1},
)

RADIOTHERAPY = Patient(
    participant_id="sub-demo05",
    story="response to radiotherapy after a transient swelling within twelve weeks of its end",
    region="thoracic",
    seed=505,
    columns=_columns("F", 33, "astrocytoma", "2", "n/a", "north: T3-T5"),
    visits=(
        Visit(
            "ses-01",
            "2020-04-07",
            "iso10",
            {"tumour": 1400, "oedema": 420},
            uptake="none",
            further=("T1w", "dwi"),
            is_labelled=True,
            spectrum=True,
        ),
        Visit("ses-02", "2020-07-14", "iso10", {"tumour": 1430, "oedema": 520}, contrast=False),
        Visit("ses-03", "2020-08-31", "iso10", {"tumour": 2140, "oedema": 820}, uptake="ring", further=("T1w", "ADC")),
        Visit("ses-04", "2020-12-08", "iso10", {"tumour": 1180, "oedema": 430}, contrast=False),
        Visit("ses-05", "2021-06-15", "iso10", {"tumour": 760, "oedema": 300}, contrast=False, echo_time_s=0.14),
        Visit("ses-06", "2022-06-21", "iso10", {"tumour": 430, "oedema": 180}, contrast=False),
        Visit("ses-07", "2023-06-20", "iso10", {"tumour": 405, "oedema": 150}, uptake="none", further=("T1w",)),
    ),
    treatments=(
        Treatment("2020-01-15", "2020-01-15", "surgery", "biopsy"),
        Treatment("2020-05-04", "2020-06-12", "radiotherapy", dose_gy="50.4"),
    ),
    function=(("2020-01-13", 3), ("2020-04-07", 3), ("2020-08-31", 4), ("2021-06-15", 3), ("2023-06-20", 2)),
    read_visits=("ses-01", "ses-02", "ses-03", "ses-04", "ses-05", "ses-06", "ses-07"),
    reading="soft",
    shapes={"tumour": (1.05, 0.95, 1.15)},
    is_dark=True,
    middle_disc=11,
)

NEW_LESION = Patient(
    participant_id="sub-demo06",
    story="haemangioblastoma in von Hippel-Lindau disease: a watched nodule, and a new one below it",
    region="cervical",
    seed=606,
    columns=_columns("M", 29, "haemangioblastoma", "1", "VHL", "south: C3-C6"),
    visits=(
        Visit("ses-01", "2020-01-21", "iso08", {"tumour": 240, "syrinx": 260}, operated=False),
        Visit("ses-02", "2021-01-26", "iso08", {"tumour": 246, "syrinx": 265}, operated=False),
        Visit("ses-03", "2022-02-01", "iso08", {"tumour": 251, "syrinx": 270}, operated=False),
        Visit("ses-04", "2023-02-07", "iso08", {"tumour": 249, "tumour_2": 105, "syrinx": 268}, operated=False),
        Visit(
            "ses-05",
            "2023-08-15",
            "iso08",
            {"tumour": 256, "tumour_2": 170, "syrinx": 275},
            operated=False,
            further=("T1w",),
        ),
    ),
    treatments=(),
    function=(("2020-01-21", 1), ("2021-01-26", 1), ("2022-02-01", 1), ("2023-08-15", 2)),
    read_visits=("ses-01", "ses-02", "ses-03", "ses-04", "ses-05"),
    shapes={"tumour": (1.0, 1.0, 0.75), "tumour_2": (1.0, 1.0, 0.8), "syrinx": (1.1, 0.9, 2.6)},
    places={"tumour": (1.2, -1.9, 9.0), "tumour_2": (-1.6, -1.9, -22.0)},
    sides={"syrinx": -1},
)

SURGERY = Patient(
    participant_id="sub-demo07",
    story="cyst gone after surgery, residual unchanged, scanner replaced before the last visit",
    region="thoracolumbar",
    seed=707,
    columns=_columns("F", 57, "ependymoma", "2", "n/a", "north: T11-T12"),
    visits=(
        Visit("ses-01", "2021-02-23", "sag", {"tumour": 1850, "cyst": 950, "oedema": 420}, operated=False),
        Visit("ses-02", "2021-06-15", "sag", {"tumour": 560, "cavity": 420}),
        Visit("ses-03", "2022-01-18", "sag", {"tumour": 570, "cavity": 330}, contrast=False),
        Visit("ses-04", "2023-01-24", "sag", {"tumour": 552, "cavity": 300}, contrast=False),
        Visit("ses-05", "2024-01-30", "iso10", {"tumour": 566, "cavity": 290}),
    ),
    treatments=(Treatment("2021-03-10", "2021-03-10", "surgery", "STR"),),
    function=(("2021-02-23", 3), ("2021-06-15", 4), ("2022-01-18", 3), ("2023-01-24", 2), ("2024-01-30", 2)),
    read_visits=("ses-01", "ses-02", "ses-03", "ses-04", "ses-05"),
    places={"cavity": (0.0, -0.6, 0.0)},
    sides={"cyst": 1, "cavity": 1},
)

BAD_INPUT = Patient(
    participant_id="sub-demo08",
    story="a damaged scan, a mask on another grid and a missing date between good visits",
    region="cervical",
    seed=808,
    columns=_columns("M", 19, "pilocytic astrocytoma", "1", "NF1", "south: C5-C6"),
    visits=(
        Visit("ses-01", "2020-10-06", "iso10", {"tumour": 700, "syrinx": 210}),
        Visit("ses-02", "2021-04-13", "iso10", {"tumour": 690, "syrinx": 180}, contrast=False),
        Visit("ses-03", "2021-10-19", "iso10", {"tumour": 705}, contrast=False, fault="truncated scan"),
        Visit("ses-04", "2022-04-26", "iso10", {"tumour": 712}, contrast=False, fault="mask on another grid"),
        Visit("ses-05", None, "iso10", {"tumour": 698}, contrast=False),
        Visit("ses-06", "2023-05-02", "iso10", {"tumour": 715}, contrast=False, machine="none"),
    ),
    treatments=(Treatment("2020-07-08", "2020-07-08", "surgery", "PR"),),
    function=(("2020-07-06", 2), ("2020-10-06", 2), ("2023-05-02", 2)),
    read_visits=("ses-01", "ses-04"),
    sides={"syrinx": -1},
)

PATIENTS = (STABLE, GROWTH, RECURRENCE, CYST, RADIOTHERAPY, NEW_LESION, SURGERY, BAD_INPUT)
