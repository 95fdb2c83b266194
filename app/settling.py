"""What a library must know of all its pages, found out anew after some were added."""

from __future__ import annotations

import threading

from ingest.documents import NONSENSE_SCORE, Documents
from ingest.first_stage import StoredFirstStage
from ingest.locks import LibraryLocks
from ingest.progress import OnProgress, Progress
from retrieval.encoders.base import Encoder
from retrieval.index.base import PageIndex
from retrieval.index.first_stage import build_first_stage, wants_codebook
from retrieval.nonsense import measure_nonsense


class Settling:
    """The first stage of a library's index, and what nonsense scores in it.

    Attributes:
        lock: held while it is at work.
    """

    def __init__(
        self,
        encoder: Encoder,
        index: PageIndex,
        documents: Documents,
        first_stage: StoredFirstStage,
        locks: LibraryLocks,
    ) -> None:
        """Measures nothing yet.

        Args:
            encoder: of pages.
            index: that of the library.
            documents: holds what was found out.
            first_stage: that of the index.
            locks: one is held while nothing may be written to the index.
        """
        self.lock = threading.Lock()
        self._encoder = encoder
        self._index = index
        self._documents = documents
        self._first_stage = first_stage
        self._locks = locks
        self._is_closed = False

    @property
    def is_due(self) -> bool:
        """Whether the index has become so large that it wants another first stage."""
        return wants_codebook(self._index.count(), self._first_stage.n_pages)

    def settle(self, on_progress: OnProgress) -> None:
        """Measures anew; changes nothing once it is closed."""
        with self.lock:
            if self._is_closed:
                return
            self._arrange(on_progress)
            nonsense = measure_nonsense(self._encoder, self._index)
            self._documents.write_setting(NONSENSE_SCORE, str(nonsense))

    def close(self) -> None:
        """Waits until what is at work is done, and begins no more."""
        with self.lock:
            self._is_closed = True

    def _arrange(self, on_progress: OnProgress) -> None:
        """Gives the index the first stage that its size wants; searches are exact meanwhile."""
        if not self.is_due:
            return
        with self._locks.alone():
            # Another process may have been quicker.
            self._first_stage.follow()
            if not self.is_due:
                return
            # A run cut off half-way must not leave a codebook that some pages have no cells of.
            self._first_stage.withdraw()
            n_pages = self._index.count()
            codebook = build_first_stage(
                self._index, lambda done, total: on_progress(Progress("arranging", done, total, ""))
            )
            self._first_stage.publish(codebook, n_pages)
