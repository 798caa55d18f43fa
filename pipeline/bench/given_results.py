"""What a program gave for a dataset: where it puts points, what it drew. Another program's folder, or cordtrack's own.

The folder of another program holds ``landmarks.tsv``, ``transforms`` and ``masks``, each of them or some
(``docs/bench.md``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.bench.known_truth import KnownSet, KnownVisit, read_points, visit_of
from pipeline.bench.mask_files import MaskPart, parts_of
from pipeline.core import records
from pipeline.core.transform import move_points
from pipeline.errors import InputError, SettingsError
from pipeline.files import finished_steps, images
from pipeline.files.out_folder import LOCK_NAME
from pipeline.study.names import IMAGE_EXTENSIONS, label_of

VisitKey = tuple[str, str]
"""Patient and visit."""

Move = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Moves points ``(N, 3)``, RAS+ mm, from a patient's first visit to a later one."""

TRANSFORM_EXTENSIONS = (".h5", ".tfm", ".txt", ".mat", ".xfm")


@dataclass(frozen=True)
class GivenResults:
    """What one program gave.

    Attributes
    ----------
    points
        Visit to the points of that visit as the program places them, as :func:`read_points` returns them, indexed by
        landmark.
    moves
        Visit to what moves the points of the first visit there, where the program gave a transform instead.
    masks
        Visit to the compartments that the program drew.
    refusals
        Visit to why the program itself gives no points there.
    strangers
        Files and table lines that belong to no visit of the dataset.
    """

    name: str
    points: Mapping[VisitKey, pd.DataFrame] = field(default_factory=dict)
    moves: Mapping[VisitKey, Move] = field(default_factory=dict)
    masks: Mapping[VisitKey, Mapping[str, MaskPart]] = field(default_factory=dict)
    refusals: Mapping[VisitKey, str] = field(default_factory=dict)
    strangers: tuple[str, ...] = ()


def read_results(folder: Path, known_set: KnownSet) -> GivenResults:
    """Read the folder of another program.

    Parameters
    ----------
    folder
        ``landmarks.tsv``, ``transforms/`` and ``masks/``.
    known_set
        The dataset, whose visits the files must name.

    Raises
    ------
    InputError
        None of the three is there, a file cannot be read, or one visit has two answers.
    """
    table, transforms, masks = folder / "landmarks.tsv", folder / "transforms", folder / "masks"
    if not (table.is_file() or transforms.is_dir() or masks.is_dir()):
        raise InputError(
            f"{folder}: expected landmarks.tsv, transforms/ or masks/ of another program, found none of them; "
            f"docs/bench.md describes them (a folder that cordtrack wrote goes with --output)"
        )
    points = _by_visit(read_points(table)) if table.is_file() else {}
    files = _by_file(transforms, TRANSFORM_EXTENSIONS, known_set)
    twice = sorted(" ".join(key) for key in points.keys() & files.keys() if isinstance(key, tuple))
    if twice:
        raise InputError(f"{folder}: {twice[0]} stands in landmarks.tsv and in transforms/; keep one of the two")
    moves = {key: partial(images.move_by_file, paths[0]) for key, paths in files.items()}
    drawn = {
        key: {name: part for path in paths for name, part in parts_of(path, folder).items()}
        for key, paths in _by_file(masks, IMAGE_EXTENSIONS, known_set).items()
    }
    return _without_strangers(GivenResults(folder.resolve().name, points, moves, drawn), known_set)


