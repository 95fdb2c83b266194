"""Encodes the texts of pages beside the page encoder: whatever waits goes through together."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType

from retrieval.errors import DeviceOutOfMemory
from retrieval.text_encoders.base import NO_TEXT, TextEmbedding
from retrieval.text_encoders.channels import TextEncoders

# Pages that are encoded together at most. Each is a few passages, of which encoders make batches
# of their own.
BATCH_PAGES = 16

Waiting = tuple[str, "Future[TextEmbedding]"]


class TextEncoding:
    """Text encoders at work, shared by all who have pages for them.

    Use it as a context manager; leaving it stops its thread.
    """

    def __init__(self, encoders: TextEncoders) -> None:
        self._encoders = encoders
        self._device = ThreadPoolExecutor(1, "encode texts")
        self._waiting: SimpleQueue[Waiting] = SimpleQueue()

    def __enter__(self) -> TextEncoding:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the thread; what is in work is finished, what waits is cancelled."""
        self._device.shutdown(cancel_futures=True)
        while not self._waiting.empty():
            self._waiting.get()[1].cancel()

    def submit(self, text: str) -> Future[TextEmbedding]:
        """Has a page's text encoded; who needs it no more cancels it.

        The future raises what `TextEncoder.encode_pages` does.
        """
        embedding: Future[TextEmbedding] = Future()
        if not text or not self._encoders.spaces:
            embedding.set_result(NO_TEXT)
            return embedding
        self._waiting.put((text, embedding))
        # Once for each page: whichever call comes first takes all that waits, and the others none.
        self._device.submit(self._run_waiting)
        return embedding

    def _run_waiting(self) -> None:
        batch: list[Waiting] = []
        while len(batch) < BATCH_PAGES and not self._waiting.empty():
            text, embedding = self._waiting.get()
            if embedding.set_running_or_notify_cancel():
                batch.append((text, embedding))
        if batch:
            self._run_batch(batch)

    def _run_batch(self, batch: Sequence[Waiting]) -> None:
        """Runs a batch; a page that does not fit into the device's memory fails alone."""
        try:
            made = self._encoders.encode_pages([text for text, _ in batch])
        except DeviceOutOfMemory as error:
            if len(batch) == 1:
                batch[0][1].set_exception(error)
                return
            half = (len(batch) + 1) // 2
            self._run_batch(batch[:half])
            self._run_batch(batch[half:])
        except BaseException as error:
            for _, embedding in batch:
                embedding.set_exception(error)
        else:
            for (_, embedding), vectors in zip(batch, made, strict=True):
                embedding.set_result(vectors)
