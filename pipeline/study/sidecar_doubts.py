"""What sidecars say against names, tables and each other: another day, another person, another kind of scan.

A converter fills the JSON file from the scanner's header; names and tables are typed. Where they contradict each other
one of them is wrong, and nobody can tell here which: what names and tables say is used, and the contradiction is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from pipeline.core.contrast_agents import agent_given
from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.core.written_day import last_possible
from pipeline.study.scans import WEIGHTED, ScanFile

ONE_SITTING_DAYS = 1
SHORT_ECHO_MS, SHORT_REPETITION_MS = 35.0, 1200.0
LONG_ECHO_MS, LONG_REPETITION_MS = 60.0, 1500.0
"""Spin echo up to the first two is T1 weighted; from the other two on it is not (docs/hospital.md)."""

COMPUTED = frozenset({"ADC", "ADC_UNSPECIFIED", "FA", "TRACEW", "P", "PHASE", "B0", "SUBTRACTION", "MIP"})
"""Image types of maps, phases and projections."""

ELSEWHERE = frozenset(
    {"knee", "hip", "shoulder", "abdomen", "liver", "prostate", "breast", "heart", "ankle", "foot", "hand", "wrist",
     "elbow"}
)  # fmt: skip
"""Parts of the body whose scans show no spinal cord; of the head one may show the upper neck."""


class DatedScans(Protocol):
    """A visit as far as its sidecars go."""

    @property
    def patient_id(self) -> str:
        """Whose it is."""

    @property
    def session_id(self) -> str:
        """Which of theirs."""

    @property
    def acquired_on(self) -> date | None:
        """Its day; of a month or a year the first one."""

    @property
    def scans(self) -> Sequence[ScanFile]:
        """Its scans."""


def report(visits: Sequence[DatedScans], findings: list[Finding]) -> None:
    """Add what the sidecars of one patient's visits contradict."""
    for visit in visits:
        is_for_all = _names_agent_for_all(visit.scans)
        for scan in visit.scans:
            words = kind_doubt(scan, is_agent_for_all=is_for_all)
            if words is not None:
                about = {"patient_id": visit.patient_id, "session_id": visit.session_id}
                message = (
                    f"{scan.relative}: expected {scan.contrast} as its name says, found that its sidecar says {words}"
                )
                findings.append(finding("scan_contradicted", message, scan.relative, **about))
    _report_days(visits, findings)
    _report_people(visits, findings)


def _names_agent_for_all(scans: Sequence[ScanFile]) -> bool:
    """Say whether scans without and with an agent by name have one in their sidecars: it was typed for the visit."""
    return any(scan.contrast == "T1w_ce" and _has_agent(scan) for scan in scans)


def _has_agent(scan: ScanFile) -> bool:
    return agent_given(scan.claims.agent) is True


def kind_doubt(scan: ScanFile, *, is_agent_for_all: bool = False) -> str | None:
    """Say what a sidecar says of the kind of scan against its name; None where they agree or it says nothing.

    Parameters
    ----------
    is_agent_for_all
        An agent is named for the visit, and its scan after the agent is another one.
    """
    claims, facts = scan.claims, scan.facts
    echo_ms, repetition_ms = facts.echo_time_ms, facts.repetition_time_ms
    computed = sorted(claims.image_type & COMPUTED)
    if computed and scan.contrast.removesuffix("_ce") in WEIGHTED:
        return f"{computed[0]}, which is computed or a phase"
    if claims.body_part.strip().casefold() in ELSEWHERE:
        return f"{claims.body_part.strip().lower()}, not spine"
    is_plain_spin_echo = "SE" in claims.sequence and not {"GR", "IR", "EP"} & claims.sequence
    if is_plain_spin_echo and echo_ms is not None and repetition_ms is not None:
        timing = f"spin echo, echo time {echo_ms:g} ms, repetition time {repetition_ms:g} ms"
        if scan.contrast.startswith("T2w") and echo_ms <= SHORT_ECHO_MS and repetition_ms <= SHORT_REPETITION_MS:
            return f"T1w ({timing})"
        if scan.contrast.startswith("T1w") and echo_ms >= LONG_ECHO_MS and repetition_ms >= LONG_REPETITION_MS:
            return f"T2w ({timing})"
    if scan.contrast == "T1w" and _has_agent(scan) and not is_agent_for_all:
        return "a contrast agent, which its name would show by ce-"
    return None


def _report_days(visits: Sequence[DatedScans], findings: list[Finding]) -> None:
    """Say of visits whose sidecars have another day; days that were moved alike at all visits keep their distances."""
    apart = {id(visit): days for visit in visits if (days := _days_apart(visit)) is not None}
    is_alike = len(apart) > 1 and max(apart.values()) - min(apart.values()) <= ONE_SITTING_DAYS
    for visit in visits if not is_alike else ():
        if abs(apart.get(id(visit), 0)) > ONE_SITTING_DAYS:
            message = (
                f"{visit.patient_id} {visit.session_id}: expected the day of its scans in the sessions table, found "
                f"another one in a sidecar; are visits exchanged, or were days moved?"
            )
            about = {"patient_id": visit.patient_id, "session_id": visit.session_id}
            findings.append(finding("visit_day_contradicted", message, **about))


def _days_apart(visit: DatedScans) -> int | None:
    """Return by how many days the day of a visit's sidecars lies after that of the table, the smallest of its scans."""
    first = visit.acquired_on
    if first is None:
        return None
    last = last_possible(first) or first
    days = [scan.claims.acquired_on for scan in visit.scans if scan.claims.acquired_on is not None]
    apart = [0 if first <= day <= last else (day - (last if day > last else first)).days for day in days]
    return min(apart, key=abs, default=None)


def _report_people(visits: Sequence[DatedScans], findings: list[Finding]) -> None:
    """Say once for each field that two visits of one patient fill with different people; without what they say.

    Hospitals number one person each by themselves: numbers that differ say nothing where the days of birth are alike.
    """
    digests: dict[str, dict[str, str]] = {}
    differing = dict[str, str]()
    for visit in visits:
        for scan in visit.scans:
            for name, digest in scan.claims.person:
                sessions = digests.setdefault(name, {})
                first_session = next(iter(sessions.values()), None)
                if first_session is not None and digest not in sessions:
                    differing.setdefault(name, f"{first_session} and {visit.session_id}")
                sessions.setdefault(digest, visit.session_id)
    if _born_alike(visits):
        differing.pop("PatientID", None)
    for name, where in differing.items():
        patient_id = visits[0].patient_id
        message = f"{patient_id}: expected scans of one person, found that {name} in sidecars of {where} differs"
        findings.append(finding("scan_of_another", message, patient_id=patient_id))


def _born_alike(visits: Sequence[DatedScans]) -> bool:
    """Say whether every scan with a number of its person has the same day of birth beside it."""
    claims = [dict(scan.claims.person) for visit in visits for scan in visit.scans]
    born = {one.get("PatientBirthDate") for one in claims if "PatientID" in one}
    return len(born) == 1 and None not in born
