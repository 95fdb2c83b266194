"""What a reranker is: a frozen description, and what it does with a question and passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.model_spec import ModelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankerSpec(ModelSpec):
    """A catalog entry of a reranker; listing it loads no weights.

    Its context is what question and passage share; a longer passage is cut.
    """


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
