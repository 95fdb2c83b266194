"""The one loop that every kind of model is trained by.

It ends early when the held-out questions gain no more, keeps the weights that they were answered
best with, and goes on where it was cut off: after each epoch all that it needs is written down.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.errors import TooFewQuestions
from retrieval.evaluation import DEPTH, measure_run
from retrieval.training.batches import draw_batches
from retrieval.training.options import TrainingOptions
from retrieval.training.records import Epoch, Example, Fitted, HeldOut, Learner, OnStep

# The first steps go slowly: Adam's estimates of the gradient's size are still poor.
WARM_UP_SHARE = 0.1

# Gradients longer than this are shortened.
LONGEST_GRADIENT = 1.0


@dataclass(slots=True)
class _State:
    """All that a training goes on with.

    Attributes:
        weights: after the last epoch.
        best_weights: after the best one.
    """

    before: tuple[float, ...]
    weights: list[Any]
    optimizer: dict[str, Any]
    after: tuple[float, ...] = ()
    best: int = 0
    best_weights: list[Any] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)


def fit(
    learner: Learner,
    examples: Sequence[Example],
    held_out: HeldOut,
    options: TrainingOptions,
    state_file: Path,
    on_step: OnStep,
) -> Fitted:
    """Trains a model; it then has the weights of the best epoch.

    Args:
        learner: the model.
        examples: what it is trained on.
        held_out: what it is measured on.
        options: how.
        state_file: where it is kept how far the training is. A file of the same training is gone on
            with, one of another is overwritten.
        on_step: called with the steps done, and how many there are at most.

    Returns:
        What was measured before, after each epoch, and with the weights that are kept.

    Raises:
        TooFewQuestions: there is nothing to learn from.
    """
    import torch

    parameters = list(learner.parameters)
    optimizer = torch.optim.AdamW(parameters, lr=1.0, weight_decay=0.0)
    called = _name_training(examples, held_out, options, parameters)
    batches_an_epoch = len(draw_batches(examples, options.batch_questions, options.seed))
    if not batches_an_epoch:
        raise TooFewQuestions("one question without a wrong page beside it teaches nothing")
    n_steps = options.epochs * batches_an_epoch
    state = _read_state(state_file, called)
    if state is None:
        before = measure_questions(learner, held_out)
        state = _State(before, _copy(parameters), optimizer.state_dict())
    _put(parameters, state.weights)
    optimizer.load_state_dict(state.optimizer)
    while not _is_over(state, options):
        number = len(state.epochs) + 1
        # A training that is gone on with draws what one that was never cut off would draw.
        torch.manual_seed(options.seed + number)
        losses = []
        batches = draw_batches(examples, options.batch_questions, options.seed + number)
        first_step = (number - 1) * batches_an_epoch
        for step, batch in enumerate(batches, first_step + 1):
            rate = options.learning_rate or learner.learning_rate
            optimizer.param_groups[0]["lr"] = rate * _scale_rate(step, n_steps)
            optimizer.zero_grad()
            loss = learner.compute_loss(batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, LONGEST_GRADIENT)
            optimizer.step()
            losses.append(loss.item())
            on_step(min(step, n_steps), n_steps)
        measured = measure_questions(learner, held_out)
        ndcg10 = float(np.mean(measured))
        if state.best == 0 or ndcg10 > max(epoch.ndcg10 for epoch in state.epochs):
            state.best, state.after, state.best_weights = number, measured, _copy(parameters)
        state.epochs.append(Epoch(number, float(np.mean(losses)), ndcg10))
        state.weights, state.optimizer = _copy(parameters), optimizer.state_dict()
        _write_state(state_file, called, state)
    _put(parameters, state.best_weights)
    return Fitted(state.before, state.after, tuple(state.epochs), state.best)


def measure_questions(learner: Learner, held_out: HeldOut) -> tuple[float, ...]:
    """nDCG@10 of each held-out question among the pages of the pool, as trec_eval counts it."""
    scores = learner.score([question.text for question in held_out.questions], held_out.pool)
    measured = []
    for question, row in zip(held_out.questions, scores, strict=True):
        best_first = np.argsort(-row, kind="stable")[:DEPTH]
        run = {question.id: [(held_out.pool[i], float(row[i])) for i in best_first]}
        qrels = {question.id: question.relevant}
        measured.append(measure_run(qrels, run, [question.id])["ndcg@10"])
    return tuple(measured)


def _is_over(state: _State, options: TrainingOptions) -> bool:
    n_epochs = len(state.epochs)
    has_stalled = n_epochs > 0 and n_epochs - state.best >= options.patience
    return n_epochs >= options.epochs or has_stalled


def _scale_rate(step: int, n_steps: int) -> float:
    """Up to 1 in the first steps, then down to 0 in a straight line."""
    warm_up = max(1, round(WARM_UP_SHARE * n_steps))
    if step <= warm_up:
        return step / warm_up
    return max(0.0, (n_steps - step + 1) / max(1, n_steps - warm_up))


def _copy(parameters: Sequence[Any]) -> list[Any]:
    return [parameter.detach().cpu().clone() for parameter in parameters]


def _put(parameters: Sequence[Any], weights: Sequence[Any]) -> None:
    import torch

    with torch.no_grad():
        for parameter, weight in zip(parameters, weights, strict=True):
            parameter.copy_(weight)


def _name_training(
    examples: Sequence[Example],
    held_out: HeldOut,
    options: TrainingOptions,
    parameters: Sequence[Any],
) -> str:
    """A hash of what a training starts from and of how it goes."""
    digest = hashlib.sha256(repr(asdict(options)).encode())
    for part in _list_parts(examples, held_out):
        digest.update(repr(part).encode())
    for parameter in parameters:
        digest.update(str(tuple(parameter.shape)).encode())
        digest.update(f"{float(parameter.detach().double().abs().sum()):.6e}".encode())
    return digest.hexdigest()


def _list_parts(examples: Sequence[Example], held_out: HeldOut) -> Iterator[Any]:
    for example in examples:
        yield example.question.text, sorted(example.question.relevant), example.negatives
    for question in held_out.questions:
        yield question.text, sorted(question.relevant)
    yield held_out.pool


def _write_state(path: Path, called: str, state: _State) -> None:
    import torch

    content = {
        "called": called,
        "before": list(state.before),
        "weights": state.weights,
        "optimizer": state.optimizer,
        "after": list(state.after),
        "best": state.best,
        "best_weights": state.best_weights,
        "epochs": [(epoch.number, epoch.loss, epoch.ndcg10) for epoch in state.epochs],
    }
    half_done = path.with_suffix(".half-done")
    torch.save(content, half_done)
    half_done.replace(path)


def _read_state(path: Path, called: str) -> _State | None:
    import torch

    if not path.exists():
        return None
    content = torch.load(path, weights_only=True)
    if content["called"] != called:
        return None
    return _State(
        tuple(content["before"]),
        content["weights"],
        content["optimizer"],
        tuple(content["after"]),
        content["best"],
        content["best_weights"],
        [Epoch(*epoch) for epoch in content["epochs"]],
    )
