"""What the commands do, for notebooks and scripts: measure, register, assess, run, and results as data frames.

The commands call these functions, so a notebook gets the numbers that a command prints. Refusals are
:class:`pipeline.errors.CordtrackError`, with the words that the command line shows. Nothing here computes, and nothing
heavy is imported before it is needed. Guide with examples: ``docs/python.md``.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from pipeline.align.certificate import Alignment
    from pipeline.core.records import Finding
    from pipeline.run.run_settings import RunSettings, RunSummary
    from pipeline.run.study_outlook import StudyCheck
    from pipeline.tools.assess import JudgedTable

DEFAULT_CRITERIA = "imsct_adapted_v1"
"""Criteria that decide what is shown first, where nobody chose others."""

FilePath = str | os.PathLike[str]
Progress = Callable[[int, int, str], None]
"""Called with patients done, patients to do, and the name of the one just finished."""


@dataclass(frozen=True)
class RunOptions:
    """What may be asked of a run beside its two folders.

    Attributes
    ----------
    criteria_id
        Criteria that decide what is shown first; all packaged ones are judged.
    participants
        Only these patients, with or without ``sub-``; None for all.
    jobs
        Patients worked on at the same time.
    as_of
        Day of reading; None for today.
    schedules
        A .toml file with follow-up schedules in place of the packaged ones.
    masks_from
        Masks nobody drew: ``given`` (the lesion found again), ``sct``, or a model's .toml file.
    is_job
        One job of many: only the finished steps of ``participants`` are written, and :func:`gather` publishes.
    executor
        Where patients are worked on: ``local``, ``dask``, ``dask:ADDRESS``, ``slurm`` or ``slurm:OPTION=VALUE,...``
        (``docs/deploy.md``).
    """

    criteria_id: str = DEFAULT_CRITERIA
    participants: Sequence[str] | None = None
    jobs: int = 1
    as_of: date | None = None
    schedules: Path | None = None
    masks_from: str = "given"
    is_job: bool = False
    executor: str = "local"


def measure(mask: FilePath, image: FilePath | None = None) -> pd.DataFrame:
    """Measure the compartments of one label map, mask or probability map in its own grid.

    Parameters
    ----------
    mask
        NIfTI file.
    image
        Scan that the mask must share its grid with.

    Returns
    -------
    DataFrame
        One row per label: file, label, volume_mm3, slices_spanned, diameters in mm, component_count, plane.

    Raises
    ------
    InputError
        A file cannot be read, or the mask is not on the image's grid.
    """
    import pandas as pd  # noqa: PLC0415

    from pipeline.tools import one_scan  # noqa: PLC0415

    return pd.DataFrame(one_scan.measure_file(Path(mask), None if image is None else Path(image)))


def register(
    fixed: FilePath,
    moving: FilePath,
    out_prefix: FilePath,
    *,
    fixed_mask: FilePath | None = None,
    contrasts: tuple[str | None, str | None] = (None, None),
) -> Alignment:
    """Align one pair of scans, write both transforms and the aligned scan, and say how good it is.

    Parameters
    ----------
    fixed
        Scan whose space is kept.
    moving
        Scan that is brought to it.
    out_prefix
        Start of the names of the files: ``to_moving.h5``, ``to_fixed.h5`` and ``aligned.nii.gz``.
    fixed_mask
        Lesion on the fixed scan. None: the cord is found on the fixed scan and aligned around; where there is none,
        the grade is B at best and says so.
    contrasts
        What the fixed and the moving scan show, such as ``T1w`` and ``T2w``. None: as their names say; where those do
        not, they are laid on one another as alike and, unless that leaves no doubt, as different too.

    Returns
    -------
    Alignment
        ``quality.grade`` is A, B or C, ``quality.reasons`` says why it is not better; ``to_follow_up`` moves points
        from the fixed to the moving scan (:func:`move_points`).

    Raises
    ------
    InputError
        A file cannot be read, or the mask is not on the fixed scan's grid.
    """
    from pipeline.tools import one_scan  # noqa: PLC0415

    return one_scan.register_files(
        Path(fixed), Path(moving), os.fspath(out_prefix), None if fixed_mask is None else Path(fixed_mask), contrasts
    )


def move_points(alignment: Alignment, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move points of the fixed scan to where they lie in the moving scan.

    Parameters
    ----------
    alignment
        As :func:`register` returns it.
    points_mm
        Shape ``(N, 3)``, RAS+ mm in the fixed scan.

    Returns
    -------
    ndarray
        Shape ``(N, 3)``, RAS+ mm in the moving scan.
    """
    from pipeline.core import transform  # noqa: PLC0415

    return transform.move_points(alignment.to_follow_up, points_mm)


