"""What a checkpoint of a text encoder says of itself, where the catalog does not know it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from retrieval.encoders.hub import Checkpoint
from retrieval.encoders.opening import ARCHITECTURES
from retrieval.errors import UnknownEncoder, WeightsRefused
from retrieval.matryoshka import read_trained_dims
from retrieval.text_encoders.base import Channel, TextEncoderSpec, TextFamily
from retrieval.training.card import read_card

# The `model_type` in config_sentence_transformers.json; the last is PyLate's, of the third release.
MODEL_TYPES = {
    "SentenceTransformer": TextFamily.SENTENCE_TRANSFORMER,
    "SparseEncoder": TextFamily.SPARSE,
    "MultiVectorEncoder": TextFamily.MULTI_VECTOR,
    "ColBERT": TextFamily.MULTI_VECTOR,
}

# Parts of a model that tell its kind, in the modules.json of releases that wrote no `model_type`.
MODULES = {
    "SpladePooling": TextFamily.SPARSE,
    "SparseAutoEncoder": TextFamily.SPARSE,
    "MultiVectorMask": TextFamily.MULTI_VECTOR,
    "pylate.": TextFamily.MULTI_VECTOR,
}

# Beside XLM-RoBERTa's weights, what makes terms and token vectors of its output.
SPARSE_HEAD = "sparse_linear.pt"
COLBERT_HEAD = "colbert_linear.pt"

# ColBERTv2 as its authors saved it: BERT, and a linear layer without a folder of its own.
COLBERT = "HF_ColBERT"


def read_text_family(checkpoint: Checkpoint) -> TextFamily:
    """The family of a text encoder's checkpoint, from its files.

    A transformer that says nothing of how it is used is opened as sentence-transformers does it:
    one vector, the mean of its tokens.

    Raises:
        UnknownEncoder: it is no encoder of text.
        WeightsRefused: its files cannot be read.
    """
    folder = checkpoint.folder
    if (folder / SPARSE_HEAD).exists() and (folder / COLBERT_HEAD).exists():
        return TextFamily.BGE_M3
    model_type = _read_json(folder / "config_sentence_transformers.json", {}).get("model_type")
    if model_type in MODEL_TYPES:
        return MODEL_TYPES[model_type]
    modules = _read_json(folder / "modules.json", [])
    for kind, family in MODULES.items():
        if any(kind in module["type"] for module in modules):
            return family
    if modules and model_type is None:
        return TextFamily.SENTENCE_TRANSFORMER
    architectures = checkpoint.config.get("architectures") or []
    if COLBERT in architectures:
        return TextFamily.MULTI_VECTOR
    if any(name in ARCHITECTURES for name in architectures):
        raise UnknownEncoder(
            f"{checkpoint.name} is a {architectures[0]}, which reads pictures of pages: --model "
            "takes it, not --text-model"
        )
    if model_type or not architectures or "ForSequenceClassification" in architectures[0]:
        kind = model_type or ", ".join(architectures) or "model of unknown architecture"
        raise UnknownEncoder(
            f"{checkpoint.name} is a {kind}; text is encoded by the models of "
            "sentence-transformers, ColBERT, SPLADE and BGE-M3"
        )
    return TextFamily.SENTENCE_TRANSFORMER


def check_family(checkpoint: Checkpoint, known: TextEncoderSpec | None) -> TextFamily:
    """The family that a checkpoint is opened as: its own, which must be that of the catalog.

    sentence-transformers opens any as any other, with random weights for what is not there.

    Raises:
        UnknownEncoder: it is no encoder of text.
        WeightsRefused: it is of another family than the catalog says.
    """
    family = read_text_family(checkpoint)
    if known is None or family == known.family:
        return family
    if known.family == TextFamily.SPARSE and _predicts_words(checkpoint):
        return TextFamily.SPARSE
    raise WeightsRefused(
        f"{checkpoint.name} is of the family {family.value}, not {known.family.value}"
    )


def _predicts_words(checkpoint: Checkpoint) -> bool:
    """Whether it is a masked language model and nothing more, as SPLADE's authors saved theirs."""
    if (checkpoint.folder / "modules.json").exists():
        return False
    return any(name.endswith("ForMaskedLM") for name in checkpoint.config["architectures"])


def describe_text_checkpoint(
    checkpoint: Checkpoint,
    family: TextFamily,
    channels: tuple[Channel, ...],
    *,
    dim: int,
    context_tokens: int,
    n_parameters: int,
) -> TextEncoderSpec:
    """A catalog entry for a checkpoint that the catalog lacks.

    Of its licence nothing is known, unless it was trained here: then it is that of its base.
    """
    card = read_card(checkpoint.folder)
    return TextEncoderSpec(
        id=checkpoint.name,
        source=str(checkpoint.folder),
        revision=checkpoint.revision,
        family=family,
        channels=channels,
        dim=dim,
        matryoshka_dims=read_trained_dims(_read_json(checkpoint.folder / "config.json", {}), dim),
        licence=card.licence if card else "not stated here: see its model card",
        commercial_use=card.commercial_use if card else False,
        languages="languages not stated here",
        context_tokens=context_tokens,
        n_parameters=n_parameters,
        memory_bytes=2 * n_parameters,
        model_card=checkpoint.name,
        checked="",
    )


def _read_json(path: Path, otherwise: Any) -> Any:
    """What a file holds; something else where there is no file.

    Raises:
        WeightsRefused: it is no JSON.
    """
    if not path.exists():
        return otherwise
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsRefused(f"{path} cannot be read: {error}") from error
