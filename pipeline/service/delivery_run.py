"""The process of one step of a delivery, within limits of its own: a look at it, or its scans added to the study.

``python -P -m pipeline.service.delivery_run STUDY OUT_DIR DELIVERY``. What the step is, the delivery says. A look
writes what each series is taken for beside it and nothing into the study; adding can be begun again after it was ended.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipeline.core.records import Finding
from pipeline.errors import CordtrackError, SettingsError
from pipeline.files import atomic, child_process
from pipeline.files.dicom_start import looks_like_dicom
from pipeline.hospital.importing import importing, ledger, unsure_list
from pipeline.hospital.importing.importing import ImportDone, ImportSettings
from pipeline.hospital.private import identity_links
from pipeline.hospital.private.pseudonyms import default_private_folder, read_private
from pipeline.hospital.read import dicom_files
from pipeline.hospital.read.dicom_files import SourceFile, SourceLimits
from pipeline.service import archive_fetch, deliveries, nifti_scans, scan_places
from pipeline.service.deliveries import Delivery, DeliveryKind, DeliveryState
from pipeline.service.delivery_answers import SAME_AS, SKIP
from pipeline.service.jobs import Progress

ASKED = ("series_unsure", "series_incomplete", "text_burnt_in")
"""Findings of the import that a person is asked about, series by series."""
ASKED_OF_PEOPLE = ("patient_twice",)
"""And of which they are asked about the person."""
THERE = "there"
"""Outcome of a series that the study has already."""
DROPPED = SourceLimits(files=10_000, unpacked_bytes=8 * 1024**3)
"""Of what is dropped on a page."""
MEMORY_BYTES = 6 * 1024**3
CPU_SECONDS = 3600
FILE_BYTES = 4 * 1024**3
EVERY_SECONDS = 0.5
PATIENCE_SECONDS = 60.0
"""How long a step waits for the process of the same step that a killed worker left to end."""
BEFORE = "before.json"
"""The study's images before a delivery was first added."""
BESIDE = (".json", ".tsv", ".bval", ".bvec", ".txt", ".md", ".csv")
"""Of files that lie beside scans; they are no scans themselves."""
MOST_NAMED = 5
"""Files of one kind that are named; the others are counted."""


@dataclass(frozen=True)
class Sorted:
    """The files of a delivery by what they may be."""

    nifti: tuple[SourceFile, ...]
    dicom: tuple[SourceFile, ...]
    beside: tuple[SourceFile, ...]
    strange: tuple[SourceFile, ...]


def look(bids_dir: Path, out_dir: Path, delivery: Delivery) -> None:
    """Write what each series of a delivery is taken for, with what is odd about it, into its folder."""
    folder = deliveries.folder_of(out_dir, delivery.delivery_id)
    say = _saying(folder)
    odd: list[str] = []
    if delivery.kind == DeliveryKind.ARCHIVE:
        odd += archive_fetch.fetch(bids_dir, delivery.delivery_id, lambda words: say(0, 0, words))
    source = _source(bids_dir, folder, delivery, odd)
    findings: list[Finding] = []
    with dicom_files.open_source(source, findings, _limits(delivery)) as files:
        parts = _sorted(files)
        series: list[dict[str, Any]] = []
        doubles: list[tuple[str, str]] = []
        if parts.dicom:
            done = importing.import_dicom(_settings(bids_dir, source, delivery, is_trial=True), say)
            doubles = _doubles(done, bids_dir)
            asked = (*ASKED, *(ASKED_OF_PEOPLE if doubles else ()))
            findings = [*findings, *(one for one in done.findings if one.code not in asked)]
            series += _of_import(done, bids_dir)
        tables = [file for file in parts.beside if file.name.endswith(".tsv")]
        scans = nifti_scans.look(parts.nifti, tables, lambda at, of: say(at, of, "reading scans"))
        there = nifti_scans.tokens_in(bids_dir) if scans else frozenset()
        series += [_of_nifti(scan, is_there=scan.token in there) for scan in scans]
    odd += list(dict.fromkeys(f"{one.message}: {one.remedy}" for one in findings))
    odd += _named([file.name for file in parts.strange], "expected DICOM or NIfTI, found another kind of file")
    if not series and not odd:
        odd = ["expected scans as DICOM or NIfTI, found none; choose other files"]
    atomic.write_text(folder / deliveries.DECISIONS, json.dumps({"series": series, "odd": odd, "doubles": doubles}))


