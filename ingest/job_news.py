"""What happens to the jobs of this process, told to those who wait for it."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

from retrieval.errors import PagelensError

# How often somebody who waits looks up without news: other processes tell none.
WAIT_S = 0.5

# Jobs left that nobody has asked for yet: the last ones.
KEPT_ENDED = 1_000


class JobNews:
    """Counts workflows at work and pages written; halts all when this process shall stop."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._n_running = 0
        self._idle_since = time.monotonic()
        self._n_pages = 0
        # Of each job at work: when it was begun here, and its pages written since.
        self._begun: dict[str, float] = {}
        self._pages_of: Counter[str] = Counter()
        self._ended: deque[str] = deque(maxlen=KEPT_ENDED)
        self._is_stopping = False
        # Why what became of a job could not be written down; None as long as it can.
        self.fault: PagelensError | None = None

    @contextmanager
    def job(self, job_id: str) -> Iterator[None]:
        """Entered while the workflow of a job is at work."""
        with self._changed:
            self._n_running += 1
            self._begun[job_id] = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                self._n_running -= 1
                self._idle_since = time.monotonic()
                self._begun.pop(job_id, None)
                self._pages_of.pop(job_id, None)
                self._ended.append(job_id)
                self._changed.notify_all()

    def tell_pages(self, job_id: str, n_pages: int) -> None:
        """Pages of a job have been written."""
        with self._changed:
            self._n_pages += n_pages
            self._pages_of[job_id] += n_pages
            self._changed.notify_all()

    def tell_fault(self, fault: PagelensError) -> None:
        """What became of a job cannot be written down: whoever waits for it would never know."""
        with self._changed:
            self.fault = fault
            self._changed.notify_all()

    def wait(self) -> None:
        """Waits for news, but not for long."""
        with self._changed:
            self._changed.wait(WAIT_S)

    def take_ended(self) -> list[str]:
        """The jobs that were left since this was called last."""
        with self._changed:
            ended = list(self._ended)
            self._ended.clear()
            return ended

    def seconds_a_page(self, job_id: str) -> float | None:
        """How long a page of a job has taken since it was begun here; None as long as none has."""
        with self._changed:
            n_pages = self._pages_of.get(job_id)
            return (time.monotonic() - self._begun[job_id]) / n_pages if n_pages else None

    @property
    def n_pages(self) -> int:
        """Pages written in this process."""
        return self._n_pages

    @property
    def is_idle(self) -> bool:
        """Whether no workflow is at work in this process."""
        return self._n_running == 0

    @property
    def idle_s(self) -> float:
        """For how many seconds no workflow has been at work; 0 while one is."""
        with self._changed:
            return 0.0 if self._n_running else time.monotonic() - self._idle_since

    def begin_idling(self) -> None:
        """Counts the time in which no workflow is at work from now."""
        with self._changed:
            self._idle_since = time.monotonic()

    @property
    def is_stopping(self) -> bool:
        """Whether all steps must end after the pages at hand."""
        return self._is_stopping

    def stop(self, timeout_s: float) -> None:
        """Halts all jobs, and waits until their steps have ended."""
        self._is_stopping = True
        with self._changed:
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._n_running == 0, timeout_s)
