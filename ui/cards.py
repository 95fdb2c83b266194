"""What was found, as cards: what each one shows, by document or in one list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.library import Library
from retrieval.errors import UnknownDocument, UnknownPage
from retrieval.records import Answer, Hit, Kind
from retrieval.snippets import Snippet
from ui.evidence_layer import Layer, build_layer

# A page without a picture is shown as an upright sheet of A4.
BLANK_SIZE_PX = (620, 877)


@dataclass(frozen=True, slots=True)
class Card:
    """One page, photo or sound found.

    Attributes:
        page: its name in addresses.
        size_px: (width, height) of its picture, so that its place is kept while it loads.
        has_picture: false for a page that could not be rendered.
        snippet: the words that matched; None where none did.
        is_right: whether somebody has marked it as a right page for the question.
    """

    hit: Hit
    page: str
    size_px: tuple[int, int]
    has_picture: bool
    layer: Layer | None
    snippet: Snippet | None
    is_right: bool

    @property
    def is_photo(self) -> bool:
        """Whether it was found by how it looks."""
        return self.hit.kind is Kind.PHOTO

    @property
    def is_sound(self) -> bool:
        """Whether it was found by how it sounds, and can be played."""
        return self.hit.kind is Kind.SOUND

    @property
    def percent(self) -> float:
        """The score as a bar shows it."""
        return 100 * min(1.0, max(0.0, self.hit.score))


def build_cards(library: Library, question: str, answer: Answer) -> list[Card]:
    """The cards of an answer, best first.

    Args:
        library: holds the pages.
        question: what was asked in words; empty where it was not.
        answer: what was found.
    """
    snippets = library.cut_snippets(question, answer.hits)
    known = library.find_question(question)
    right = {
        (page.document_id, page.page_index)
        for page in (known.relevant_pages if known is not None else ())
    }
    return [
        _build_card(library, hit, snippet, is_right=(hit.document_id, hit.page_index) in right)
        for hit, snippet in zip(answer.hits, snippets, strict=True)
    ]


def name_page(document_id: str, page_index: int) -> str:
    """How an address names a page: the document's id and the 1-based page number."""
    return f"{document_id}.{page_index + 1}"


def measure_page(library: Library, document_id: str, page_index: int) -> tuple[int, int] | None:
    """(width, height) of a page's picture in pixels; None where it has none."""
    try:
        return library.preview_size(document_id, page_index)
    except (UnknownDocument, UnknownPage):
        return None


def group_cards(cards: Sequence[Card]) -> list[list[Card]]:
    """The cards of each document, best first, the document of the best card first."""
    groups: dict[str, list[Card]] = {}
    for card in cards:
        groups.setdefault(card.hit.document_id, []).append(card)
    return list(groups.values())


def _build_card(library: Library, hit: Hit, snippet: Snippet | None, *, is_right: bool) -> Card:
    size_px = measure_page(library, hit.document_id, hit.page_index)
    shown_px = size_px or BLANK_SIZE_PX
    page = name_page(hit.document_id, hit.page_index)
    layer = build_layer(hit, shown_px)
    return Card(hit, page, shown_px, size_px is not None, layer, snippet, is_right)
