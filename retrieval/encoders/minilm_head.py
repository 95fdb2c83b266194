"""The head of `minilm-layout`: from the 384 numbers of a token to the vector that is stored.

A linear map, then unit length. The head that comes with Pagelens is a fixed basis; one that
`pagelens train` has trained is a folder with `config.json` and `model.safetensors`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.base import EncoderSpec
from retrieval.encoders.catalog import MINILM_LAYOUT
from retrieval.encoders.hub import REVISION_CHARACTERS, Checkpoint
from retrieval.encoders.minilm_basis import load_basis
from retrieval.errors import WeightsRefused

# What `config.json` of a trained head names, as those of other checkpoints name their class.
ARCHITECTURE = "MinilmLayoutHead"

WEIGHTS = "model.safetensors"
TENSOR = "head.weight"

HIDDEN_DIM = 384


@dataclass(frozen=True, slots=True)
class TokenHead:
    """What the vectors of `minilm-layout` are made with.

    Attributes:
        weights: float32 `[384, dim]`; a token's output is multiplied by it and scaled to length 1.
        key: tells heads from each other.
        spec: the catalog entry of the encoder that has this head.
    """

    weights: NDArray[np.float32]
    key: str
    spec: EncoderSpec

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return int(self.weights.shape[1])


def embedded_head() -> TokenHead:
    """The basis that comes with Pagelens."""
    return TokenHead(load_basis(), f"basis-{MINILM_LAYOUT.dim}", MINILM_LAYOUT)


def whole_head() -> TokenHead:
    """Keeps all 384 numbers: what a head is trained on."""
    return TokenHead(np.eye(HIDDEN_DIM, dtype=np.float32), f"whole-{HIDDEN_DIM}", MINILM_LAYOUT)


def load_head(checkpoint: Checkpoint, spec: EncoderSpec) -> TokenHead:
    """Reads a trained head.

    Args:
        checkpoint: its folder.
        spec: made from its config.

    Raises:
        WeightsRefused: it is damaged, or was trained on other weights than those installed.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = checkpoint.folder / WEIGHTS
    base = checkpoint.config.get("base_revision")
    if base != MINILM_LAYOUT.revision:
        raise WeightsRefused(
            f"{checkpoint.name} was trained on revision {base} of {MINILM_LAYOUT.id}, "
            f"not on {MINILM_LAYOUT.revision}"
        )
    try:
        weights = np.asarray(load_file(path)[TENSOR], dtype=np.float32)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, KeyError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsRefused(f"{checkpoint.name}: its weights cannot be read: {reason}") from error
    if weights.shape != (HIDDEN_DIM, spec.dim) or not np.isfinite(weights).all():
        raise WeightsRefused(
            f"{checkpoint.name}: its head is {list(weights.shape)}, "
            f"expected finite numbers [{HIDDEN_DIM}, {spec.dim}]"
        )
    revision = digest[:REVISION_CHARACTERS]
    described = replace(
        spec,
        revision=revision,
        n_parameters=(MINILM_LAYOUT.n_parameters or 0) + weights.size,
        memory_bytes=MINILM_LAYOUT.memory_bytes,
    )
    return TokenHead(weights, f"head-{revision}", described)


def save_head(weights: NDArray[np.float32], folder: Path) -> None:
    """Writes a trained head in the form that `load_head` reads.

    Args:
        weights: float32 `[384, dim]`.
        folder: which exists.
    """
    from safetensors.numpy import save_file

    config = {
        "architectures": [ARCHITECTURE],
        "base": MINILM_LAYOUT.id,
        "base_revision": MINILM_LAYOUT.revision,
        "hidden_size": HIDDEN_DIM,
        "embedding_dim": int(weights.shape[1]),
    }
    save_file({TENSOR: np.ascontiguousarray(weights, dtype=np.float32)}, folder / WEIGHTS)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
