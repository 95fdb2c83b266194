"""The search tab: what an address asks for, as cards of pages and photos."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from anyio import CapacityLimiter, to_thread

from app.cataloguing import DocumentQuery
from app.demo import find_examples
from app.filters import build_filter
from app.library import Library
from app.wording import count_things
from ingest.documents import Document
from retrieval.encoders.photo_catalog import IMAGENET_TAGS
from retrieval.errors import FileRefused, PagelensError
from retrieval.records import Answer, Kind
from ui.address import Address, read_address
from ui.cards import build_cards, group_cards, measure_page, name_page
from ui.events import UNQUEUED
from ui.rendering import render
from ui.text import show_line

MAX_RESULTS = 12
# Documents that the empty page shows, newest first.
SHELF_DOCUMENTS = 12
# Names that the filter proposes; any other can be typed.
PROPOSED_NAMES = 500

NOTHING_FOUND = "Nothing was found for this question."
NOTHING_LEFT = "Nothing was found with these filters."
NOTHING_ALIKE = "Nothing else like it was found in the library."
PICTURE_GONE = "the picture that was searched with is no longer here: choose it again"
NO_GOOD_MATCH = "These pages answer no better than they would answer nonsense."


@dataclass(frozen=True, slots=True)
class Spine:
    """A document on the shelf that is shown where nothing is asked; `page` is its first."""

    document: Document
    page: str
    size_px: tuple[int, int]


@dataclass(frozen=True, slots=True)
class SearchTab:
    """Answers what the address asks.

    Attributes:
        library: is asked.
        turns: in which searches go, those of the REST API included.
        uploads: the folder of the pictures that were handed in to search with.
    """

    library: Library
    turns: CapacityLimiter
    uploads: Path

    def build(self, tab: gr.Tab, bridge: gr.HTML) -> None:
        """Lays out the tab and wires its events."""
        bare: dict[str, Any] = {"apply_default_css": False}
        form = gr.HTML(self.show_form, elem_id="search-box", **bare)
        status = gr.HTML(elem_id="search-status", **bare)
        results = gr.HTML(elem_id="results", **bare)
        quiet = {"show_progress": "hidden", "api_visibility": "private", **UNQUEUED}
        bridge.search(self.search, None, [status, results], trigger_mode="multiple", **quiet)
        tab.select(self.show_form, None, form, **quiet)

    def show_form(self) -> str:
        """The form, with what can be chosen in it; the browser fills it by the address."""
        documents = self.library.list_documents()
        return render(
            "search_form.html",
            documents=sorted({document.name for document in documents})[:PROPOSED_NAMES],
            tags=[counted.tag for counted in self.library.list_tags()],
        )

    async def search(self, event: gr.EventData) -> tuple[str, str]:
        """The status line and the cards for the address that the page tells of, with its number."""
        asked = read_address(str(event.address))
        status, found = await to_thread.run_sync(self._show, asked, limiter=self.turns)
        # Answers may come out of order: the page sees whether this is the one that it waits for.
        return status, f'<div data-n="{int(event.n)}">{found}</div>'

    def _show(self, asked: Address) -> tuple[str, str]:
        documents = self.library.list_documents()
        if asked.asks_nothing or not documents:
            return self._greet()
        try:
            answer, about = self._ask(asked)
            if not answer.hits:
                nothing = NOTHING_FOUND if asked.question else NOTHING_ALIKE
                return show_line(f"{about}{NOTHING_LEFT if asked.n_filters else nothing}"), ""
            cards = build_cards(self.library, asked.question, answer)
        except PagelensError as error:
            return show_line(f"{error}"), ""
        layers = [card.layer for card in cards if card.layer is not None]
        content = render(
            "cards.html",
            cards=cards,
            # Which page is right can be said of a question, where it may be kept.
            marked_for="" if self.library.is_read_only else asked.question,
            groups=group_cards(cards) if asked.is_grouped else (),
            words=layers[0].words if layers else (),
            notice="" if answer.is_good else NO_GOOD_MATCH,
            approximate_photos=self.library.encoders.choose_photos().name == IMAGENET_TAGS.id,
        )
        found = f"{about}{count_hits(answer)} in {1000 * answer.seconds:.0f} ms, best first."
        return show_line(found), content

    def _ask(self, asked: Address) -> tuple[Answer, str]:
        """What was found, and what it is like where it was not asked for in words."""
        where = build_filter(
            self.library,
            documents=self._find_documents(asked.document) if asked.document else (),
            kind=asked.kind,
            tags=[asked.tag] if asked.tag else (),
            added=asked.added,
        )
        if asked.like is not None:
            document = self.library.find_document(asked.like[0])
            part = "" if asked.region is None else "a region of "
            about = f"Like {part}page {asked.like[1] + 1:,} of {document.name}: "
            answer = self.library.search_like(*asked.like, MAX_RESULTS, asked.region, where)
            return answer, about
        if asked.picture is not None:
            folder, name = asked.picture
            path = self.uploads / folder / name
            if not path.is_file():
                raise FileRefused(f"{name}: {PICTURE_GONE}")
            answer = self.library.search_picture(path, MAX_RESULTS, where, name=name)
            return answer, f"Like {name}: "
        return self.library.search(asked.question, MAX_RESULTS, page_filter=where), ""

    def _find_documents(self, name: str) -> list[str]:
        """The documents of this name or id; where there is none, those whose names hold it."""
        try:
            return [self.library.find_document(name).document_id]
        except PagelensError:
            alike = self.library.list_documents(DocumentQuery(contains=name))
            if not alike:
                raise
            return [document.document_id for document in alike]

    def _greet(self) -> tuple[str, str]:
        """What there is to search, and where to begin."""
        documents = self.library.list_documents()
        counts = self.library.count()
        n_pages = counts.pages - counts.unread_pages
        shelf = [
            Spine(document, name_page(document.document_id, 0), size_px)
            for document in documents[:SHELF_DOCUMENTS]
            if (size_px := measure_page(self.library, document.document_id, 0))
        ]
        status = (
            f"{count_things(n_pages, 'page')} of {count_things(len(documents), 'document')} "
            "can be searched."
            if documents
            else ""
        )
        landing = render(
            "landing.html",
            n_documents=len(documents),
            examples=find_examples(self.library),
            is_read_only=self.library.is_read_only,
            shelf=shelf,
        )
        return show_line(status), landing


def count_hits(answer: Answer) -> str:
    """How many pages, photos and sounds an answer holds."""
    numbers = {kind: sum(hit.kind == kind for hit in answer.hits) for kind in Kind}
    return " and ".join(count_things(n, kind.value) for kind, n in numbers.items() if n)
