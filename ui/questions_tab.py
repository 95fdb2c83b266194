"""The questions tab: the library's own evaluation set, checked and edited by whoever reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.library import Library
from app.question_output import ORIGINS
from retrieval.errors import PagelensError
from retrieval.questions import Question, RelevantPage
from ui.cards import measure_page, name_page
from ui.events import UNQUEUED
from ui.rendering import render
from ui.text import show_line

# Questions that are listed before more are asked for, and as many more each time.
STEP_QUESTIONS = 50

# What the list is narrowed to, by the name that the form sends.
UNCHECKED, CHECKED = "unchecked", "checked"


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A judged page as the list shows it; `document` is None where the library has lost it."""

    page: RelevantPage
    name: str
    document: str | None
    size_px: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class ListedQuestion:
    """A question as the list shows it."""

    question: Question
    origin: str
    pages: tuple[ListedPage, ...]


@dataclass(frozen=True, slots=True)
class QuestionsTab:
    """Lists questions, acts on them, and has others proposed."""

    library: Library

    def build(self, bridge: gr.HTML) -> None:
        """Lays out the tab and wires its events."""
        bare: dict[str, Any] = {"apply_default_css": False}
        frame = render(
            "questions.html",
            read_only=self.library.is_read_only,
            writes_answers=self.library.writes_answers,
        )
        gr.HTML(frame, elem_id="questions-box", **bare)
        proposals = gr.HTML(elem_id="proposals", **bare)
        notice = gr.HTML(elem_id="questions-notice", **bare)
        summary = gr.HTML(elem_id="questions-summary", **bare)
        questions = gr.HTML(elem_id="questions", **bare)
        listed = [proposals, notice, summary, questions]
        quiet = {"show_progress": "hidden", "api_visibility": "private", **UNQUEUED}
        bridge.questions(self.act, None, listed, trigger_mode="multiple", **quiet)
        # Asked for every second while questions are proposed; one that comes late is passed over.
        bridge.proposals(self.show_proposals, None, proposals, **quiet)

    def show_proposals(self) -> str:
        """How far proposing is, and what came of it."""
        return render("proposals.html", state=self.library.proposals.look())

    def act(self, event: gr.EventData) -> tuple[str, str, str, str]:
        """Does what a button of the page says, then lists what there is."""
        try:
            said = self._do(str(event.act), event)
        except PagelensError as error:
            said = str(error)
        known = self.library.list_questions(checked_only=False)
        return (
            self.show_proposals(),
            show_line(said),
            self._summarise(known),
            self._list(known, dict(event.view)),
        )

    def _do(self, act: str, event: gr.EventData) -> str:
        """What came of an act, in words; nothing where it is seen in the list."""
        if act == "list":
            return ""
        # No door stands before an event of the page.
        self.library.check_writable()
        match act:
            case "accept":
                question = self.library.edit_question(str(event.id), is_checked=True)
                return f"Accepted: {question.text}"
            case "edit":
                # Who has written it has checked it.
                question = self.library.edit_question(
                    str(event.id), text=str(event.text), is_checked=True
                )
                return f"The question is now: {question.text}"
            case "delete":
                self.library.remove_question(str(event.id))
                return f"Deleted: {event.text}"
            case "unmark":
                document_id, _, number = str(event.page).partition(".")
                self.library.unmark_page(str(event.text), document_id, int(number) - 1)
            case "propose":
                self.library.proposals.start(with_model=event.by == "model")
            case "stop":
                self.library.proposals.stop()
        return ""

    def _summarise(self, known: list[Question]) -> str:
        n_unchecked = sum(not question.is_checked for question in known)
        n_judged = len(self.library.list_judged_questions())
        return render(
            "questions_summary.html",
            n_questions=len(known),
            n_unchecked=n_unchecked,
            n_judged=n_judged,
            read_only=self.library.is_read_only,
        )

    def _list(self, known: list[Question], view: dict[str, Any]) -> str:
        contains = str(view.get("contains") or "").strip().casefold()
        state, origin = view.get("state"), view.get("origin")
        found = [
            question
            for question in reversed(known)
            if contains in question.text.casefold()
            and state in ("", None, CHECKED if question.is_checked else UNCHECKED)
            and origin in ("", None, question.origin.value)
        ]
        limit = max(STEP_QUESTIONS, int(view.get("limit") or 0))
        names = {document.document_id: document.name for document in self.library.list_documents()}
        return render(
            "questions_list.html",
            questions=[self._describe(question, names) for question in found[:limit]],
            is_empty=not known,
            n_more=max(0, len(found) - limit),
            next_limit=limit + STEP_QUESTIONS,
            read_only=self.library.is_read_only,
        )

    def _describe(self, question: Question, names: dict[str, str]) -> ListedQuestion:
        pages = tuple(
            ListedPage(
                page,
                name_page(page.document_id, page.page_index),
                names.get(page.document_id),
                measure_page(self.library, page.document_id, page.page_index),
            )
            for page in question.pages
        )
        return ListedQuestion(question, ORIGINS[question.origin.value], pages)
