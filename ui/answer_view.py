"""An answer as it is shown: what a model writes, or quotes, with the pages that they are from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.library import Library
from retrieval.answering.citations import find_mentions
from retrieval.answering.records import (
    AnswerEnd,
    AnswerEvent,
    AnswerPages,
    AnswerText,
    Citation,
    CitedPage,
    Quote,
    QuoteKind,
)
from retrieval.records import Box
from ui.cards import BLANK_SIZE_PX, measure_page, name_page
from ui.evidence_layer import Layer, Mark
from ui.rendering import render

# How deeply what was quoted is marked on its page.
QUOTE_STRENGTH = 0.6
# Around what is cut out of a page, in fractions of its width and height.
CROP_MARGIN = 0.012


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """A piece of a model's text; `page` names the page that it cites, if it does."""

    text: str
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Crop:
    """What of a page's picture is shown: its proportions, and the picture's place behind it.

    Attributes:
        ratio: width by height.
        zoom: width of the picture by that of the crop.
        left: what of the picture lies left of it, in percent of the picture; `top` above it.
    """

    ratio: float
    zoom: float
    left: float
    top: float


@dataclass(frozen=True, slots=True)
class ShownQuote:
    """A quote, how its page is cited, and what it looks like there."""

    quote: Quote
    page: str
    label: str
    crop: Crop | None


@dataclass(frozen=True, slots=True)
class SourcePage:
    """A page that was read, with what of it is quoted or cited marked."""

    cited: CitedPage
    page: str
    size_px: tuple[int, int]
    layer: Layer | None


@dataclass(slots=True)
class AnswerView:
    """Gathers the events of one answer, and shows what has come."""

    library: Library
    _pages: AnswerPages | None = None
    _quotes: list[Quote] = field(default_factory=list)
    _text: str = ""
    _end: AnswerEnd | None = None

    def add(self, event: AnswerEvent) -> None:
        """Takes the next event."""
        if isinstance(event, AnswerPages):
            self._pages = event
        elif isinstance(event, Quote):
            self._quotes.append(event)
        elif isinstance(event, AnswerText):
            self._text += event.text
        else:
            self._end = event

    def render(self, *, is_over: bool = False) -> str:
        """HTML of what has come; of what an error ended, `is_over`."""
        pages = self._pages.pages if self._pages else ()
        if is_over and not pages:
            return ""
        return render(
            "ask_answer.html",
            end=self._end or (AnswerEnd(True, (), 0.0) if is_over else None),
            paragraphs=split_written(self._text, pages),
            quotes=[self._show_quote(quote) for quote in self._quotes],
            pages=[self._show_page(page) for page in pages],
            facts=self._describe(),
        )

    def _describe(self) -> str:
        if self._pages is None:
            return ""
        facts = [self._pages.answerer]
        if (budget := self._pages.budget) is not None:
            facts.append(
                f"{len(self._pages.pages)} of at most {budget.page_limit} pages, about "
                f"{budget.tokens:,} of {budget.token_limit:,} tokens "
                f"({budget.text_tokens:,} text, {budget.picture_tokens:,} pictures)"
            )
        if self._end is not None:
            facts.append(f"{self._end.seconds:.1f} s")
        return "; ".join(facts) + "."

    def _show_quote(self, quote: Quote) -> ShownQuote:
        size_px = measure_page(self.library, quote.document_id, quote.page_index)
        is_picture = quote.kind is not QuoteKind.SENTENCE
        crop = cut_out(quote.boxes, size_px) if size_px and is_picture and quote.boxes else None
        return ShownQuote(
            quote,
            name_page(quote.document_id, quote.page_index),
            self._label(quote.document_id, quote.page_index),
            crop,
        )

    def _label(self, document_id: str, page_index: int) -> str:
        pages = self._pages.pages if self._pages else ()
        return next(
            page.label
            for page in pages
            if (page.document_id, page.page_index) == (document_id, page_index)
        )

    def _show_page(self, page: CitedPage) -> SourcePage:
        key = (page.document_id, page.page_index)
        sources: list[Quote | Citation] = [*self._quotes]
        sources += self._end.citations if self._end else ()
        boxes = [
            box
            for source in sources
            if (source.document_id, source.page_index) == key
            for box in source.boxes
        ]
        size_px = measure_page(self.library, *key) or BLANK_SIZE_PX
        layer = mark_boxes(boxes) if boxes else None
        return SourcePage(page, name_page(*key), size_px, layer)


def split_written(text: str, pages: Sequence[CitedPage]) -> list[list[WrittenPart]]:
    """A model's text in paragraphs, its citations apart; all else of it is plain text."""
    paragraphs = []
    for paragraph in filter(None, map(str.strip, text.split("\n"))):
        parts, at = [], 0
        for mention in find_mentions(paragraph, pages):
            parts.append(WrittenPart(paragraph[at : mention.start]))
            parts += [
                WrittenPart(page.label, name_page(page.document_id, page.page_index))
                for page in mention.pages
            ]
            at = mention.end
        paragraphs.append([*parts, WrittenPart(paragraph[at:])])
    return paragraphs


def mark_boxes(boxes: Sequence[Box]) -> Layer:
    """A layer that marks places of a page, all alike."""
    marks = tuple(
        Mark(
            100 * box.x0,
            100 * box.y0,
            100 * (box.x1 - box.x0),
            100 * (box.y1 - box.y0),
            QUOTE_STRENGTH,
            0,
        )
        for box in dict.fromkeys(boxes)
    )
    return Layer(("answer",), marks, ())


def cut_out(boxes: Sequence[Box], size_px: tuple[int, int]) -> Crop:
    """What shows all these boxes of a page, and a little around them.

    Args:
        boxes: at least one.
        size_px: (width, height) of the page's picture, for its proportions.
    """
    x0 = max(0.0, min(box.x0 for box in boxes) - CROP_MARGIN)
    y0 = max(0.0, min(box.y0 for box in boxes) - CROP_MARGIN)
    x1 = min(1.0, max(box.x1 for box in boxes) + CROP_MARGIN)
    y1 = min(1.0, max(box.y1 for box in boxes) + CROP_MARGIN)
    width, height = x1 - x0, y1 - y0
    ratio = width * size_px[0] / (height * size_px[1])
    return Crop(ratio, 1 / width, 100 * x0, 100 * y0)
