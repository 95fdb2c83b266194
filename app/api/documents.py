"""`/documents`: upload, list, tag, make anew, download, look at pages, delete."""

from __future__ import annotations

from hashlib import sha256
from http import HTTPStatus
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import FileResponse, Response
from pydantic import Field, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from app.answer_output import draw_page_evidence
from app.api.bodies import (
    MAX_TAGS,
    DeletedBody,
    DocumentBody,
    DocumentDetailBody,
    DocumentListBody,
    DocumentName,
    JobBody,
    JobListBody,
    PageBody,
    PageWordsBody,
    QuestionText,
    Tag,
    TagsBody,
)
from app.api.jobs import show_job
from app.api.requests import (
    KnownDocument,
    LibraryDependency,
    Limit,
    Offset,
    PageNumber,
    RenderingTurnsDependency,
    SearchTurnsDependency,
)
from app.api.uploads import ReceivedForm, describe_form, keep_file, receive_form
from app.cataloguing import DocumentOrder, DocumentQuery
from app.library import Library
from ingest.jobs import Job
from ingest.sharp_pages import MAX_WIDTH_PX, MIN_WIDTH_PX
from retrieval.errors import InvalidRequest
from retrieval.records import Kind

WEBP = "image/webp"

# A document's id is that of its bytes, so what a page shows does not change; how it is rendered
# may, with a release. No other person's browser, and no proxy, keeps it.
KEEP_PICTURE = "private, max-age=86400, immutable"

# A path on the machine that sends the file, say.
MAX_ORIGIN_CHARACTERS = 4096

Question = Annotated[
    QuestionText,
    Query(description="what the page was found by", examples=["net sales in 2021"]),
]
TAGS: TypeAdapter[list[str]] = TypeAdapter(Annotated[list[Tag], Field(max_length=MAX_TAGS)])

