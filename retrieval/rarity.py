"""How rare the terms are that a question and texts share, without an index or a model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from retrieval.lexical import split_word


def weigh_shared(question: str, texts: Sequence[Sequence[str]]) -> list[float]:
    """For each text, the rarity of the terms that it shares with a question; 0 for none.

    How rare a term is, is counted over these texts alone.

    Args:
        question: what was asked.
        texts: the words of each.
    """
    asked = {term for word in question.split() for term in split_word(word)}
    shared = [asked & {term for word in text for term in split_word(word)} for text in texts]
    frequency = Counter(term for terms in shared for term in terms)
    return [
        sum(math.log(1 + len(texts) / (0.5 + frequency[term])) for term in terms)
        for terms in shared
    ]
