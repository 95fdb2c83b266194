"""The thread in which a server moves its library to another encoder, and what is told of it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ingest.progress import OnProgress, Progress
from retrieval.errors import MigrationNotPossible, PagelensError

Work = Callable[[OnProgress], list[str]]


class MigrationThread:
    """Does one thing at a time.

    Attributes:
        progress: how far it has come; None if it is not at work.
        error: why the last work has stopped; None if nothing was wrong.
        left_out: what could not be done in the last work, and why.
    """

    def __init__(self) -> None:
        self.progress: Progress | None = None
        self.error: PagelensError | None = None
        self.left_out: tuple[str, ...] = ()
        self._beginning = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def is_at_work(self) -> bool:
        """Whether something is being done."""
        return self._thread is not None and self._thread.is_alive()

    def begin(self, work: Work, note: Callable[[], None] | None = None) -> None:
        """Begins work.

        Args:
            work: is told whom to report to.
            note: called before it begins, if it may; nothing begins where it raises.

        Raises:
            MigrationNotPossible: other work is under way.
        """
        with self._beginning:
            if self.is_at_work:
                raise MigrationNotPossible("the library's other index is being worked on")
            if note is not None:
                note()
            self.progress, self.error, self.left_out = None, None, ()
            self._thread = threading.Thread(target=self._run, args=(work,), name="migrate")
            self._thread.start()

    def join(self) -> None:
        """Waits until the work that is under way has ended."""
        if self._thread is not None:
            self._thread.join()

    def _run(self, work: Work) -> None:
        try:
            self.left_out = tuple(work(self._report))
        except PagelensError as error:
            self.error = error
        except Exception as error:
            # Nobody else would ever be told.
            self.error = PagelensError(f"{type(error).__name__}: {error}")
        finally:
            self.progress = None

    def _report(self, progress: Progress) -> None:
        self.progress = progress
