"""Shorter vectors: prefixes that a model was trained for (Kusupati et al. 2022, "Matryoshka").

The one place that decides whether a vector may be cut, for encoders of pages and of text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import DimensionRefused
from retrieval.model_spec import names_folder

# Where the config.json of a checkpoint lists the prefixes it was trained for: jina-embeddings-v3
# says it in the first word, jina-embeddings-v4 in the second.
CONFIG_NAMES = ("matryoshka_dimensions", "matryoshka_dims")


# A name of a model may end in the length that its vectors shall have.
SUFFIX = re.compile(r"(.+):([1-9][0-9]*)")


class ModelName(NamedTuple):
    """The name of a model, and the length that its vectors shall have; None for their own."""

    name: str
    dim: int | None

    def __str__(self) -> str:
        """The name as a library keeps it, and as people write it."""
        return self.name if self.dim is None else f"{self.name}:{self.dim}"

    @property
    def unpinned(self) -> str:
        """The name without the revision that may stand behind it."""
        return self.name.partition("@")[0]

    def resolve(self) -> ModelName:
        """The same by an absolute path, if it is a folder, which is then found from any other."""
        if not names_folder(self.name):
            return self
        return self._replace(name=str(Path(self.name).resolve()))


def read_name(text: str) -> ModelName:
    """What a model is called, from a name such as `nomic-ai/nomic-embed-text-v1.5:256`."""
    found = SUFFIX.fullmatch(text)
    if found is None or names_folder(text):
        return ModelName(text, None)
    return ModelName(found[1], int(found[2]))


class Sized(Protocol):
    """What a catalog entry says of the length of its vectors."""

    @property
    def id(self) -> str:
        """The name it is asked for by."""

    @property
    def dim(self) -> int:
        """Length of a whole vector."""

    @property
    def matryoshka_dims(self) -> tuple[int, ...]:
        """Shorter prefixes it was trained for, ascending."""


def choose_dim(spec: Sized, asked: int | None) -> int:
    """The length of the vectors to make: the whole, or the prefix asked for.

    A prefix of a vector that was not trained for it finds much less, and nothing would say so.

    Raises:
        DimensionRefused: the model is not known to be trained for it.
    """
    if asked is None or asked == spec.dim:
        return spec.dim
    if asked in spec.matryoshka_dims:
        return asked
    if not spec.matryoshka_dims:
        raise DimensionRefused(
            f"{spec.id} cannot be cut to {asked} dimensions: it is not known to be trained for "
            f"fewer than its {spec.dim}"
        )
    known = ", ".join(map(str, spec.matryoshka_dims))
    raise DimensionRefused(
        f"{spec.id} cannot be cut to {asked} dimensions: it was trained for {known} and {spec.dim}"
    )


def cut_vectors(vectors: NDArray[np.floating], dim: int) -> NDArray[np.float32]:
    """The first `dim` numbers of each row of `[n, dim or more]`, scaled to unit length again."""
    prefixes = np.asarray(vectors[:, :dim], dtype=np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(prefixes / np.linalg.norm(prefixes, axis=1, keepdims=True), np.float32)


def read_trained_dims(config: Mapping[str, Any], dim: int) -> tuple[int, ...]:
    """The prefixes shorter than `dim` that a checkpoint's config says it was trained for."""
    listed = next((config[name] for name in CONFIG_NAMES if config.get(name)), ())
    return tuple(sorted({int(prefix) for prefix in listed if 0 < int(prefix) < dim}))
