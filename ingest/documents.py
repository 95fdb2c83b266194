"""The documents of a library, whole or not, what was refused, and what was asked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, true, update

from ingest.database import LIBRARY_ID, SCHEMA, Database
from ingest.job_table import IS_FAILURE
from ingest.jobs import JobState
from ingest.media_types import MediaType
from ingest.sources import Source
from ingest.tables import DOCUMENTS, JOBS, PAGES, QUESTIONS, SETTINGS, SPACE_PAGES, TABLES
from retrieval.records import Kind, TextSource

KEPT_QUESTIONS = 200

# Read and written at once where a library is copied.
COPIED_ROWS = 1_000

# The space that is searched: an encoder of pages, and the index of its vectors. Each is named like
# the folder that its index has; a library begins with the first.
ACTIVE_SPACE = "active_space"
FIRST_SPACE = "index"
# How it came to have another one; see `app.migration_record`.
MIGRATION = "migration"
# What was asked of it, until its encoders are opened.
MIGRATION_ORDER = "migration_order"

# What each space has of its own: its encoder of pages, and how its vectors are stored ...
ENCODER_KEY = "encoder_key"
ENCODER_ID = "encoder_id"
POOL_FACTOR = "pool_factor"
VECTOR_STORAGE = "vector_storage"
# ... its text encoders, as lists in JSON; unset where it has none ...
TEXT_ENCODER_KEYS = "text_encoder_keys"
TEXT_ENCODER_IDS = "text_encoder_ids"
# ... pages that the index had when the codebook of its first stage was fitted.
FITTED_PAGES = "fitted_pages"
# ... what nonsense reaches in it; a good match scores more ...
NONSENSE_SCORE = "nonsense_score"
# ... and the collection of a Qdrant server that holds it; unset where it is in a folder.
COLLECTION = "collection"
OF_SPACE = (
    ENCODER_KEY,
    ENCODER_ID,
    POOL_FACTOR,
    VECTOR_STORAGE,
    TEXT_ENCODER_KEYS,
    TEXT_ENCODER_IDS,
    FITTED_PAGES,
    NONSENSE_SCORE,
    COLLECTION,
)

# From its first photo on a library is bound to an encoder of photos, and so with recordings.
PHOTO_ENCODER_KEY = "photo_encoder_key"
PHOTO_ENCODER_ID = "photo_encoder_id"
SOUND_ENCODER_KEY = "sound_encoder_key"
SOUND_ENCODER_ID = "sound_encoder_id"
# How fast the last run of more than a few pages was.
PAGES_PER_SECOND = "pages_per_second"
# The bucket that holds its originals and previews; unset where those are in its folder.
BUCKET = "bucket"

# What another library does not have of a copied one, as its id and its places are its own.
NOT_COPIED = (
    LIBRARY_ID,
    SCHEMA,
    BUCKET,
    COLLECTION,
    ACTIVE_SPACE,
    MIGRATION,
    MIGRATION_ORDER,
)


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the library.

    Attributes:
        document_id: SHA-256 of the file's bytes.
        name: the file's name.
        n_bytes: size of the original.
        added_at: when it was added, with its time zone.
        tags: what people call its kind or place, in the order given.
    """

    document_id: str
    name: str
    media_type: MediaType
    kind: Kind
    n_bytes: int
    n_pages: int
    added_at: datetime
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageRecord:
    """What is known of one ingested page."""

    page_index: int
    text_source: TextSource
    n_vectors: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a library holds."""

    documents: int
    pages: int
    photos: int
    sounds: int
    failed: int
    unread_pages: int


class Documents:
    """What a library knows of its documents; safe to use from several threads and processes."""

    def __init__(
        self, folder: Path, database_url: SecretStr | None = None, *, may_join: bool = False
    ) -> None:
        """Opens the tables of a library, or makes them.

        Args:
            folder: the library's.
            database_url: the PostgreSQL database that holds them; None for SQLite in the folder.
            may_join: whether a new folder may become one more of the library in the database.

        Raises:
            LibraryMismatch: they are elsewhere, of another library, or of another release.
            LibraryUnusable: they cannot be opened; every method raises it where they fail.
        """
        self._database = Database(folder, database_url, may_join=may_join)

    @property
    def database(self) -> Database:
        """Where the tables are, those of jobs, too."""
        return self._database

    def copy_to(self, other: Documents) -> None:
        """Copies everything into an empty library, which keeps its own id.

        Nor is it told where this one's index and files are. Of spaces it has the one that is
        searched. All is of one moment, whoever writes meanwhile.
        """
        left_out = {
            # They are not copied as they stand.
            SETTINGS: true(),
            SPACE_PAGES: true(),
            # Those under way have files elsewhere.
            JOBS: JOBS.c.state.not_in([JobState.DONE.value, JobState.FAILED.value]),
        }
        with self._database.read_snapshot() as rows, other._database.write() as copies:
            for table in TABLES.sorted_tables:
                asked = select(table).execution_options(yield_per=COPIED_ROWS)
                found = rows.execute(asked.where(~left_out[table]) if table in left_out else asked)
                for some in found.mappings().partitions():
                    copies.execute(insert(table), [dict(row) for row in some])
            names = rows.execute(select(SETTINGS.c.name, SETTINGS.c.value))
            write_settings(copies, copy_settings({row.name: row.value for row in names}))

    def close(self) -> None:
        """Closes the database."""
        self._database.close()

    def read_setting(self, name: str) -> str | None:
        """A value that belongs to the library as a whole; None if never written."""
        with self._database.read() as rows:
            return rows.scalar(select(SETTINGS.c.value).where(SETTINGS.c.name == name))

    def write_setting(self, name: str, value: str) -> None:
        """Writes a value that belongs to the library as a whole."""
        self._database.put(SETTINGS, [{"name": name, "value": value}])

    def write_settings(self, values: Mapping[str, str | None]) -> None:
        """Writes several values at once, or none of them; None removes one."""
        with self._database.write() as rows:
            write_settings(rows, values)

    def active_space(self) -> str:
        """The name of the space that is searched."""
        return self.read_setting(ACTIVE_SPACE) or FIRST_SPACE

    def begin(
        self, source: Source, n_pages: int, kind: Kind, added_at: datetime, tags: Sequence[str]
    ) -> None:
        """Records a document whose pages are about to be indexed: not yet whole.

        One that has begun already stays as it is.
        """
        document = {
            "id": source.document_id,
            "name": source.name,
            "media_type": source.media_type.value,
            "kind": kind.value,
            "n_bytes": source.n_bytes,
            "n_pages": n_pages,
            "added_at": added_at,
            "tags": tuple(tags),
            "is_whole": False,
        }
        self._database.put_new(DOCUMENTS, document)

    def add_pages(self, document_id: str, pages: Sequence[PageRecord]) -> None:
        """Records pages of a document, in place of what was recorded of them before."""
        records = [
            {
                "document_id": document_id,
                "page_index": page.page_index,
                "text_source": page.text_source.value,
                "n_vectors": page.n_vectors,
                "error": page.error,
            }
            for page in pages
        ]
        self._database.put(PAGES, records)

    def finish(self, document_id: str, kind: Kind) -> None:
        """Marks a document as whole."""
        with self._database.write() as rows:
            whole = {"is_whole": True, "kind": kind.value}
            rows.execute(update(DOCUMENTS).where(DOCUMENTS.c.id == document_id).values(whole))

    def delete(self, document_id: str) -> None:
        """Forgets a document and its pages."""
        with self._database.write() as rows:
            rows.execute(delete(DOCUMENTS).where(DOCUMENTS.c.id == document_id))
            # The other space still has them, and finds out by this that it should not.
            rows.execute(delete(SPACE_PAGES).where(SPACE_PAGES.c.document_id == document_id))

    def list_whole(self) -> list[Document]:
        """The documents that can be searched, newest first."""
        return self._list(DOCUMENTS.c.is_whole)

    def list_unfinished(self) -> list[Document]:
        """The documents whose ingestion has begun and not ended."""
        return self._list(~DOCUMENTS.c.is_whole)

    def find_unfinished(self, document_id: str) -> Document | None:
        """The document of this id if its ingestion has begun and not ended; else None."""
        found = self._list(~DOCUMENTS.c.is_whole, DOCUMENTS.c.id == document_id)
        return found[0] if found else None

    def find(self, document_id: str) -> Document | None:
        """The whole document of this id; None if there is none."""
        found = self._list(DOCUMENTS.c.is_whole, DOCUMENTS.c.id == document_id)
        return found[0] if found else None

    def list_pages(self, document_id: str) -> list[PageRecord]:
        """The pages of a document, in order."""
        asked = (
            select(PAGES.c.page_index, PAGES.c.text_source, PAGES.c.n_vectors, PAGES.c.error)
            .where(PAGES.c.document_id == document_id)
            .order_by(PAGES.c.page_index)
        )
        with self._database.read() as rows:
            return [
                PageRecord(index, TextSource(source), n, error)
                for index, source, n, error in rows.execute(asked)
            ]

    def list_indexed_pages(self) -> set[tuple[str, int]]:
        """(document id, page index) of every page of a whole document that has vectors."""
        asked = (
            select(PAGES.c.document_id, PAGES.c.page_index)
            .join(DOCUMENTS)
            .where(DOCUMENTS.c.is_whole, PAGES.c.error.is_(None), PAGES.c.n_vectors > 0)
        )
        with self._database.read() as rows:
            return {(document_id, index) for document_id, index in rows.execute(asked)}

    def record_question(self, question: str) -> None:
        """Remembers what was asked, the newest `KEPT_QUESTIONS`, for `doctor` to ask again."""
        now = datetime.now(timezone.utc)
        row = {"key": _hash_text(question), "text": question, "asked_at": now}
        self._database.put(QUESTIONS, [row])
        newest = select(QUESTIONS.c.key).order_by(QUESTIONS.c.asked_at.desc()).limit(KEPT_QUESTIONS)
        with self._database.write() as rows:
            rows.execute(delete(QUESTIONS).where(QUESTIONS.c.key.not_in(newest)))

    def list_questions(self) -> list[str]:
        """What was asked, newest first."""
        with self._database.read() as rows:
            asked = select(QUESTIONS.c.text).order_by(QUESTIONS.c.asked_at.desc())
            return list(rows.scalars(asked))

    def write_tags(self, document_id: str, tags: Sequence[str]) -> None:
        """Gives a document these tags instead of those that it has."""
        with self._database.write() as rows:
            rows.execute(
                update(DOCUMENTS).where(DOCUMENTS.c.id == document_id).values(tags=tuple(tags))
            )

    def count(self) -> Counts:
        """How much the library holds."""
        is_photo, is_sound = (DOCUMENTS.c.kind == kind.value for kind in (Kind.PHOTO, Kind.SOUND))
        is_there = PAGES.c.error.is_(None)
        whole = select(
            func.count(), func.count().filter(is_photo), func.count().filter(is_sound)
        ).where(DOCUMENTS.c.is_whole)
        of_whole = (
            select(
                func.count().filter(is_there),
                func.count().filter(is_there, PAGES.c.n_vectors == 0),
            )
            .select_from(PAGES)
            .join(DOCUMENTS)
            .where(DOCUMENTS.c.is_whole)
        )
        with self._database.read() as rows:
            documents, photos, sounds = rows.execute(whole).one()
            pages, unread = rows.execute(of_whole).one()
            failed = rows.execute(select(func.count()).where(IS_FAILURE)).scalar_one()
        return Counts(documents, pages, photos, sounds, failed, unread)

    def _list(self, *conditions: ColumnElement[bool]) -> list[Document]:
        """The documents that meet all conditions, newest first."""
        asked = (
            select(DOCUMENTS)
            .where(*conditions)
            .order_by(DOCUMENTS.c.added_at.desc(), DOCUMENTS.c.name)
        )
        with self._database.read() as rows:
            return [
                Document(
                    row.id,
                    row.name,
                    MediaType(row.media_type),
                    Kind(row.kind),
                    row.n_bytes,
                    row.n_pages,
                    row.added_at,
                    row.tags,
                )
                for row in rows.execute(asked)
            ]


def name_setting(setting: str, space: str) -> str:
    """What one of the settings `OF_SPACE` is called for a space: the first one's bear no suffix."""
    return setting + space.removeprefix(FIRST_SPACE)


def copy_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings of a copy, whose one space is the first; that which is searched becomes it."""
    active = settings.get(ACTIVE_SPACE, FIRST_SPACE)
    copied = {
        name: value
        for name, value in settings.items()
        if name not in NOT_COPIED and name.partition("-")[0] not in OF_SPACE
    }
    for setting in OF_SPACE:
        value = settings.get(name_setting(setting, active))
        if value is not None and setting not in NOT_COPIED:
            copied[setting] = value
    return copied


def write_settings(rows: Connection, values: Mapping[str, str | None]) -> None:
    """Writes settings in a transaction; None removes one."""
    rows.execute(delete(SETTINGS).where(SETTINGS.c.name.in_(list(values))))
    kept = [{"name": name, "value": value} for name, value in values.items() if value is not None]
    if kept:
        rows.execute(insert(SETTINGS), kept)


def _hash_text(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
