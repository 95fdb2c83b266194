"""What a library answers: a question, from its best pages, as quotes or by a model."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

from app.searching import Searching
from app.settings import Settings
from retrieval.answering.base import Answerer, Asked
from retrieval.answering.opening import AnswerOptions, choose_answerer, open_answerer
from retrieval.answering.records import AnswerEvent, FoundPage
from retrieval.encoders.opening import Choice
from retrieval.index.base import ALL_PAGES, PageFilter
from retrieval.records import Hit


class Answering(Searching):
    """What a library, which is one, answers."""

    def __init__(self, settings: Settings) -> None:
        """Chooses who answers, and loads nothing.

        Raises:
            InvalidSetting: an endpoint without the name of a model.
        """
        key = settings.answer_api_key
        self._answer_options = AnswerOptions(
            url=settings.answer_url,
            model=settings.answer_model,
            api_key=key.get_secret_value() if key else None,
            page_limit=settings.answer_pages,
            token_limit=settings.answer_tokens,
            timeout_s=settings.answer_timeout_s,
        )
        self.answerer_choice: Choice = choose_answerer(self._answer_options)
        self._answerer_lock = threading.Lock()
        self._answerer: Answerer | None = None

    @property
    def writes_answers(self) -> bool:
        """Whether a model writes the answers; else they are quotes. Loads nothing."""
        return self._answer_options.model is not None

    def open_answerer(self) -> Answerer:
        """Who answers, opened at the first call.

        Raises:
            PagelensError: a local model is unknown, or its weights cannot be had.
        """
        with self._answerer_lock:
            if self._answerer is None:
                self._answerer = open_answerer(
                    self._answer_options,
                    self.encoders.options(),
                    self.encoders.open_quote_reranker,
                )
            return self._answerer

    def ask(self, question: str, page_filter: PageFilter = ALL_PAGES) -> Iterator[AnswerEvent]:
        """Answers a question from the best pages, event by event; see `Answerer.answer`.

        Closing the iterator ends the work. Nothing that a page or a model says is run, followed or
        fetched.

        Args:
            question: what is asked.
            page_filter: which pages may be used.

        Raises:
            AnswerFailed: the model gives no answer.
            PagelensError: as `search`, and `open_answerer`.
        """
        return self.answer(self.find_pages(question, page_filter))

    def find_pages(self, question: str, page_filter: PageFilter = ALL_PAGES) -> Asked:
        """The first half of `ask`: the search, and what the answerer needs of the pages found."""
        answerer = self.open_answerer()
        answer = self.search(question, answerer.page_limit, page_filter=page_filter)
        # As for a search, the seconds that models take to load do not count.
        started = time.perf_counter() - answer.seconds
        pages = self._read_pages(answer.hits, with_pictures=answerer.wants_pictures)
        return Asked(question, pages, answer.is_good, started)

    def answer(self, asked: Asked) -> Iterator[AnswerEvent]:
        """The second half of `ask`: the answer, which may have to wait for a model."""
        return self.open_answerer().answer(asked)

    def _read_pages(self, hits: Sequence[Hit], *, with_pictures: bool) -> tuple[FoundPage, ...]:
        keys = [(hit.document_id, hit.page_index) for hit in hits]
        with self._spaces.reading() as space:
            words_of = space.index.fetch_words(keys)
        return tuple(
            FoundPage(
                hit.document_id,
                hit.document,
                hit.page_index,
                hit.kind,
                words,
                self.page_picture(*key) if with_pictures else None,
                hit.evidence,
            )
            for hit, key, words in zip(hits, keys, words_of, strict=True)
        )
