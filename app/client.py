"""A client of the REST API: hands files to a running server, asks it, and shows what it finds.

Loads no model and no index, so that it is quick to start.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from time import sleep
from types import TracebackType
from typing import Any, NoReturn, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from app.api.answer_bodies import (
    BODY_OF_EVENT,
    ERROR_EVENT,
    EVENT_NAMES,
    AnswerEndBody,
    AnswerEventBody,
    AskBody,
)
from app.api.bodies import (
    DOCUMENTS_HEADER,
    MAX_LISTED,
    PAGES_HEADER,
    AnswerBody,
    BackupBody,
    DeletedBody,
    DocumentBody,
    DocumentDetailBody,
    DocumentListBody,
    ErrorBody,
    ErrorDetail,
    JobBody,
    JobListBody,
    PageWordsBody,
    SearchBody,
    SearchFilters,
    StatusBody,
    TagCountBody,
    TagListBody,
)
from app.backup_file import write_new_file
from app.client_questions import QuestionClient
from app.migration_client import MigrationClient
from ingest.progress import OnProgress, Progress
from ingest.sources import name_origin
from retrieval import errors
from retrieval.errors import (
    AccessDenied,
    PagelensError,
    RequestFailed,
    ServerUnreachable,
    UnreadableFile,
)

# A search of a large library on a busy CPU, or what a server does before it takes an upload.
ANSWER_TIMEOUT_S = 120.0
CONNECT_TIMEOUT_S = 5.0

# How often an upload is tried where the server says that it takes no more for now.
UPLOAD_ATTEMPTS = 10

BYTES_PER_MB = 1_000_000

Body = TypeVar("Body", bound=BaseModel)


class PagelensClient(QuestionClient, MigrationClient):
    """Speaks to one server; use it as a context manager, or close it.

    Every method raises `ServerUnreachable` where no server answers, and what the server refuses
    as the error that it names: `UnknownDocument`, `AccessDenied`, `UploadTooLarge`, ...
    """

    def __init__(
        self,
        address: str,
        *,
        api_key: str | None = None,
        login: tuple[str, str] | None = None,
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        """Connects at the first request.

        Args:
            address: such as http://127.0.0.1:7860.
            api_key: the server's, where it has one.
            login: its user and password, where it has those.
            timeout_s: how long an answer is waited for.
        """
        self.address = address.rstrip("/")
        self._http = httpx.Client(
            base_url=f"{self.address}/api/v1",
            headers={} if api_key is None else {"Authorization": f"Bearer {api_key}"},
            auth=login,
            timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
            # The proxy of an environment does not reach a server on this machine.
            trust_env=False,
        )

    def __enter__(self) -> PagelensClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connections."""
        self._http.close()

    def upload(
        self, paths: Iterable[Path], *, tags: Iterable[str] = (), urgent: bool = False
    ) -> list[JobBody]:
        """Hands files over, one after the other; each becomes a job.

        A later upload of the same name replaces the document. Waits where the server takes no more
        for now.

        Raises:
            UnreadableFile: a file cannot be read; those before it are handed over.
        """
        labels = list(tags)
        return [self._upload(path, {"urgent": urgent}, labels) for path in paths]

    def upload_version(self, path: Path, *, tags: Iterable[str] = ()) -> JobBody:
        """Hands one file over; a later version of the same path replaces the document.

        Raises:
            UnreadableFile: it cannot be read.
        """
        return self._upload(path, {"origin": name_origin(path)}, list(tags))

    def _upload(self, path: Path, params: dict[str, str | bool], tags: list[str]) -> JobBody:
        for attempt in range(1, UPLOAD_ATTEMPTS + 1):
            response = self._post_file(
                "/documents", "files", path, params=params, data={"tags": tags}
            )
            is_too_much = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
            if not is_too_much or attempt == UPLOAD_ATTEMPTS:
                break
            sleep(int(response.headers.get("retry-after", "1")))
        (job,) = self._read(response, JobListBody).jobs
        return job

    def _post_file(
        self,
        route: str,
        field: str,
        path: Path,
        *,
        params: dict[str, Any],
        data: dict[str, list[str]] | None = None,
    ) -> httpx.Response:
        # A name that is not UTF-8 reaches Python as lone surrogates, which no request holds.
        name = os.fsencode(path.name).decode("utf-8", "replace")
        try:
            with path.open("rb") as file, _connection_errors(self.address):
                files = {field: (name, file, "application/octet-stream")}
                return self._http.post(route, params=params, data=data, files=files)
        except OSError as error:
            reason = error.strerror or error
            raise UnreadableFile(f"{path}: cannot be read: {reason}") from error

    def find_job(self, job_id: str) -> JobBody:
        """A job as it stands."""
        return self._ask("GET", f"/jobs/{job_id}", JobBody)

    def retry_failed(self) -> list[JobBody]:
        """Has every failed job begun again whose file is still there; those of them."""
        return self._ask("POST", "/jobs/retry", JobListBody).jobs

    def wait(self, job: JobBody, on_progress: Callable[[JobBody], None] | None = None) -> JobBody:
        """Waits until nothing more happens to a job.

        Args:
            job: as `upload` gave it.
            on_progress: is told the job whenever it has changed, the last time included.
        """
        for latest in self._follow(job):
            if on_progress is not None:
                on_progress(latest)
            job = latest
        if not job.state.is_final:
            raise ServerUnreachable(f"{self.address} went away before {job.name} was done")
        return job

    def _follow(self, job: JobBody) -> Iterator[JobBody]:
        with (
            _connection_errors(self.address),
            self._http.stream("GET", f"/jobs/{job.job_id}/events") as response,
        ):
            if response.is_error:
                response.read()
                self._refuse(response)
            for line in response.iter_lines():
                name, _, value = line.partition(":")
                # Others keep the connection open.
                if name == "data":
                    yield JobBody.model_validate_json(value)

    def search(self, search: SearchBody) -> AnswerBody:
        """The best pages and photos for a question, or those most like a page."""
        content = search.model_dump(mode="json", exclude_unset=True)
        return self._ask("POST", "/search", AnswerBody, json=content)

    def search_picture(self, path: Path, filters: SearchFilters) -> AnswerBody:
        """The pages and photos most like a picture: a screenshot, a photo, a crop.

        Raises:
            UnreadableFile: it cannot be read.
        """
        content = filters.model_dump(mode="json", exclude_unset=True)
        response = self._post_file("/search/image", "picture", path, params=content)
        return self._read(response, AnswerBody)

    def ask(self, question: AskBody) -> Iterator[AnswerEventBody]:
        """Answers a question from the best pages, event by event; closing the iterator ends it.

        Raises:
            AnswerFailed: the server's model gives no answer.
        """
        content = question.model_dump(mode="json", exclude_unset=True)
        with (
            _connection_errors(self.address),
            self._http.stream("POST", "/ask", json=content) as response,
        ):
            if response.is_error:
                response.read()
                self._refuse(response)
            name = ""
            for line in response.iter_lines():
                field, _, value = line.partition(":")
                if field == "event":
                    name = value.strip()
                elif field == "data" and name == ERROR_EVENT:
                    self._raise(self._parse(value, ErrorBody).error)
                elif field == "data" and name in BODY_OF_EVENT:
                    yield self._parse(value, BODY_OF_EVENT[name])
        if name != EVENT_NAMES[AnswerEndBody]:
            raise ServerUnreachable(f"{self.address} went away before the answer was whole")

    def list_documents(self) -> list[DocumentBody]:
        """The documents of the library, newest first."""
        documents: list[DocumentBody] = []
        while True:
            listed = self._ask(
                "GET",
                "/documents",
                DocumentListBody,
                params={"limit": MAX_LISTED, "offset": len(documents)},
            )
            documents += listed.documents
            if not listed.documents or len(documents) >= listed.total:
                return documents

    def find_document(self, name: str) -> DocumentBody:
        """The document of this name, id, or beginning of an id.

        Raises:
            UnknownDocument, AmbiguousDocument: none, or more than one, answers to it.
        """
        return self._ask("GET", "/documents", DocumentListBody, params={"name": name}).documents[0]

    def describe_document(self, document_id: str) -> DocumentDetailBody:
        """A document with what is known of each of its pages."""
        return self._ask("GET", f"/documents/{document_id}", DocumentDetailBody)

    def write_tags(self, document_id: str, tags: Iterable[str]) -> DocumentBody:
        """Gives a document these tags instead of those that it has."""
        content: dict[str, object] = {"tags": list(tags)}
        return self._ask("PUT", f"/documents/{document_id}/tags", DocumentBody, json=content)

    def list_tags(self) -> list[TagCountBody]:
        """Every tag of the library, the most frequent first."""
        return self._ask("GET", "/tags", TagListBody).tags

    def reindex(self, document_id: str) -> JobBody:
        """Has a document made anew from its original; it is not found until the job is done."""
        return self._ask("POST", f"/documents/{document_id}/reindex", JobBody)

    def delete(self, document_id: str) -> None:
        """Removes a document from the library."""
        self._ask("DELETE", f"/documents/{document_id}", DeletedBody)

    def show_evidence(self, document_id: str, page_number: int, question: str) -> bytes:
        """The picture of a page with what answers a question lit up, as a WebP file.

        Args:
            document_id: of the document.
            page_number: 1-based.
            question: what is looked for on the page.
        """
        with _connection_errors(self.address):
            response = self._http.get(
                f"/documents/{document_id}/pages/{page_number}/evidence",
                params={"question": question},
            )
        if response.is_error:
            self._refuse(response)
        return response.content

    def show_page(
        self, document_id: str, page_number: int, *, width_px: int | None = None
    ) -> bytes:
        """The picture of a page, as a WebP file.

        Args:
            document_id: of the document.
            page_number: 1-based.
            width_px: how wide it shall be at least, as far as the original has it; None for the
                picture that the library stores.
        """
        params = {} if width_px is None else {"width": width_px}
        with _connection_errors(self.address):
            response = self._http.get(
                f"/documents/{document_id}/pages/{page_number}/image", params=params
            )
        if response.is_error:
            self._refuse(response)
        return response.content

    def read_words(self, document_id: str, page_number: int) -> PageWordsBody:
        """The words of a page in reading order, with their boxes.

        Args:
            document_id: of the document.
            page_number: 1-based.
        """
        path = f"/documents/{document_id}/pages/{page_number}/words"
        return self._ask("GET", path, PageWordsBody)

    def read_status(self) -> StatusBody:
        """What the library holds."""
        return self._ask("GET", "/status", StatusBody)

    def backup(self, file: Path, on_progress: OnProgress) -> BackupBody:
        """Writes the library into one new file, as `pagelens backup` does.

        Args:
            file: is there whole, or not at all.
            on_progress: called as the file arrives; until it begins to, the server writes it.

        Raises:
            BackupNotWritten: there is such a file, or it cannot be written.
        """
        saved: list[BackupBody] = []

        def read(headers: httpx.Headers) -> None:
            content = {
                "documents": headers.get(DOCUMENTS_HEADER),
                "pages": headers.get(PAGES_HEADER),
                "bytes": headers.get("content-length"),
            }
            try:
                saved.append(BackupBody.model_validate(content))
            except ValidationError as error:
                raise self._not_pagelens() from error

        self._download("/backup", file, on_progress, read)
        return saved[0]

    def _download(
        self,
        path: str,
        file: Path,
        on_progress: OnProgress,
        read_headers: Callable[[httpx.Headers], None] = lambda headers: None,  # noqa: ARG005
    ) -> None:
        """Writes what a route sends into a new file.

        Raises:
            BackupNotWritten: there is such a file, or it cannot be written.
        """
        with (
            write_new_file(file) as writing,
            _connection_errors(self.address),
            # However large the library is; a server that ends lets the connection go.
            self._http.stream(
                "GET", path, timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S)
            ) as response,
        ):
            if response.is_error:
                response.read()
                self._refuse(response)
            read_headers(response.headers)
            total_mb = int(response.headers.get("content-length", "0")) // BYTES_PER_MB
            for chunk in response.iter_bytes():
                writing.write(chunk)
                arrived_mb = response.num_bytes_downloaded // BYTES_PER_MB
                on_progress(Progress("receiving", arrived_mb, total_mb, ""))

    def _ask(
        self,
        method: str,
        path: str,
        body: type[Body],
        *,
        params: dict[str, int | str] | None = None,
        json: dict[str, object] | None = None,
    ) -> Body:
        with _connection_errors(self.address):
            response = self._http.request(method, path, params=params, json=json)
        return self._read(response, body)

    def _read(self, response: httpx.Response, body: type[Body]) -> Body:
        if response.is_error:
            self._refuse(response)
        return self._parse(response.content, body)

    def _parse(self, content: str | bytes, body: type[Body]) -> Body:
        try:
            return body.model_validate_json(content)
        except ValidationError as error:
            raise self._not_pagelens() from error

    def _not_pagelens(self) -> ServerUnreachable:
        return ServerUnreachable(f"{self.address} does not answer as Pagelens does")

    def _refuse(self, response: httpx.Response) -> NoReturn:
        try:
            detail = ErrorBody.model_validate_json(response.content).error
        except ValidationError as error:
            raise ServerUnreachable(
                f"{self.address} answers with status {response.status_code}, not as Pagelens does"
            ) from error
        self._raise(detail)

    def _raise(self, detail: ErrorDetail) -> NoReturn:
        kind = getattr(errors, detail.type, None)
        if kind is AccessDenied:
            # Whoever meant to open a library may not know that a server holds it.
            raise AccessDenied(f"{self.address}: {detail.message}")
        if isinstance(kind, type) and issubclass(kind, PagelensError):
            raise kind(detail.message)
        raise RequestFailed(f"{self.address}: {detail.message}")


@contextmanager
def _connection_errors(address: str) -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as error:
        raise ServerUnreachable(f"{address} does not answer in time") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServerUnreachable(f"{address} cannot be reached: {error}") from error
