"""How a model is trained; it can be read without loading anything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How a model is trained.

    Attributes:
        epochs: how often each question is trained on, at most.
        batch_questions: questions in a step; their pages are negatives to each other.
        n_negatives: hard negatives of a question in a step.
        temperature: of InfoNCE; similarities are divided by it.
        learning_rate: of AdamW at its highest; None for what suits the kind of model.
        matryoshka_dims: prefixes of the vectors that are trained besides the whole, ascending.
        held_out: share of the questions that is measured on and not trained on.
        positive_share: a candidate that scores more than this share of the right page's score may
            be right itself, and is no negative.
        patience: epochs without a gain after which a training ends.
        seed: of all that is drawn.

    Raises:
        ValueError: a value cannot be.
    """

    epochs: int = 5
    batch_questions: int = 16
    n_negatives: int = 7
    temperature: float = 0.02
    learning_rate: float | None = None
    matryoshka_dims: tuple[int, ...] = ()
    held_out: float = 0.15
    positive_share: float = 0.95
    patience: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch_questions, self.patience) < 1 or self.n_negatives < 0:
            raise ValueError("epochs, batches and patience are 1 or more, negatives 0 or more")
        if self.temperature <= 0 or not 0 < self.held_out < 1 or not 0 < self.positive_share <= 1:
            raise ValueError("a temperature is above 0, a share between 0 and 1")
        if list(self.matryoshka_dims) != sorted(set(self.matryoshka_dims)):
            raise ValueError("Matryoshka dimensions ascend")