def read_own(out_dir: Path, known_set: KnownSet) -> GivenResults:
    """Read an output folder of cordtrack: its transforms and the masks that it drew.

    An alignment of grade C is one that cordtrack refuses itself: it counts as not given.

    Raises
    ------
    SettingsError
        It is no output folder of cordtrack, or holds nobody of the dataset.
    """
    if not (out_dir / LOCK_NAME).exists() and not (out_dir / "run.toml").is_file():
        raise SettingsError(f"{out_dir}: expected an output folder of cordtrack run, found none; check the path")
    if not any((out_dir / patient).is_dir() for patient in known_set.visits):
        raise SettingsError(
            f"{out_dir}: expected results of {', '.join(list(known_set.visits)[:3])}..., found none of them; run "
            f"cordtrack on the scans of {known_set.name} first"
        )
    moves: dict[VisitKey, Move] = {}
    masks: dict[VisitKey, Mapping[str, MaskPart]] = {}
    refusals: dict[VisitKey, str] = {}
    for first, *others in known_set.visits.values():
        for visit in (first, *others):
            drawn = sorted(_anat(out_dir, visit).glob("*_space-orig_seg-*_label-*_probseg.nii.gz"))
            masks[visit.patient_id, visit.name] = {
                name: part for path in drawn for name, part in parts_of(path, out_dir).items()
            }
        for visit in others:
            key = (visit.patient_id, visit.name)
            refusal = _refusal(out_dir, first, "the first visit") or _refusal(out_dir, visit, "the visit")
            if refusal is None:
                moves[key] = partial(_moved_by_way, out_dir, first, visit)
            else:
                refusals[key] = refusal
    given_masks = {key: parts for key, parts in masks.items() if parts}
    return GivenResults(f"cordtrack ({out_dir.resolve().name})", {}, moves, given_masks, refusals)


def _by_visit(points: pd.DataFrame) -> dict[VisitKey, pd.DataFrame]:
    return {
        (str(patient), str(session)): of_visit.droplevel([0, 1])
        for (patient, session), of_visit in points.groupby(level=[0, 1], sort=False)
    }


def _by_file(folder: Path, extensions: Sequence[str], known_set: KnownSet) -> dict[VisitKey, list[Path]]:
    """Return visit to files; what names no visit stands under its own name, with no visit."""
    named: dict[VisitKey, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or not path.name.endswith(tuple(extensions)):
            continue
        key = visit_of(path.name, with_runs=known_set.is_rescan) or (path.name, "")
        if key in named and path.parent.name == "transforms":
            raise InputError(
                f"{path}: {' '.join(key)} has another transform, {named[key][0].name}; keep one of the two"
            )
        named.setdefault(key, []).append(path)
    return named


def _without_strangers(given: GivenResults, known_set: KnownSet) -> GivenResults:
    visits = {(visit.patient_id, visit.name) for visit in known_set.all_visits()}
    strangers = sorted(
        {" ".join(key).strip() for part in (given.points, given.moves, given.masks) for key in part.keys() - visits}
    )
    return GivenResults(
        given.name,
        _of(given.points, visits),
        _of(given.moves, visits),
        _of(given.masks, visits),
        strangers=tuple(strangers),
    )


def _of(answers: Mapping[VisitKey, object], visits: Iterable[VisitKey]) -> dict:
    return {key: answers[key] for key in visits if key in answers}


def _anat(out_dir: Path, visit: KnownVisit) -> Path:
    return out_dir / visit.patient_id / visit.name / "anat"


def _refusal(out_dir: Path, visit: KnownVisit, which: str) -> str | None:
    """Return why cordtrack places a visit nowhere; None where it does, or where all others are placed on this one."""
    anat = _anat(out_dir, visit)
    sidecar = next(iter(sorted(anat.glob("*_to-reference_mode-image_xfm.json"))), None)
    if sidecar is None:
        is_reference = any(anat.glob("*_space-reference_*.nii.gz"))
        return None if is_reference else f"cordtrack did not align {which}"
    step = finished_steps.read_step(sidecar, out_dir)
    alignments = [] if step is None else step.of_kind(records.Registration)
    if not alignments:
        return f"cordtrack did not finish aligning {which}"
    grade = alignments[0].grade
    return f"cordtrack refuses its own alignment of {which} (grade C)" if grade == "C" else None


def _moved_by_way(
    out_dir: Path, first: KnownVisit, visit: KnownVisit, points_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Move points of the first visit to the reference visit and from there to another one."""
    for step, is_back in ((first, True), (visit, False)):
        session = label_of(step.name)
        ends = ("reference", session) if is_back else (session, "reference")
        path = next(_anat(out_dir, step).glob(f"*_from-{ends[0]}_to-{ends[1]}_mode-image_xfm.h5"), None)
        if path is not None:  # the reference itself needs none
            points_mm = move_points(images.load_transform(path, "here", "there"), points_mm)
    return points_mm
