"""Titles on the pages of a document, from its words and their boxes: headings, table captions.

A title is a question as it stands: it says what its page is about, in the words of whoever wrote
it, and nothing is added to it.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retrieval.answering.lines import Line, build_lines
from retrieval.encoders.stop_words import STOP_WORDS
from retrieval.records import Word

# A heading's letters are so much larger than those of the text: 13 points over 11.
LARGE = 1.18
# Lines of a heading are of one size, and stand so close: in heights of a line.
SAME_SIZE = 0.12
LINE_GAP = 1.2
# Those of a caption, which a table follows, stand as close as those of a paragraph.
CAPTION_GAP = 0.9
LEFT_EDGE = 0.01
MAX_TITLE_LINES = 3
MAX_TITLE_WORDS = 20
# Besides words such as "the": "The ferry" asks for too much.
MIN_TITLE_WORDS = 2
# Of scripts without spaces, so many letters are words enough.
MIN_UNSPACED_LETTERS = 5
LETTER_SHARE = 0.6

# How tall letters are, in parts of the size of their font: above the base line, and below it.
ASCENDER, X_HEIGHT, DESCENDER = 0.73, 0.52, 0.21
SHORT_LETTERS = frozenset("acegmnopqrsuvwxyz")
DEEP_LETTERS = frozenset("gjpqyQ,;()[]|/")

CAPTION = re.compile(
    r"^(?:table|tab\.|tabelle|tableau|tabla|tabella|tabel)\s*"
    r"(?:\d+|[A-Z]?[.-]?\d+|[IVXLC]+)(?:[.-]\d+)*[a-z]?\s*[.:–—|-]\s+(?=\S)",
    re.IGNORECASE,
)
NUMBERING = re.compile(
    r"^(?:(?:chapter|section|part|appendix|annex|kapitel|chapitre)\s+)?"
    r"(?:\d{1,2}(?:\.\d{1,3})*[.:)]?|[A-Z](?:\.\d{1,3})*[.:)]|[A-Z](?:\.\d{1,3})+|(?-i:[IVXLC]+[.:)]))"
    r"\s*[–—-]?\s+",
    re.IGNORECASE,
)
# Dots that lead to a page number, in a table of contents.
LEADERS = re.compile(r"(?:\s*[.·…]){3,}\s*\w*$")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

# What stands above parts of any document, and asks for none of them; a single word is too short.
BOILERPLATE = frozenset(
    (
        "about the author",
        "about the authors",
        "about this document",
        "about this manual",
        "all rights reserved",
        "cover page",
        "end of document",
        "executive summary",
        "front matter",
        "further reading",
        "how to use this manual",
        "legal notice",
        "list of figures",
        "list of tables",
        "list of tables and figures",
        "related work",
        "results and discussion",
        "revision history",
        "see also",
        "table des matières",
        "table of contents",
        "title page",
        "version history",
    )
)


@dataclass(frozen=True, slots=True)
class Title:
    """What a page says that it is about.

    Attributes:
        text: on one line, without its number.
        page_index: 0-based.
    """

    text: str
    page_index: int


def find_titles(pages: Sequence[tuple[int, Sequence[Word]]], body: float) -> Iterator[Title]:
    """Lines in large type, and captions of tables, in reading order.

    Args:
        pages: (0-based index, words in reading order) of pages of one document.
        body: the size of its text, by `measure_body`; 0 to look for captions alone.
    """
    for page_index, words in pages:
        lines = build_lines(words)
        for text in (*_find_headings(lines, body), *_find_captions(lines)):
            title = clean_title(text)
            if title is not None:
                yield Title(title, page_index)


def measure_body(pages: Sequence[Sequence[Word]]) -> float:
    """The size in which most words of a document are set, as a share of a page's height.

    Returns:
        0 where there are no words.
    """
    sizes = [estimate_size(word) for words in pages for word in words]
    return statistics.median(sizes) if sizes else 0.0


def estimate_size(word: Word) -> float:
    """The size of a word's font, as a share of the page's height, from how tall its letters are.

    Boxes of a text layer are tight: "sun" is half as tall as "July" in the same font.
    """
    tall = X_HEIGHT if SHORT_LETTERS.issuperset(word.text) else ASCENDER
    deep = DESCENDER if DEEP_LETTERS.intersection(word.text) else 0.0
    return (word.box.y1 - word.box.y0) / (tall + deep)


def clean_title(text: str) -> str | None:
    """A title without its number; None for what is no question: boilerplate, a word, a sentence."""
    text = LEADERS.sub("", " ".join(text.split())).strip(" .:;–—-•|")
    bare = NUMBERING.sub("", text, count=1).strip()
    # "12 lanterns were ordered" has no number of a chapter.
    text = bare if bare[:1].isupper() or not bare[:1].isalpha() else text
    n_letters = sum(character.isalpha() for character in text)
    words = [word for word in text.split() if sum(map(str.isalpha, word)) >= 2]
    if UNSPACED.search(text):
        is_short = n_letters < MIN_UNSPACED_LETTERS
    else:
        is_short = sum(w.casefold() not in STOP_WORDS for w in words) < MIN_TITLE_WORDS
    if is_short or len(words) > MAX_TITLE_WORDS or text.casefold() in BOILERPLATE:
        return None
    n_marks = sum(not character.isspace() for character in text)
    return text if n_letters >= LETTER_SHARE * n_marks else None


def _find_headings(lines: Sequence[Line], body: float) -> Iterator[str]:
    for block in _split_blocks(lines, body) if body else ():
        text = " ".join(line.text for line in block)
        # What goes on and on, or ends as a sentence does, is text in large type.
        if len(block) <= MAX_TITLE_LINES and not text[:1].islower() and text[-1:] not in ".,;":
            yield text


def _split_blocks(lines: Sequence[Line], body: float) -> Iterator[list[Line]]:
    """Runs of lines in large type that stand close together."""
    block: list[Line] = []
    for line in lines:
        is_large = _is_large(line, body)
        if block and not (is_large and _goes_on(block[-1], line)):
            yield block
            block = []
        if is_large:
            block.append(line)
    if block:
        yield block


def _is_large(line: Line, body: float) -> bool:
    return len(line.cells) == 1 and _measure(line) >= LARGE * body


def _measure(line: Line) -> float:
    return statistics.median(estimate_size(word) for word in line.words)


def _goes_on(last: Line, line: Line, gap: float = LINE_GAP) -> bool:
    """Whether a line belongs to the same heading as the one before it."""
    height = last.box.y1 - last.box.y0
    is_near = -height < line.box.y0 - last.box.y1 <= gap * height
    return is_near and abs(_measure(line) / _measure(last) - 1) <= SAME_SIZE


def _find_captions(lines: Sequence[Line]) -> Iterator[str]:
    for place, line in enumerate(lines):
        found = CAPTION.match(line.text)
        if found is None:
            continue
        text = line.text[found.end() :]
        last = line
        for following in lines[place + 1 : place + MAX_TITLE_LINES]:
            if text[-1:] in ".!?" or not _continues(last, following):
                break
            text, last = f"{text} {following.text}", following
        yield SENTENCE_END.split(text, maxsplit=1)[0]


def _continues(last: Line, line: Line) -> bool:
    """Whether a caption may go on in a line: no row of the table does."""
    is_below = abs(line.box.x0 - last.box.x0) <= LEFT_EDGE
    return is_below and len(line.cells) == 1 and _goes_on(last, line, CAPTION_GAP)
