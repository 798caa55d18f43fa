"""The story of an import: list, read, tell patients apart, decide, convert, write; a second one adds what is new."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path

from pipeline.core.records import Finding
from pipeline.errors import InputError
from pipeline.hospital.importing import day_evidence, known_days, ledger, mask_import, unsure_list, wholeness, writing
from pipeline.hospital.importing.naming import Named, name_visit
from pipeline.hospital.importing.site_rules import RuleFile, load
from pipeline.hospital.importing.thumbnails import side_by_side
from pipeline.hospital.importing.triage import BURNT_IN, Decision, Outcome, after_agent, beside_originals, decide
from pipeline.hospital.oddities import oddity
from pipeline.hospital.private import identity_links
from pipeline.hospital.private.people import known_people, may_be_one, tell_apart
from pipeline.hospital.private.pseudonyms import (
    Identities,
    default_private_folder,
    open_private,
    read_mapping,
)
from pipeline.hospital.read import burned_in, dicom_files, pixels, screening
from pipeline.hospital.read.headers import read_instance
from pipeline.hospital.read.instances import Instance
from pipeline.hospital.read.stacks import group_series, stacks_of
from pipeline.study.names import parse_name

Progress = Callable[[int, int, str], None]
THUMB_PIXELS = 128
"""Longest edge of a slice in the picture of a series that is sure."""


@dataclass(frozen=True)
class ImportSettings:
    """What an import is asked to do; see ``cordtrack import-dicom --help``."""

    source: Path
    bids_dir: Path
    patients: Path | None = None
    rules: Path | None = None
    private: Path | None = None
    shifts_dates: bool = False
    is_trial: bool = False
    jobs: int = 2
    limits: dicom_files.SourceLimits = dicom_files.USUAL
    same_as: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ImportDone:
    """What an import did.

    Attributes
    ----------
    rows
        The decision on each stack of the source, new or known.
    added
        Files added to the study, relative to it: images and masks.
    other_files
        Files of the source that are no DICOM.
    settled
        Files of which nothing is left to decide: imported, or left out for good.
    pictures
        Of a trial: slices of each series that would be imported, as PNG, by its token.
    alike
        Pseudonyms that may be one person, of whom one is in the source.
    """

    rows: tuple[ledger.LedgerRow, ...]
    added: tuple[str, ...]
    other_files: int
    findings: tuple[Finding, ...]
    settled: tuple[Path, ...] = ()
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    alike: tuple[tuple[str, ...], ...] = ()


NO_DAY = "nodate"
"""In the name of a visit whose day is not known."""


@dataclass(eq=False)
class Work:
    """What an import gathers while it goes on."""

    settings: ImportSettings
    identities: Identities
    rules: RuleFile
    private: Path
    findings: list[Finding] = field(default_factory=list)
    rows: dict[str, ledger.LedgerRow] = field(default_factory=dict)
    seen: dict[str, ledger.LedgerRow] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)
    waiting: set[Path] = field(default_factory=set)
    suspect: frozenset[str] = frozenset()
    unsure: dict[str, Decision] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)


def import_dicom(settings: ImportSettings, progress: Progress) -> ImportDone:
    """Import the scans and masks of a source into a study folder.

    Parameters
    ----------
    settings
        A trial writes nothing but the key of the private folder and the list of what a person must decide on.
    progress
        Called with done, total and what is being done.

    Raises
    ------
    InputError, SettingsError
        The source, the tables, the rules or the private folder cannot be used.
    """
    work = _begin(settings)
    with dicom_files.open_source(settings.source, work.findings, settings.limits) as files:
        instances, others = _read(files, work, progress)
        images, masks = _screened(instances, work)
        known_persons = known_people(work.private, settings.bids_dir)
        people = tell_apart([*images, *masks], work.identities, known_persons, work.findings, settings.same_as)
        images = [instance for instance in images if instance.person in people]
        before = {name: known_days.studies_of(work.private, name) for name in set(people.values())}
        imported = frozenset[str]().union(*(known_days.images_of(work.private, name) for name in before))
        images = day_evidence.doubt_days(images, people, before, work.findings, imported)
        masks = [instance for instance in masks if instance.person in people]
        visits: dict[tuple[str, str], list[Decision]] = {}
        for decision in _decisions(images, work):
            patient_id = people[decision.stack.first.person]
            visits.setdefault((patient_id, _session_id(decision.stack.first, patient_id, work)), []).append(decision)
        total = sum(len(decisions) for decisions in visits.values())
        done = 0
        for (patient_id, session_id), decided in sorted(visits.items(), key=lambda item: item[0]):
            progress(done, total, "scans")
            decisions = beside_originals(
                after_agent(decided), ledger.scans_known(work.rows.values(), patient_id, session_id)
            )
            _say_shorter(patient_id, session_id, decisions, work)
            _import_visit(patient_id, session_id, decisions, work)
            done += len(decisions)
        unsure_list.keep(work.private, work.unsure, work.seen)
        if not settings.is_trial:  # a trial has no scans that masks could be compared with
            place = mask_import.MaskPlace(settings.bids_dir, work.private, work.identities, work.rules.segment)
            work.added += mask_import.import_masks(masks, people, place, work.findings, work.waiting)
        settled = {instance.path for instance in (*images, *masks)} - work.waiting
    if not settings.is_trial and (work.seen or work.rows):
        ledger.write(settings.bids_dir, work.rows)
    findings = tuple(dict.fromkeys(work.findings))
    return ImportDone(
        tuple(work.seen.values()),
        tuple(work.added),
        others,
        findings,
        tuple(sorted(settled)),
        work.pictures,
        may_be_one(people, known_persons),
    )


def _begin(settings: ImportSettings) -> Work:
    private = settings.private or default_private_folder(settings.bids_dir)
    key = open_private(private, settings.bids_dir)
    if not settings.is_trial:
        identity_links.hold_to_one_way_of_dates(private, settings.bids_dir, shifts_dates=settings.shifts_dates)
    mapping = read_mapping(settings.patients) if settings.patients else None
    identities = Identities(key, mapping, settings.shifts_dates)
    rules = load(settings.rules) if settings.rules else RuleFile()
    return Work(settings, identities, rules, private, rows=ledger.read(settings.bids_dir))


def _read(files: tuple[dicom_files.SourceFile, ...], work: Work, progress: Progress) -> tuple[list[Instance], int]:
    """Read all headers; the series that a damaged file may belong to are noted."""
    listed, damaged, others = dicom_files.candidates(files, work.findings)
    names = frozenset(file.name.lower() for file in files)
    instances: list[Instance] = []
    indices: list[tuple[dicom_files.SourceFile, tuple[tuple[str, str], ...]]] = []
    for number, file in enumerate(listed):
        progress(number, len(listed), "reading headers")
        try:
            instance = read_instance(file.path)
            instances.append(instance)
            damaged += [file] if screening.is_maimed(instance) else []
            continue
        except InputError as error:
            index = dicom_files.listed_by(file)
            if index is not None:
                indices.append((file, index))
                continue
            reason = str(error)
        except OSError as error:
            reason = f"could not be read ({error.strerror})"
        work.findings.append(oddity("dicom_damaged", f"{file.name}: {reason}", file.name))
        damaged.append(file)
    sop_uids = frozenset(instance.sop_uid for instance in instances)
    for file, index in indices:
        dicom_files.check_index(file, index, names, sop_uids, work.findings)
    work.suspect = wholeness.beside_damaged(damaged, files, instances)
    return instances, others


def _screened(instances: Iterable[Instance], work: Work) -> tuple[list[Instance], list[Instance]]:
    """Part images and masks; other objects become a row each series with the reason they were left out."""
    images: list[Instance] = []
    masks: list[Instance] = []
    for instance in instances:
        if instance.sop_class in screening.MASK_CLASSES:
            masks.append(instance)
            continue
        reason = screening.not_a_scan(instance)
        if reason is None:
            images.append(instance)
            continue
        token = work.identities.token(instance.study_uid, instance.series_uid, "other")
        if reason == screening.NO_PLACE:
            message = f"series {token} (number {instance.series_number}): {reason}; nothing of it was imported"
            work.findings.append(oddity("series_refused", message))
        _note(work, ledger.LedgerRow("", "", token, "skipped", "", "", "", "", "", "", "", "", reason, ""))
    return images, masks


def _note(work: Work, row: ledger.LedgerRow) -> None:
    work.seen[row.series] = row
    work.rows[row.series] = row


def _decisions(images: Sequence[Instance], work: Work) -> list[Decision]:
    stacks = [stack for series in group_series(images, work.findings) for stack in stacks_of(series)]
    decisions = []
    for stack in wholeness.judged_whole(stacks, work.suspect):
        token = work.identities.token(stack.first.study_uid, stack.first.series_uid, stack.key)
        decisions.append(decide(stack, token, work.rules.rule))
    return decisions


def _say_shorter(patient_id: str, session_id: str, decisions: Sequence[Decision], work: Work) -> None:
    """Say of scans that lack slices at one end, which another scan of the visit has there; they are imported."""
    taken = {id(one.stack): one for one in decisions if one.outcome == Outcome.IMPORTED}
    for short in wholeness.shorter_beside([one.stack for one in taken.values()]):
        token, other_token = taken[id(short.stack)].token, taken[id(short.other)].token
        message = (
            f"{patient_id} {session_id} series {token}: expected slices as far to the {short.towards} as series "
            f"{other_token} has, found {short.lacks} fewer there: the last images may not have arrived"
        )
        work.findings.append(oddity("series_shorter", message, None, patient_id, session_id))


def _session_id(instance: Instance, patient_id: str, work: Work) -> str:
    day = _day_of(instance, patient_id, work)
    if day is not None:
        session_id = f"ses-{day:%Y%m%d}"
        if instance.sat_on is not None and instance.studied_on is not None:
            apart = abs((instance.sat_on - instance.studied_on).days)
            message = (
                f"{patient_id} {session_id}: expected StudyDate on the day of the scan, found it {apart} days apart"
            )
            message += ", the dates of series and image agree; AcquisitionDate was taken"
            work.findings.append(oddity("visit_date_acquired", message, None, patient_id, session_id))
        return session_id
    is_contradicted = (instance.day_doubt or "").startswith(day_evidence.CONTRADICTED)
    told_apart = (instance.study_uid, *([str(instance.studied_on)] if is_contradicted else []))
    session_id = f"ses-{NO_DAY}{work.identities.token('visit', *told_apart)[:4]}"
    doubt = instance.day_doubt or "found none"
    message = f"{patient_id} {session_id}: expected the day of the scan in the header, {doubt}"
    work.findings.append(oddity("visit_without_date", message, None, patient_id, session_id))
    return session_id


def _day_of(instance: Instance, patient_id: str, work: Work) -> date | None:
    """Return the day of a visit as the study has it; None where the header leaves it open."""
    day = None if instance.day_doubt else instance.sat_on or instance.studied_on
    return work.identities.shifted(day, patient_id)


def _import_visit(patient_id: str, session_id: str, decisions: Sequence[Decision], work: Work) -> None:
    """Import what is new of a visit and note the decision on all of it."""
    wanted, places = [], {}
    for decision in decisions:
        content = work.identities.token("content", *sorted(decision.stack.sop_uids))
        earlier_row = work.rows.get(decision.token)
        if (
            earlier_row is not None
            and earlier_row.outcome == Outcome.IMPORTED
            and (work.settings.bids_dir / earlier_row.file).is_file()
        ):
            if earlier_row.content == content or not _is_completed(decision, earlier_row, patient_id, session_id, work):
                _say_elsewhere(earlier_row, patient_id, session_id, work)
                work.seen[decision.token] = earlier_row
                continue
            places[decision.token] = earlier_row.file
        if decision.outcome == Outcome.IMPORTED:
            wanted.append(decision)
        elif decision.token not in places:
            _leave_out(decision, patient_id, session_id, content, work)
    _forget_missing(patient_id, session_id, [*places], work)
    wanted.sort(key=lambda decision: (decision.stack.first.seen_at, decision.stack.first.series_number, decision.token))
    names = name_visit(wanted, ledger.names_taken(work.rows.values(), patient_id, session_id), patient_id, session_id)
    names = [
        _named(places[decision.token]) if decision.token in places else _free(name, decision, work)
        for decision, name in zip(wanted, names, strict=True)
    ]
    with ThreadPoolExecutor(max_workers=max(1, work.settings.jobs)) as pool:
        converted = list(pool.map(partial(_convert, work), wanted, names))
    imported = []
    for name, decision in zip(names, converted, strict=True):
        content = work.identities.token("content", *sorted(decision.stack.sop_uids))
        if decision.outcome != Outcome.IMPORTED:
            _leave_out(decision, patient_id, session_id, content, work)
            continue
        file = writing.image_path(work.settings.bids_dir, name).relative_to(work.settings.bids_dir).as_posix()
        _note(work, ledger.row_of(decision, patient_id, session_id, file, content))
        imported.append((file, decision))
    _enter(patient_id, session_id, imported, work)


def _say_elsewhere(earlier_row: ledger.LedgerRow, patient_id: str, session_id: str, work: Work) -> None:
    """Say of a series that is there already that its header gives it to another person or day now; it stays."""
    where = f"{earlier_row.participant_id} {earlier_row.session_id} series {earlier_row.series}"
    if earlier_row.participant_id != patient_id:
        message = f"{where}: expected it to be of whom it was imported for, found {patient_id}"
        work.findings.append(oddity("series_of_another", message, earlier_row.file, patient_id, session_id))
    elif earlier_row.session_id != session_id and NO_DAY not in session_id:  # what has no day now is said as such
        before = "no day, as when it was imported" if NO_DAY in earlier_row.session_id else "the day of its import"
        message = f"{where}: expected {before}, found {session_id}"
        work.findings.append(oddity("series_other_day", message, earlier_row.file, patient_id, session_id))


def _is_completed(
    decision: Decision, earlier_row: ledger.LedgerRow, patient_id: str, session_id: str, work: Work
) -> bool:
    """Say whether a series that was imported in part is now there whole and may take the place of its part.

    It may when the images of before are all among those of now, and nobody has drawn on the scan yet: a mask lies on
    the scan as it is.
    """
    before = identity_links.planes_of(work.private, patient_id, session_id, earlier_row.file)
    is_more = bool(before) and before < set(decision.stack.sop_uids) and decision.outcome == Outcome.IMPORTED
    where = f"{earlier_row.file}: expected the images imported before, found"
    if is_more and not writing.masks_on(work.settings.bids_dir, earlier_row.file):
        message = f"{where} all of them and more of series {decision.token}; the scan was made anew"
        work.findings.append(oddity("series_completed", message, earlier_row.file, patient_id, session_id))
        return True
    message = f"{where} others in series {decision.token}"
    work.findings.append(oddity("series_grown", message, earlier_row.file, patient_id, session_id))
    return False


def _forget_missing(patient_id: str, session_id: str, kept_tokens: Sequence[str], work: Work) -> None:
    """Drop rows of a visit's images that somebody has removed, and of those that are made anew."""
    for token, row in list(work.rows.items()):
        if (row.participant_id, row.session_id, row.outcome) != (patient_id, session_id, str(Outcome.IMPORTED)):
            continue
        if token in kept_tokens or not (work.settings.bids_dir / row.file).is_file():
            del work.rows[token]


