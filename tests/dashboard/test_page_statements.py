"""Every statement on Board, Patient page, projector and packet held against the export, and lies that must be seen.

The sample study's store as it is published, and 300 made-up awkward patients: all on the Board, every third on the
other pages (all of them with ``CORDTRACK_TEST_EVERY=1``). The run of 300 patients is kept between sessions of tests.
"""

import os
import random
import re
from collections import Counter
from dataclasses import replace
from datetime import date

import pytest

from dashboard.board.board_rows import board_rows
from dashboard.shell import page
from dashboard.words import state_words
from dashboard.words.table_rows import as_rows
from pipeline.store import reader
from tests import page_statements
from tests.awkward_patients import AS_OF, CRITERIA, awkward_run
from tests.dashboard import page_texts
from tests.exported_truths import Export
from tests.finished_runs import finished_run, kept_folder
from tests.places import ROOT

pytestmark = pytest.mark.slow

PATIENTS = 300
EVERY = int(os.environ.get("CORDTRACK_TEST_EVERY", "3"))
PAGES = ("patient", "present", "packet")
BADGE = {"patient": 1, "present": 1, "packet": 1}
"""Which piece of a page is the state in one line."""


@pytest.fixture(scope="module")
def awkward():
    return kept_folder("awkward", lambda folder: awkward_run(folder, PATIENTS)) / "out"


@pytest.fixture(scope="module")
def sample():
    return finished_run("sample", ROOT / "sample_data" / "study")


@pytest.fixture(scope="module", params=["sample", "awkward"])
def shown(request):
    """An output folder, what its export tells, and what the pages say, by page and patient."""
    out = request.getfixturevalue(request.param)
    before, os.environ["CORDTRACK_OUT"] = os.environ.get("CORDTRACK_OUT"), str(out)
    with reader.Reader(reader.database_path(out)) as store:
        views = sorted(store.dictionary()["view"].unique())
        export = Export({view: store.table(view) for view in views}, CRITERIA, AS_OF)
    study = page.study()
    said = {"board": page_texts.board_pieces(study, AS_OF), **{name: {} for name in PAGES}}
    patients = [name for name in said["board"] if name]
    for patient in patients[:: 1 if len(patients) < PATIENTS else EVERY]:
        for name in PAGES:
            said[name][patient] = page_texts.pieces_of(name, study, patient)
    yield export, said
    os.environ.pop("CORDTRACK_OUT") if before is None else os.environ.__setitem__("CORDTRACK_OUT", before)


def complaints_of(export, name, patient, pieces):
    truth = export.of(patient)
    complaints = page_statements.lies(pieces, truth) + page_statements.left_unsaid(pieces, truth)
    if name == "board":
        return complaints + page_statements.board_lies(pieces[0].split(page_texts.LINE), truth)
    return complaints + page_statements.badge_lies(pieces[BADGE[name]], truth)


@pytest.mark.parametrize("name", ["board", *PAGES])
def test_what_a_page_says_of_a_patient_follows_from_the_export(shown, name):
    export, said = shown
    patients = [patient for patient in said[name] if patient]
    assert len(patients) > 7
    complaints = [
        f"{patient}: {complaint}"
        for patient in patients
        for complaint in complaints_of(export, name, patient, said[name][patient])
    ]
    assert not complaints, "\n".join(complaints[:20])


def test_the_first_sentence_of_the_board_counts_what_the_export_holds(shown):
    export, said = shown
    board = export.tables["board"]
    board = board[board["criteria_id"] == CRITERIA]
    needs, total = map(int, re.findall(r"^(\d+) of (\d+) patients", said["board"][""][0])[0])
    assert (needs, total) == (board["needs_decision"].sum(), len(board))


def test_each_word_to_filter_the_board_by_finds_the_rows_that_show_it_and_no_other(shown):
    _, said = shown
    rows = board_rows(CRITERIA, AS_OF)
    for word, number in state_words.counted(rows).items():
        found_by_it = {row["patient_id"] for row in rows.pipe(as_rows) if word in row["state_words"]}
        state_cells = {name: pieces[0].split(page_texts.LINE)[0] for name, pieces in said["board"].items() if name}
        showing = {name for name, cell in state_cells.items() if word in in_general(cell).split("; ")}
        assert found_by_it == showing, word
        assert number == len(showing)


def in_general(cell):
    """The words of a state without its symbol, since when, and which lesion."""
    without_days = re.sub(" since [-0-9]{10}", "", cell.lstrip("◆▲△◌▽▼●○▴▾⊗\u00a0 "))
    return re.sub(r"lesion (?!elsewhere)[^ ;]+", "lesion", without_days)


