"""Token pooling: fewer vectors a page, each the mean of like ones (Clavié et al. 2024).

Hierarchical clustering as in colpali-engine; its authors state that a factor of 3 keeps 97.8 % of
ColPali's quality with a third of the vectors (README of colpali-engine).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.base import Encoder, EncoderSpec
from retrieval.encoders.wrapped import WrappedEncoder
from retrieval.errors import InvalidSetting
from retrieval.records import PageEmbedding, QueryEmbedding

# Boxes that stand apart by less than this part of the page are neighbours.
GAP = 0.01


class PooledEncoder(WrappedEncoder):
    """An encoder whose page vectors are pooled by a factor; queries stay as they are."""

    def __init__(self, encoder: Encoder, factor: int) -> None:
        """Wraps an encoder.

        Raises:
            InvalidSetting: the factor is below 2.
        """
        if factor < 2:
            raise InvalidSetting(f"a pool factor is 2 or more (1 for no pooling), not {factor}")
        super().__init__(encoder)
        self._factor = factor

    @property
    def spec(self) -> EncoderSpec:
        """The catalog entry of the encoder whose vectors are pooled."""
        return self._encoder.spec

    @property
    def key(self) -> str:
        """The encoder's key and the factor."""
        return f"{self._encoder.key}/pool-{self._factor}"

    def collect(self, batch: Sequence[Any], output: Any) -> list[PageEmbedding]:
        """The encoder's embeddings, pooled."""
        return [pool_embedding(page, self._factor) for page in self._encoder.collect(batch, output)]

    def encode_query(self, text: str) -> QueryEmbedding:
        """As the encoder does."""
        return self._encoder.encode_query(text)


def pool_embedding(page: PageEmbedding, factor: int) -> PageEmbedding:
    """A page with about one vector for every `factor` placed ones, each with its box.

    Vectors that belong to no place are kept. A pooled vector's box surrounds those of its members
    that are neighbours of the most typical one: members elsewhere on the page look alike, and a
    box around them all would light up what lies between.
    """
    placed = ~np.isnan(page.boxes[:, 0])
    if placed.sum() < factor:
        return page
    vectors, clusters = pool_vectors(page.vectors[placed].astype(np.float32), factor)
    originals = page.vectors[placed].astype(np.float32)
    boxes = np.stack(
        [
            _surround(page.boxes[placed][members], originals[members] @ vector)
            for vector, members in zip(vectors, clusters, strict=True)
        ]
    )
    return PageEmbedding(
        np.concatenate([page.vectors[~placed], vectors.astype(np.float16)]),
        np.concatenate([page.boxes[~placed], boxes]).astype(np.float32),
    )


def pool_vectors(
    vectors: NDArray[np.float32], factor: int
) -> tuple[NDArray[np.float32], list[NDArray[np.int64]]]:
    """Pooled unit vectors `[n_clusters, dim]`, and the members of each cluster.

    Args:
        vectors: `[n_vectors, dim]`, at least `factor` of them.
        factor: by which they become fewer: `n_vectors // factor` are left at most.
    """
    import torch

    from retrieval.encoders.torchvision_guard import ensure_torchvision_imports

    ensure_torchvision_imports()
    from colpali_engine.compression.token_pooling import HierarchicalTokenPooler

    pooled = HierarchicalTokenPooler().pool_embeddings(
        [torch.from_numpy(vectors)], return_dict=True, pool_factor=factor
    )
    means = pooled.pooled_embeddings[0].numpy()
    norms = np.linalg.norm(means, axis=1, keepdims=True)
    indices = pooled.cluster_id_to_indices[0]
    members = [np.asarray(indices[cluster]).reshape(-1) for cluster in sorted(indices)]
    return means / norms, members


def _surround(boxes: NDArray[np.float32], similarities: NDArray[np.float32]) -> NDArray[np.float32]:
    """The box `[4]` around the most typical member and all that touch it, directly or not."""
    reached = np.zeros(len(boxes), dtype=bool)
    reached[int(np.argmax(similarities))] = True
    while True:
        inside = boxes[reached]
        touches = (
            (boxes[:, None, 0] <= inside[None, :, 2] + GAP)
            & (boxes[:, None, 2] >= inside[None, :, 0] - GAP)
            & (boxes[:, None, 1] <= inside[None, :, 3] + GAP)
            & (boxes[:, None, 3] >= inside[None, :, 1] - GAP)
        ).any(axis=1)
        if (touches <= reached).all():
            return np.concatenate([inside[:, :2].min(axis=0), inside[:, 2:].max(axis=0)])
        reached |= touches
