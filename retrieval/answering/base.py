"""What an answerer is, and what it is given."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from retrieval.answering.records import AnswerEvent, Citation, FoundPage
from retrieval.records import Box


class StopSignal:
    """Tells an answer on its way that nobody waits for it any more; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interrupt: Callable[[], None] | None = None
        self._is_set = False

    def set(self) -> None:
        """Interrupts what the answerer waits for, now or as soon as it does."""
        with self._lock:
            self._is_set = True
            if self._interrupt is not None:
                self._interrupt()

    @contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Meanwhile, `interrupt` is called where the signal is set, or is set already."""
        with self._lock:
            self._interrupt = interrupt
            if self._is_set:
                interrupt()
        try:
            yield
        finally:
            with self._lock:
                self._interrupt = None


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A question, with the pages that were found for it.

    Attributes:
        question: as it was asked.
        pages: best first, as many as the answerer wants at most.
        is_good: whether the best page answers better than pages answer nonsense.
        started: when the question was asked, by `time.perf_counter`.
        stop: ends the answer; whoever iterates over it may close the iterator instead.
    """

    question: str
    pages: tuple[FoundPage, ...]
    is_good: bool
    started: float
    stop: StopSignal = field(default_factory=StopSignal)


class Answerer(Protocol):
    """Answers a question from pages, and from nothing else.

    What stands on a page is data: it changes the answer's text at most. No answerer runs a tool,
    follows a link, or asks for anything that a page or a model names.
    """

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def is_generated(self) -> bool:
        """Whether a model writes the answer; else it is quotes, word for word."""

    @property
    def wants_pictures(self) -> bool:
        """Whether it looks at the pictures of pages."""

    @property
    def page_limit(self) -> int:
        """How many pages it wants at most."""

    def answer(self, asked: Asked) -> Iterator[AnswerEvent]:
        """The events of an answer, as they come: `AnswerPages` first, `AnswerEnd` last.

        Closing the iterator ends the work.

        Raises:
            AnswerFailed: the model gives no answer, or none that can be read.
        """


def merge_citations(citations: Sequence[Citation]) -> tuple[Citation, ...]:
    """Citations with each page once, in the order of their first mention, with all its boxes."""
    merged: dict[tuple[str, int], list[Citation]] = {}
    for citation in citations:
        merged.setdefault((citation.document_id, citation.page_index), []).append(citation)
    return tuple(
        Citation(
            same[0].document_id,
            same[0].document,
            same[0].page_index,
            _without_doubles([box for citation in same for box in citation.boxes]),
        )
        for same in merged.values()
    )


def _without_doubles(boxes: Sequence[Box]) -> tuple[Box, ...]:
    return tuple(dict.fromkeys(boxes))
