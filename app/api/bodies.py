"""What requests and answers of the REST API hold; read by the server and by its client.

Loads no model and no index. Page numbers are 1-based; boxes are fractions of the page's width and
height, origin top left.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    model_validator,
)

from app.api.migration_bodies import MigrationBody
from ingest.jobs import JobState

MAX_QUESTION_CHARACTERS = 2000
MAX_HITS = 100
MAX_LISTED = 1000
MAX_PAGE_NUMBER = 1_000_000
MAX_TAGS = 50
MAX_DOCUMENTS = 1000
# More than the longest question, with every filter, takes.
MAX_JSON_BYTES = 2_000_000

# Far from where a time zone's offset leaves what a date can be.
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(9998, 12, 31)

# How much an archive holds, beside the archive itself.
DOCUMENTS_HEADER, PAGES_HEADER = "Pagelens-Documents", "Pagelens-Pages"

EXAMPLE_ID = "9d3a7c0f" * 8
EXAMPLE_JOB_ID = "0b5f6c1e-7a52-4f0c-9a3e-0c2f4f3c8d11"

DocumentIdText = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
# As PostgreSQL and the index take it.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
QuestionText = Annotated[
    str,
    StringConstraints(
        pattern=r"^[^\x00]*[^\s\x00][^\x00]*$", min_length=1, max_length=MAX_QUESTION_CHARACTERS
    ),
]
Tag = Annotated[Text, StringConstraints(min_length=1, max_length=100)]
DocumentName = Annotated[Text, StringConstraints(min_length=1, max_length=1000)]
PageNumberValue = Annotated[int, Field(ge=1, le=MAX_PAGE_NUMBER)]
Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
TextSourceName = Literal["text-layer", "ocr", "none"]
Fraction = Annotated[FiniteFloat, Field(ge=0, le=1)]


class ErrorDetail(BaseModel):
    """Why a request was refused, and what to do about it."""

    type: str
    message: str
    remedy: str


class ErrorBody(BaseModel):
    """What every refused or failed request is answered with."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "error": {
                        "type": "UnknownDocument",
                        "message": "no document is called 'report.pdf'",
                        "remedy": "`pagelens status` lists what the library holds.",
                    }
                }
            ]
        }
    )

    error: ErrorDetail


class JobBody(BaseModel):
    """One file on its way into the library.

    `document_id` is null until the file has been read, `pages` until it has been opened,
    `seconds_left` as long as there is no pace to judge by. `can_retry`: it failed or was cancelled,
    and the library has its file.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "job_id": EXAMPLE_JOB_ID,
                    "name": "report.pdf",
                    "state": "running",
                    "document_id": EXAMPLE_ID,
                    "pages": 48,
                    "pages_done": 16,
                    "error": None,
                    "created_at": "2026-03-01T09:30:00+00:00",
                    "tags": ["10-K"],
                    "seconds_left": 12.5,
                    "can_retry": False,
                }
            ]
        },
    )

    job_id: str
    name: str
    state: JobState
    document_id: str | None
    pages: int | None
    pages_done: int
    error: str | None
    created_at: datetime
    tags: list[str]
    seconds_left: float | None
    can_retry: bool


class JobListBody(BaseModel):
    """Some of the jobs, newest first, and how many there are."""

    jobs: list[JobBody]
    total: int


class DocumentBody(BaseModel):
    """A document of the library."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "document_id": EXAMPLE_ID,
                    "name": "report.pdf",
                    "media_type": "application/pdf",
                    "kind": "page",
                    "bytes": 1_204_331,
                    "pages": 48,
                    "added_at": "2026-03-01T09:31:12+00:00",
                    "tags": ["10-K"],
                }
            ]
        },
    )

    document_id: str
    name: str
    media_type: str
    kind: Literal["page", "photo", "sound"]
    bytes: int = Field(validation_alias=AliasChoices("bytes", "n_bytes"))
    pages: int = Field(validation_alias=AliasChoices("pages", "n_pages"))
    added_at: datetime
    tags: list[str]


class PageBody(BaseModel):
    """What is known of a page: where its words come from, and why it is missing if it is."""

    page: int
    text_source: TextSourceName
    vectors: int
    error: str | None


class WordBody(BaseModel):
    """A word and the box around its letters."""

    model_config = ConfigDict(from_attributes=True)

    text: str
    box: tuple[float, float, float, float]


class PageWordsBody(BaseModel):
    """The words of a page in reading order, and where they come from."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text_source": "text-layer",
                    "words": [{"text": "Net", "box": [0.1201, 0.0894, 0.1533, 0.1021]}],
                }
            ]
        }
    )

    text_source: TextSourceName
    words: list[WordBody]


class DocumentDetailBody(DocumentBody):
    """A document with its pages."""

    page_details: list[PageBody]


class DocumentListBody(BaseModel):
    """Some of the documents, and how many there are."""

    documents: list[DocumentBody]
    total: int


class TagsBody(BaseModel):
    """The tags that a document shall have, in this order."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"tags": ["10-K", "2021"]}]}
    )

    tags: list[Tag] = Field(max_length=MAX_TAGS)


class TagCountBody(BaseModel):
    """A tag, and how many documents bear it."""

    model_config = ConfigDict(from_attributes=True)

    tag: str
    documents: int = Field(validation_alias=AliasChoices("documents", "n_documents"))


