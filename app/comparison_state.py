"""How far a comparison has come that a server runs, and what its process tells of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from ingest.progress import Progress


class VariantStage(str, Enum):
    """Where a way to search stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class VariantState:
    """How far one way to search is measured.

    Attributes:
        progress: what is being done for it; None unless it is running, and before it is known.
        error: why it could not be measured; None unless it failed.
    """

    name: str
    stage: VariantStage = VariantStage.WAITING
    progress: Progress | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class VariantBegun:
    """The next way to search is begun: those before it are over."""


@dataclass(frozen=True, slots=True)
class VariantRefused:
    """The way to search that is at hand could not be measured, and why."""

    error: str


@dataclass(frozen=True, slots=True)
class ComparisonEnded:
    """The last thing that is told.

    Attributes:
        report: what the report is asked for by; None if there is none.
        error: why there is none, for people.
    """

    report: str | None
    error: str | None


# What the process that compares tells the one that has started it; of the way to search that is at
# hand, how far it is.
Message = VariantBegun | Progress | VariantRefused | ComparisonEnded


@dataclass(frozen=True, slots=True)
class ComparisonState:
    """How far the comparison is that was begun last.

    Attributes:
        n_questions: how many are asked; 0 where none was begun yet.
        gathering: how many documents the ways to search are given, before the first is measured.
        variants: the ways to search, in the order in which they are measured.
        report: what its report is asked for by; None before it is there.
        error: why it ended without one; None where it did not.
    """

    is_running: bool = False
    is_cancelled: bool = False
    n_questions: int = 0
    gathering: Progress | None = None
    variants: tuple[VariantState, ...] = ()
    report: str | None = None
    error: str | None = None

    def take(self, message: Message) -> ComparisonState:
        """The state after something was told."""
        match message:
            case VariantBegun():
                done = replace(self._move(VariantStage.DONE), gathering=None)
                return done._move(VariantStage.RUNNING, at=VariantStage.WAITING)
            case Progress():
                return self._move(VariantStage.RUNNING, progress=message)
            case VariantRefused(error):
                return self._move(VariantStage.FAILED, error=error)
            case ComparisonEnded(report, error):
                return replace(self._move(VariantStage.DONE), report=report, error=error)

    def leave_off(self) -> ComparisonState:
        """The same with nothing at work any more: what was is not measured."""
        return self._move(VariantStage.WAITING)

    def _move(
        self,
        stage: VariantStage,
        *,
        at: VariantStage = VariantStage.RUNNING,
        progress: Progress | None = None,
        error: str | None = None,
    ) -> ComparisonState:
        """Gives the first way to search that is at a stage another, if there is one."""
        variants = list(self.variants)
        for place, variant in enumerate(variants):
            if variant.stage is at:
                variants[place] = VariantState(variant.name, stage, progress, error)
                break
        return replace(self, variants=tuple(variants))
