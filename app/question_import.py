"""Which pages of a library the questions of an evaluation folder mean."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.question_folder import ReadPage, ReadQuestion
from ingest.documents import Document
from ingest.questions import clean_text, hash_text, make_id
from retrieval.questions import MAX_RELEVANCE, Question, QuestionOrigin, RelevantPage

# What an id of a question can be in an address; any other is replaced by one of our own.
QUESTION_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A page that a folder judges and the library has not; `reason` says why."""

    question_id: str
    document: str
    page_number: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the questions of a folder.

    Attributes:
        n_added: that are new.
        n_updated: that were there with other pages, or unchecked.
        n_unchanged: that were there with these pages.
        left_out: ids of those that no page of the library answers.
        unmatched: pages that the library has not.
    """

    n_added: int
    n_updated: int
    n_unchanged: int
    left_out: tuple[str, ...]
    unmatched: tuple[Unmatched, ...]


class PageMatcher:
    """Finds the pages of a library that a folder judges: by their files' bytes, then by names."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._by_id: dict[str, Document] = {}
        self._by_name: dict[str, list[Document]] = defaultdict(list)
        for document in documents:
            self._by_id[document.document_id] = document
            self._by_name[document.name].append(document)

    def match(self, page: ReadPage) -> RelevantPage | str:
        """The page of the library, or why there is none."""
        document = self._by_id.get(page.document_id or "")
        if document is None:
            named = self._by_name.get(page.document, [])
            if not named:
                return "no document has its bytes or its name"
            if len(named) > 1:
                return f"{len(named)} documents have its name, and none its bytes"
            (document,) = named
        if not 1 <= page.page_number <= document.n_pages:
            return f"the document has {document.n_pages:,} pages"
        relevance = min(page.relevance, MAX_RELEVANCE)
        return RelevantPage(document.document_id, page.page_number - 1, relevance)


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import changes: questions that are new, and those whose pages are others now."""

    added: tuple[Question, ...]
    updated: tuple[Question, ...]
    report: ImportReport


def plan_import(
    read: Sequence[ReadQuestion],
    known: Iterable[Question],
    documents: Iterable[Document],
    now: datetime,
) -> ImportPlan:
    """What the questions of a folder come to in a library.

    One whose text is known is that question: its judgements are added, and the folder's grade
    counts where both judge a page. Whoever imports questions has checked them.

    Args:
        read: the folder's.
        known: the library's.
        documents: the library's.
        now: when they are added; they stay in the folder's order.

    Raises:
        InvalidQuestion: a text is empty or too long.
    """
    matcher = PageMatcher(documents)
    before = {hash_text(question.text): question for question in known}
    after = dict(before)
    taken = {question.question_id for question in before.values()}
    left_out: list[str] = []
    unmatched: list[Unmatched] = []
    for place, question in enumerate(read):
        text = clean_text(question.text)
        pages: dict[tuple[str, int], RelevantPage] = {}
        for page in question.pages:
            found = matcher.match(page)
            if isinstance(found, RelevantPage):
                pages[found.document_id, found.page_index] = found
            else:
                unmatched.append(
                    Unmatched(question.question_id, page.document, page.page_number, found)
                )
        if not any(page.relevance for page in pages.values()):
            left_out.append(question.question_id)
            continue
        key = hash_text(text)
        if (same := after.get(key)) is not None:
            after[key] = _merge(same, pages)
            continue
        is_free = QUESTION_ID.fullmatch(question.question_id) and question.question_id not in taken
        question_id = question.question_id if is_free else make_id()
        taken.add(question_id)
        after[key] = Question(
            question_id,
            text,
            QuestionOrigin.IMPORT,
            True,
            tuple(sorted(pages.values())),
            # Questions are listed by time.
            now + timedelta(microseconds=place),
        )
    added = tuple(question for key, question in after.items() if key not in before)
    updated = tuple(q for key, q in after.items() if key in before and q != before[key])
    n_met = len(read) - len(left_out)
    n_unchanged = max(0, n_met - len(added) - len(updated))
    report = ImportReport(len(added), len(updated), n_unchanged, tuple(left_out), tuple(unmatched))
    return ImportPlan(added, updated, report)


def _merge(question: Question, pages: Mapping[tuple[str, int], RelevantPage]) -> Question:
    known = {(page.document_id, page.page_index): page for page in question.pages}
    return replace(question, is_checked=True, pages=tuple(sorted({**known, **pages}.values())))
