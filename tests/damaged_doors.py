"""What comes in at each door, whole and damaged: what a reader makes of it, and whether it says so.

A door writes a whole input, names the files of it that get damaged, and reads the folder. The answer to a damaged
input is one of: refused in words; the same as of the whole one; another one with something said that the whole one
does not make it say; another one with nothing said.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from pipeline.core.records import Finding
from pipeline.core.volume import Volume
from pipeline.errors import CordtrackError
from pipeline.files import images
from pipeline.hospital.importing.importing import ImportSettings, import_dicom
from pipeline.hospital.importing.site_rules import load as load_rules
from pipeline.journal import act_file
from pipeline.journal.act_file import Act
from pipeline.judge import criteria_files
from pipeline.study.mask_voxels import read_mask
from pipeline.study.study_folder import read_study
from pipeline.tools.assess import assess_table
from pipeline.tools.one_scan import measure_file
from tests import damage, dicom_files
from tests.study_folder import AFFINE, AS_OF, ONE_VISIT, only_visit, write_files

LONGEST_S = 30
"""Seconds after which reading a file of some kilobytes counts as hanging."""


@dataclass(frozen=True)
class Answer:
    """What a door makes of an input: its values as text, and what it says beside them."""

    values: str
    said: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Beginning(Answer):
    """Entries of a list that is only ever added to: fewer of them is how it was before."""

    def is_of(self, other: Answer) -> bool:
        """Say whether another list begins with these entries."""
        return other.values.startswith(self.values)


@dataclass(frozen=True)
class Door:
    """One kind of input.

    Attributes
    ----------
    write
        Writes the whole input into an empty folder and returns the files to damage.
    read
        Reads the folder.
    is_sealed
        A checksum covers every byte: no damage may go unnoticed, but for a journal that ends at the end of a line.
    """

    name: str
    write: Callable[[Path], list[Path]]
    read: Callable[[Path], Answer]
    harm: damage.Damage
    is_sealed: bool = False


@dataclass
class Tally:
    """How often each answer came; ``unsaid`` and ``faults`` hold the seeds that made them."""

    refused: int = 0
    same: int = 0
    told: int = 0
    unsaid: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Inputs tried."""
        return self.refused + self.same + self.told + len(self.unsaid) + len(self.faults)


def tried(door: Door, folder: Path, seeds: range) -> Tally:
    """Damage a door's input once for each seed and count what comes of it."""
    tally = Tally()
    folder.mkdir(exist_ok=True)
    files = door.write(folder)
    whole = {path: path.read_bytes() for path in files}
    expected = door.read(folder)
    for seed in seeds:
        random = Random(f"{door.name} {seed}")
        path = random.choice(files)
        path.write_bytes(door.harm(whole[path], random))
        place = f"{door.name} seed {seed} in {path.name}"
        try:
            with _in_time(), warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)  # a warning of a library may quote a header
                answer = door.read(folder)
        except CordtrackError as error:
            tally.refused += 1
            if not str(error).strip() or "Traceback" in str(error):
                tally.faults.append(f"{place}: no words")
        except Exception as error:  # what must not happen is what is counted
            tally.faults.append(f"{place}: {type(error).__name__}: {str(error)[:200]}")
        else:
            _count(answer, expected, place, tally)
        path.write_bytes(whole[path])
    return tally


def _count(answer: Answer, expected: Answer, place: str, tally: Tally) -> None:
    if answer.said - expected.said:
        tally.told += 1
    elif answer.values == expected.values or (isinstance(answer, Beginning) and answer.is_of(expected)):
        tally.same += 1
    else:
        tally.unsaid.append(place)


@contextmanager
def _in_time() -> Iterator[None]:
    def give_up(*_: Any) -> None:
        msg = f"no answer within {LONGEST_S} seconds"
        raise TimeoutError(msg)

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LONGEST_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _body() -> np.ndarray:
    i, j, k = np.indices((12, 10, 6))
    return (200 + 40 * np.sin(i) + 30 * np.cos(j) + 10 * k).astype(np.int16)


def _lesion() -> np.ndarray:
    array = np.zeros((12, 10, 6), np.uint8)
    array[4:8, 4:7, 2:4] = 1
    array[4:6, 4:7, 4:5] = 2
    return array


def _write_nifti(folder: Path, name: str, array: np.ndarray) -> list[Path]:
    images.save(Volume(array, AFFINE), folder / name)
    return [folder / name]


def write_mask(folder: Path) -> Path:
    """Write a whole, uncompressed label map of two compartments."""
    return _write_nifti(folder, "mask.nii", _lesion())[0]


