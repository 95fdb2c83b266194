"""`/questions`: the library's evaluation set, listed, marked, edited, imported, proposed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as PathParameter
from fastapi.responses import StreamingResponse

from app.api.backup import SavedFile, read_chunks, save_file
from app.api.bodies import MAX_JSON_BYTES, DeletedBody, QuestionText
from app.api.question_bodies import (
    EXAMPLE_QUESTION_ID,
    ImportBody,
    ImportReportBody,
    MarkBody,
    NewQuestionBody,
    ProposalBody,
    ProposeBody,
    QuestionBody,
    QuestionChangesBody,
    QuestionListBody,
)
from app.api.requests import LibraryDependency, Limit, Offset
from app.library_questions import LibraryQuestions
from app.question_folder import ReadPage, ReadQuestion, write_archive
from app.question_output import show_proposals
from ingest.progress import OnProgress
from retrieval.questions import QuestionOrigin

ZIP = "application/zip"
FILE_NAME = "questions.zip"

EXPORT_RESPONSES: dict[int | str, dict[str, object]] = {
    200: {
        "description": "a zip file with corpus/, queries.jsonl and qrels.tsv",
        "content": {ZIP: {"schema": {"type": "string", "format": "binary"}}},
    }
}

QuestionId = Annotated[
    str, PathParameter(pattern=r"^[A-Za-z0-9_.-]{1,64}$", examples=[EXAMPLE_QUESTION_ID])
]

router = APIRouter(prefix="/questions", tags=["questions"])


@router.get("")
def list_questions(
    library: LibraryDependency,
    limit: Limit = 100,
    offset: Offset = 0,
    checked: Annotated[
        bool | None, Query(description="those that a person checked, or the others; all by default")
    ] = None,
    origin: Annotated[QuestionOrigin | None, Query(description="where they are from")] = None,
    contains: Annotated[
        QuestionText | None, Query(description="stands in the text, in capitals or not")
    ] = None,
) -> QuestionListBody:
    """The questions of the evaluation set, oldest first. All that is given must hold."""
    found = [
        question
        for question in library.list_questions(checked_only=False)
        if checked in (None, question.is_checked)
        and origin in (None, question.origin)
        and (contains is None or contains.casefold() in question.text.casefold())
    ]
    shown = LibraryQuestions(library).show(found[offset : offset + limit])
    return QuestionListBody(questions=shown, total=len(found))


@router.post("", status_code=HTTPStatus.CREATED, max_body_size=MAX_JSON_BYTES)
def add_question(body: NewQuestionBody, library: LibraryDependency) -> QuestionBody:
    """Adds a question; another of the same text is a conflict."""
    return LibraryQuestions(library).add_question(body)


@router.post("/mark", max_body_size=MAX_JSON_BYTES)
def mark_page(body: MarkBody, library: LibraryDependency) -> QuestionBody | None:
    """Says that a page is right for a search, or takes it back.

    The question is made if there is none of this text; who marks a page has checked it. A person's
    question goes with its last page: then there is none in the answer.
    """
    return LibraryQuestions(library).mark_page(body)


@router.post("/import", max_body_size=MAX_JSON_BYTES)
def import_questions(body: ImportBody, library: LibraryDependency) -> ImportReportBody:
    """Adds the questions of an evaluation folder that a page of the library answers."""
    read = [
        ReadQuestion(
            question.id,
            question.text,
            tuple(
                ReadPage(page.document, page.document_id, page.page, page.relevance)
                for page in question.pages
            ),
        )
        for question in body.questions
    ]
    return LibraryQuestions(library).import_questions(read)


async def save_export(
    request: Request, library: LibraryDependency
) -> AsyncIterator[SavedFile[None]]:
    """The archive that a request asks for; it is gone when the request is over.

    Raises:
        NoQuestions: there is nothing to export.
        DiskFull, LibraryUnusable, BackupNotWritten: as `save_library`.
    """

    def write(file: Path, on_progress: OnProgress) -> None:
        write_archive(library.build_export(), file, library.find_original, on_progress)

    async with save_file(request, library, FILE_NAME, write) as saved:
        yield saved


@router.get("/export", response_class=StreamingResponse, responses=EXPORT_RESPONSES)
def export_questions(saved: Annotated[SavedFile[None], Depends(save_export)]) -> StreamingResponse:
    """The checked questions as an evaluation set for `pagelens evaluate`, with all documents."""
    return StreamingResponse(
        read_chunks(saved.file),
        media_type=ZIP,
        headers={
            "Content-Length": str(saved.file.stat().st_size),
            "Content-Disposition": f'attachment; filename="{FILE_NAME}"',
        },
    )


@router.post("/propose", status_code=HTTPStatus.ACCEPTED, max_body_size=MAX_JSON_BYTES)
def propose_questions(body: ProposeBody, library: LibraryDependency) -> ProposalBody:
    """Begins to propose questions: titles of pages, or what a model writes. Nobody checked them."""
    state = library.proposals.start(limit=body.limit, with_model=body.with_model)
    return show_proposals(state)


@router.get("/propose")
def look_at_proposals(library: LibraryDependency) -> ProposalBody:
    """How far proposing has come that was begun last."""
    return show_proposals(library.proposals.look())


@router.delete("/propose")
def stop_proposing(library: LibraryDependency) -> ProposalBody:
    """Ends it; what was proposed stays."""
    library.proposals.stop()
    return show_proposals(library.proposals.look())


@router.patch("/{question_id}", max_body_size=MAX_JSON_BYTES)
def edit_question(
    question_id: QuestionId, body: QuestionChangesBody, library: LibraryDependency
) -> QuestionBody:
    """Changes what is given of a question: its text, its pages, whether it is checked."""
    return LibraryQuestions(library).edit_question(question_id, body)


@router.delete("/{question_id}")
def remove_question(question_id: QuestionId, library: LibraryDependency) -> DeletedBody:
    """Removes a question; one that was proposed is not proposed again."""
    library.remove_question(question_id)
    return DeletedBody(deleted=[question_id])
