"""What stands beside the verdict is told on the Patient page in its own words (about 10 s)."""

from datetime import date

import pandas as pd
import pytest

from dashboard import packet
from dashboard.patient import context_section
from dashboard.shell import page as frame
from dashboard.words import sentences
from pipeline.store import reader
from tests.dashboard.app_pages.test_pages import opened, text_of
from tests.dashboard.packet.test_packet import read
from tests.factories import ADAPTED
from tests.study_folder import run_of_numbers

VOLUMES = """patient_id,date,compartment,volume_mm3,volume_cv
p1,2019-11-01,tumour,2000,0.05
p1,2020-04-01,tumour,500,0.05
p1,2021-04-01,tumour,640,0.05
p1,2022-04-01,tumour,830,0.05
p1,2020-04-01,cyst,300,0.05
p1,2021-04-01,cyst,900,0.05
p1,2022-04-01,cyst,920,0.05
p1,2020-04-01,syrinx,0,
p1,2021-04-01,syrinx,0,
p1,2022-04-01,syrinx,0,
p2,2020-04-01,tumour,500,0.05
p3,2020-04-01,tumour,1000,0.05
p3,2020-10-01,tumour,300,0.05
p3,2021-10-01,tumour,0,
p5,2020-04-01,tumour,1000,0.05
p5,2020-04-01,cyst,3000,0.05
p5,2020-04-01,enhancing,600,0.05
p5,2021-04-01,tumour,1010,0.05
p5,2021-04-01,cyst,0,
p5,2021-04-01,enhancing,950,0.05
p4,2019,tumour,1000,0.05
p4,2021-05,tumour,1050,0.05
"""
TREATMENTS = "patient_id,date,kind,extent\np1,2020-01-01,surgery,GTR\n"


@pytest.fixture(scope="module")
def imported_out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("told_beside")
    run_of_numbers(folder, VOLUMES, TREATMENTS)
    return folder / "out"


@pytest.fixture
def page(imported_out, monkeypatch):
    monkeypatch.setenv("CORDTRACK_OUT", str(imported_out))
    return text_of(opened("patient", patient="sub-p1", tab="Cyst, oedema and others"))


def test_a_cyst_that_has_grown_is_told_beside_and_never_as_progression(page):
    assert "0.92 mL on 2022-04-01, growing since 2020-04-01 (+210\u202f%), within error as on 2021-04-01; never" in page
    assert "None seen: syrinx." in page


def test_the_best_response_is_told_by_confirmed_and_by_single_scans(imported_out, monkeypatch):
    monkeypatch.setenv("CORDTRACK_OUT", str(imported_out))
    words = text_of(opened("patient", patient="sub-p3"))
    assert "Watched: PR. Partial response from 2020-10-01, 183 days after the baseline of 2020-04-01" in words
    assert "By single scans CR." in words


def test_days_that_nobody_wrote_down_are_told(imported_out, monkeypatch):
    monkeypatch.setenv("CORDTRACK_OUT", str(imported_out))
    words = text_of(opened("patient", patient="sub-p4"))
    assert "on any day from 2019-01-01 to 2019-12-31" in words
    assessments = reader.table(reader.database_path(imported_out), "assessment")
    reasons = assessments[assessments["patient_id"] == "sub-p4"]["reason"]
    assert reasons.str.contains(r"mL on 2021-05 is .* of 2019: ").any(), reasons.tolist()


def test_each_visit_of_a_cyst_is_in_the_history(page):
    assert "0.90 mL on 2021-04-01, growing since 2020-04-01 (+200\u202f%); never progression." in page
    assert "0.30 mL on 2020-04-01, first measured; never progression." in page


def test_extent_by_surgeon_and_by_scan_are_told_with_their_contradiction(page):
    assert (
        "75\u202f% removed: 2.0 mL on 2019-11-01, residual 0.50 mL on 2020-04-01 (partial on MRI); "
        "the surgeon reports gross total, which the scans contradict."
    ) in page


def test_growth_is_told_with_its_interval_error_and_limits(page):
    # 500 to 830 mm³ in two years: ln(1.66) / 2 = 0.253 a year, +29 %; doubling in 2.7 years
    assert "Doubling in 2.7 years (95\u202f% CI" in page
    assert "volume +29\u202f% a year" in page
    assert "(2020-04-01 to 2022-04-01, 3 scans; says nothing of later scans)." in page
    assert "growing on like this it would exceed the error again by 2022-" in page


def test_the_packet_tells_it_too(imported_out, monkeypatch):
    monkeypatch.setenv("CORDTRACK_OUT", str(imported_out))
    made = packet.gather("sub-p1", frame.study())
    assert dict(made.beside)["cyst"].startswith("0.92 mL on 2022-04-01, growing since 2020-04-01")
    text, pages = read(packet.pdf(made))
    assert len(pages) <= 2
    assert "the surgeon reports gross total, which the scans contradict." in text
    assert "the surgeon reports gross total, which the scans contradict." in packet.html(made).decode()


