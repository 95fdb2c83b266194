"""What the routes have in common: the library, and ids that are checked before anything is done."""

from __future__ import annotations

import os
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Path, Query, Request

from app.api.bodies import EXAMPLE_ID, EXAMPLE_JOB_ID, MAX_LISTED, MAX_PAGE_NUMBER
from app.library import Library
from ingest.documents import Document
from retrieval.errors import UnknownDocument

# Answers that models write at the same time.
ANSWERS_AT_ONCE = 16


async def get_library(request: Request) -> Library:
    """The library that the application serves."""
    library: Library = request.app.state.library
    return library


def make_search_turns() -> CapacityLimiter:
    """Turns in which searches go, as many at once as there are cores.

    More would only get in each other's way, and take every thread of the server: whoever uploads,
    follows a job or looks at a page would wait for them.
    """
    return CapacityLimiter(os.cpu_count() or 1)


async def get_search_turns(request: Request) -> CapacityLimiter:
    """The turns in which the application's searches go."""
    turns: CapacityLimiter = request.app.state.search_turns
    return turns


def make_rendering_turns() -> CapacityLimiter:
    """Turns in which pages are rendered: one at a time, as there is one process that does it.

    Others would take threads of the server only to wait.
    """
    return CapacityLimiter(1)


async def get_rendering_turns(request: Request) -> CapacityLimiter:
    """The turns in which the application's pages are rendered."""
    turns: CapacityLimiter = request.app.state.rendering_turns
    return turns


def make_answer_turns() -> CapacityLimiter:
    """Turns in which models are waited for: they take a thread each, and little else."""
    return CapacityLimiter(ANSWERS_AT_ONCE)


async def get_answer_turns(request: Request) -> CapacityLimiter:
    """The turns in which the application waits for models that write answers."""
    turns: CapacityLimiter = request.app.state.answer_turns
    return turns


LibraryDependency = Annotated[Library, Depends(get_library)]
SearchTurnsDependency = Annotated[CapacityLimiter, Depends(get_search_turns)]
RenderingTurnsDependency = Annotated[CapacityLimiter, Depends(get_rendering_turns)]
AnswerTurnsDependency = Annotated[CapacityLimiter, Depends(get_answer_turns)]
DocumentId = Annotated[
    str,
    Path(
        pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file's bytes", examples=[EXAMPLE_ID]
    ),
]


def find_document(document_id: DocumentId, library: LibraryDependency) -> Document:
    """The document that a path names by its id; a name that looks like one is none here."""
    document = library.find_document(document_id)
    if document.document_id != document_id:
        raise UnknownDocument(f"no document has the id {document_id}")
    return document


KnownDocument = Annotated[Document, Depends(find_document)]
JobId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=[EXAMPLE_JOB_ID])]
PageNumber = Annotated[int, Path(ge=1, le=MAX_PAGE_NUMBER, description="1-based")]
Limit = Annotated[int, Query(ge=1, le=MAX_LISTED, description="most entries to return")]
Offset = Annotated[int, Query(ge=0, le=2**31, description="entries to pass over")]
