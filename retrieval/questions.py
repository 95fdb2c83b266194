"""Questions whose right pages are known: what a library is measured by, and trained on.

They are the topics and relevance judgements of an evaluation set (Voorhees & Harman, TREC, 2005),
made inside of Pagelens.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from retrieval.errors import InvalidQuestion

# Evaluation sets have grades up to 3 or so; a gain of 2 to the power of more says nothing.
MAX_RELEVANCE = 100


class QuestionOrigin(str, Enum):
    """Where a question is from."""

    PERSON = "person"
    IMPORT = "import"
    # Proposed: a heading or the caption of a table, word for word.
    HEADINGS = "headings"
    # Proposed: written by the model that writes answers.
    MODEL = "model"

    @property
    def is_proposal(self) -> bool:
        """Whether nobody asked it: it counts once a person has checked it."""
        return self in (QuestionOrigin.HEADINGS, QuestionOrigin.MODEL)


@dataclass(frozen=True, slots=True, order=True)
class RelevantPage:
    """How relevant a page is to a question.

    Attributes:
        document_id: SHA-256 of the file's bytes; the library need not hold it any more.
        page_index: 0-based.
        relevance: the grade, 0 or more; 0 for a page that was looked at and does not answer.

    Raises:
        InvalidQuestion: there is no such page or grade.
    """

    document_id: str
    page_index: int
    relevance: int = 1

    def __post_init__(self) -> None:
        if self.page_index < 0:
            raise InvalidQuestion(f"pages are counted from 1: there is no page {self.page_number}")
        if not 0 <= self.relevance <= MAX_RELEVANCE:
            raise InvalidQuestion(
                f"a relevance is a grade from 0 to {MAX_RELEVANCE}, not {self.relevance}"
            )

    @property
    def page_number(self) -> int:
        """1-based page number, as people and JSON readers see it."""
        return self.page_index + 1


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a library's evaluation set.

    Attributes:
        question_id: stays the same when the text is edited.
        text: on one line; no other question of the library has the same.
        is_checked: whether a person wrote, accepted or imported it.
        pages: those that were judged, those of grade 0 included, sorted.
        created_at: with its time zone.
    """

    question_id: str
    text: str
    origin: QuestionOrigin
    is_checked: bool
    pages: tuple[RelevantPage, ...]
    created_at: datetime

    @property
    def relevant_pages(self) -> tuple[RelevantPage, ...]:
        """The pages that answer it, of grade 1 or more."""
        return tuple(page for page in self.pages if page.relevance > 0)

    def within(self, document_ids: Collection[str]) -> Question:
        """The same with the pages of these documents alone."""
        pages = tuple(page for page in self.pages if page.document_id in document_ids)
        return replace(self, pages=pages)
