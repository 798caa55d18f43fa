"""Scans whose truth is known: implanted lesions of known volume, points known in every visit, people scanned twice.

Two layouts, told apart by the folder ``truth`` (``docs/bench.md``). With it: ``truth/volumes.tsv``, and where there are
any ``truth/landmarks.tsv`` and ``truth/masks``, beside a BIDS folder (``bids`` or ``study``, else the folder itself).
Without it: a BIDS folder of people scanned twice, whose second run shows what the first does.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.bench.mask_files import MaskPart, grids_of, parts_of, plain_name
from pipeline.errors import InputError
from pipeline.study.names import IMAGE_EXTENSIONS, parse_name

TRUTH_LABELS: Mapping[int, str] = {1: "tumour", 2: "cyst", 3: "oedema"}
"""What the numbers of the true label maps mean where no ``dseg.tsv`` lies beside them."""

SCAN_FOLDERS = ("bids", "study")
POINT_COLUMNS = ("participant_id", "session_id", "landmark", "x", "y", "z")
NOT_SCANS = frozenset({"dseg", "mask", "probseg", "xfm"})


@dataclass(frozen=True)
class KnownVisit:
    """One visit, or one run of a visit, with what is known of it.

    Attributes
    ----------
    name
        The entities of its scans that tell it from the patient's others, such as ``ses-02`` or ``run-2``.
    scans
        Its scans; a mask must lie on the grid of one.
    true_masks, drawn_masks
        Name of a compartment to the mask that is true, and to the one that a reader drew and everybody is given.
    true_mm3
        Name of a compartment to its true volume, mm³; 0 is *none there*, a name left out is not known.
    """

    patient_id: str
    name: str
    scans: tuple[Path, ...]
    true_masks: Mapping[str, MaskPart] = field(default_factory=dict)
    drawn_masks: Mapping[str, MaskPart] = field(default_factory=dict)
    true_mm3: Mapping[str, float] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Name patient and visit."""
        return f"{self.patient_id} {self.name}"


@dataclass(frozen=True)
class KnownSet:
    """A dataset with known truth.

    Attributes
    ----------
    visits
        Patient to visits in order; changes and points go from the first one to each later one.
    points
        Shape ``(N, 3)`` (RAS+ mm) as columns x, y, z, indexed by patient, visit and landmark: those that the visit's
        scan covers. None where no points are known.
    is_rescan
        The visits of one patient show the same, whatever it is.
    unusable
        Masks of the dataset itself that lie on the grid of no scan of their visit; they are not used.
    """

    name: str
    visits: Mapping[str, Sequence[KnownVisit]]
    points: pd.DataFrame | None
    is_rescan: bool
    unusable: tuple[str, ...] = ()

    def all_visits(self) -> list[KnownVisit]:
        """Return the visits of all patients."""
        return [visit for of_patient in self.visits.values() for visit in of_patient]


def read_set(folder: Path) -> KnownSet:
    """Read a dataset with known truth.

    Parameters
    ----------
    folder
        As ``docs/bench.md`` describes it.

    Raises
    ------
    InputError
        No scans, no truth, or a table that cannot be read.
    """
    truth = folder / "truth"
    scans = next((folder / name for name in SCAN_FOLDERS if (folder / name).is_dir()), folder)
    is_rescan = not truth.is_dir()
    named = _scans_by_visit(scans, with_runs=is_rescan)
    if is_rescan and not any(len(of_patient) > 1 for of_patient in named.values()):
        raise InputError(
            f"{folder}: expected truth/volumes.tsv, or people scanned more than once (sub-X/anat/sub-X_run-1_..., "
            f"run-2), found neither; docs/bench.md describes both"
        )
    drawn = _masks_by_visit(_images(scans / "derivatives"), scans, with_runs=is_rescan)
    true = _masks_by_visit(_images(truth / "masks"), truth, with_runs=is_rescan)
    volumes = {} if is_rescan else _true_volumes(truth / "volumes.tsv")
    _refuse_strangers(volumes, named, truth)
    visits = {
        patient: [
            KnownVisit(
                patient, name, paths, true[patient, name], drawn[patient, name], volumes.get((patient, name), {})
            )
            for name, paths in sorted(of_patient.items())
        ]
        for patient, of_patient in sorted(named.items())
    }
    visits, unusable = _on_their_scans(visits)
    points = read_points(truth / "landmarks.tsv") if (truth / "landmarks.tsv").is_file() else None
    return KnownSet(folder.resolve().name, visits, points, is_rescan, unusable)


def read_points(path: Path) -> pd.DataFrame:
    """Read a table of landmarks; rows whose column ``inside`` is 0 are left out, as their scan does not cover them.

    Returns
    -------
    DataFrame
        Columns x, y, z (RAS+ mm), indexed by participant_id, session_id and landmark.

    Raises
    ------
    InputError
        A column is missing, a place is no number, or a landmark stands there twice.
    """
    table = read_tsv(path, POINT_COLUMNS)
    if "inside" in table:
        table = table[table["inside"].str.strip() != "0"]
    places = table[["x", "y", "z"]].apply(pd.to_numeric, errors="coerce")
    wrong = table[~np.isfinite(places.to_numpy(dtype=float)).all(axis=1)]
    if len(wrong):
        cells = wrong.iloc[0][list(POINT_COLUMNS)].tolist()
        raise InputError(
            f"{path.name} line {wrong.index[0] + 2}: expected numbers in x, y and z (RAS+ mm), found {cells}; leave a "
            f"point out that the program could not place"
        )
    places.index = pd.MultiIndex.from_frame(table[["participant_id", "session_id", "landmark"]].apply(_stripped))
    if places.index.has_duplicates:
        twice = " ".join(places.index[places.index.duplicated()][0])
        raise InputError(f"{path.name}: expected each landmark once for each visit, found {twice} twice; keep one")
    return places