def assess(
    volumes: FilePath,
    treatments: FilePath | None = None,
    *,
    criteria_id: str = DEFAULT_CRITERIA,
    as_of: date | None = None,
    function: FilePath | None = None,
) -> JudgedTable:
    """Judge sizes that other software measured, without images.

    Parameters
    ----------
    volumes, treatments
        Tables as ``docs/own-numbers.md`` describes them.
    criteria_id
        Packaged criteria, a .toml file, or ``all``.
    as_of
        Day of reading; None for today.
    function
        Functional grades, as the study's ``function.tsv``; None when nobody graded function.

    Returns
    -------
    JudgedTable
        ``rows`` (as a data frame: :func:`judged_table`), ``best_responses`` (:func:`best_response_table`), ``readings``
        (:func:`readings_table`): what the sizes say with a cyst counted and by enhancing and T2 tumour,
        ``judged_count``, and ``findings``: what could not be read or
        used, which is in no row (as a data frame: :func:`findings_table`).

    Raises
    ------
    InputError
        A table cannot be read.
    SettingsError
        There are no such criteria.
    """
    from pipeline.tools.assess import assess_table  # noqa: PLC0415

    return assess_table(
        Path(volumes),
        None if treatments is None else Path(treatments),
        criteria_id,
        _day(as_of),
        None if function is None else Path(function),
    )


def judged_table(judged: JudgedTable) -> pd.DataFrame:
    """Return the verdicts of :func:`assess`, one row per patient, day and criteria; missing is None."""
    import pandas as pd  # noqa: PLC0415

    from pipeline.tools.assess import COLUMNS  # noqa: PLC0415

    return pd.DataFrame(list(judged.rows), columns=list(COLUMNS))


def best_response_table(judged: JudgedTable) -> pd.DataFrame:
    """Return the best response of each course of :func:`assess`, one row per course, criteria and look."""
    import pandas as pd  # noqa: PLC0415

    from pipeline.tools import assess as tool  # noqa: PLC0415

    return pd.DataFrame(list(judged.best_responses), columns=list(tool.BEST_COLUMNS))


def readings_table(judged: JudgedTable) -> pd.DataFrame:
    """Return the readings beside solid tumour of :func:`assess`, one row per patient, day, reading and criteria."""
    import pandas as pd  # noqa: PLC0415

    from pipeline.tools.assess_readings import READING_COLUMNS  # noqa: PLC0415

    return pd.DataFrame(list(judged.readings), columns=list(READING_COLUMNS))


def findings_table(findings: Sequence[Finding]) -> pd.DataFrame:
    """Return findings, each with severity, code, place, message and remedy."""
    import pandas as pd  # noqa: PLC0415

    columns = ("severity", "code", "patient_id", "session_id", "path", "message", "remedy")
    finding_rows = [[getattr(finding, name) for name in columns] for finding in findings]
    return pd.DataFrame(finding_rows, columns=list(columns))


def run(
    bids_dir: FilePath, out_dir: FilePath, options: RunOptions | None = None, on_progress: Progress | None = None
) -> RunSummary:
    """Measure and judge a study folder; does only what changed since the last run.

    Patients are worked on in processes of their own: a script that calls this guards its start with
    ``if __name__ == "__main__":``, as ``multiprocessing`` asks for.

    Parameters
    ----------
    bids_dir
        Study folder; it is never written to.
    out_dir
        Output folder.

    Returns
    -------
    RunSummary
        Patients computed and reused, all findings (:func:`findings_table`), and whether results were published.

    Raises
    ------
    SettingsError
        The folders or criteria asked for cannot be used.
    StoreError
        The output folder cannot be written, or another process writes to it.
    """
    from pipeline.run import study_run  # noqa: PLC0415

    return study_run.run(_settings(Path(bids_dir), Path(out_dir), options), on_progress or _silent)


def check(
    bids_dir: FilePath,
    out_dir: FilePath | None = None,
    options: RunOptions | None = None,
    on_progress: Progress | None = None,
) -> StudyCheck:
    """Read a study folder as a run would, compute nothing and write nothing; say what is wrong and what is left out.

    Parameters
    ----------
    bids_dir
        Study folder.
    out_dir
        Output folder, to hear what people decided and drew on the pages as well; None: the study alone.

    Returns
    -------
    StudyCheck
        Each visit with how it will be measured or why not, and ``findings`` (:func:`findings_table`), errors first.

    Raises
    ------
    SettingsError
        The folders or criteria asked for cannot be used.
    """
    from pipeline.run import study_check  # noqa: PLC0415

    no_results = Path(bids_dir) / "derivatives" / "cordtrack"  # where an output folder inside a study is
    settings = _settings(Path(bids_dir), no_results if out_dir is None else Path(out_dir), options)
    return study_check.check(settings, on_progress or _silent)


