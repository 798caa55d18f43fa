"""What people decided: which acts stand, and what they amount to."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.records import JournalEntry
from pipeline.errors import SettingsError
from pipeline.journal import decisions
from pipeline.journal.decisions import (
    Act,
    ActKind,
    Decisions,
    LesionCorrection,
    Standing,
    check,
    decide,
    effective,
    standing,
)
from pipeline.lesions.corrections import corrected
from pipeline.lesions.matching import LesionStatus, Sighting

AT = datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001  # the journal keeps UTC without a zone
SEEN = "a" * 64
OTHER = "b" * 64
MASK = ("sub-01", "ses-02", "tumour")


def entry(number: int, act: ActKind, **more: str | None) -> JournalEntry:
    fields: dict[str, str | None] = {"session_id": "ses-02", **more}
    made = JournalEntry(f"e{number}", AT.replace(day=number), "R. Reader", str(act), "sub-01")
    return replace(made, **fields)  # type: ignore[arg-type]


def accepted(number: int = 1, digest: str = SEEN) -> JournalEntry:
    return entry(number, ActKind.ACCEPT_MASK, compartment="tumour", mask_sha256=digest)


def excluded(number: int = 2, digest: str = SEEN) -> JournalEntry:
    return entry(number, ActKind.EXCLUDE_MASK, compartment="tumour", mask_sha256=digest, reason="wrong level")


def statuses(*entries: JournalEntry, now: str | None = SEEN) -> list[str]:
    return [e.status for e in standing(entries, {} if now is None else {MASK: now})]


def test_an_acceptance_stands_for_the_mask_that_was_seen_and_for_no_other() -> None:
    assert statuses(accepted(), now=SEEN) == [Standing.IN_FORCE]
    assert statuses(accepted(), now=OTHER) == [Standing.LAPSED]
    assert statuses(accepted(), now=None) == [Standing.LAPSED]
    (lapsed,) = standing([accepted()], {MASK: OTHER})
    assert lapsed.status_reason == "the mask has changed since; look at it and decide anew"


def test_the_later_of_two_decisions_on_a_mask_holds() -> None:
    assert statuses(accepted(1), excluded(2)) == [Standing.REPLACED, Standing.IN_FORCE]
    assert statuses(excluded(1), accepted(2)) == [Standing.REPLACED, Standing.IN_FORCE]
    undone = entry(3, ActKind.UNDO, undoes="e2")
    assert statuses(accepted(1), excluded(2), undone) == [Standing.IN_FORCE, Standing.UNDONE, Standing.IN_FORCE]


def drawn(number: int = 2, digest: str = OTHER, scan: str = "s1", **more: str | None) -> JournalEntry:
    said = {"compartment": "tumour", "mask_sha256": digest, "scan_sha256": scan, "reason": "rim left out", **more}
    return entry(number, ActKind.CORRECT_MASK, **said)


def after(*entries: JournalEntry, mask: str = OTHER, scan: str = "s1") -> list[str]:
    return [e.status for e in standing(entries, {MASK: mask}, {MASK[:2]: scan})]


def test_a_corrected_mask_answers_what_was_said_about_the_one_it_replaced() -> None:
    for before in (accepted(1), excluded(1)):
        assert after(before, drawn(2)) == [Standing.REPLACED, Standing.IN_FORCE]
        undone = entry(3, ActKind.UNDO, undoes="e2")
        assert after(before, drawn(2), undone, mask=SEEN)[0] == Standing.IN_FORCE
    (said, _) = standing([accepted(1), drawn(2)])
    assert said.status_reason == "R. Reader decided anew on 2024-05-02: drawn anew, rim left out"


def test_a_corrected_mask_is_itself_accepted_or_excluded_and_stays_the_one_that_is_measured() -> None:
    for later in (accepted(3, OTHER), excluded(3, OTHER)):
        found = standing([drawn(2), later], {MASK: OTHER}, {MASK[:2]: "s1"})
        assert [e.status for e in found] == [Standing.IN_FORCE, Standing.IN_FORCE]
        assert decide(found).corrected == {("ses-02", "tumour"): found[0]}
    assert after(drawn(2), accepted(3, SEEN), mask=OTHER) == [Standing.IN_FORCE, Standing.LAPSED]


def test_of_two_corrected_masks_the_later_one_is_measured_until_it_is_undone() -> None:
    assert after(drawn(1, SEEN), drawn(2)) == [Standing.REPLACED, Standing.IN_FORCE]
    undo = entry(3, ActKind.UNDO, undoes="e2")
    assert after(drawn(1, SEEN), drawn(2), undo) == [Standing.IN_FORCE, Standing.UNDONE, Standing.IN_FORCE]


def test_a_corrected_mask_lapses_with_its_scan_and_then_what_it_replaced_stands_again() -> None:
    assert after(excluded(1), drawn(2), mask=SEEN, scan="s2") == [Standing.IN_FORCE, Standing.LAPSED]
    assert after(drawn(1), drawn(2, SEEN, "s2"), mask=SEEN, scan="s2") == [Standing.REPLACED, Standing.IN_FORCE]
    (gone,) = standing([drawn(1)], {}, {})
    assert gone.status_reason == "the scan it was drawn on has changed since; draw it anew"
    assert statuses(drawn(1), now=None) == [Standing.IN_FORCE], "nothing lapses where the scans are not known"


def test_undoing_names_who_when_and_why() -> None:
    first, _ = standing([accepted(1), entry(4, ActKind.UNDO, undoes="e1", reason="wrong patient")])
    assert (first.status, first.status_reason) == (
        Standing.UNDONE,
        "undone by R. Reader on 2024-05-04: wrong patient",
    )


def test_what_stands_is_put_together_with_its_reasons() -> None:
    pinned = entry(3, ActKind.PIN_BASELINE)
    visit = entry(4, ActKind.EXCLUDE_VISIT, session_id="ses-05", reason="moved in the scanner")
    lesion = entry(5, ActKind.CORRECT_LESION, lesion_id="L2", same_as="L1", mask_sha256=SEEN)
    found = decide(standing([accepted(1), pinned, visit, lesion], {MASK: SEEN}))
    assert found.accepted == {("ses-02", "tumour")}
    assert found.pinned == {"ses-02": "R. Reader on 2024-05-03"}
    assert found.lesions == (LesionCorrection("ses-02", "L2", "L1"),)
    why = "visit excluded by R. Reader on 2024-05-04: moved in the scanner"
    assert found.why_excluded("ses-05", "cyst") == why
    assert found.why_excluded("ses-02", "tumour") is None


def test_comments_and_undone_acts_change_no_result() -> None:
    comment = entry(2, ActKind.COMMENT, reason="looks like scar")
    undone = entry(3, ActKind.UNDO, undoes="e1")
    assert effective([accepted(1), comment], "sub-01") == effective([accepted(1)], "sub-01")
    assert effective([accepted(1), comment, undone], "sub-01") == ()
    assert effective([accepted(1)], "sub-02") == ()
    assert effective([excluded(1), drawn(2)], "sub-01") == (excluded(1), drawn(2)), "either may stand at the next run"


@pytest.mark.parametrize(
    ("act", "who", "words"),
    [
        (Act(ActKind.COMMENT, "sub-01", reason="x"), "  ", "comment: expected who, found none"),
        (Act(ActKind.EXCLUDE_VISIT, "sub-01", "ses-02"), "R", "exclude_visit: expected reason, found none"),
        (Act(ActKind.ACCEPT_MASK, "sub-01", "ses-02", "tumour"), "R", "accept_mask: expected mask_sha256, found none"),
        (Act(ActKind.CORRECT_MASK, "sub-01", "ses-02", "tumour", SEEN, reason="x"), "R", "expected scan_sha256, found"),
        (Act(ActKind.PIN_BASELINE, "sub-01"), "R", "pin_baseline: expected session_id, reason, found none"),
        (Act(ActKind.UNDO, "sub-01", undoes="e9"), "R", "expected an entry of the journal, found no e9"),
        (Act(ActKind.UNDO, "sub-02", undoes="e1"), "R", "entry e1 is about sub-01, not sub-02"),
        (Act(ActKind.UNDO, "sub-01", undoes="e2"), "R", "entry e2 has been undone already"),
        (Act(ActKind.UNDO, "sub-01", undoes="e3"), "R", "entry e3 is itself an undo"),
    ],
)
def test_an_act_that_says_too_little_is_refused(act: Act, who: str, words: str) -> None:
    earlier = [accepted(1), excluded(2), entry(3, ActKind.UNDO, undoes="e2")]
    with pytest.raises(SettingsError, match=words):
        check(act, who, earlier)


def sighting(session_id: str, lesion_id: str, component_id: int, status: str = "persistent") -> Sighting:
    volume_mm3 = 100.0 * component_id if component_id else 0.0
    return Sighting(session_id, lesion_id, component_id, LesionStatus(status), volume_mm3, (0.0, 0.0, 0.0))


BROKEN_MATCH = (
    sighting("ses-01", "L1", 1),
    sighting("ses-02", "L2", 1, "new"),
    sighting("ses-02", "L1", 0, "resolved"),
    sighting("ses-03", "L2", 2),
    sighting("ses-03", "L1", 0, "resolved"),
)


def test_a_recognised_lesion_is_one_lesion_again_and_not_new() -> None:
    found = corrected(BROKEN_MATCH, [LesionCorrection("ses-02", "L2", "L1")])
    assert [(s.session_id, s.lesion_id, s.component_id, str(s.status)) for s in found] == [
        ("ses-01", "L1", 1, "persistent"),
        ("ses-02", "L1", 1, "persistent"),
        ("ses-03", "L1", 2, "persistent"),
    ]


def test_a_lesion_that_a_person_calls_another_one_is_new_where_they_say() -> None:
    found = corrected(
        [sighting("ses-01", "L1", 1), sighting("ses-02", "L1", 1), sighting("ses-03", "L1", 1)],
        [LesionCorrection("ses-02", "L1", "L7")],
    )
    assert [(s.lesion_id, str(s.status)) for s in found] == [("L1", "persistent"), ("L7", "new"), ("L7", "persistent")]


def test_a_lesion_called_by_its_own_name_is_confirmed_and_nothing_changes() -> None:
    for session, lesion in {(sighting.session_id, sighting.lesion_id) for sighting in BROKEN_MATCH}:
        assert corrected(BROKEN_MATCH, [LesionCorrection(session, lesion, lesion)]) == BROKEN_MATCH


def test_a_correction_of_a_lesion_that_is_not_there_changes_nothing() -> None:
    for correction in (LesionCorrection("ses-02", "L9", "L1"), LesionCorrection("ses-09", "L2", "L1")):
        assert corrected(BROKEN_MATCH, [correction]) == BROKEN_MATCH


KINDS = st.sampled_from(
    [ActKind.CORRECT_MASK, ActKind.ACCEPT_MASK, ActKind.EXCLUDE_MASK, ActKind.EXCLUDE_VISIT, ActKind.PIN_BASELINE]
)


@given(st.lists(st.tuples(KINDS, st.sampled_from(["ses-01", "ses-02"]), st.sampled_from([SEEN, OTHER])), max_size=8))
def test_whatever_was_done_undoing_all_of_it_leaves_nothing(done: list[tuple[ActKind, str, str]]) -> None:
    entries = [
        entry(number, kind, session_id=session_id, compartment="tumour", mask_sha256=digest, reason="why")
        for number, (kind, session_id, digest) in enumerate(done, start=1)
    ]
    undone = [entry(20 + number, ActKind.UNDO, undoes=e.entry_id) for number, e in enumerate(entries)]
    assert effective([*entries, *undone], "sub-01") == ()
    assert decide(standing([*entries, *undone])) == Decisions()


@given(st.lists(st.tuples(KINDS, st.sampled_from([SEEN, OTHER])), max_size=8))
def test_no_mask_is_both_accepted_and_excluded(done: list[tuple[ActKind, str]]) -> None:
    entries = [
        entry(number, kind, compartment="tumour", mask_sha256=digest, reason="why")
        for number, (kind, digest) in enumerate(done, start=1)
    ]
    found = decide(standing(entries, {MASK: SEEN}))
    assert not found.accepted & set(found.excluded_masks)


READ = {"lesion_id": "L1", "finding": "t2_signal", "corrected_to": "isointense", "reason": "as the cord beside it"}


def test_a_finding_read_otherwise_stands_until_it_is_read_anew_and_asks_for_no_run() -> None:
    first, other = entry(1, ActKind.CORRECT_FINDING, **READ), entry(2, ActKind.CORRECT_FINDING, **READ)
    elsewhere = entry(3, ActKind.CORRECT_FINDING, **{**READ, "finding": "t1_signal"})
    statuses = [one.status for one in standing([first, replace(other, corrected_to="hyperintense"), elsewhere])]
    assert statuses == [Standing.REPLACED, Standing.IN_FORCE, Standing.IN_FORCE]
    words = "R. Reader decided anew on 2024-05-02: isointense, as the cord beside it"
    assert standing([first, other])[0].status_reason == words
    assert not effective([first], "sub-01")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reason": " "}, "expected reason, found none"),
        ({"lesion_id": None}, "expected lesion_id, found none"),
        ({"finding": "colour"}, "expected a finding such as t2_signal"),
        (
            {"corrected_to": "bright"},
            "expected one of hypointense, .*, cannot tell for t2_signal",
        ),
    ],
)
def test_a_correction_of_a_finding_says_which_what_and_why(change, words) -> None:
    act = Act(ActKind.CORRECT_FINDING, "sub-01", "ses-02", **READ)
    check(act, "R. Reader", ())
    check(replace(act, finding="length", corrected_to="31 mm"), "R. Reader", ())
    with pytest.raises(SettingsError, match=words):
        check(replace(act, **change), "R. Reader", ())


HERE = ("sub-01", "ses-02")


@pytest.mark.parametrize(
    ("visits", "why"),
    [
        (None, None),
        ({HERE: frozenset()}, None),
        ({HERE: frozenset({"s1", "s2"})}, None),
        ({HERE: frozenset({"s2"})}, decisions.OTHER_SCAN),
        ({("sub-01", "ses-03"): frozenset({"s1"})}, decisions.NO_VISIT),
        ({}, decisions.NO_VISIT),
    ],
)
def test_an_act_lapses_with_its_visit_and_with_the_scan_of_a_table_that_it_is_bound_to(
    visits: dict[tuple[str, str], frozenset[str]] | None, why: str | None
) -> None:
    pinned = entry(1, ActKind.PIN_BASELINE, scan_sha256="s1")
    (now,) = standing([pinned], {}, {}, {}, visits)
    assert (now.status, now.status_reason) == (Standing.LAPSED if why else Standing.IN_FORCE, why)
    words = entry(2, ActKind.COMMENT, reason="seen")
    assert standing([words], {}, {}, {}, {})[0].status == Standing.IN_FORCE, "words outlive what they speak of"
