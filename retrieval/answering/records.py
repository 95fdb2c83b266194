"""What an answer is made of, event by event, as it comes.

First `AnswerPages`, then quotes or deltas of text, at the end `AnswerEnd`. Boxes are fractions of
a page's width and height, origin top left. All text is plain text: nothing in it may be rendered as
a link or a picture, or followed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from PIL import Image

from retrieval.records import Box, Evidence, Kind, Word


class QuoteKind(str, Enum):
    """What of a page a quote is."""

    SENTENCE = "sentence"
    TABLE_ROW = "table row"
    FIGURE = "figure"


@dataclass(frozen=True, slots=True, eq=False)
class FoundPage:
    """One of the best pages for a question, as an answerer is given it.

    Attributes:
        document_id: SHA-256 of the file's bytes.
        document: the file's name.
        page_index: 0-based.
        words: in reading order, with their boxes; empty for what has no words.
        picture: its preview, RGB; None where there is none.
        evidence: what on it matched the question; None for a photo found by its looks alone.
    """

    document_id: str
    document: str
    page_index: int
    kind: Kind
    words: tuple[Word, ...] = ()
    picture: Image.Image | None = None
    evidence: Evidence | None = None

    @property
    def page_number(self) -> int:
        """1-based page number, as people and models see it."""
        return self.page_index + 1

    @property
    def text(self) -> str:
        """What its words say."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class CitedPage:
    """A page that an answer is made from and may cite.

    Attributes:
        document_id: SHA-256 of the file's bytes.
        document: the file's name.
        page_index: 0-based.
        kind: page or photo.
        label: how an answer cites it: `report.pdf, p. 3`.
        has_text: whether its words were read.
        has_picture: whether its picture was looked at.
        is_cut: whether only the beginning of its words was read, as more had no room.
    """

    document_id: str
    document: str
    page_index: int
    kind: Kind
    label: str
    has_text: bool
    has_picture: bool = False
    is_cut: bool = False

    @property
    def page_number(self) -> int:
        """1-based page number, as people and JSON readers see it."""
        return self.page_index + 1


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be given to a model, and what of it is: an estimate, in tokens.

    Attributes:
        page_limit: most pages.
        token_limit: most tokens, of pages, question and instructions together.
        text_tokens: of instructions, question and the words of the pages.
        picture_tokens: of their pictures.
    """

    page_limit: int
    token_limit: int
    text_tokens: int
    picture_tokens: int

    @property
    def tokens(self) -> int:
        """All that is given."""
        return self.text_tokens + self.picture_tokens


@dataclass(frozen=True, slots=True)
class AnswerPages:
    """The first event: who answers, and from which pages.

    Attributes:
        answerer: its name, for people.
        is_generated: whether a model writes the answer; else it is quotes, word for word.
        pages: best first.
        budget: of a model; None where nothing is written.
    """

    answerer: str
    is_generated: bool
    pages: tuple[CitedPage, ...]
    budget: Budget | None


@dataclass(frozen=True, slots=True)
class AnswerText:
    """The next piece of what a model writes: plain text, never to be rendered as anything else."""

    text: str


@dataclass(frozen=True, slots=True)
class Quote:
    """A part of a page that answers, word for word; the best comes first.

    Attributes:
        text: its words; of a figure, those of its caption.
        document_id: SHA-256 of the file's bytes.
        document: the file's name.
        page_index: 0-based.
        boxes: where it stands: a box a line, and the picture of a figure.
        score: how well it answers, higher is better; comparable within one answer only.
        header: for a table row, the row that names its columns; empty where there is none.
    """

    kind: QuoteKind
    text: str
    document_id: str
    document: str
    page_index: int
    boxes: tuple[Box, ...]
    score: float
    header: str = ""

    @property
    def page_number(self) -> int:
        """1-based page number, as people and JSON readers see it."""
        return self.page_index + 1


@dataclass(frozen=True, slots=True)
class Citation:
    """A page that the answer rests on.

    Attributes:
        document_id: SHA-256 of the file's bytes.
        document: the file's name.
        page_index: 0-based.
        boxes: where on it: the quotes, or what matched the question.
    """

    document_id: str
    document: str
    page_index: int
    boxes: tuple[Box, ...]

    @property
    def page_number(self) -> int:
        """1-based page number, as people and JSON readers see it."""
        return self.page_index + 1


@dataclass(frozen=True, slots=True)
class AnswerEnd:
    """The last event.

    Attributes:
        is_answered: whether the pages hold the answer.
        citations: the pages that it rests on, each once, in the order of their first mention.
        seconds: how long all took, the search included.
    """

    is_answered: bool
    citations: tuple[Citation, ...]
    seconds: float


AnswerEvent = AnswerPages | AnswerText | Quote | AnswerEnd
