"""Checkpoints that sentence-transformers opens: dense vectors, late interaction, learned sparse.

One class for the three, as they are loaded, prompted and batched alike; what comes out of them is
read by one function each. Prompts are those of the catalog, or where it names none, those that the
checkpoint brings: in its `config_sentence_transformers.json`, or as a ColBERT's own marker tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.encoders.devices import Placement, map_out_of_memory
from retrieval.encoders.hub import Checkpoint
from retrieval.encoders.strict_keys import refuse_missing_weights
from retrieval.errors import WeightsRefused
from retrieval.lexical import SparseVector
from retrieval.text_encoders.base import Channel, TextEmbedding, TextEncoderSpec, TextFamily
from retrieval.text_encoders.description import describe_text_checkpoint
from retrieval.text_encoders.loading import (
    bound_context,
    choose_model_options,
    copy_tokenizer,
    refuse_what_fails,
)
from retrieval.text_encoders.passage_encoder import CPU_BATCH, GPU_BATCH, PASSAGE_TOKENS

CLASSES = {
    TextFamily.SENTENCE_TRANSFORMER: "SentenceTransformer",
    TextFamily.MULTI_VECTOR: "MultiVectorEncoder",
    TextFamily.SPARSE: "SparseEncoder",
}
CHANNELS = {
    TextFamily.SENTENCE_TRANSFORMER: Channel.DENSE,
    TextFamily.MULTI_VECTOR: Channel.TOKENS,
    TextFamily.SPARSE: Channel.TERMS,
}

# The names that sentence-transformers knows for the prompt of a passage, the first that is there.
DOCUMENT_PROMPTS = ("document", "passage", "corpus")


class SentenceModel:
    """A `PassageModel` of one checkpoint.

    Args:
        checkpoint: the folder, with its revision.
        family: which of the three.
        known: the catalog entry; None to make one from the checkpoint.
        placement: where and how it runs.

    Raises:
        WeightsRefused: the folder cannot be opened, holds another kind of model, lacks a weight, or
            makes vectors of another length than the catalog says.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        family: TextFamily,
        known: TextEncoderSpec | None,
        placement: Placement,
    ) -> None:
        self._checkpoint = checkpoint
        self._model = _load_model(checkpoint, family, placement)
        self._is_on_cpu = placement.device == "cpu"
        self._read: Callable[[Any], list[TextEmbedding]] = READERS[family]
        own_context = bound_context(self._model.config, self._model.max_seq_length)
        dim = _measure_dim(checkpoint.name, self._model)
        if known and known.dim != dim:
            raise WeightsRefused(
                f"{checkpoint.name} makes vectors of {dim} dimensions, not of {known.dim}"
            )
        spec = known or describe_text_checkpoint(
            checkpoint,
            family,
            (CHANNELS[family],),
            dim=dim,
            context_tokens=own_context,
            n_parameters=sum(weights.numel() for weights in self._model.parameters()),
        )
        self._spec = _settle_prompts(spec, self._model.prompts)
        self._context_tokens = min(own_context, spec.context_tokens or own_context)
        self._tokenizer = copy_tokenizer(checkpoint.name, self._model.tokenizer)

    @property
    def model(self) -> Any:
        """The library's own model: what trains it changes its weights."""
        return self._model

    @property
    def spec(self) -> TextEncoderSpec:
        """The catalog entry, or one made from the checkpoint, with the prompts that are sent."""
        return self._spec

    @property
    def key(self) -> str:
        """Checkpoint and library."""
        library = f"sentence-transformers-{version('sentence-transformers')}"
        return f"{self._checkpoint.label}/{library}"

    @property
    def tokenizer(self) -> Any:
        """A copy of the model's own, special tokens included, that never pads or cuts."""
        return self._tokenizer

    @property
    def context_tokens(self) -> int:
        """Most tokens of a passage: of a ColBERT, those it was trained for."""
        own = getattr(self._model[0], "document_length", None)
        return min(self._context_tokens, own) if own else self._context_tokens

    @property
    def question_tokens(self) -> int:
        """Most tokens of a question: of a ColBERT that fills questions up, those it fills up to."""
        first = self._model[0]
        expansion = getattr(first, "query_expansion", None)
        if expansion and expansion["strategy"] == "fixed":
            return int(expansion["length"])
        own = getattr(first, "query_length", None)
        return min(self._context_tokens, own) if own else self._context_tokens

    @property
    def passage_tokens(self) -> int:
        """As of every model."""
        return PASSAGE_TOKENS

    @property
    def batch_passages(self) -> int:
        """As the device wants."""
        return CPU_BATCH if self._is_on_cpu else GPU_BATCH

    def encode_passages(self, passages: Sequence[str]) -> list[TextEmbedding]:
        """Through the library's `encode_document`; see `PassageModel.encode_passages`."""
        return self._encode(self._model.encode_document, passages, self._spec.document_prompt)

    def encode_question(self, question: str) -> TextEmbedding:
        """Through the library's `encode_query`; see `PassageModel.encode_question`."""
        return self._encode(self._model.encode_query, [question], self._spec.query_prompt)[0]

    def _encode(
        self, encode: Callable[..., Any], texts: Sequence[str], prompt: str
    ) -> list[TextEmbedding]:
        # What stands before the text is handed over on its own: some models leave the prompt out
        # of the mean.
        before, _, after = prompt.partition("{}")
        try:
            output = encode(
                [f"{text}{after}" for text in texts],
                prompt=before,
                batch_size=len(texts),
                show_progress_bar=False,
            )
        except (RuntimeError, MemoryError) as error:
            if (out_of_memory := map_out_of_memory(error)) is not None:
                raise out_of_memory from error
            raise
        return self._read(output)


