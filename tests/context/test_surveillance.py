"""Follow-up schedules by tables of cases; when growth could be seen. Two seconds."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.context import schedule_files
from pipeline.context.patient_facts import PatientFacts
from pipeline.context.surveillance import detectable_on, due, schedule_for
from pipeline.errors import SettingsError

RULES = schedule_files.load()
PACKAGED = Path(schedule_files.__file__).parent / "schedules" / schedule_files.DEFAULT_FILE
TREATED = date(2020, 1, 1)
EPENDYMOMA = PatientFacts("ependymoma", "2", "GTR")


def day(number: int) -> date:
    return TREATED + timedelta(days=number)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (PatientFacts("Haemangioblastoma", "1", "STR", "VHL"), "haemangioblastoma_vhl"),
        (PatientFacts("hemangioblastoma", syndrome="von Hippel-Lindau"), "haemangioblastoma_vhl"),
        (PatientFacts("haemangioblastoma", "1", "GTR"), "haemangioblastoma_resected"),
        (PatientFacts("haemangioblastoma", "1", "STR"), "low_grade"),
        (PatientFacts("Ependymoma", "II", "GTR"), "ependymoma_resected"),
        (PatientFacts("ependymoma", "2", "GTR", "NF2"), "ependymoma_resected"),
        (PatientFacts("ependymoma", "2", "NTR"), "ependymoma"),
        (PatientFacts("ependymoma", "3", "GTR"), "ependymoma"),
        (PatientFacts("ependymoma", None, "GTR"), "ependymoma"),
        (PatientFacts("ependymoma", "2", None), "ependymoma"),
        (PatientFacts("anaplastic astrocytoma", "WHO grade III"), "high_grade"),
        (PatientFacts(None, "4"), "high_grade"),
        (PatientFacts("diffuse midline glioma"), "high_grade_by_name"),
        (PatientFacts("DMG"), "high_grade_by_name"),
        (PatientFacts("GBM"), "high_grade_by_name"),
        (PatientFacts("anaplastic astrocytoma"), "high_grade"),
        (PatientFacts("astrocytoma", "III-IV"), "high_grade"),
        (PatientFacts("astrocytoma", "II/III"), "any"),
        (PatientFacts("astrocytoma, H3 K27 wild type", "2"), "low_grade"),
        (PatientFacts("Hämangioblastom", "1", "GTR"), "haemangioblastoma_resected"),
        (PatientFacts("Épendymome", "2", "GTR"), "ependymoma_resected"),
        (PatientFacts("ependymoma", "2 or 3", "GTR"), "ependymoma"),
        (PatientFacts("subependymoma", "1", "GTR"), "low_grade"),
        (PatientFacts("pilocytic astrocytoma", "1", age_years=9), "low_grade_child"),
        (PatientFacts("pilocytic astrocytoma", "1", age_years=18), "low_grade"),
        (PatientFacts("astrocytoma", "2"), "low_grade"),
        (PatientFacts("astrocytoma"), "any"),
        (PatientFacts(), "any"),
    ],
)
def test_the_first_schedule_that_fits_applies(facts: PatientFacts, expected: str) -> None:
    assert schedule_for(facts, RULES).schedule_id == expected


@pytest.mark.parametrize(
    ("facts", "last_scan_day", "treated", "expected_day", "interval_days"),
    [
        (EPENDYMOMA, None, True, 91, 91),
        (EPENDYMOMA, 2, True, 91, 91),  # the scan of the first days shows the operation
        (EPENDYMOMA, 41, True, 91, 91),
        (EPENDYMOMA, 42, True, 42 + 183, 183),
        (EPENDYMOMA, -30, True, 91, 91),  # the last scan was before the treatment
        (EPENDYMOMA, 1095, True, 1095 + 183, 183),
        (EPENDYMOMA, 1096, True, 1096 + 365, 365),
        (EPENDYMOMA, 5000, True, 5000 + 365, 365),
        (EPENDYMOMA, 5000, False, 5000 + 183, 183),
        (PatientFacts("ependymoma", "2", "STR"), 730, True, 730 + 122, 122),
        (PatientFacts("ependymoma", "2", "STR"), 731, True, 731 + 183, 183),
        (PatientFacts("glioblastoma", "4"), 13, True, 42, 42),
        (PatientFacts("glioblastoma", "4"), 14, True, 14 + 122, 122),
        (PatientFacts("haemangioblastoma", "1", None, "VHL"), 400, False, 400 + 731, 731),
    ],
)
def test_the_next_scan_is_due_as_the_schedule_says(
    facts: PatientFacts, last_scan_day: int | None, treated: bool, expected_day: int, interval_days: int
) -> None:
    last_scan_on = None if last_scan_day is None else day(last_scan_day)
    found = due(facts, last_scan_on, TREATED if treated else None, RULES)
    assert found is not None
    assert (found.due_on, found.interval_days) == (day(expected_day), interval_days)
    assert found.source.endswith("]")
    assert str(interval_days) in found.rule


def test_no_scan_counts_sooner_after_surgery_than_one_can_be_a_baseline() -> None:
    facts = PatientFacts("glioblastoma", "4")
    for scan_day, least_early_days, expected in ((20, 0, 142), (20, 42, 42), (41, 42, 42), (42, 42, 164)):
        planned = due(facts, day(scan_day), TREATED, RULES, least_early_days)
        assert planned is not None
        assert planned.due_on == day(expected)


def test_a_tumour_under_systemic_treatment_is_not_said_to_be_only_watched() -> None:
    planned = due(PatientFacts("astrocytoma", "2"), day(0), None, RULES)
    assert planned is not None
    assert planned.rule.endswith("every 183 days of a tumour neither operated on nor irradiated")


def test_overdue_is_more_than_one_and_a_half_intervals() -> None:
    found = due(EPENDYMOMA, day(200), TREATED, RULES)  # every 183 days; 1.5 times that is 274.5
    assert found is not None
    assert not found.is_overdue(day(200 + 274))
    assert found.is_overdue(day(200 + 275))


def test_an_interval_of_even_days_is_not_overdue_on_the_very_day() -> None:
    found = due(PatientFacts("ependymoma"), day(100), TREATED, RULES)  # every 122 days; 1.5 times that is 183
    assert found is not None
    assert not found.is_overdue(day(100 + 183))
    assert found.is_overdue(day(100 + 184))


def test_a_schedule_that_ended_is_never_overdue_and_says_so() -> None:
    found = due(PatientFacts("haemangioblastoma", "1", "GTR"), day(1826), TREATED, RULES)
    assert found is not None
    assert (found.due_on, found.interval_days, found.overdue_from) == (None, None, None)
    assert not found.is_overdue(date(2100, 1, 1))
    assert "ended" in found.rule


def test_without_scan_and_treatment_nothing_is_due() -> None:
    assert due(EPENDYMOMA, None, None, RULES) is None


@given(st.integers(42, 4000), st.integers(0, 400))
def test_a_later_scan_is_never_followed_by_an_earlier_due_date(scan_day: int, more_days: int) -> None:
    one, other = (due(EPENDYMOMA, day(number), TREATED, RULES) for number in (scan_day, scan_day + more_days))
    assert one is not None and other is not None and one.due_on is not None and other.due_on is not None  # noqa: PT018
    assert one.due_on <= other.due_on


@given(st.floats(1e-4, 1e-2), st.floats(0.02, 0.4), st.floats(0.02, 0.4), st.sampled_from([1.0, 1.4]))
def test_on_the_day_growth_can_be_seen_it_exceeds_the_error_and_the_day_before_it_does_not(
    growth_per_day: float, cv: float, next_cv: float, threshold_ratio: float
) -> None:
    found = detectable_on(growth_per_day, cv, next_cv, TREATED, threshold_ratio)
    assert found is not None
    limit = max(math.exp(1.96 * math.hypot(cv, next_cv)), threshold_ratio)
    days = (found - TREATED).days
    assert math.exp(growth_per_day * days) >= limit * (1 - 1e-9)
    assert math.exp(growth_per_day * (days - 1)) < limit


@pytest.mark.parametrize("growth_per_day", [0.0, -0.001, math.nan, 1e-9])
def test_tumour_that_does_not_grow_is_never_seen_to_grow(growth_per_day: float) -> None:
    assert detectable_on(growth_per_day, 0.1, 0.1, TREATED) is None


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("interval_days = 731", "interval_days = 0", "haemangioblastoma_vhl: expected intervals of a day"),
        ("overdue_ratio = 1.5", "overdue_ratio = 0.5", "overdue_ratio: expected 1 or more, found 0.5"),
        ("overdue_ratio = 1.5", "overdue_ratio = true", "expected a number, found True"),
        ("overdue_ratio", "overdue_ration", "unknown key 'overdue_ration'"),
        ("until_days = 731", "until_days = 9999", "ependymoma: expected phases in order"),
        ("until_days = 731", "till_days = 731", "schedules 4: phases 1: unknown key 'till_days'"),
        ('schedule_id = "any"', 'schedule_id = "any"\ngrades = ["2"]', "the last one to have no conditions"),
        ('mark = "proposal"', 'mark = "certain"', "mark: expected one of"),
        ("[[schedules]]", "[schedules]", "reading stopped"),
        ("phases = [{ interval_days = 731 }]", "phases = 731", "schedules 1: phases: expected a list of sections"),
    ],
)
def test_a_schedule_file_that_cannot_be_used_is_refused_in_words(
    tmp_path: Path, before: str, after: str, words: str
) -> None:
    text = PACKAGED.read_text(encoding="utf-8")
    assert before in text
    path = tmp_path / "own.toml"
    path.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(SettingsError, match=words.replace("(", r"\(").replace(".", r"\.")):
        schedule_files.load(path)


def test_a_file_of_ones_own_counts(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(PACKAGED.read_text(encoding="utf-8").replace("731 }]", "365 }]"), encoding="utf-8")
    own = schedule_files.load(path)
    found = due(PatientFacts("haemangioblastoma", syndrome="VHL"), day(0), None, own)
    assert found is not None
    assert found.due_on == day(365)
    assert own.sha256 != RULES.sha256
    with pytest.raises(SettingsError, match=r"nowhere\.toml: expected"):
        schedule_files.load(tmp_path / "nowhere.toml")


NO_HISTOLOGY = "histology not known: the schedule for any tumour of the cord, unless another fact says more"
EPENDYMOMA_KNOWN = replace(EPENDYMOMA, mycn="not amplified", syndrome="none", is_growing=False)


@pytest.mark.parametrize(
    ("facts", "interval_days", "closer"),
    [
        (EPENDYMOMA_KNOWN, 183, None),
        (replace(EPENDYMOMA_KNOWN, is_growing=True), 91, "Tumour that grew, perhaps within error, or spread"),
        (replace(EPENDYMOMA_KNOWN, mycn="amplified"), 91, "MYCN amplified"),
        (replace(EPENDYMOMA_KNOWN, mycn="unknown"), 183, None),
        (replace(EPENDYMOMA_KNOWN, mycn=None), 183, None),
        (PatientFacts("astrocytoma", "2", "GTR", h3_k27="altered"), 91, "H3 K27 altered, grade 4 whatever is written"),
        (PatientFacts("astrocytoma", "2", "GTR", h3_k27="wild type"), 183, None),
        (PatientFacts(None, None, None, h3_k27="altered"), 91, "H3 K27 altered, grade 4 whatever is written"),
        (PatientFacts("astrocytoma", "2", "biopsy"), 122, "Glioma of which less than 80 % or a biopsy was taken"),
        (PatientFacts("paraganglioma", "1", "biopsy"), 183, None),  # no glioma, though the word is in its name
        (PatientFacts("astrocytoma", "3", "biopsy"), 122, None),  # no closer than grade 3 is anyway
        (PatientFacts("haemangioblastoma", "1", "GTR", "NF2"), 365, None),
        (PatientFacts("haemangioblastoma", "1", "STR", "VHL", is_growing=True), 91, "Tumour that grew"),
    ],
)
def test_the_shortest_interval_that_applies_rules_and_names_its_reason(
    facts: PatientFacts, interval_days: int, closer: str | None
) -> None:
    planned = due(facts, day(400), TREATED, RULES)
    assert planned is not None
    assert planned.interval_days == interval_days
    assert (planned.closer_reason or "").startswith(closer or "")
    assert (planned.closer_reason is None) == (closer is None)
    assert ("; without that " in planned.rule) == (closer is not None)


def test_a_closer_schedule_goes_on_where_the_plain_one_has_ended() -> None:
    planned = due(PatientFacts("haemangioblastoma", "1", "GTR", is_growing=True), day(3000), TREATED, RULES)
    assert planned is not None
    assert planned.due_on == day(3091)
    assert planned.rule.endswith("without that none any more (Haemangioblastoma, sporadic, totally resected)")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (EPENDYMOMA, "MYCN not known: every 183 days until it is (amplified: every 91 days)"),
        (EPENDYMOMA_KNOWN, None),
        (
            PatientFacts("ependymoma", None, "GTR", mycn="not amplified"),
            "WHO grade not known: every 122 days until it is (grade 2: every 183 days)",
        ),
        (
            PatientFacts("ependymoma", "II-III", "GTR", mycn="not amplified"),
            "WHO grade not known: every 122 days until it is (grade 2: every 183 days)",
        ),
        (
            PatientFacts("ependymoma or astrocytoma", "2", "GTR", mycn="not amplified", h3_k27="wild type"),
            "histology not certain ('ependymoma or astrocytoma'): the schedule for the tumour it names",
        ),
        (
            PatientFacts("ependymoma", "2", None, mycn="not amplified"),
            "extent of resection not known: every 122 days until it is (GTR: every 183 days)",
        ),
        (PatientFacts("ependymoma", "2", None, mycn="not amplified", is_operated=False), None),
        (
            PatientFacts("astrocytoma", "2", "GTR", h3_k27="unknown"),
            "H3 K27 not known: every 183 days until it is (altered: every 91 days)",
        ),
        (
            PatientFacts("haemangioblastoma", "1", "GTR"),
            "syndrome not known: every 365 days until it is (VHL: every 731 days)",
        ),
        (
            PatientFacts(),
            f"{NO_HISTOLOGY}; WHO grade not known: every 183 days until it is (grade 3 or 4: every 122 days)",
        ),
    ],
)
def test_what_is_not_known_says_what_it_was_taken_for(facts: PatientFacts, words: str | None) -> None:
    planned = due(facts, day(400), TREATED, RULES)
    assert planned is not None
    assert planned.assumed == words


@given(
    st.sampled_from(["ependymoma", "astrocytoma", "haemangioblastoma", None]), st.sampled_from(["1", "2", "3", None]),
    st.sampled_from(["GTR", "STR", "biopsy", None]), st.integers(0, 4000), st.booleans(),
)  # fmt: skip
def test_knowing_of_something_that_asks_for_closer_scans_never_puts_one_off(
    histology: str | None, grade: str | None, extent: str | None, scan_day: int, treated: bool
) -> None:
    facts = PatientFacts(histology, grade, extent)
    planned = [
        due(one, day(scan_day), TREATED if treated else None, RULES)
        for one in (facts, replace(facts, is_growing=True), replace(facts, mycn="amplified", h3_k27="altered"))
    ]
    days = [one.due_on or date.max for one in planned if one is not None]
    assert len(days) == 3
    assert days[0] >= max(days[1:])


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            'mycn = ["amplified"]',
            'mycn = ["amplifed"]',
            "expected amplified or not amplified in mycn, found",
        ),
        (
            'h3_k27 = ["altered"]',
            'h3_k27 = ["unknown"]',
            "expected altered or wild type in h3_k27, found",
        ),
        ("growing = true\n", "", "growing: expected conditions, without which it would be everybody's schedule"),
        ("growing = true", 'growing = "yes"', "expected true or false"),
    ],
)
def test_a_closer_schedule_that_cannot_be_used_is_refused_in_words(
    tmp_path: Path, before: str, after: str, words: str
) -> None:
    text = PACKAGED.read_text(encoding="utf-8")
    assert before in text
    path = tmp_path / "own.toml"
    path.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(SettingsError, match=words):
        schedule_files.load(path)
