"""Every page opened and every button on it pressed as each role: nothing breaks, nothing is done or offered in vain.

What there is to press comes from the page. A press either does something that the role may do, or says what is
missing; a button whose every press is refused for the role is not there.

Without sign-in everything is offered, and each single button is pressed. What a role may do with a button does not
depend on which visit or act it stands beside, so each role presses one of each kind on each page; that nobody with a
limit is offered anything of another patient is looked at on every page that is drawn. About 130 s of computing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Element

from dashboard.data import door
from pipeline.errors import StoreError
from pipeline.journal import act_file
from pipeline.journal.decisions import Act, ActKind
from pipeline.journal.roles import ALLOWED, Deed, VisitorRole
from pipeline.service import deliveries, jobs
from pipeline.service.deliveries import Delivery, DeliveryKind, DeliveryState
from tests.dashboard.conftest import save_scan
from tests.factories import copy_tiny
from tests.places import ROOT

APP = str(ROOT / "dashboard" / "app.py")
PAGES = {
    "board": {}, "patient": {"patient": "sub-01"}, "present": {"at": "sub-01"}, "cohort": {}, "quality": {},
    "methods": {}, "study": {},
}  # fmt: skip
TYPED = re.compile(r"_value=(InitialValue\(\)|'seen')")
LIMIT = '[[limit]]\ngroup = "guests"\npatients = ["01"]\n'
PEOPLE = {
    "reader": ("ward",), "signer": ("board",), "editor": ("office",), "admin": ("chief",),
    "limited reader": ("ward", "guests"), "limited signer": ("board", "guests"), "limited editor": ("office", "guests"),
}  # fmt: skip
ELSEWHERE = {"sign-out", "sign-in"}
"""Buttons that leave the pages: tried against a real provider in the browser."""
LEADING_AWAY = ("step-", "next-unsigned-", "review-", "present-")
"""Buttons that lead to another patient: pressed last."""
OF_NO_RIGHT = ("tour-next", "tour-back", "tour-end")
"""Buttons that show the next piece of help: pressed where everything is, begun by each role."""
MOST_PRESSES = 60
WHICH = re.compile(
    r"(?<![a-z])(sub|ses)-\w+|(?<=lesion)-\d+-[\w ,]+|\d{8}T\d+-[0-9a-f]+|(?<=undo-)[0-9a-f]+|(?<=tsv-)[0-9a-f]+"
)
"""What a key of a button says of the patient, visit, finding, request, act or row that it stands beside."""
OF_ANOTHER = re.compile(r"(?<![a-z])sub-(?!01(?![0-9]))\w+")
"""A patient whom those with a limit may not see."""
DEEDS = {
    "out/journal/acts.jsonl": Deed.SIGN, "out/journal/cohorts.jsonl": Deed.SIGN, "out/journal/masks": Deed.SIGN,
    "out/queue/deliveries": Deed.EDIT, "out/queue": Deed.RUN, "out/journal": Deed.EDIT, "study": Deed.EDIT,
    "study.private": Deed.EDIT,
}  # fmt: skip
"""Which deed changes what, by where it is kept; the first that fits."""
SIGNS = {
    "patient/accept-": Deed.SIGN, "patient/FormSubmitter:Exclude this visit": Deed.SIGN,
    "present/FormSubmitter:note": Deed.SIGN, "cohort/FormSubmitter:save-cohort": Deed.SIGN, "study/save-": Deed.EDIT,
    "study/add-": Deed.EDIT, "study/run-study": Deed.RUN, "stop-": Deed.RUN,
}  # fmt: skip
"""Buttons which are there for whoever may do it and for nobody else."""
MENUS = ("Exclude mask", "Exclude visit", "Pin baseline", "Correct lesion", "Not tumour", "Comment")
ASIDE = ("out/access", "sign_in.toml")


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Results with scans, a study, a delivery to decide on, a run that waits and an act to undo."""
    out, study = tmp_path / "out", tmp_path / "study"
    copy_tiny(out)
    save_scan(out, "sub-01", "ses-05", radius=5)
    study.mkdir()
    (study / "dataset_description.json").write_text('{"Name": "walk", "BIDSVersion": "1.11.1"}')
    (study / "participants.tsv").write_text("participant_id\nsub-01\nsub-90\n")
    monkeypatch.setenv("CORDTRACK_OUT", str(out))
    monkeypatch.setenv(door.STUDY_VARIABLE, str(study))
    monkeypatch.setattr(jobs, "has_worker", lambda _: True)
    act_file.append(out, [Act(ActKind.COMMENT, "sub-01", reason="to undo")], "V. Erified", jobs.now())
    jobs.ask(out, ["sub-01"], "A", "of before")
    looked = Delivery("20240101-a", DeliveryKind.DROP, "", "A", "", jobs.now(), DeliveryState.LOOKED)
    deliveries.begin(out, looked)
    (deliveries.folder_of(out, looked.delivery_id) / deliveries.DECISIONS).write_text(json.dumps(decisions()))
    return tmp_path


def decisions():
    """What a look saw: a series that is sure and one to be asked about."""
    sure = {
        "token": "t" * 16, "name": "a", "patient_id": "sub-90", "session_id": "ses-1", "day": "2024-01-01",
        "outcome": "imported", "contrast": "T2w", "plane": "sag", "slices": "17", "confidence": "0.9",
        "reason": "spin echo", "picture": "", "likely": "", "is_open": False, "is_nifti": False, "refusal": "",
    }  # fmt: skip
    unsure = sure | {"token": "u" * 16, "outcome": "unsure", "contrast": "", "is_open": True, "likely": "T1w"}
    return {"series": [sure, unsure], "odd": [], "doubles": []}


