"""The outline of a PDF: its bookmarks, which say where each part begins. Runs in a child."""

from __future__ import annotations

from pathlib import Path

from ingest import pdf
from retrieval.headings import Title

# A file of a few bytes can claim a bookmark for each of a million pages that are not there.
OUTLINE_LIMIT = 10_000
DEPTH_LIMIT = 6


def read_outline(path: Path) -> list[Title]:
    """The bookmarks of a PDF that lead to one of its pages, in order; titles as they are.

    PDFium is not thread-safe: this runs in a rendering process.

    Raises:
        FileRefused: the file cannot be opened.
    """
    titles: list[Title] = []
    with pdf.open_pdf(path) as document:
        n_pages = len(document)
        for n_read, bookmark in enumerate(document.get_toc(max_depth=DEPTH_LIMIT), 1):
            destination = bookmark.get_dest()
            page_index = None if destination is None else destination.get_index()
            if page_index is not None and page_index < n_pages:
                titles.append(Title(bookmark.get_title(), page_index))
            if n_read == OUTLINE_LIMIT:
                break
    return titles
