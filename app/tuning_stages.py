"""The first stages that `pagelens tune` measures: what is stored for each, and what is asked of it.

Pagelens searches by cells; the others are stored in the places of channels, which a scratch index
has none of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.pooling import pool_vectors
from retrieval.index.cells import Codebook
from retrieval.index.channels import NamedVector
from retrieval.index.filters import list_clauses
from retrieval.index.muvera import FixedEncoding
from retrieval.index.points import CELLS, Point, ask_cells, weigh_cells
from retrieval.index.stored import Nearest
from retrieval.text_encoders.base import Channel
from retrieval.text_encoders.channels import ChannelSpace

Floats = NDArray[np.floating]

# Of the vectors that candidates are found by, where they are pooled.
STAGE_POOL_FACTOR = 16


class FirstStage(Protocol):
    """Finds candidates for MaxSim."""

    @property
    def spaces(self) -> tuple[ChannelSpace, ...]:
        """Named vectors that the index needs besides."""

    def store(self, point: Point, vectors: Floats) -> Point:
        """The point of a page with vectors `[n_vectors, dim]`, with what the stage knows of it."""

    def ask(self, vectors: NDArray[np.float32], n_pages: int) -> Nearest:
        """The query for so many candidates, for a question's vectors `[n_tokens, dim]`."""


@dataclass(frozen=True, slots=True)
class CellStage:
    """The first stage of Pagelens: pages that share cells with the question."""

    codebook: Codebook

    @property
    def spaces(self) -> tuple[ChannelSpace, ...]:
        """None: every index has a place for cells."""
        return ()

    def store(self, point: Point, vectors: Floats) -> Point:
        """With the cells that the vectors fall in."""
        return replace(point, cells=weigh_cells(self.codebook.encode_page(vectors)))

    def ask(self, vectors: NDArray[np.float32], n_pages: int) -> Nearest:
        """The cells nearest to the question's vectors."""
        return Nearest(
            ask_cells(self.codebook, vectors), CELLS, n_pages, list_clauses(having=CELLS)
        )


@dataclass(frozen=True, slots=True)
class VectorStage:
    """A first stage of other vectors, compared with all pages.

    Attributes:
        channel: the place that they are stored in.
        dim: length of each.
        store_as: the vectors that stand for a page's.
        ask_by: those that stand for a question's.
    """

    channel: Channel
    dim: int
    store_as: Callable[[Floats], NDArray[np.float32]]
    ask_by: Callable[[Floats], NDArray[np.float32]]

    @property
    def spaces(self) -> tuple[ChannelSpace, ...]:
        """That of the vectors."""
        return (ChannelSpace(self.channel, self.dim, "first stage"),)

    def store(self, point: Point, vectors: Floats) -> Point:
        """With the vectors that stand for its own."""
        return replace(point, channels={self.channel: self.store_as(vectors).tolist()})

    def ask(self, vectors: NDArray[np.float32], n_pages: int) -> Nearest:
        """The nearest of them."""
        asked: NamedVector = self.ask_by(vectors).tolist()
        name = self.channel.value
        return Nearest(asked, name, n_pages, list_clauses(having=name))


def make_muvera_stage(dim: int) -> VectorStage:
    """One fixed-dimensional encoding a page, for vectors of `dim` numbers."""
    encoding = FixedEncoding(dim)
    return VectorStage(
        Channel.DENSE,
        encoding.dim,
        lambda vectors: encoding.encode_page(vectors)[None],
        lambda vectors: encoding.encode_query(vectors)[None],
    )


def make_pooled_stage(dim: int) -> VectorStage:
    """A few pooled vectors a page, for vectors of `dim` numbers."""
    return VectorStage(Channel.TOKENS, dim, pool_few, lambda vectors: vectors.astype(np.float32))


def pool_few(vectors: Floats) -> NDArray[np.float32]:
    """One of about `STAGE_POOL_FACTOR` vectors."""
    whole = vectors.astype(np.float32)
    if len(whole) < STAGE_POOL_FACTOR:
        return whole
    return pool_vectors(whole, STAGE_POOL_FACTOR)[0]
