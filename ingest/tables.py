"""The tables of a library, the same in SQLite and in PostgreSQL."""

from __future__ import annotations

import json
from datetime import datetime, timezone

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.types import TypeEngine

# Of these tables and what they mean; stored in each library, and no other is opened. A table that
# an earlier release did not have is made where it is missing, and changes nothing for that release.
SCHEMA_VERSION = "3"


class PlainText(TypeDecorator[str]):
    """Text, compared byte by byte, with what no database takes replaced.

    That is the lone surrogates that stand for the bytes of a name that is not UTF-8, and, in
    PostgreSQL, NUL.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """Text in the order of SQLite, whatever language the server was set up for."""
        return Text(collation="C") if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Text that can be stored."""
        if value is None:
            return None
        return value.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


class Moment(TypeDecorator[datetime]):
    """A time with its zone, as text that sorts by time: SQLite has no type for it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """In UTC, always as long."""
        if value is None:
            return None
        return value.astimezone(timezone.utc).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The time that was stored."""
        return None if value is None else datetime.fromisoformat(value)


class Tags(TypeDecorator[tuple[str, ...]]):
    """Tags, in the order given, as JSON in ASCII."""

    impl = Text
    cache_ok = True

    def process_bind_param(
        self,
        value: tuple[str, ...] | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> str | None:
        """A list in JSON."""
        return None if value is None else json.dumps(list(value))

    def process_result_value(
        self,
        value: str | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> tuple[str, ...] | None:
        """The tags that were stored."""
        return None if value is None else tuple(json.loads(value))


TABLES = MetaData()

# What belongs to the library as a whole.
SETTINGS = Table(
    "library",
    TABLES,
    Column("name", PlainText, primary_key=True),
    Column("value", PlainText, nullable=False),
)

DOCUMENTS = Table(
    "documents",
    TABLES,
    Column("id", PlainText, primary_key=True),
    Column("name", PlainText, nullable=False),
    Column("media_type", PlainText, nullable=False),
    Column("kind", PlainText, nullable=False),
    Column("n_bytes", BigInteger, nullable=False),
    Column("n_pages", Integer, nullable=False),
    Column("added_at", Moment, nullable=False),
    Column("tags", Tags, nullable=False),
    Column("is_whole", Boolean, nullable=False),
)

PAGES = Table(
    "pages",
    TABLES,
    Column(
        "document_id",
        PlainText,
        ForeignKey(DOCUMENTS.c.id, ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("page_index", Integer, primary_key=True),
    Column("text_source", PlainText, nullable=False),
    Column("n_vectors", Integer, nullable=False),
    Column("error", PlainText),
)

# The pages that the space holds which is not searched, as they would stand in `PAGES` if it were.
SPACE_PAGES = Table(
    "space_pages",
    TABLES,
    Column("space", PlainText, primary_key=True),
    Column("document_id", PlainText, primary_key=True),
    Column("page_index", Integer, primary_key=True),
    Column("text_source", PlainText, nullable=False),
    Column("n_vectors", Integer, nullable=False),
    # Of the document, when the page was written there.
    Column("tags", Tags, nullable=False),
)

# Keyed by a hash of the text, as a path or a question may be longer than a key can be.
QUESTIONS = Table(
    "questions",
    TABLES,
    Column("key", PlainText, primary_key=True),
    Column("text", PlainText, nullable=False),
    Column("asked_at", Moment, nullable=False),
)

# The library's own evaluation set. Its documents need not be there: they may come back, and a
# document that is made anew is gone meanwhile.
EVALUATION_QUESTIONS = Table(
    "evaluation_questions",
    TABLES,
    Column("id", PlainText, primary_key=True),
    # A hash of the text without regard to capitals and spaces: each question is there once.
    Column("key", PlainText, nullable=False, unique=True),
    Column("text", PlainText, nullable=False),
    Column("origin", PlainText, nullable=False),
    Column("is_checked", Boolean, nullable=False),
    # A proposal that a person did not want: it is not made again.
    Column("is_declined", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
)
RELEVANT_PAGES = Table(
    "relevant_pages",
    TABLES,
    Column(
        "question_id",
        PlainText,
        ForeignKey(EVALUATION_QUESTIONS.c.id, ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("document_id", PlainText, primary_key=True),
    Column("page_index", Integer, primary_key=True),
    Column("relevance", Integer, nullable=False),
)


JOBS = Table(
    "jobs",
    TABLES,
    Column("job_id", PlainText, primary_key=True),
    Column("name", PlainText, nullable=False),
    # Where the file is, as bytes: not every name is text.
    Column("path", LargeBinary, nullable=False),
    # Under which name a later version replaces this one.
    Column("origin", PlainText, nullable=False),
    Column("is_upload", Boolean, nullable=False),
    Column("is_urgent", Boolean, nullable=False),
    Column("tags", Tags, nullable=False),
    Column("state", PlainText, nullable=False),
    # Counts the workflows that this job has had: each retry is another.
    Column("attempt", Integer, nullable=False),
    Column("document_id", PlainText),
    Column("n_pages", Integer),
    Column("error", PlainText),
    Column("created_at", Moment, nullable=False),
)
# By hash, as PostgreSQL's other indexes take no value of more than 2,700 bytes.
for column in (JOBS.c.origin, JOBS.c.state, JOBS.c.document_id):
    Index(f"jobs_by_{column.name}", column, postgresql_using="hash")

# A library of an earlier release gets these when it is opened; one that lacks another is damaged.
ADDED_TABLES = (EVALUATION_QUESTIONS, RELEVANT_PAGES, SPACE_PAGES)
