"""What a checkpoint that was trained here says of itself: `training.json` beside its weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

CARD = "training.json"


@dataclass(frozen=True, slots=True)
class TrainingCard:
    """Where a checkpoint is from.

    Attributes:
        base: the model that the training began with.
        base_revision: of its weights.
        licence: of the base; the training adds none.
        commercial_use: whether the base permits it.
        matryoshka_dims: prefixes of the vectors that were trained, too.
        data: what the questions were: an evaluation set's folder, or the library's own.
        data_sha256: of the questions and their right pages.
        n_training: questions trained on.
        n_held_out: questions measured.
        n_hard_negatives: mined for those trained on, in all.
        ndcg10_before: mean over the held-out questions, with the base.
        ndcg10_after: the same with this checkpoint.
        epochs: that were run.
        best_epoch: the one whose weights these are.
        learning_rate: at its highest.
        temperature: of InfoNCE.
        seed: of all that was drawn.
        batch_questions: in a step.
        n_negatives: hard ones of a question, at most.
        held_out: share of the questions, by document.
        trained_on: hashes of the questions, as `hash_question` makes them: whoever measures by the
            same must know.
    """

    base: str
    base_revision: str
    licence: str
    commercial_use: bool
    matryoshka_dims: tuple[int, ...]
    data: str
    data_sha256: str
    n_training: int
    n_held_out: int
    n_hard_negatives: int
    ndcg10_before: float
    ndcg10_after: float
    epochs: int
    best_epoch: int
    learning_rate: float
    temperature: float
    seed: int
    batch_questions: int
    n_negatives: int
    held_out: float
    trained_on: tuple[str, ...]


def hash_question(text: str) -> str:
    """Tells a question from others without saying what it asks: 16 hex digits of its SHA-256."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]


def write_card(folder: Path, card: TrainingCard) -> None:
    """Writes it beside the weights."""
    (folder / CARD).write_text(json.dumps(asdict(card), indent=1) + "\n", encoding="utf-8")


def name_base(name: str) -> str:
    """What a checkpoint that was trained here began with, at last; the name of any other itself."""
    card = read_card(Path(name))
    return name_base(card.base) if card and card.base != name else name


def count_trained_on(model: str, questions: Iterable[str]) -> int:
    """How many of some questions a model was trained on here, or what it began with was."""
    known: set[str] = set()
    while (card := read_card(Path(model))) is not None:
        known.update(card.trained_on)
        if card.base == model:
            break
        model = card.base
    return sum(hash_question(question) in known for question in questions)


def read_card(folder: Path) -> TrainingCard | None:
    """That of a checkpoint; None for one that was not trained here, or has lost its card."""
    try:
        content: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
        dims = tuple(int(dim) for dim in content.pop("matryoshka_dims"))
        trained_on = tuple(str(each) for each in content.pop("trained_on"))
        return TrainingCard(matryoshka_dims=dims, trained_on=trained_on, **content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
