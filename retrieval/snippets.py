"""Snippets: the few words of a page in which most of what matched stands, each match marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.evidence import measure_strength
from retrieval.lexical import split_word
from retrieval.records import Hit, Word

SNIPPET_WORDS = 24

# What a word of the question counts that stands on the page as it is; a match of meaning counts
# as much as it is marked.
SAME_WORD = 1.0


@dataclass(frozen=True, slots=True)
class SnippetPart:
    """Words that follow each other on a page, and whether they matched."""

    text: str
    is_match: bool


@dataclass(frozen=True, slots=True)
class Snippet:
    """A run of words of a page.

    Attributes:
        parts: in the order of the page, matches apart from what stands between them.
        starts_page: whether nothing of the page comes before.
        ends_page: whether nothing comes after.
    """

    parts: tuple[SnippetPart, ...]
    starts_page: bool
    ends_page: bool


def cut_snippet(question: str, hit: Hit, words: Sequence[Word]) -> Snippet | None:
    """The run of `SNIPPET_WORDS` words that holds most of what matched.

    Args:
        question: what was asked; empty where it was not asked in words.
        hit: the page, with what on it matched.
        words: of the page, in reading order.

    Returns:
        None where no word of the page matched.
    """
    weights = np.maximum(_weigh_places(hit, words), _weigh_terms(question, words))
    if not weights.any():
        return None
    length = min(SNIPPET_WORDS, len(words))
    sums = np.convolve(weights, np.ones(length), mode="valid")
    # The middle of the best runs has what matched in its midst.
    best = np.flatnonzero(sums >= sums.max() - 1e-6)
    start = int(best[len(best) // 2])
    run = range(start, start + length)
    parts: list[SnippetPart] = []
    for place in run:
        is_match = bool(weights[place])
        if parts and parts[-1].is_match == is_match:
            parts[-1] = SnippetPart(f"{parts[-1].text} {words[place].text}", is_match)
        else:
            parts.append(SnippetPart(words[place].text, is_match))
    return Snippet(tuple(parts), start == 0, run.stop == len(words))


def _weigh_places(hit: Hit, words: Sequence[Word]) -> NDArray[np.float64]:
    """How deeply each word is marked on the page: its middle lies in the place of a match."""
    weights = np.zeros(len(words))
    if not len(words):
        return weights
    boxes = np.array([word.box for word in words])
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    for match in hit.matches:
        x0, y0, x1, y1 = match.box
        is_inside = (x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)
        weights[is_inside] = np.maximum(weights[is_inside], measure_strength(match))
    return weights


def _weigh_terms(question: str, words: Sequence[Word]) -> NDArray[np.float64]:
    """Which words stand in the question, in this or another form."""
    asked = {term for word in question.split() for term in split_word(word)}
    return np.array([SAME_WORD * bool(asked & set(split_word(word.text))) for word in words])