def test_a_patient_with_one_visit_has_only_the_next_scan_beside(imported_out, monkeypatch):
    monkeypatch.setenv("CORDTRACK_OUT", str(imported_out))
    text = text_of(opened("patient", patient="sub-p2"))
    assert "By 2020-10-01. Tumour of the cord, histology or grade not known: every 183 days of a tumour" in text
    assert "Histology not known" in text
    assert "whole neuraxis" not in text
    assert "growth rate" not in text


RATE = {
    "first_on": date(2020, 1, 1), "last_on": date(2020, 5, 6), "scan_count": 2, "days": 126, "is_certain": True,
    "growth_percent_per_year": 827.0, "growth_low_percent_per_year": 103.0, "growth_high_percent_per_year": 4100.0,
    "doubling_time_days": 113.7, "doubling_low_days": 67.6, "doubling_high_days": 357.0, "diameter_mm_per_year": 6.0,
    "diameter_low_mm_per_year": 2.0, "diameter_high_mm_per_year": 10.0, "length_mm_per_year": None,
    "length_low_mm_per_year": None, "length_high_mm_per_year": None, "residual_sd": None, "error_sd": 0.19,
    "detectable_on": None, "is_provisional": True,
}  # fmt: skip


def test_scans_over_less_than_a_year_are_not_carried_on_to_a_year():
    assert sentences.growth(RATE) == (
        "Doubling in 3.7 months (95\u202f% CI 2.2 to 12) (2020-01-01 to 2020-05-06, 2 scans; says nothing of "
        "later scans). Provisional: an automatic mask that nobody signed."
    )


def test_a_rate_inside_the_error_is_no_growth_and_names_no_doubling_time():
    unsure = RATE | {"is_certain": False, "growth_low_percent_per_year": -12.0, "growth_high_percent_per_year": 10.0}
    words = sentences.growth(unsure | {"days": 900})
    assert words.startswith("No growth or shrinkage beyond the error (95\u202f% CI −12 to +10\u202f% a year); mean")
    assert " a year" not in sentences.growth(unsure), "126 days"
    assert "oubling" not in words


def test_both_ends_of_a_speed_have_the_same_decimals():
    slow = RATE | {
        "days": 900, "length_mm_per_year": -0.118, "length_low_mm_per_year": -0.24, "length_high_mm_per_year": 0.0048,
    }  # fmt: skip
    words = sentences.growth(slow)
    assert "+6\u202fmm a year (+2 to +10)" in words
    assert "−0.12\u202fmm a year (−0.24 to 0.00)" in words


def test_a_rate_without_known_error_says_so():
    unknown = RATE | {"is_certain": pd.NA, "growth_low_percent_per_year": None, "growth_high_percent_per_year": None}
    assert sentences.growth(unknown).startswith("Not known how sure: the error of a volume is unknown")


def test_a_shrinking_tumour_halves():
    halving = RATE | {"doubling_time_days": -437.0, "doubling_low_days": -798.0, "doubling_high_days": -301.0}
    assert sentences.growth(halving).startswith("Halving in 14 months (95\u202f% CI 9.9 to 26)")


def test_a_form_of_the_whole_neuraxis_lists_what_is_missing_and_the_next_scan_what_is_not_known(tiny):
    told = {line.word: line.text for line in context_section.lines("sub-01", "ses-05", ADAPTED)}
    assert told["whole neuraxis"].endswith(
        "seeding neither seen nor excluded. Nothing is said to be present. Missing: lumbar canal: not said."
    )
    assert told["next scan"] == "By 2023-10-10. why. Information, not advice. MYCN not known."


def test_what_nobody_filled_in_is_not_said_and_never_absent(tiny):
    table = str(context_section.neuraxis("sub-01"))
    assert '<th scope="row">lumbar canal</th><td>not said</td>' in table
    assert '<th scope="row">tumour cells in the cerebrospinal fluid</th><td>not said</td>' in table
    assert "No visit has a form" in str(context_section.neuraxis("sub-02"))


def test_what_the_scan_says_with_the_cyst_and_by_its_parts_is_told_beside_the_verdict(imported_out, monkeypatch):
    monkeypatch.setenv("CORDTRACK_OUT", str(imported_out))
    words = text_of(opened("patient", patient="sub-p5"))
    assert "<b>With the cyst counted: </b>PR? (−75\u202f% since 2020-04-01)." in words
    assert "<b>Enhancing and T2 tumour together: </b>PD." in words
    assert ">decides<" in words
    assert "Progression of either part is progression (RANO 2.0, mixed tumours, adapted)." in words
    assert "by volume stable; enhancing part growing" in words


def test_a_patient_without_cyst_and_enhancing_part_has_no_other_reading(imported_out, monkeypatch):
    monkeypatch.setenv("CORDTRACK_OUT", str(imported_out))
    assert ">decides<" not in text_of(opened("patient", patient="sub-p3"))


def test_paper_says_the_same_readings(imported_out, monkeypatch):
    monkeypatch.setenv("CORDTRACK_OUT", str(imported_out))
    told = dict(packet.gather("sub-p5", frame.study()).beside)
    assert told["solid and cyst"].startswith("PR? (−75\u202f% since 2020-04-01): Reaches the −65\u202f% rule")
    assert told["enhancing and T2"].startswith("PD: Progression of either part")
