"""What the clock of each outcome does: the table that ``endpoints`` carries out.

One row per outcome: which day is zero, and what a new lesion elsewhere, death and a new therapy do. A changed row is a
changed result, so each names its source. What this module refuses: rules that are not data.

References
----------
FDA, Clinical Trial Endpoints for the Approval of Cancer Drugs and Biologics (2018), appendices 2 and 3 (table A).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline.core.vocabulary import SYSTEMIC, TreatmentKind

NEW_THERAPY = (
    TreatmentKind.SURGERY,
    TreatmentKind.RADIOTHERAPY,
    TreatmentKind.RADIOSURGERY,
    *SYSTEMIC,
)
"""Begun without progression, these change what is waited for."""

FIRST_TREATMENT_DAYS = 183
"""Therapy begun this early belongs to the first treatment (radiotherapy after surgery); a proposal, days."""

TWO_MISSED_VISITS_DAYS = 730
"""So long after the last adequate assessment two visits were missed even by yearly scans, the longest interval in
use; a proposal, days."""


class TimeZero(StrEnum):
    """The declared start of the clock."""

    SURGERY_OR_SCAN = "first surgery, else first scan"
    SURGERY_OR_RADIOTHERAPY = "first surgery, else end of the first radiotherapy or radiosurgery"


class Role(StrEnum):
    """What an occurrence does to the clock."""

    EVENT = "event"
    COMPETING = "competing"
    CENSORS = "censors"
    NOTHING = "nothing"


@dataclass(frozen=True)
class EndpointRule:
    """One outcome.

    Attributes
    ----------
    distant, death, new_therapy
        What a new lesion alone, death from any cause, and therapy begun without progression do to the clock. Death
        more than ``TWO_MISSED_VISITS_DAYS`` after the last adequate assessment always censors there.
    only_without_tumour
        Only for patients whose first baseline after surgery showed no tumour.
    source
        Where the rule is from.
    progression
        What progression does; where nothing, only death ends the clock, however long after the last scan.
    """

    endpoint_id: str
    title: str
    time_zero: TimeZero
    distant: Role
    death: Role
    new_therapy: Role
    only_without_tumour: bool
    source: str
    progression: Role = Role.EVENT


_FDA = "FDA 2018, appendix 3, table A"

RULES = (
    EndpointRule(
        "ttp", "time to progression", TimeZero.SURGERY_OR_SCAN,
        Role.EVENT, Role.CENSORS, Role.CENSORS, only_without_tumour=False, source=_FDA,
    ),
    EndpointRule(
        "pfs", "progression-free survival", TimeZero.SURGERY_OR_SCAN,
        Role.EVENT, Role.EVENT, Role.CENSORS, only_without_tumour=False, source=_FDA,
    ),
    EndpointRule(
        "rfs", "recurrence-free survival", TimeZero.SURGERY_OR_SCAN,
        Role.EVENT, Role.EVENT, Role.CENSORS, only_without_tumour=True, source="as pfs, after gross total resection",
    ),
    EndpointRule(
        "local_control", "local control", TimeZero.SURGERY_OR_RADIOTHERAPY,
        Role.COMPETING, Role.COMPETING, Role.CENSORS, only_without_tumour=False,
        source="progression in the treated bed; elsewhere and death compete with it (cumulative incidence)",
    ),
    EndpointRule(
        "os", "overall survival", TimeZero.SURGERY_OR_SCAN,
        Role.NOTHING, Role.EVENT, Role.NOTHING, only_without_tumour=False,
        source="FDA 2018, section II.A: death from any cause, else censored at the last day known alive",
        progression=Role.NOTHING,
    ),
)  # fmt: skip
"""Every outcome of the whole tumour that is stored, one a row."""

ANY_LESION = EndpointRule(
    "any_lesion", "time to progression of any lesion", TimeZero.SURGERY_OR_SCAN,
    Role.EVENT, Role.CENSORS, Role.CENSORS, only_without_tumour=False,
    source="as ttp, and so does progression of one lesion judged by itself (VHL, NF2, more than one tumour); proposal",
)  # fmt: skip
"""Beside them: the total as the criteria define it may hide what one lesion does, which leads the patient's state."""
