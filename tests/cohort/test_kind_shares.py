"""How often each kind of tumour is met in a cohort: known mixtures, any order, too few people, the view's formula."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from pipeline.cohort import kind_shares
from pipeline.core import records
from pipeline.judge.series_histories import KINDS
from pipeline.store import publish, reader
from tests.factories import ADAPTED, tiny_store

CLEAR = {
    "still": (0.3, 1.0, 1e-4, 1e-4, 1e-4),
    "steady": (0.2, 1e-4, 1.0, 1e-3, 1e-3),
    "by_jumps": (0.2, 1e-6, 1e-3, 1.0, 1e-3),
    "otherwise": (0.05, 1e-9, 1e-6, 1e-6, 1.0),
    "unclear": (0.8, 0.9, 1.0, 0.7, 0.2),
}
"""How well each kind fits: usual, still, steady, by jumps, otherwise."""
TOLD = (0.4, 0.0, 0.7, 0.6, 0.5)


def evidence(name: str, kind: str, course: str = "watched") -> records.KindEvidence:
    return records.KindEvidence(name, "ses-02", ADAPTED, course, *CLEAR[kind], *TOLD)


def cohort(**counts: int) -> list[records.KindEvidence]:
    return [evidence(f"{kind}-{number}", kind) for kind, count in counts.items() for number in range(count)]


def penalised(shares: np.ndarray, people: np.ndarray) -> float:
    prior = kind_shares.PEOPLE_BEFORE * (kind_shares.BEFORE @ np.log(shares))
    return float(np.log(people @ shares).sum() + prior)


def best(people: np.ndarray, growing: float | None = None) -> tuple[float, np.ndarray]:
    """Return the largest log likelihood, and where, by another way than EM; with the share of growers held or not."""

    def shares(free: np.ndarray) -> np.ndarray:
        weights = np.exp(free - free.max())
        if growing is None:
            return np.asarray(weights / weights.sum())
        inside = weights[kind_shares.GROWING].sum()
        rest = weights.sum() - inside
        return np.asarray(weights * np.where(kind_shares.GROWING, growing / inside, (1 - growing) / rest))

    answer = minimize(lambda free: -penalised(shares(free), people), np.zeros(5), method="BFGS")
    return -float(answer.fun), shares(answer.x)


@pytest.mark.parametrize(
    ("counts", "growing"),
    [({"still": 36, "steady": 4}, 0.1), ({"still": 20, "by_jumps": 20}, 0.5), ({"steady": 40}, 1.0)],
)
def test_a_clear_mixture_is_found_within_what_people_before_weigh(counts: dict[str, int], growing: float) -> None:
    (share,) = kind_shares.cohort_shares(cohort(**counts))
    assert share.growing_share == pytest.approx(growing, abs=0.06)
    assert share.growing_low_share <= growing + 0.01 <= share.growing_high_share + 0.02
    assert share.growing_high_share - share.growing_low_share < 0.36


def test_the_shares_and_the_ends_of_the_interval_are_those_of_another_optimiser() -> None:
    people = np.array([CLEAR[one] for one in ("still",) * 14 + ("steady",) * 6 + ("by_jumps",) * 2 + ("unclear",) * 5])
    found = kind_shares.learned([tuple(row) for row in people])
    highest, shares = best(people)
    assert found.shares == pytest.approx(tuple(shares), abs=1e-3)
    for end, outside in ((found.growing_low, -0.011), (found.growing_high, 0.011)):
        assert best(people, end)[0] >= highest - kind_shares.FALL - 0.02, "inside"
        assert best(people, end + outside)[0] < highest - kind_shares.FALL + 0.02, "the next one is outside"


@pytest.mark.parametrize("number", [1, 3, 20, 40, 200])
@pytest.mark.parametrize("sharpness", [0.02, 0.3, 3.0])
def test_ends_found_by_halving_are_those_of_all_shares_tried(number: int, sharpness: float) -> None:
    """Also of people who tell nearly nothing, or who pull to one side or the other."""
    chance = np.random.default_rng(number)
    people = np.exp(sharpness * chance.normal(size=(number, 5)) * chance.choice([0.1, 1, 3], size=(number, 1)))
    learnt = kind_shares.learned(people.tolist())
    sorted_people = np.array(sorted(map(tuple, people.tolist())))
    shares = np.array(learnt.shares)
    least = kind_shares._log_likelihood(sorted_people, shares[None])[0] - kind_shares.FALL
    tried = kind_shares.TRIED
    allowed = [one for one in tried if kind_shares._best_likelihood(sorted_people, shares, one) >= least]
    assert allowed
    assert learnt.growing_low == (0.0 if allowed[0] == tried[0] else allowed[0])
    assert learnt.growing_high == (1.0 if allowed[-1] == tried[-1] else allowed[-1])


def test_any_order_gives_the_same_numbers_to_the_last_bit() -> None:
    people = cohort(still=17, steady=5, by_jumps=3, otherwise=2, unclear=9)
    first = kind_shares.cohort_shares(people)
    for seed in range(5):
        assert kind_shares.cohort_shares(random.Random(seed).sample(people, len(people))) == first


def test_too_few_people_have_a_reason_and_no_number() -> None:
    few = cohort(still=kind_shares.LEAST_PEOPLE - 1)
    (share,) = kind_shares.cohort_shares(few)
    assert (share.people, share.growing_share, share.usual_share) == (19, None, None)
    assert kind_shares.probability_in(share, few[0]) is None
    assert kind_shares.in_words(share) == "19 people in this cohort (watched), fewer than 20"
    (enough,) = kind_shares.cohort_shares([*few, evidence("one more", "still")])
    assert enough.reason is None
    assert kind_shares.probability_in(enough, few[0]) is not None


def test_people_in_other_courses_are_another_cohort() -> None:
    watched, operated = cohort(still=25), [replace(one, course="after_surgery") for one in cohort(steady=25)]
    both = kind_shares.cohort_shares([*watched, *operated])
    assert both == (*kind_shares.cohort_shares(operated), *kind_shares.cohort_shares(watched))


def test_what_the_same_people_say_under_other_criteria_is_learned_once_and_what_others_say_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = cohort(still=20, steady=10)
    same = [replace(one, criteria_id="other") for one in people[::-1]]
    grown = [replace(one, criteria_id="third", steady_likelihood=1.0) for one in people]
    alone = [kind_shares.cohort_shares(some)[0] for some in (people, same, grown)]
    learned, asked = kind_shares.learned, []
    monkeypatch.setattr(kind_shares, "learned", lambda some: (asked.append(len(some)), learned(some))[1])
    together = kind_shares.cohort_shares([*grown, *same, *people])
    assert {one.criteria_id: one for one in together} == {one.criteria_id: one for one in alone}
    assert asked == [30, 30]
    assert alone[2].growing_share > alone[0].growing_share


def test_where_few_grow_the_same_readings_tell_less_than_where_all_do() -> None:
    unclear = evidence("who", "unclear")
    shares = [kind_shares.cohort_shares([*cohort(**{kind: 40}), unclear])[0] for kind in ("still", "steady")]
    few, many = (kind_shares.probability_in(share, unclear) for share in shares)
    assert few is not None
    assert many is not None
    assert few < 0.2
    assert many > 0.5


def test_the_kinds_are_as_many_as_those_of_the_histories() -> None:
    assert len(kind_shares.BEFORE) == len(KINDS) == len(kind_shares.GROWING)
    assert kind_shares.BEFORE.sum() == pytest.approx(1.0)


def test_the_view_says_what_the_room_computes(tmp_path: Path) -> None:
    tiny = [row for row in tiny_store() if not isinstance(row, (records.KindEvidence, records.CohortShare))]
    visits = {row.patient_id: row.session_id for row in tiny if isinstance(row, records.Visit)}
    one, other = list(visits)[:2]
    own = [
        replace(evidence(one, "unclear"), session_id=visits[one]),
        replace(evidence(other, "steady"), session_id=visits[other]),
    ]
    own[1] = replace(own[1], course="after_surgery")
    shares = kind_shares.cohort_shares([*cohort(still=21, steady=2), *own])
    publish.publish(tmp_path, [*tiny, *own, *shares])
    frame = reader.table(reader.database_path(tmp_path), "cohort_probability").set_index("patient_id")
    by_course = {share.course: share for share in shares}
    assert frame.loc[one, "probability_in_cohort"] == pytest.approx(
        kind_shares.probability_in(by_course["watched"], own[0])
    )
    spans = reader.table(reader.database_path(tmp_path), "probability_range").set_index("patient_id")
    for name, evidence_of in zip((one, other), own, strict=True):
        span = tuple(spans.loc[name, ["probability_low", "probability_high"]])
        assert span == pytest.approx(kind_shares.probability_range(evidence_of))
        assert span[0] <= evidence_of.usual_probability <= span[1]
    assert (frame.loc[one, "people"], frame.loc[one, "growing_share"]) == (24, by_course["watched"].growing_share)
    assert np.isnan(frame.loc[other, "probability_in_cohort"])
    assert frame.loc[other, "missing_reason"] == "1 people in this cohort (after surgery), fewer than 20"
