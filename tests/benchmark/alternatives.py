"""``cordtrack bench`` on the simple alternatives beside cordtrack, in one run.

For each dataset with known truth the first visit's mask is given and each follow-up is asked for: cordtrack aligns and
finds the lesion again; ANTs registers with its default SyN, and with SyN by cross-correlation, and carries the old mask
over. Each program's answers are written into a folder as docs/bench.md says, and scored by what ``cordtrack bench``
scores any program with. ``--patients`` takes the first few only; the others count as missing for every program alike.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from pipeline.align import registration, rigid
from pipeline.bench import given_results, known_truth, score_tables, scoring
from pipeline.core.transform import move_points
from pipeline.core.volume import Volume
from pipeline.files import images
from pipeline.refind import refinding
from tests.benchmark import series
from tests.benchmark.alignment import to_ants
from tests.benchmark.masks import masked

ants = rigid.ants
PROGRAMS: Mapping[str, dict] = {
    "cordtrack": {},
    "ANTs SyN, mask carried over": {"type_of_transform": "SyN"},
    "ANTs SyN by cross-correlation, mask carried over": {
        "type_of_transform": "SyNOnly", "initial_transform": "rigid", "syn_metric": "CC", "syn_sampling": 4,
        "reg_iterations": (40, 20, 0),
    },
}  # fmt: skip
"""Name of each program, and what ``ants.registration`` is told; the first is ours."""

Answer = tuple[np.ndarray, dict[str, Volume]]


def answer_of(
    program: str, donor: refinding.DonorVisit, lesion: Volume, later: Volume, here_mm: np.ndarray
) -> Answer | None:
    """Return where a program moves landmarks ``(N, 3)`` and its masks of a later visit; None if it refuses."""
    if PROGRAMS[program]:
        return _by_ants(PROGRAMS[program], donor, later, here_mm)
    aligned = registration.align(donor.image, later, region=lesion, exclude=lesion)
    if aligned.quality.grade == "C":
        return None
    again = refinding.follow_up_masks(donor, later, aligned.to_reference, is_sure=aligned.quality.grade == "A")
    return move_points(aligned.to_follow_up, here_mm), again.probabilities


def _by_ants(settings: dict, donor: refinding.DonorVisit, later: Volume, here_mm: np.ndarray) -> Answer:
    fixed, moving = to_ants(donor.image), to_ants(later)
    settings = dict(settings)
    if settings.get("initial_transform") == "rigid":
        begun = ants.registration(fixed, moving, type_of_transform="Rigid")
        settings["initial_transform"] = begun["fwdtransforms"][0]
    done = ants.registration(fixed, moving, **settings)
    frame = pd.DataFrame(images.flip_points(here_mm), columns=["x", "y", "z"])
    moved = ants.apply_transforms_to_points(3, frame, done["fwdtransforms"])[["x", "y", "z"]].to_numpy()
    carried = {}
    for name, mask in donor.masks.items():
        share = to_ants(mask.with_array(mask.array.astype(np.float32)))
        pulled = ants.apply_transforms(moving, share, done["invtransforms"])
        carried[name] = later.with_array(pulled.numpy())
    return images.flip_points(moved), carried


def answers(folder: Path, program: str, results: Path, patients: int | None) -> Iterator[float]:
    """Write what a program answers for a dataset into a folder; yield the CPU seconds of each follow-up."""
    marks = pd.read_csv(folder / "truth" / "landmarks.tsv", sep="\t")
    (results / "masks").mkdir(parents=True)
    moved_rows = []
    for patient in sorted(path.name for path in (folder / "bids").glob("sub-*"))[:patients]:
        first, *others = series.sessions(folder, patient)
        labels = series.drawn(folder, patient, first)
        donor = masked(series.scan(folder, patient, first), labels)
        places = marks[(marks["participant_id"] == patient) & (marks["session_id"] == first)]
        here_mm = places[["x", "y", "z"]].to_numpy(dtype=np.float64)
        for session in others:
            later = series.scan(folder, patient, session)
            begun = time.process_time()
            answer = answer_of(program, donor, labels.with_array(labels.array > 0), later, here_mm)
            yield time.process_time() - begun
            if answer is None:
                continue
            there = pd.DataFrame(answer[0], columns=["x", "y", "z"]).assign(
                participant_id=patient, session_id=session, landmark=places["landmark"].to_numpy()
            )
            moved_rows.append(there)
            for name, share in answer[1].items():
                file = results / "masks" / f"{patient}_{session}_label-{name}_probseg.nii.gz"
                images.save(share.with_array(np.clip(share.array, 0, 1).astype(np.float32)), file)
    pd.concat(moved_rows).to_csv(results / "landmarks.tsv", sep="\t", index=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="append", type=Path, required=True)
    parser.add_argument("--patients", type=int, help="only the first few of each dataset")
    arguments = parser.parse_args()
    print("## Simple alternatives, scored by cordtrack bench\n")
    for folder in arguments.data:
        known_set = known_truth.read_set(folder)
        print(f"### {known_set.name}\n", flush=True)
        for number, program in enumerate(PROGRAMS):
            with TemporaryDirectory() as scratch:
                results = Path(scratch) / str(number)
                seconds = list(answers(folder, program, results, arguments.patients))
                given = given_results.read_results(results, known_set)
                points, masks = scoring.score_points(known_set, given), scoring.score_masks(known_set, given)
            tables = score_tables.tables_of(points, masks)
            print(f"**{program}**: {len(seconds)} follow-ups, {np.mean(seconds):.1f} CPU s each.\n")
            for figures in ([tables.alignment] if tables.alignment else [], tables.masks, tables.changes):
                if figures:
                    _print(figures)


def _print(figures: list[dict[str, str]]) -> None:
    columns = list(figures[0])
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in figures:
        print(f"| {' | '.join(str(row.get(column, '')) for column in columns)} |")
    print(flush=True)


if __name__ == "__main__":
    main()
