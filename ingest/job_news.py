"""What happens to the jobs of this process, told to those who wait for it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

# How often somebody who waits looks up without news.
WAIT_S = 0.5

OnPages = Callable[[str, str, int], None]


class JobNews:
    """Counts workflows at work and pages written; halts what shall not go on."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._listeners: list[OnPages] = []
        self._running: Counter[str] = Counter()
        self._n_pages = 0
        self._halted: set[str] = set()
        self._is_stopping = False

    def begin_job(self, job_id: str) -> None:
        """A workflow of a job has begun or goes on."""
        with self._changed:
            self._running[job_id] += 1

    def end_job(self, job_id: str) -> None:
        """A workflow of a job has ended, or was halted."""
        with self._changed:
            self._running -= Counter([job_id])
            self._changed.notify_all()

    def wait_for_end(self, job_ids: Collection[str], timeout_s: float) -> None:
        """Waits until no workflow of these jobs is at work in this process."""
        with self._changed:
            self._changed.wait_for(lambda: self._running.keys().isdisjoint(job_ids), timeout_s)

    def tell_pages(self, job_id: str, name: str, n_pages: int) -> None:
        """Pages of a document have been written."""
        for listener in list(self._listeners):
            listener(job_id, name, n_pages)
        with self._changed:
            self._n_pages += n_pages
            self._changed.notify_all()

    @contextmanager
    def listen(self, on_pages: OnPages) -> Iterator[None]:
        """Calls `on_pages(job id, document's name, pages written)` while it is entered.

        It is called by the threads that write.
        """
        self._listeners.append(on_pages)
        try:
            yield
        finally:
            self._listeners.remove(on_pages)

    def wait(self) -> None:
        """Waits for news, but not for long."""
        with self._changed:
            self._changed.wait(WAIT_S)

    @property
    def n_pages(self) -> int:
        """Pages written in this process."""
        return self._n_pages

    @property
    def is_idle(self) -> bool:
        """Whether no workflow is at work in this process."""
        return not self._running

    def halt(self, job_id: str) -> None:
        """Ends a job's step after the pages at hand."""
        self._halted.add(job_id)

    def let_go_on(self, job_id: str) -> None:
        """Takes `halt` back."""
        self._halted.discard(job_id)

    def is_halted(self, job_id: str) -> bool:
        """Whether a job's step must end."""
        return self._is_stopping or job_id in self._halted

    def stop(self, timeout_s: float) -> None:
        """Halts all jobs, and waits until their steps have ended."""
        self._is_stopping = True
        with self._changed:
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._running, timeout_s)