def _named(file: str) -> Named:
    name = parse_name(Path(file).name)
    assert name is not None
    return Named(Path(file).parent.name, name.entities, name.suffix)


def _free(name: Named, decision: Decision, work: Work) -> Named:
    """Return the name with a run number that nobody else's file has."""
    entities: Mapping[str, str] = name.entities
    while not writing.is_ours_or_free(writing.image_path(work.settings.bids_dir, name), decision.token):
        entities = {**entities, "run": str(int(entities.get("run", "1")) + 1)}
        name = replace(name, entities=entities)
    return name


def _convert(work: Work, decision: Decision, name: Named) -> Decision:
    """Read a stack's voxels, look at them, and write them unless this is a trial."""
    assert decision.stack.grid is not None
    acquisition = decision.stack.acquisition
    if acquisition.burned_in and not decision.accepts_text:
        return decision.refused("the header says that text is burnt into the pixels", BURNT_IN)
    try:
        volume = pixels.read_volume(decision.stack.grid)
    except InputError as error:
        return decision.refused(str(error))
    except OSError as error:
        return decision.refused(f"a file could not be read ({error.strerror})")
    if not decision.accepts_text and burned_in.looks_written_on(volume.array):
        return decision.refused("the pixels look as if text were burnt into them", BURNT_IN)
    if work.settings.is_trial:
        work.pictures[decision.token] = side_by_side(volume.array, THUMB_PIXELS)
    else:
        writing.write_image(writing.image_path(work.settings.bids_dir, name), volume, decision, work.identities)
    return decision