def add(bids_dir: Path, out_dir: Path, delivery: Delivery) -> str:
    """Add what was decided on to the study and put it on record; return what is said of it."""
    folder = deliveries.folder_of(out_dir, delivery.delivery_id)
    before = _before(bids_dir, folder)
    source = _source(bids_dir, folder, delivery)
    _refuse_shifted(bids_dir, out_dir, delivery)
    added, not_added = list[str](), list[str]()
    with dicom_files.open_source(source, [], _limits(delivery)) as files:
        parts = _sorted(files)
        if parts.nifti:
            by_stem = {
                nifti_scans.stem_of(file.name): file.path for file in parts.beside if file.name.endswith(".json")
            }
            added += nifti_scans.add(bids_dir, parts.nifti, delivery.answers, before, by_stem)
    if parts.dicom:
        settings = _settings(bids_dir, source, delivery, is_trial=False)
        done = importing.import_dicom(settings, _saying(folder))
        here = {row.file for row in done.rows if row.outcome == "imported"} | set(done.added)
        added += sorted(here - before)
        not_added = _not_added(done, out_dir, delivery)
        is_all_wanted = all(answer.get("contrast") != SKIP for answer in delivery.answers.values())
        if delivery.kind == DeliveryKind.ARCHIVE and is_all_wanted:  # what was left out may be wanted another time
            archive_fetch.spool_of(bids_dir, delivery.delivery_id).remove(done.settled)
    deliveries.record(out_dir, delivery, added, datetime.now(UTC).replace(tzinfo=None, microsecond=0))
    return " ".join([_added_words(added), *not_added])


def _not_added(done: ImportDone, out_dir: Path, delivery: Delivery) -> list[str]:
    """Say which series were to be added and could not be, each with its reason."""
    series = deliveries.decisions_of(out_dir, delivery.delivery_id).get("series", [])
    asked = {str(one["token"]): one["outcome"] == "imported" for one in series if not one["is_nifti"]}
    for token, answer in delivery.answers.items():
        if "contrast" in answer:
            asked[token] = answer["contrast"] != SKIP
    return [
        f"Not added: {' '.join(filter(None, (row.participant_id, row.session_id)))} series {row.series} ({row.reason})."
        for row in done.rows
        if asked.get(row.series) and row.outcome != "imported"
    ]


def _added_words(added: Sequence[str]) -> str:
    if not added:
        return "Nothing is added to the study: it has these scans already, or all were left out."
    visits = sorted({" ".join(name.split("/")[:2]) for name in added})
    shown = ", ".join(visits[:MOST_NAMED])
    more = f" and {len(visits) - MOST_NAMED} more visits" if len(visits) > MOST_NAMED else ""
    return f"{len(added)} {'file is' if len(added) == 1 else 'files are'} added to the study: {shown}{more}."


def _source(bids_dir: Path, folder: Path, delivery: Delivery, odd: Sequence[str] = ()) -> Path:
    """Return the folder that holds a delivery's scans."""
    if delivery.kind == DeliveryKind.FOLDER:
        return scan_places.folder_called(delivery.place, scan_places.roots_in())
    if delivery.kind == DeliveryKind.DROP:
        return folder / deliveries.FILES
    whole = archive_fetch.spool_of(bids_dir, delivery.delivery_id).whole
    if not whole.is_dir():
        raise SettingsError(
            "; ".join([*odd, "the archive has nothing new of whom was asked for; nothing is to be added"])
        )
    return whole


def _limits(delivery: Delivery) -> SourceLimits:
    return DROPPED if delivery.kind == DeliveryKind.DROP else dicom_files.USUAL


