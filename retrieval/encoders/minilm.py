"""all-MiniLM-L6-v2 as it was trained: one vector a sentence.

Sentence-BERT (Reimers & Gurevych 2019): the mean of a text's token embeddings, scaled to unit
length. `minilm_layout` runs the same weights in 8-bit integers, for one vector a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.minilm_layout import locate_weights
from retrieval.encoders.torchvision_guard import ensure_torchvision_imports

DIM = 384

# What the model was trained on (its sentence_bert_config.json says 256, its model card 128).
MAX_TOKENS = 128

BATCH_TEXTS = 64


class MiniLM:
    """The sentence encoder.

    Raises:
        WeightsRefused: the weights' package is missing, or its file is not the published one.
    """

    def __init__(self) -> None:
        import torch
        from tokenizers import Tokenizer

        ensure_torchvision_imports()
        from transformers import BertModel
        from transformers.utils import logging

        # Checks the SHA-256 of the weights before they are read.
        folder = locate_weights()
        self._torch = torch
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        verbosity = logging.get_verbosity()
        # The file also holds a pooler that the mean has no use for; said on every load.
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self._model: Any = BertModel.from_pretrained(
            folder, add_pooling_layer=False, dtype=torch.float32
        ).eval()
        logging.enable_progress_bar()
        logging.set_verbosity(verbosity)

    def encode_sentences(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encodes texts, each cut to `MAX_TOKENS`: float32 `[n_texts, 384]`, unit rows."""
        vectors = np.empty((len(texts), DIM), dtype=np.float32)
        # Of like length together, so that little of a batch is padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for first in range(0, len(order), BATCH_TEXTS):
            rows = order[first : first + BATCH_TEXTS]
            vectors[rows] = self._forward([texts[row] for row in rows])
        return vectors

    def _forward(self, texts: list[str]) -> NDArray[np.float32]:
        torch = self._torch
        encodings = self._tokenizer.encode_batch(texts)
        ids = torch.tensor([encoding.ids for encoding in encodings])
        mask = torch.tensor([encoding.attention_mask for encoding in encodings])
        with torch.inference_mode():
            hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
            weights = mask.unsqueeze(-1).to(hidden.dtype)
            # CLS and SEP count in the mean, as in training.
            mean = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
            unit = torch.nn.functional.normalize(mean, dim=1)
        return np.asarray(unit.numpy(), dtype=np.float32)
