"""Where a library's tables are: SQLite in its folder, or a PostgreSQL database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import SecretStr
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Table,
    create_engine,
    event,
    func,
    insert,
    make_url,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.schema import CreateTable

from ingest.sources import DATABASE, POSTGRESQL_MARK
from ingest.tables import ADDED_TABLES, SCHEMA_VERSION, SETTINGS, TABLES
from retrieval.errors import DatabaseServerFailed, LibraryMismatch, LibraryUnusable

# Settings that every library has from the start.
LIBRARY_ID = "library_id"
SCHEMA = "schema"

# The books of the workflows that add documents, where the tables are in SQLite.
WORKFLOWS = "workflows.sqlite"

# How long SQLite waits for another process that writes.
BUSY_S = 30

# How long a server may take to answer when a connection is made, and to confirm what was sent.
CONNECT_S = 5
UNANSWERED_MS = 10_000

# After so long without a word the server is asked whether it is there.
SILENT_S = 30

# Each document under way holds a connection for its lock; requests of a web server come on top.
POOLED_CONNECTIONS = 8
MORE_CONNECTIONS = 24

# Of the transaction that makes the tables: whoever comes second waits. Any fixed number will do.
MAKING_LOCK = 7_243_502_936


class Database:
    """The tables of one library; safe to use from several threads and processes."""

    def __init__(self, folder: Path, url: SecretStr | None, *, may_join: bool = False) -> None:
        """Opens the tables, or makes them where the library has none.

        Args:
            folder: the library's.
            url: a PostgreSQL database; None for SQLite in the folder.
            may_join: whether a new folder may become one more of the library in the database.

        Raises:
            LibraryMismatch: the tables are elsewhere, of another library, or of another release.
            LibraryUnusable: they cannot be opened.
        """
        # Threads take turns here, as SQLite's own waiting looks again only every tenth of a second.
        self._writing = threading.Lock()
        self._folder = folder
        self._may_join = may_join
        if url is None:
            self._place = DATABASE
            self._failure = LibraryUnusable
            self._open_sqlite(folder)
        else:
            self._failure = DatabaseServerFailed
            self._open_postgresql(folder, make_url(url.get_secret_value()))

    @property
    def workflow_url(self) -> URL:
        """Where the books of workflows are kept: beside the tables."""
        if self.engine.dialect.name == "sqlite":
            return URL.create("sqlite", database=str(self._folder.absolute() / WORKFLOWS))
        return self.engine.url.set(drivername="postgresql")

    def close(self) -> None:
        """Lets the connections go."""
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection to read with."""
        with self.errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def read_snapshot(self) -> Iterator[Connection]:
        """A connection to read with, for which nothing changes meanwhile."""
        with self.read() as connection:
            if self.engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            else:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction to write in: all of it is kept, or nothing."""
        with self._writing, self.errors(), self.engine.begin() as connection:
            yield connection

    def put(self, table: Table, rows: list[dict[str, Any]]) -> None:
        """Writes rows; those there already with the same key are replaced."""
        if not rows:
            return
        row = self._insert(table)
        others = {c.name: row.excluded[c.name] for c in table.columns if not c.primary_key}
        with self.write() as connection:
            connection.execute(
                row.on_conflict_do_update(index_elements=list(table.primary_key), set_=others), rows
            )

    def put_new(self, table: Table, row: dict[str, Any]) -> None:
        """Writes a row, unless one with its key is there."""
        with self.write() as connection:
            connection.execute(self._insert(table).on_conflict_do_nothing(), row)

    def _insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        is_sqlite = self.engine.dialect.name == "sqlite"
        return sqlite.insert(table) if is_sqlite else postgresql.insert(table)

    def _open_sqlite(self, folder: Path) -> None:
        path = folder / DATABASE
        if (folder / POSTGRESQL_MARK).exists():
            raise LibraryMismatch(
                f"the documents of the library {folder} are in a PostgreSQL database, and "
                "PAGELENS_DATABASE_URL is not set"
            )
        with self.errors():
            if not path.exists():
                _make_sqlite(path)
            self.engine = _connect_sqlite(path)
            try:
                with self.engine.connect() as connection:
                    found = _read(connection, SCHEMA) if _has_tables(connection) else None
                self._check_version(found)
                with self.engine.begin() as connection:
                    _make_missing_tables(connection)
            except BaseException:
                self.close()
                raise

    def _open_postgresql(self, folder: Path, url: URL) -> None:
        server = f" at {url.host}:{url.port or 5432}" if url.host else ""
        self._place = f"the PostgreSQL database {url.database}{server}"
        if (folder / DATABASE).exists():
            raise LibraryMismatch(
                f"the documents of the library {folder} are in its folder, not in {self._place}"
            )
        self.engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            # A server that was started again is no error.
            pool_pre_ping=True,
            pool_size=POOLED_CONNECTIONS,
            max_overflow=MORE_CONNECTIONS,
            connect_args={
                "connect_timeout": CONNECT_S,
                "tcp_user_timeout": UNANSWERED_MS,
                # A lock of a document is held for as long as that takes, without a word.
                "keepalives_idle": SILENT_S,
                "application_name": "pagelens",
                "client_encoding": "utf8",
            },
        )
        try:
            with self.write() as connection:
                connection.execute(select(func.pg_advisory_xact_lock(MAKING_LOCK)))
                TABLES.create_all(connection)
                self._claim(connection, folder)
        except BaseException:
            self.close()
            raise

    def _claim(self, connection: Connection, folder: Path) -> None:
        """Checks that the database is this library's, or makes it so where it is no one's."""
        mark = folder / POSTGRESQL_MARK
        try:
            ours = mark.read_text().strip() if mark.exists() else None
            theirs = _read(connection, LIBRARY_ID)
            if theirs is not None:
                if ours is None and self._may_join:
                    mark.write_text(theirs + "\n")
                elif ours != theirs:
                    raise LibraryMismatch(f"{self._place} holds another library than {folder}")
                self._check_version(_read(connection, SCHEMA))
                return
            if ours is not None and (folder / "files").exists():
                # One that was lost must not be met by an empty new one.
                raise LibraryMismatch(f"{self._place} is empty, and the library {folder} is not")
            ours = ours or uuid4().hex
            # First, as a folder that has it may still claim an empty database after a crash.
            mark.write_text(ours + "\n")
        except OSError as error:
            raise LibraryUnusable(f"{mark}: {error.strerror or error}") from error
        _write_identity(connection, ours)

    def _check_version(self, found: str | None) -> None:
        if found != SCHEMA_VERSION:
            raise LibraryMismatch(
                f"{self._place} is of schema {found or 1}, and this release of Pagelens reads "
                f"{SCHEMA_VERSION}"
            )

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Maps what the driver raises; SQLAlchemy's own text would hold values and the URL."""
        try:
            yield
        except DBAPIError as error:
            reason = " ".join(str(error.orig).split())
            raise self._failure(f"{self._place}: {reason}") from error
        except SQLAlchemyError as error:
            raise self._failure(f"{self._place}: {error}") from error
        except OSError as error:
            raise self._failure(f"{self._place}: {error.strerror or error}") from error


