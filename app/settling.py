"""What a library must know of all its pages, found out anew after some were added."""

from __future__ import annotations

import threading
from pathlib import Path

from ingest.documents import FITTED_PAGES, NONSENSE_SCORE, Documents
from ingest.progress import OnProgress, Progress
from retrieval.encoders.base import Encoder
from retrieval.index.base import PageIndex
from retrieval.index.cells import Codebook
from retrieval.index.first_stage import build_first_stage, wants_codebook
from retrieval.nonsense import measure_nonsense

# The cells of the index's first stage; absent where the library is small.
CODEBOOK = "cells.npz"


class Settling:
    """The first stage of a library's index, and what nonsense scores in it.

    Attributes:
        lock: held while it is at work.
    """

    def __init__(
        self,
        folder: Path,
        encoder: Encoder,
        index: PageIndex,
        documents: Documents,
        writing: threading.Lock,
    ) -> None:
        """Gives the index the first stage that was made for it before.

        Args:
            folder: the library's.
            encoder: of pages.
            index: that of the library.
            documents: holds what was found out.
            writing: held while nothing may be written to the index.
        """
        self.lock = threading.Lock()
        self._codebook_path = folder / CODEBOOK
        self._encoder = encoder
        self._index = index
        self._documents = documents
        self._writing = writing
        self._is_closed = False
        if self._codebook_path.exists():
            index.use_codebook(Codebook.load(self._codebook_path))

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
        fitted = int(self._documents.read_setting(FITTED_PAGES) or 0)
        n_pages = self._index.count()
        if not wants_codebook(n_pages, fitted if self._codebook_path.exists() else 0):
            return
        with self._writing:
            self._index.use_codebook(None)
            # A run cut off half-way must not leave a codebook that some pages have no cells of.
            self._codebook_path.unlink(missing_ok=True)
            codebook = build_first_stage(
                self._index, lambda done, total: on_progress(Progress("arranging", done, total, ""))
            )
            self._documents.write_setting(FITTED_PAGES, str(n_pages))
            codebook.save(self._codebook_path)
            self._index.use_codebook(codebook)