def _settings(bids_dir: Path, source: Path, delivery: Delivery, *, is_trial: bool) -> ImportSettings:
    private = default_private_folder(bids_dir)
    rules = None
    if not is_trial:
        rules = source.with_name(f"{source.name}.toml") if delivery.kind == DeliveryKind.DROP else private / "page.toml"
        listed = read_private(private / unsure_list.LIST)
        decided = sorted(
            (token, answer["contrast"]) for token, answer in delivery.answers.items() if "contrast" in answer
        )
        words = "".join(_rule(token, contrast, listed) for token, contrast in decided)
        atomic.write_bytes(rules, words.encode(), mode=0o600)
    is_shifted = identity_links.shifts_dates(private)
    return ImportSettings(
        source, bids_dir, rules=rules, shifts_dates=is_shifted, is_trial=is_trial, limits=_limits(delivery),
        same_as={new: other for new, answer in delivery.answers.items() if (other := answer.get(SAME_AS))},
    )  # fmt: skip


def _rule(token: str, contrast: str, listed: dict[str, Any]) -> str:
    """Return the import's rule for a series that a person has decided on: its own, with what the person calls it."""
    rule = str(listed.get(token, {}).get("rule") or f'[[rule]]\nseries = "{token}"\n')
    others = [line for line in rule.splitlines() if not line.startswith("contrast =")]
    return "\n".join([*others, f'contrast = "{contrast}"']) + "\n\n"


def _refuse_shifted(bids_dir: Path, out_dir: Path, delivery: Delivery) -> None:
    """Refuse NIfTI scans with a day that somebody typed where the days of the study are not the true ones."""
    wanted = {token for token, answer in delivery.answers.items() if answer.get("contrast") != SKIP}
    series = deliveries.decisions_of(out_dir, delivery.delivery_id).get("series", [])
    is_typed = any(one["is_nifti"] and one["token"] in wanted for one in series)
    if is_typed and identity_links.shifts_dates(default_private_folder(bids_dir)):
        raise SettingsError(
            "the days of this study are moved by secret numbers, so a typed day would be wrong; bring these as DICOM"
        )


def _of_import(done: ImportDone, bids_dir: Path) -> list[dict[str, Any]]:
    listed = read_private(default_private_folder(bids_dir) / unsure_list.LIST)
    before = ledger.read(bids_dir)
    series = []
    for row in done.rows:
        is_there = row.outcome == "imported" and before.get(row.series) == row
        unsure = listed.get(row.series, {}) if row.outcome in ("unsure", "refused") else {}
        picture = str(unsure.get("picture", "")) or base64.b64encode(done.pictures.get(row.series, b"")).decode()
        series.append({
            "token": row.series, "name": "", "patient_id": row.participant_id, "session_id": row.session_id,
            "day": _day_of(row.session_id),
            "outcome": THERE if is_there else row.outcome, "contrast": row.contrast, "plane": row.plane,
            "slices": row.slices, "confidence": row.confidence, "reason": row.reason, "picture": picture,
            "likely": str(unsure.get("likely", "")), "is_open": bool(unsure), "is_nifti": False, "refusal": "",
        })  # fmt: skip
    return series


def _doubles(done: ImportDone, bids_dir: Path) -> list[tuple[str, str]]:
    """Return who may be somebody else: a pseudonym that the study does not have, and whose name and birth date it has.

    Of people who are both in the study already nobody is asked: they have results apart, and stay a finding.
    """
    pairs = []
    for names in done.alike:
        new = [name for name in names if not (bids_dir / name).is_dir()]
        other = next((name for name in names if name not in new), names[0])
        pairs += [(name, other) for name in new if name != other]
    return pairs


def _day_of(session_id: str) -> str:
    digits = session_id.removeprefix("ses-")
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if digits.isdigit() and len(digits) == 8 else ""


def _of_nifti(scan: nifti_scans.BroughtScan, *, is_there: bool) -> dict[str, Any]:
    is_sure = bool(scan.patient_id and scan.day and scan.confidence == nifti_scans.SURE)
    reason = scan.refusal or ("by its name" if is_sure else "its name does not say all of it")
    return asdict(scan) | {
        "picture": base64.b64encode(scan.picture).decode(),
        "confidence": f"{scan.confidence:.2f}" if scan.confidence else "",
        "slices": str(scan.slices or ""),
        "outcome": THERE if is_there else "refused" if scan.refusal else "imported" if is_sure else "unsure",
        "reason": reason,
        "likely": scan.contrast,
        "is_open": not scan.refusal and not is_there,
        "is_nifti": True,
    }


