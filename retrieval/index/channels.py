"""What a page and a question have in the channels besides the page vectors, as Qdrant takes it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import InvalidEmbedding
from retrieval.index.base import IndexedPage, IndexLayout
from retrieval.lexical import SparseVector
from retrieval.records import check_unit_vectors
from retrieval.text_encoders.base import Channel, TextEmbedding
from retrieval.text_encoders.channels import ChannelSpace

# One of Qdrant's named vectors: dense, a multi-vector, or sparse.
NamedVector = list[float] | list[list[float]] | SparseVector

# Qdrant takes multi-vectors of fewer numbers than this, on every backend.
MULTI_VECTOR_NUMBERS = 1_048_576

# Numbers of a point in all its vectors together, so that it can be sent to a server that takes
# requests of 32 MB (see `retrieval.index.requests`), the largest page with its channels as well.
POINT_NUMBERS = 1_200_000

# Vectors that are pooled together: clustering compares each with each, and a page may have 100,000.
POOLED_VECTORS = 1_024


def check_channels(page: IndexedPage, layout: IndexLayout) -> None:
    """Refuses a page whose channels are not those that the index is made for.

    Raises:
        InvalidEmbedding: naming the channel.
    """
    spaces = {space.channel: space for space in layout.channels}
    for channel in Channel:
        if (vectors := page.channels.of(channel)) is None:
            continue
        if channel not in spaces:
            raise InvalidEmbedding(f"the index has no {channel.value} vectors of pages")
        _check_vectors(vectors, spaces[channel])


def store_channels(page: IndexedPage, numbers: int) -> dict[Channel, NamedVector]:
    """What is stored of a page's channels, in so many numbers of all vectors together at most.

    Vectors that are too many for a point are pooled: of BGE-M3, whose tokens have 1,024 numbers
    each, those of a page of small print are.

    Args:
        page: has been checked.
        numbers: that the page's other vectors leave.
    """
    stored: dict[Channel, NamedVector] = {}
    embedding = page.channels
    if embedding.terms is not None and embedding.terms.indices:
        stored[Channel.TERMS] = embedding.terms
        numbers -= 2 * len(embedding.terms.indices)
    # Passages are few: they come first, and leave at least half to the tokens.
    for channel, vectors, share in (
        (Channel.DENSE, embedding.dense, 2),
        (Channel.TOKENS, embedding.tokens, 1),
    ):
        if vectors is not None and len(vectors):
            kept = _fit(vectors, min(numbers // share, MULTI_VECTOR_NUMBERS - 1))
            numbers -= kept.size
            # Rounded here, not by whoever stores it: every backend shall store the same.
            stored[channel] = kept.astype(np.float16).astype(np.float32).tolist()
    return stored


def ask_channel(channel: Channel, query: TextEmbedding, layout: IndexLayout) -> NamedVector | None:
    """What a question asks of a channel; None where index or question has none.

    Raises:
        InvalidEmbedding: the question's vectors have another dimension.
    """
    space = next((space for space in layout.channels if space.channel is channel), None)
    vectors = query.of(channel)
    if space is None or vectors is None:
        return None
    _check_vectors(vectors, space)
    if isinstance(vectors, SparseVector):
        return vectors if vectors.indices else None
    return vectors.tolist() or None


def count_vectors(embedding: TextEmbedding) -> int:
    """How many vectors a page has in its channels; its terms are one."""
    n_terms = embedding.terms is not None and bool(embedding.terms.indices)
    return n_terms + sum(len(v) for v in (embedding.dense, embedding.tokens) if v is not None)


def count_numbers(vectors: Mapping[str, NamedVector]) -> int:
    """How many numbers are sent with a point's vectors; of a sparse one, indices count as well."""
    return sum(_count_numbers(vector) for vector in vectors.values())


def _count_numbers(vector: NamedVector) -> int:
    if isinstance(vector, SparseVector):
        return 2 * len(vector.indices)
    return sum(len(row) if isinstance(row, list) else 1 for row in vector)


def _check_vectors(vectors: NDArray[np.float32] | SparseVector, space: ChannelSpace) -> None:
    name = space.channel.value
    if isinstance(vectors, SparseVector):
        if not all(np.isfinite(vectors.values)):
            raise InvalidEmbedding(f"a weight of {name} is not finite")
        return
    check_unit_vectors(vectors, np.float32)
    if vectors.shape[1] != space.dim:
        raise InvalidEmbedding(
            f"{name} vectors have {vectors.shape[1]} dimensions, those of the index {space.dim}"
        )


def _fit(vectors: NDArray[np.float32], numbers: int) -> NDArray[np.float32]:
    """As many vectors `[n_vectors, dim]` as so many numbers hold: all, or means of like ones."""
    if vectors.size <= numbers:
        return vectors
    # It loads torch, which an index needs for nothing else.
    from retrieval.encoders.pooling import pool_vectors

    while vectors.size > numbers and len(vectors) > 1:
        n_kept = max(1, numbers // vectors.shape[1])
        factor = -(-len(vectors) // n_kept)
        runs = np.array_split(vectors, -(-len(vectors) // POOLED_VECTORS))
        vectors = np.concatenate([pool_vectors(run, factor)[0] for run in runs])
    return vectors
