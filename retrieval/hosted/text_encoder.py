"""Text encoders that run at a vendor: a dense vector a passage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.query_words import has_word
from retrieval.hosted.connection import ServiceConnection
from retrieval.hosted.cost import Cost, Meter, estimate_tokens, price_tokens
from retrieval.hosted.embeddings import AskedTexts, TextVendor
from retrieval.hosted.passages import bound_tokens, choose_limit, cut_end, cut_passages
from retrieval.hosted.vectors import build_unit_vectors, name_model, state_dim
from retrieval.text_encoders.base import TextEmbedding, TextEncoderSpec


class HostedTextEncoder:
    """Pages and questions through one model of a vendor, which is sent their words.

    Args:
        spec: the catalog entry.
        vendor: how it is asked.
        connection: to it.
        dim: a length of vectors that the model was trained for, which whoever opens models by name
            checks; None for the spec's.
    """

    def __init__(
        self,
        spec: TextEncoderSpec,
        vendor: TextVendor,
        connection: ServiceConnection,
        dim: int | None = None,
    ) -> None:
        self._spec = spec
        self._vendor = vendor
        self._connection = connection
        self._dim = dim or spec.dim
        self._limit = choose_limit(spec.context_tokens)
        self._meter = Meter()

    @property
    def spec(self) -> TextEncoderSpec:
        """The catalog entry."""
        return self._spec

    @property
    def key(self) -> str:
        """Vendor, model, length, the purpose that documents are sent with, prompts, passages.

        What weights stand behind the name, only the vendor knows.
        """
        spec, purpose = self._spec, self._vendor.document_purpose
        prompts = [prompt for prompt in (spec.query_prompt, spec.document_prompt) if prompt != "{}"]
        parts = [spec.id, f"dim-{self._dim}", purpose, *prompts]
        return "/".join([*filter(None, parts), f"passages-{self._limit}"])

    @property
    def dim(self) -> int:
        """Length of the vectors: the spec's, or the Matryoshka prefix chosen."""
        return self._dim

    @property
    def spent(self) -> Cost:
        """What was paid since the encoder was opened, by the tokens that the vendor counted."""
        return self._meter.spent

    def encode_pages(self, texts: Sequence[str]) -> list[TextEmbedding]:
        """Float32 `[n_passages, dim]` a page; see `TextEncoder.encode_pages`.

        Raises:
            ServiceFailed: the vendor does not answer, or refuses.
            InvalidEmbedding: it gave vectors of another length, or none that can be compared.
        """
        passages = [cut_passages(text, self._limit) if has_word(text) else [] for text in texts]
        rendered = [
            self._spec.document_prompt.replace("{}", passage)
            for page in passages
            for passage in page
        ]
        batches = self._fill_batches(rendered)
        asked = [self._ask(batch, self._vendor.document_purpose) for batch in batches]
        vectors = np.concatenate([np.empty((0, self._dim), np.float32), *asked])
        ends = np.cumsum([len(page) for page in passages], dtype=int)
        return [
            TextEmbedding(dense=vectors[end - len(page) : end] if page else None)
            for page, end in zip(passages, ends, strict=True)
        ]

    def encode_query(self, text: str) -> TextEmbedding:
        """Float32 `[1, dim]` of a question; see `TextEncoder.encode_query`.

        Raises:
            ServiceFailed: the vendor does not answer, or refuses.
            InvalidEmbedding: it gave a vector of another length, or none that can be compared.
        """
        if not has_word(text):
            return TextEmbedding()
        rendered = self._spec.query_prompt.replace("{}", cut_end(text, self._limit))
        purpose = self._vendor.query_purpose
        return TextEmbedding(dense=self._ask([rendered], purpose, is_waited_for=True))

    def _fill_batches(self, texts: Sequence[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        tokens = 0
        for text in texts:
            size = bound_tokens(text)
            is_full = len(batch) == self._vendor.max_texts
            if batch and (is_full or tokens + size > self._vendor.max_tokens):
                yield batch
                batch, tokens = [], 0
            batch.append(text)
            tokens += size
        if batch:
            yield batch

    def _ask(
        self, texts: Sequence[str], purpose: str, *, is_waited_for: bool = False
    ) -> NDArray[np.float32]:
        vendor, spec = self._vendor, self._spec
        stated_dim = state_dim(self._dim, spec.matryoshka_dims)
        post = vendor.build(AskedTexts(name_model(spec), texts, purpose, stated_dim))
        answered = self._connection.ask(
            post, vendor.read, vendor.rate, len(texts), is_waited_for=is_waited_for
        )
        tokens = answered.tokens
        self._meter.add(
            price_tokens(spec, sum(map(estimate_tokens, texts)), is_estimate=True)
            if tokens is None
            else price_tokens(spec, tokens)
        )
        return build_unit_vectors(spec, answered, len(texts), self._dim)
