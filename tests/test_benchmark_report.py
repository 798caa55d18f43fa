"""What a benchmark prints takes the place of its section in the report, and nothing else is lost."""

from __future__ import annotations

from tests.benchmark.__main__ import with_sections

REPORT = "# Benchmarks\n\nIntroduction.\n\n## The cord\nold\n\n### Part\nold part\n\n## A trial\nby hand\n"


def test_a_section_is_replaced_whole_with_its_origin_and_the_others_stay() -> None:
    report = with_sections(REPORT, "warning: odd\n\n## The cord\n\nnew\n", "_Measured today._")
    assert report == "# Benchmarks\n\nIntroduction.\n\n## The cord\n_Measured today._\n\nnew\n\n## A trial\nby hand\n"


def test_a_new_section_comes_last() -> None:
    report = with_sections(REPORT, "## Size\n\n### Of ten\n1\n", "_Measured today._")
    assert report.startswith(REPORT)
    assert report.endswith("## Size\n_Measured today._\n\n### Of ten\n1\n")
    assert with_sections(report, "## Size\n2\n", "_Then._").count("## Size") == 1
