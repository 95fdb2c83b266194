"""MaxSim in numpy: the exact definition, and where on the page each query token matched.

score(q, d) is the sum over query vectors of the maximum dot product over the page's vectors
(Khattab & Zaharia 2020, equation 3).
"""

from __future__ import annotations

import numpy as np

from retrieval.records import Evidence, Modality, PageEmbedding, QueryEmbedding


def score_maxsim(query: QueryEmbedding, page: PageEmbedding) -> float:
    """The MaxSim score of a page; 0 where either side has no vectors."""
    if not len(query.vectors) or not len(page.vectors):
        return 0.0
    return float((query.vectors @ page.vectors.astype(np.float32).T).max(axis=1).sum())


def gather_evidence(query: QueryEmbedding, page: PageEmbedding, modality: Modality) -> Evidence:
    """How well each place of a page answers each token of the query that may point at places."""
    placed = ~np.isnan(page.boxes[:, 0])
    votes = np.asarray(query.shows_evidence, dtype=bool)
    similarities = query.vectors[votes] @ page.vectors[placed].astype(np.float32).T
    return Evidence(
        tokens=tuple(
            token for token, vote in zip(query.tokens, query.shows_evidence, strict=True) if vote
        ),
        boxes=page.boxes[placed],
        similarities=np.asarray(similarities, dtype=np.float32),
        modality=modality,
    )
