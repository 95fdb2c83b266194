"""The rankings of pages, and one out of them: by their vectors, their words, and their channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

from retrieval.fusion import fuse_ranks
from retrieval.index.base import ScoredPage

PageKey = tuple[str, int]


class Ranking(str, Enum):
    """What pages are ranked by; those behind the first two are the channels of text encoders."""

    MAXSIM = "maxsim"
    BM25 = "bm25"
    DENSE = "dense"
    TOKENS = "tokens"
    TERMS = "terms"


# How much the rank in each counts. With minilm-dense, which alone ranks worse than BM25, nDCG@5 of
# mode "text" on pages-dev was 0.677 without it, 0.712 with a weight of 0.5 and 0.701 with 1; of
# mode "hybrid" 0.702, 0.703 and 0.701. Of tokens and terms no published model was at hand: they
# count as BM25 does.
WEIGHTS = {
    Ranking.MAXSIM: 1.0,
    Ranking.BM25: 1.0,
    Ranking.DENSE: 0.5,
    Ranking.TOKENS: 1.0,
    Ranking.TERMS: 1.0,
}

# The reranker has read the page: it counts as much as the two that have not.
RERANKER_WEIGHT = 2.0


def fuse_pages(
    rankings: Mapping[Ranking, Sequence[ScoredPage]], reranked: Sequence[PageKey] | None
) -> list[PageKey]:
    """One ranking of pages out of several, and that of the reranker if it read any.

    A page without words is in no ranking by words: there its rank by vectors stands for it, so that
    a library of scans and texts does not put all scans last.
    """
    by_vectors = rankings.get(Ranking.MAXSIM, ())
    places = [key_of(page) for page in by_vectors]
    wordless = {key_of(page) for page in by_vectors if not page.has_words}
    fused: list[tuple[list[PageKey], float]] = []
    # Among pages of equal rank those of the first ranking come first.
    for ranking in Ranking:
        pages = [key_of(page) for page in rankings.get(ranking, ())]
        if pages and ranking is not Ranking.MAXSIM:
            pages = keep_places(places, wordless, pages)
        fused.append((pages, WEIGHTS[ranking]))
    if reranked:
        fused.append((list(reranked), RERANKER_WEIGHT))
    return [key for key, _ in fuse_ranks(fused)]


def keep_places(
    ranking: Sequence[PageKey], kept: set[PageKey], others: Sequence[PageKey]
) -> list[PageKey]:
    """`others` in their order, with those of `kept` at the places that they have in `ranking`."""
    placed = iter(others)
    merged: list[PageKey] = []
    for key in ranking:
        if key in kept:
            merged.append(key)
        elif (other := next(placed, None)) is not None:
            merged.append(other)
    return [*merged, *placed]


def key_of(page: ScoredPage) -> PageKey:
    """Which page it is: (document id, page index)."""
    return page.document_id, page.page_index
