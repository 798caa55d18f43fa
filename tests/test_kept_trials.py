"""Trials of a benchmark are done once each, in as many calls as they take."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmark.description import answer_of
from tests.benchmark.host_cords import TrialSet
from tests.benchmark.kept_trials import KeptTrials

KEYS = TrialSet((7,), (), 3).keys(5)


def test_trials_of_several_calls_come_together_and_none_is_done_twice(tmp_path: Path) -> None:
    asked: list[str] = []

    def make(key: str) -> dict[str, str]:
        asked.append(key)
        return {"of": key}

    for most, done in ((2, 2), (1, 3), (None, 5)):
        trials = KeptTrials("some", "abc", tmp_path).done(KEYS, make, most)
        assert list(trials) == KEYS[:done]
    assert asked == KEYS
    assert trials[KEYS[4]] == {"of": KEYS[4]}
    KeptTrials("some", "other code", tmp_path).done(KEYS, make, 1)
    assert asked == [*KEYS, KEYS[0]], "what other code came to is not taken"


def test_a_line_cut_off_while_it_was_written_is_done_again_and_another_is_named(tmp_path: Path) -> None:
    kept = KeptTrials("some", "abc", tmp_path)
    kept.done(KEYS, len, 2)
    kept.path.write_text(kept.path.read_text(encoding="utf-8")[:-5], encoding="utf-8")
    assert list(kept.read()) == KEYS[:1]
    assert list(kept.done(KEYS, len)) == KEYS
    assert len(kept.path.read_text(encoding="utf-8").splitlines()) == 5
    kept.path.write_text('{"key": "x"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="line 1: expected a trial with key and result"):
        kept.read()


def test_a_key_names_its_host_its_seed_and_its_number() -> None:
    assert KEYS[:2] == ["phantom cervical 7, visit, 3, 0", "phantom thoracic 7, visit, 3, 1"]
    assert answer_of("none", "thin", "sure") == "sure wrong"