def _read_scan(folder: Path, name: str) -> Answer:
    volume, lost_count = images.load_with_gaps(folder / name)
    said = {f"{lost_count} voxels that are no numbers"} if lost_count else set()
    return Answer(_digest(volume), frozenset(said))


def _digest(volume: Volume) -> str:
    content = np.asarray(volume.array, np.float64)
    return f"{volume.shape} {np.round(volume.affine, 4).tolist()} {hashlib.sha256(content.tobytes()).hexdigest()}"


def _read_alone(folder: Path, name: str) -> Answer:
    return Answer(repr(measure_file(folder / name, None)))


MASK = "derivatives/reader/sub-01/ses-01/anat/sub-01_ses-01_dseg.nii.gz"
SCAN = "sub-01/ses-01/anat/sub-01_ses-01_T2w.nii.gz"


def _write_drawn(folder: Path) -> list[Path]:
    write_files(folder, {**ONE_VISIT, SCAN: Volume(_body(), AFFINE), MASK: Volume(_lesion(), AFFINE)})
    _unpacked(folder / MASK)
    return [folder / MASK]


def _unpacked(path: Path) -> None:
    """Keep the voxels bare in the gzip file, as a damaged header is then still inside a whole file."""
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 1, mtime=0))


def _inside(content: bytes, random: Random) -> bytes:
    """Damage what a whole gzip file holds."""
    return gzip.compress(damage.binary(gzip.decompress(content), random, 352), 1, mtime=0)


def _read_drawn(folder: Path) -> Answer:
    study = read_study(folder, as_of=AS_OF)
    visit = only_visit(study)
    image = images.load_scan(folder / SCAN)
    findings: list[Finding] = list(study.findings)
    values = []
    for mask in visit.masks:
        readings, odd = read_mask(mask, image, visit.scans)
        findings += odd
        values += [f"{one.compartment} {_digest(one.volume)} {one.bound_reason}" for one in readings]
    return Answer(repr(values), _said(findings))


def _said(findings: Any) -> frozenset[str]:
    return frozenset(f"{finding.code}: {finding.message}" for finding in findings)


TABLES = {
    "participants.tsv": "participant_id\tsex\tage\thistology\tgrade\tdied_on\nsub-01\tF\t40\tependymoma\t2\tn/a\n"
    "sub-02\tM\t31\tastrocytoma\t2\t2023-03-04\n",
    "treatments.tsv": "participant_id\tdate\tend_date\tkind\textent\tdose_gy\tagent\n"
    "sub-01\t2020-03-01\tn/a\tsurgery\tSTR\tn/a\tn/a\nsub-01\t2020-06-01\t2020-07-12\tradiotherapy\tn/a\t50.4\tn/a\n"
    "sub-02\t2021-01-05\tn/a\tsteroid\tn/a\tn/a\tn/a\n",
    "function.tsv": "participant_id\tdate\tscale_id\tgrade\nsub-01\t2020-02-17\tmccormick_modified\t2\n",
    "sub-01/sub-01_sessions.tsv": "session_id\tacq_date\nses-01\t2020-02-17\nses-02\t2021-02-17\n",
    "sub-01/ses-02/anat/sub-01_ses-02_T2w.nii.gz": b"listed, never opened",
    "sub-02/ses-01/anat/sub-02_ses-01_T2w.nii.gz": b"listed, never opened",
    "sub-02/sub-02_sessions.tsv": "session_id\tacq_date\nses-01\t2020-12-24\n",
    "derivatives/reader/dseg.tsv": "index\tname\n1\ttumour\n2\tcyst\n",
    "imported_measurements.tsv": "participant_id\tdate\tcompartment\tvolume_mm3\nsub-01\t2022-02-17\ttumour\t812.5\n",
}


def _write_tables(folder: Path) -> list[Path]:
    write_files(folder, {**ONE_VISIT, **TABLES, MASK: b"listed, never opened"})
    return [folder / name for name, content in TABLES.items() if isinstance(content, str)]


def _read_tables(folder: Path) -> Answer:
    study = read_study(folder, as_of=AS_OF)
    return Answer(repr(study.patients), _said(study.findings))


VOLUMES = (
    "patient_id\tdate\ttumour_mm3\ncase1\t2020-01-15\t1000\ncase1\t2020-07-15\t900\ncase1\t2021-01-15\t1500\n"
    "case2\t2020-02-01\t400\ncase2\t2020-09-01\t410\n"
)


