"""`pagelens ingest --watch`: files are added as they come, whoever holds the library."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Protocol

from app.progress import show_progress
from ingest.progress import FileReport, IngestReport, OnFile, OnProgress, Outcome, Progress
from ingest.watch import FolderWatch
from retrieval.errors import PagelensError, PathNotFound, ServerUnreachable


class TakeFiles(Protocol):
    """Adds files and folders: the library itself, or the server that holds it."""

    def __call__(
        self, paths: list[Path], on_progress: OnProgress, *, on_file: OnFile = ...
    ) -> IngestReport:
        """See `Library.ingest` and `hand_over`."""


def ingest_as_they_come(
    take: TakeFiles,
    folders: list[Path],
    library_folder: Path,
    on_file: OnFile,
    on_delay: Callable[[PagelensError], None],
) -> Iterator[IngestReport]:
    """Adds the files of folders, then those that are new or changed, without end.

    Args:
        take: adds files.
        folders: are watched, with all below them.
        library_folder: where the library is.
        on_file: is told each file as soon as it is done with; of what is there at the beginning,
            not what the library holds already.
        on_delay: is told once why files cannot be taken for now; they are tried again.

    Yields:
        What was done each time that files came; the first time with what an earlier run had left.

    Raises:
        WatchFailed: the folders cannot be watched.
        PathNotFound: one of them is gone.
    """
    watch = FolderWatch(folders, library_folder)
    is_first, is_delayed = True, False
    for files in watch:
        try:
            with show_progress() if is_first else nullcontext(_pass_over) as on_progress:
                report = take(
                    files, on_progress, on_file=_only_new(on_file) if is_first else on_file
                )
        except (ServerUnreachable, PathNotFound) as error:
            watch.give_back(files)
            if not is_delayed:
                on_delay(error)
            is_delayed = True
            continue
        is_first = is_delayed = False
        watch.note(report.files)
        yield report


def _pass_over(_: Progress) -> None:
    pass


def _only_new(on_file: OnFile) -> OnFile:
    def tell(file: FileReport) -> None:
        if file.outcome is not Outcome.ALREADY_THERE:
            on_file(file)

    return tell