def _sorted(files: Sequence[SourceFile]) -> Sorted:
    """Part files by what they may be; NIfTI files that an archive unpacked under numbers get their endings back.

    A file that has such an ending, in letters of any size, keeps its name: it may lie in a folder of somebody else's.
    """
    images: list[SourceFile] = []
    others: list[SourceFile] = []
    for file in files:
        if nifti_scans.is_nifti(file.name) and not _is_of_mac(file.name):
            ending = ".nii.gz" if file.name.lower().endswith(".gz") else ".nii"
            is_named = file.path.name.lower().endswith(ending)
            path = file.path if is_named else file.path.rename(file.path.with_name(file.path.name + ending))
            images.append(SourceFile(path, file.name))
        else:
            others.append(file)
    beside = [file for file in others if _is_beside(file) and not looks_like_dicom(file.path)]
    rest = [file for file in others if file not in beside]
    dicom = [file for file in rest if looks_like_dicom(file.path) or file.name.lower().endswith((".dcm", ".ima"))]
    strange = [file for file in rest if file not in dicom]
    return Sorted(tuple(images), tuple(dicom), tuple(beside), tuple(strange))


def _is_beside(file: SourceFile) -> bool:
    return file.name.lower().endswith(BESIDE) or _is_of_mac(file.name)


def _is_of_mac(name: str) -> bool:
    """Say whether a file is what macOS puts beside each file of an archive, under nearly the same name."""
    return "__MACOSX" in name.split("/") or name.rpartition("/")[2].startswith("._")


def _named(names: Sequence[str], words: str) -> list[str]:
    if not names:
        return []
    shown = ", ".join(names[:MOST_NAMED])
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return [f"{shown}{more}: {words}; left out"]


def _before(bids_dir: Path, folder: Path) -> frozenset[str]:
    """Return the study's images before this delivery was first added, also where adding begins again."""
    file = folder / BEFORE
    if not file.is_file():
        names = sorted(path.relative_to(bids_dir).as_posix() for path in bids_dir.rglob("*.nii*"))
        atomic.write_text(file, json.dumps(names))
    return frozenset(json.loads(file.read_text(encoding="utf-8")))


def _saying(folder: Path) -> Callable[[int, int, str], None]:
    """Return what says in the delivery's folder how far a step is, not more often than somebody looks."""
    last = 0.0

    def say(done: int, total: int, words: str) -> None:
        nonlocal last
        at = time.monotonic()
        if at - last >= EVERY_SECONDS:
            last = at
            deliveries.note_progress(folder, Progress(done, total, words))

    return say


def main(arguments: Sequence[str]) -> None:
    """Do the step of the delivery named on the command line."""
    bids_dir, out_dir, delivery_id = Path(arguments[0]), Path(arguments[1]), arguments[2]
    delivery = deliveries.delivery_of(out_dir, delivery_id)
    if delivery is None:
        sys.exit(f"{delivery_id}: expected a delivery, found none")
    try:
        with FileLock(deliveries.folder_of(out_dir, delivery_id) / ".step", timeout=PATIENCE_SECONDS):
            if delivery.state == DeliveryState.ADDING:
                print(add(bids_dir, out_dir, delivery))  # noqa: T201  # into the delivery's log
            else:
                look(bids_dir, out_dir, delivery)
    except Timeout:
        sys.exit("another process works on this delivery and does not end; try again later")
    except CordtrackError as error:
        sys.exit(str(error))
    except MemoryError:
        sys.exit("expected scans that can be read with the memory there is, found more; bring less at once")


if __name__ == "__main__":
    child_process.isolate()
    child_process.keep_private()
    child_process.end_with_parent(os.getppid())
    child_process.limit(memory_bytes=MEMORY_BYTES, cpu_seconds=CPU_SECONDS, file_bytes=FILE_BYTES)
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    main(sys.argv[1:])
