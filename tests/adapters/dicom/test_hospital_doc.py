"""The page on hospitals lists every finding of an import; run this file to write the table."""

from pathlib import Path

from pipeline.dicom.oddities import KINDS

DOC = Path(__file__).parents[3] / "docs" / "hospital.md"
HEADER = "| finding | severity | what to do |\n|---|---|---|\n"


def table() -> str:
    return HEADER + "".join(f"| `{code}` | {severity} | {remedy} |\n" for code, (severity, remedy) in KINDS.items())


def test_every_finding_of_an_import_stands_in_the_documentation() -> None:
    text = DOC.read_text(encoding="utf-8")
    assert text.endswith(table()), "run: python -m tests.adapters.dicom.test_hospital_doc"


if __name__ == "__main__":
    DOC.write_text(DOC.read_text(encoding="utf-8").split(HEADER)[0] + table(), encoding="utf-8")
