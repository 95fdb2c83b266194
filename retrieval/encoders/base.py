"""What an encoder is: a frozen description, and the two things it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from retrieval.records import Page, PageEmbedding, QueryEmbedding


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """A catalog entry; listing it loads no weights.

    Attributes:
        id: the name given to `--model`.
        source: where the weights come from: a package, or a hub repository.
        revision: the pinned revision, or the start of the weights' SHA-256.
        family: the architecture.
        modality: what the encoder looks at.
        dim: length of one vector.
        matryoshka_dims: shorter prefixes the model was trained for; empty for none.
        licence: SPDX identifier or name of the weights' licence.
        commercial_use: whether that licence permits it.
        context_tokens: most tokens in one forward pass.
        query_prompt: text put before a query.
        document_prompt: text put before a page.
        n_parameters: number of weights.
        memory_bytes: memory the loaded weights take.
        has_grid: whether the vectors are patches of a regular grid.
        image_long_side_px: the page picture it wants, by its long side; None if it reads words.
        model_card: where the model is described.
    """

    id: str
    source: str
    revision: str
    family: str
    modality: str
    dim: int
    matryoshka_dims: tuple[int, ...]
    licence: str
    commercial_use: bool
    context_tokens: int
    query_prompt: str
    document_prompt: str
    n_parameters: int
    memory_bytes: int
    has_grid: bool
    image_long_side_px: int | None
    model_card: str


class Encoder(Protocol):
    """Turns pages and queries into multi-vectors of one space.

    A page's vectors depend on that page alone, not on the pages encoded beside it.
    """

    @property
    def spec(self) -> EncoderSpec:
        """The catalog entry."""

    @property
    def key(self) -> str:
        """Names all that changes a vector; vectors of different keys are never mixed."""

    def encode_pages(self, pages: Sequence[Page]) -> list[PageEmbedding]:
        """Encodes pages, one embedding each, in order."""

    def encode_query(self, text: str) -> QueryEmbedding:
        """Encodes a question; no vectors for a text without a single word."""
