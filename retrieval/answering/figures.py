"""Where on a page its figures are: ink that is no word, in one piece, with a caption beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retrieval.answering.lines import Line
from retrieval.records import Box

# The page is looked at this small; ink is what differs so much from the background, of 255.
SIDE_PX = 256
INK_DIFFERENCE = 12
# Pixels a side of the cells that are joined.
CELL_PX = 4

# Of the page. Smaller is a rule, a logo or a stamp; larger is the page's own picture.
LEAST_HEIGHT, LEAST_WIDTH, LARGEST_AREA = 0.06, 0.12, 0.7

# More rows of a table, or words that are no numbers, than these stand in no figure but in a frame:
# twelve months and a legend.
ROWS_IN_FIGURE = 2
WORDS_IN_FIGURE = 20

CAPTION_GAP = 0.06
TITLE_WORDS = 3
CAPTION_MARK = re.compile(
    r"^(fig(ure|\.)?|abb(ildung|\.)?|chart|diagram(me)?|graph(ique)?)\b", re.I
)


def find_figures(picture: Image.Image, lines: Sequence[Line]) -> Iterator[tuple[Box, int]]:
    """(region of a figure, which line begins its caption), for each figure that has a caption.

    Args:
        picture: of the page.
        lines: of the page.
    """
    for region in _find_regions(picture, lines):
        inside = [line for line in lines if _holds(region, line.box)]
        if sum(len(line.cells) > 2 for line in inside) > ROWS_IN_FIGURE:
            continue
        if sum(word.text.isalpha() for line in inside for word in line.words) > WORDS_IN_FIGURE:
            continue
        caption = _find_caption(region, lines)
        if caption is not None:
            yield region, caption


def list_labels(region: Box, lines: Sequence[Line]) -> list[str]:
    """What the words in a figure say, line by line."""
    return [line.text for line in lines if _holds(region, line.box)]


def _find_regions(picture: Image.Image, lines: Sequence[Line]) -> Iterator[Box]:
    small = picture.convert("L")
    small.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    grey = np.asarray(small, dtype=np.int16)
    background = int(np.bincount(grey.ravel()).argmax())
    ink = np.abs(grey - background) > INK_DIFFERENCE
    height, width = ink.shape
    for line in lines:
        for word in line.words:
            x0, y0, x1, y1 = word.box
            ink[
                max(0, int(y0 * height) - 1) : int(y1 * height) + 2,
                max(0, int(x0 * width) - 1) : int(x1 * width) + 2,
            ] = False
    for top, left, bottom, right in _join_cells(_to_cells(ink)):
        box = Box(
            left * CELL_PX / width,
            top * CELL_PX / height,
            min(1.0, (right + 1) * CELL_PX / width),
            min(1.0, (bottom + 1) * CELL_PX / height),
        )
        tall, wide = box.y1 - box.y0, box.x1 - box.x0
        if tall >= LEAST_HEIGHT and wide >= LEAST_WIDTH and tall * wide <= LARGEST_AREA:
            yield box


def _to_cells(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each cell `[rows, columns]` holds ink."""
    height, width = ink.shape
    padded = np.pad(ink, ((0, -height % CELL_PX), (0, -width % CELL_PX)))
    rows, columns = padded.shape[0] // CELL_PX, padded.shape[1] // CELL_PX
    counts = padded.reshape(rows, CELL_PX, columns, CELL_PX).sum(axis=(1, 3))
    return np.asarray(counts > 0)


def _join_cells(cells: NDArray[np.bool_]) -> Iterator[tuple[int, int, int, int]]:
    """(top, left, bottom, right), in cells, of every piece of ink, corners included."""
    left_over = set(zip(*map(list, np.nonzero(cells)), strict=True))
    while left_over:
        piece = [left_over.pop()]
        for row, column in piece:
            near = {(row + down, column + across) for down in (-1, 0, 1) for across in (-1, 0, 1)}
            piece.extend(near & left_over)
            left_over -= near
        rows, columns = zip(*piece, strict=True)
        yield int(min(rows)), int(min(columns)), int(max(rows)), int(max(columns))


def _find_caption(region: Box, lines: Sequence[Line]) -> int | None:
    """The line that begins a figure's caption: one that says it is, else the title above."""
    best: tuple[bool, float, int] | None = None
    for place, line in enumerate(lines):
        x0, y0, x1, y1 = line.box
        shared = min(x1, region.x1) - max(x0, region.x0)
        if shared < 0.5 * min(x1 - x0, region.x1 - region.x0) or len(line.cells) > 1:
            continue
        is_marked = bool(CAPTION_MARK.match(line.text))
        above, below = region.y0 - y1, y0 - region.y1
        gap = max(above, below) if is_marked else above
        if not -0.02 <= gap <= CAPTION_GAP or not (is_marked or _is_title(line, region)):
            continue
        if best is None or (not is_marked, gap) < best[:2]:
            best = not is_marked, gap, place
    return None if best is None else best[2]


def _is_title(line: Line, region: Box) -> bool:
    """Whether a line could be a figure's title: no sentence, nor the end of one, nor inside."""
    text = line.text
    return (
        len(line.words) >= TITLE_WORDS
        and not text[:1].islower()
        and text[-1:] not in ".!?,:;"
        and not _holds(region, line.box)
    )


def _holds(region: Box, box: Box) -> bool:
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    return region.x0 <= x <= region.x1 and region.y0 <= y <= region.y1
