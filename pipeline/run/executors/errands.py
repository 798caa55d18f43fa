"""One patient to be worked on in a process that this run did not start, maybe on another machine.

Who takes an errand looks first whether it would give the same numbers: the same code and libraries, one thread, the
same files in sight. What this module refuses: to take a file that is not seen there for one that is not there.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.core.findings import WORKER_DIED, finding
from pipeline.errors import SettingsError, StoreError
from pipeline.files import fingerprints
from pipeline.run import workers
from pipeline.study.study_folder import StudyPatient

ATTEMPTS = 2
"""A patient that was lost is sent once more."""


@dataclass(frozen=True)
class Errand:
    """A patient with all that working on it needs; ``rules`` hold the names of its lesions and of no others."""

    patient: StudyPatient
    rules: workers.Rules
    out_dir: Path
    program: str

    @property
    def patient_id(self) -> str:
        """The patient."""
        return self.patient.patient.patient_id


@dataclass(frozen=True)
class ErrandAnswer:
    """What came of an errand: the patient's records, or why there are none.

    Attributes
    ----------
    lost
        Why it may be sent again: a worker died, somebody else works on the patient.
    refusal
        Why nobody there can take it.
    """

    patient_id: str
    result_rows: tuple[Any, ...] = ()
    lost: str | None = None
    refusal: str | None = None


Send = Callable[[Sequence[Errand]], Iterator[ErrandAnswer]]


def program() -> str:
    """Return what decides the numbers of a process: its code and libraries."""
    return f"{fingerprints.of_all_code()[:12]}; {fingerprints.software()}"


def run_errand(errand: Errand) -> ErrandAnswer:
    """Work on one patient here, unless this process would give other numbers."""
    refusal = _refusal(errand)
    if refusal is not None:
        return ErrandAnswer(errand.patient_id, refusal=f"{socket.gethostname()}: {refusal}")
    try:
        return ErrandAnswer(errand.patient_id, workers.process_here(errand.patient, errand.out_dir, errand.rules))
    except StoreError as error:
        return ErrandAnswer(errand.patient_id, lost=str(error))


def sent(
    patients: Sequence[StudyPatient], rules: workers.Rules, out_dir: Path, send: Send
) -> Generator[tuple[str, tuple[Any, ...]], None, None]:
    """Send patients away and yield each one's name and records as they come back; those lost are sent once more.

    Parameters
    ----------
    send
        Takes errands and yields their answers, in any order.

    Raises
    ------
    SettingsError
        Those who take errands would give other numbers.
    """
    here, folder = program(), out_dir.resolve()
    rest = {p.patient.patient_id: Errand(p, rules.of_patient(p.patient.patient_id), folder, here) for p in patients}
    reasons: dict[str, str] = {}
    for _ in range(ATTEMPTS):
        for answer in send(tuple(rest.values())) if rest else ():
            if answer.refusal is not None:
                raise SettingsError(answer.refusal)
            if answer.lost is not None:
                reasons[answer.patient_id] = answer.lost
                continue
            del rest[answer.patient_id]
            yield answer.patient_id, answer.result_rows
    for name, errand in rest.items():
        message = f"{name}: what worked on this patient was lost {ATTEMPTS} times ({reasons.get(name, 'no answer')})"
        yield name, (errand.patient.patient, finding(WORKER_DIED, message, patient_id=name))


def _refusal(errand: Errand) -> str | None:
    """Say why this process would not give the numbers that the run itself would; None where it would."""
    if program() != errand.program:
        return (
            f"expected cordtrack as the run has it ({errand.program}), found {program()}; install the same version "
            "with the same libraries on every machine"
        )
    threads = {name: os.environ.get(name) for name in workers.THREAD_LIMITS}
    if set(threads.values()) != {"1"}:
        limits = " ".join(f"{name}=1" for name in workers.THREAD_LIMITS)
        return f"expected one thread each, so that sums come out the same; start the workers with {limits}"
    unseen = [path for path in _files(errand) if not path.exists()]
    if unseen:
        return f"expected to see {unseen[0]}, found nothing there; all machines need study and output at the same path"
    return None


def _files(errand: Errand) -> Iterator[Path]:
    yield errand.out_dir
    for visit in errand.patient.visits:
        yield from (scan.path for scan in visit.scans)
        yield from (mask.path for mask in visit.masks)
        yield from (labels.path for labels in visit.discs)
