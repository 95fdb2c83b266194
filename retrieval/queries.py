"""What can be asked: a text, a picture, or a region of a page that is indexed already."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.pooling import pool_embedding
from retrieval.lexical import NO_TERMS, SparseVector
from retrieval.records import Box, PageEmbedding, QueryEmbedding
from retrieval.text_encoders.base import NO_TEXT, TextEmbedding

# A picture has hundreds of vectors where a question has twenty. Pooled to this many it finds the
# same pages in a fraction of the time.
PICTURE_VECTORS = 64


@dataclass(frozen=True, slots=True)
class Query:
    """One query, in the spaces that it is asked in.

    Attributes:
        label: how people are told what was asked.
        page: its multi-vector in the space of page vectors; empty where it says nothing there.
        question: what was asked in words, for a reranker to read; empty for a picture.
        terms: its words, for BM25; none for a picture.
        channels: what text encoders make of it; nothing for a picture.
        photo: its vector `[photo_dim]` in the photo space; None where there is none.
        clear_score: the score from which on a photo clearly shows what was asked.
        sound: its vectors `[n, sound_dim]` in the space of sounds; None where there are none.
        clear_sound: the score from which on a recording clearly holds what was asked.
    """

    label: str
    page: QueryEmbedding
    question: str = ""
    terms: SparseVector = NO_TERMS
    channels: TextEmbedding = NO_TEXT
    photo: NDArray[np.float32] | None = None
    clear_score: float = 0.0
    sound: NDArray[np.float32] | None = None
    clear_sound: float = 0.0


def no_words(dim: int) -> QueryEmbedding:
    """The query that says nothing in the space of page vectors, and finds nothing there."""
    return QueryEmbedding(np.empty((0, dim), dtype=np.float32), (), ())


def ask_picture(embedding: PageEmbedding) -> QueryEmbedding:
    """The query that finds pages like this one, by the vectors that have a place on it."""
    placed = ~np.isnan(embedding.boxes[:, 0])
    part = replace(
        embedding, vectors=embedding.vectors[placed], boxes=embedding.boxes[placed], grid=None
    )
    factor = -(-len(part.vectors) // PICTURE_VECTORS)
    if factor > 1:
        part = pool_embedding(part, factor)
    if not len(part.vectors):
        return no_words(part.vectors.shape[1])
    vectors = part.vectors.astype(np.float32)
    # Their float16 rounding is more than a query's contract allows.
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    n_vectors = len(vectors)
    return QueryEmbedding(vectors, ("",) * n_vectors, (True,) * n_vectors)


def ask_region(embedding: PageEmbedding, region: Box) -> QueryEmbedding:
    """The query that finds pages like a region of this one: the vectors whose middle lies in it.

    Where none does, because the region is smaller than a patch, the nearest one is taken.
    """
    boxes = embedding.boxes
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = (
        (middle[:, 0] >= region.x0)
        & (middle[:, 0] <= region.x1)
        & (middle[:, 1] >= region.y0)
        & (middle[:, 1] <= region.y1)
    )
    if not inside.any() and not np.isnan(middle).all():
        centre = np.array([region.x0 + region.x1, region.y0 + region.y1]) / 2
        inside = np.zeros(len(boxes), dtype=bool)
        inside[int(np.nanargmin(np.linalg.norm(middle - centre, axis=1)))] = True
    return ask_picture(PageEmbedding(embedding.vectors[inside], boxes[inside]))
