"""The search tab: a question, the pages that answer it, and one of them large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.library import Library
from app.output import count_things
from retrieval.errors import PagelensError, UnknownDocument
from retrieval.records import Answer, Hit
from ui.page_view import PageView, draw_page, view_hit
from ui.pictures import draw_blank, shrink_picture
from ui.text import show_line

MAX_RESULTS = 12

EMPTY_LIBRARY = "The library is empty. Add documents on the Library tab."
EMPTY_QUESTION = "Type a question, or a few words that stand on the page."
NOTHING_FOUND = "No page was found for this question."

# On a narrow screen the page stands above the results, out of sight of the one that is clicked.
SCROLL_TO_PAGE = """() => {
  if (matchMedia("(max-width: 720px)").matches)
    document.querySelector("#page-column")?.scrollIntoView();
}"""

# What an event returns, one value for each of its outputs.
Shown = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class SearchTab:
    """Asks the library and shows what it finds."""

    library: Library

    def build(self, page: gr.Blocks, tab: gr.Tab) -> None:
        """Lays out the tab and wires its events."""
        answer, view = gr.State(), gr.State()
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
        status = gr.HTML(elem_id="search-status")
        with gr.Row():
            with gr.Column(scale=1, visible=False) as found:
                results = gr.Gallery(
                    label="Pages found, best first",
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
            with gr.Column(scale=1, visible=False, elem_id="page-column") as large:
                with gr.Row(elem_id="page-heading"):
                    title = gr.HTML(elem_id="page-title")
                    previous = gr.Button(
                        "Previous page", size="sm", scale=0, min_width=120, elem_id="previous-page"
                    )
                    following = gr.Button(
                        "Next page", size="sm", scale=0, min_width=120, elem_id="next-page"
                    )
                picture = gr.Image(
                    label="Page",
                    show_label=False,
                    interactive=False,
                    buttons=["fullscreen", "download"],
                    elem_id="page-picture",
                )
        shown = [view, large, title, picture, previous, following]
        asked = [answer, status, found, results, *shown]
        private = {"api_visibility": "private"}
        gr.on(
            [ask.click, question.submit],
            self.search,
            question,
            asked,
            show_progress_on=status,
            **private,
        )
        results.select(
            self.open_result, answer, [status, *shown], show_progress="hidden", **private
        ).then(None, js=SCROLL_TO_PAGE)
        for button, turn in ((previous, self.turn_back), (following, self.turn_on)):
            button.click(turn, [view, answer], shown, show_progress="hidden", **private)
        for event in (page.load, tab.select):
            event(self.greet, answer, status, show_progress="hidden", **private)

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
        try:
            answer = self.library.search(question, MAX_RESULTS)
            if not answer.hits:
                return self._show_none(NOTHING_FOUND)
            view = view_hit(self.library, answer.hits[0])
            pictures = [self._picture(hit) for hit in answer.hits]
        except PagelensError as error:
            return self._show_none(str(error))
        n_pages = count_things(len(answer.hits), "page")
        status = show_line(f"{n_pages} found in {1000 * answer.seconds:.0f} ms, best first.")
        gallery = gr.Gallery(pictures, selected_index=0)
        return answer, status, gr.Column(visible=True), gallery, *self._show(view, answer)

    def open_result(self, answer: Answer, event: gr.SelectData) -> Shown:
        """Shows the page that was clicked."""
        hit = answer.hits[event.index]
        try:
            view = view_hit(self.library, hit)
        except UnknownDocument:
            gone = show_line(f"{hit.document} is no longer in the library.")
            return gone, *self._show(None, answer)
        return gr.skip(), *self._show(view, answer)

    def turn_back(self, view: PageView, answer: Answer) -> Shown:
        """Shows the page before."""
        return self._show(view.turn(-1), answer)

    def turn_on(self, view: PageView, answer: Answer) -> Shown:
        """Shows the page after."""
        return self._show(view.turn(1), answer)

    def _picture(self, hit: Hit) -> tuple[Any, str]:
        picture = self.library.lit_page(hit) or draw_blank()
        caption = f"{hit.document}, page {hit.page_number:,} (score {hit.score:.2f})"
        return shrink_picture(picture), caption

    def _show(self, view: PageView | None, answer: Answer) -> Shown:
        if view is None:
            return None, gr.Column(visible=False), "", None, gr.skip(), gr.skip()
        return (
            view,
            gr.Column(visible=True),
            show_line(view.title),
            gr.Image(draw_page(self.library, view, answer), alt_text=view.title),
            gr.Button(interactive=not view.is_first),
            gr.Button(interactive=not view.is_last),
        )

    def _show_none(self, message: str) -> Shown:
        nothing = Answer("", (), 0.0)
        hidden = gr.Column(visible=False)
        return None, show_line(message), hidden, None, *self._show(None, nothing)