def _settings(bids_dir: Path, out_dir: Path, options: RunOptions | None) -> RunSettings:
    from pipeline.run.run_settings import RunSettings  # noqa: PLC0415

    asked = options or RunOptions()
    return RunSettings(
        bids_dir=bids_dir,
        out_dir=out_dir,
        criteria_id=asked.criteria_id,
        participants=None if asked.participants is None else frozenset(asked.participants),
        jobs=asked.jobs,
        as_of=_day(asked.as_of),
        finished_at=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
        schedules=asked.schedules,
        masks_from=asked.masks_from,
        is_job=asked.is_job,
        executor=asked.executor,
    )


def gather(out_dir: FilePath) -> RunSummary:
    """Publish what jobs have finished, each for its own patients, in one stroke; nothing is measured anew.

    Patients of the study without a finished result are not in the store. A second call writes nothing.

    Raises
    ------
    StoreError
        No job has been run on this folder, it cannot be written, or another process writes to it.
    """
    from pipeline.run import study_run  # noqa: PLC0415

    settings = _as_asked(Path(out_dir), datetime.now(UTC).replace(tzinfo=None, microsecond=0))
    return study_run.run(dataclasses.replace(settings, participants=frozenset()), _silent)


def rebuild(out_dir: FilePath, jobs: int = 1, on_progress: Progress | None = None) -> RunSummary:
    """Make the database again from the study folder and the finished steps, asked what the last run was asked.

    Raises
    ------
    StoreError
        The folder holds no run, or cannot be written.
    """
    from pipeline.run import study_run  # noqa: PLC0415

    settings = dataclasses.replace(_as_asked(Path(out_dir)), jobs=jobs)
    return study_run.run(settings, on_progress or _silent, rebuild=True)


def _as_asked(out_dir: Path, finished_at: datetime | None = None) -> RunSettings:
    """Return what the last run of an output folder was asked, to do it again."""
    from pipeline.files import out_folder  # noqa: PLC0415
    from pipeline.run.run_settings import RunSettings  # noqa: PLC0415

    last = out_folder.settings_of(out_dir)
    return RunSettings(
        bids_dir=Path(last["bids_dir"]),
        out_dir=out_dir,
        criteria_id=last["criteria_id"],
        participants=None,
        jobs=1,
        as_of=_day(None),
        finished_at=finished_at or datetime.fromisoformat(last["finished_at"]),
        schedules=Path(last["schedules"]) if "schedules" in last else None,
        masks_from=last.get("masks_from", "given"),
    )


def views(out_dir: FilePath) -> list[str]:
    """Return the names of the tables of results that :func:`table` reads.

    Raises
    ------
    StoreError
        The folder holds no results.
    """
    from pipeline.store import reader  # noqa: PLC0415

    return reader.views(reader.database_path(Path(out_dir)))


def table(out_dir: FilePath, view: str) -> pd.DataFrame:
    """Return a table of results, such as ``measurement`` or ``assessment``; missing is None, NaN or NaT, never 0.

    Raises
    ------
    SettingsError
        There is no view of that name; the message lists them.
    StoreError
        The folder holds no results.
    """
    from pipeline.store import reader  # noqa: PLC0415

    return reader.table(reader.database_path(Path(out_dir)), view)


def dictionary(out_dir: FilePath) -> pd.DataFrame:
    """Return what every column of every table means, with its unit: view, column, type, comment.

    Raises
    ------
    StoreError
        The folder holds no results.
    """
    from pipeline.store import reader  # noqa: PLC0415

    return reader.dictionary(reader.database_path(Path(out_dir)))


def status(out_dir: FilePath) -> pd.DataFrame:
    """Return one row per patient: visits, last scan, state and failures.

    Raises
    ------
    StoreError
        The folder holds no results.
    """
    from pipeline.store import reader  # noqa: PLC0415

    return reader.query(reader.database_path(Path(out_dir)), "status")


def _day(as_of: date | None) -> date:
    return datetime.now().astimezone().date() if as_of is None else as_of


def _silent(_done: int, _total: int, _name: str) -> None:
    """Show no progress."""
