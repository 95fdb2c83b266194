"""The pages of a library as they are shown: small or sharp, and with their words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from ingest.documents import Document
from ingest.sharp_pages import SharpPages
from ingest.spaces import Spaces
from retrieval.errors import UnknownPage
from retrieval.records import PageEmbedding, Word

# Pages whose words are asked for at once: a server's answer has a limit.
PAGES_AT_ONCE = 200


class Viewing(ABC):
    """What a library, which is one, shows of its pages."""

    _spaces: Spaces
    _sharp_pages: SharpPages

    @abstractmethod
    def find_document(self, name: str) -> Document:
        """The document of this name or id; see `Library`."""

    def find_preview(self, document_id: str, page_index: int) -> Path:
        """The WebP file that shows a page.

        Raises:
            UnknownDocument, UnknownPage: there is no such document or page, or no picture of it.
        """
        return self._sharp_pages.find_preview(self.find_document(document_id), page_index)

    def preview_size(self, document_id: str, page_index: int) -> tuple[int, int]:
        """Width and height of a page's preview in pixels, to keep its place with: 1 ms.

        Raises:
            UnknownDocument, UnknownPage: as `find_preview`.
        """
        return self._sharp_pages.measure(self.find_document(document_id), page_index)

    def shrink_page(self, document_id: str, page_index: int, width_px: int) -> bytes | None:
        """The preview of a page as WebP, scaled down; None where `width_px` is more than it has.

        Raises:
            UnknownDocument, UnknownPage: as `find_preview`.
        """
        return self._sharp_pages.shrink(self.find_document(document_id), page_index, width_px)

    def render_page(self, document_id: str, page_index: int, width_px: int) -> bytes:
        """A page as WebP, drawn anew from its original; the preview where that cannot be done.

        Takes a moment, and for some pages as long as a rendering process may take; others that ask
        meanwhile wait.

        Raises:
            UnknownDocument, UnknownPage: as `find_preview`.
        """
        return self._sharp_pages.render(self.find_document(document_id), page_index, width_px)

    def read_words(self, document_id: str, page_index: int) -> tuple[Word, ...]:
        """The words of a page with their boxes, in reading order; none where none was read.

        Raises:
            UnknownDocument, UnknownPage: there is no such document or page.
        """
        document = self.find_document(document_id)
        if not 0 <= page_index < document.n_pages:
            raise UnknownPage(f"{document.name}: there is no page {page_index + 1:,}")
        with self._spaces.reading() as space:
            (words,) = space.index.fetch_words([(document.document_id, page_index)])
        return words

    def read_vectors_of(self, pages: Sequence[tuple[str, int]]) -> list[PageEmbedding | None]:
        """The stored vectors of many pages, (document id, page index) each; None where none are."""
        with self._spaces.reading() as space:
            return space.index.fetch(pages)

    def read_words_of(self, pages: Sequence[tuple[str, int]]) -> list[tuple[Word, ...]]:
        """The words of many pages, (document id, page index) each, of documents that are there."""
        words: list[tuple[Word, ...]] = []
        with self._spaces.reading() as space:
            for first in range(0, len(pages), PAGES_AT_ONCE):
                words += space.index.fetch_words(pages[first : first + PAGES_AT_ONCE])
        return words
