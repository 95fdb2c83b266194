"""What `pagelens train` prints: JSON for programs, and text for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from app.errors import printable
from app.training import Training
from app.wording import count_things
from retrieval.bootstrap import Estimate, estimate_difference


def training_json(trained: Training) -> dict[str, Any]:
    """The last line of `train --json`."""
    gain = _estimate_gain(trained)
    return {
        "output": str(trained.output),
        **asdict(trained.card),
        "gain_interval": None if gain is None else [round(gain.low, 4), round(gain.high, 4)],
        "left_out": trained.n_left_out,
        "losses": [round(epoch.loss, 4) for epoch in trained.fitted.epochs],
        "ndcg10": [round(epoch.ndcg10, 4) for epoch in trained.fitted.epochs],
    }


def print_training(trained: Training) -> None:
    """Each epoch in a row, what was gained, and how the checkpoint is used."""
    console = Console()
    card, fitted = trained.card, trained.fitted
    table = Table(
        "epoch", "loss", f"nDCG@10 of {count_things(card.n_held_out, 'held-out question')}"
    )
    table.add_row("before", "", f"{card.ndcg10_before:.3f}")
    for epoch in fitted.epochs:
        kept = " (kept)" if epoch.number == fitted.best else ""
        table.add_row(str(epoch.number), f"{epoch.loss:.3f}", f"{epoch.ndcg10:.3f}{kept}")
    console.print(table)
    told = (
        f"Trained {card.base} on {count_things(card.n_training, 'question')} with "
        f"{count_things(card.n_hard_negatives, 'hard negative')}."
    )
    if trained.n_left_out:
        told += f" {count_things(trained.n_left_out, 'question')} left out."
    console.print(told, highlight=False)
    console.print(_describe_gain(_estimate_gain(trained)), highlight=False)
    console.print(
        printable(f"The checkpoint is in {trained.output}: {trained.option} takes it."),
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _estimate_gain(trained: Training) -> Estimate | None:
    """What the held-out questions gained, paired; None for one alone, which has no interval."""
    fitted = trained.fitted
    if len(fitted.before) < 2:
        return None
    return estimate_difference(fitted.after, fitted.before)


def _describe_gain(gain: Estimate | None) -> str:
    if gain is None:
        return "One held-out question does not show whether anything was gained."
    told = f"nDCG@10 {gain.mean:+.3f} (95 % interval {gain.low:+.3f} to {gain.high:+.3f})"
    if not gain.differs_from_zero:
        return f"{told}: no difference that {gain.n} questions can show. Stay with the base."
    return f"{told}: a gain." if gain.mean > 0 else f"{told}: a loss. Stay with the base."
