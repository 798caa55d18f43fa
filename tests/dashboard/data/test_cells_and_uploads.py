"""Cells of the study's tables edited and scans dropped, in the page itself, as each role. About 20 s."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import door, scan_deliveries, table_changes
from dashboard.study import table_forms
from pipeline.errors import SettingsError
from pipeline.journal.roles import ALLOWED, Deed, VisitorRole
from pipeline.service import deliveries, jobs
from tests.factories import copy_tiny
from tests.places import ROOT

APP = str(ROOT / "dashboard" / "app.py")
LIMIT = '[[limit]]\ngroup = "guests"\npatients = ["01"]\n'
PEOPLE = {
    "reader": ("ward",), "signer": ("board",), "editor": ("office",), "admin": ("chief",),
    "limited reader": ("ward", "guests"), "limited editor": ("office", "guests"), "limited admin": ("chief", "guests"),
}  # fmt: skip
EDITORS = {name for name in PEOPLE if VisitorRole(name.rpartition(" ")[2]) in ALLOWED[Deed.EDIT]} - {"limited editor"}
"""Admins see all, whatever limits them."""
TABLES = {
    "participants.tsv": ("sex", "F"),
    "treatments.tsv": ("extent", "STR"),
    "function.tsv": ("grade", "2"),
    "sub-01/sub-01_sessions.tsv": ("acq_date", "2020-01-02"),
}
"""A cell of each table, and what it is changed to."""
REFUSED = r"may not change the study's tables|may see some of the patients"
DROPPED = ("scan.nii.gz", b"no scan", "application/gzip")


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Results, and a study with a row in each table."""
    out, study = tmp_path / "out", tmp_path / "study"
    copy_tiny(out)
    (study / "sub-01").mkdir(parents=True)
    (study / "dataset_description.json").write_text('{"Name": "cells", "BIDSVersion": "1.11.1"}')
    (study / "participants.tsv").write_text("participant_id\tsex\nsub-01\tM\n")
    (study / "treatments.tsv").write_text("participant_id\tdate\tkind\textent\nsub-01\t2020-02-01\tsurgery\tGTR\n")
    (study / "function.tsv").write_text("participant_id\tdate\tscale_id\tgrade\nsub-01\t2020-02-01\tmccormick\t1\n")
    (study / "sub-01" / "sub-01_sessions.tsv").write_text("session_id\tacq_date\nses-01\t2020-01-01\n")
    monkeypatch.setenv("CORDTRACK_OUT", str(out))
    monkeypatch.setenv(door.STUDY_VARIABLE, str(study))
    monkeypatch.setattr(jobs, "has_worker", lambda _: True)
    return tmp_path


def kept(folder):
    """All files that people's deeds may change, but for who looked at what."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for place in ("study", "out/journal", "out/queue")
        for path in (folder / place).rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def opened():
    at = AppTest.from_file(APP, default_timeout=120)
    at.switch_page("app_pages/study.py")
    at.run()
    assert not at.exception, at.exception
    return at


def editor_of(at, name):
    """The editor of a table of the study, as the page drew it; None where there is none."""
    return next((one for one in at.data_editor if (one.key or "").startswith(f"form-{name}-")), None)


def edit(at, name):
    """Change a cell of a table, and return the page."""
    column, text = TABLES[name]
    changes = {"edited_rows": {0: {column: text}}, "added_rows": [], "deleted_rows": []}
    at.session_state[editor_of(at, name).key] = changes
    return at.run()


def save(at, name):
    next(one for one in at.button if (one.key or "").startswith(f"save-form-{name}-")).click().run()
    assert not at.exception, at.exception
    return " ".join(element.value for element in (*at.error, *at.success))


@pytest.mark.parametrize("person", PEOPLE)
def test_cells_are_for_editors_of_the_whole_study(served, signed_in, person):
    signed_in(*PEOPLE[person], rules=LIMIT)
    before = kept(served)
    for name, (column, text) in TABLES.items():
        at = opened()
        editor = editor_of(at, name)
        if person not in EDITORS:
            assert editor is None or editor.proto.disabled, f"{person} finds no cell of {name} to type in"
            assert not [one for one in at.button if (one.key or "").startswith("save-")]
            continue
        assert "is saved" in save(edit(at, name), name)
        lines = (served / "study" / name).read_text(encoding="utf-8").splitlines()
        assert lines[1].split("\t")[lines[0].split("\t").index(column)] == text
    assert (kept(served) == before) == (person not in EDITORS)


@pytest.mark.parametrize("person", PEOPLE)
def test_cells_sent_past_the_page_are_refused_by_role(served, signed_in, person):
    shown = {}
    signed_in("chief")
    for name in TABLES:
        shown[name] = table_changes.table(name)
    signed_in(*PEOPLE[person], rules=LIMIT)
    before = kept(served)
    for name, (column, text) in TABLES.items():
        changes = {"edited_rows": {"0": {column: text}}}
        if person in EDITORS:
            assert "is saved" in table_forms._write(shown[name], changes)
        else:
            with pytest.raises(SettingsError, match=REFUSED):
                table_forms._write(shown[name], changes)
    assert (kept(served) == before) == (person not in EDITORS)


def test_a_role_taken_away_between_typing_and_saving_writes_nothing(served, signed_in):
    signed_in("office")
    at = edit(opened(), "treatments.tsv")
    before = kept(served)
    signed_in("ward")
    assert "may not change the study's tables" in save(at, "treatments.tsv")
    assert kept(served) == before
    assert editor_of(at, "treatments.tsv").proto.disabled, "the page offers it no longer"


@pytest.mark.parametrize("person", PEOPLE)
def test_scans_are_dropped_by_editors_of_the_whole_study(served, signed_in, person):
    signed_in(*PEOPLE[person], rules=LIMIT)
    before = kept(served)
    at = opened()
    if person in EDITORS:
        look = next(one for one in at.button if (one.key or "").startswith("look-"))
        assert look.disabled, "before files have come there is nothing to look through"
        at.file_uploader[0].set_value([DROPPED]).run()
        next(one for one in at.button if one.key == look.key and not one.disabled).click().run()
        (delivery,) = deliveries.every(served / "out")
        place = deliveries.folder_of(served / "out", delivery.delivery_id) / deliveries.FILES
        assert [path.read_bytes() for path in place.iterdir()] == [DROPPED[1]]
        return
    assert not at.file_uploader
    with pytest.raises(SettingsError, match=REFUSED):
        scan_deliveries.bring_files("", [DROPPED[:2]])
    assert kept(served) == before


def test_a_role_taken_away_between_dropping_and_looking_keeps_nothing(served, signed_in):
    signed_in("office")
    at = opened()
    at.file_uploader[0].set_value([DROPPED]).run()
    before = kept(served)
    signed_in("ward")
    next(one for one in at.button if (one.key or "").startswith("look-")).click().run()
    assert "may not change the study's tables" in " ".join(element.value for element in at.error)
    assert kept(served) == before
