"""Pages as large as somebody wants to see them: previews scaled down, originals rendered again."""

from __future__ import annotations

import io
import threading
from bisect import bisect_left
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import ExitStack
from pathlib import Path

from cachetools import LRUCache
from PIL import Image

from ingest.documents import Document
from ingest.files import LibraryFiles
from ingest.render import compress, draw_page, shrink_to
from ingest.render_pool import RenderPool
from retrieval.errors import FileRefused, UnknownPage

# Few, so that what one looks at is there for the next; from thumbnails to a page that is zoomed in.
WIDTHS_PX = (160, 320, 640, 1024, 1600, 2400, 3200, 4096)
MIN_WIDTH_PX, MAX_WIDTH_PX = 64, WIDTHS_PX[-1]

# The format has no larger ones.
WEBP_SIDE_LIMIT_PX = 16_383

# Pictures kept in memory: some 200 pages at 1,600 px, or 4,000 thumbnails.
KEPT_BYTES = 64_000_000
# What a page is counted as that cannot be rendered again.
FAILURE_BYTES = 100

# Of one page at one width.
PictureKey = tuple[str, int, int]


class SharpPages:
    """Draws the pages of a library at the width that is asked for, and keeps those drawn last.

    Originals are read by a rendering process of its own, within the limits of such processes: pages
    that are being ingested would be waited for by whoever looks at one. It is started by the first
    page that needs it. Safe to use from several threads.
    """

    def __init__(self, files: LibraryFiles) -> None:
        self._files = files
        # None: the page cannot be rendered again.
        self._kept: LRUCache[PictureKey, bytes | None] = LRUCache(
            KEPT_BYTES, lambda content: FAILURE_BYTES if content is None else len(content)
        )
        self._keeping, self._rendering = threading.Lock(), threading.Lock()
        self._pool: RenderPool | None = None
        self._resources = ExitStack()
        self._is_closed = False

    def close(self) -> None:
        """Ends the rendering process after the page under way; who waits gets the preview."""
        self._is_closed = True
        with self._rendering:
            self._resources.close()

    def measure(self, document: Document, page_index: int) -> tuple[int, int]:
        """Width and height of a page's preview in pixels, read from its header alone.

        Raises:
            UnknownPage: there is no picture of it.
        """
        with Image.open(self.find_preview(document, page_index)) as preview:
            return preview.size

    def find_preview(self, document: Document, page_index: int) -> Path:
        """The WebP picture of a page that was made when it was ingested.

        Raises:
            UnknownPage: there is none.
        """
        path = self._files.find_preview(document.document_id, page_index)
        if path is None:
            raise UnknownPage(f"{document.name}: there is no picture of page {page_index + 1:,}")
        return path

    def shrink(self, document: Document, page_index: int, width_px: int) -> bytes | None:
        """The preview of a page, scaled down; None where it is not as wide as is asked.

        Args:
            document: of the library.
            page_index: 0-based.
            width_px: rounded up to one of `WIDTHS_PX`, or the width of the preview.

        Raises:
            UnknownPage: there is no picture of the page.
        """
        preview = self.find_preview(document, page_index).read_bytes()
        with Image.open(io.BytesIO(preview)) as picture:
            if width_px > picture.width:
                return None
            width_px = round_width(width_px)
            if width_px >= picture.width:
                return preview

            def scale_down() -> bytes:
                long_side_px = round(width_px * max(picture.size) / picture.width)
                return compress(shrink_to(picture.convert("RGB"), long_side_px))

            return self._recall((document.document_id, page_index, width_px), scale_down)

    def render(self, document: Document, page_index: int, width_px: int) -> bytes:
        """A page drawn anew from its original, as WebP; the preview where that cannot be done.

        Args:
            document: of the library.
            page_index: 0-based.
            width_px: rounded up to one of `WIDTHS_PX`; a picture is never larger than its original.

        Raises:
            UnknownPage: there is no picture of the page.
        """
        preview = self.find_preview(document, page_index).read_bytes()
        with Image.open(io.BytesIO(preview)) as picture:
            scale = round_width(width_px) / picture.width
            long_side_px = min(round(scale * max(picture.size)), WEBP_SIDE_LIMIT_PX)

        def draw() -> bytes | None:
            try:
                readable = self._files.find_readable(document.document_id, document.media_type)
                if readable is None:
                    return None
                task = (*readable, page_index, long_side_px)
                drawn: bytes = self._start().run(draw_page, *task)
            except FileRefused:
                # It may have taken as long as a page can: not again for each who looks at it.
                return None
            return drawn

        key = document.document_id, page_index, round_width(width_px)
        try:
            # In turns: who asks for the same page as the one before finds it drawn.
            with self._rendering:
                return self._recall(key, draw) or preview
        except CancelledError:
            return preview

    def _recall(self, key: PictureKey, make: Callable[[], bytes | None]) -> bytes | None:
        with self._keeping:
            if key in self._kept:
                kept: bytes | None = self._kept[key]
                return kept
        content = make()
        with self._keeping:
            self._kept[key] = content
        return content

    def _start(self) -> RenderPool:
        if self._is_closed:
            raise CancelledError
        if self._pool is None:
            self._pool = self._resources.enter_context(RenderPool(1))
        return self._pool


def round_width(width_px: int) -> int:
    """The next of `WIDTHS_PX`, or the largest."""
    return WIDTHS_PX[min(bisect_left(WIDTHS_PX, width_px), len(WIDTHS_PX) - 1)]
