"""Progress bars on standard error, so that standard output stays for results."""

from __future__ import annotations

from collections.abc import Iterator
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
    with Progress(
        TextColumn("{task.description:9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        SpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[document]}"),
        console=Console(stderr=True),
    ) as bars:

        def show(progress: IngestProgress) -> None:
            if progress.total == 0:
                return
            if progress.stage not in tasks:
                tasks[progress.stage] = bars.add_task(
                    progress.stage.capitalize(), unit=STAGE_UNITS[progress.stage], document=""
                )
            bars.update(
                tasks[progress.stage],
                completed=progress.done,
                total=progress.total,
                document=escape(printable(progress.document)),
            )

        yield show
