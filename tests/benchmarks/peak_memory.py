"""The most memory that a process and its children take, and whether it grows with the corpus."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import psutil

from app.library import Library
from app.settings import load_settings
from tests.benchmarks.benchmark_pages import write_pages

POLL_S = 0.25
GROWTH_FACTOR = 4

# Rendering processes and pages in work are so many a core, and must be as many in a short run as in
# a long one: where there are 64 cores, a few dozen pages would not even fill them.
CORES = 2


class PeakMemory:
    """Watches this process and its children from a thread while it is open.

    Attributes:
        peak_bytes: the most seen.
    """

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        this = psutil.Process()
        while True:
            self.peak_bytes = max(self.peak_bytes, count_tree_bytes(this))
            if self._stopped.wait(POLL_S):
                return


def count_tree_bytes(process: psutil.Process) -> int:
    """Memory of a process and its children that the system cannot take back.

    Files mapped into memory, as the index maps its vectors, are left out where the system tells
    them apart (Linux): they fill what is free and give way to whoever needs it.
    """
    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            memory = member.memory_info()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        total += memory.rss - getattr(memory, "shared", 0)
    return total


def measure_growth(
    checkpoint: Path, n_pages: int, folder: Path, device: str, on_done: Callable[[], None]
) -> list[dict[str, int]]:
    """Ingests `n_pages` into a library, then a document of four times as many.

    A document before them, unmeasured, lets the allocators take what they will keep.

    Returns:
        `pages` and `peak_memory_bytes` of both, rendering processes included.

    Raises:
        RuntimeError: not every page was indexed.
    """
    runs = []
    settings = load_settings(
        library=folder / "library", model=str(checkpoint), device=device, skip_self_test=True
    )
    with mock.patch("os.cpu_count", return_value=CORES), Library(settings) as library:
        for n in (n_pages + 1, n_pages, GROWTH_FACTOR * n_pages):
            document = write_pages(folder / f"{n}.pdf", n)
            gc.collect()
            with PeakMemory() as memory:
                report = library.ingest([document], lambda progress: None)
            if report.pages != n:
                raise RuntimeError(f"{report.pages} of {n} pages were indexed")
            runs.append({"pages": n, "peak_memory_bytes": memory.peak_bytes})
            on_done()
    return runs[1:]
