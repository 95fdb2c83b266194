"""Rendering processes that run ahead of the encoder, and survive every file.

PDFium is not thread-safe and can crash or hang on a damaged file, so pages are rendered in child
processes with a time and a memory limit. A process that dies takes one page with it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from types import TracebackType
from typing import Any

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from ingest.render import RenderedPage, count_pages, render_pages
from ingest.sources import MediaType, Source
from retrieval.errors import RenderingFailed

# Pages a task: enough to pay for opening the file, few enough to share one among processes.
TASK_PAGES = 4

# Finished tasks that may wait for the encoder, for each process: bounds memory, not speed.
TASKS_AHEAD = 3

# The slowest honest page seen, a dense scan by OCR, took 20 s on one core.
PAGE_TIMEOUT_S = 60
COUNT_TIMEOUT_S = 60

# Address space of a process; OCR and a 200-megapixel picture together take under 2 GB.
PROCESS_MEMORY_BYTES = 4 << 30


class RenderPool:
    """Counts and renders pages in child processes.

    Use it as a context manager; leaving it stops the processes.
    """

    def __init__(self, n_processes: int | None = None) -> None:
        self._n_processes = n_processes or max(1, os.cpu_count() or 1)
        self._pool = ProcessPool(
            max_workers=self._n_processes,
            initializer=_limit_process,
            # A forked child would inherit torch's threads in whatever state they are.
            context=multiprocessing.get_context("spawn"),
        )

    def __enter__(self) -> RenderPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.stop()
        self._pool.join()

    def count_pages(self, path: Path, media_type: MediaType) -> int:
        """Opens a file and counts its pages.

        Raises:
            FileRefused: the file cannot become a document.
        """
        future = self._pool.schedule(count_pages, args=(path, media_type), timeout=COUNT_TIMEOUT_S)
        n_pages: int = _wait_for(future, COUNT_TIMEOUT_S)
        return n_pages

    def render(
        self, jobs: Iterable[tuple[Source, Path, range]], image_long_side_px: int | None
    ) -> Iterator[tuple[Source, list[RenderedPage]]]:
        """Renders documents page by page, in order, running ahead of whoever reads.

        Args:
            jobs: (source, the file to read, which of its pages).
            image_long_side_px: the picture the encoder wants; None for none.
        """
        waiting: deque[tuple[Source, Path, list[int], ProcessFuture]] = deque()
        tasks = (
            (source, path, list(pages[first : first + TASK_PAGES]))
            for source, path, pages in jobs
            for first in range(0, len(pages), TASK_PAGES)
        )
        for source, path, indexes in tasks:
            waiting.append(
                (source, path, indexes, self._schedule(source, path, indexes, image_long_side_px))
            )
            if len(waiting) >= self._n_processes * TASKS_AHEAD:
                yield self._finish(*waiting.popleft(), image_long_side_px)
        while waiting:
            yield self._finish(*waiting.popleft(), image_long_side_px)

    def _schedule(
        self, source: Source, path: Path, indexes: list[int], image_long_side_px: int | None
    ) -> ProcessFuture:
        return self._pool.schedule(
            render_pages,
            args=(path, source.media_type, indexes, image_long_side_px),
            timeout=PAGE_TIMEOUT_S * len(indexes),
        )

    def _finish(
        self,
        source: Source,
        path: Path,
        indexes: list[int],
        future: ProcessFuture,
        image_long_side_px: int | None,
    ) -> tuple[Source, list[RenderedPage]]:
        try:
            return source, _wait_for(future, PAGE_TIMEOUT_S * len(indexes))
        except RenderingFailed as error:
            if len(indexes) == 1:
                return source, [RenderedPage(indexes[0], error=str(error))]
        # One of these pages killed its process: each alone, so that only that one is lost.
        pages = []
        for index in indexes:
            retry = self._schedule(source, path, [index], image_long_side_px)
            pages += self._finish(source, path, [index], retry, image_long_side_px)[1]
        return source, pages


def _wait_for(future: ProcessFuture, timeout_s: int) -> Any:
    try:
        return future.result()
    except FutureTimeout as error:
        raise RenderingFailed(f"rendering took longer than {timeout_s} s") from error
    except ProcessExpired as error:
        raise RenderingFailed("the rendering process crashed on it") from error
    except MemoryError as error:
        raise RenderingFailed("rendering needs too much memory") from error


def _limit_process() -> None:
    """Runs first in each rendering process."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # no such limit on this system
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (PROCESS_MEMORY_BYTES, PROCESS_MEMORY_BYTES))
    # A Ctrl-C reaches the whole group; the parent stops its children itself.
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
