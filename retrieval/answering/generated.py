"""What the answerers that let a model write have in common: from a prompt to events.

A model's text is text: it is handed on as it comes, without control characters, and nothing in it
is followed, fetched or run. Citations are read from it, and only those of pages that were given.
"""

from __future__ import annotations

import time
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from contextlib import closing

from retrieval.answering.base import Asked, StopSignal, merge_citations
from retrieval.answering.citations import find_mentions
from retrieval.answering.prompt import Prompt, build_prompt, says_not_held
from retrieval.answering.records import (
    AnswerEnd,
    AnswerEvent,
    AnswerPages,
    AnswerText,
    Citation,
    CitedPage,
)
from retrieval.records import Box

# An answer is brief; what does not end is ended here.
ANSWER_CHARACTERS = 20_000


class GeneratingAnswerer(ABC):
    """Builds the prompt, hands on what a model writes, and reads its citations.

    Args:
        name: what people call it.
        page_limit: most pages that are given.
        token_limit: most tokens that are given, by estimate.
    """

    is_generated = True
    wants_pictures = True

    def __init__(self, name: str, page_limit: int, token_limit: int) -> None:
        self._name = name
        self._page_limit = page_limit
        self._token_limit = token_limit

    @property
    def name(self) -> str:
        """What people call it."""
        return self._name

    @property
    def page_limit(self) -> int:
        """How many pages it wants at most."""
        return self._page_limit

    @property
    def token_limit(self) -> int:
        """How many tokens it is given at most, by estimate."""
        return self._token_limit

    def answer(self, asked: Asked) -> Iterator[AnswerEvent]:
        """What the model writes, as it comes; see `Answerer.answer`."""
        prompt = build_prompt(
            asked.question,
            asked.pages,
            page_limit=self._page_limit,
            token_limit=self._token_limit,
        )
        yield AnswerPages(self.name, self.is_generated, prompt.pages, prompt.budget)
        written = ""
        if prompt.pages:
            with closing(self.write(prompt, asked.stop)) as texts:
                for text in texts:
                    written += text
                    yield AnswerText(text)
        is_answered = bool(written.strip()) and not says_not_held(written)
        citations = _read_citations(written, prompt.pages, asked) if is_answered else ()
        yield AnswerEnd(is_answered, citations, time.perf_counter() - asked.started)

    def write(self, prompt: Prompt, stop: StopSignal) -> Generator[str, None, None]:
        """What the model writes for a prompt, cleaned, `ANSWER_CHARACTERS` at most.

        Closing it, or the signal, ends the work.

        Raises:
            AnswerFailed: the model writes nothing, or nothing that can be read.
        """
        n_written = 0
        with closing(self._write(prompt, stop)) as deltas:
            for delta in deltas:
                text = _clean(delta)[: ANSWER_CHARACTERS - n_written]
                if text:
                    n_written += len(text)
                    yield text
                if n_written >= ANSWER_CHARACTERS:
                    break

    @abstractmethod
    def _write(self, prompt: Prompt, stop: StopSignal) -> Generator[str, None, None]:
        """What the model writes, piece by piece; closing it, or the signal, ends the work."""


def _read_citations(text: str, pages: tuple[CitedPage, ...], asked: Asked) -> tuple[Citation, ...]:
    matched: dict[tuple[str, int], tuple[Box, ...]] = {
        (page.document_id, page.page_index): tuple(match.box for match in page.evidence.matches)
        for page in asked.pages
        if page.evidence is not None
    }
    return merge_citations(
        [
            Citation(
                page.document_id,
                page.document,
                page.page_index,
                matched.get((page.document_id, page.page_index), ()),
            )
            for mention in find_mentions(text, pages)
            for page in mention.pages
        ]
    )


def _clean(delta: str) -> str:
    """Without control characters, and without what turns the direction of text around."""
    return "".join(
        c
        for c in delta
        if c in "\n\t" or not (unicodedata.category(c) in ("Cc", "Cs") or c in BIDI_CONTROLS)
    )


BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
