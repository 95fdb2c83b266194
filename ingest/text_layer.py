"""The words of a PDF page's text layer, each with its box.

PDFium gives characters in reading order (right-to-left runs in logical order) and rectangles in
the page's own space: points, origin bottom left, before rotation and cropping. Boxes leave here
as fractions of the page as it is shown, origin top left.
"""

from __future__ import annotations

import ctypes
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from retrieval.errors import PageTooLarge
from retrieval.records import Box, Word

# (left, bottom, right, top) in points of page space, origin bottom left.
Rectangle = tuple[float, float, float, float]

# PDFium puts this where a word is hyphenated over a line end.
LINE_END_HYPHEN = "\x02"

# The page is mapped onto a square this wide, since PDFium answers in whole device units.
DEVICE_UNITS = 1_000_000

# Share of unreadable characters from which a text layer counts as garbled. Fonts without a Unicode
# map yield private-use and replacement characters nearly everywhere, honest pages a few bullets.
GARBLED_SHARE = 0.25


# A page of a newspaper has 40,000 characters. Every word becomes a vector, so a page without end
# would hold the encoder for hours.
CHARACTER_LIMIT = 500_000


def read_words(page: pdfium.PdfPage) -> tuple[Word, ...]:
    """Reads the words of a page in reading order; empty where the page has no text layer.

    Raises:
        PageTooLarge: the page has more than `CHARACTER_LIMIT` characters.
    """
    text_page = page.get_textpage()
    try:
        n_characters = text_page.count_chars()
        if n_characters > CHARACTER_LIMIT:
            raise PageTooLarge(
                f"the page has {n_characters:,} characters; the limit is {CHARACTER_LIMIT:,}"
            )
        get_unicode, raw = pdfium_c.FPDFText_GetUnicode, text_page.raw
        characters = [chr(get_unicode(raw, i)) for i in range(n_characters)]
        texts: list[str] = []
        rectangles: list[Rectangle] = []
        for start, end in split_at_spaces(characters):
            text = join_characters(characters[start:end])
            rectangle = read_rectangle(text_page, start, end - start)
            if text and rectangle is not None:
                texts.append(text)
                rectangles.append(rectangle)
        boxes = to_boxes(rectangles, page_transform(page))
    finally:
        text_page.close()
    return tuple(
        Word(text, box)
        for text, box in zip(texts, boxes, strict=True)
        if box.x1 > box.x0 and box.y1 > box.y0
    )


def split_at_spaces(characters: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yields (start, end) of each run of characters between spaces and control characters."""
    start = None
    for i, character in enumerate(characters):
        is_space = character.isspace() or (character < " " and character != LINE_END_HYPHEN)
        if is_space and start is not None:
            yield start, i
            start = None
        elif not is_space and start is None:
            start = i
    if start is not None:
        yield start, len(characters)


def join_characters(characters: Sequence[str]) -> str:
    """Joins PDFium's characters into a word: no line-end hyphens, ligatures spelt out."""
    text = "".join(characters).replace(LINE_END_HYPHEN, "").replace("\u00ad", "")
    # Characters beyond the basic plane arrive as two UTF-16 halves.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return unicodedata.normalize("NFKC", text).strip()


def page_transform(page: pdfium.PdfPage) -> NDArray[np.float64]:
    """The affine map from page space (points, origin bottom left) to fractions of the shown page.

    PDFium applies crop box and rotation itself, exactly as it does when it renders.

    Returns:
        float64 `[3, 2]`: `[x, y, 1] @ transform` gives fractions, origin top left.
    """
    corners = np.array([[0.0, 0.0], [1000.0, 0.0], [0.0, 1000.0]])
    device = np.empty((3, 2))
    x, y = ctypes.c_int(), ctypes.c_int()
    for i, (x_pt, y_pt) in enumerate(corners):
        pdfium_c.FPDF_PageToDevice(
            page.raw,
            0,
            0,
            DEVICE_UNITS,
            DEVICE_UNITS,
            0,
            x_pt,
            y_pt,
            ctypes.byref(x),
            ctypes.byref(y),
        )
        device[i] = x.value / DEVICE_UNITS, y.value / DEVICE_UNITS
    return np.linalg.solve(np.column_stack([corners, np.ones(3)]), device)


def read_rectangle(text_page: pdfium.PdfTextPage, start: int, count: int) -> Rectangle | None:
    """The rectangle of `count` characters from `start`: their longest line; None if they have none.

    A hyphenated word stands on two lines, and the union of both would cover its whole column.
    """
    left, top, right, bottom = (ctypes.c_double() for _ in range(4))
    edges = [ctypes.byref(edge) for edge in (left, top, right, bottom)]
    lines: list[Rectangle] = []
    for i in range(pdfium_c.FPDFText_CountRects(text_page.raw, start, count)):
        pdfium_c.FPDFText_GetRect(text_page.raw, i, *edges)
        rectangle = left.value, bottom.value, right.value, top.value
        if lines and share_a_line(lines[-1], rectangle):
            x0, y0, x1, y1 = lines[-1]
            lines[-1] = (
                min(x0, rectangle[0]),
                min(y0, rectangle[1]),
                max(x1, rectangle[2]),
                max(y1, rectangle[3]),
            )
        else:
            lines.append(rectangle)
    return max(lines, key=lambda r: max(r[2] - r[0], r[3] - r[1]), default=None)


def share_a_line(first: Rectangle, second: Rectangle) -> bool:
    """Whether two rectangles of one word overlap along x or along y (text may run upwards)."""
    overlap_x = min(first[2], second[2]) - max(first[0], second[0])
    overlap_y = min(first[3], second[3]) - max(first[1], second[1])
    height = min(first[3] - first[1], second[3] - second[1])
    width = min(first[2] - first[0], second[2] - second[0])
    return overlap_y > height / 2 or overlap_x > width / 2


def to_boxes(rectangles: Sequence[Rectangle], to_page: NDArray[np.float64]) -> list[Box]:
    """Maps rectangles of page space to boxes on the shown page, cut at its edges."""
    if not rectangles:
        return []
    edges = np.asarray(rectangles)
    ones = np.ones((len(edges), 1))
    first = np.hstack([edges[:, :2], ones]) @ to_page
    second = np.hstack([edges[:, 2:], ones]) @ to_page
    corners = np.hstack([np.minimum(first, second), np.maximum(first, second)])
    return [Box(*box) for box in np.clip(corners, 0.0, 1.0).tolist()]


def is_garbled(words: Sequence[Word]) -> bool:
    """Whether a text layer is unreadable: fonts without a usable map to Unicode."""
    text = "".join(word.text for word in words)
    unreadable = sum(
        unicodedata.category(character) in ("Co", "Cn", "Cc", "Cs") for character in text
    )
    unreadable += text.count("\ufffd")
    return bool(text) and unreadable / len(text) >= GARBLED_SHARE
