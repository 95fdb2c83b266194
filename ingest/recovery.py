"""Processes that work on one library: each shows that it lives, and takes up what dead ones left.

A process that lives holds an advisory lock of the PostgreSQL database. The server lets it go when
the process ends or is no longer reached, and its workflows are then anybody's.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from uuid import uuid4

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from ingest.database import Database
from ingest.locks import number_of, take
from retrieval.errors import LibraryUnusable

# How often a process looks for dead ones.
LOOK_S = 5.0


class Recovery:
    """Shows that this process lives, and recovers workflows of dead ones, while it is entered.

    Attributes:
        executor: the name of this process among those that work on the library.
    """

    def __init__(self, database: Database) -> None:
        """Shows that this process lives.

        Raises:
            DatabaseServerFailed: the database does not answer.
        """
        self.executor = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
        self._database = database
        self._ending = threading.Event()
        self._looking: threading.Thread | None = None
        self._session = self._show()

    def begin(
        self, list_executors: Callable[[], set[str]], recover: Callable[[list[str]], None]
    ) -> None:
        """Begins to look for dead processes.

        Args:
            list_executors: tells which processes are at work, or were when they died.
            recover: lets living processes go on with the workflows of dead ones.
        """
        self._looking = threading.Thread(
            target=self._look, args=(list_executors, recover), name="recovery", daemon=True
        )
        self._looking.start()

    def __enter__(self) -> Recovery:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ending.set()
        if self._looking:
            self._looking.join()
        with suppress(DBAPIError):
            self._session.execute(select(func.pg_advisory_unlock_all()))
        self._session.close()

    def _look(
        self, list_executors: Callable[[], set[str]], recover: Callable[[list[str]], None]
    ) -> None:
        while True:
            # A database that is gone for a while is looked at again later.
            with suppress(LibraryUnusable, DBAPIError):
                self._keep_showing()
                if dead := self._find_dead(list_executors() - {self.executor}):
                    recover(dead)
            if self._ending.wait(LOOK_S):
                return

    def _show(self) -> Connection:
        with self._database.errors():
            session = self._database.engine.connect()
            session = session.execution_options(isolation_level="AUTOCOMMIT")
            take(session, _lock_of(self.executor))
            return session

    def _keep_showing(self) -> None:
        try:
            self._session.execute(select(1))
        except DBAPIError:
            self._session.invalidate()
            self._session.close()
            self._session = self._show()

    def _find_dead(self, executors: Iterable[str]) -> list[str]:
        """Those whose lock is free."""
        dead = []
        for executor in executors:
            if take(self._session, _lock_of(executor)):
                dead.append(executor)
                lock = number_of(_lock_of(executor))
                self._session.execute(select(func.pg_advisory_unlock(lock)))
        return dead


def _lock_of(executor: str) -> str:
    return f"executor {executor}"
