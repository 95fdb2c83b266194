"""Pages by their passages: what every encoder of text that runs here does, whatever its model.

A page is cut into passages, each is encoded on its own, and the page is made of them again: a
dense vector each, the vectors of all their tokens, and for each term its greatest weight. The last
is what SPLADE itself does with the tokens of one passage (max pooling; Formal et al. 2021, "SPLADE
v2"), so that a page of two passages is weighed as one that fits the model's context.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.query_words import has_word
from retrieval.errors import DeviceOutOfMemory
from retrieval.lexical import SparseVector
from retrieval.matryoshka import choose_dim, cut_vectors
from retrieval.records import check_unit_vectors
from retrieval.text_encoders.base import TextEmbedding, TextEncoderSpec
from retrieval.text_encoders.passages import PassageCutter

Result = TypeVar("Result")

# Tokens of a passage where the model asks for no other number: a third to a half of a printed page.
PASSAGE_TOKENS = 256

# Passages in one forward pass. A GPU wants many. On a CPU one at a time is as fast, nothing is
# padded, and a question that comes meanwhile waits for no more than one.
GPU_BATCH = 32
CPU_BATCH = 1

NOTHING = TextEmbedding()


class PassageModel(Protocol):
    """A model that reads passages: what differs between the families."""

    @property
    def spec(self) -> TextEncoderSpec:
        """The catalog entry, or one made from a checkpoint's config, with the prompts it sends."""

    @property
    def key(self) -> str:
        """Names weights and library."""

    @property
    def tokenizer(self) -> Any:
        """A `tokenizers.Tokenizer` for whoever cuts texts, without padding or truncation."""

    @property
    def context_tokens(self) -> int:
        """Most tokens it reads of a passage, prompt and special tokens included."""

    @property
    def question_tokens(self) -> int:
        """Most tokens it reads of a question, prompt and special tokens included."""

    @property
    def passage_tokens(self) -> int:
        """Tokens that a passage alone shall have at most; its context may hold more."""

    @property
    def batch_passages(self) -> int:
        """How many passages a batch may hold on the device it runs on."""

    def encode_passages(self, passages: Sequence[str]) -> list[TextEmbedding]:
        """Encodes passages that fit its context in one batch; called by one thread at a time.

        Args:
            passages: bare texts; the prompt is put around them here.

        Returns:
            One each: `dense` of one row, `tokens`, `terms`, as far as its spec names the channels.

        Raises:
            DeviceOutOfMemory: the batch does not fit; a smaller one may.
        """

    def encode_question(self, question: str) -> TextEmbedding:
        """Encodes a question that fits its context; see `encode_passages`."""


class PassageEncoder:
    """A `TextEncoder` of a model that reads passages.

    Args:
        model: the loaded model.
        dim: the Matryoshka prefix of its vectors; None for the whole.

    Raises:
        DimensionRefused: it was not trained for that prefix.
        WeightsRefused: its prompt leaves no room in its context.
    """

    def __init__(self, model: PassageModel, dim: int | None = None) -> None:
        self._model = model
        self._dim = choose_dim(model.spec, dim)
        self._queue, self._busy = threading.Lock(), threading.Lock()
        self._passages, self._questions = (
            PassageCutter(
                model.spec.id, model.tokenizer, prompt, context_tokens, model.passage_tokens
            )
            for prompt, context_tokens in (
                (model.spec.document_prompt, model.context_tokens),
                (model.spec.query_prompt, model.question_tokens),
            )
        )

    @property
    def spec(self) -> TextEncoderSpec:
        """The catalog entry, or one made from a checkpoint's config, with the prompts it sends."""
        return self._model.spec

    @property
    def key(self) -> str:
        """Weights, library, both prompts, length of passages, and the prefix where one is cut."""
        prompts = f"query={self.spec.query_prompt!r}/document={self.spec.document_prompt!r}"
        key = f"{self._model.key}/{prompts}/{self._passages.label}"
        return key if self._dim == self.spec.dim else f"{key}/dim-{self._dim}"

    @property
    def dim(self) -> int:
        """Length of the vectors it makes: the spec's, or the prefix chosen."""
        return self._dim

    def encode_pages(self, texts: Sequence[str]) -> list[TextEmbedding]:
        """Encodes the texts of pages; see `TextEncoder.encode_pages`."""
        cut = [
            [passage for passage in self._passages.cut(text) if has_word(passage)] for text in texts
        ]
        passages = [passage for page in cut for passage in page]
        embeddings: list[TextEmbedding] = [NOTHING] * len(passages)
        # Of like length together, so that little of a batch is padding.
        order = sorted(range(len(passages)), key=lambda place: len(passages[place]))
        for first in range(0, len(order), self._model.batch_passages):
            places = order[first : first + self._model.batch_passages]
            batch = self._encode_batch([passages[place] for place in places])
            for place, embedding in zip(places, batch, strict=True):
                embeddings[place] = embedding
        in_order = iter(embeddings)
        return [self._join([next(in_order) for _ in page]) for page in cut]

    def encode_query(self, text: str) -> TextEmbedding:
        """Encodes a question, the end of a very long one cut; see `TextEncoder.encode_query`."""
        if not has_word(text):
            return NOTHING
        question = self._questions.cut(text)[0]
        return self._join([self._take_turn(lambda: self._model.encode_question(question))])

    def _encode_batch(self, passages: Sequence[str]) -> list[TextEmbedding]:
        """Runs a batch, in as many parts as the device's memory wants."""
        try:
            return self._take_turn(lambda: self._model.encode_passages(passages))
        except DeviceOutOfMemory:
            if len(passages) == 1:
                raise
        half = (len(passages) + 1) // 2
        return self._encode_batch(passages[:half]) + self._encode_batch(passages[half:])

    def _take_turn(self, run: Callable[[], Result]) -> Result:
        """Runs something alone: transformers' tokenizers are changed by whoever uses them."""
        # Who waits for the model holds the queue: else whoever encodes one batch after the other
        # would take it again before a question does.
        with self._queue:
            self._busy.acquire()
        try:
            return run()
        finally:
            self._busy.release()

    def _join(self, passages: Sequence[TextEmbedding]) -> TextEmbedding:
        """The embedding of a text from those of its passages."""
        return TextEmbedding(
            self._stack([passage.dense for passage in passages if passage.dense is not None]),
            self._stack([passage.tokens for passage in passages if passage.tokens is not None]),
            _take_greatest([passage.terms for passage in passages if passage.terms is not None]),
        )

    def _stack(self, parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32] | None:
        """All rows, cut to the prefix and of unit length; None for no rows.

        Raises:
            InvalidEmbedding: the model gave NaN, or a vector of zeros.
        """
        if not sum(map(len, parts)):
            return None
        vectors = cut_vectors(np.concatenate(parts), self._dim)
        check_unit_vectors(vectors, np.float32)
        return vectors


def _take_greatest(passages: Sequence[SparseVector]) -> SparseVector | None:
    """For each term its greatest weight in any passage; None for no terms."""
    greatest: dict[int, float] = {}
    for passage in passages:
        for index, value in zip(passage.indices, passage.values, strict=True):
            greatest[index] = max(value, greatest.get(index, value))
    return SparseVector(tuple(greatest), tuple(greatest.values())) if greatest else None