def kept(folder):
    """The digest of every file below a folder that people's deeds may change."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in files.items()
        if not name.startswith(ASIDE) and not name.endswith(".lock")
    }


def deeds_between(before, after):
    """The deeds that were done, by what they changed."""
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return {next(deed for place, deed in DEEDS.items() if name.startswith(place)): name for name in sorted(changed)}


def fill(at):
    """Type something into every field, as whoever means what they press."""
    for field in (*at.text_area, *at.text_input):
        if not field.disabled and not field.value:
            field.set_value("seen")


def said(at):
    return [element.value for element in (*at.error, *at.success)]


def view(at):
    """What a page shows, without what is gone after a press whatever it did: words typed, what was said before."""
    parts = [part for part in at.main if isinstance(part, Element) and part.type not in {"success", "error"}]
    return [part.proto.body if part.type == "html" else TYPED.sub("", str(part)) for part in parts]


def opened(page, address):
    """Open a page with what is behind its menus and in its form of a patient's visit."""
    at = AppTest.from_file(APP, default_timeout=120)
    at.switch_page(f"app_pages/{page}.py")
    for name, value in address.items():
        at.query_params[name] = value
    for label in MENUS:
        at.session_state[f"was-{label}-sub-01-ses-05"] = True
    at.session_state["saved-cohorts"] = True
    at.run()
    assert not at.exception, (page, at.exception)
    return at


def kind(key):
    """What a button does, whatever it stands beside."""
    return WHICH.sub("", key)


def walk(folder, page, address, roles, name=str):
    """Press every button of a page, also those that come once others were pressed, one of each `name`.

    Returns the keys of what was pressed and of what was offered, and what went wrong.
    """
    at, pressed, offered, wrong = opened(page, address), {}, set(), []
    while len(pressed) <= MOST_PRESSES:
        fill(at)
        offered |= {one.key for one in at.button}
        passed_by = ELSEWHERE | (set() if name is str else {*OF_NO_RIGHT})
        left = [one for one in at.button if not (one.disabled or name(one.key) in pressed or one.key in passed_by)]
        if not left:
            return [*pressed.values()], offered, wrong
        button = min(left, key=lambda one: one.key.startswith(LEADING_AWAY))
        before, shown = kept(folder), view(at)
        pressed[name(button.key)] = button.key
        button.click().run()
        where = f"{page}: {button.label} ({button.key})"
        deeds = deeds_between(before, kept(folder))
        wrong += [f"{where} ended with {one.value}" for one in at.exception]
        wrong += [f"{where} is refused: {words}" for words in said(at) if "may not" in words or "may see some" in words]
        wrong += [f"{where} changed {file}" for deed, file in deeds.items() if not roles & ALLOWED[deed]]
        wrong += [] if deeds or said(at) or view(at) != shown else [f"{where} did nothing and said nothing"]
    return [*pressed.values()], offered, [*wrong, f"{page}: more than {MOST_PRESSES} buttons"]


@pytest.fixture
def taken(monkeypatch):
    """What every download that was offered is made by."""
    taking, makers = door.taking, {}

    def noting(what, make, *arguments, **named):
        makers[what] = taking(what, make, *arguments, **named)
        return makers[what]

    monkeypatch.setattr(door, "taking", noting)
    return makers


def whole_walk(folder, roles, name=str):
    """Walk all pages; return the pages and keys of what was pressed, and the keys of what was offered."""
    every, offers, faults = [], set(), []
    for page, address in PAGES.items():
        pressed, offered, wrong = walk(folder, page, address, roles, name)
        every += [f"{page}/{key}" for key in pressed]
        offers |= offered
        faults += wrong
    assert not faults, "\n".join(faults)
    return every, offers


@pytest.mark.parametrize("person", PEOPLE)
def test_what_is_offered_to_a_role_works_and_nothing_else_is_done(served, signed_in, taken, person):
    signed_in(*PEOPLE[person], rules=LIMIT)
    before = kept(served)
    every, offers = whole_walk(served, {VisitorRole(person.rpartition(" ")[2])}, kind)
    if "limited" in person:
        assert [key for key in offers if OF_ANOTHER.search(key)] == []
    if "reader" in person:
        assert kept(served) == before, "a reader leaves everything as it was"
        assert {"Minutes (PDF)", "Packet (PDF)"} <= {*taken}
        for make in taken.values():
            with contextlib.suppress(StoreError):  # no run is here whose scans could be taken away
                assert make() is not None
    words = " ".join(every)
    for key, deed in SIGNS.items():
        offered = VisitorRole(person.rpartition(" ")[2]) in ALLOWED[deed]
        is_of_all = key.startswith("study/")
        assert (key in words) == (offered and not (is_of_all and "limited" in person)), (person, key)


def test_without_sign_in_everything_is_offered_and_works(served):
    pressed, offers = whole_walk(served, set(VisitorRole))
    every = " ".join(pressed)
    assert [key for key in offers if OF_ANOTHER.search(key)], "without a limit there are other patients"
    assert [key for key in SIGNS if key not in every] == []


def test_whoever_has_not_signed_in_or_has_no_role_finds_the_sign_in_and_nothing_else(served, signed_in):
    for groups, claims in (((), {}), (("kitchen",), {}), (("chief",), {"iat": 1000 - 11 * 3600})):
        signed_in(*groups, **claims)
        for page in ("board", "patient", "study"):
            at = opened(page, PAGES[page])
            assert {one.key for one in at.button} <= ELSEWHERE
            assert not at.get("download_button")
            assert "sub-0" not in " ".join(element.proto.body for element in at.get("html"))
