"""MaxSim in numpy: the exact definition, and where on the page each query token matched.

score(q, d) is the sum over query vectors of the maximum dot product over the page's vectors
(Khattab & Zaharia 2020, equation 3).
"""

from __future__ import annotations

import numpy as np

from retrieval.records import Box, Match, PageEmbedding, QueryEmbedding


def score_maxsim(query: QueryEmbedding, page: PageEmbedding) -> float:
    """The MaxSim score of a page; 0 where either side has no vectors."""
    if not len(query.vectors) or not len(page.vectors):
        return 0.0
    return float(_similarities(query, page).max(axis=1).sum())


def find_matches(query: QueryEmbedding, page: PageEmbedding) -> tuple[Match, ...]:
    """The best-matching vector's box for each query token that shows evidence."""
    if not len(query.vectors) or not len(page.vectors):
        return ()
    placed = ~np.isnan(page.boxes[:, 0])
    if not placed.any():
        return ()
    similarities = np.where(placed, _similarities(query, page), -np.inf)
    best = similarities.argmax(axis=1)
    return tuple(
        Match(
            Box(*map(float, page.boxes[vector])),
            float(np.clip(similarities[i, vector], 0.0, 1.0)),
            query.tokens[i],
        )
        for i, vector in enumerate(best)
        if query.shows_evidence[i]
    )


def _similarities(query: QueryEmbedding, page: PageEmbedding) -> np.ndarray:
    """float32 `[n_tokens, n_vectors]`."""
    return np.asarray(query.vectors @ page.vectors.astype(np.float32).T)
