"""What the REST API takes and gives of a library's evaluation set; see `app/api/bodies.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.api.bodies import (
    EXAMPLE_ID,
    DocumentIdText,
    DocumentName,
    PageNumberValue,
    QuestionText,
    Text,
)
from retrieval.questions import MAX_RELEVANCE, QuestionOrigin

MAX_JUDGED_PAGES = 1000
MAX_IMPORTED = 1000
MAX_PROPOSED = 1000

EXAMPLE_QUESTION_ID = "3f9a0c1b2d4e"

Relevance = Annotated[
    int, Field(ge=0, le=MAX_RELEVANCE, description="the grade; 0: does not answer")
]
ImportedId = Annotated[Text, StringConstraints(min_length=1, max_length=500)]


class JudgedPageBody(BaseModel):
    """A page, and how relevant it is to a question."""

    model_config = ConfigDict(extra="forbid")

    document_id: DocumentIdText
    page: PageNumberValue
    relevance: Relevance = 1


class ShownPageBody(BaseModel):
    """The same as it is listed; `document` is null where the library no longer has it."""

    document_id: str
    document: str | None
    page: int
    relevance: int


class QuestionBody(BaseModel):
    """A question of the evaluation set; `checked` is false for what was only proposed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "question_id": EXAMPLE_QUESTION_ID,
                    "text": "net sales in 2021",
                    "origin": "person",
                    "checked": True,
                    "pages": [
                        {
                            "document_id": EXAMPLE_ID,
                            "document": "report.pdf",
                            "page": 24,
                            "relevance": 1,
                        }
                    ],
                    "created_at": "2026-03-01T09:31:12+00:00",
                }
            ]
        }
    )

    question_id: str
    text: str
    origin: QuestionOrigin
    checked: bool
    pages: list[ShownPageBody]
    created_at: datetime


class QuestionListBody(BaseModel):
    """Some of the questions, oldest first, and how many there are."""

    questions: list[QuestionBody]
    total: int


class NewQuestionBody(BaseModel):
    """A question to be added."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"text": "net sales in 2021", "pages": [{"document_id": EXAMPLE_ID, "page": 24}]}
            ]
        },
    )

    text: QuestionText
    pages: list[JudgedPageBody] = Field(default=[], max_length=MAX_JUDGED_PAGES)
    checked: bool = True


class QuestionChangesBody(BaseModel):
    """What is changed of a question; `pages` replaces all that it has."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"checked": True}]})

    text: QuestionText | None = None
    checked: bool | None = None
    pages: list[JudgedPageBody] | None = Field(default=None, max_length=MAX_JUDGED_PAGES)


class MarkBody(BaseModel):
    """How relevant a page is to a search; a `relevance` of null takes back what was said."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"text": "net sales in 2021", "document_id": EXAMPLE_ID, "page": 24}]
        },
    )

    text: QuestionText
    document_id: DocumentIdText
    page: PageNumberValue
    relevance: Relevance | None = 1


class ImportedPageBody(BaseModel):
    """A page that is told by its file's name, and by its bytes where they are known."""

    model_config = ConfigDict(extra="forbid")

    document: DocumentName
    document_id: DocumentIdText | None = None
    page: int = Field(ge=-(2**31), lt=2**31)
    relevance: int = Field(default=1, ge=0, lt=2**31)


class ImportedQuestionBody(BaseModel):
    """A question of an evaluation folder."""

    model_config = ConfigDict(extra="forbid")

    id: ImportedId
    text: QuestionText
    pages: list[ImportedPageBody] = Field(default=[], max_length=MAX_JUDGED_PAGES)


class ImportBody(BaseModel):
    """Questions of an evaluation folder, with the pages that it judges."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "questions": [
                        {
                            "id": "q1",
                            "text": "net sales in 2021",
                            "pages": [{"document": "report.pdf", "page": 24}],
                        }
                    ]
                }
            ]
        },
    )

    questions: list[ImportedQuestionBody] = Field(max_length=MAX_IMPORTED)


class UnmatchedBody(BaseModel):
    """A page that the library has not, and why it is none of its."""

    question_id: str
    document: str
    page: int
    reason: str


class ImportReportBody(BaseModel):
    """What became of the questions; `left_out` are ids of those that no page here answers."""

    added: int
    updated: int
    unchanged: int
    left_out: list[str]
    unmatched: list[UnmatchedBody]


class ProposeBody(BaseModel):
    """How many questions are proposed, and by whom."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"limit": 20}]})

    limit: int = Field(
        default=50, ge=1, le=MAX_PROPOSED, description="most questions, or pages asked of"
    )
    with_model: bool = Field(
        default=False, description="written by the model of PAGELENS_ANSWER_URL, rather than titles"
    )


class ProposalBody(BaseModel):
    """How far proposing has come: `done` of `total` documents read, or pages asked about."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"running": True, "done": 2, "total": 15, "proposed": 0, "error": None}]
        }
    )

    running: bool
    done: int
    total: int
    proposed: int
    error: str | None
