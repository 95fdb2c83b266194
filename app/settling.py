"""What a library must know of all its pages, found out anew after some were added."""

from __future__ import annotations

import threading

from ingest.documents import NONSENSE_SCORE
from ingest.locks import LibraryLocks
from ingest.progress import OnProgress, Progress
from ingest.spaces import Space, Spaces
from retrieval.index.first_stage import build_first_stage, wants_codebook
from retrieval.nonsense import measure_nonsense


class Settling:
    """The first stage of a space's index, and what nonsense scores in it.

    Attributes:
        lock: held while it is at work.
    """

    def __init__(self, spaces: Spaces, locks: LibraryLocks) -> None:
        """Measures nothing yet.

        Args:
            spaces: the library's.
            locks: one is held while nothing may be written to the index.
        """
        self.lock = threading.Lock()
        self._spaces = spaces
        self._locks = locks
        self._is_closed = False

    @property
    def is_due(self) -> bool:
        """Whether the index has become so large that it wants another first stage."""
        return wants_first_stage(self._spaces.active)

    def settle(self, on_progress: OnProgress, space: Space | None = None) -> None:
        """Measures a space anew; changes nothing once it is closed.

        Args:
            on_progress: called as pages are arranged.
            space: which; None for the one that is searched.
        """
        with self.lock:
            if self._is_closed:
                return
            space = space or self._spaces.follow()
            self._arrange(space, on_progress)
            nonsense = measure_nonsense(space.encoder, space.index)
            space.settings.write(NONSENSE_SCORE, str(nonsense))

    def close(self) -> None:
        """Waits until what is at work is done, and begins no more."""
        with self.lock:
            self._is_closed = True

    def _arrange(self, space: Space, on_progress: OnProgress) -> None:
        """Gives the index the first stage that its size wants; searches are exact meanwhile."""
        if not wants_first_stage(space):
            return
        with self._locks.alone():
            # Another process may have been quicker.
            space.first_stage.follow()
            if not wants_first_stage(space):
                return
            # A run cut off half-way must not leave a codebook that some pages have no cells of.
            space.first_stage.withdraw()
            n_pages = space.index.count()
            codebook = build_first_stage(
                space.index, lambda done, total: on_progress(Progress("arranging", done, total, ""))
            )
            space.first_stage.publish(codebook, n_pages)


def wants_first_stage(space: Space) -> bool:
    """Whether the index of a space has become so large that it wants another first stage."""
    return wants_codebook(space.index.count(), space.first_stage.n_pages)
