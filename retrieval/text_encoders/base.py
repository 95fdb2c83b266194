"""What an encoder of text is: a channel besides the page vectors, and what it makes of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.lexical import SparseVector
from retrieval.model_spec import ModelSpec, check_dims


class TextFamily(str, Enum):
    """How a text encoder is opened."""

    SENTENCE_TRANSFORMER = "sentence-transformers"
    MULTI_VECTOR = "multi-vector"
    SPARSE = "sparse"
    BGE_M3 = "bge-m3"
    OPENAI = "openai"
    COHERE = "cohere"
    VOYAGE = "voyage"
    MISTRAL = "mistral"
    GEMINI = "gemini"


class Channel(str, Enum):
    """A ranking of pages that a text encoder's output gives; each is one named vector."""

    DENSE = "dense"
    TOKENS = "tokens"
    TERMS = "terms"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEncoderSpec(ModelSpec):
    """A catalog entry of a text encoder; listing it loads no weights.

    Attributes:
        family: how it is opened.
        channels: what it makes in one pass.
        dim: length of a dense vector, or of a token's where it makes only those; the size of the
            vocabulary for terms alone.
        matryoshka_dims: shorter prefixes the model was trained for, ascending; empty for none.
        query_prompt: text put around a question, `{}` standing for it.
        document_prompt: text put around a passage, `{}` standing for it.
    """

    family: TextFamily
    channels: tuple[Channel, ...]
    dim: int
    matryoshka_dims: tuple[int, ...] = ()
    query_prompt: str = "{}"
    document_prompt: str = "{}"

    def __post_init__(self) -> None:
        """Refuses what cannot be true.

        Raises:
            ValueError: naming the entry and the field.
        """
        # A dataclass with slots is made anew, which the short form of super does not see.
        ModelSpec.__post_init__(self)
        check_dims(self, self.dim, self.matryoshka_dims)
        self.require(bool(self.channels), "channels", "is empty")
        for name in ("query_prompt", "document_prompt"):
            self.require(getattr(self, name).count("{}") == 1, name, "holds no {} or several")

    @property
    def makes(self) -> frozenset[str]:
        """Its channels."""
        return frozenset(channel.value for channel in self.channels)


@dataclass(frozen=True, slots=True)
class TextEmbedding:
    """What a text encoder makes of one text; only what its spec's channels name is there.

    Attributes:
        dense: float32 `[n_passages, dim]`, each of unit length: one a passage of a page, one for a
            question. A page's score is that of its best passage.
        tokens: float32 `[n_tokens, dim]`, each of unit length, compared by MaxSim.
        terms: weights of vocabulary entries, compared by dot product.
    """

    dense: NDArray[np.float32] | None = None
    tokens: NDArray[np.float32] | None = None
    terms: SparseVector | None = None

    def of(self, channel: Channel) -> NDArray[np.float32] | SparseVector | None:
        """What it holds of a channel."""
        match channel:
            case Channel.DENSE:
                return self.dense
            case Channel.TOKENS:
                return self.tokens
            case Channel.TERMS:
                return self.terms


NO_TEXT = TextEmbedding()


class TextEncoder(Protocol):
    """Turns the texts of pages and questions into vectors of one or more channels."""

    @property
    def spec(self) -> TextEncoderSpec:
        """The catalog entry, or one made from a checkpoint's config."""

    @property
    def key(self) -> str:
        """Names all that changes a vector: model, revision, dimensions, prompts, passages."""

    @property
    def dim(self) -> int:
        """Length of the dense vectors it makes: the spec's, or the Matryoshka prefix chosen."""

    def encode_pages(self, texts: Sequence[str]) -> list[TextEmbedding]:
        """Encodes the texts of pages, cut into passages that its context holds.

        Args:
            texts: the words of each page in reading order, between spaces.

        Returns:
            One each, in order; all `None` for a text without a word. A page's embedding depends on
            that page alone.

        Raises:
            DeviceOutOfMemory: a single passage does not fit the device.
            ServiceFailed: the vendor does not answer, or refuses.
        """

    def encode_query(self, text: str) -> TextEmbedding:
        """Encodes a question with the model's prompt for questions; see `encode_pages`."""
