"""The records of a training: questions in, examples and batches between, a report out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.records import Page

# A page: (document id, page index), as everywhere below the library.
PageKey = tuple[str, int]

# Gives a page of the training its words, and its picture where the model looks at pictures.
ReadPage = Callable[[PageKey], Page]

# Is called with the steps or pages done, and how many there are at most.
OnStep = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TrainingQuestion:
    """A question, and the pages that answer it.

    Attributes:
        relevant: page -> its grade, above 0; at least one.
    """

    id: str
    text: str
    relevant: Mapping[PageKey, int]

    @property
    def documents(self) -> frozenset[str]:
        """The documents of the pages that answer it."""
        return frozenset(document for document, _ in self.relevant)


@dataclass(frozen=True, slots=True)
class Example:
    """A question that is trained on, with the hard negatives mined for it, the hardest first."""

    question: TrainingQuestion
    negatives: tuple[PageKey, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """What one step sees of an example: a page that answers, and some that do not."""

    question: TrainingQuestion
    positive: PageKey
    negatives: tuple[PageKey, ...]

    @property
    def pages(self) -> tuple[PageKey, ...]:
        """All of its pages."""
        return (self.positive, *self.negatives)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What is measured and never trained on.

    Attributes:
        questions: whose documents no question of the training has.
        pool: the pages that each question is to find its own among.
    """

    questions: tuple[TrainingQuestion, ...]
    pool: tuple[PageKey, ...]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One time through all examples.

    Attributes:
        number: from 1.
        loss: the mean of its steps.
        ndcg10: mean nDCG@10 of the held-out questions after it.
    """

    number: int
    loss: float
    ndcg10: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """How a training went.

    Attributes:
        before: nDCG@10 of each held-out question with the base, in their order.
        after: the same with the weights that are kept.
        epochs: those that were run.
        best: the number of the one whose weights are kept.
    """

    before: tuple[float, ...]
    after: tuple[float, ...]
    epochs: tuple[Epoch, ...]
    best: int


class Learner(Protocol):
    """A model in training, on the pages that it was opened with."""

    @property
    def learning_rate(self) -> float:
        """What suits this kind of model."""

    @property
    def parameters(self) -> Sequence[Any]:
        """The `torch.nn.Parameter`s that are trained."""

    def compute_loss(self, batch: Sequence[Pair]) -> Any:
        """InfoNCE of a batch, a scalar tensor with its gradient.

        No page of the batch answers a question other than the one it is the positive of.
        """

    def score(self, questions: Sequence[str], pages: Sequence[PageKey]) -> NDArray[np.float32]:
        """How well each page answers each question now: `[n_questions, n_pages]`."""

    def save(self, folder: Path) -> None:
        """Writes the checkpoint, in the form that this kind of model is opened from."""
