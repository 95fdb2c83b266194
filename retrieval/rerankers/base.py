"""What a reranker is: a frozen description, and what it does with a question and passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class RerankerSpec:
    """A catalog entry; listing it loads no weights.

    Attributes:
        id: the name it is asked for by.
        source: where the weights come from: a package, or a hub repository.
        revision: the pinned commit, or the start of the weights' SHA-256.
        licence: SPDX identifier or name of the weights' licence.
        commercial_use: whether that licence permits it.
        n_parameters: number of weights.
        memory_bytes: memory the loaded weights take (bfloat16 for hub checkpoints).
        context_tokens: most tokens of a question and a passage together; a longer passage is cut.
        languages: what it was trained to read, for people.
        model_card: the address where the model is described.
        note: what a person who chooses it should know; empty for nothing.
    """

    id: str
    source: str
    revision: str
    licence: str
    commercial_use: bool
    n_parameters: int
    memory_bytes: int
    context_tokens: int
    languages: str
    model_card: str
    note: str = ""


class Reranker(Protocol):
    """Scores passages by reading each together with the question.

    A passage's score depends on the question and on that passage alone, not on the passages
    scored beside it.
    """

    @property
    def spec(self) -> RerankerSpec:
        """The catalog entry, or one made from a checkpoint."""

    @property
    def key(self) -> str:
        """Names all that changes a score."""

    def score(self, question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        """How well each passage answers the question.

        Args:
            question: a text of any length; the end of a very long one is cut.
            passages: texts of any length; what does not fit beside the question is cut.

        Returns:
            Float32 `[n_passages]`, in the order of the passages, higher is better: logits,
            comparable within one question. Empty for no passages.

        Raises:
            DeviceOutOfMemory: a batch does not fit into the memory of the device.
        """
