"""What is said of a library's move to another encoder: to programs, and to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.api.migration_bodies import (
    ComparisonBody,
    MigrationBody,
    MigrationErrorBody,
    MigrationStatusBody,
    StageBody,
)
from app.migration_record import Comparison, Migration, MigrationState, Target
from app.wording import count_things

if TYPE_CHECKING:
    from app.migrating import MigrationStatus

NEXT_STEPS = {
    MigrationState.ENCODING: "`pagelens migrate` goes on",
    MigrationState.READY: "`pagelens migrate` switches to it, `--drop-old` removes it",
    MigrationState.SWITCHED: "`pagelens migrate --roll-back` goes back, `--drop-old` removes the "
    "old index",
    MigrationState.ROLLED_BACK: "`pagelens migrate` switches again, `--drop-old` removes the new "
    "index",
    MigrationState.DROPPING: "`pagelens migrate --drop-old` goes on",
}


def status_body(status: MigrationStatus) -> MigrationStatusBody:
    """What is done to the second index of a library, as the API tells it."""
    progress, error = status.progress, status.error
    return MigrationStatusBody(
        migration=(
            None if status.migration is None else migration_body(status.migration, *status.pages)
        ),
        asked=None if status.order is None else status.order.describe(),
        is_at_work=status.is_at_work,
        progress=(
            StageBody(stage=progress.stage, done=progress.done, total=progress.total)
            if progress
            else None
        ),
        left_out=list(status.left_out),
        error=MigrationErrorBody(type=type(error).__name__, message=str(error)) if error else None,
    )


def migration_body(migration: Migration, pages_done: int, pages: int) -> MigrationBody:
    """A migration as `migrate --json` and `status --json` tell it."""
    return MigrationBody(
        encoder_before=migration.encoder_before,
        encoder=migration.encoder,
        state=migration.state,
        pages=pages,
        pages_done=pages_done,
        comparison=comparison_body(migration.comparison) if migration.comparison else None,
    )


def comparison_body(comparison: Comparison) -> ComparisonBody:
    """How both encoders compare."""
    return ComparisonBody(
        questions=comparison.n_questions,
        sampled=comparison.is_sampled,
        ndcg_before=comparison.ndcg_before,
        ndcg_after=comparison.ndcg_after,
        interval=(comparison.low, comparison.high),
        clearly_worse=comparison.is_clearly_worse,
    )


def describe_comparison(comparison: ComparisonBody) -> list[str]:
    """How both encoders compare, in a few lines."""
    questions = count_things(comparison.questions, "question")
    if comparison.sampled:
        questions += ", words of its own pages, as the library has no questions"
    low, high = comparison.interval
    if comparison.clearly_worse:
        verdict = "clearly worse: the whole interval lies below 0"
    elif low > 0:
        verdict = "clearly better: the whole interval lies above 0"
    else:
        verdict = "no difference that these questions can show"
    return [
        f"nDCG@10 before {comparison.ndcg_before:.3f}, after {comparison.ndcg_after:.3f} "
        f"({questions})",
        f"difference {comparison.ndcg_after - comparison.ndcg_before:+.3f}, 95 % interval "
        f"{low:+.3f} to {high:+.3f}: {verdict}",
    ]


def describe_order(order: Target) -> str:
    """What was asked for and is not begun, in a line, and what may be done next."""
    return (
        f"Migration to {order.describe()}: asked for, not begun (`pagelens migrate` begins it, "
        "`--drop-old` forgets it)."
    )


def describe_migration(migration: MigrationBody) -> str:
    """How far a migration has come, in a line, and what may be done next."""
    state = migration.state.value
    if migration.state is MigrationState.ENCODING:
        state = f"{migration.pages_done:,} of {count_things(migration.pages, 'page')} encoded"
    return (
        f"Migration from {migration.encoder_before} to {migration.encoder}: {state} "
        f"({NEXT_STEPS[migration.state]})."
    )
