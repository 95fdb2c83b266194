"""What the client of the REST API asks of a library's evaluation set."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import sleep
from typing import TypeVar

from pydantic import BaseModel, RootModel

from app.api.bodies import MAX_LISTED, DeletedBody
from app.api.question_bodies import (
    ImportBody,
    ImportedPageBody,
    ImportedQuestionBody,
    ImportReportBody,
    MarkBody,
    NewQuestionBody,
    ProposalBody,
    ProposeBody,
    QuestionBody,
    QuestionChangesBody,
    QuestionListBody,
)
from app.question_folder import ReadQuestion, unpack_archive
from ingest.progress import OnProgress

# Questions that are handed over at once: each may judge many pages.
IMPORTED_AT_ONCE = 100

POLL_S = 0.5

Body = TypeVar("Body", bound=BaseModel)


class MaybeQuestion(RootModel[QuestionBody | None]):
    """A question, or none."""


class QuestionClient(ABC):
    """The part of `PagelensClient` that speaks of questions."""

    @abstractmethod
    def _ask(
        self,
        method: str,
        path: str,
        body: type[Body],
        *,
        params: dict[str, int | str] | None = None,
        json: dict[str, object] | None = None,
    ) -> Body:
        """What a route answers."""

    @abstractmethod
    def _download(self, path: str, file: Path, on_progress: OnProgress) -> None:
        """Writes what a route sends into a new file."""

    def list_questions(self) -> list[QuestionBody]:
        """The questions of the evaluation set, oldest first, those included that nobody checked."""
        questions: list[QuestionBody] = []
        while True:
            params: dict[str, int | str] = {"limit": MAX_LISTED, "offset": len(questions)}
            listed = self._ask("GET", "/questions", QuestionListBody, params=params)
            questions += listed.questions
            if not listed.questions or len(questions) >= listed.total:
                return questions

    def add_question(self, question: NewQuestionBody) -> QuestionBody:
        """Adds a question.

        Raises:
            QuestionExists: there is one of this text.
        """
        return self._ask("POST", "/questions", QuestionBody, json=_dump(question))

    def edit_question(self, question_id: str, changes: QuestionChangesBody) -> QuestionBody:
        """Changes what is given of a question."""
        path = f"/questions/{question_id}"
        return self._ask("PATCH", path, QuestionBody, json=_dump(changes))

    def mark_page(self, mark: MarkBody) -> QuestionBody | None:
        """Says how relevant a page is to a search, or takes it back; the question, if it stays."""
        return self._ask("POST", "/questions/mark", MaybeQuestion, json=_dump(mark)).root

    def remove_question(self, question_id: str) -> None:
        """Removes a question; one that was proposed is not proposed again."""
        self._ask("DELETE", f"/questions/{question_id}", DeletedBody)

    def import_questions(self, read: Sequence[ReadQuestion]) -> ImportReportBody:
        """Adds the questions of an evaluation folder, as `read_folder` reads it.

        Raises:
            InvalidRequest: the server does not take one of them: its text is too long, say.
        """
        reports = []
        for start in range(0, len(read), IMPORTED_AT_ONCE):
            some = ImportBody(questions=[_show(q) for q in read[start : start + IMPORTED_AT_ONCE]])
            reports.append(
                self._ask("POST", "/questions/import", ImportReportBody, json=_dump(some))
            )
        return ImportReportBody(
            added=sum(report.added for report in reports),
            updated=sum(report.updated for report in reports),
            unchanged=sum(report.unchanged for report in reports),
            left_out=[id_ for report in reports for id_ in report.left_out],
            unmatched=[page for report in reports for page in report.unmatched],
        )

    def export_questions(self, folder: Path, on_progress: OnProgress) -> None:
        """Writes the checked questions, with all documents, into a new evaluation folder.

        Raises:
            NoQuestions: there is none to write.
            BackupNotWritten: the folder holds something, or cannot be written.
        """
        with tempfile.TemporaryDirectory(prefix="pagelens-questions-") as scratch:
            file = Path(scratch) / "questions.zip"
            self._download("/questions/export", file, on_progress)
            unpack_archive(file, folder)

    def propose_questions(self, wanted: ProposeBody) -> Iterator[ProposalBody]:
        """Has questions proposed, and yields how far that is until it is over.

        Raises:
            JobNotPossible: others are being proposed already.
            InvalidSetting: the server has no model that writes.
        """
        state = self._ask("POST", "/questions/propose", ProposalBody, json=_dump(wanted))
        yield state
        while state.running:
            sleep(POLL_S)
            state = self._ask("GET", "/questions/propose", ProposalBody)
            yield state

    def stop_proposing(self) -> ProposalBody:
        """Ends it; what was proposed stays."""
        return self._ask("DELETE", "/questions/propose", ProposalBody)


def _dump(body: BaseModel) -> dict[str, object]:
    content: dict[str, object] = body.model_dump(mode="json", exclude_unset=True)
    return content


def _show(question: ReadQuestion) -> ImportedQuestionBody:
    return ImportedQuestionBody.model_construct(
        id=question.question_id,
        text=question.text,
        pages=[
            ImportedPageBody.model_construct(
                document=page.document,
                document_id=page.document_id,
                page=page.page_number,
                relevance=page.relevance,
            )
            for page in question.pages
        ],
    )
