"""What ``docs/`` says is whole: each file in the guide, the commands as they are, nothing loaded from elsewhere."""

import re

from dashboard.shell import guide
from tests import command_reference
from tests.places import ROOT

NAMED = set(re.findall(r": ([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))


def test_every_document_has_its_place_in_the_guide():
    assert {file.name for file in (ROOT / "docs").glob("*.md")} == NAMED


def test_the_commands_are_described_as_they_are():
    assert command_reference.TARGET.read_text(encoding="utf-8") == command_reference.markdown()


def test_the_guide_that_was_built_loads_nothing_from_elsewhere():
    pages = sorted(guide.SITE.glob("*.html"))
    assert {file.stem for file in pages} >= {name.removesuffix(".md") for name in NAMED}
    for file in pages:
        loading = re.findall(r"<(?:script|img|iframe|link)\b[^>]*?(?:src|href)=\"([^\"]+)", file.read_text("utf-8"))
        assert loading, file.name
        assert not [place for place in loading if re.match(r"(?:https?:)?//", place)], file.name


def test_without_the_guide_no_page_speaks_of_it(monkeypatch, tmp_path):
    monkeypatch.setattr(guide, "SITE", tmp_path / "not built")
    assert (guide.link(), guide.routes()) == ("", [])
