"""What `pagelens tune` measures, and which settings it recommends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from retrieval.bootstrap import Estimate
from retrieval.index.base import VectorStorage
from retrieval.index.first_stage import FIRST_STAGE_PAGES


class Stage(str, Enum):
    """What candidates are found by."""

    CELLS = "cells"
    MUVERA = "MUVERA"
    POOLED = "pooled"


@dataclass(frozen=True, slots=True)
class StoredAs:
    """How an index stores pages.

    Attributes:
        stage: what it stores besides, for a first stage.
    """

    pool_factor: int
    storage: VectorStorage
    stage: Stage

    @property
    def name(self) -> str:
        """What it is called."""
        pooled = f", pool {self.pool_factor}" if self.pool_factor > 1 else ""
        beside = f", {self.stage.value}" if self.stage is not Stage.CELLS else ""
        return f"{self.storage.value}{pooled}{beside}"


@dataclass(frozen=True, slots=True)
class Tried:
    """One way to store and search pages, measured.

    Attributes:
        prefetch_pages: candidates of the first stage; None for an exact search.
        recall: of the ten best pages of the reference, the share that is among its ten best.
        ndcg: nDCG@10 of the judged questions.
        difference: by how much that is above the reference; None for the reference.
        p50_ms, p95_ms: of a search by vectors alone, in milliseconds.
        index_bytes: page vectors and what the first stage stores.
    """

    stored: StoredAs
    prefetch_pages: int | None
    recall: Estimate
    ndcg: Estimate
    difference: Estimate | None
    p50_ms: float
    p95_ms: float
    index_bytes: int

    @property
    def name(self) -> str:
        """What it is called."""
        searched = "exact" if self.prefetch_pages is None else f"{self.prefetch_pages:,} candidates"
        return f"{self.stored.name}: {searched}"

    @property
    def is_worse(self) -> bool:
        """Whether the questions show that it finds less than the reference."""
        return self.difference is not None and self.difference.high < 0


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The settings that are recommended.

    Attributes:
        tried: the way that they stand for.
        prefetch_pages: for the library as it is; None where its size makes it search exactly.
        is_enough: whether it finds as much as was asked for; else nothing does.
    """

    tried: Tried
    prefetch_pages: int | None
    is_enough: bool

    @property
    def settings(self) -> dict[str, str]:
        """Environment variables and their values."""
        stored = self.tried.stored
        values = {
            "PAGELENS_POOL_FACTOR": str(stored.pool_factor),
            "PAGELENS_VECTOR_STORAGE": stored.storage.value,
        }
        if self.prefetch_pages is not None:
            values["PAGELENS_PREFETCH_PAGES"] = str(self.prefetch_pages)
        return values


@dataclass(frozen=True, slots=True)
class Tuning:
    """All that was measured.

    Attributes:
        title: what the set of questions is called.
        model: the encoder of pages.
        n_pages: of the corpus; `n_tried` of them were searched.
        tried: the first is the reference: whole vectors, searched exactly.
        least_recall: what was asked for.
        seconds: how long it took.
    """

    title: str
    model: str
    n_questions: int
    n_pages: int
    n_tried: int
    tried: tuple[Tried, ...]
    recommended: Recommendation
    least_recall: float
    made_at: datetime
    seconds: float

    @property
    def reference(self) -> Tried:
        """What the others are compared with."""
        return self.tried[0]

    @property
    def stored(self) -> tuple[StoredAs, ...]:
        """The ways to store pages, in the order in which they were tried."""
        return tuple(dict.fromkeys(it.stored for it in self.tried))

    def list_of(self, stored: StoredAs) -> list[Tried]:
        """The searches of an index, the fewest candidates first, the exact one last."""
        return sorted(
            (it for it in self.tried if it.stored == stored),
            key=lambda it: math.inf if it.prefetch_pages is None else it.prefetch_pages,
        )


def recommend(
    tried: Sequence[Tried], n_pages: int, n_tried: int, least_recall: float
) -> Recommendation:
    """The smallest index that finds enough, and the fastest search of it.

    Enough is a recall of `least_recall`, and an nDCG@10 that is not shown to be lower. Where
    nothing finds enough, what finds most is taken.

    Args:
        tried: what was measured.
        n_pages: of the library, which decides whether it has a first stage.
        n_tried: on so many of them it was measured.
        least_recall: 0 to 1.
    """
    has_stage = n_pages >= FIRST_STAGE_PAGES
    usable = [
        it
        for it in tried
        if it.stored.stage is Stage.CELLS and (it.prefetch_pages is not None) is has_stage
    ]
    # A sample so small that every depth is all of it has exact searches alone.
    usable = usable or [it for it in tried if it.stored.stage is Stage.CELLS]
    enough = [it for it in usable if it.recall.mean >= least_recall and not it.is_worse]
    best = (
        min(enough, key=lambda it: (it.index_bytes, it.p50_ms))
        if enough
        else max(usable, key=lambda it: (it.recall.mean, -it.index_bytes))
    )
    prefetch = best.prefetch_pages
    if prefetch is not None:
        # The candidates of a sample are the same share of it.
        prefetch = math.ceil(prefetch * n_pages / n_tried)
    return Recommendation(best, prefetch, bool(enough))
