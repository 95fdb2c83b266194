"""Encodes streams of pages so that the device never waits: the one place where batches are made.

While the device runs one batch, threads prepare the next pages, a thread brings the last vectors
back, and whoever reads a stream stores what is done. Several streams share one device, and their
pages its batches. Batches are packed by vectors, padding included; one that does not fit into the
device's memory is halved, and so are those after it.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

from retrieval.encoders.base import Encoder
from retrieval.errors import DeviceOutOfMemory
from retrieval.records import Page, PageEmbedding

Item = TypeVar("Item")

PREPARING_THREADS = max(1, min(4, os.cpu_count() or 1))

# Pages of like length are batched together out of so many batches' worth of pages.
BATCHES_AT_ONCE = 2

# Batches' worth of pages, for each that is in work at once, that a stream may have in work or done
# and not yet read: bounds memory, not speed.
BATCHES_AHEAD = 6


def encode_pages(encoder: Encoder, pages: Sequence[Page]) -> list[PageEmbedding]:
    """Encodes some pages, one embedding each, in order.

    Raises:
        InvalidEmbedding, DeviceOutOfMemory: see `Encoding.stream`.
    """
    if len(pages) == 1:
        # A picture that is searched with, say: somebody waits, and there is work for one thread
        # alone, which may then take all cores.
        prepared = encoder.prepare(pages[0])
        return encoder.collect([prepared], encoder.forward([prepared]))
    with Encoding(encoder) as encoding:
        stream = encoding.stream((None, page) for page in pages)
        return [embedding for _, embedding in stream if embedding is not None]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A page on its way: how many vectors it has is known first, and then they are there."""

    n_vectors: Future[int]
    embedding: Future[PageEmbedding]


class Encoding:
    """An encoder at work, shared by all who have pages for it.

    Use it as a context manager; leaving it stops its threads.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._budget = encoder.batch_vectors
        self._preparing = ThreadPoolExecutor(PREPARING_THREADS, "prepare", encoder.enter_thread)
        self._device = ThreadPoolExecutor(encoder.batches_at_once, "forward", encoder.enter_thread)
        self._collecting = ThreadPoolExecutor(1, "collect")
        self._waiting: SimpleQueue[tuple[Any, Future[PageEmbedding]]] = SimpleQueue()

    def __enter__(self) -> Encoding:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the threads; what is in work is finished, what waits is cancelled."""
        for pool in (self._preparing, self._device):
            pool.shutdown(cancel_futures=True)
        self._collecting.shutdown()
        while not self._waiting.empty():
            self._waiting.get()[1].cancel()

    def stream(
        self, items: Iterable[tuple[Item, Page | None]]
    ) -> Iterator[tuple[Item, PageEmbedding | None]]:
        """Encodes the pages of a stream, in its order, running ahead of whoever reads.

        Args:
            items: anything, with the page to encode; None for one that is only passed on. They are
                taken as they are needed: never more than a few batches are held.

        Raises:
            InvalidEmbedding: the encoder gave vectors that break the contract.
            DeviceOutOfMemory: one page alone does not fit.
            CancelledError: the encoding was closed meanwhile.
        """
        ahead: deque[tuple[Item, _Entry | None]] = deque()
        try:
            for item, page in items:
                ahead.append((item, self._submit(page) if page else None))
                del page
                while ahead and (_is_done(ahead[0][1]) or self._is_far_ahead(ahead)):
                    yield _read(*ahead.popleft())
            while ahead:
                yield _read(*ahead.popleft())
        finally:
            for _, entry in ahead:
                if entry:
                    entry.embedding.cancel()

    def _is_far_ahead(self, ahead: Sequence[tuple[Any, _Entry | None]]) -> bool:
        """Whether a stream has enough in work; waits until most of it is known."""
        entries = [entry for _, entry in ahead if entry]
        budget = self.encoder.batch_vectors
        known = sum(
            # A page that is larger than a batch is one.
            min(entry.n_vectors.result(), budget)
            for i, entry in enumerate(entries)
            if entry.n_vectors.done() or i < len(entries) - 2 * PREPARING_THREADS
        )
        return known >= BATCHES_AHEAD * self.encoder.batches_at_once * budget

    def _submit(self, page: Page) -> _Entry:
        embedding: Future[PageEmbedding] = Future()
        n_vectors = self._preparing.submit(self._prepare, page, embedding)
        n_vectors.add_done_callback(lambda task: task.cancelled() and embedding.cancel())
        return _Entry(n_vectors, embedding)

    def _prepare(self, page: Page, embedding: Future[PageEmbedding]) -> int:
        if embedding.cancelled():
            return 0
        try:
            prepared = self.encoder.prepare(page)
        except BaseException as error:
            embedding.set_exception(error)
            return 0
        self._waiting.put((prepared, embedding))
        # Once for each page: whichever call comes first takes all that waits, and the others none.
        self._device.submit(self._run_waiting)
        n_vectors: int = prepared.n_vectors
        return n_vectors

    def _run_waiting(self) -> None:
        """Sends what waits through the device, pages of like length together."""
        waiting: list[tuple[Any, Future[PageEmbedding]]] = []
        n_vectors = 0
        while n_vectors < BATCHES_AT_ONCE * self._budget and not self._waiting.empty():
            prepared, embedding = self._waiting.get()
            if embedding.set_running_or_notify_cancel():
                waiting.append((prepared, embedding))
                n_vectors += prepared.n_vectors
        waiting.sort(key=lambda page: page[0].n_vectors)
        for batch in pack_batches([page.n_vectors for page, _ in waiting], self._budget):
            self._run_batch([waiting[i] for i in batch])

    def _run_batch(self, batch: list[tuple[Any, Future[PageEmbedding]]]) -> None:
        """Runs a batch, in as many parts as the device's memory wants."""
        pages = [page for page, _ in batch]
        try:
            output = self.encoder.forward(pages)
        except DeviceOutOfMemory as error:
            if len(batch) == 1:
                batch[0][1].set_exception(error)
                return
            half = (len(batch) + 1) // 2
            self._budget = max(1, min(self._budget, half * max(page.n_vectors for page in pages)))
            self._run_batch(batch[:half])
            self._run_batch(batch[half:])
        except BaseException as error:
            for _, embedding in batch:
                embedding.set_exception(error)
        else:
            self._collecting.submit(self._collect, batch, output)

    def _collect(self, batch: list[tuple[Any, Future[PageEmbedding]]], output: Any) -> None:
        try:
            embeddings = self.encoder.collect([page for page, _ in batch], output)
        except BaseException as error:
            for _, embedding in batch:
                embedding.set_exception(error)
            return
        for (_, waiting), vectors in zip(batch, embeddings, strict=True):
            waiting.set_result(vectors)


def _is_done(entry: _Entry | None) -> bool:
    return entry is None or entry.embedding.done()


def _read(item: Item, entry: _Entry | None) -> tuple[Item, PageEmbedding | None]:
    return item, entry.embedding.result() if entry else None


def pack_batches(n_vectors: Sequence[int], budget: int) -> list[list[int]]:
    """Cuts pages, shortest first, into batches of at most `budget` vectors with their padding.

    Args:
        n_vectors: of each page, ascending.
        budget: vectors a batch may hold; a single longer page is a batch of its own.

    Returns:
        The pages of each batch, by their place in `n_vectors`.
    """
    batches: list[list[int]] = []
    for i, length in enumerate(n_vectors):
        # Ascending, so the page at hand is the longest and all before it are padded to it.
        if batches and (len(batches[-1]) + 1) * length <= budget:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches
