"""The first stage of a space's index, as it is stored for all processes that search in it."""

from __future__ import annotations

import threading

from ingest.documents import FITTED_PAGES
from ingest.files import LibraryFiles
from ingest.space_settings import SpaceSettings
from retrieval.index.base import PageIndex
from retrieval.index.cells import Codebook


class StoredFirstStage:
    """Gives an index the codebook that is stored, and stores another.

    How many pages the codebook was fitted on tells one from another: each is fitted on more than
    the one before. While none is stored searches are exact.
    """

    def __init__(self, files: LibraryFiles, settings: SpaceSettings, index: PageIndex) -> None:
        self._files = files
        self._settings = settings
        self._index = index
        self._n_stored = 0
        self._codebook: Codebook | None = None
        self._following = threading.Lock()
        self.follow()

    @property
    def n_pages(self) -> int:
        """On how many pages the codebook in use was fitted; 0 if none is in use."""
        return self._n_stored if self._codebook else 0

    def follow(self) -> None:
        """Uses what this process or another has stored since."""
        with self._following:
            n_stored = int(self._settings.read(FITTED_PAGES) or 0)
            if n_stored != self._n_stored:
                path = self._files.find_codebook(self._settings.name) if n_stored else None
                self._codebook = Codebook.load(path) if path else None
                self._index.use_codebook(self._codebook)
                self._n_stored = n_stored

    def withdraw(self) -> None:
        """Has all searches be exact, while pages get their cells of another codebook."""
        self._settings.write(FITTED_PAGES, "0")
        self.follow()

    def publish(self, codebook: Codebook, n_pages: int) -> None:
        """Stores a codebook that all pages have their cells of, for all to use.

        Args:
            codebook: the new one.
            n_pages: how many pages it was fitted on.
        """
        self._files.keep_codebook(codebook, self._settings.name)
        self._settings.write(FITTED_PAGES, str(n_pages))
        self.follow()
