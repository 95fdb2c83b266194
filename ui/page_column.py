"""The column that shows one page large: its neighbours, its evidence, and a region of it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.library import Library
from retrieval.records import Answer
from ui.page_view import NO_EVIDENCE, PageView, draw_page, find_hit, list_evidence
from ui.text import show_line

# By the number of corners clicked so far.
HINTS = (
    "For a region, click two opposite corners of it on the page.",
    "Now click the opposite corner.",
    "The region is framed. Click again to choose another.",
)

# What an event returns, one value for each of its outputs.
Shown = tuple[Any, ...]


class PageColumn:
    """Lays out the column and turns its pages; what is like the page, the search tab finds.

    Attributes:
        view: holds the `PageView` that is shown; None where no page is.
        shown: the outputs of an event that returns `show_page`.
        like_page: the button that asks for pages like this one.
        like_region: the button that asks for pages like the region framed on it.
    """

    def __init__(self, library: Library, answer: gr.State) -> None:
        """Lays out the column where it stands and wires its events.

        Args:
            library: holds the pages.
            answer: holds the `Answer` that the page was found by.
        """
        self._library = library
        self.view = gr.State()
        with gr.Column(scale=1, visible=False, elem_id="page-column") as column:
            small: dict[str, Any] = {"size": "sm", "scale": 0}
            with gr.Row(elem_id="page-heading"):
                title = gr.HTML(elem_id="page-title")
                previous = gr.Button(
                    "Previous page", min_width=120, elem_id="previous-page", **small
                )
                following = gr.Button("Next page", min_width=120, elem_id="next-page", **small)
            evidence = gr.Radio(label="Evidence", elem_id="evidence")
            with gr.Row(elem_id="like-row"):
                self.like_page = gr.Button(
                    "More like this page", min_width=150, elem_id="like-page", **small
                )
                self.like_region = gr.Button(
                    "More like this region", min_width=150, elem_id="like-region", **small
                )
                hint = gr.HTML(elem_id="region-hint")
            picture = gr.Image(
                label="Page",
                show_label=False,
                interactive=False,
                buttons=["fullscreen", "download"],
                elem_id="page-picture",
            )
        self.shown = [
            *(self.view, column, title, previous, following),
            *(evidence, self.like_region, hint, picture),
        ]
        on_page = [self.view, answer]
        quiet = {"show_progress": "hidden", "api_visibility": "private"}
        previous.click(self.turn_back, on_page, self.shown, **quiet)
        following.click(self.turn_on, on_page, self.shown, **quiet)
        evidence.input(self.choose_evidence, [evidence, *on_page], [self.view, picture], **quiet)
        # The second click may come before the first is answered; "once" would drop it.
        picture.select(self.click_picture, on_page, self.shown, trigger_mode="multiple", **quiet)

    def turn_back(self, view: PageView, answer: Answer) -> Shown:
        """Shows the page before."""
        return show_page(self._library, view.turn(-1), answer)

    def turn_on(self, view: PageView, answer: Answer) -> Shown:
        """Shows the page after."""
        return show_page(self._library, view.turn(1), answer)

    def choose_evidence(self, evidence: int, view: PageView, answer: Answer) -> Shown:
        """Lights up what was chosen."""
        view = view.choose(evidence)
        return view, show_picture(self._library, view, answer)

    def click_picture(self, view: PageView, answer: Answer, event: gr.SelectData) -> Shown:
        """Takes the pixel clicked as a corner of a region."""
        x_px, y_px = event.index
        width_px, height_px = draw_page(self._library, view.choose(NO_EVIDENCE), answer).size
        view = view.click((x_px / width_px, y_px / height_px))
        return show_page(self._library, view, answer)


def show_page(library: Library, view: PageView | None, answer: Answer) -> Shown:
    """What `PageColumn.shown` is to show; the column is hidden where `view` is None."""
    if view is None:
        return None, gr.Column(visible=False), "", *[gr.skip()] * 5, None
    choices = list_evidence(find_hit(view, answer))
    return (
        view,
        gr.Column(visible=True),
        show_line(view.title),
        gr.Button(interactive=not view.is_first),
        gr.Button(interactive=not view.is_last),
        gr.Radio(choices=choices, value=view.evidence, visible=bool(choices)),
        gr.Button(interactive=view.region is not None),
        show_line(HINTS[len(view.corners)]),
        show_picture(library, view, answer),
    )


def show_picture(library: Library, view: PageView, answer: Answer) -> gr.Image:
    """The page's picture, and its name for those who do not see it."""
    return gr.Image(draw_page(library, view, answer), alt_text=view.title)