def moved(text):
    """Move the last printed digit of a number by three."""
    digits = list(text)
    place = max(index for index, sign in enumerate(digits) if sign.isdigit())
    digits[place] = str((int(digits[place]) + 3) % 10)
    return "".join(digits)


LIES = {
    "volume": (r"\d+\.\d+(?= mL (?:on|of) \d)", moved),
    "change": (r"(?<= is )[+−]\d+(?= % )", lambda said: ("−" if said[0] == "+" else "+") + said[1:]),
    "rule": (r"beyond (?=the \+\d+ % rule)|below (?=the \+\d+ % rule)",
             lambda said: "below " if said == "beyond " else "beyond "),
    "error": (r"(?:beyond|within)(?= measurement error \(limit)",
              lambda said: "within" if said == "beyond" else "beyond"),
    "day": (r"(?<=mL on )\d{4}-\d\d-\d\d", lambda said: f"{int(said[:4]) - 1}{said[4:]}"),
    "grade": (r"(?<=grade )\d(?= on \d)", lambda said: str((int(said) + 3) % 7)),
    "criteria": (r"\d(?= of \d criteria agree)", lambda said: str((int(said) + 1) % 9)),
    "days": (r"(?<=for )\d+(?= days from)", lambda said: str(int(said) + 1)),
}  # fmt: skip
"""How each kind of statement is found in a text, and what lie takes its place."""


@pytest.mark.parametrize("kind", LIES)
def test_a_planted_lie_is_seen(shown, kind):
    """Each kind of statement made false, one at a time on up to forty pages: all but one in twenty are seen."""
    export, said = shown
    pattern, falsely = LIES[kind]
    dice, seen = random.Random(kind), Counter()
    pages = [(name, patient) for name in ("board", *PAGES) for patient in said[name] if patient]
    dice.shuffle(pages)
    for name, patient in pages:
        pieces = said[name][patient]
        places = [(number, match) for number, piece in enumerate(pieces) for match in re.finditer(pattern, piece)]
        if not places or seen.total() == 40:
            continue
        number, match = dice.choice(places)
        piece = pieces[number]
        lie = piece[: match.start()] + falsely(match[0]) + piece[match.end() :]
        truth = export.of(patient)
        before, after = (len(page_statements.lies([text], truth)) for text in (piece, lie))
        seen[after > before] += 1
    assert seen.total() > 2
    assert seen[True] >= 0.95 * seen.total(), seen


def test_a_wrong_state_a_silent_act_and_a_hidden_question_are_seen(shown):
    export, _ = shown
    board = export.tables["board"]
    for _, row in board[board["criteria_id"] == CRITERIA].head(40).iterrows():
        truth = export.of(row["patient_id"])
        wrong = "▼ shrinking" if row["display_state"] != "shrinkage" or row["state"] != "stable" else "▲ growing"
        if row["state"] != "response" and row["display_state"] != "shrinkage":
            assert page_statements.badge_lies(wrong, truth), row["patient_id"]
        if row["needs_decision"]:
            assert page_statements.left_unsaid(["nothing to decide"], truth), row["patient_id"]
    effects = export.tables["act_effect"]
    for patient in effects["patient_id"].unique()[:5]:
        assert any("act of" in words for words in page_statements.left_unsaid(["quiet"], export.of(patient)))


def test_an_interval_that_excludes_no_change_is_not_called_no_change(shown):
    export, _ = shown
    board = export.tables["board"]
    stable = board[(board["criteria_id"] == CRITERIA) & (board["display_state"] == "no_change")]
    seen = 0
    for patient in stable["patient_id"]:
        truth = export.of(patient)
        honest = [
            word for word in page_statements.WORDS_OF["no_change"] if not page_statements.interval_lies(word, truth)
        ]
        seen += len(honest) < len(page_statements.WORDS_OF["no_change"])
        assert honest, patient
    assert seen or stable.empty


def test_a_later_day_of_the_meeting_makes_more_scans_overdue(shown):
    export, said = shown
    patients = [name for name in said["board"] if name and "scan overdue" not in said["board"][name][0]]
    dues = export.tables["next_scan"].set_index("patient_id")["overdue_from"].dropna()
    for patient in [name for name in patients if name in dues.index][:5]:
        cells = said["board"][patient][0].split(page_texts.LINE)
        later = replace(export.of(patient), as_of=date(2100, 1, 1))
        assert any("overdue" in words for words in page_statements.board_lies(cells, later))
