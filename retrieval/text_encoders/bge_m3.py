"""BGE-M3: a dense vector, token vectors and term weights of one pass (Chen et al. 2024).

XLM-RoBERTa's last hidden states, read in three ways as in the paper, section 3.2, and in its
authors' FlagEmbedding: the first token's; those of all other tokens, through a linear layer; and
through another and ReLU a weight for each token, the greatest where one stands several times.
Special tokens have no weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.devices import Placement, map_out_of_memory
from retrieval.encoders.hub import Checkpoint
from retrieval.encoders.strict_keys import refuse_missing_weights
from retrieval.lexical import SparseVector
from retrieval.text_encoders.base import Channel, TextEmbedding, TextEncoderSpec, TextFamily
from retrieval.text_encoders.description import (
    COLBERT_HEAD,
    SPARSE_HEAD,
    describe_text_checkpoint,
)
from retrieval.text_encoders.loading import (
    bound_context,
    choose_model_options,
    copy_tokenizer,
    refuse_what_fails,
)
from retrieval.text_encoders.passage_encoder import CPU_BATCH, GPU_BATCH, PASSAGE_TOKENS

CHANNELS = (Channel.DENSE, Channel.TOKENS, Channel.TERMS)


class BgeM3Model:
    """A `PassageModel` of BGE-M3, or of a fine-tune that keeps its three outputs.

    Args:
        checkpoint: the folder, with its revision.
        known: the catalog entry; None to make one from the checkpoint.
        placement: where and how it runs.

    Raises:
        WeightsRefused: the folder cannot be opened, or lacks a weight.
    """

    def __init__(
        self, checkpoint: Checkpoint, known: TextEncoderSpec | None, placement: Placement
    ) -> None:
        self._checkpoint = checkpoint
        self._placement = placement
        with refuse_what_fails(checkpoint.name):
            self._load()
        self.context_tokens = bound_context(
            self._model.config, self._batch_tokenizer.model_max_length
        )
        self._tokenizer = copy_tokenizer(checkpoint.name, self._batch_tokenizer)
        self._spec = known or describe_text_checkpoint(
            checkpoint,
            TextFamily.BGE_M3,
            CHANNELS,
            dim=self._model.config.hidden_size,
            context_tokens=self.context_tokens,
            n_parameters=sum(weights.numel() for weights in self._model.parameters()),
        )

    def _load(self) -> None:
        from transformers import AutoModel, AutoTokenizer

        folder, placement = self._checkpoint.folder, self._placement
        model, found = AutoModel.from_pretrained(
            folder, output_loading_info=True, **choose_model_options(placement)
        )
        refuse_missing_weights(self._checkpoint.name, found)
        self._model: Any = model.to(placement.device).eval()
        self._batch_tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        size = model.config.hidden_size
        self._colbert = _load_linear(folder / COLBERT_HEAD, size, size, placement)
        self._sparse = _load_linear(folder / SPARSE_HEAD, size, 1, placement)
        # Which mean no word of the text.
        tokenizer = self._batch_tokenizer
        self._without_weight = {
            tokenizer.cls_token_id,
            tokenizer.eos_token_id,
            tokenizer.pad_token_id,
            tokenizer.unk_token_id,
        }

    @property
    def spec(self) -> TextEncoderSpec:
        """The catalog entry, or one made from the checkpoint."""
        return self._spec

    @property
    def key(self) -> str:
        """Checkpoint and library."""
        return f"{self._checkpoint.label}/transformers-{version('transformers')}"

    @property
    def tokenizer(self) -> Any:
        """A copy of the model's own that never pads or cuts."""
        return self._tokenizer

    @property
    def question_tokens(self) -> int:
        """As of passages."""
        return self.context_tokens

    @property
    def passage_tokens(self) -> int:
        """As of every model."""
        return PASSAGE_TOKENS

    @property
    def batch_passages(self) -> int:
        """As the device wants."""
        return CPU_BATCH if self._placement.device == "cpu" else GPU_BATCH

    def encode_passages(self, passages: Sequence[str]) -> list[TextEmbedding]:
        """All three outputs; see `PassageModel.encode_passages`."""
        return self._encode(passages, self._spec.document_prompt)

    def encode_question(self, question: str) -> TextEmbedding:
        """All three outputs; see `PassageModel.encode_question`."""
        return self._encode([question], self._spec.query_prompt)[0]

    def _encode(self, texts: Sequence[str], prompt: str) -> list[TextEmbedding]:
        before, _, after = prompt.partition("{}")
        inputs = self._batch_tokenizer(
            [f"{before}{text}{after}" for text in texts], padding=True, return_tensors="pt"
        )
        try:
            dense, tokens, weights = self._forward(inputs)
        except (RuntimeError, MemoryError) as error:
            if (out_of_memory := map_out_of_memory(error)) is not None:
                raise out_of_memory from error
            raise
        # Padding stands behind the text, as in every tokenizer of XLM-RoBERTa.
        lengths = inputs["attention_mask"].sum(dim=1).tolist()
        return [
            TextEmbedding(
                dense[row : row + 1],
                tokens[row, : length - 1],
                self._weigh(inputs["input_ids"][row, :length].tolist(), weights[row, :length]),
            )
            for row, length in enumerate(lengths)
        ]

    def _forward(self, inputs: Any) -> tuple[NDArray[np.float32], ...]:
        """Dense `[n, dim]`, tokens but the first `[n, length - 1, dim]`, weights `[n, length]`."""
        import torch

        with torch.inference_mode():
            hidden = self._model(**inputs.to(self._placement.device)).last_hidden_state
            outputs = (
                hidden[:, 0],
                self._colbert(hidden[:, 1:]),
                torch.relu(self._sparse(hidden)).squeeze(-1),
            )
            return tuple(output.float().cpu().numpy() for output in outputs)

    def _weigh(self, token_ids: list[int], weights: NDArray[np.float32]) -> SparseVector:
        greatest: dict[int, float] = {}
        for token_id, weight in zip(token_ids, weights.tolist(), strict=True):
            if weight > greatest.get(token_id, 0.0) and token_id not in self._without_weight:
                greatest[token_id] = weight
        return SparseVector(tuple(greatest), tuple(greatest.values()))


def _load_linear(path: Path, n_in: int, n_out: int, placement: Placement) -> Any:
    """A linear layer from a pickled state, of which nothing but tensors is read."""
    import torch

    layer = torch.nn.Linear(n_in, n_out)
    layer.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return layer.to(placement.device, placement.torch_dtype).eval()
