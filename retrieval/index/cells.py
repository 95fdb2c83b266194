"""Cells: what a first stage knows of a page, for a sparse index to find candidates by.

Centroid-based candidate generation, after PLAID (Santhanam et al. 2022, section 4.2): a codebook
divides the sphere of vectors into cells; a page is the set of cells its vectors fall in, and a
query names the cells nearest to each of its vectors. Two things differ from PLAID:

- A token's weight for a cell is its similarity to the centroid less that of the first cell left
  out: what a page without any of the cells is taken to have, as in XTR (Lee et al. 2023, section
  3.2). So the sum that a sparse index computes over all cells found stands in for the sum of
  maxima: with 4,096 cells it found as much as PLAID's maxima.
- The codebook is two levels deep, so that a page is encoded in milliseconds.

It is fitted on the library's own vectors, and so fits any encoder. On other text it finds less: of
the ten best of 20,000 pages 0.96 were among 500 candidates with an own codebook, 0.89 with one of
a handbook. Fixed-dimensional encodings (MUVERA, Dhulipala et al. 2024), which need no codebook,
found 0.91 among 500 of 3,000 pages with 10,240 dimensions, and even a codebook of other text 0.95.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import InvalidEmbedding

Floats = NDArray[np.float32]

# Cells on each level: 16,384 in all. With 4,096, 0.02 fewer of the best ten were found.
MAX_BRANCHES = 128

# A cell that stands for fewer vectors of the sample says little about the vectors to come.
VECTORS_A_CELL = 8

# Coarse cells whose fine cells a page's vector is compared with; 97 % get their nearest cell.
BEAM = 3

# Cells that a query names for each of its vectors.
CELLS_A_TOKEN = 16

# Candidates that the first stage hands to MaxSim, unless it is set otherwise. Of the ten best of
# 20,000 pages 0.96 were among them, and of 100,000 pages 0.80.
PREFETCH_PAGES = 500

# Rounds of k-means, and vectors compared at once: 20,000 x 128 similarities are 10 MB.
ROUNDS = 8
BLOCK = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Codebook:
    """Cells of the unit sphere, in two levels.

    Attributes:
        coarse: float32 `[n_branches, dim]`, unit vectors.
        fine: float32 `[n_branches, n_branches, dim]`: the cells in each coarse cell, unit vectors,
            or zeros where the sample had too few vectors. Cell `i * n_branches + j` is
            `fine[i, j]`.

    Raises:
        InvalidEmbedding: the levels do not fit together.
    """

    coarse: Floats
    fine: Floats

    def __post_init__(self) -> None:
        n, dim = self.coarse.shape
        if self.fine.shape != (n, n, dim):
            raise InvalidEmbedding(
                f"fine cells are {list(self.fine.shape)}, expected {[n, n, dim]}"
            )

    @property
    def dim(self) -> int:
        """Length of one vector."""
        return int(self.coarse.shape[1])

    def encode_page(self, vectors: NDArray[np.floating]) -> NDArray[np.int64]:
        """The cells, ascending, that the vectors `[n_vectors, dim]` of a page fall in."""
        vectors = self._check(vectors)
        if not len(vectors):
            return np.empty(0, dtype=np.int64)
        n = len(self.coarse)
        beam = min(BEAM, n)
        branches = np.argpartition(-(vectors @ self.coarse.T), beam - 1, axis=1)[:, :beam].ravel()
        # In the order of branches, so that each is multiplied once, with all that go into it.
        order = np.argsort(branches, kind="stable")
        rows = vectors[order // beam]
        ends = np.cumsum(np.bincount(branches, minlength=n)).tolist()
        similarities = np.empty((len(rows), n), dtype=np.float32)
        start = 0
        for branch, end in enumerate(ends):
            if start < end:
                np.matmul(rows[start:end], self.fine[branch].T, out=similarities[start:end])
            start = end
        nearest = similarities.argmax(axis=1)
        best = np.empty(len(rows), dtype=np.float32)
        cells = np.empty(len(rows), dtype=np.int64)
        best[order] = similarities[np.arange(len(rows)), nearest]
        cells[order] = branches[order] * n + nearest
        winners = best.reshape(-1, beam).argmax(axis=1)
        return np.unique(cells.reshape(-1, beam)[np.arange(len(vectors)), winners])

    def encode_query(self, vectors: NDArray[np.floating]) -> tuple[NDArray[np.int64], Floats]:
        """The cells, ascending, nearest to each vector `[n_tokens, dim]`, and their weights.

        A page's score is the sum of the weights of its cells.
        """
        vectors = self._check(vectors)
        similarities = vectors @ self.fine.reshape(-1, self.dim).T
        n_named = min(CELLS_A_TOKEN, similarities.shape[1] - 1)
        order = np.argpartition(-similarities, n_named, axis=1)[:, : n_named + 1]
        found = np.take_along_axis(similarities, order, axis=1)
        # The first left out is the smallest of them, and gets the weight 0.
        weights = found - found.min(axis=1, keepdims=True)
        cells, places = np.unique(order, return_inverse=True)
        sums = np.bincount(places.ravel(), weights.ravel(), len(cells)).astype(np.float32)
        return cells[sums > 0], sums[sums > 0]

    def save(self, path: Path) -> None:
        """Writes the codebook, complete or not at all."""
        partial = path.with_name(f"{path.name}.partial")
        with partial.open("wb") as file:
            np.savez(file, coarse=self.coarse, fine=self.fine)
        partial.replace(path)

    @staticmethod
    def load(path: Path) -> Codebook:
        """Reads what `save` wrote.

        Raises:
            OSError: the file cannot be read.
            ValueError: it holds something else.
        """
        with np.load(path, allow_pickle=False) as arrays:
            return Codebook(arrays["coarse"], arrays["fine"])

    def _check(self, vectors: NDArray[np.floating]) -> Floats:
        if vectors.ndim != 2 or vectors.shape[1] != self.dim:
            raise InvalidEmbedding(
                f"vectors are {list(vectors.shape)}, the codebook has {self.dim} dimensions"
            )
        return vectors.astype(np.float32)


def fit_codebook(vectors: NDArray[np.floating], seed: int = 0) -> Codebook:
    """Fits a codebook on a sample of unit vectors `[n, dim]`; 200,000 take a few seconds.

    The same sample and seed give the same codebook.

    Raises:
        InvalidEmbedding: the sample is empty.
    """
    if vectors.ndim != 2 or not len(vectors):
        raise InvalidEmbedding(f"a codebook cannot be fitted on vectors {list(vectors.shape)}")
    sample = vectors.astype(np.float32)
    chance = np.random.default_rng(seed)
    n = min(MAX_BRANCHES, max(2, isqrt(len(sample) // VECTORS_A_CELL)))
    coarse = _cluster(sample, n, chance)
    fine = np.zeros((n, n, sample.shape[1]), dtype=np.float32)
    for branch, members in _group(_find_nearest(sample, coarse)):
        cells = _cluster(sample[members], n, chance)
        fine[branch, : len(cells)] = cells
    return Codebook(_fill(coarse, n), fine)


def _cluster(vectors: Floats, n_clusters: int, chance: np.random.Generator) -> Floats:
    """Spherical k-means (Dhillon & Modha 2001): unit centroids `[n_clusters or fewer, dim]`."""
    n_clusters = min(n_clusters, len(vectors))
    centroids = vectors[np.sort(chance.permutation(len(vectors))[:n_clusters])]
    if n_clusters == len(vectors):
        return centroids
    for _ in range(ROUNDS):
        for cluster, members in _group(_find_nearest(vectors, centroids)):
            total = vectors[members].sum(axis=0)
            norm = np.linalg.norm(total)
            if norm > 0:
                centroids[cluster] = total / norm
    return centroids


def _find_nearest(vectors: Floats, centroids: Floats) -> NDArray[np.int64]:
    """For each vector `[n, dim]` the centroid of the greatest dot product, `[n]`."""
    blocks = range(0, len(vectors), BLOCK)
    return np.concatenate(
        [(vectors[at : at + BLOCK] @ centroids.T).argmax(axis=1) for at in blocks]
    )


def _group(labels: NDArray[np.int64]) -> list[tuple[int, NDArray[np.int64]]]:
    """Each label that occurs, and the places `[n_places]` where it does."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    return [
        (int(labels[places[0]]), places) for places in np.split(order, starts[1:]) if len(places)
    ]


def _fill(rows: Floats, n_rows: int) -> Floats:
    """Appends zeros up to `n_rows` rows."""
    return np.pad(rows, ((0, n_rows - len(rows)), (0, 0)))
