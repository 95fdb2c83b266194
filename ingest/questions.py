"""The evaluation set of a library, in its tables: questions, and how relevant pages are to them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Select, delete, insert, select, update

from ingest.database import Database
from ingest.tables import EVALUATION_QUESTIONS, RELEVANT_PAGES
from retrieval.errors import InvalidQuestion, QuestionExists, UnknownQuestion
from retrieval.questions import Question, QuestionOrigin, RelevantPage

# The longest that is taken by a search.
MAX_TEXT_CHARACTERS = 2000

# Of an id that was not imported.
ID_CHARACTERS = 12


class Questions:
    """The questions of one library; safe to use from several threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_all(self) -> list[Question]:
        """Every question that was not declined, in the order in which they came."""
        return self._list()

    def find(self, question_id: str) -> Question:
        """The question of this id.

        Raises:
            UnknownQuestion: there is none.
        """
        found = self._list(EVALUATION_QUESTIONS.c.id == question_id)
        if not found:
            raise _refuse_id(question_id)
        return found[0]

    def find_text(self, text: str) -> Question | None:
        """The question of this text, capitals and spaces aside; None if there is none."""
        found = self._list(EVALUATION_QUESTIONS.c.key == hash_text(text))
        return found[0] if found else None

    def list_keys(self) -> set[str]:
        """`hash_text` of every question, those that were declined included."""
        with self._database.read() as rows:
            return set(rows.scalars(select(EVALUATION_QUESTIONS.c.key)))

    def add(self, questions: Iterable[Question]) -> None:
        """Adds questions; one that was declined under the same text takes its place.

        Raises:
            QuestionExists: one has the text or the id of another; none is added.
        """
        with self._database.write() as rows:
            for question in questions:
                key = hash_text(question.text)
                _check_free(rows, EVALUATION_QUESTIONS.c.key == key, question)
                _check_free(rows, EVALUATION_QUESTIONS.c.id == question.question_id, question)
                declined = (EVALUATION_QUESTIONS.c.key == key) | (
                    EVALUATION_QUESTIONS.c.id == question.question_id
                )
                rows.execute(delete(EVALUATION_QUESTIONS).where(declined))
                row = {
                    "id": question.question_id,
                    "key": key,
                    "text": question.text,
                    "origin": question.origin.value,
                    "is_checked": question.is_checked,
                    "is_declined": False,
                    "created_at": question.created_at,
                }
                rows.execute(insert(EVALUATION_QUESTIONS), row)
                _write_pages(rows, question.question_id, question.pages)

    def edit(
        self,
        question_id: str,
        *,
        text: str | None = None,
        is_checked: bool | None = None,
        pages: Sequence[RelevantPage] | None = None,
    ) -> Question:
        """Changes what is given of a question, and leaves the rest.

        Raises:
            UnknownQuestion: there is none of this id.
            InvalidQuestion, QuestionExists: another cannot be called so.
        """
        changed: dict[str, object] = {}
        if text is not None:
            changed |= {"text": clean_text(text), "key": hash_text(text)}
        if is_checked is not None:
            changed["is_checked"] = is_checked
        with self._database.write() as rows:
            known = _select_known(EVALUATION_QUESTIONS.c.id == question_id)
            question = rows.execute(known).one_or_none()
            if question is None:
                raise _refuse_id(question_id)
            if "key" in changed and changed["key"] != question.key:
                of_text = EVALUATION_QUESTIONS.c.key == changed["key"]
                if rows.execute(_select_known(of_text)).first() is not None:
                    raise QuestionExists(f"there is a question {changed['text']!r} already")
                rows.execute(delete(EVALUATION_QUESTIONS).where(of_text))
            if changed:
                of_id = EVALUATION_QUESTIONS.c.id == question_id
                rows.execute(update(EVALUATION_QUESTIONS).where(of_id).values(changed))
            if pages is not None:
                rows.execute(
                    delete(RELEVANT_PAGES).where(RELEVANT_PAGES.c.question_id == question_id)
                )
                _write_pages(rows, question_id, pages)
        return self.find(question_id)

    def mark(self, text: str, page: RelevantPage) -> Question:
        """Says how relevant a page is to a question, which is made if there is none of this text.

        Whoever marks a page has checked the question.

        Raises:
            InvalidQuestion: the text is none.
        """
        text = clean_text(text)
        of_key = EVALUATION_QUESTIONS.c.key == hash_text(text)
        with self._database.write() as rows:
            known = rows.execute(_select_known(of_key)).one_or_none()
            if known is None:
                # It may have been declined.
                rows.execute(delete(EVALUATION_QUESTIONS).where(of_key))
                question_id = make_id()
                row = {
                    "id": question_id,
                    "key": hash_text(text),
                    "text": text,
                    "origin": QuestionOrigin.PERSON.value,
                    "is_checked": True,
                    "is_declined": False,
                    "created_at": datetime.now(timezone.utc),
                }
                rows.execute(insert(EVALUATION_QUESTIONS), row)
            else:
                question_id = known.id
                rows.execute(update(EVALUATION_QUESTIONS).where(of_key).values(is_checked=True))
            rows.execute(delete(RELEVANT_PAGES).where(_is_of(question_id, page)))
            _write_pages(rows, question_id, [page])
        return self.find(question_id)

    def unmark(self, text: str, document_id: str, page_index: int) -> None:
        """Takes back what was said of a page; a person's question goes with its last page."""
        of_key = EVALUATION_QUESTIONS.c.key == hash_text(text)
        with self._database.write() as rows:
            known = rows.execute(_select_known(of_key)).one_or_none()
            if known is None:
                return
            page = RelevantPage(document_id, page_index)
            rows.execute(delete(RELEVANT_PAGES).where(_is_of(known.id, page)))
            left = select(RELEVANT_PAGES).where(RELEVANT_PAGES.c.question_id == known.id)
            is_persons = known.origin == QuestionOrigin.PERSON.value
            if is_persons and rows.execute(left).first() is None:
                rows.execute(delete(EVALUATION_QUESTIONS).where(of_key))

    def remove(self, question_id: str) -> None:
        """Removes a question; one that was proposed is not proposed again.

        Raises:
            UnknownQuestion: there is none of this id.
        """
        of_id = EVALUATION_QUESTIONS.c.id == question_id
        with self._database.write() as rows:
            known = rows.execute(_select_known(of_id)).one_or_none()
            if known is None:
                raise _refuse_id(question_id)
            if QuestionOrigin(known.origin).is_proposal:
                rows.execute(update(EVALUATION_QUESTIONS).where(of_id).values(is_declined=True))
            else:
                rows.execute(delete(EVALUATION_QUESTIONS).where(of_id))

    def _list(self, *conditions: ColumnElement[bool]) -> list[Question]:
        questions, pages = EVALUATION_QUESTIONS.c, RELEVANT_PAGES.c
        known = _select_known(*conditions).order_by(questions.created_at, questions.id)
        judged = (
            select(RELEVANT_PAGES)
            .join(EVALUATION_QUESTIONS)
            .where(~questions.is_declined, *conditions)
            .order_by(pages.document_id, pages.page_index)
        )
        of_question: dict[str, list[RelevantPage]] = defaultdict(list)
        with self._database.read_snapshot() as rows:
            found = rows.execute(known).all()
            for page in rows.execute(judged):
                of_question[page.question_id].append(
                    RelevantPage(page.document_id, page.page_index, page.relevance)
                )
        return [
            Question(
                row.id,
                row.text,
                QuestionOrigin(row.origin),
                row.is_checked,
                tuple(of_question[row.id]),
                row.created_at,
            )
            for row in found
        ]


