"""Passages: the part of each page that a reranker reads, chosen without a model.

A cross-encoder reads a passage in the time that MaxSim ranks hundreds of pages. So of every page it
gets only the one that holds most of the question's rare terms.
"""

from __future__ import annotations

from collections.abc import Sequence

from retrieval.rarity import weigh_shared

# On pages-dev, 80 words kept the gain of the whole page; two passages a page gained nothing more.
PASSAGE_WORDS = 80
STEP_WORDS = 60


def choose_passages(question: str, pages: Sequence[Sequence[str]]) -> list[str]:
    """For each page the passage that answers a question best, by the rarity of shared terms.

    How rare a term is, is counted over the passages of these pages alone.

    Args:
        question: what was asked.
        pages: the words of each page, in reading order.

    Returns:
        A passage a page, the first among equals; empty for a page without words.
    """
    passages = [[words[start:end] for start, end in cut_passages(len(words))] for words in pages]
    weights = iter(weigh_shared(question, [passage for page in passages for passage in page]))
    chosen = []
    for page in passages:
        weighed = [(next(weights), passage) for passage in page]
        chosen.append(" ".join(max(weighed, key=lambda each: each[0])[1]) if weighed else "")
    return chosen


def cut_passages(n_words: int) -> list[tuple[int, int]]:
    """(first, end) of overlapping runs that cover so many words; the last one is full, too."""
    if n_words <= PASSAGE_WORDS:
        return [(0, n_words)] if n_words else []
    starts = [*range(0, n_words - PASSAGE_WORDS, STEP_WORDS), n_words - PASSAGE_WORDS]
    return [(start, start + PASSAGE_WORDS) for start in starts]
