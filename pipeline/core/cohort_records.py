"""Records of what a cohort tells of one of its people: how well each kind of tumour fits, and how often each is met."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KindEvidence:
    """How well each kind of tumour fits the readings up to a patient's last visit, and what it tells.

    Kinds: as met everywhere (``usual``), one that never changes (``still``), that grows steadily, by jumps alone, or
    changes fast (``otherwise``). Likelihoods are relative, 1 for the kind that fits best; the probability is that of a
    change beyond the threshold if the tumour is of that kind, 0 to 1. They rest on this patient alone.
    """

    patient_id: str
    session_id: str
    criteria_id: str
    course: str
    usual_likelihood: float
    still_likelihood: float
    steady_likelihood: float
    by_jumps_likelihood: float
    otherwise_likelihood: float
    usual_probability: float
    still_probability: float
    steady_probability: float
    by_jumps_probability: float
    otherwise_probability: float


@dataclass(frozen=True)
class CohortShare:
    """How often each kind of tumour is met among the people of a study in one kind of course, by one set of criteria.

    Shares, 0 to 1, are None with a reason where there are too few people. ``growing_share`` is that of those who grow
    steadily or by jumps, with its 95 % interval.
    """

    criteria_id: str
    course: str
    people: int
    version: str
    usual_share: float | None
    still_share: float | None
    steady_share: float | None
    by_jumps_share: float | None
    otherwise_share: float | None
    growing_share: float | None
    growing_low_share: float | None
    growing_high_share: float | None
    reason: str | None
