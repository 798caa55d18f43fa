"""The projector's style for a low screen: what does not fit is reached by scrolling (read as text, in no time)."""

import re
from pathlib import Path

import dashboard

STYLE = (Path(dashboard.__file__).parent / "style.css").read_text(encoding="utf-8")
LOW = STYLE.partition("@media screen and (max-height: 959px) and (min-width: 1001px) {")[2].partition("\n}\n")[0]


def rule(selector, style):
    """What the style says for one selector."""
    said: str = re.findall(rf"^\s*{re.escape(selector)} {{ (.*) }}$", style, re.MULTILINE)[0]
    return said


def test_a_long_head_leaves_numbers_and_scans_their_room_and_the_screen_scrolls():
    halves = '.stApp:has(.ct-present) [data-testid="stLayoutWrapper"]:has(> .st-key-ct-halves-patient)'
    assert "min-height: 14rem" in rule(halves, LOW)
    assert "overflow: auto" in rule(".stApp:has(.ct-present) .block-container", LOW)
    column = '.stApp:has(.ct-present) .block-container > [data-testid="stVerticalBlock"]'
    assert "min-height: min-content" in rule(column, LOW), "the foot's room follows the last line"


def test_what_stands_above_the_field_for_a_note_has_room_below_the_scans():
    kept, answered = ":has(.st-key-ct-notes .ct-kept)", ':has(.st-key-ct-notes [data-testid="stAlert"])'
    rooms = []
    for above in ("", kept, answered, kept + answered):
        said = rule(f".stApp:has(.ct-present){above} .block-container", STYLE.replace(LOW, ""))
        rooms.append(float(re.search(r"padding(?:-bottom)?: .*?([\d.]+)rem(?: [\d.]+rem)?;$", said)[1]))
    assert rooms == sorted(set(rooms))