class TagListBody(BaseModel):
    """Every tag of the library, the most frequent first."""

    tags: list[TagCountBody]


class DeletedBody(BaseModel):
    """The ids of what was deleted."""

    deleted: list[str]


class PageFilters(BaseModel):
    """Which pages are looked at. All that is given must hold."""

    model_config = ConfigDict(extra="forbid")

    documents: list[DocumentName] = Field(
        [], max_length=MAX_DOCUMENTS, description="names or ids of documents to search in"
    )
    tags: list[Tag] = Field([], max_length=MAX_TAGS, description="at least one of these")
    kind: Literal["page", "photo", "sound"] | None = None
    first_page: PageNumberValue | None = None
    last_page: PageNumberValue | None = None
    added_from: Day | None = Field(None, description="added on this day or later")
    added_until: Day | None = Field(None, description="added on this day or earlier")

    @model_validator(mode="after")
    def _check_ranges(self) -> PageFilters:
        if self.first_page and self.last_page and self.first_page > self.last_page:
            raise ValueError("first_page comes after last_page")
        if self.added_from and self.added_until and self.added_from > self.added_until:
            raise ValueError("added_from comes after added_until")
        return self


class SearchFilters(PageFilters):
    """How many hits a search returns, among what, and what is told of them."""

    limit: int = Field(10, ge=1, le=MAX_HITS, description="most hits to return")
    group: bool = Field(False, description="also give the hits by document")
    context: bool = Field(False, description="also what the pages before and after a hit say")
    words: bool = Field(False, description="also which word of the question each box answers")


class LikeBody(BaseModel):
    """A page of the library that others shall be like, or a region of it."""

    model_config = ConfigDict(extra="forbid")

    document_id: DocumentIdText
    page: PageNumberValue = 1
    region: tuple[Fraction, Fraction, Fraction, Fraction] | None = Field(
        None, description="x0, y0, x1, y1: fractions of the page from its top left corner"
    )

    @model_validator(mode="after")
    def _check_region(self) -> LikeBody:
        if self.region is not None:
            x0, y0, x1, y1 = self.region
            if not (x0 < x1 and y0 < y1):
                raise ValueError("region: the top left corner comes before the bottom right one")
        return self


class SearchBody(SearchFilters):
    """A search: by a question, or for pages like one of the library. One of the two is given."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"question": "net sales in 2021", "limit": 5, "tags": ["10-K"]},
                {"like": {"document_id": EXAMPLE_ID, "page": 2, "region": [0, 0, 1, 0.3]}},
            ]
        }
    )

    question: QuestionText | None = None
    like: LikeBody | None = None
    mode: Literal["hybrid", "visual", "text"] = Field(
        "hybrid", description="rank by vectors (visual), by words (text) or both; for a question"
    )
    exact: bool = Field(False, description="compare every page, however large the library is")

    @model_validator(mode="after")
    def _check_one_is_asked(self) -> SearchBody:
        if (self.question is None) == (self.like is None):
            raise ValueError("give a question, or a page that others shall be like")
        if self.like is not None and self.model_fields_set & {"mode", "exact"}:
            raise ValueError("mode and exact go with a question")
        return self


class DuplicateBody(BaseModel):
    """A page that says the same as a hit and is left out."""

    document: str
    page: int


class ContextBody(BaseModel):
    """What the page before or after a hit says."""

    page: int
    text: str


class HitBody(BaseModel):
    """A page or photo found; `boxes` are x0, y0, x1, y1, weight of what on it matched."""

    document: str
    page: int
    score: float
    scores: dict[str, float]
    kind: Literal["page", "photo", "sound"]
    document_id: str
    duplicates: list[DuplicateBody]
    boxes: list[tuple[float, float, float, float, float]]
    words: list[str] | None = Field(None, description="of each box; only where asked for")
    context: list[ContextBody] | None = Field(None, description="only where asked for")


class DocumentHitsBody(BaseModel):
    """The hits of one document, best first."""

    document: str
    document_id: str
    pages: list[int]
    score: float


class AnswerBody(BaseModel):
    """What a search found, best first, as `pagelens search --json` prints it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "query": "net sales in 2021",
                    "hits": [
                        {
                            "document": "report.pdf",
                            "page": 24,
                            "score": 1.0,
                            "scores": {"maxsim": 5.8123, "bm25": 9.1, "reranker": 4.2},
                            "kind": "page",
                            "document_id": EXAMPLE_ID,
                            "duplicates": [],
                            "boxes": [[0.12, 0.31, 0.2, 0.33, 0.91]],
                        }
                    ],
                    "good_match": True,
                    "seconds": 0.2451,
                }
            ]
        }
    )

    query: str
    hits: list[HitBody]
    good_match: bool
    seconds: float
    documents: list[DocumentHitsBody] | None = Field(None, description="only where grouped")


class BackupBody(BaseModel):
    """How much was saved, as `pagelens backup --json` prints it."""

    documents: int
    pages: int
    bytes: int


class StatusBody(BaseModel):
    """What the library holds; `collection` where a Qdrant server holds the index."""

    documents: int
    pages: int
    photos: int
    sounds: int
    failed: int
    encoder: str | None
    bytes: int
    collection: str | None = Field(None, description="only on a Qdrant server")
    migration: MigrationBody | None = Field(None, description="only with a second index")
