"""The questions of a library whose right pages are known: its own evaluation set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from app.cataloguing import EVERY_DOCUMENT, DocumentQuery
from app.question_folder import Export, ReadQuestion, build_export, write_folder
from app.question_import import ImportReport, plan_import
from ingest.documents import Document
from ingest.progress import OnProgress
from ingest.questions import Questions, clean_text, make_id
from retrieval.errors import NoQuestions, UnknownPage
from retrieval.questions import Question, QuestionOrigin, RelevantPage


class Questioning(ABC):
    """What a library, which is one, is measured by, and what people make of that."""

    _questions: Questions

    @abstractmethod
    def check_writable(self) -> None:
        """Refuses what would change a library that is read-only; see `Library`."""

    @abstractmethod
    def find_document(self, name: str) -> Document:
        """The document of this name or id; see `Library`."""

    @abstractmethod
    def find_original(self, document_id: str) -> Path:
        """The file that a document was made from; see `Library`."""

    @abstractmethod
    def list_documents(self, query: DocumentQuery = EVERY_DOCUMENT) -> list[Document]:
        """The documents that can be searched; see `Cataloguing`."""

    def list_questions(self, checked_only: bool = True) -> list[Question]:
        """The library's questions, in the order in which they came.

        Args:
            checked_only: whether those are left out that were proposed and nobody has checked.
        """
        known = self._questions.list_all()
        return [question for question in known if question.is_checked or not checked_only]

    def list_judged_questions(self) -> list[Question]:
        """The checked questions that a page of the library answers, with its own pages alone.

        What a search is measured by: pages of documents that are gone are left out.
        """
        held = {document.document_id for document in self.list_documents()}
        within = (question.within(held) for question in self.list_questions())
        return [question for question in within if question.relevant_pages]

    def require_judged_questions(self) -> list[Question]:
        """As `list_judged_questions`, for what cannot be done without them.

        Raises:
            NoQuestions: there is none.
        """
        questions = self.list_judged_questions()
        if not questions:
            raise NoQuestions("the library has no checked question that one of its pages answers")
        return questions

    def find_question(self, text: str) -> Question | None:
        """The question of this text, capitals and spaces aside; None if there is none."""
        return self._questions.find_text(text)

    def add_question(
        self, text: str, pages: Sequence[RelevantPage] = (), *, is_checked: bool = True
    ) -> Question:
        """Adds a person's question.

        Raises:
            InvalidQuestion: the text is empty or too long.
            QuestionExists: there is one of this text.
            UnknownDocument, UnknownPage: the library has no such page.
            ReadOnlyLibrary: nobody may change it.
        """
        self.check_writable()
        question = Question(
            make_id(),
            clean_text(text),
            QuestionOrigin.PERSON,
            is_checked,
            self._check_pages(pages),
            datetime.now(timezone.utc),
        )
        self._questions.add([question])
        return self._questions.find(question.question_id)

    def edit_question(
        self,
        question_id: str,
        *,
        text: str | None = None,
        is_checked: bool | None = None,
        pages: Sequence[RelevantPage] | None = None,
    ) -> Question:
        """Changes what is given of a question, and leaves the rest; `pages` replaces all.

        Raises:
            UnknownQuestion: there is none of this id.
            InvalidQuestion, QuestionExists, UnknownDocument, UnknownPage: as `add_question`.
            ReadOnlyLibrary: nobody may change it.
        """
        self.check_writable()
        if pages is not None:
            # Those that were judged before may be of documents that are gone.
            known = {_name(page) for page in self._questions.find(question_id).pages}
            kept = [page for page in pages if _name(page) in known]
            pages = [*kept, *self._check_pages([p for p in pages if _name(p) not in known])]
        return self._questions.edit(question_id, text=text, is_checked=is_checked, pages=pages)

    def mark_page(
        self, text: str, document_id: str, page_index: int, relevance: int = 1
    ) -> Question:
        """Says how relevant a page is to a search; the question is made if there is none.

        Whoever marks a page has checked the question.

        Args:
            text: what was searched for.
            document_id: of the document, or its name.
            page_index: 0-based.
            relevance: the grade; 0 for a page that does not answer.

        Raises:
            InvalidQuestion: the text is empty or too long, or there is no such grade.
            UnknownDocument, UnknownPage: the library has no such page.
            ReadOnlyLibrary: nobody may change it.
        """
        self.check_writable()
        (page,) = self._check_pages([RelevantPage(document_id, page_index, relevance)])
        return self._questions.mark(text, page)

    def unmark_page(self, text: str, document_id: str, page_index: int) -> None:
        """Takes back what was said of a page; a person's question goes with its last page.

        Raises:
            ReadOnlyLibrary: nobody may change the library.
        """
        self.check_writable()
        self._questions.unmark(text, document_id, page_index)

    def remove_question(self, question_id: str) -> None:
        """Removes a question; one that was proposed is not proposed again.

        Raises:
            UnknownQuestion: there is none of this id.
            ReadOnlyLibrary: nobody may change the library.
        """
        self.check_writable()
        self._questions.remove(question_id)

    def import_questions(self, read: Sequence[ReadQuestion]) -> ImportReport:
        """Adds the questions of an evaluation folder that a page of the library answers.

        Documents are told by their bytes, then by their names. Questions whose texts are known
        become one with those.

        Raises:
            InvalidQuestion: a text is empty or too long; nothing is added.
            ReadOnlyLibrary: nobody may change the library.
        """
        self.check_writable()
        plan = plan_import(
            read, self._questions.list_all(), self.list_documents(), datetime.now(timezone.utc)
        )
        self._questions.add(plan.added)
        for question in plan.updated:
            self._questions.edit(question.question_id, is_checked=True, pages=question.pages)
        return plan.report

    def build_export(self) -> Export:
        """The library's checked questions as an evaluation set, with all of its documents.

        Raises:
            NoQuestions: there is none that a page of the library answers.
        """
        return build_export(self.require_judged_questions(), self.list_documents())

    def export_questions(self, folder: Path, on_progress: OnProgress) -> Export:
        """Writes the library's evaluation set into a new folder, for `pagelens evaluate`.

        Raises:
            NoQuestions: there is no question to write.
            BackupNotWritten: the folder holds something, or cannot be written.
            UnknownDocument: the library has lost an original.
        """
        export = self.build_export()
        write_folder(export, folder, self.find_original, on_progress)
        return export

    def _check_pages(self, pages: Sequence[RelevantPage]) -> tuple[RelevantPage, ...]:
        """The same pages, which are all the library's, by the ids of their documents.

        Raises:
            UnknownDocument, UnknownPage: one is not.
        """
        checked = []
        for page in pages:
            document = self.find_document(page.document_id)
            if page.page_index >= document.n_pages:
                raise UnknownPage(f"{document.name}: there is no page {page.page_number:,}")
            checked.append(replace(page, document_id=document.document_id))
        return tuple(checked)


def _name(page: RelevantPage) -> tuple[str, int]:
    return page.document_id, page.page_index
