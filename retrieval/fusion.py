"""Fusion of rankings by rank: scores of different spaces are never compared."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

# Cormack, Clarke and Büttcher 2009 found 60 to work across collections.
RRF_K = 60


def fuse_ranks(rankings: Sequence[tuple[Sequence[Key], float]]) -> list[Key]:
    """Reciprocal rank fusion: sums weight / (60 + rank) of each entry over all rankings.

    Args:
        rankings: (entries, best first; weight). Among equals, those of earlier rankings come first.

    Returns:
        All entries, best first.
    """
    scores: dict[Key, float] = {}
    for entries, weight in rankings:
        for rank, entry in enumerate(entries, 1):
            scores[entry] = scores.get(entry, 0.0) + weight / (RRF_K + rank)
    return sorted(scores, key=lambda entry: -scores[entry])
