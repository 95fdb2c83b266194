"""Cross-encoder checkpoints in Hugging Face format, run by sentence-transformers.

Two kinds: a classifier of one label over the pair (BERT, XLM-RoBERTa), and a language model whose
last logits for two words are compared (Qwen2 in mxbai-rerank v2). Of the second kind only those
whose `modules.json` says which two words are opened: without it, sentence-transformers would guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.devices import Placement, map_out_of_memory
from retrieval.encoders.hub import Checkpoint
from retrieval.encoders.strict_keys import refuse_key_differences
from retrieval.encoders.torchvision_guard import ensure_torchvision_imports
from retrieval.errors import WeightsRefused
from retrieval.rerankers.base import RerankerSpec

# Pairs in one forward pass: bounds the memory. They are sorted by length before.
BATCH_PAIRS = 16


class CrossEncoderReranker:
    """Questions and passages through one cross-encoder checkpoint.

    Args:
        checkpoint: the folder, with its revision.
        spec: the catalog entry; None to make one from the checkpoint.
        placement: where and how it runs.

    Raises:
        WeightsRefused: the folder cannot be opened, holds another kind of model, or its weights do
            not fit its config name by name.
    """

    def __init__(
        self, checkpoint: Checkpoint, spec: RerankerSpec | None, placement: Placement
    ) -> None:
        self._checkpoint = checkpoint
        self._model = _load_model(checkpoint, spec, placement)
        self._spec = spec or _describe_checkpoint(checkpoint, self._model)

    @property
    def spec(self) -> RerankerSpec:
        """The catalog entry, or one made from the checkpoint."""
        return self._spec

    @property
    def key(self) -> str:
        """Checkpoint, and the library that makes pairs of texts into tokens."""
        library = f"sentence-transformers-{version('sentence-transformers')}"
        return f"{self._checkpoint.label}/{library}"

    def score(self, question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        """Float32 logits `[n_passages]`; see `Reranker.score`."""
        cut_question = self._cut_question(question)
        try:
            scores = self._model.predict(
                [(cut_question, passage) for passage in passages],
                batch_size=BATCH_PAIRS,
                show_progress_bar=False,
            )
        except (RuntimeError, MemoryError) as error:
            if (out_of_memory := map_out_of_memory(error)) is not None:
                raise out_of_memory from error
            raise
        return np.asarray(scores, dtype=np.float32)

    def _cut_question(self, question: str) -> str:
        """As much of a question as leaves half of the context for the passage."""
        offsets = self._model.tokenizer(
            question,
            add_special_tokens=False,
            truncation=True,
            max_length=self._spec.context_tokens // 2,
            return_offsets_mapping=True,
        )["offset_mapping"]
        return question[: offsets[-1][1]] if offsets else question


def _load_model(checkpoint: Checkpoint, spec: RerankerSpec | None, placement: Placement) -> Any:
    """The `CrossEncoder`, once every weight of the checkpoint is known to fit."""
    ensure_torchvision_imports()
    import torch
    import transformers
    from safetensors import SafetensorError
    from sentence_transformers import CrossEncoder

    name, folder = checkpoint.name, checkpoint.folder
    architectures = checkpoint.config.get("architectures") or [""]
    if architectures[0].endswith("ForCausalLM") and not (folder / "modules.json").exists():
        raise WeightsRefused(f"{name} is a language model without a modules.json for reranking")
    verbosity = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    try:
        model: Any = CrossEncoder(
            str(folder),
            device=placement.device,
            local_files_only=True,
            max_length=spec.context_tokens if spec else None,
            # Published ones end in a sigmoid, which makes all good passages equal in bfloat16.
            activation_fn=torch.nn.Identity(),
            model_kwargs={
                "dtype": placement.torch_dtype,
                "attn_implementation": placement.attention,
                "use_safetensors": True,
            },
        ).eval()
        # Refuses a chat template that has no place for a question and a passage.
        model.preprocess([("question", "passage")])
        # sentence-transformers does not say what it could not load; transformers does.
        _, found = type(model.model).from_pretrained(
            folder, config=model.config, output_loading_info=True, device_map="meta"
        )
    except (OSError, ValueError, RuntimeError, KeyError, ImportError, SafetensorError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsRefused(f"{name} cannot be loaded: {reason}") from error
    finally:
        transformers.logging.set_verbosity(verbosity)
    refuse_key_differences(name, found)
    if model.num_labels != 1:
        raise WeightsRefused(f"{name} gives {model.num_labels} scores a pair, a reranker gives 1")
    return model


def _describe_checkpoint(checkpoint: Checkpoint, model: Any) -> RerankerSpec:
    """A catalog entry for a checkpoint that the catalog lacks; of its licence nothing is known."""
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    return RerankerSpec(
        id=checkpoint.name,
        source=str(checkpoint.folder),
        revision=checkpoint.revision,
        licence="not stated here: see its model card",
        commercial_use=False,
        n_parameters=n_parameters,
        memory_bytes=2 * n_parameters,
        context_tokens=model.max_seq_length,
        languages="languages not stated here",
        model_card=checkpoint.name,
        checked="",
    )
