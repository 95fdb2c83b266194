"""The ask tab: a question answered from the best pages, each part of the answer with its page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
from anyio import CapacityLimiter, to_thread

from app.api.ask import Answering
from app.library import Library
from retrieval.errors import PagelensError
from ui.answer_view import AnswerView
from ui.rendering import render
from ui.text import show_line

NOTHING_ASKED = "Type a question that the pages may answer."
EMPTY_LIBRARY = "The library is empty. Add documents on the Library tab."
# Whoever asks at the same time waits for a model, not for each other.
ANSWERS_AT_ONCE = 16

QUOTES = "Answers are quotes from the pages, word for word; no model writes anything."
GENERATED = (
    "Answers are written by {name} from the pages that were found; check them by the pages they "
    "cite."
)


@dataclass(frozen=True, slots=True)
class AskTab:
    """Answers questions.

    Attributes:
        library: is asked.
        search_turns: in which searches and quotes are made.
        answer_turns: in which models are waited for.
    """

    library: Library
    search_turns: CapacityLimiter
    answer_turns: CapacityLimiter

    def build(self, bridge: gr.HTML) -> None:
        """Lays out the tab and wires its events."""
        bare: dict[str, Any] = {"apply_default_css": False}
        choice = self.library.answerer_choice
        is_generated = self.library.writes_answers
        about = GENERATED.format(name=choice.name) if is_generated else QUOTES
        form = render("ask_form.html", is_generated=is_generated, about=about)
        gr.HTML(form, elem_id="ask-box", **bare)
        answer = gr.HTML(elem_id="ask-answer", **bare)
        quiet = {"show_progress": "hidden", "api_visibility": "private"}
        asking = bridge.ask(
            self.ask,
            None,
            answer,
            concurrency_limit=ANSWERS_AT_ONCE,
            trigger_mode="multiple",
            **quiet,
        )
        bridge.stop(None, None, None, cancels=[asking], **quiet)

    async def ask(self, event: gr.EventData) -> AsyncIterator[str]:
        """HTML of the answer, again and again as more of it comes."""
        question = str(event.question).replace("\0", "").strip()
        if not question or not self.library.count().documents:
            yield show_line(NOTHING_ASKED if not question else EMPTY_LIBRARY)
            return
        view = AnswerView(self.library)
        yield view.render()
        try:
            asked = await to_thread.run_sync(
                self.library.find_pages, question, limiter=self.search_turns
            )
            waits = self.library.open_answerer().is_generated
            turns = self.answer_turns if waits else self.search_turns
            answering = Answering(asked, self.library.answer(asked))
            try:
                while (
                    heard := await to_thread.run_sync(
                        answering.read, limiter=turns, abandon_on_cancel=True
                    )
                ) is not None:
                    view.add(heard)
                    yield view.render()
            finally:
                answering.give_up()
        except PagelensError as error:
            yield show_line(str(error), role="alert") + view.render(is_over=True)
