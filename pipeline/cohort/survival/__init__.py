"""Time-to-event analysis of a cohort: curves, follow-up, comparison, hazard ratios and competing events.

Imports ``errors`` only; the one room with lifelines, firthmodels and comprisk, whose types do not leave it.
It never fixes a "today" and never extrapolates beyond the last person seen.
"""

from pipeline.cohort.survival.curves import (
    CI_TRANSFORM,
    DAYS_PER_YEAR,
    YEARS,
    KaplanMeier,
    SurvivalAt,
    at_years,
    kaplan_meier,
    reverse_km_median,
)
from pipeline.cohort.survival.hazards import EVENTS_PER_COVARIATE, Cox, HazardRatio, cox
from pipeline.cohort.survival.incidence import CumulativeIncidence, cumulative_incidence
from pipeline.cohort.survival.log_rank import LogRank, log_rank
from pipeline.cohort.survival.penalised import PenalisedCox, PenalisedRatio, penalised_cox
from pipeline.cohort.survival.subdistribution import FineGray, GrayTest, SubdistributionRatio, fine_gray, gray_test

__all__ = [
    "CI_TRANSFORM",
    "DAYS_PER_YEAR",
    "EVENTS_PER_COVARIATE",
    "YEARS",
    "Cox",
    "CumulativeIncidence",
    "FineGray",
    "GrayTest",
    "HazardRatio",
    "KaplanMeier",
    "LogRank",
    "PenalisedCox",
    "PenalisedRatio",
    "SubdistributionRatio",
    "SurvivalAt",
    "at_years",
    "cox",
    "cumulative_incidence",
    "fine_gray",
    "gray_test",
    "kaplan_meier",
    "log_rank",
    "penalised_cox",
    "reverse_km_median",
]
