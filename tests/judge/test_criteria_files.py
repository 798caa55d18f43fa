"""Criteria files: what is packaged, and what is refused with which words. Runs in about a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.judge import criteria_files
from pipeline.judge.criteria import Mark, sections

PACKAGE = Path(criteria_files.__file__).parent / "criteria_tables"

# id, metric, progression, response, minor response, least growth, confirmation: the published table
TABLE = [
    ("imsct_adapted_v1", "volume", 1.40, 0.35, None, 100, 28),
    ("rano2_vol", "volume", 1.40, 0.35, 0.60, 0, 28),
    ("rano2_2d", "product", 1.25, 0.50, 0.75, 0, 28),
    ("mrano", "volume", 1.40, 0.35, None, 0, 28),
    ("reins_2013", "volume", 1.20, 0.80, None, 0, 89),
    ("recist_1_1", "longest", 1.20, 0.70, None, 5, 28),
    ("rano_lgg_vol", "volume", 1.40, 0.35, 0.60, 0, 28),
    ("rapno_lgg_2020", "product", 1.25, 0.50, 0.75, 0, 56),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_packaged_criteria_hold_the_published_numbers(row):
    name, metric, growth, response, minor, floor, wait = row
    rules = criteria_files.load(name)
    assert (rules.criteria_id, rules.metric, rules.progression.ratio) == (name, metric, growth)
    assert rules.response.ratio == response
    assert (rules.minor_response.ratio if rules.minor_response else None) == minor
    assert (rules.progression.min_change, rules.confirmation.days) == (floor, wait)


def test_the_table_covers_every_packaged_file():
    assert {row[0] for row in TABLE} == set(criteria_files.names())
    assert criteria_files.names()[0] == criteria_files.DEFAULT_CRITERIA_ID == "imsct_adapted_v1"


@pytest.mark.parametrize("name", criteria_files.names())
def test_every_rule_has_a_source_a_mark_and_the_word_adapted(name):
    rules = criteria_files.load(name)
    assert rules.is_adapted
    assert "adapted" in rules.title
    assert rules.record().criteria_id == name
    assert len(rules.sha256) == 64
    for rule in (rules, *sections(rules).values()):
        assert rule.source
        assert rule.mark in list(Mark)


def test_all_criteria_come_with_the_chosen_one_first():
    assert criteria_files.load_all("rano2_2d")[0].criteria_id == "rano2_2d"
    assert {c.criteria_id for c in criteria_files.load_all()} == set(criteria_files.names())


@pytest.fixture
def own_file(tmp_path):
    """Write the default criteria with one piece of text replaced."""

    def write(old: str = "", new: str = "") -> str:
        text = (PACKAGE / "imsct_adapted_v1.toml").read_text(encoding="utf-8")
        assert old in text
        path = tmp_path / "own.toml"
        renamed = text.replace('criteria_id = "imsct_adapted_v1"', 'criteria_id = "own"')
        path.write_text(renamed.replace(old, new, 1) if old else renamed, encoding="utf-8")
        return str(path)

    return write


def test_a_users_own_file_is_read_and_joins_the_others(own_file):
    path = own_file("ratio = 1.4", "ratio = 1.25")
    assert criteria_files.load(path).progression.ratio == 1.25
    assert [c.criteria_id for c in criteria_files.load_all(path)] == ["own", *criteria_files.names()]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ratio = 1.4", "ratio = 0.4", r"progression.ratio: expected more than 1 .* found 0.4"),
        ("ratio = 1.4", "ratio = 1.0", r"expected more than 1"),
        ("ratio = 0.35", "ratio = 1.35", r"response.ratio: expected between 0 and 1 .* found 1.35"),
        ("ratio = 0.35", "ratio = nan", r"response: ratio: expected a number that can be compared, found nan"),
        ("ratio = 0.35", "ratio = 1e-320", r"response: ratio: expected a number that can be compared, found 1e-320"),
        ("ratio = 0.35", 'ratio = "0.35"', r"response: ratio: expected a number, found '0.35'"),
        ("days = 28", "days = 28.5", r"confirmation: days: expected a whole number, found 28.5"),
        ('mandatory = ["T2w"]', "mandatory = []", r"sequences.mandatory: expected at least one sequence"),
        ('mandatory = ["T2w"]', 'mandatory = ["T2w", " "]', r"sequences.mandatory: expected at least one sequence"),
        ("days = 28", "days = -28", r"confirmation.days: expected a number of 0 or more, found -28"),
        ("days = 28", "days = true", r"expected a whole number, found True"),
        ("min_change = 100.0", "min_chnage = 100.0", r"unknown key 'min_chnage'; expected only"),
        ("[response]", "[responses]", r"unknown key 'responses'"),
        ("beyond_error = true", 'beyond_error = "yes"', r"expected true or false, found 'yes'"),
        ('metric = "volume"', 'metric = "weight"', r"metric: expected one of volume, product, longest"),
        ('mark = "proposal"', 'mark = "sure"', r"mark: expected one of checked"),
        ('reference = "nadir"', 'reference = "previous"', r"expected one of nadir, baseline"),
        ('version = "1.1"', "version = 1.1", r"version: expected text, found 1.1"),
        ('version = "1.1"', 'version = " "', r"version: expected some text, found none"),
        ('version = "1.1"\n', "", r"'version' is missing"),
        ('source = "proposal: no published rule; a percentage of nothing is undefined"', "", r"'source' is missing"),
        (
            'source = "proposal: no published rule; a percentage of nothing is undefined"',
            'source = ""',
            r"reappearance: expected a source",
        ),
        ("assessments = 2", "assessments = 0", r"clinical.assessments: expected 1 or more"),
        ("scale_ids = [", "scale_ids = [1, ", r"expected a list of texts"),
        ("[progression]", "[progression", r"expected a TOML file, but reading stopped"),
        ('version = "1.1"', 'version = "1.1"\nsha256 = "0"', r"unknown key 'sha256'"),
        ('version = "1.1"', 'version = "1.1"\nresponse = 1', r"expected a TOML file"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_in_words(own_file, old, new, words):
    with pytest.raises(SettingsError, match=words):
        criteria_files.load(own_file(old, new))


def test_a_reappearance_without_any_size_is_refused(own_file):
    path = own_file("min_volume_mm3 = 100.0  # 0.1 mL\nmin_longest_mm = 5.0", "min_volume_mm3 = 0\nmin_longest_mm = 0")
    with pytest.raises(SettingsError, match="any speck is progression"):
        criteria_files.load(path)


def test_a_section_that_is_no_section_is_refused(tmp_path):
    text = (PACKAGE / "recist_1_1.toml").read_text(encoding="utf-8")
    head, _, rest = text.partition("[progression]")
    path = tmp_path / "own.toml"
    path.write_text(f"{head}progression = 1.2\n[response]{rest.partition('[response]')[2]}", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"progression: expected a section, found 1.2"):
        criteria_files.load(str(path))


def test_a_minor_response_must_lie_between(tmp_path):
    text = (PACKAGE / "rano2_vol.toml").read_text(encoding="utf-8")
    path = tmp_path / "own.toml"
    path.write_text(text.replace("ratio = 0.6\n", "ratio = 0.3\n"), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"minor_response.ratio: expected between response.ratio 0.35 and 1"):
        criteria_files.load(str(path))


def test_a_name_that_is_neither_packaged_nor_a_file_lists_what_there_is():
    with pytest.raises(SettingsError, match=r"'rano3'.*imsct_adapted_v1, mrano"):
        criteria_files.load("rano3")


def test_a_users_file_may_not_take_a_packaged_name(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text((PACKAGE / "mrano.toml").read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(SettingsError, match="expected a criteria_id of its own, found 'mrano'"):
        criteria_files.load_all(str(path))


@pytest.mark.parametrize(
    "criteria_id", ["../../x", "a/b", "<img src=x>", "", ".hidden", "a..b", "a b", "x" * 65, "naïve", "a\\u0000b"]
)
def test_an_id_that_could_be_a_path_or_a_program_is_refused(own_file, criteria_id):
    path = Path(own_file())
    path.write_text(path.read_text().replace('criteria_id = "own"', f'criteria_id = "{criteria_id}"'))
    with pytest.raises(SettingsError, match="criteria_id: expected an id of letters, digits"):
        criteria_files.load_all(str(path))


def test_text_that_no_page_can_show_is_refused(own_file):
    path = own_file('title = "', 'title = "\\u001b[2J')
    with pytest.raises(SettingsError, match="title: expected text without control characters"):
        criteria_files.load_all(path)
