"""The ask tab: a question answered from the best pages, each part of the answer with its page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from anyio import CapacityLimiter, to_thread
from cachetools import LRUCache

from app.api.ask import RunningAnswer
from app.demo import find_examples
from app.library import Library
from retrieval.errors import PagelensError
from ui.answer_view import AnswerView
from ui.events import UNQUEUED
from ui.rendering import render
from ui.text import escape_text, show_line

NOTHING_ASKED = "Type a question that the pages may answer."
EMPTY_LIBRARY = "The library is empty. Add documents on the Library tab."

# Answers that can still be looked at, those on their way among them.
KEPT_ANSWERS = 256
# A page that was closed looks no more; one that is there does five times a second.
UNSEEN_S = 20

QUOTES = "Answers are quotes from the pages, word for word; no model writes anything."
GENERATED = (
    "Answers are written by {name} from the pages that were found; check them by the pages they "
    "cite."
)


@dataclass(slots=True)
class AskedQuestion:
    """A question of somebody, and as much of its answer as there is.

    Attributes:
        name: by which the page asks for it.
        said: what is to be said besides: why it ended early, say.
    """

    name: str
    view: AnswerView
    said: str = ""
    is_over: bool = False
    _answering: RunningAnswer | None = None
    _seen_at: float = field(default_factory=time.monotonic)

    def show(self) -> str:
        """HTML of what there is."""
        self._seen_at = time.monotonic()
        over = "yes" if self.is_over else "no"
        content = self.said + self.view.render(is_over=self.is_over)
        return f'<div data-asked="{escape_text(self.name)}" data-over="{over}">{content}</div>'

    def stop(self) -> None:
        """Ends the answer where it is."""
        if not self.is_over:
            self.said = show_line("Stopped.")
            self.is_over = True
        if self._answering is not None:
            self._answering.give_up()

    @contextmanager
    def hear(self, answering: RunningAnswer) -> Iterator[None]:
        """Entered while the answer is on its way."""
        self._answering = answering
        try:
            yield
        finally:
            answering.give_up()

    @property
    def is_unwanted(self) -> bool:
        """Whether it was stopped, or nobody looks at it any more."""
        return self.is_over or time.monotonic() - self._seen_at > UNSEEN_S


@dataclass(frozen=True, slots=True)
class AskTab:
    """Answers questions. What there is of an answer is asked for until it is whole.

    Attributes:
        library: is asked.
        search_turns: in which searches and quotes are made.
        answer_turns: in which models are waited for.
    """

    library: Library
    search_turns: CapacityLimiter
    answer_turns: CapacityLimiter
    # Of the event loop's thread alone: it is safe to use from no other.
    _asked: LRUCache[str, AskedQuestion] = field(default_factory=lambda: LRUCache(KEPT_ANSWERS))

    def build(self, bridge: gr.HTML) -> None:
        """Lays out the tab and wires its events."""
        bare: dict[str, Any] = {"apply_default_css": False}
        choice = self.library.answerer_choice
        is_generated = self.library.writes_answers
        about = GENERATED.format(name=choice.name) if is_generated else QUOTES
        form = render("ask_form.html", is_generated=is_generated, about=about)
        gr.HTML(form, elem_id="ask-box", **bare)
        answer = gr.HTML(self.show_examples, elem_id="ask-answer", **bare)
        # Gradio's queue, too, could send an answer as it comes; an answer that begins just as
        # another event of the page ends would be lost there.
        quiet = {"show_progress": "hidden", "api_visibility": "private", **UNQUEUED}
        bridge.ask(self.ask, None, answer, trigger_mode="multiple", **quiet)
        bridge.look(self.look, None, answer, **quiet)
        bridge.stop(self.stop, None, answer, trigger_mode="multiple", **quiet)

    def show_examples(self) -> str:
        """Questions to begin with, where the library has any."""
        return render("ask_examples.html", examples=find_examples(self.library))

    async def ask(self, event: gr.EventData) -> str:
        """HTML of the whole answer."""
        asked = AskedQuestion(str(event.name), AnswerView(self.library))
        self._asked[asked.name] = asked
        question = str(event.question).replace("\0", "").strip()
        counts = await to_thread.run_sync(self.library.count)
        if not question or not counts.documents:
            asked.said = show_line(NOTHING_ASKED if not question else EMPTY_LIBRARY)
        else:
            try:
                await self._answer(question, asked)
            except PagelensError as error:
                # What was stopped has no trouble to tell of.
                if not asked.is_over:
                    asked.said = show_line(str(error), role="alert")
        asked.is_over = True
        return await to_thread.run_sync(asked.show)

    async def _answer(self, question: str, asked: AskedQuestion) -> None:
        found = await to_thread.run_sync(
            self.library.find_pages, question, limiter=self.search_turns
        )
        waits = self.library.writes_answers
        turns = self.answer_turns if waits else self.search_turns
        answering = RunningAnswer(found, self.library.answer(found))
        with asked.hear(answering):
            while not asked.is_unwanted:
                heard = await to_thread.run_sync(answering.read, limiter=turns)
                if heard is None:
                    return
                asked.view.add(heard)

    async def look(self, event: gr.EventData) -> Any:
        """HTML of as much of an answer as there is; nothing for one that is not known."""
        asked = self._asked.get(str(event.name))
        return gr.skip() if asked is None else await to_thread.run_sync(asked.show)

    async def stop(self, event: gr.EventData) -> Any:
        """Ends an answer where it is."""
        asked = self._asked.get(str(event.name))
        if asked is None:
            return gr.skip()
        asked.stop()
        return await to_thread.run_sync(asked.show)
