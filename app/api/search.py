"""`/search`: by a question, like a page or a region of it, like a picture."""

from __future__ import annotations

from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from app.answer_output import answer_json
from app.api.bodies import MAX_JSON_BYTES, AnswerBody, PageFilters, SearchBody, SearchFilters
from app.api.requests import LibraryDependency, SearchTurnsDependency
from app.api.uploads import ReceivedFile, describe_form, receive_form
from app.filters import build_filter
from app.library import Library
from retrieval.errors import InvalidRequest
from retrieval.index.base import PageFilter
from retrieval.records import Answer, Box
from retrieval.search import Mode

router = APIRouter(prefix="/search", tags=["search"])


@router.post(
    "",
    response_model=AnswerBody,
    response_model_exclude_unset=True,
    max_body_size=MAX_JSON_BYTES,
)
async def search(
    body: SearchBody, library: LibraryDependency, turns: SearchTurnsDependency
) -> dict[str, Any]:
    """The best pages and photos for a question, or those most like a page of the library."""
    return await to_thread.run_sync(_search, library, body, limiter=turns)


def _search(library: Library, body: SearchBody) -> dict[str, Any]:
    where = read_filter(library, body)
    if body.like is not None:
        like = body.like
        region = None if like.region is None else Box(*like.region)
        answer = library.search_like(like.document_id, like.page - 1, body.limit, region, where)
    else:
        assert body.question is not None, "one of the two is given"
        answer = library.search(
            body.question,
            body.limit,
            page_filter=where,
            mode=Mode(body.mode),
            exact=body.exact,
        )
    return _show_answer(library, answer, body)


@router.post(
    "/image",
    response_model=AnswerBody,
    response_model_exclude_unset=True,
    openapi_extra=describe_form("picture", many=False),
)
async def search_with_picture(
    request: Request,
    filters: Annotated[SearchFilters, Query()],
    library: LibraryDependency,
    turns: SearchTurnsDependency,
) -> dict[str, Any]:
    """The pages and photos most like an uploaded picture: a screenshot, a photo, a crop."""
    folder = await run_in_threadpool(lambda: library.upload_folder)
    async with receive_form(request, folder) as form:
        if len(form.files) != 1 or form.fields:
            raise InvalidRequest("the form holds one picture and nothing else")
        return await to_thread.run_sync(
            _search_picture, library, form.files[0], filters, limiter=turns
        )


def _search_picture(library: Library, picture: ReceivedFile, filters: SearchFilters) -> Any:
    where = read_filter(library, filters)
    answer = library.search_picture(picture.path, filters.limit, where, name=picture.name)
    return _show_answer(library, answer, filters)


def read_filter(library: Library, filters: PageFilters) -> PageFilter:
    """The filter that a request comes to in this library."""
    return build_filter(
        library,
        documents=filters.documents,
        kind=filters.kind,
        tags=filters.tags,
        pages=(filters.first_page, filters.last_page),
        added=(filters.added_from, filters.added_until),
    )


def _show_answer(library: Library, answer: Answer, filters: SearchFilters) -> dict[str, Any]:
    around = [library.read_around(hit) for hit in answer.hits] if filters.context else None
    return answer_json(answer, around, grouped=filters.group, with_words=filters.words)
