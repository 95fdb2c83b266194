"""Ways to find the ten best pages: in two stages in Edge, and exactly by four others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.index.base import IndexedPage, IndexLayout, VectorStorage
from retrieval.index.edge import EdgeIndex
from retrieval.index.first_stage import REFIT_GROWTH, build_first_stage
from retrieval.records import QueryEmbedding

LIMIT = 10
BATCH = 64

# Similarities held at once by numpy, in vectors.
BLOCK_VECTORS = 65_536

PAGE = "page"


class GrowingIndex:
    """The embedded index as libraries use it, with a first stage however small it is.

    Attributes:
        n_pages: stored.
    """

    def __init__(self, folder: Path, dim: int) -> None:
        self.folder = folder
        self.n_pages = 0
        self._n_fitted = 0
        self._index = EdgeIndex(folder, IndexLayout(dim, "scale", VectorStorage.TURBO4))
        self._numbers: dict[tuple[str, int], int] = {}

    def grow(
        self, n: int, build: Callable[[int, int], list[IndexedPage]], on_done: Callable[[int], None]
    ) -> None:
        """Stores pages up to the number `n`, and fits the codebook where a library would.

        Args:
            n: pages stored in the end.
            build: gives the pages of a range of numbers.
            on_done: called with the number of pages of each batch.
        """
        for first in range(self.n_pages, n, BATCH):
            pages = build(first, min(first + BATCH, n))
            self._index.upsert(pages)
            for number, page in enumerate(pages, first):
                self._numbers[page.document_id, page.page_index] = number
            on_done(len(pages))
        self.n_pages = n
        if n >= REFIT_GROWTH * self._n_fitted:
            self._index.use_codebook(None)
            self._index.use_codebook(build_first_stage(self._index, lambda done, total: None))
            self._n_fitted = n
        self._index.optimize()

    def search(self, query: NDArray[np.float32], exact: bool) -> list[int]:
        """Numbers of the best pages, best first."""
        n_tokens = len(query)
        asked = QueryEmbedding(query, ("",) * n_tokens, (False,) * n_tokens)
        found = self._index.search(asked, LIMIT, exact=exact)
        return [self._numbers[page.document_id, page.page_index] for page in found]

    def close(self) -> None:
        self._index.close()


class ExactScan:
    """All vectors as float32 in memory, scanned by numpy or torch on all cores."""

    def __init__(self, n: int, build: Callable[[int, int], list[IndexedPage]]) -> None:
        import torch

        lengths: list[int] = []
        parts: list[NDArray[np.float32]] = []
        for first in range(0, n, BATCH):
            pages = [page.embedding.vectors for page in build(first, min(first + BATCH, n))]
            lengths += map(len, pages)
            parts.append(np.concatenate(pages).astype(np.float32))
        self._vectors = np.empty((sum(lengths), parts[0].shape[1]), dtype=np.float32)
        at = 0
        while parts:
            part = parts.pop(0)
            self._vectors[at : at + len(part)] = part
            at += len(part)
        self._ends = np.cumsum(lengths)
        self._torch = torch
        self._tensor = torch.from_numpy(self._vectors)
        self._owners = torch.repeat_interleave(torch.arange(n), torch.tensor(lengths))

    def search_numpy(self, query: NDArray[np.float32]) -> list[int]:
        """By blocks of whole pages: matmul, and the maximum of each page."""
        scores = []
        page, start = 0, 0
        while page < len(self._ends):
            last = int(np.searchsorted(self._ends, start + BLOCK_VECTORS, side="right"))
            last = max(last, page + 1)
            end = int(self._ends[last - 1])
            similarities = self._vectors[start:end] @ query.T
            starts = np.concatenate([[0], self._ends[page : last - 1] - start])
            scores.append(np.maximum.reduceat(similarities, starts, axis=0).sum(axis=1))
            page, start = last, end
        return find_best(np.concatenate(scores))

    def search_torch(self, query: NDArray[np.float32]) -> list[int]:
        """One matmul `[n_vectors_total, dim]`, and a scatter of maxima, the quickest in torch."""
        torch = self._torch
        similarities = self._tensor @ torch.from_numpy(query).T
        lowest = torch.full((len(self._ends), len(query)), -2.0)
        maxima = lowest.scatter_reduce(
            0, self._owners[:, None].expand_as(similarities), similarities, "amax"
        )
        return find_best(maxima.sum(dim=1).numpy())


class LocalMode:
    """qdrant-client's local mode: vectors in memory, numpy page by page."""

    def __init__(self, n: int, dim: int, build: Callable[[int, int], list[IndexedPage]]) -> None:
        from qdrant_client import QdrantClient, models

        self._client = QdrantClient(":memory:")
        self._client.create_collection(
            PAGE,
            vectors_config=models.VectorParams(
                size=dim,
                distance=models.Distance.DOT,
                multivector_config=models.MultiVectorConfig(
                    comparator=models.MultiVectorComparator.MAX_SIM
                ),
            ),
        )
        for first in range(0, n, BATCH):
            points = [
                models.PointStruct(
                    id=first + i, vector=page.embedding.vectors.astype(np.float32).tolist()
                )
                for i, page in enumerate(build(first, min(first + BATCH, n)))
            ]
            self._client.upsert(PAGE, points)

    def search(self, query: NDArray[np.float32]) -> list[int]:
        """Numbers of the best pages, best first."""
        found = self._client.query_points(PAGE, query=query.tolist(), limit=LIMIT)
        return [int(point.id) for point in found.points]


def find_best(scores: NDArray[np.float32]) -> list[int]:
    """Places of the `LIMIT` greatest scores, greatest first."""
    return [int(place) for place in np.argsort(-scores, kind="stable")[:LIMIT]]
