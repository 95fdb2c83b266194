"""One search of the command line, asked of the library or of the server that holds it.

Both give the answer in the one shape of the REST API, which is that of `pagelens search --json`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from app.answer_output import answer_json
from app.api.bodies import MAX_HITS, AnswerBody, LikeBody, SearchBody, SearchFilters
from app.client import PagelensClient
from app.filters import build_filter
from retrieval.errors import InvalidRequest
from retrieval.index.base import PageFilter
from retrieval.records import Answer, Box
from retrieval.search import Mode

if TYPE_CHECKING:
    from app.library import Library


@dataclass(frozen=True, slots=True)
class Like:
    """A page of the library that others shall be like.

    Attributes:
        document: its name, id, or beginning of an id.
        page: 1-based.
        region: a part of it; None for all.
    """

    document: str
    page: int
    region: Box | None


# A question, a picture, a page.
Asked = str | Path | Like


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many hits are wanted, among what, and what is told of them.

    Attributes:
        documents: names, ids or beginnings of ids; none for all.
        pages: first and last page number, 1-based; None where it is open.
        added: first and last day; None where it is open.
        mode: for a question, as is `exact`.
        with_words: whether each box is given with the word of the question that it answers.
    """

    limit: int
    documents: tuple[str, ...]
    tags: tuple[str, ...]
    kind: Literal["page", "photo", "sound"] | None
    pages: tuple[int | None, int | None]
    added: tuple[date | None, date | None]
    mode: Literal["hybrid", "visual", "text"]
    exact: bool
    grouped: bool
    with_context: bool
    with_words: bool


def ask(opened: Library | PagelensClient, asked: Asked, wanted: Wanted) -> AnswerBody:
    """The answer of an open library, or of the server that holds it.

    Raises:
        UnknownDocument, AmbiguousDocument: none, or more than one, answers to a name.
        InvalidRequest: a server takes no such search.
    """
    if isinstance(opened, PagelensClient):
        return ask_server(opened, asked, wanted)
    return show_answer(
        opened, ask_library(opened, asked, wanted, read_filter(opened, wanted)), wanted
    )


def read_filter(library: Library, wanted: Wanted) -> PageFilter:
    """Which pages of a library are wanted.

    Raises:
        UnknownDocument, AmbiguousDocument: none, or more than one, answers to a name.
    """
    return build_filter(
        library,
        documents=wanted.documents,
        kind=wanted.kind,
        tags=wanted.tags,
        pages=wanted.pages,
        added=wanted.added,
    )


def ask_library(library: Library, asked: Asked, wanted: Wanted, where: PageFilter) -> Answer:
    """The answer of an open library.

    Args:
        library: is asked.
        asked: what is looked for.
        wanted: how much of it.
        where: the filter that `wanted` comes to in this library.
    """
    if isinstance(asked, Path):
        return library.search_picture(asked, wanted.limit, where)
    if isinstance(asked, Like):
        document_id = library.find_document(asked.document).document_id
        return library.search_like(document_id, asked.page - 1, wanted.limit, asked.region, where)
    return library.search(
        asked, wanted.limit, page_filter=where, mode=Mode(wanted.mode), exact=wanted.exact
    )


def show_answer(library: Library, answer: Answer, wanted: Wanted) -> AnswerBody:
    """An answer of an open library in the shape in which a server gives it."""
    around = [library.read_around(hit) for hit in answer.hits] if wanted.with_context else None
    return AnswerBody.model_validate(
        answer_json(answer, around, grouped=wanted.grouped, with_words=wanted.with_words)
    )


def ask_server(client: PagelensClient, asked: Asked, wanted: Wanted) -> AnswerBody:
    """The answer of the server that holds the library.

    Raises:
        InvalidRequest: a server takes no such search.
    """
    if wanted.limit > MAX_HITS:
        raise InvalidRequest(
            f"--top-k {wanted.limit:,}: the server that holds the library shows {MAX_HITS} at most"
        )
    filters: dict[str, Any] = {
        "limit": wanted.limit,
        "documents": wanted.documents,
        "tags": wanted.tags,
        "kind": wanted.kind,
        "first_page": wanted.pages[0],
        "last_page": wanted.pages[1],
        "added_from": wanted.added[0],
        "added_until": wanted.added[1],
        "group": wanted.grouped,
        "context": wanted.with_context,
        "words": wanted.with_words,
    }
    given = {name: value for name, value in filters.items() if value is not None}
    try:
        if isinstance(asked, Path):
            return client.search_picture(asked, SearchFilters(**given))
        if isinstance(asked, Like):
            document_id = client.find_document(asked.document).document_id
            like = LikeBody(document_id=document_id, page=asked.page, region=asked.region)
            return client.search(SearchBody(like=like, **given))
        body = SearchBody(question=asked, mode=wanted.mode, exact=wanted.exact, **given)
        return client.search(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InvalidRequest(
            f"the server that holds the library takes no such search: {place}: {first['msg']}"
        ) from error
