"""A library's evaluation set as it is given out, by the REST API and by the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from app.api.question_bodies import (
    ImportReportBody,
    ProposalBody,
    QuestionBody,
    ShownPageBody,
    UnmatchedBody,
)
from retrieval.questions import Question

if TYPE_CHECKING:
    from app.proposing import ProposalState
    from app.question_import import ImportReport
    from app.settings import Settings

ORIGINS = {
    "person": "asked by a person",
    "import": "imported",
    "headings": "proposed: a title",
    "model": "proposed by a model",
}


def show_questions(questions: Iterable[Question], names: Mapping[str, str]) -> list[QuestionBody]:
    """Questions, with the names of their documents.

    Args:
        questions: of a library.
        names: of its documents, by their ids.
    """
    return [
        QuestionBody(
            question_id=question.question_id,
            text=question.text,
            origin=question.origin,
            checked=question.is_checked,
            pages=[
                ShownPageBody(
                    document_id=page.document_id,
                    document=names.get(page.document_id),
                    page=page.page_number,
                    relevance=page.relevance,
                )
                for page in question.pages
            ],
            created_at=question.created_at,
        )
        for question in questions
    ]


def read_questions(settings: Settings) -> list[QuestionBody]:
    """The questions of a library that another process may hold; loads no model.

    Raises:
        LibraryMismatch, LibraryUnusable: its tables cannot be read.
    """
    from ingest.documents import Documents
    from ingest.questions import Questions

    with closing(
        Documents(settings.library, settings.database_url, may_join=settings.may_join)
    ) as documents:
        names = {document.document_id: document.name for document in documents.list_whole()}
        return show_questions(Questions(documents.database).list_all(), names)


def show_report(report: ImportReport) -> ImportReportBody:
    """What became of an import."""
    return ImportReportBody(
        added=report.n_added,
        updated=report.n_updated,
        unchanged=report.n_unchanged,
        left_out=list(report.left_out),
        unmatched=[
            UnmatchedBody(
                question_id=page.question_id,
                document=page.document,
                page=page.page_number,
                reason=page.reason,
            )
            for page in report.unmatched
        ],
    )


def show_proposals(state: ProposalState) -> ProposalBody:
    """How far a run that proposes questions has come."""
    return ProposalBody(
        running=state.is_running,
        done=state.done,
        total=state.total,
        proposed=state.n_proposed,
        error=state.error,
    )