PICTURE_RESPONSES: dict[int | str, dict[str, object]] = {
    200: {"content": {WEBP: {"schema": {"type": "string", "format": "binary"}}}}
}
SHOWN_RESPONSES = PICTURE_RESPONSES | {304: {"description": "the browser has it already"}}
FILE_RESPONSES: dict[int | str, dict[str, object]] = {
    200: {
        "description": "the file as it was added, to be saved rather than shown",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}

router = APIRouter(prefix="/documents", tags=["documents"])


@router.post(
    "",
    status_code=HTTPStatus.ACCEPTED,
    openapi_extra=describe_form("files", many=True),
)
async def upload_documents(
    request: Request,
    library: LibraryDependency,
    urgent: Annotated[bool, Query(description="before what was not urgent")] = False,
    origin: Annotated[
        str | None,
        Query(
            description="which file this is, where names alone do not tell: a later upload of one "
            "file with the same origin replaces it",
            examples=["/scans/2024/report.pdf"],
            min_length=1,
            max_length=MAX_ORIGIN_CHARACTERS,
            pattern=r"^[^\x00]*$",
        ),
    ] = None,
) -> JobListBody:
    """Takes files; each becomes a job, whose state says what becomes of the file."""
    folder = await run_in_threadpool(lambda: library.upload_folder)
    async with receive_form(request, folder) as form:
        tags = _read_tags(form)
        if not form.files:
            raise InvalidRequest("the form has no file")
        if origin is not None and len(form.files) > 1:
            raise InvalidRequest("an origin is that of one file")
        jobs = await run_in_threadpool(
            _submit_files, library, form, tags, urgent=urgent, origin=origin
        )
    return JobListBody(jobs=await run_in_threadpool(_show_jobs, library, jobs), total=len(jobs))


def _show_jobs(library: Library, jobs: list[Job]) -> list[JobBody]:
    return [show_job(library, job) for job in jobs]


def _read_tags(form: ReceivedForm) -> list[str]:
    unknown = form.fields.keys() - {"tags"}
    if unknown:
        raise InvalidRequest(f"the form has fields that are not known: {', '.join(unknown)}")
    try:
        return TAGS.validate_python(form.fields.get("tags", []))
    except ValidationError as error:
        raise InvalidRequest(f"tags: {error.errors()[0]['msg']}") from error


def _submit_files(
    library: Library,
    form: ReceivedForm,
    tags: list[str],
    *,
    urgent: bool,
    origin: str | None,
) -> list[Job]:
    jobs = []
    for file in form.files:
        path = keep_file(file, library.upload_folder)
        try:
            job = library.jobs.submit(
                path,
                name=file.name,
                tags=tags,
                is_urgent=urgent,
                is_upload=True,
                origin=origin,
            )
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        jobs.append(job)
    return jobs


@router.get("")
def list_documents(
    library: LibraryDependency,
    limit: Limit = 100,
    offset: Offset = 0,
    name: Annotated[
        DocumentName | None,
        Query(description="the one of this name, id, or beginning of an id; not found if none is"),
    ] = None,
    contains: Annotated[
        DocumentName | None, Query(description="stands in the name, in capitals or not")
    ] = None,
    kind: Annotated[
        Kind | None, Query(description="pages, photos or sounds; all by default")
    ] = None,
    tag: Annotated[Tag | None, Query(description="the document bears it")] = None,
    sort: Annotated[DocumentOrder, Query(description="what they are sorted by")] = (
        DocumentOrder.ADDED
    ),
    descending: Annotated[
        bool | None,
        Query(description="by default for what is newest or largest, not for names"),
    ] = None,
) -> DocumentListBody:
    """The documents that can be searched, newest first by default. All that is given must hold."""
    query = DocumentQuery(contains, kind, tag, sort, descending)
    if name is None:
        documents = library.list_documents(query)
    else:
        documents = [found for found in [library.find_document(name)] if query.admits(found)]
    return DocumentListBody(
        documents=[DocumentBody.model_validate(d) for d in documents[offset : offset + limit]],
        total=len(documents),
    )


@router.get("/{document_id}")
def describe_document(document: KnownDocument, library: LibraryDependency) -> DocumentDetailBody:
    """A document, and what is known of each of its pages."""
    pages = [
        PageBody(
            page=page.page_index + 1,
            text_source=page.text_source.value,
            vectors=page.n_vectors,
            error=page.error,
        )
        for page in library.list_pages(document.document_id)
    ]
    described = DocumentBody.model_validate(document)
    return DocumentDetailBody(**described.model_dump(), page_details=pages)


@router.delete("/{document_id}")
def delete_document(document: KnownDocument, library: LibraryDependency) -> DeletedBody:
    """Removes a document with its original, its pages and their vectors."""
    library.delete(document.document_id)
    return DeletedBody(deleted=[document.document_id])


@router.put("/{document_id}/tags")
def write_tags(document: KnownDocument, body: TagsBody, library: LibraryDependency) -> DocumentBody:
    """Gives a document these tags instead of those that it has."""
    return DocumentBody.model_validate(library.write_tags(document.document_id, body.tags))


@router.post("/{document_id}/reindex", status_code=HTTPStatus.ACCEPTED)
def reindex_document(document: KnownDocument, library: LibraryDependency) -> JobBody:
    """Makes a document anew from its original; it is not found until this job is done."""
    return show_job(library, library.reindex(document.document_id))


@router.get("/{document_id}/original", response_class=FileResponse, responses=FILE_RESPONSES)
def download_original(document: KnownDocument, library: LibraryDependency) -> FileResponse:
    """The file as it was added, to be saved rather than shown."""
    return FileResponse(
        library.find_original(document.document_id),
        # Read from the content when it was added; its name may claim another.
        media_type=document.media_type.value,
        filename=document.name,
        content_disposition_type="attachment",
    )


@router.get(
    "/{document_id}/pages/{page_number}/image",
    response_class=Response,
    responses=SHOWN_RESPONSES,
)
async def show_page(
    document: KnownDocument,
    page_number: PageNumber,
    library: LibraryDependency,
    turns: RenderingTurnsDependency,
    width: Annotated[
        int | None,
        Query(
            ge=MIN_WIDTH_PX,
            le=MAX_WIDTH_PX,
            description="in pixels, rounded up to a step; one that the stored picture lacks is "
            "rendered from the original, as far as that has it",
        ),
    ] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """The picture of a page: as it is stored, smaller, or sharper."""
    page = (document.document_id, page_number - 1)
    if width is None:
        content = await to_thread.run_sync(lambda: library.find_preview(*page).read_bytes())
    elif (shrunk := await to_thread.run_sync(library.shrink_page, *page, width)) is not None:
        content = shrunk
    else:
        content = await to_thread.run_sync(library.render_page, *page, width, limiter=turns)
    headers = {"ETag": f'"{sha256(content).hexdigest()[:32]}"', "Cache-Control": KEEP_PICTURE}
    if if_none_match is not None and headers["ETag"] in if_none_match:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(content, media_type=WEBP, headers=headers)


@router.get("/{document_id}/pages/{page_number}/words")
def read_words(
    document: KnownDocument, page_number: PageNumber, library: LibraryDependency
) -> PageWordsBody:
    """What a page says, word by word in reading order, and where on the page each word is."""
    words = library.read_words(document.document_id, page_number - 1)
    sources = library.list_text_sources(document.document_id)
    return PageWordsBody.model_validate(
        {"text_source": sources[page_number - 1], "words": words}, from_attributes=True
    )


@router.get(
    "/{document_id}/pages/{page_number}/evidence",
    response_class=Response,
    responses=PICTURE_RESPONSES,
)
async def show_evidence(
    document: KnownDocument,
    page_number: PageNumber,
    question: Question,
    library: LibraryDependency,
    turns: SearchTurnsDependency,
) -> Response:
    """The picture of a page with what answers a question lit up."""
    content = await to_thread.run_sync(
        draw_page_evidence, library, document.document_id, page_number, question, limiter=turns
    )
    return Response(content, media_type=WEBP)
