"""A library that is open only while it is wanted, so that other programs get their turn."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.client import PagelensClient
from app.handing_over import open_or_connect
from app.library import Library
from app.settings import Settings

# Questions of one conversation come closer together; whoever wants the folder need not wait long.
IDLE_S = 60.0


class LentLibrary:
    """Opens a library for the first that borrows it, and lets it go when nobody has for a while.

    Where a server holds the library, each borrower gets a client of that server.
    """

    def __init__(self, settings: Settings, idle_s: float = IDLE_S) -> None:
        """Opens nothing yet.

        Args:
            settings: name the library, and hold the key of the server that may hold it.
            idle_s: how long it stays open after the last borrower.
        """
        self._settings = settings
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._library: Library | None = None
        self._n_borrowers = 0
        self._closing: threading.Timer | None = None

    @property
    def is_open(self) -> bool:
        """Whether the next borrower gets the library without waiting for its models."""
        return self._library is not None

    @contextmanager
    def borrow(self) -> Iterator[Library | PagelensClient]:
        """The open library, or a client of the server that holds it.

        Raises:
            InvalidLibraryPath: there is none.
            LibraryBusy: another process holds it, and is no server.
        """
        opened = self._take()
        if isinstance(opened, PagelensClient):
            with opened:
                yield opened
            return
        try:
            yield opened
        finally:
            self._give_back()

    def close(self) -> None:
        """Closes the library, if it is open and nobody has it."""
        with self._lock:
            if self._closing is not None:
                self._closing.cancel()
            if self._library is not None and not self._n_borrowers:
                self._library.close()
                self._library = None

    def _take(self) -> Library | PagelensClient:
        with self._lock:
            if self._library is None:
                opened = open_or_connect(self._settings)
                if isinstance(opened, PagelensClient):
                    return opened
                self._library = opened
            self._n_borrowers += 1
            return self._library

    def _give_back(self) -> None:
        with self._lock:
            self._n_borrowers -= 1
            if self._closing is not None:
                self._closing.cancel()
            self._closing = threading.Timer(self._idle_s, self.close)
            self._closing.daemon = True
            self._closing.start()
