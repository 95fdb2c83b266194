"""Rendering processes that run ahead of the encoder, and survive every file.

PDFium is not thread-safe and can crash or hang on a damaged file, so pages are rendered in child
processes with limits of time and memory. A process that dies takes one page with it.

The limits keep a file from stopping the machine. They are no sandbox: a file that takes over the
parser acts with the rights of whoever runs Pagelens, since what a rendering process sends is
unpickled.
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from ingest.media_types import MediaType
from ingest.render import RenderedPage, count_pages, nothing_but_refusals, render_pages
from ingest.sources import Source
from retrieval.errors import FileRefused, RenderingFailed

# Pages that may be on their way to the encoder, for each process: bounds memory, not speed.
PAGES_AHEAD = 12

# The slowest honest page seen, a dense scan by OCR, took 20 s of processor time. What sleeps, or
# waits for poppler, uses none, so there is a limit by the clock as well.
TASK_CPU_S = 40
TASK_TIMEOUT_S = 50

# Address space of a process; OCR and a 200-megapixel picture together take under 2 GB.
PROCESS_MEMORY_BYTES = 4 << 30
# Rendering writes no files; what a parser writes all the same must not fill the disk.
PROCESS_FILE_BYTES = 16 << 20

# How often a page may see all processes break down before it is given up.
ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class _Task:
    """A call for a rendering process, where it was sent, and what will come of it."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    pool: ProcessPool
    future: ProcessFuture


class RenderPool:
    """Counts and renders pages in child processes. Safe to use from several threads.

    Use it as a context manager; leaving it stops the processes.
    """

    def __init__(self, n_processes: int | None = None) -> None:
        self._n_processes = n_processes or max(1, os.cpu_count() or 1)
        self._replacing = threading.Lock()
        self._is_closed = False
        self._pool = self._start_processes()

    def __enter__(self) -> RenderPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._replacing:
            self._is_closed = True
            self._pool.stop()
            self._pool.join()

    def count_pages(self, path: Path, media_type: MediaType) -> int:
        """Opens a file and counts its pages.

        Raises:
            FileRefused: the file cannot become a document.
        """
        n_pages: int = self.run(count_pages, path, media_type)
        return n_pages

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a function in a rendering process, within its limits, and waits for the result.

        Raises:
            FileRefused: the function raised it, or another error, or its process did not survive.
        """
        return self._wait_for(self._schedule(function, *arguments))

    def render(
        self, jobs: Iterable[tuple[Source, Path, Sequence[int]]], image_long_side_px: int | None
    ) -> Iterator[tuple[Source, list[RenderedPage]]]:
        """Renders documents page by page, in order, running ahead of whoever reads.

        Args:
            jobs: (source, the file to read, which of its pages).
            image_long_side_px: the picture the encoder wants; None for none.
        """
        waiting: deque[tuple[Source, int, _Task]] = deque()
        for source, path, indexes in jobs:
            for index in indexes:
                task = self._schedule(
                    render_pages, path, source.media_type, [index], image_long_side_px
                )
                waiting.append((source, index, task))
                if len(waiting) >= self._n_processes * PAGES_AHEAD:
                    yield self._finish(*waiting.popleft())
        while waiting:
            yield self._finish(*waiting.popleft())

    def _finish(self, source: Source, index: int, task: _Task) -> tuple[Source, list[RenderedPage]]:
        try:
            return source, self._wait_for(task)
        except FileRefused as error:
            return source, [RenderedPage(index, error=str(error))]

    def _schedule(self, function: Callable[..., Any], *arguments: Any) -> _Task:
        pool = self._pool
        try:
            future = pool.schedule(
                _run_limited, args=(function, *arguments), timeout=TASK_TIMEOUT_S
            )
        except RuntimeError:  # it has broken down since it was asked last
            if self._is_closed:
                raise
            self._replace(pool)
            return self._schedule(function, *arguments)
        return _Task(function, arguments, pool, future)

    def _wait_for(self, task: _Task) -> Any:
        for _ in range(ATTEMPTS):
            try:
                return task.future.result()
            except FutureTimeout as error:
                raise RenderingFailed(f"it took longer than {TASK_TIMEOUT_S} s") from error
            except ProcessExpired as error:
                raise RenderingFailed(_explain_exit(error.exitcode)) from error
            except BrokenExecutor:
                # A process that is killed between two pages takes pebble's whole pool with it.
                self._replace(task.pool)
                task = self._schedule(task.function, *task.arguments)
        raise RenderingFailed("the rendering processes broke down on it")

    def _start_processes(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._n_processes,
            initializer=_limit_process,
            # A forked child would inherit torch's threads in whatever state they are.
            context=multiprocessing.get_context("spawn"),
        )

    def _replace(self, broken: ProcessPool) -> None:
        with self._replacing:
            if self._pool is broken and not self._is_closed:
                broken.stop()
                broken.join()
                self._pool = self._start_processes()


def _explain_exit(exit_code: int) -> str:
    if exit_code == -getattr(signal, "SIGXCPU", 0):
        return f"it took longer than {TASK_CPU_S} s of processor time"
    return "the rendering process crashed on it"


def _limit_process() -> None:
    """Runs first in each rendering process; programs it starts inherit the limits."""
    # A Ctrl-C reaches the whole group; the parent stops its children itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Decoders write there what they dislike about a file, in its own words.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    # If the machine runs out of memory, a renderer is the one to go.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    with contextlib.suppress(ImportError):  # no such limits on this system
        import resource

        for limit, value in (
            (resource.RLIMIT_AS, PROCESS_MEMORY_BYTES),
            (resource.RLIMIT_FSIZE, PROCESS_FILE_BYTES),
            (resource.RLIMIT_CORE, 0),
        ):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(limit, (value, value))


def _run_limited(function: Callable[..., Any], *arguments: Any) -> Any:
    """Runs one task; the kernel ends the process if it computes longer than `TASK_CPU_S`."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        spent = resource.getrusage(resource.RUSAGE_SELF)
        deadline_s = math.ceil(spent.ru_utime + spent.ru_stime) + TASK_CPU_S
        _, highest = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (deadline_s, highest))
    with nothing_but_refusals():
        return function(*arguments)
