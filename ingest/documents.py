"""`pagelens.sqlite`: what documents the library holds, whole or not, and what was refused."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ingest.sources import DATABASE, MediaType, Refusal, Source
from retrieval.errors import LibraryUnusable
from retrieval.records import Kind, TextSource

SCHEMA = """
CREATE TABLE IF NOT EXISTS library (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS documents (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    kind TEXT NOT NULL,
    n_bytes INTEGER NOT NULL,
    n_pages INTEGER NOT NULL,
    added_at TEXT NOT NULL,
    tags TEXT NOT NULL,
    is_whole INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS pages (
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    page_index INTEGER NOT NULL,
    text_source TEXT NOT NULL,
    n_vectors INTEGER NOT NULL,
    error TEXT,
    PRIMARY KEY (document_id, page_index)
);
CREATE TABLE IF NOT EXISTS questions (text TEXT PRIMARY KEY, asked_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refusals (path TEXT PRIMARY KEY, error TEXT NOT NULL);
"""

KEPT_QUESTIONS = 200

# What a library is bound to: its encoder of pages, and from its first photo on, that of photos.
ENCODER_KEY = "encoder_key"
ENCODER_ID = "encoder_id"
POOL_FACTOR = "pool_factor"
VECTOR_STORAGE = "vector_storage"
# Pages that the index had when the codebook of its first stage was fitted.
FITTED_PAGES = "fitted_pages"
# What nonsense reaches in it; a good match scores more.
NONSENSE_SCORE = "nonsense_score"
PHOTO_ENCODER_KEY = "photo_encoder_key"
PHOTO_ENCODER_ID = "photo_encoder_id"
LIBRARY_ID = "library_id"
# The collection of a Qdrant server that holds its index; unset where that is in its folder.
COLLECTION = "collection"


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
    failed: int
    unread_pages: int


class Documents:
    """The table of documents; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        with _database_errors():
            self._connection = sqlite3.connect(folder / DATABASE, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.executescript(SCHEMA)

    def close(self) -> None:
        """Closes the database."""
        self._connection.close()

    def read_setting(self, name: str) -> str | None:
        """A value that belongs to the library as a whole; None if never written."""
        with self._read() as rows:
            row = rows.execute("SELECT value FROM library WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def write_setting(self, name: str, value: str) -> None:
        """Writes a value that belongs to the library as a whole."""
        with self._write() as rows:
            rows.execute("INSERT OR REPLACE INTO library VALUES (?, ?)", (name, value))

    def begin(
        self, source: Source, n_pages: int, kind: Kind, added_at: datetime, tags: Sequence[str]
    ) -> None:
        """Records a document whose pages are about to be indexed: not yet whole.

        Again, it changes nothing.
        """
        with self._write() as rows:
            rows.execute(
                "INSERT OR IGNORE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
                (
                    source.document_id,
                    source.name,
                    source.media_type.value,
                    kind.value,
                    source.n_bytes,
                    n_pages,
                    added_at.isoformat(),
                    json.dumps(list(tags)),
                ),
            )

    def add_pages(self, document_id: str, pages: Sequence[PageRecord]) -> None:
        """Records pages of a document."""
        with self._write() as rows:
            rows.executemany(
                "INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        document_id,
                        page.page_index,
                        page.text_source.value,
                        page.n_vectors,
                        page.error,
                    )
                    for page in pages
                ],
            )

    def finish(self, document_id: str, kind: Kind) -> None:
        """Marks a document as whole."""
        with self._write() as rows:
            rows.execute(
                "UPDATE documents SET is_whole = 1, kind = ? WHERE id = ?",
                (kind.value, document_id),
            )

    def delete(self, document_id: str) -> None:
        """Forgets a document and its pages."""
        with self._write() as rows:
            rows.execute("DELETE FROM documents WHERE id = ?", (document_id,))

    def record_refusal(self, refusal: Refusal) -> None:
        """Remembers that a file was refused."""
        with self._write() as rows:
            rows.execute(
                "INSERT OR REPLACE INTO refusals VALUES (?, ?)",
                (str_path(refusal.path), refusal.error),
            )

    def clear_refusal(self, path: Path) -> None:
        """Forgets that a file was refused: it has been taken since."""
        with self._write() as rows:
            rows.execute("DELETE FROM refusals WHERE path = ?", (str_path(path),))

    def list_whole(self) -> list[Document]:
        """The documents that can be searched, newest first."""
        return self._list("is_whole = 1 ORDER BY added_at DESC, name")

    def list_unfinished(self) -> list[Document]:
        """The documents whose ingestion has begun and not ended."""
        return self._list("is_whole = 0")

    def find_unfinished(self, document_id: str) -> Document | None:
        """The document of this id if its ingestion has begun and not ended; else None."""
        found = self._list("is_whole = 0 AND id = ?", document_id)
        return found[0] if found else None

    def find(self, document_id: str) -> Document | None:
        """The whole document of this id; None if there is none."""
        found = self._list("is_whole = 1 AND id = ?", document_id)
        return found[0] if found else None

    def list_pages(self, document_id: str) -> list[PageRecord]:
        """The pages of a document, in order."""
        with self._read() as rows:
            found = rows.execute(
                "SELECT page_index, text_source, n_vectors, error FROM pages "
                "WHERE document_id = ? ORDER BY page_index",
                (document_id,),
            ).fetchall()
        return [
            PageRecord(index, TextSource(source), n, error) for index, source, n, error in found
        ]

    def list_indexed_pages(self) -> set[tuple[str, int]]:
        """(document id, page index) of every page of a whole document that has vectors."""
        with self._read() as rows:
            found = rows.execute(
                "SELECT document_id, page_index FROM pages JOIN documents ON id = document_id "
                "WHERE is_whole = 1 AND error IS NULL AND n_vectors > 0"
            ).fetchall()
        return set(found)

    def record_question(self, text: str) -> None:
        """Remembers what was asked, the newest `KEPT_QUESTIONS`, for `doctor` to ask again."""
        with self._write() as rows:
            now = datetime.now(timezone.utc).isoformat()
            rows.execute("INSERT OR REPLACE INTO questions VALUES (?, ?)", (text, now))
            rows.execute(
                "DELETE FROM questions WHERE text NOT IN "
                "(SELECT text FROM questions ORDER BY asked_at DESC LIMIT ?)",
                (KEPT_QUESTIONS,),
            )

    def list_questions(self) -> list[str]:
        """What was asked, newest first."""
        with self._read() as rows:
            found = rows.execute("SELECT text FROM questions ORDER BY asked_at DESC").fetchall()
        return [text for (text,) in found]

    def list_refusals(self) -> list[Refusal]:
        """The files that were refused, by path."""
        with self._read() as rows:
            found = rows.execute("SELECT path, error FROM refusals ORDER BY path").fetchall()
        return [Refusal(Path(path), error) for path, error in found]

    def count(self) -> Counts:
        """How much the library holds."""
        with self._read() as rows:
            documents, photos = rows.execute(
                "SELECT COUNT(*), COALESCE(SUM(kind = ?), 0) FROM documents WHERE is_whole = 1",
                (Kind.PHOTO.value,),
            ).fetchone()
            pages, unread = rows.execute(
                "SELECT COALESCE(SUM(error IS NULL), 0), "
                "COALESCE(SUM(error IS NULL AND n_vectors = 0), 0) "
                "FROM pages JOIN documents ON id = document_id WHERE is_whole = 1"
            ).fetchone()
            (failed,) = rows.execute("SELECT COUNT(*) FROM refusals").fetchone()
        return Counts(documents, pages, photos, failed, unread)

    def _list(self, condition: str, *values: str) -> list[Document]:
        with self._read() as rows:
            found = rows.execute(
                "SELECT id, name, media_type, kind, n_bytes, n_pages, added_at, tags "
                f"FROM documents WHERE {condition}",
                values,
            ).fetchall()
        return [
            Document(
                id_,
                name,
                MediaType(media),
                Kind(kind),
                size,
                pages,
                datetime.fromisoformat(at),
                tuple(json.loads(tags)),
            )
            for id_, name, media, kind, size, pages, at, tags in found
        ]

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _database_errors():
            yield self._connection

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _database_errors(), self._connection:
            yield self._connection


@contextmanager
def _database_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise LibraryUnusable(f"{DATABASE}: {error}") from error


def str_path(path: Path) -> str:
    """A path as text that any database takes, whatever bytes its name holds."""
    return str(path.absolute()).encode("utf-8", "replace").decode()
