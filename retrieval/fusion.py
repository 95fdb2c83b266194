"""Fusion of rankings by rank: scores of different spaces are never compared."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

# How soon a ranking stops to tell its entries apart. Cormack, Clarke and Büttcher 2009 took 60 for
# rankings a thousand deep; only the first dozen count here, and with 10 nDCG@5 on pages-dev was
# 0.709, with 60 0.706.
RRF_K = 10


def fuse_ranks(rankings: Sequence[tuple[Sequence[Key], float]]) -> list[tuple[Key, float]]:
    """Reciprocal rank fusion: sums weight / (`RRF_K` + rank) of each entry over all rankings.

    Args:
        rankings: (entries, best first; weight). Among equals, those of earlier rankings come first.

    Returns:
        (entry, its sum), best first.
    """
    scores: dict[Key, float] = {}
    for entries, weight in rankings:
        for rank, entry in enumerate(entries, 1):
            scores[entry] = scores.get(entry, 0.0) + weight / (RRF_K + rank)
    return sorted(scores.items(), key=lambda entry: -entry[1])
