"""`/ask`: a question answered from the best pages, event by event."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterable, Iterator
from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.answer_events import show_event
from app.api.answer_bodies import ERROR_EVENT, EVENT_NAMES, AnswerEventBody, AskBody
from app.api.bodies import MAX_JSON_BYTES, ErrorBody
from app.api.errors import describe_error
from app.api.jobs import STREAM_ERRORS
from app.api.requests import AnswerTurnsDependency, LibraryDependency, SearchTurnsDependency
from app.api.search import read_filter
from retrieval.answering.base import Asked
from retrieval.answering.records import AnswerEvent
from retrieval.errors import PagelensError

router = APIRouter(prefix="/ask", tags=["ask"])


class RunningAnswer:
    """An answer on its way, which may be given up while a thread waits for its next event."""

    def __init__(self, asked: Asked, events: Iterator[AnswerEvent]) -> None:
        self._stop = asked.stop
        self._events = events
        self._lock = threading.Lock()
        self._is_given_up = False

    def read(self) -> AnswerEvent | None:
        """The next event; None where there is none.

        Raises:
            PagelensError: the answer failed.
        """
        with self._lock:
            return None if self._is_given_up else next(self._events, None)

    def give_up(self) -> None:
        """Ends the work; a thread that waits for an event is woken."""
        self._is_given_up = True
        self._stop.set()


async def find_pages(
    body: AskBody, library: LibraryDependency, turns: SearchTurnsDependency
) -> Asked:
    """The search behind an answer: a stream that has begun could say no more that it fails."""

    def find() -> Asked:
        return library.find_pages(body.question, read_filter(library, body))

    return await to_thread.run_sync(find, limiter=turns)


FoundPages = Annotated[Asked, Depends(find_pages)]


@router.post(
    "",
    response_class=EventSourceResponse,
    responses=STREAM_ERRORS,
    max_body_size=MAX_JSON_BYTES,
)
async def ask(
    asked: FoundPages,
    library: LibraryDependency,
    search_turns: SearchTurnsDependency,
    answer_turns: AnswerTurnsDependency,
) -> AsyncIterable[AnswerEventBody | ErrorBody]:
    """An answer from the best pages, as server-sent events.

    `pages` comes first (who answers, from which pages), then `quote` (word for word) or `text` (the
    next piece of what a model writes), last `end` (whether the pages hold the answer, and which it
    rests on) or `error` (the one shape of errors). Whoever goes away ends the work.
    """
    # Quoting works on a core, as a search does; a model is waited for.
    waits = library.open_answerer().is_generated
    turns: CapacityLimiter = answer_turns if waits else search_turns
    answering = RunningAnswer(asked, library.answer(asked))
    try:
        while True:
            event = await to_thread.run_sync(answering.read, limiter=turns, abandon_on_cancel=True)
            if event is None:
                return
            shown = show_event(event)
            # What is named above is described; this is how it is sent, with its name.
            yield ServerSentEvent(data=shown, event=EVENT_NAMES[type(shown)])  # type: ignore[misc]
    except PagelensError as error:
        failed = ErrorBody(error=describe_error(error))
        yield ServerSentEvent(data=failed, event=ERROR_EVENT)  # type: ignore[misc]
    finally:
        answering.give_up()
