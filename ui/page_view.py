"""The page shown large: which one it is, and how to get to its neighbours."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PIL import Image

from app.library import Library
from retrieval.records import Answer, Hit
from ui.pictures import draw_blank


@dataclass(frozen=True, slots=True)
class PageView:
    """The page that is shown large.

    Attributes:
        page_index: 0-based.
        n_pages: of its document.
    """

    document_id: str
    document: str
    page_index: int
    n_pages: int

    @property
    def title(self) -> str:
        """Document and page, as people say it."""
        return f"{self.document}, page {self.page_index + 1:,} of {self.n_pages:,}"

    @property
    def is_first(self) -> bool:
        """Whether no page comes before it."""
        return self.page_index == 0

    @property
    def is_last(self) -> bool:
        """Whether no page comes after it."""
        return self.page_index + 1 >= self.n_pages

    def turn(self, step: int) -> PageView:
        """The page `step` pages on; at either end of the document it stays there."""
        page_index = min(max(self.page_index + step, 0), self.n_pages - 1)
        return replace(self, page_index=page_index)


def view_hit(library: Library, hit: Hit) -> PageView:
    """The page that was found.

    Raises:
        UnknownDocument: it has been deleted since.
    """
    n_pages = library.find_document(hit.document_id).n_pages
    return PageView(hit.document_id, hit.document, hit.page_index, n_pages)


def draw_page(library: Library, view: PageView, answer: Answer) -> Image.Image:
    """The page's picture, its evidence lit up where the answer holds this page."""
    for hit in answer.hits:
        if (hit.document_id, hit.page_index) == (view.document_id, view.page_index):
            return library.lit_page(hit) or draw_blank()
    return library.page_picture(view.document_id, view.page_index) or draw_blank()
