"""The search tab: a question or a picture, the pages that answer it, and one of them large."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from app.library import Library
from app.wording import count_things
from retrieval.encoders.photo_catalog import IMAGENET_TAGS
from retrieval.errors import PagelensError, UnknownDocument
from retrieval.records import Answer, Hit, Kind
from ui.events import UNQUEUED
from ui.page_column import PageColumn, Shown, show_page
from ui.page_view import PageView, view_hit
from ui.pictures import draw_blank, shrink_picture
from ui.text import show_line

if TYPE_CHECKING:
    from gradio.data_classes import ImageData

MAX_RESULTS = 12

EMPTY_LIBRARY = "The library is empty. Add documents on the Library tab."
EMPTY_QUESTION = "Type a question, or a few words that stand on the page."
NO_PICTURE = "Choose, paste or drop a picture first."
NOTHING_FOUND = "No page was found for this question."
NO_GOOD_MATCH = "No good match: these pages answer no better than they answer nonsense."
NOTHING_ALIKE = "Nothing else like it was found in the library."

# On a narrow screen the page stands above the results, out of sight of the one that is clicked.
SCROLL_TO_PAGE = """() => {
  if (matchMedia("(max-width: 720px)").matches)
    document.querySelector("#page-column")?.scrollIntoView();
}"""

# A new answer begins with its best page, far above the result that it was asked from.
SCROLL_TO_STATUS = """() =>
  document.querySelector("#search-status")?.scrollIntoView({ block: "nearest" })"""


@dataclass(frozen=True, slots=True)
class SearchTab:
    """Asks the library and shows what it finds."""

    library: Library

    def build(self, page: gr.Blocks, tab: gr.Tab) -> None:
        """Lays out the tab and wires its events."""
        answer = gr.State()
        with gr.Row(equal_height=True):
            question = gr.Textbox(
                label="Question",
                show_label=False,
                container=False,
                placeholder="What do you look for?",
                lines=1,
                max_lines=1,
                autofocus=True,
                scale=6,
                elem_id="question",
            )
            ask = gr.Button("Search", variant="primary", scale=1, min_width=120, elem_id="ask")
        with gr.Accordion("Search with a picture", open=False, elem_id="picture-search"):
            picture = gr.Image(
                label="Picture",
                show_label=False,
                sources=["upload", "clipboard"],
                type="filepath",
                height=180,
                elem_id="picture",
            )
            # Gradio would open the file, and say in its own way where that fails.
            picture.preprocess = locate_upload
            look = gr.Button("Find pages and photos like it", size="sm", elem_id="look")
        status = gr.HTML(elem_id="search-status")
        with gr.Row():
            with gr.Column(scale=1, visible=False) as found:
                results = gr.Gallery(
                    label="Pages and photos found, best first",
                    show_label=False,
                    columns=2,
                    height="auto",
                    object_fit="contain",
                    format="jpeg",
                    allow_preview=False,
                    interactive=False,
                    buttons=[],
                    elem_id="results",
                )
            column = PageColumn(self.library, answer)
        asked = [answer, status, found, results, *column.shown]
        private = {"api_visibility": "private"}
        announced = {"show_progress_on": status, **private}
        quiet = {"show_progress": "hidden", **private}
        gr.on([ask.click, question.submit], self.search, question, asked, **announced)
        look.click(self.search_picture, picture, asked, **announced)
        for button, search in (
            (column.like_page, self.search_like_page),
            (column.like_region, self.search_like_region),
        ):
            button.click(search, [column.view, answer], asked, **announced).then(
                None, js=SCROLL_TO_STATUS
            )
        results.select(self.open_result, answer, [status, *column.shown], **quiet).then(
            None, js=SCROLL_TO_PAGE
        )
        for event in (page.load, tab.select):
            event(self.greet, answer, status, **UNQUEUED, **quiet)

    def greet(self, answer: Answer | None) -> Any:
        """Says what can be searched, until a question is answered."""
        if answer is not None:
            return gr.skip()
        documents = self.library.list_documents()
        if not documents:
            return show_line(EMPTY_LIBRARY)
        counts = self.library.count()
        n_pages = counts.pages - counts.unread_pages
        return show_line(
            f"{count_things(n_pages, 'page')} of {count_things(len(documents), 'document')} "
            "can be searched."
        )

    def search(self, question: str) -> Shown:
        """Answers a question and opens the best page."""
        if not self.library.list_documents():
            return self._show_none(EMPTY_LIBRARY)
        if not question.strip():
            return self._show_none(EMPTY_QUESTION)
        return self._show_answer(
            lambda: self.library.search(question, MAX_RESULTS), "", self._show_none
        )

    def search_picture(self, path: str | None) -> Shown:
        """Finds what is most like an uploaded picture and opens the best page."""
        if not self.library.list_documents():
            return self._show_none(EMPTY_LIBRARY)
        if path is None:
            return self._show_none(NO_PICTURE)
        picture = Path(path)
        return self._show_answer(
            lambda: self.library.search_picture(picture, MAX_RESULTS),
            f"Like {picture.name}: ",
            # Where the upload lies on this machine is nobody's business.
            lambda message: self._show_none(message.replace(path, picture.name)),
        )

    def search_like_page(self, view: PageView, answer: Answer) -> Shown:
        """Finds what is most like the page shown."""
        return self._search_like(replace(view, corners=()), answer)

    def search_like_region(self, view: PageView, answer: Answer) -> Shown:
        """Finds what is most like the region framed on the page shown."""
        return self._search_like(view, answer)

    def open_result(self, answer: Answer, event: gr.SelectData) -> Shown:
        """Shows the page that was clicked."""
        hit = answer.hits[event.index]
        try:
            view = view_hit(self.library, hit)
        except UnknownDocument:
            gone = show_line(f"{hit.document} is no longer in the library.")
            return gone, *show_page(self.library, None, answer)
        return gr.skip(), *show_page(self.library, view, answer)

    def _search_like(self, view: PageView, answer: Answer) -> Shown:
        def keep_page(message: str) -> Shown:
            shown = show_page(self.library, view, answer)
            return answer, show_line(message), gr.skip(), gr.skip(), *shown

        part = "" if view.region is None else "a region of "
        return self._show_answer(
            lambda: self.library.search_like(
                view.document_id, view.page_index, MAX_RESULTS, view.region
            ),
            f"Like {part}page {view.page_index + 1:,} of {view.document}: ",
            keep_page,
        )

    def _show_answer(
        self, ask: Callable[[], Answer], asked: str, refuse: Callable[[str], Shown]
    ) -> Shown:
        try:
            answer = ask()
            if not answer.hits:
                return refuse(NOTHING_ALIKE if asked else NOTHING_FOUND)
            view = view_hit(self.library, answer.hits[0])
            photo = self._describe_photos()
            pictures = [self._picture(hit, photo) for hit in answer.hits]
        except PagelensError as error:
            return refuse(str(error))
        found = f"{asked}{count_hits(answer)} found in {1000 * answer.seconds:.0f} ms, best first."
        if not answer.is_good:
            found = f"{NO_GOOD_MATCH} {found}"
        gallery = gr.Gallery(pictures, selected_index=0)
        shown = show_page(self.library, view, answer)
        return answer, show_line(found), gr.Column(visible=True), gallery, *shown

    def _describe_photos(self) -> str:
        is_approximate = self.library.encoders.choose_photos().name == IMAGENET_TAGS.id
        return "photo, approximate, " if is_approximate else "photo, "

    def _picture(self, hit: Hit, photo: str) -> tuple[Any, str]:
        picture = self.library.lit_page(hit) or draw_blank()
        kind = photo if hit.kind == Kind.PHOTO else ""
        caption = f"{hit.document}, page {hit.page_number:,} ({kind}score {hit.score:.2f})"
        if hit.duplicates:
            caption += f", the same on {count_things(len(hit.duplicates), 'other page')}"
        return shrink_picture(picture), caption

    def _show_none(self, message: str) -> Shown:
        nothing = Answer("", (), 0.0)
        hidden = gr.Column(visible=False)
        return None, show_line(message), hidden, None, *show_page(self.library, None, nothing)


def count_hits(answer: Answer) -> str:
    """How many pages and how many photos an answer holds."""
    numbers = {kind: sum(hit.kind == kind for hit in answer.hits) for kind in Kind}
    return " and ".join(count_things(n, kind.value) for kind, n in numbers.items() if n)


def locate_upload(upload: ImageData | None) -> str | None:
    """Where the file lies that was uploaded, as it came; None where none was."""
    return upload.path if upload else None
