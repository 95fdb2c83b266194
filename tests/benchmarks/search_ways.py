"""Ways to find the ten best pages: in two stages in Edge, and exactly by four others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from retrieval.index.base import IndexedPage
from retrieval.index.cells import Codebook, fit_codebook

LIMIT = 10
SAMPLE_VECTORS = 200_000
BATCH = 64

# The codebook is fitted anew when the library has grown so many times over.
REFIT_GROWTH = 4

# Similarities held at once by numpy, in vectors.
BLOCK_VECTORS = 65_536

PAGE, CELLS = "page", "cells"


class TwoStageShard:
    """A thin index of its own: multi-vectors and cells in one Edge shard.

    Attributes:
        n_pages: stored.
    """

    def __init__(self, folder: Path, dim: int, n_candidates: int) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.n_pages = 0
        self._n_candidates = n_candidates
        self._codebook: Codebook | None = None
        self._pages_at_fit = 0
        self._shard = edge.EdgeShard.create(str(folder), build_config(dim))

    def grow(
        self, n: int, build: Callable[[int, int], list[IndexedPage]], on_done: Callable[[int], None]
    ) -> None:
        """Stores pages up to the number `n`, and fits the codebook where it has to be.

        Args:
            n: pages stored in the end.
            build: gives the pages of a range of numbers.
            on_done: called with the number of pages of each batch.
        """
        old = self.n_pages
        if self._codebook is None or n >= REFIT_GROWTH * self._pages_at_fit:
            self._codebook, self._pages_at_fit = fit_codebook(draw_sample(n, build)), n
            for first in range(0, old, BATCH):
                self._renew_cells(first, build(first, min(first + BATCH, old)))
        for first in range(old, n, BATCH):
            pages = build(first, min(first + BATCH, n))
            self._upsert(first, pages)
            on_done(len(pages))
        self.n_pages = n
        self._shard.flush()
        self._shard.optimize()

    def search(self, query: NDArray[np.float32], exact: bool) -> list[int]:
        """Numbers of the best pages, best first."""
        prefetches = [] if exact else [self._build_prefetch(query)]
        request = edge.QueryRequest(
            query=edge.Query.Nearest(query.tolist(), using=PAGE),
            prefetches=prefetches,
            limit=LIMIT,
            params=edge.SearchParams(exact=True),
        )
        return [int(point.id) for point in self._shard.query(request)]

    def close(self) -> None:
        self._shard.close()

    def _build_prefetch(self, query: NDArray[np.float32]) -> edge.Prefetch:
        assert self._codebook is not None
        cells, weights = self._codebook.encode_query(query)
        sparse = edge.SparseVector(cells.tolist(), weights.tolist())
        return edge.Prefetch(
            limit=self._n_candidates, query=edge.Query.Nearest(sparse, using=CELLS)
        )

    def _encode(self, page: IndexedPage) -> edge.SparseVector:
        assert self._codebook is not None
        cells = self._codebook.encode_page(page.embedding.vectors).tolist()
        return edge.SparseVector(cells, [1.0] * len(cells))

    def _upsert(self, first: int, pages: Sequence[IndexedPage]) -> None:
        points = [
            edge.Point(
                id=first + i,
                # Lists: of an array it reads every number as an object of numpy.
                vector={
                    PAGE: page.embedding.vectors.astype(np.float32).tolist(),
                    CELLS: self._encode(page),
                },
                payload={},
            )
            for i, page in enumerate(pages)
        ]
        self._shard.update(edge.UpdateOperation.upsert_points(points))

    def _renew_cells(self, first: int, pages: Sequence[IndexedPage]) -> None:
        points = [
            edge.PointVectors(first + i, {CELLS: self._encode(page)})
            for i, page in enumerate(pages)
        ]
        self._shard.update(edge.UpdateOperation.update_vectors(points))


def build_config(dim: int) -> edge.EdgeConfig:
    return edge.EdgeConfig(
        vectors={
            PAGE: edge.EdgeVectorParams(
                size=dim,
                distance=edge.Distance.Dot,
                datatype=edge.VectorStorageDatatype.Float16,
                memory=edge.Memory.Cold,
                multivector_config=edge.MultiVectorConfig(
                    comparator=edge.MultiVectorComparator.MaxSim
                ),
                hnsw_config=edge.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=1),
            )
        },
        sparse_vectors={CELLS: edge.EdgeSparseVectorParams()},
        wal_enabled=True,
    )


def draw_sample(n: int, build: Callable[[int, int], list[IndexedPage]]) -> NDArray[np.float16]:
    """About `SAMPLE_VECTORS` vectors of pages spread over the first `n`."""
    sample: list[NDArray[np.float16]] = []
    wanted = min(n, max(1, SAMPLE_VECTORS // len(build(0, 1)[0].embedding.vectors)))
    for number in np.linspace(0, n - 1, wanted).astype(int).tolist():
        sample.append(build(number, number + 1)[0].embedding.vectors)
    return np.concatenate(sample)


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
