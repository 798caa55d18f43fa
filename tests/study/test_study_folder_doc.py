"""The documentation of the study folder lists every finding with its remedy; ``make docs`` writes the table."""

from pipeline.core.findings import KINDS
from tests.places import ROOT

DOC = ROOT / "docs" / "study-folder.md"
HEADING = "## Findings"


def table() -> str:
    """The table of findings as Markdown."""
    lines = ["| finding | severity | what to do |", "|---|---|---|"]
    lines += [f"| `{code}` | {kind.severity} | {kind.remedy} |" for code, kind in KINDS.items()]
    return "\n".join(lines) + "\n"


def test_every_finding_stands_in_the_documentation_with_its_remedy() -> None:
    text = DOC.read_text(encoding="utf-8")
    assert HEADING in text
    assert text.endswith(table()), "run: python -m tests.study.test_study_folder_doc"


if __name__ == "__main__":
    before = DOC.read_text(encoding="utf-8").split("| finding |")[0]
    DOC.write_text(before + table(), encoding="utf-8")
