"""The story of a self-test: read a scan, implant, measure each pair in a process of its own, report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import __version__
from pipeline.errors import SettingsError, StoreError
from pipeline.files import fingerprints
from pipeline.run.workers import ALIGNING, one_thread_each, worker_context
from pipeline.selftest import figure, report
from pipeline.selftest.detection import Performance, Way, performances
from pipeline.selftest.host_scan import Place, Source, read_source
from pipeline.selftest.implanted_pairs import GROWTHS, Measured, Plan, measure_pair, plans, refuse_what_does_not_fit

VOLUMES_ML = (0.1, 0.25, 0.5, 1.0, 2.5)
QUICK_VOLUMES_ML = (0.5,)


@dataclass(frozen=True)
class Settings:
    """What to implant where, and how often."""

    out_dir: Path
    like: Path | None = None
    cord: Path | None = None
    place: Place = field(default_factory=Place)
    slice_mm: float | None = None
    volumes_ml: tuple[float, ...] = VOLUMES_ML
    repeats: int = 1
    seed: int = 1
    jobs: int = 1


@dataclass(frozen=True)
class Done:
    """What a self-test found, and where it was written."""

    sentence: str
    found: tuple[Performance, ...]
    rows: tuple[Measured, ...]
    cord_name: str


def selftest(settings: Settings, show: Callable[[int, int], None]) -> Done:
    """Implant, measure and report; the same settings give the same files, whatever the number of jobs.

    Parameters
    ----------
    show
        Called with the number of finished pairs and of all.

    Raises
    ------
    SettingsError, InputError, StoreError
        As the message says.
    """
    if min(settings.volumes_ml) <= 0:
        raise SettingsError("--volume: expected volumes above 0 mL; leave the option out for the usual ones")
    source = read_source(settings.like, settings.cord, settings.place, settings.slice_mm)
    wanted = plans(tuple(sorted(set(settings.volumes_ml))), settings.repeats, settings.seed)
    refuse_what_does_not_fit(source, wanted)
    if settings.out_dir.exists() and not settings.out_dir.is_dir():
        raise StoreError(f"{settings.out_dir}: expected a folder to write to, found a file; name another with -o")
    measured = []
    for row in _measured(source, wanted, settings.jobs):
        measured.append(row)
        show(len(measured), len(wanted))
    measured.sort(key=lambda row: row.plan.number)
    return _written(settings, source, measured)


def _measured(source: Source, wanted: Sequence[Plan], jobs: int) -> Iterator[Measured]:
    """Yield pairs as they are finished, each measured in a process with one thread, as a run does."""
    context = worker_context([measure_pair.__module__, *ALIGNING])
    pool = ProcessPoolExecutor(min(jobs, len(wanted)), mp_context=context)
    # the largest tumours take longest, so they come first
    order = sorted(wanted, key=lambda plan: -plan.volume_ml)
    with one_thread_each():
        futures: list[Future[Measured]] = [pool.submit(measure_pair, source, plan) for plan in order]
    try:
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise StoreError(
            "a process that measured a pair died, often for lack of memory; run again with --jobs 1"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _written(settings: Settings, source: Source, measured: Sequence[Measured]) -> Done:
    pairs = [row.read(way) for row in measured for way in Way]
    by_volume = performances(pairs)
    where = f"{source.name} ({source.protocol})"
    answer = report.sentence(where, by_volume)
    out_dir = settings.out_dir
    out_dir.mkdir(parents=True, exist_ok=True)
    report.write_rows(measured, out_dir / "selftest.csv")
    summary = {
        "sentence": answer,
        "scan": source.name,
        "cord_mask": source.cord_name,
        "spacing_mm": [round(float(step), 4) for step in source.grid.spacing_mm],
        "implants_at_mm": round(source.host.z_mm - sum(source.host.course.reach_mm) / 2, 2),
        "signal_cord_fluid_noise": [round(part, 1) for part in _signals(source)],
        "volumes_ml": sorted(set(settings.volumes_ml)),
        "growths_percent": list(GROWTHS),
        "repeats": settings.repeats,
        "seed": settings.seed,
        "cordtrack": __version__,
        "software": fingerprints.software(),
        "code_sha256": fingerprints.of_all_code(),
    }
    report.write_summary(summary, by_volume, out_dir / "selftest.json")
    figure.draw(where, pairs, by_volume, out_dir / "selftest")
    return Done(answer, by_volume, tuple(measured), source.cord_name)


def _signals(source: Source) -> tuple[float, float, float]:
    return source.host.cord, source.host.fluid, source.host.noise
