"""How far a mean over questions may be off by chance: bootstrap intervals.

Percentile bootstrap over questions (Efron & Tibshirani, An Introduction to the Bootstrap, 1993,
chapter 13); two ways to search are compared question by question, so that what makes a question
hard for both does not count (paired bootstrap; Sakai, SIGIR 2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 10_000

# The same resamples for whoever asks the same number of questions: a run can be repeated.
SEED = 20_261_127

# Numbers that are held at once, in float64: 80 MB.
BATCH_NUMBERS = 10_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over questions, and the interval in which it would lie with others of their kind.

    Attributes:
        low: lower end of the 95 % interval.
        high: its upper end.
        n: how many questions.
    """

    mean: float
    low: float
    high: float
    n: int

    @property
    def differs_from_zero(self) -> bool:
        """Whether 0 lies outside of the interval."""
        return not self.low <= 0 <= self.high


def estimate_mean(values: Sequence[float]) -> Estimate:
    """The mean of one value a question, with its interval.

    Raises:
        ValueError: fewer than two values, which say nothing of what others would be.
    """
    from scipy.stats import bootstrap

    n = len(values)
    if n < 2:
        raise ValueError(f"an interval takes two questions or more, not {n}")
    found = bootstrap(
        (np.asarray(values, dtype=np.float64),),
        np.mean,
        confidence_level=CONFIDENCE,
        n_resamples=RESAMPLES,
        method="percentile",
        batch=max(1, BATCH_NUMBERS // n),
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return Estimate(float(np.mean(values)), float(found.low), float(found.high), n)


def estimate_difference(values: Sequence[float], baseline: Sequence[float]) -> Estimate:
    """How much higher `values` are than `baseline`, on average, with its interval.

    Args:
        values: one a question.
        baseline: of the same questions, in the same order.

    Raises:
        ValueError: they are of different lengths, or of fewer than two questions.
    """
    return estimate_mean([a - b for a, b in zip(values, baseline, strict=True)])
