"""Lines of a page, from its words and their boxes alone.

Words come in reading order, so a line is a run of them beside each other. How wide a gap is, is
measured in letters of that line: boxes are fractions of a page whose shape is not known here.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retrieval.records import Box, Word

# A gap of so many letters is one between the cells of a table or between columns.
CELL_GAP_LETTERS = 2.5

# Of this many words and more a cell on average, side by side, a line is columns of prose.
PROSE_CELL_WORDS = 4.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line, in cells: one for running text, several for a row of a table."""

    cells: tuple[tuple[Word, ...], ...]

    @property
    def words(self) -> tuple[Word, ...]:
        """All words of the line."""
        return tuple(word for cell in self.cells for word in cell)

    @property
    def text(self) -> str:
        """What it says."""
        return " ".join(word.text for word in self.words)

    @property
    def box(self) -> Box:
        """The box around all of it."""
        return surround([word.box for word in self.words])


def build_lines(words: Sequence[Word]) -> list[Line]:
    """The lines of a page in reading order; columns of prose come one after the other."""
    lines = [Line(tuple(_split_cells(run))) for run in _split_runs(words)]
    return list(_untie_columns(lines))


def surround(boxes: Sequence[Box]) -> Box:
    """The smallest box around boxes, of which there is at least one."""
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return Box(min(x0), min(y0), max(x1), max(y1))


def share_height(one: Box, other: Box) -> bool:
    """Whether two boxes stand beside each other: they share half of the lower one's height."""
    overlap = min(one.y1, other.y1) - max(one.y0, other.y0)
    return overlap > 0.5 * min(one.y1 - one.y0, other.y1 - other.y0)


def _split_runs(words: Sequence[Word]) -> Iterator[list[Word]]:
    run: list[Word] = []
    for word in words:
        if run and not share_height(run[-1].box, word.box):
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def _split_cells(run: Sequence[Word]) -> Iterator[tuple[Word, ...]]:
    letter = statistics.median((word.box.x1 - word.box.x0) / len(word.text) for word in run)
    cell: list[Word] = []
    for word in run:
        if cell:
            last = cell[-1].box
            # Of text that runs to the left, too.
            gap = max(word.box.x0 - last.x1, last.x0 - word.box.x1)
            if gap > CELL_GAP_LETTERS * letter:
                yield tuple(cell)
                cell = []
        cell.append(word)
    yield tuple(cell)


def _untie_columns(lines: Sequence[Line]) -> Iterator[Line]:
    """Columns that were read across, as OCR reads them, become lines one below the other."""
    block: list[Line] = []
    for line in [*lines, None]:
        if line is not None and block and len(line.cells) == len(block[0].cells):
            block.append(line)
            continue
        yield from _read_down(block)
        block = [] if line is None else [line]


def _read_down(block: Sequence[Line]) -> Iterator[Line]:
    n_cells = sum(len(line.cells) for line in block)
    n_words = sum(len(line.words) for line in block)
    n_columns = len(block[0].cells) if block else 0
    if n_columns < 2 or n_words < PROSE_CELL_WORDS * n_cells:
        yield from block
        return
    for column in range(n_columns):
        for line in block:
            yield Line((line.cells[column],))
