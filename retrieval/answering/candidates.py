"""What of a page could be quoted, word for word: sentences, table rows, captions of figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from retrieval.answering.figures import find_figures, list_labels
from retrieval.answering.lines import Line, build_lines, surround
from retrieval.answering.records import QuoteKind
from retrieval.records import Box, Word

# Lines of a paragraph are less than this many line heights apart, and their letters alike in size.
PARAGRAPH_GAP = 0.9
SAME_SIZE = 0.6

# A label stands this close, in line heights, above what it names: the field of a form, a figure on
# a slide. Both are short.
LABEL_GAP = 1.8
LABEL_WORDS = 5
LABELLED_WORDS = 12

# More than this is no sentence but a page whose ends of sentences could not be seen.
SENTENCE_WORDS = 80

SENTENCE_END = re.compile(r"[.!?…。！？]['\"”’»)\]]*$")
# The columns of many tables are years.
YEAR = re.compile(r"\b(?:19|20)\d\d\b")
# "No. 44", "A. Varr", "Nov. à mars": no sentence ends there.
ABBREVIATION = re.compile(r"^\(?(?:[^\W\d_]|(?i:no|nr|mr|mrs|ms|dr|st|fig|vol|pp|cf|vs|ca))\.$")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A part of a page that could answer.

    Attributes:
        words: in reading order.
        boxes: where they stand, a box a line; of a figure, also its picture's.
        header: of a table row, what the row says that names its columns.
        labels: of a figure, what is written in its picture.
    """

    kind: QuoteKind
    words: tuple[Word, ...]
    boxes: tuple[Box, ...]
    header: str = ""
    labels: str = ""

    @property
    def text(self) -> str:
        """Its words, as they stand on the page."""
        return " ".join(word.text for word in self.words)

    @property
    def passage(self) -> str:
        """What is read to see whether it answers: its words, and what explains them."""
        return " ".join(filter(None, (self.header, self.text, self.labels)))


def list_candidates(words: Sequence[Word], picture: Image.Image | None = None) -> list[Candidate]:
    """The sentences, table rows and figures of a page, in reading order.

    Args:
        words: of the page, in reading order.
        picture: of the page; without one no figures are found.
    """
    lines = build_lines(words)
    figures = {} if picture is None else {at: box for box, at in find_figures(picture, lines)}
    captions = {lines[at].words[0]: box for at, box in figures.items()}
    candidates: list[Candidate] = []
    for block in _split_blocks(lines):
        begun = [captions[line.words[0]] for line in block if line.words[0] in captions]
        if begun:
            candidates.append(_build_figure(block, begun[0], lines))
        elif len(block[0].cells) > 1:
            candidates += _list_rows(block)
        else:
            candidates += _list_sentences(block)
    return [each for each in candidates if any(c.isalnum() for c in each.text)]


def _build_figure(block: Sequence[Line], region: Box, lines: Sequence[Line]) -> Candidate:
    caption = tuple(word for line in block for word in line.words)[:SENTENCE_WORDS]
    boxes = (*(line.box for line in block), region)
    return Candidate(QuoteKind.FIGURE, caption, boxes, labels=" ".join(list_labels(region, lines)))


def _split_blocks(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Tables and paragraphs; a label and what it labels are one paragraph."""
    blocks: list[list[Line]] = []
    for line in lines:
        if blocks and _go_on(blocks[-1][-1], line):
            blocks[-1].append(line)
        else:
            blocks.append([line])
    label: list[Line] = []
    for block in blocks:
        if label and _is_label(label, block):
            yield [*label, *block]
            label = []
        else:
            if label:
                yield label
            label = block
    if label:
        yield label


def _go_on(last: Line, line: Line) -> bool:
    """Whether a line belongs to the same table or paragraph as the one before it."""
    if len(last.cells) > 1 or len(line.cells) > 1:
        return len(last.cells) > 1 and len(line.cells) > 1
    above, below = last.box, line.box
    heights = sorted((above.y1 - above.y0, below.y1 - below.y0))
    return (
        -heights[0] < below.y0 - above.y1 < PARAGRAPH_GAP * heights[1]
        and heights[0] > SAME_SIZE * heights[1]
        and min(above.x1, below.x1) > max(above.x0, below.x0)
    )


def _is_label(label: Sequence[Line], block: Sequence[Line]) -> bool:
    if len(label) > 1 or len(label[0].cells) > 1 or len(block[0].cells) > 1:
        return False
    if sum(len(line.words) for line in block) > LABELLED_WORDS:
        return False
    if len(label[0].words) > LABEL_WORDS or SENTENCE_END.search(label[0].text):
        return False
    above, below = label[0].box, block[0].box
    height = max(above.y1 - above.y0, below.y1 - below.y0)
    return 0 < below.y0 - above.y1 < LABEL_GAP * height and min(above.x1, below.x1) > max(
        above.x0, below.x0
    )


def _list_rows(block: Sequence[Line]) -> Iterator[Candidate]:
    header: Line | None = None
    for place, line in enumerate(block):
        has_number = any(c.isdigit() for c in YEAR.sub("", line.text))
        if place == 0 and len(block) > 2 and not has_number:
            header = line
            continue
        names = header.text if header is not None and _names_columns(header, line) else ""
        yield Candidate(QuoteKind.TABLE_ROW, line.words, (line.box,), names)


def _names_columns(header: Line, row: Line) -> bool:
    """Whether most cells of a row stand below one of the header; labels on a map do not."""
    names = [surround([word.box for word in cell]) for cell in header.cells]
    values = [surround([word.box for word in cell]) for cell in row.cells]
    below = [
        any(min(name.x1, value.x1) > max(name.x0, value.x0) for name in names) for value in values
    ]
    return 2 * sum(below) >= len(below)


def _list_sentences(block: Sequence[Line]) -> Iterator[Candidate]:
    # Each word with the number of its line.
    sentence: list[tuple[int, Word]] = []
    placed = [(number, word) for number, line in enumerate(block) for word in line.words]
    for place, (number, word) in enumerate(placed):
        sentence.append((number, word))
        following = placed[place + 1][1].text if place + 1 < len(placed) else ""
        if _ends_sentence(word.text, following) or len(sentence) >= SENTENCE_WORDS:
            yield _build_sentence(sentence)
            sentence = []
    if sentence:
        yield _build_sentence(sentence)


def _ends_sentence(word: str, following: str) -> bool:
    if not SENTENCE_END.search(word) or ABBREVIATION.match(word):
        return False
    return not following[:1].islower()


def _build_sentence(sentence: Sequence[tuple[int, Word]]) -> Candidate:
    by_line: dict[int, list[Box]] = {}
    for number, word in sentence:
        by_line.setdefault(number, []).append(word.box)
    return Candidate(
        QuoteKind.SENTENCE,
        tuple(word for _, word in sentence),
        tuple(surround(boxes) for boxes in by_line.values()),
    )
