"""A page encoder whose vectors are cut to a Matryoshka prefix that its model was trained for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from retrieval.encoders.base import Encoder, EncoderSpec
from retrieval.encoders.wrapped import WrappedEncoder
from retrieval.matryoshka import choose_dim, cut_vectors
from retrieval.records import PageEmbedding, QueryEmbedding


class ShortenedEncoder(WrappedEncoder):
    """An encoder whose page and query vectors keep their first numbers, of unit length again."""

    def __init__(self, encoder: Encoder, dim: int | None) -> None:
        """Wraps an encoder.

        Raises:
            DimensionRefused: it was not trained for vectors of this length.
        """
        super().__init__(encoder)
        self._dim = choose_dim(encoder.spec, dim)

    @property
    def spec(self) -> EncoderSpec:
        """The entry of the encoder, with the length of the vectors that are made."""
        shorter = [prefix for prefix in self._encoder.spec.matryoshka_dims if prefix < self._dim]
        return replace(self._encoder.spec, dim=self._dim, matryoshka_dims=tuple(shorter))

    @property
    def key(self) -> str:
        """The encoder's key and the length of the prefix."""
        return f"{self._encoder.key}/dim-{self._dim}"

    def collect(self, batch: Sequence[Any], output: Any) -> list[PageEmbedding]:
        """The encoder's embeddings, cut."""
        return [
            replace(page, vectors=cut_vectors(page.vectors, self._dim).astype(np.float16))
            for page in self._encoder.collect(batch, output)
        ]

    def encode_query(self, text: str) -> QueryEmbedding:
        """The encoder's vectors, cut."""
        query = self._encoder.encode_query(text)
        return replace(query, vectors=cut_vectors(query.vectors, self._dim))
