"""`minilm-dense`: all-MiniLM-L6-v2 as it was trained, one vector a passage, on a CPU.

The mean of a passage's token vectors, CLS and SEP included, scaled to unit length (Reimers &
Gurevych 2019, "Sentence-BERT"), through the 8-bit graph of `minilm-layout`; no model hub.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from retrieval.encoders.minilm_basis import load_basis
from retrieval.encoders.minilm_int8 import open_session
from retrieval.encoders.minilm_layout import locate_weights
from retrieval.text_encoders.base import TextEmbedding, TextEncoderSpec
from retrieval.text_encoders.catalog import MINILM_DENSE

# What its sentence_bert_config.json says; its card says that it was trained on 128. On the text
# layers of pages-dev, nDCG@5 of this channel alone was 0.313 with 256 tokens, 0.300 with 128 and
# twice the vectors, and 0.261 with 64, in the same time.
CONTEXT_TOKENS = 256


class MinilmDense:
    """A `PassageModel`; see the module's description.

    Raises:
        WeightsRefused: the weights' package is missing, or its file is not the published one.
    """

    context_tokens = question_tokens = passage_tokens = CONTEXT_TOKENS
    batch_passages = os.cpu_count() or 1

    def __init__(self) -> None:
        from tokenizers import Tokenizer

        folder = locate_weights()
        self._session = open_session(folder / "model.safetensors", load_basis())
        # One passage a run, one thread a run, as `minilm-layout` runs its windows: a vector then
        # depends on its passage alone.
        self._threads = ThreadPoolExecutor(self.batch_passages, "passage")
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    @property
    def spec(self) -> TextEncoderSpec:
        """The catalog entry."""
        return MINILM_DENSE

    @property
    def key(self) -> str:
        """Model, weights and arithmetic."""
        return f"{MINILM_DENSE.id}@{MINILM_DENSE.revision}/int8-token-scales"

    @property
    def tokenizer(self) -> Any:
        """Its own, which nothing changes."""
        return self._tokenizer

    def encode_passages(self, passages: Sequence[str]) -> list[TextEmbedding]:
        """One vector each; see `PassageModel.encode_passages`."""
        return list(self._threads.map(self.encode_question, passages))

    def encode_question(self, question: str) -> TextEmbedding:
        """One vector: questions and passages are read alike."""
        ids = np.array([self._tokenizer.encode(question).ids], dtype=np.int64)
        places = np.arange(ids.shape[1], dtype=np.int64)
        (hidden,) = self._session.run(["hidden"], {"ids": ids, "places": places})
        return TextEmbedding(dense=hidden.mean(axis=1))