def _write_volumes(folder: Path) -> list[Path]:
    treatments = "patient_id\tdate\tkind\ncase1\t2020-02-01\tsurgery\n"
    write_files(folder, {"volumes.tsv": VOLUMES, "treatments.tsv": treatments})
    return [folder / "volumes.tsv", folder / "treatments.tsv"]


def _read_volumes(folder: Path) -> Answer:
    done = assess_table(folder / "volumes.tsv", folder / "treatments.tsv", "imsct_adapted_v1", AS_OF)
    return Answer(repr(done.rows), _said(done.findings))


DICOM_COUNT = 6


def _write_series(folder: Path) -> list[Path]:
    affine = np.array([[0.0, 0, -3.0, 9.0], [-0.7, 0.0, 0.0, 30.0], [0.0, -0.7, 0.0, 60.0], [0, 0, 0, 1.0]])
    made = dicom_files.slices(Volume(_body(), affine), date(2020, 2, 17))
    return dicom_files.save_all(sorted(made, key=lambda one: int(one.InstanceNumber)), folder / "in")


def _read_series(folder: Path) -> Answer:
    """Import into a new study; what counts is what was made of the series, not the person's name."""
    study, number = folder, 0
    while study == folder or study.exists():
        number += 1
        study = folder / f"study{number}"
    done = import_dicom(ImportSettings(folder / "in", study, jobs=1), lambda *_: None)
    values = sorted(_digest(images.load_scan(study / file)) for file in done.added)
    said = {f"{finding.code}" for finding in done.findings}
    return Answer(repr(values), frozenset(said))


def _write_toml(folder: Path, name: str, content: str) -> list[Path]:
    return [write_files(folder, {name: content}) / name]


RULES = """[[rule]]
series = "abcdefgh"
contrast = "T1w_ce"
plane = "sag"

[[rule]]
description = "t2_tse"
contrast = "T2w"

[[segment]]
label = "Tumor 1"
compartment = "tumour"
"""


def _criteria_text() -> str:
    from importlib import resources  # noqa: PLC0415

    return (resources.files("pipeline.judge.criteria_tables") / "imsct_adapted_v1.toml").read_text(encoding="utf-8")


def _write_journal(folder: Path) -> list[Path]:
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    for number in range(4):
        act = Act("comment", patient_id="sub-01", session_id="ses-01", reason=f"comment number {number}")
        act_file.append(folder, [act], "Dr. Example", at)
    return [folder / "journal" / "acts.jsonl"]


def _read_journal(folder: Path) -> Answer:
    journal = act_file.read(folder)
    return Beginning("".join(map(repr, journal.entries)), _said(journal.findings))


def _write_sidecar(folder: Path) -> list[Path]:
    content = json.dumps({"EchoTime": 0.105, "RepetitionTime": 3.5, "MagneticFieldStrength": 3, "SeriesToken": "abc",
                          "Manufacturer": "Siemens", "SliceThickness": 3}, indent=1)  # fmt: skip
    name = SCAN.replace(".nii.gz", ".json")
    write_files(folder, {**ONE_VISIT, name: content, "derivatives/reader/dataset_description.json": content})
    return [folder / name, folder / "dataset_description.json"]


def doors() -> tuple[Door, ...]:
    """Return every door."""
    header = partial(damage.binary, head=352)
    whole = partial(damage.binary, head=10**9)
    return (
        Door("scan, header", lambda f: _write_nifti(f, "scan.nii", _body()),
             partial(_read_scan, name="scan.nii"), header),
        Door("scan, compressed", lambda f: _write_nifti(f, "scan.nii.gz", _body()),
             partial(_read_scan, name="scan.nii.gz"), whole, is_sealed=True),
        Door("mask beside its scan", _write_drawn, _read_drawn, _inside),
        Door("mask alone", lambda f: [write_mask(f)],
             partial(_read_alone, name="mask.nii"), header),
        Door("tables of a study", _write_tables, _read_tables, damage.text),
        Door("sidecars", _write_sidecar, _read_tables, damage.text),
        Door("tables of sizes", _write_volumes, _read_volumes, damage.text),
        Door("DICOM series", _write_series, _read_series, partial(damage.binary, head=1200)),
        Door("criteria", lambda f: _write_toml(f, "own.toml", _criteria_text()),
             lambda f: Answer(repr(replace(criteria_files.load(str(f / "own.toml")), sha256=""))), damage.text),
        Door("rules of a site", lambda f: _write_toml(f, "rules.toml", RULES),
             lambda f: Answer(repr(load_rules(f / "rules.toml"))), damage.text),
        Door("journal", _write_journal, _read_journal, damage.text, is_sealed=True),
    )  # fmt: skip
