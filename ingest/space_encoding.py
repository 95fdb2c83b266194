"""The encoders of a space at work: a page's vectors, and beside them those of its text."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, TypeVar

from ingest.spaces import Space
from retrieval.encoders.stream import Encoding
from retrieval.records import Page, PageEmbedding, Word
from retrieval.text_encoders.base import TextEmbedding
from retrieval.text_encoders.stream import TextEncoding

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class EncodedPage(Generic[Item]):
    """A page with what the encoders of a space made of it.

    Attributes:
        page: whatever stood for it in the stream.
        embedding: its vectors; None for a page that was not looked at.
        channels: what text encoders made of its words.
    """

    page: Item
    embedding: PageEmbedding | None
    channels: TextEmbedding


class SpaceEncoding:
    """The encoders of a space at work, shared by all who have pages for them.

    Use it as a context manager; leaving it stops its threads.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self._pages = Encoding(space.encoder)
        self._texts = TextEncoding(space.texts)

    def __enter__(self) -> SpaceEncoding:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._texts.close()
        self._pages.close()

    def stream(
        self, items: Iterable[tuple[Item, Sequence[Word], Page | None]]
    ) -> Iterator[EncodedPage[Item]]:
        """Encodes the pages of a stream, in its order, running ahead of whoever reads.

        Args:
            items: anything, with the words of a page, and the page itself; None for one that is
                not looked at.

        Raises:
            InvalidEmbedding, DeviceOutOfMemory, CancelledError: see `Encoding.stream`.
            ServiceFailed: a vendor does not answer, or refuses.
        """
        # Of the pages that the stream has run ahead to, in their order.
        texts: deque[Future[TextEmbedding]] = deque()

        def begin_texts() -> Iterator[tuple[Item, Page | None]]:
            for item, words, page in items:
                texts.append(self._texts.submit(" ".join(word.text for word in words)))
                yield item, page

        try:
            for item, embedding in self._pages.stream(begin_texts()):
                yield EncodedPage(item, embedding, texts[0].result())
                texts.popleft()
        finally:
            for text in texts:
                text.cancel()


class SpaceEncodings:
    """The encoders of spaces at work, each begun when it is first asked for.

    Use it as a context manager; leaving it stops them all.
    """

    def __init__(self) -> None:
        self._beginning = threading.Lock()
        self._begun: dict[int, SpaceEncoding] = {}
        self._closing = ExitStack()

    def __enter__(self) -> SpaceEncodings:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.close()

    def of(self, space: Space) -> SpaceEncoding:
        """The encoders of a space, at work."""
        with self._beginning:
            # Each holds its space, so that no other can have its id.
            if id(space) not in self._begun:
                self._begun[id(space)] = self._closing.enter_context(SpaceEncoding(space))
            return self._begun[id(space)]
