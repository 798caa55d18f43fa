"""A study of many made-up patients without images, each awkward in some way, run as any other study.

Few scans or many, large errors or none, tumour that is not seen, gone or new, numbers missing, treatments in between,
lesions told apart, syndromes that exempt new tumours, cysts that creep, function that falls, days known
to the month, people who pinned a baseline or took a visit out. The same every time.
"""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from pipeline.files import fingerprints
from pipeline.journal import act_file
from pipeline.journal.decisions import Act, ActKind
from pipeline.run.run_settings import RunSettings
from pipeline.run.study_run import run
from pipeline.study.import_numbers import import_table

AS_OF = date(2024, 6, 1)
FIRST_SURGERY = date(2012, 1, 10)
CRITERIA = "imsct_adapted_v1"
READER = "Dr. Awkward"


@dataclass
class _Tables:
    volumes: list[str] = field(
        default_factory=lambda: [
            "patient_id,date,compartment,lesion_id,volume_mm3,volume_cv,new_lesion,histology,syndrome"
        ]
    )
    treatments: list[str] = field(default_factory=lambda: ["patient_id,date,kind,extent"])
    function: list[str] = field(default_factory=lambda: ["participant_id\tdate\tscale_id\tgrade"])
    acts: list[Act] = field(default_factory=list)


def awkward_run(folder: Path, patients: int) -> Path:
    """Write the study below a folder, unless it is there; run it, and return its output folder.

    A run in a folder that was run before does only what changed since, as any other run.
    """
    tables = _Tables()
    dice = random.Random(26)
    for number in range(patients):
        _patient(tables, f"sub-{number:03d}", dice)
    made_by = fingerprints.of_code(import_table.__module__, act_file.__name__)
    digest = hashlib.sha256(repr((tables, made_by)).encode()).hexdigest()
    study, out, written = folder / "study", folder / "out", folder / "written"
    if not written.is_file() or written.read_text(encoding="utf-8") != digest:
        shutil.rmtree(folder, ignore_errors=True)
        _write(tables, folder, study, out)
        written.write_text(digest, encoding="utf-8")
    at = datetime(AS_OF.year, AS_OF.month, AS_OF.day)  # noqa: DTZ001
    run(RunSettings(study, out, CRITERIA, None, 1, AS_OF, at), lambda *_: None)
    return out


def _write(tables: _Tables, folder: Path, study: Path, out: Path) -> None:
    out.mkdir(parents=True)
    for name, lines in (("v.csv", tables.volumes), ("t.csv", tables.treatments)):
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    import_table(folder / "v.csv", folder / "t.csv", study, AS_OF)
    (study / "function.tsv").write_text("\n".join(tables.function) + "\n", encoding="utf-8")
    at = datetime(AS_OF.year, AS_OF.month, AS_OF.day)  # noqa: DTZ001
    act_file.append(out, tables.acts, READER, at)


def _patient(tables: _Tables, name: str, dice: random.Random) -> None:
    histology = dice.choice(["ependymoma", "pilocytic astrocytoma", "haemangioblastoma", "astrocytoma", ""])
    syndrome = dice.choice(["", "", "", "VHL", "NF2"])
    days = sorted(dice.sample(range(40, 4000), dice.randint(1, 5)))
    scans = [FIRST_SURGERY + timedelta(days=day) for day in days]
    _treat(tables, name, dice, days)
    for day in [0, *days]:
        if dice.random() < 0.4:
            seen_on = FIRST_SURGERY + timedelta(days=day)
            tables.function.append(f"{name}\t{seen_on}\tmmccormick\t{dice.choice([1, 2, 2, 3, 4])}")
    is_apart = dice.random() < 0.2
    for row in _sizes(scans, dice, is_apart=is_apart):
        tables.volumes.append(f"{name},{row},{histology},{syndrome}")
    if len(days) > 2 and dice.random() < 0.15:
        kind, place = dice.choice([(ActKind.PIN_BASELINE, 1), (ActKind.EXCLUDE_VISIT, -1)])
        tables.acts.append(Act(kind, name, f"ses-{scans[place]:%Y%m%d}", reason="made up"))


def _treat(tables: _Tables, name: str, dice: random.Random, days: list[int]) -> None:
    if dice.random() < 0.7:
        tables.treatments.append(f"{name},{FIRST_SURGERY},surgery,{dice.choice(['GTR', 'STR', 'PR', ''])}")
    if len(days) > 2 and dice.random() < 0.3:
        given_on = FIRST_SURGERY + timedelta(days=(days[0] + days[1]) // 2)
        day = dice.choice([f"{given_on}", f"{given_on:%Y-%m}"])
        tables.treatments.append(f"{name},{day},{dice.choice(['radiotherapy', 'chemotherapy', 'surgery'])},")


def _sizes(scans: list[date], dice: random.Random, *, is_apart: bool) -> Iterator[str]:
    size, second, cyst = dice.choice([0.0, 60.0, 400.0, 3000.0]), 0.0, dice.choice([None, 0.0, 300.0])
    for number, scanned_on in enumerate(scans):
        size = dice.choice(
            [size * dice.uniform(0.5, 1.8), size * dice.uniform(0.9, 1.1), size, 0.0 if number > 2 else size]
        )
        size = dice.choice([size, size, size, 90.0]) if number > 1 else size
        is_missing, error = dice.random() < 0.07, dice.choice(["0.04", "0.1", "0.35", ""])
        first = "" if is_missing else f"{size:.0f}"
        is_new = "yes" if not is_apart and dice.random() < 0.05 else ""
        yield f"{scanned_on},tumour,{'A' if is_apart else ''},{first},{error},{is_new}"
        if is_apart and (second or dice.random() < 0.4):
            yield f"{scanned_on},tumour,B,{second or 120:.0f},{error},{'' if second else 'yes'}"
            second = (second or 120.0) * dice.uniform(0.8, 1.6)
        if cyst is not None:
            yield f"{scanned_on},cyst,,{cyst:.0f},0.05,"
            cyst *= dice.choice([1.0, 1.15, 1.4])
