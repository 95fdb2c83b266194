"""Intervals of means over questions, against what theory says of them."""

import numpy as np
import pytest
from scipy import stats

from retrieval.bootstrap import estimate_difference, estimate_mean

RANDOM = np.random.default_rng(5)
SCORES = RANDOM.beta(2, 1, 200)


def test_an_interval_is_that_of_theory_where_theory_has_one():
    # With so many questions a mean is distributed normally.
    estimate = estimate_mean(SCORES)
    low, high = stats.norm.interval(0.95, SCORES.mean(), SCORES.std() / np.sqrt(len(SCORES)))
    assert estimate.mean == pytest.approx(SCORES.mean())
    assert estimate.low == pytest.approx(low, abs=0.003)
    assert estimate.high == pytest.approx(high, abs=0.003)
    assert estimate.n == len(SCORES)


def test_an_interval_of_few_questions_can_be_counted():
    # Of two values, a resample has the lower twice in a quarter of all cases, the higher likewise.
    assert (estimate_mean([0.0, 1.0]).low, estimate_mean([0.0, 1.0]).high) == (0.0, 1.0)
    # Ten of them: 2.5 % of binomial resamples have one or none of the five that are 1.
    estimate = estimate_mean([0.0] * 5 + [1.0] * 5)
    counted = stats.binom.ppf([0.025, 0.975], 10, 0.5) / 10
    assert [estimate.low, estimate.high] == pytest.approx(list(counted))


def test_intervals_hold_what_is_true_about_as_often_as_they_say():
    held = 0
    for _ in range(60):
        estimate = estimate_mean(RANDOM.normal(0.5, 0.2, 50))
        held += estimate.low <= 0.5 <= estimate.high
    # Of 60, 57 are expected; fewer than 49 would be one case in a thousand.
    assert 49 <= held <= 60


def test_a_small_difference_that_all_questions_share_is_shown():
    better = SCORES + 0.01 + RANDOM.normal(0, 0.02, len(SCORES))
    difference = estimate_difference(better, SCORES)
    assert difference.mean == pytest.approx(0.01, abs=0.005)
    assert difference.differs_from_zero
    # Neither interval alone would have told the two apart.
    assert estimate_mean(better).low < estimate_mean(SCORES).high


def test_a_difference_that_a_few_questions_decide_is_not_shown():
    changed = SCORES.copy()
    changed[:3] += [0.3, 0.2, -0.1]
    difference = estimate_difference(changed, SCORES)
    assert difference.mean == pytest.approx(0.002)
    assert not difference.differs_from_zero


def test_equals_differ_by_nothing():
    difference = estimate_difference(SCORES, SCORES)
    assert (difference.mean, difference.low, difference.high) == (0, 0, 0)
    assert not difference.differs_from_zero


def test_the_same_answers_give_the_same_interval():
    assert estimate_mean(SCORES) == estimate_mean(SCORES)


def test_what_cannot_be_estimated_is_refused():
    with pytest.raises(ValueError, match="not 1"):
        estimate_mean([0.5])
    with pytest.raises(ValueError, match="shorter"):
        estimate_difference([0.5, 0.5], [0.5])
