"""The spaces of a library: an encoder of pages, and encoders of text, with the index of vectors.

A library has one, and another one while it changes its encoder. Which of them is searched is one
value in its database: whoever writes it switches all processes that work on the library. Searches
under way end in the space that they began in.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ingest.documents import Documents
from ingest.first_stage import StoredFirstStage
from ingest.space_settings import SpaceSettings
from retrieval.encoders.base import Encoder
from retrieval.index.base import PageIndex
from retrieval.text_encoders.channels import TextEncoders


@dataclass(frozen=True, slots=True)
class Space:
    """Encoders with the index of their vectors. It never changes: another takes its place.

    Attributes:
        settings: what else is known of it.
        encoder: of pages and of questions.
        texts: the encoders of their text; there may be none.
        index: holds the vectors that they made.
        first_stage: of the index.
    """

    settings: SpaceSettings
    encoder: Encoder
    texts: TextEncoders
    index: PageIndex
    first_stage: StoredFirstStage

    @property
    def name(self) -> str:
        """That of the folder of its index."""
        return self.settings.name


class Spaces:
    """The spaces of a library that this process has opened; safe to use from several threads."""

    def __init__(
        self,
        documents: Documents,
        open_space: Callable[[SpaceSettings], Space],
        on_switch: Callable[[Space], None],
    ) -> None:
        """Opens the space that is searched.

        Args:
            documents: the library's.
            open_space: opens a space by its settings.
            on_switch: is told the space when another than before is searched.
        """
        self._documents = documents
        self._open_space = open_space
        self._on_switch = on_switch
        self._opening = threading.RLock()
        self._opened: dict[str, Space] = {}
        self._readers: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._active = self.open(documents.active_space())

    @property
    def active(self) -> Space:
        """The space that is searched, as far as this process knows."""
        return self._active

    def settings(self, name: str) -> SpaceSettings:
        """The settings of a space."""
        return SpaceSettings(self._documents, name)

    def follow(self) -> Space:
        """The space that is searched, which another process may have switched.

        Under one of the library's locks it stays so.
        """
        # Without the lock at first: another space may be opened under it, for seconds.
        if self._documents.active_space() != self._active.name:
            with self._opening:
                name = self._documents.active_space()
                if name != self._active.name:
                    self._active = self.open(name)
                    self._on_switch(self._active)
        space = self._active
        space.first_stage.follow()
        return space

    def open(self, name: str) -> Space:
        """A space, opened at the first call.

        Raises:
            PagelensError: its encoders or its index cannot be had.
        """
        with self._opening:
            if name not in self._opened:
                self._opened[name] = self._open_space(self.settings(name))
            return self._opened[name]

    @contextmanager
    def reading(self) -> Iterator[Space]:
        """The space that is searched, which stays open until it is left."""
        self.follow()
        with self._changed:
            space = self._active
            self._readers[space.name] += 1
        try:
            yield space
        finally:
            with self._changed:
                self._readers[space.name] -= 1
                self._changed.notify_all()

    def close_other(self, name: str) -> None:
        """Closes a space that is not searched any more, once nobody reads in it."""
        with self._opening:
            assert name != self._active.name, "it is searched"
            space = self._opened.pop(name, None)
        if space is not None:
            with self._changed:
                self._changed.wait_for(lambda: not self._readers[name])
            space.index.close()

    def close(self) -> None:
        """Writes what is pending, and lets all indexes go."""
        with self._opening:
            for space in self._opened.values():
                space.index.close()
            self._opened.clear()
