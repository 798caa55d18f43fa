"""How long judging takes: many made-up visits under the default criteria, on one core."""

from __future__ import annotations

import time
from collections import Counter

from pipeline.judge import criteria_files, endpoints
from pipeline.judge.response import judge
from tests.benchmark.synthetic_cohort import VISITS, courses

PATIENTS = 10_000
TARGET_SECONDS = 60


def main() -> None:
    rules = criteria_files.load(criteria_files.DEFAULT_CRITERIA_ID)
    cohort = list(courses(PATIENTS))
    started = time.process_time()
    judged = [judge(course, rules) for course in cohort]
    middle = time.process_time()
    outcomes = [endpoints.of_course(course, found) for course, found in zip(cohort, judged, strict=True)]
    ended = time.process_time()
    categories = Counter(str(verdict.category) for found in judged for verdict in found)
    spread = ", ".join(f"{name} {100 * count / sum(categories.values()):.0f} %" for name, count in categories.items())
    print("## Judging\n")
    print(
        f"{PATIENTS * VISITS:,} made-up visits of {PATIENTS:,} patients under `{rules.criteria_id}`, one core "
        f"({spread}). Target: under {TARGET_SECONDS} s.\n"
    )
    print("| part | CPU seconds |\n|---|---|")
    print(f"| verdict on every visit | {middle - started:.1f} |")
    print(f"| {sum(map(len, outcomes)):,} outcomes | {ended - middle:.1f} |\n")


if __name__ == "__main__":
    main()
