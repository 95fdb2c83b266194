"""Progress bars on standard error, so that standard output stays for results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from app.errors import printable
from ingest.progress import STAGE_UNITS, OnProgress
from ingest.progress import Progress as IngestProgress


class SpeedColumn(ProgressColumn):
    """How many pages a second, with its unit."""

    def render(self, task: Task) -> Text:
        """The text of the column."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} {task.fields['unit']}/s")


@contextmanager
def show_progress() -> Iterator[OnProgress]:
    """Yields what a long job reports to; each of its stages gets a bar."""
    tasks: dict[str, TaskID] = {}
    with _open_bars() as bars:

        def show(progress: IngestProgress) -> None:
            if progress.total == 0:
                return
            if progress.stage not in tasks:
                tasks[progress.stage] = _add_bar(bars, progress.stage, progress.stage.capitalize())
            _move_bar(bars, tasks[progress.stage], progress)

        yield show


@contextmanager
def show_named_progress() -> Iterator[Callable[[str], OnProgress]]:
    """Yields what gives each of several long jobs, by its name, a bar of its own.

    The bar shows the stage that the job is in.
    """
    with _open_bars() as bars:

        def name_bar(name: str) -> OnProgress:
            tasks: dict[str, TaskID] = {}

            def show(progress: IngestProgress) -> None:
                if progress.total == 0:
                    return
                if progress.stage not in tasks:
                    for done in tasks.values():
                        bars.update(done, visible=False)
                    title = f"{name}: {progress.stage}"
                    tasks[progress.stage] = _add_bar(bars, progress.stage, title)
                _move_bar(bars, tasks[progress.stage], progress)

            return show

        yield name_bar


def _open_bars() -> Progress:
    return Progress(
        TextColumn("{task.description:9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        SpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[document]}"),
        console=Console(stderr=True),
    )


def _add_bar(bars: Progress, stage: str, title: str) -> TaskID:
    return bars.add_task(escape(printable(title)), unit=STAGE_UNITS[stage], document="")


def _move_bar(bars: Progress, task: TaskID, progress: IngestProgress) -> None:
    bars.update(
        task,
        completed=progress.done,
        total=progress.total,
        document=escape(printable(progress.document)),
    )