def clean_text(text: str) -> str:
    """The text of a question on one line.

    Raises:
        InvalidQuestion: nothing is left of it, or it is too long.
    """
    line = _join_words(text)
    if not line:
        raise InvalidQuestion("a question needs words")
    if len(line) > MAX_TEXT_CHARACTERS:
        raise InvalidQuestion(
            f"a question has {MAX_TEXT_CHARACTERS:,} characters at most, not {len(line):,}"
        )
    return line


def hash_text(text: str) -> str:
    """The same for texts that differ in capitals and spaces alone, as SHA-256 in hexadecimal."""
    line = _join_words(text).casefold()
    return hashlib.sha256(line.encode("utf-8", "replace")).hexdigest()


def make_id() -> str:
    """A new id of a question."""
    return uuid4().hex[:ID_CHARACTERS]


def _join_words(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _select_known(*conditions: ColumnElement[bool]) -> Select[tuple[object, ...]]:
    return select(EVALUATION_QUESTIONS).where(~EVALUATION_QUESTIONS.c.is_declined, *conditions)


def _check_free(rows: Connection, condition: ColumnElement[bool], question: Question) -> None:
    if rows.execute(_select_known(condition)).first() is not None:
        raise QuestionExists(f"there is a question {question.text!r} already")


def _is_of(question_id: str, page: RelevantPage) -> ColumnElement[bool]:
    pages = RELEVANT_PAGES.c
    return (
        (pages.question_id == question_id)
        & (pages.document_id == page.document_id)
        & (pages.page_index == page.page_index)
    )


def _write_pages(rows: Connection, question_id: str, pages: Iterable[RelevantPage]) -> None:
    # Of what is said of a page twice, the last counts.
    relevances = {(page.document_id, page.page_index): page.relevance for page in pages}
    written = [
        {
            "question_id": question_id,
            "document_id": document_id,
            "page_index": page_index,
            "relevance": relevance,
        }
        for (document_id, page_index), relevance in relevances.items()
    ]
    if written:
        rows.execute(insert(RELEVANT_PAGES), written)


def _refuse_id(question_id: str) -> UnknownQuestion:
    return UnknownQuestion(f"no question has the id {question_id!r}")
