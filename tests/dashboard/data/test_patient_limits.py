"""Who may see some of the patients only sees no others: on every page, in every query, view and act. About 20 s."""

from __future__ import annotations

import contextlib
import re

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import acts, door, drawings, queries, scan_deliveries, study_jobs, table_changes
from dashboard.data.drawings import DrawingPlace
from pipeline.errors import SettingsError
from pipeline.journal.decisions import Act, ActKind
from tests.places import ROOT

LIMIT = '[[limit]]\ngroup = "ward"\npatients = ["01"]\n[[limit]]\ngroup = "guests"\ncentres = ["Nowhere"]\n'
PARAMETERS = {
    "patient_id": "sub-01", "criteria_id": "", "most": 100, "compartment": "tumour", "endpoint_id": "pfs",
    "as_of": "2026-01-01",
}  # fmt: skip
OTHER = re.compile(r"sub-(?!01(?:\b|_))\w+")


@pytest.fixture
def limited(tiny, signed_in):
    signed_in("ward", "board", "office", rules=LIMIT)
    return tiny


def asked(name):
    text = (ROOT / "sql" / "queries" / f"{name}.sql").read_text(encoding="utf-8")
    wanted = {parameter: PARAMETERS[parameter] for parameter in set(re.findall(r"\$([a-z_]+)", text))}
    if "criteria_id" in wanted:
        wanted["criteria_id"] = queries.query("study_info").iloc[0]["default_criteria_id"]
    return wanted


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "sql" / "queries").glob("*.sql")))
def test_no_query_shows_another_patient(limited, name):
    for ask in (queries.query, queries.fresh):
        answer = None
        with contextlib.suppress(SettingsError):  # it adds up all patients
            answer = ask(name, **asked(name))
        is_about_nobody = name in queries.ABOUT_NOBODY
        is_about_one = "patient_id" in asked(name)
        assert answer is not None or not is_about_one, "what is about one patient is shown to whoever may see that one"
        if answer is not None and not is_about_nobody and not (is_about_one and "patient_id" not in answer):
            assert set(answer["patient_id"]) <= {"sub-01"}
    if "patient_id" in asked(name):
        with pytest.raises(SettingsError, match="none of the patients that you may see"):
            queries.query(name, **(asked(name) | {"patient_id": "sub-02"}))


def test_no_view_shows_another_patient(limited):
    shown = 0
    for view in sorted(queries.dictionary()["view"].unique()):
        try:
            content = queries.table(view)
        except SettingsError:
            continue
        shown += 1
        assert "patient_id" not in content or set(content["patient_id"]) <= {"sub-01"}, view
    assert shown > 10
    assert set(queries.of_patients("board_sparkline", ["sub-01", "sub-02"])["patient_id"]) <= {"sub-01"}


@pytest.mark.parametrize("page", ["board", "patient", "cohort", "quality", "present"])
def test_no_page_names_another_patient(limited, page):
    at = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60)
    at.switch_page(f"app_pages/{page}.py")
    at.query_params["patient"] = "sub-02"
    at.run()
    assert not at.exception, at.exception
    words = "\n".join(element.proto.body for element in at.get("html"))
    words += "".join(link.proto.label.replace("\\", "") for link in at.get("page_link"))
    words += "".join(str(box.options) for box in (*at.selectbox, *at.multiselect))
    assert set(OTHER.findall(words)) <= {"sub-02"}  # what was asked for is said again
    assert "ses-" not in words or page != "patient"


def test_the_page_of_a_patient_whom_one_may_see_is_whole(limited, signed_in):
    def drawn():
        at = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60)
        at.switch_page("app_pages/patient.py")
        at.query_params["patient"] = "sub-01"
        at.run()
        words = " ".join(element.proto.body for element in at.get("html"))
        return words, [button.proto.label for button in at.get("download_button")]

    words, files = drawn()
    signed_in("chief", rules=LIMIT)
    assert "all patients" not in words
    assert files == drawn()[1] != []


def test_no_act_is_about_another_patient_or_about_all(limited, monkeypatch):
    monkeypatch.setenv(door.STUDY_VARIABLE, str(limited))
    other = DrawingPlace("sub-02", "ses-01", "tumour")
    before = acts_kept(limited)  # other tests share this store
    for deed in (
        lambda: acts.record("A", Act(ActKind.COMMENT, "sub-02", reason="seen")),
        acts.take_effect,
        lambda: acts.history("sub-02"),
        lambda: drawings.target(other),
        lambda: drawings.scan(other),
        lambda: door.opened("sub-02"),
        lambda: queries.display_mask("sub-02", "ses-01"),
        lambda: study_jobs.ask_for_run("A"),
        lambda: study_jobs.ask_for_run("A", "sub-02"),
        study_jobs.check,
        study_jobs.plan,
        study_jobs.all_jobs,
        lambda: table_changes.table("participants.tsv"),
        table_changes.patients,
        table_changes.history,
        scan_deliveries.going_on,
        scan_deliveries.ended,
        lambda: scan_deliveries.bring_files("A", [("a", b"x")]),
    ):
        with pytest.raises(SettingsError, match=r"may see|some of the patients"):
            deed()
    assert acts_kept(limited) == before


def acts_kept(out_dir):
    return {path: path.read_bytes() for path in sorted((out_dir / "journal").rglob("*")) if path.is_file()}


def test_what_was_kept_for_one_is_not_shown_to_another(limited, signed_in):
    def everyone():
        return tuple(queries.table("patient")["patient_id"])

    assert queries.derived(everyone) == ("sub-01",)
    signed_in("chief", rules=LIMIT)
    assert len(queries.derived(everyone)) > 1


@pytest.mark.parametrize(
    ("groups", "centres", "seen"),
    [
        (("ward",), [], {"sub-01"}), (("guests",), [], set()), (("kitchen",), [], None), (("chief", "ward"), [], None),
    ],
)  # fmt: skip
def test_a_list_limits_its_group(tiny, signed_in, groups, centres, seen):
    signed_in(*groups, rules=LIMIT)
    assert queries.patients_seen() == seen


def test_a_claim_of_centres_limits_everybody_but_admins(tiny, signed_in):
    rules = 'centre_claim = "centres"\n'
    signed_in("chief", rules=rules)
    centres = queries.table("patient").dropna(subset="centre").groupby("centre")["patient_id"].agg(set)
    for centre, members in centres.items():
        signed_in("ward", rules=rules, centres=[centre])
        assert queries.patients_seen() == members
    signed_in("ward", rules=rules, centres=["*"])
    assert queries.patients_seen() is None
    signed_in("ward", rules=rules)
    assert queries.patients_seen() == frozenset()
    signed_in("chief", rules=rules)
    assert queries.patients_seen() is None
