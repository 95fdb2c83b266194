"""Encodes a stream of pages so that the device never waits: the one place where batches are made.

While the device runs one batch, threads prepare the next pages, a thread brings the last vectors
back, and whoever reads the stream stores what is done. Batches are packed by vectors, padding
included; one that does not fit into the device's memory is halved, and so are those after it.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from retrieval.encoders.base import Encoder
from retrieval.errors import DeviceOutOfMemory
from retrieval.records import Page, PageEmbedding

Item = TypeVar("Item")

PREPARING_THREADS = max(1, min(4, os.cpu_count() or 1))

# Pages of like length are batched together out of so many batches' worth of pages.
BATCHES_A_CHUNK = 2

# Chunks that may be in work or done and not yet read: bounds memory, not speed.
CHUNKS_AHEAD = 2


def encode_pages(encoder: Encoder, pages: Sequence[Page]) -> list[PageEmbedding]:
    """Encodes some pages, one embedding each, in order.

    Raises:
        InvalidEmbedding, DeviceOutOfMemory: see `encode_stream`.
    """
    stream = encode_stream(encoder, ((None, page) for page in pages))
    return [embedding for _, embedding in stream if embedding is not None]


def encode_stream(
    encoder: Encoder, items: Iterable[tuple[Item, Page | None]]
) -> Iterator[tuple[Item, PageEmbedding | None]]:
    """Encodes the pages of a stream, in its order, running ahead of whoever reads.

    Args:
        encoder: encodes them.
        items: anything, with the page to encode; None for one that is only passed on. They are
            taken as they are needed: never more than a few batches are held.

    Raises:
        InvalidEmbedding: the encoder gave vectors that break the contract.
        DeviceOutOfMemory: one page alone does not fit.
    """
    stream = _Stream[Item](encoder)
    try:
        yield from stream.run(items)
    finally:
        stream.stop()


@dataclass(slots=True)
class _Entry(Generic[Item]):
    """One item on its way: first its prepared page, then where its embedding will be."""

    item: Item
    prepared: Future[Any] | None
    embedding: Future[list[PageEmbedding]] | None = None
    row: int = 0

    @property
    def is_prepared(self) -> bool:
        return self.prepared is None or self.prepared.done()

    @property
    def is_encoded(self) -> bool:
        return self.embedding is None or self.embedding.done()


@dataclass(slots=True)
class _Stream(Generic[Item]):
    encoder: Encoder
    budget: int = field(init=False)
    preparing: ThreadPoolExecutor = field(init=False)
    device: ThreadPoolExecutor = field(init=False)
    collecting: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self.budget = self.encoder.batch_vectors
        self.preparing = ThreadPoolExecutor(PREPARING_THREADS, "prepare")
        self.device = ThreadPoolExecutor(1, "forward")
        self.collecting = ThreadPoolExecutor(1, "collect")

    def stop(self) -> None:
        for pool in (self.preparing, self.device, self.collecting):
            pool.shutdown(cancel_futures=True)

    def run(
        self, items: Iterable[tuple[Item, Page | None]]
    ) -> Iterator[tuple[Item, PageEmbedding | None]]:
        chunks: deque[list[_Entry[Item]]] = deque()
        chunk: list[_Entry[Item]] = []
        n_vectors = 0
        for entry in self._prepare_ahead(items):
            chunk.append(entry)
            n_vectors += entry.prepared.result().n_vectors if entry.prepared else 0
            # Where pages come slowly, the device takes what there is rather than wait for more.
            is_idle = all(entry.is_encoded for waiting in chunks for entry in waiting)
            if is_idle or n_vectors >= BATCHES_A_CHUNK * self.budget:
                self._submit(chunk)
                chunks.append(chunk)
                chunk, n_vectors = [], 0
            while chunks and (
                len(chunks) > CHUNKS_AHEAD or all(entry.is_encoded for entry in chunks[0])
            ):
                yield from self._read(chunks.popleft())
        self._submit(chunk)
        chunks.append(chunk)
        while chunks:
            yield from self._read(chunks.popleft())

    def _prepare_ahead(self, items: Iterable[tuple[Item, Page | None]]) -> Iterator[_Entry[Item]]:
        waiting: deque[_Entry[Item]] = deque()
        for item, page in items:
            prepared = self.preparing.submit(self.encoder.prepare, page) if page else None
            waiting.append(_Entry(item, prepared))
            while waiting and (waiting[0].is_prepared or len(waiting) > 2 * PREPARING_THREADS):
                yield waiting.popleft()
        yield from waiting

    def _submit(self, chunk: list[_Entry[Item]]) -> None:
        """Packs a chunk's pages into batches and sends them through the device."""
        pages = [(entry, entry.prepared.result()) for entry in chunk if entry.prepared]
        pages.sort(key=lambda page: page[1].n_vectors)
        for batch in pack_batches([page.n_vectors for _, page in pages], self.budget):
            entries = [pages[i][0] for i in batch]
            outputs = self.device.submit(self._forward, [pages[i][1] for i in batch])
            embeddings = self.collecting.submit(self._collect, outputs)
            for row, entry in enumerate(entries):
                entry.prepared, entry.embedding, entry.row = None, embeddings, row

    def _forward(self, batch: list[Any]) -> list[tuple[list[Any], Any]]:
        """Runs a batch, in as many parts as the device's memory wants."""
        try:
            return [(batch, self.encoder.forward(batch))]
        except DeviceOutOfMemory:
            if len(batch) == 1:
                raise
        half = (len(batch) + 1) // 2
        self.budget = max(1, min(self.budget, half * max(page.n_vectors for page in batch)))
        return self._forward(batch[:half]) + self._forward(batch[half:])

    def _collect(self, outputs: Future[list[tuple[list[Any], Any]]]) -> list[PageEmbedding]:
        return [
            embedding
            for batch, output in outputs.result()
            for embedding in self.encoder.collect(batch, output)
        ]

    def _read(self, chunk: list[_Entry[Item]]) -> Iterator[tuple[Item, PageEmbedding | None]]:
        for entry in chunk:
            yield (
                entry.item,
                entry.embedding.result()[entry.row] if entry.embedding is not None else None,
            )


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
