"""What a run was asked to do, and what it did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from pipeline import mask_models
from pipeline.core import records


@dataclass(frozen=True)
class RunSettings:
    """What the user asked for.

    Attributes
    ----------
    participants
        Only these patients are worked on; None for all. The others stay in the store as they were.
    as_of
        Day of the run; visits and treatments after it are reported as findings.
    finished_at
        Time written into the run's record.
    schedules
        A file with schedules of follow-up scans in place of the packaged ones.
    is_job
        One job of many: only the chosen patients' finished steps are written, never the store; ``gather`` publishes.
    masks_from
        Where masks come from that nobody drew, as ``mask_sources.source_of`` reads it.
    executor
        Where patients are worked on, as ``executors.choice.executor_of`` reads it; results do not depend on it.
    """

    bids_dir: Path
    out_dir: Path
    criteria_id: str
    participants: frozenset[str] | None
    jobs: int
    as_of: date
    finished_at: datetime
    schedules: Path | None = None
    masks_from: str = mask_models.GIVEN
    is_job: bool = False
    executor: str = "local"


@dataclass(frozen=True)
class RunSummary:
    """What a run did: names of patients computed and reused, all findings, and whether a store was published."""

    computed: tuple[str, ...]
    reused: tuple[str, ...]
    findings: tuple[records.Finding, ...]
    is_published: bool
    is_job: bool = False