def _load_model(checkpoint: Checkpoint, family: TextFamily, placement: Placement) -> Any:
    """The library's model, once the checkpoint is known to lack no weight."""
    with refuse_what_fails(checkpoint.name):
        import sentence_transformers

        model: Any = getattr(sentence_transformers, CLASSES[family])(
            str(checkpoint.folder),
            device=placement.device,
            local_files_only=True,
            model_kwargs=choose_model_options(placement),
        ).eval()
        backbone, folder = model.transformers_model, _find_backbone(checkpoint)
        # sentence-transformers does not say what it could not load; transformers does.
        if backbone is not None and folder is not None:
            _, found = type(backbone).from_pretrained(
                folder, config=backbone.config, output_loading_info=True, device_map="meta"
            )
            refuse_missing_weights(checkpoint.name, found)
    return model


def _measure_dim(name: str, model: Any) -> int:
    """The length of its vectors; its modules do not always know.

    Raises:
        WeightsRefused: it cannot encode a text.
    """
    with refuse_what_fails(name):
        output = model.encode_document(["a"], prompt="", show_progress_bar=False)
    return int(output[0].shape[-1])


def _find_backbone(checkpoint: Checkpoint) -> Path | None:
    """The folder of the transformer's weights; None for a model without one."""
    folder = (checkpoint.base or checkpoint).folder
    modules = folder / "modules.json"
    if not (folder / "config.json").exists() and modules.exists():
        folder /= json.loads(modules.read_text(encoding="utf-8"))[0]["path"]
    return folder if (folder / "config.json").exists() else None


def _settle_prompts(spec: TextEncoderSpec, brought: dict[str, str]) -> TextEncoderSpec:
    """The entry with the prompts that are sent: its own, or where it has none, the checkpoint's."""
    query = brought.get("query") or ""
    document = next((brought[name] for name in DOCUMENT_PROMPTS if brought.get(name)), "")
    return replace(
        spec,
        query_prompt=spec.query_prompt if spec.query_prompt != "{}" else f"{query}{{}}",
        document_prompt=(
            spec.document_prompt if spec.document_prompt != "{}" else f"{document}{{}}"
        ),
    )


def _read_dense(output: Any) -> list[TextEmbedding]:
    return [TextEmbedding(dense=np.asarray(vector, np.float32)[None]) for vector in output]


def _read_tokens(output: Any) -> list[TextEmbedding]:
    return [TextEmbedding(tokens=vectors.float().cpu().numpy()) for vectors in output]


def _read_terms(output: Any) -> list[TextEmbedding]:
    embeddings = []
    for weights in output.to_dense().float().cpu().numpy():
        indices = np.flatnonzero(weights > 0)
        terms = SparseVector(tuple(indices.tolist()), tuple(weights[indices].tolist()))
        embeddings.append(TextEmbedding(terms=terms))
    return embeddings


READERS = {
    TextFamily.SENTENCE_TRANSFORMER: _read_dense,
    TextFamily.MULTI_VECTOR: _read_tokens,
    TextFamily.SPARSE: _read_terms,
}
