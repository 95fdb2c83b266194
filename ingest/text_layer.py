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

from retrieval.records import Box, Word

# PDFium puts this where a word is hyphenated over a line end.
LINE_END_HYPHEN = "\x02"

# The page is mapped onto a square this wide, since PDFium answers in whole device units.
DEVICE_UNITS = 1_000_000

# Share of unreadable characters from which a text layer counts as garbled. Fonts without a Unicode
# map yield private-use and replacement characters nearly everywhere, honest pages a few bullets.
GARBLED_SHARE = 0.25


def read_words(page: pdfium.PdfPage) -> tuple[Word, ...]:
    """Reads the words of a page in reading order; empty where the page has no text layer."""
    text_page = page.get_textpage()
    try:
        characters = [
            chr(pdfium_c.FPDFText_GetUnicode(text_page.raw, i))
            for i in range(text_page.count_chars())
        ]
        to_page = page_transform(page)
        words = []
        for start, end in split_at_spaces(characters):
            text = join_characters(characters[start:end])
            box = union_box(text_page, start, end - start, to_page)
            if text and box is not None:
                words.append(Word(text, box))
        return tuple(words)
    finally:
        text_page.close()


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


def page_transform(page: pdfium.PdfPage) -> np.ndarray:
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


def union_box(
    text_page: pdfium.PdfTextPage, start: int, count: int, to_page: np.ndarray
) -> Box | None:
    """The box of `count` characters from `start`: their widest line; None if off the page.

    A hyphenated word stands on two lines, and the union of both would cover its whole column.
    """
    left, top, right, bottom = (ctypes.c_double() for _ in range(4))
    lines: list[np.ndarray] = []
    for i in range(pdfium_c.FPDFText_CountRects(text_page.raw, start, count)):
        pdfium_c.FPDFText_GetRect(
            text_page.raw,
            i,
            ctypes.byref(left),
            ctypes.byref(top),
            ctypes.byref(right),
            ctypes.byref(bottom),
        )
        corners = (
            np.array([[left.value, top.value, 1.0], [right.value, bottom.value, 1.0]]) @ to_page
        )
        rectangle = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
        if lines and rectangle[1] < lines[-1][3] and rectangle[3] > lines[-1][1]:
            lines[-1] = np.concatenate(
                [np.minimum(lines[-1][:2], rectangle[:2]), np.maximum(lines[-1][2:], rectangle[2:])]
            )
        else:
            lines.append(rectangle)
    if not lines:
        return None
    x0, y0, x1, y1 = np.clip(max(lines, key=lambda line: line[2] - line[0]), 0.0, 1.0).tolist()
    return Box(x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def is_garbled(words: Sequence[Word]) -> bool:
    """Whether a text layer is unreadable: fonts without a usable map to Unicode."""
    text = "".join(word.text for word in words)
    unreadable = sum(
        unicodedata.category(character) in ("Co", "Cn", "Cc", "Cs") for character in text
    )
    unreadable += text.count("\ufffd")
    return bool(text) and unreadable / len(text) >= GARBLED_SHARE
