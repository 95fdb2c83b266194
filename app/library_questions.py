"""The evaluation set of an open library, given out as the REST API and its client give it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import sleep

from app.api.question_bodies import (
    ImportReportBody,
    JudgedPageBody,
    MarkBody,
    NewQuestionBody,
    ProposalBody,
    ProposeBody,
    QuestionBody,
    QuestionChangesBody,
)
from app.library import Library
from app.question_folder import ReadQuestion
from app.question_output import show_proposals, show_questions, show_report
from ingest.documents import Document
from ingest.progress import OnProgress
from retrieval.questions import Question, RelevantPage

POLL_S = 0.1


class LibraryQuestions:
    """Takes and gives what `PagelensClient` does of questions, and raises the same errors."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def find_document(self, name: str) -> Document:
        """The document of this name, id, or prefix of an id; see `Library`."""
        return self.library.find_document(name)

    def list_questions(self) -> list[QuestionBody]:
        """All questions, oldest first."""
        return self.show(self.library.list_questions(checked_only=False))

    def add_question(self, question: NewQuestionBody) -> QuestionBody:
        """Adds a question."""
        pages = _read_pages(question.pages)
        added = self.library.add_question(question.text, pages, is_checked=question.checked)
        return self.show([added])[0]

    def edit_question(self, question_id: str, changes: QuestionChangesBody) -> QuestionBody:
        """Changes what is given of a question."""
        edited = self.library.edit_question(
            question_id,
            text=changes.text,
            is_checked=changes.checked,
            pages=None if changes.pages is None else _read_pages(changes.pages),
        )
        return self.show([edited])[0]

    def mark_page(self, mark: MarkBody) -> QuestionBody | None:
        """Says how relevant a page is to a search, or takes it back; the question, if it stays."""
        page = (mark.document_id, mark.page - 1)
        if mark.relevance is None:
            self.library.unmark_page(mark.text, *page)
        else:
            self.library.mark_page(mark.text, *page, mark.relevance)
        found = self.library.find_question(mark.text)
        return None if found is None else self.show([found])[0]

    def remove_question(self, question_id: str) -> None:
        """Removes a question."""
        self.library.remove_question(question_id)

    def import_questions(self, read: Sequence[ReadQuestion]) -> ImportReportBody:
        """Adds the questions of an evaluation folder."""
        return show_report(self.library.import_questions(read))

    def export_questions(self, folder: Path, on_progress: OnProgress) -> None:
        """Writes the checked questions, with all documents, into a new evaluation folder."""
        self.library.export_questions(folder, on_progress)

    def propose_questions(self, wanted: ProposeBody) -> Iterator[ProposalBody]:
        """Has questions proposed, and yields how far that is until it is over."""
        proposals = self.library.proposals
        state = proposals.start(limit=wanted.limit, with_model=wanted.with_model)
        yield show_proposals(state)
        while state.is_running:
            sleep(POLL_S)
            state = proposals.look()
            yield show_proposals(state)

    def show(self, questions: Sequence[Question]) -> list[QuestionBody]:
        """Questions, with the names of their documents."""
        documents = self.library.list_documents()
        return show_questions(questions, {d.document_id: d.name for d in documents})


def _read_pages(pages: Sequence[JudgedPageBody]) -> list[RelevantPage]:
    return [RelevantPage(page.document_id, page.page - 1, page.relevance) for page in pages]
