"""What the threads and processes at work on one library take turns at."""

from __future__ import annotations

import hashlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from ingest.database import Database

# How often a lock that another process holds is asked for.
RETRY_S = 0.5

INDEX = "index"


class DocumentTaken(Exception):
    """Another workflow makes the document."""


def give_up() -> None:
    """Waits for no document; see `LibraryLocks.document`."""
    raise DocumentTaken


class LibraryLocks(ABC):
    """The locks of one library."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[None]:
        """Held while pages are written to the index or removed from it."""

    @abstractmethod
    def alone(self) -> AbstractContextManager[None]:
        """Held while nobody may write to the index."""

    @abstractmethod
    def document(self, document_id: str, check: Callable[[], None]) -> AbstractContextManager[None]:
        """Held by the one workflow that makes a document.

        Args:
            document_id: which.
            check: called while it is waited for; what it raises ends the waiting.
        """


class ProcessLocks(LibraryLocks):
    """Of a library that one process holds, whose index one thread at a time writes to."""

    def __init__(self) -> None:
        self._index = threading.Lock()
        self._documents: set[str] = set()
        self._changed = threading.Condition()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """See `LibraryLocks.writing`."""
        with self._index:
            yield

    alone = writing

    @contextmanager
    def document(self, document_id: str, check: Callable[[], None]) -> Iterator[None]:
        """See `LibraryLocks.document`."""
        with self._changed:
            while document_id in self._documents:
                check()
                self._changed.wait(RETRY_S)
            self._documents.add(document_id)
        try:
            yield
        finally:
            with self._changed:
                self._documents.remove(document_id)
                self._changed.notify_all()


class SharedLocks(LibraryLocks):
    """Of a library that several processes work on: advisory locks of its PostgreSQL database.

    The server lets them go when the process ends, or is no longer reached. Two may then work on the
    same document for a moment, and write the same.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def writing(self) -> Iterator[None]:
        """See `LibraryLocks.writing`; the server's index takes what several write at once."""
        with self._session() as session:
            session.execute(select(func.pg_advisory_lock_shared(number_of(INDEX))))
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See `LibraryLocks.alone`."""
        with self._session() as session:
            session.execute(select(func.pg_advisory_lock(number_of(INDEX))))
            yield

    @contextmanager
    def document(self, document_id: str, check: Callable[[], None]) -> Iterator[None]:
        """See `LibraryLocks.document`."""
        pause = threading.Event()
        with self._session() as session:
            while not take(session, f"document {document_id}"):
                check()
                pause.wait(RETRY_S)
            yield

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        """A connection that lets go of what it has locked."""
        with self._database.read() as session:
            session = session.execution_options(isolation_level="AUTOCOMMIT")
            try:
                yield session
            finally:
                try:
                    session.execute(select(func.pg_advisory_unlock_all()))
                except DBAPIError:
                    # With the session went its locks.
                    session.invalidate()


def open_locks(database: Database, *, is_shared: bool) -> LibraryLocks:
    """The locks of a library.

    Args:
        database: that of the library; PostgreSQL if it is shared.
        is_shared: whether several processes work on it.
    """
    return SharedLocks(database) if is_shared else ProcessLocks()


def take(session: Connection, name: str) -> bool:
    """Takes an advisory lock for a session; False if another holds it."""
    return bool(session.scalar(select(func.pg_try_advisory_lock(number_of(name)))))


def number_of(name: str) -> int:
    """The advisory lock of a name: PostgreSQL counts them by 64-bit integers."""
    digest = hashlib.sha256(f"pagelens {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