def _connect_sqlite(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_S}
    )

    @event.listens_for(engine, "connect")
    def _check_keys(connection: Any, _: object) -> None:
        connection.execute("PRAGMA foreign_keys = ON")

    return engine


def _make_sqlite(path: Path) -> None:
    """Makes the tables under another name first: who finds the file finds it whole."""
    part = path.with_name(path.name + ".part")
    for left in path.parent.glob(part.name + "*"):
        left.unlink()
    engine = _connect_sqlite(part)
    with engine.connect() as connection:
        # Readers and the one writer do not wait for each other; the file remembers it.
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    with engine.begin() as connection:
        TABLES.create_all(connection)
        _write_identity(connection, uuid4().hex)
    engine.dispose()
    part.replace(path)


def _make_missing_tables(connection: Connection) -> None:
    """Adds the tables that an earlier release did not have yet."""
    for table in ADDED_TABLES:
        if not connection.dialect.has_table(connection, table.name):
            # Another process may be quicker.
            connection.execute(CreateTable(table, if_not_exists=True))


def _has_tables(connection: Connection) -> bool:
    return bool(connection.dialect.has_table(connection, SETTINGS.name))


def _read(connection: Connection, name: str) -> str | None:
    return connection.scalar(select(SETTINGS.c.value).where(SETTINGS.c.name == name))


def _write_identity(connection: Connection, library_id: str) -> None:
    rows = [
        {"name": LIBRARY_ID, "value": library_id},
        {"name": SCHEMA, "value": SCHEMA_VERSION},
    ]
    connection.execute(insert(SETTINGS), rows)
