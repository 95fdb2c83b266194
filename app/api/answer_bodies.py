"""The events of an answer as JSON: what `/ask` streams and its client reads.

Each is the data of a server-sent event named `pages`, `text`, `quote` or `end`. Loads no model and
no index. Page numbers are 1-based; boxes are fractions of the page, origin top left.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.api.bodies import EXAMPLE_ID, PageFilters, QuestionText
from retrieval.errors import InvalidRequest

BoxBody = tuple[float, float, float, float]


class AskBody(PageFilters):
    """A question, and which pages may be used to answer it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"question": "What were net sales in 2021?", "tags": ["10-K"]}]
        }
    )

    question: QuestionText


def read_ask_body(question: str, filters: Mapping[str, object]) -> AskBody:
    """What is asked of a server, from what the command line was given; None is left out.

    Raises:
        InvalidRequest: a server takes no such question.
    """
    given = {name: value for name, value in filters.items() if value is not None}
    try:
        return AskBody.model_validate({"question": question, **given})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InvalidRequest(
            f"the server that holds the library takes no such question: {place}: {first['msg']}"
        ) from error


class CitedPageBody(BaseModel):
    """A page that the answer is made from."""

    document_id: str
    document: str
    page: int
    kind: Literal["page", "photo", "sound"]
    label: str = Field(description="how the answer cites it: report.pdf, p. 3")
    text: bool = Field(description="whether its words were read")
    picture: bool = Field(description="whether its picture was looked at")
    cut: bool = Field(description="whether there was room for the beginning of its words only")


class BudgetBody(BaseModel):
    """What may be given to the model, and what of it is; tokens are an estimate."""

    page_limit: int
    token_limit: int
    text_tokens: int
    picture_tokens: int


class AnswerPagesBody(BaseModel):
    """The event `pages`: who answers, and from which pages."""

    answerer: str
    generated: bool = Field(description="whether a model writes the answer; else it is quotes")
    pages: list[CitedPageBody]
    budget: BudgetBody | None = Field(description="null where no model writes")


class AnswerTextBody(BaseModel):
    """The event `text`: the next piece of what the model writes. Plain text, nothing else."""

    text: str


class QuoteBody(BaseModel):
    """The event `quote`: a part of a page, word for word."""

    kind: Literal["sentence", "table row", "figure"]
    text: str
    header: str = Field(description="of a table row, the row that names its columns; else empty")
    document_id: str
    document: str
    page: int
    boxes: list[BoxBody]
    score: float


class CitationBody(BaseModel):
    """A page that the answer rests on, and where on it."""

    document_id: str
    document: str
    page: int
    boxes: list[BoxBody]


class AnswerEndBody(BaseModel):
    """The event `end`: whether the pages hold the answer, and which it rests on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "answered": True,
                    "citations": [
                        {
                            "document_id": EXAMPLE_ID,
                            "document": "report.pdf",
                            "page": 24,
                            "boxes": [[0.1, 0.31, 0.9, 0.33]],
                        }
                    ],
                    "seconds": 0.81,
                }
            ]
        }
    )

    answered: bool
    citations: list[CitationBody]
    seconds: float


AnswerEventBody = AnswerPagesBody | AnswerTextBody | QuoteBody | AnswerEndBody

# What each event is called in the stream.
EVENT_NAMES: dict[type[BaseModel], str] = {
    AnswerPagesBody: "pages",
    AnswerTextBody: "text",
    QuoteBody: "quote",
    AnswerEndBody: "end",
}
BODY_OF_EVENT: dict[str, type[AnswerEventBody]] = {
    "pages": AnswerPagesBody,
    "text": AnswerTextBody,
    "quote": QuoteBody,
    "end": AnswerEndBody,
}
ERROR_EVENT = "error"
