"""When an index gets a first stage, and how its pages get their cells.

A small index compares every page. From `FIRST_STAGE_PAGES` on that takes longer than looking up
which pages share cells with the question and comparing only those. The codebook of the cells is
fitted on the pages themselves, and fitted again when they have become many more.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np

from retrieval.index.base import PageIndex
from retrieval.index.cells import Codebook, fit_codebook

# With fewer, comparing every page takes under 100 ms on 2 cores, and nothing can be missed.
FIRST_STAGE_PAGES = 2_000

# A codebook fitted on a quarter of the pages found as much as one fitted on half of them.
REFIT_GROWTH = 4

# Vectors that a codebook is fitted on: a dozen for each of its cells.
SAMPLE_VECTORS = 200_000

# Pages that get their cells at once.
BATCH_PAGES = 64


def wants_codebook(n_pages: int, n_pages_fitted: int) -> bool:
    """Whether an index of so many pages should get a codebook, or another one.

    Args:
        n_pages: pages in the index.
        n_pages_fitted: pages it had when its codebook was fitted; 0 if it has none.
    """
    return n_pages >= max(FIRST_STAGE_PAGES, REFIT_GROWTH * n_pages_fitted)


def build_first_stage(index: PageIndex, on_progress: Callable[[int, int], None]) -> Codebook:
    """Fits a codebook on an index's pages, and stores the cells of each.

    The index searches exactly until it is given the codebook: until then cells of two codebooks may
    stand side by side.

    Args:
        index: its codebook must have been taken away, and no page may be added meanwhile.
        on_progress: called with how many pages have their cells, and of how many.
    """
    pages = sorted(index.list_pages())
    codebook = fit_codebook(sample_vectors(index, pages))
    for start in range(0, len(pages), BATCH_PAGES):
        batch = pages[start : start + BATCH_PAGES]
        stored = index.fetch(batch)
        index.write_cells(
            {
                page: codebook.encode_page(embedding.vectors)
                for page, embedding in zip(batch, stored, strict=True)
                if embedding is not None
            }
        )
        on_progress(start + len(batch), len(pages))
    return codebook


def sample_vectors(index: PageIndex, pages: Sequence[tuple[str, int]]) -> np.ndarray:
    """At least `SAMPLE_VECTORS` vectors of random pages, or all there are: float16 `[n, dim]`."""
    shuffled = random.Random(0).sample(pages, len(pages))
    parts: list[np.ndarray] = []
    n_vectors = 0
    while shuffled and n_vectors < SAMPLE_VECTORS:
        batch, shuffled = shuffled[:BATCH_PAGES], shuffled[BATCH_PAGES:]
        parts += [stored.vectors for stored in index.fetch(batch) if stored is not None]
        n_vectors = sum(map(len, parts))
    return np.concatenate(parts)