def _leave_out(decision: Decision, patient_id: str, session_id: str, content: str, work: Work) -> None:
    _note(work, ledger.row_of(decision, patient_id, session_id, "", content))
    if decision.outcome != Outcome.SKIPPED:
        work.waiting |= decision.stack.files
    reason = "; ".join(decision.reasons)
    number = decision.stack.first.series_number
    where = f"{patient_id} {session_id} series {decision.token} (number {number}, {decision.stack.plane_count} slices)"
    if decision.outcome == Outcome.UNSURE:
        confidence = f"confidence {decision.contrast.confidence:.2f}"
        message = f"{where}: likely {unsure_list.likely(decision)}, {confidence} ({reason})"
        work.findings.append(oddity(decision.code, message, None, patient_id, session_id))
        work.unsure[where] = decision
    elif decision.outcome == Outcome.REFUSED:
        work.findings.append(oddity(decision.code, f"{where}: {reason}", None, patient_id, session_id))
        work.unsure |= {where: decision} if decision.code == BURNT_IN else {}


def _enter(patient_id: str, session_id: str, imported: Sequence[tuple[str, Decision]], work: Work) -> None:
    """Enter imported scans of a visit in the study's tables and in the private folder."""
    if not imported:
        return
    work.added += [file for file, _ in imported]
    if work.settings.is_trial:
        return
    bids_dir, first = work.settings.bids_dir, imported[0][1].stack.first
    writing.describe_study(bids_dir)
    identity_links.remember(
        work.private, patient_id, session_id, [(file, decision.stack) for file, decision in imported]
    )
    writing.add_patient(bids_dir, patient_id, first.person.sex, identity_links.age_of(first))
    day = _day_of(imported[0][1].stack.first, patient_id, work)
    writing.add_visits(bids_dir, patient_id, [(session_id, day)])
