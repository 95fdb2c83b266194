"""Passages: the part of each page that a reranker reads, chosen without a model.

A cross-encoder reads a passage in the time that MaxSim ranks hundreds of pages. So of every page it
gets only the one that holds most of the question's rare terms.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from retrieval.lexical import split_word

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
    asked = {term for word in question.split() for term in split_word(word)}
    passages = [[words[start:end] for start, end in cut_passages(len(words))] for words in pages]
    shared = [
        [asked & {term for word in passage for term in split_word(word)} for passage in page]
        for page in passages
    ]
    frequency = Counter(term for page in shared for terms in page for term in terms)
    n_passages = sum(map(len, passages))

    def weigh(terms: set[str]) -> float:
        return sum(math.log(1 + n_passages / (0.5 + frequency[term])) for term in terms)

    chosen = []
    for page, terms_of in zip(passages, shared, strict=True):
        weights = [weigh(terms) for terms in terms_of]
        best = page[weights.index(max(weights))] if page else []
        chosen.append(" ".join(best))
    return chosen


def cut_passages(n_words: int) -> list[tuple[int, int]]:
    """(first, end) of overlapping runs that cover so many words; the last one is full, too."""
    if n_words <= PASSAGE_WORDS:
        return [(0, n_words)] if n_words else []
    starts = [*range(0, n_words - PASSAGE_WORDS, STEP_WORDS), n_words - PASSAGE_WORDS]
    return [(start, start + PASSAGE_WORDS) for start in starts]