def read_tsv(path: Path, required: Sequence[str]) -> pd.DataFrame:
    """Read a tab-separated table as text, its index the row counted from 0.

    Raises
    ------
    InputError
        It is not there, cannot be read, or lacks a column.
    """
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: expected a tab-separated table, found: {error}; docs/bench.md describes it"
        ) from error
    missing = [column for column in required if column not in table]
    if missing:
        raise InputError(
            f"{path}: expected the columns {', '.join(required)} between tabs, found {', '.join(table.columns)}"
        )
    return table


def visit_of(file_name: str, *, with_runs: bool) -> tuple[str, str] | None:
    """Return the patient and the visit that a file name tells; None where it tells none.

    Examples
    --------
    >>> visit_of("sub-01_ses-02_space-orig_dseg.nii.gz", with_runs=False)
    ('sub-01', 'ses-02')
    >>> visit_of("sub-01_run-2_T2starw_gmseg-manual.nii.gz", with_runs=True)
    ('sub-01', 'run-2')
    """
    keys = ("ses", "run") if with_runs else ("ses",)
    entities = dict(re.findall(r"(?:^|_)([a-z]+)-([0-9A-Za-z+]+)", file_name))
    name = "_".join(f"{key}-{entities[key]}" for key in keys if key in entities)
    return (f"sub-{entities['sub']}", name) if "sub" in entities and name else None


def _on_their_scans(
    visits: Mapping[str, Sequence[KnownVisit]],
) -> tuple[dict[str, list[KnownVisit]], tuple[str, ...]]:
    """Take masks out that lie on no scan of their visit; return the visits without them, and their names."""
    usable: dict[str, list[KnownVisit]] = {}
    unusable: set[str] = set()
    for patient, of_patient in visits.items():
        usable[patient] = []
        for visit in of_patient:
            grids = grids_of(visit.scans)
            lying = [
                {name: part for name, part in masks.items() if part.lies_on(grids)}
                for masks in (visit.true_masks, visit.drawn_masks)
            ]
            parts = [*visit.true_masks.values(), *visit.drawn_masks.values()]
            unusable |= {part.path.name for part in parts if not part.lies_on(grids)}
            usable[patient].append(replace(visit, true_masks=lying[0], drawn_masks=lying[1]))
    return usable, tuple(sorted(unusable))


def _stripped(column: pd.Series) -> pd.Series:
    return column.str.strip()


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.name.endswith(IMAGE_EXTENSIONS))


def _scans_by_visit(folder: Path, *, with_runs: bool) -> dict[str, dict[str, tuple[Path, ...]]]:
    """Return patient to visit to scans, without masks."""
    named: dict[str, dict[str, tuple[Path, ...]]] = defaultdict(dict)
    for path in (path for patient in sorted(folder.glob("sub-*")) for path in _images(patient)):
        name, visit = parse_name(path.name), visit_of(path.name, with_runs=with_runs)
        if name is not None and visit is not None and name.suffix not in NOT_SCANS:
            named[visit[0]][visit[1]] = (*named[visit[0]].get(visit[1], ()), path)
    if not named:
        raise InputError(
            f"{folder}: expected scans named sub-X/ses-Y/anat/sub-X_ses-Y_T2w.nii.gz, found none; check the folder"
        )
    return named


def _masks_by_visit(
    paths: Iterable[Path], root: Path, *, with_runs: bool
) -> defaultdict[tuple[str, str], dict[str, MaskPart]]:
    masks: defaultdict[tuple[str, str], dict[str, MaskPart]] = defaultdict(dict)
    for path in paths:
        visit = visit_of(path.name, with_runs=with_runs)
        if visit is not None:
            masks[visit] = {**parts_of(path, root, TRUTH_LABELS), **masks[visit]}  # of two readers the first one's
    return masks


def _true_volumes(path: Path) -> dict[tuple[str, str], dict[str, float]]:
    table = read_tsv(path, ("participant_id", "session_id", "volume_mm3"))
    name = next((column for column in ("label", "compartment") if column in table), None)
    if name is None:
        raise InputError(f"{path}: expected a column label or compartment, found {', '.join(table.columns)}")
    sizes = pd.to_numeric(table["volume_mm3"], errors="coerce")
    volumes: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for line, (patient, session, label, size) in enumerate(
        zip(table["participant_id"], table["session_id"], table[name], sizes, strict=True), start=2
    ):
        if not np.isfinite(size) or size < 0:
            raise InputError(f"{path} line {line}: expected a volume of 0 mm³ or more, found another; correct the file")
        volumes[patient, session][plain_name(label)] = float(size)
    return volumes


def _refuse_strangers(
    volumes: Iterable[tuple[str, str]], named: Mapping[str, Mapping[str, tuple[Path, ...]]], truth: Path
) -> None:
    unseen = [f"{patient} {name}" for patient, name in volumes if name not in named.get(patient, {})]
    if unseen:
        raise InputError(f"{truth / 'volumes.tsv'}: no scan of {', '.join(unseen[:5])}; add the scans or take them out")
