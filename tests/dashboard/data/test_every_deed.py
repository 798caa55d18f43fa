"""Every act, form and download tried as each role, and with sign-in off: refused on the server, or not. About 10 s."""

from __future__ import annotations

import ast
import re

import pytest

from dashboard.data import acts, door, drawings, queries, scan_deliveries, study_jobs, table_changes, who
from dashboard.data.drawings import DrawingPlace, Upload
from pipeline.errors import CordtrackError
from pipeline.journal.cohort_file import SavedCohort
from pipeline.journal.decisions import Act, ActKind
from pipeline.journal.roles import Deed
from pipeline.service.study_forms import FormTable
from tests.places import ROOT

GROUPS = {"reader": "ward", "signer": "board", "editor": "office", "admin": "chief"}
SIGN, EDIT, RUN = {"signer", "admin"}, {"editor", "admin"}, {"signer", "editor", "admin"}
NOBODY_THERE = DrawingPlace("sub-99", "ses-99", "tumour")
COHORT = SavedCohort("x", "mine", {}, 0, "A", None)  # type: ignore[arg-type]  # refused before it is looked at
DEEDS = {
    "acts.record": (lambda: acts.record("A", Act(ActKind.COMMENT, "sub-99", reason="seen")), SIGN),
    "acts.save_cohort": (lambda: acts.save_cohort("A", "", {}, 0), SIGN),
    "acts.delete_cohort": (lambda: acts.delete_cohort("A", COHORT), SIGN),
    "acts.take_effect": (acts.take_effect, RUN),
    "drawings.keep": (lambda: drawings.keep(NOBODY_THERE, Upload("a.nii", b""), "A", "", nothing_there=False), SIGN),
    "study_jobs.ask_for_run": (lambda: study_jobs.ask_for_run("A"), RUN),
    "study_jobs.cancel": (lambda: study_jobs.cancel("x", "A"), RUN),
    "study_jobs.take_sample": (lambda: study_jobs.take_sample("A"), EDIT),
    "table_changes.save": (lambda: table_changes.save("A", FormTable("x.tsv", (), (), ""), ()), EDIT),
    "scan_deliveries.bring_files": (lambda: scan_deliveries.bring_files("A", []), EDIT),
    "scan_deliveries.bring_folder": (lambda: scan_deliveries.bring_folder("A", "x"), EDIT),
    "scan_deliveries.bring_from_archive": (lambda: scan_deliveries.bring_from_archive("A", "1"), EDIT),
    "scan_deliveries.confirm": (lambda: scan_deliveries.confirm("A", "x", {}), EDIT),
    "scan_deliveries.cancel": (lambda: scan_deliveries.cancel("A", "x"), EDIT),
    "door.access_lines": (door.access_lines, {"admin"}),
}
"""What is done, and by which roles; none of them gets as far as to write something."""
READING = {"enter_whole_study", "enter_for", "taking", "opened"}
"""Of the door itself: others call them."""


@pytest.fixture
def served(empty, monkeypatch):
    """An empty study and no results."""
    study = empty / "study"
    study.mkdir()
    (study / "something").write_text("", encoding="utf-8")  # not the empty folder that the sample goes into
    monkeypatch.setenv(door.STUDY_VARIABLE, str(study))
    monkeypatch.setattr(study_jobs.asking, "ask_for_run", lambda *_: (_ for _ in ()).throw(CordtrackError("asked")))
    return empty


def is_refused(deed):
    try:
        deed()
    except (CordtrackError, KeyError) as error:
        return "may not" in str(error)
    return False


@pytest.mark.parametrize("name", DEEDS)
def test_each_deed_is_for_its_roles_alone(served, signed_in, name):
    deed, allowed = DEEDS[name]
    for role, group in GROUPS.items():
        signed_in(group)
        assert is_refused(deed) == (role not in allowed), role
    for groups in ((), ("kitchen",)):
        signed_in(*groups)
        assert is_refused(deed), groups
    signed_in("chief", iat=1000 - 11 * 3600)  # over
    assert is_refused(deed)
    signed_in("chief", iss=None)
    assert is_refused(deed)
    assert not list((served / "journal").glob("*.jsonl"))


@pytest.mark.parametrize("name", DEEDS)
def test_with_sign_in_off_whoever_is_at_this_machine_may(served, name):
    assert not is_refused(DEEDS[name][0])


def test_every_function_that_goes_through_the_door_is_tried_here():
    through = set()
    for path in sorted((ROOT / "dashboard" / "data").glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and re.search(
                r"\b(?:door\.)?enter(_for)?\(Deed\.", ast.unparse(function)
            ):
                through.add(f"{path.stem}.{function.name}")
    assert through - {f"door.{name}" for name in READING} == set(DEEDS)


def test_every_download_goes_through_the_door_and_not_to_whom_the_role_was_taken_from(served, signed_in):
    buttons = 0
    for path in sorted((ROOT / "dashboard").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr == "download_button"
            ):
                (data,) = (ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "data")
                assert data.startswith("door.taking("), f"{path.name}: {data}"
                buttons += 1
    assert buttons >= 6
    signed_in("ward")
    fetch = door.taking("table", lambda: b"content", None)
    assert fetch() == b"content"
    signed_in("ward", rules='revoked = ["17"]\n')
    with pytest.raises(CordtrackError, match="may not look at the study"):
        fetch()


def test_a_download_of_before_is_not_for_whom_the_patients_were_limited_since(tiny, signed_in):
    signed_in("ward")
    whole = queries.table("patient")
    fetch = door.taking("patients", lambda: whole, None)
    assert fetch() is whole
    signed_in("ward", rules='[[limit]]\ngroup = "ward"\npatients = ["01"]\n')
    with pytest.raises(CordtrackError, match="which patients you may see has changed"):
        fetch()


def test_what_is_for_admins_alone_is_not_taken_by_whom_that_role_was_taken_from(served, signed_in, sign_in_file):
    signed_in("chief", "ward")
    fetch = door.taking("who looked at what", lambda: b"content", deed=Deed.ADMINISTER)
    assert fetch() == b"content"
    rules = sign_in_file.read_text(encoding="utf-8")
    assert '"chief"' in rules
    sign_in_file.write_text(rules.replace('"chief"', '"somebody else"'), encoding="utf-8")
    assert door.taking("table", lambda: b"content")() == b"content", "a reader still"
    with pytest.raises(CordtrackError, match="may not"):
        fetch()


def test_a_file_is_made_as_whoever_asked_for_it_sees_it(tiny, signed_in, monkeypatch):
    rules = '[[limit]]\ngroup = "ward"\npatients = ["01"]\n'
    signed_in("ward", rules=rules)
    fetch = door.taking("patients", lambda: set(queries.table("patient")["patient_id"]), None)
    monkeypatch.setattr(who, "claims", dict)  # it is fetched where nobody is known
    assert fetch() == {"sub-01"}
