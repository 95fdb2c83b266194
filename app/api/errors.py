"""How an error looks in HTTP: its status, and one shape of JSON, made here alone."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.api.bodies import ErrorBody, ErrorDetail
from app.errors import printable
from retrieval.comparison_errors import InvalidVariant, UnknownComparison
from retrieval.errors import (
    AccessDenied,
    AmbiguousDocument,
    AnswerFailed,
    BackupNotWritten,
    DeviceOutOfMemory,
    DiskFull,
    FileRefused,
    ForeignRequest,
    IndexFailed,
    IngestStopped,
    InvalidQuestion,
    InvalidRequest,
    JobNotPossible,
    LibraryBusy,
    LibraryUnusable,
    MigrationNotPossible,
    NoQuestions,
    PagelensError,
    QuestionExists,
    ReadOnlyLibrary,
    TooManyUploads,
    UnknownDocument,
    UnknownEncoder,
    UnknownJob,
    UnknownQuestion,
    UploadTooLarge,
)
from retrieval.service_errors import ServiceFailed

# The first that an error is an instance of decides.
STATUS_OF_ERROR: dict[type[PagelensError], HTTPStatus] = {
    UnknownDocument: HTTPStatus.NOT_FOUND,
    UnknownJob: HTTPStatus.NOT_FOUND,
    UnknownQuestion: HTTPStatus.NOT_FOUND,
    UnknownComparison: HTTPStatus.NOT_FOUND,
    AmbiguousDocument: HTTPStatus.CONFLICT,
    QuestionExists: HTTPStatus.CONFLICT,
    JobNotPossible: HTTPStatus.CONFLICT,
    MigrationNotPossible: HTTPStatus.CONFLICT,
    NoQuestions: HTTPStatus.CONFLICT,
    InvalidQuestion: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidVariant: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownEncoder: HTTPStatus.UNPROCESSABLE_ENTITY,
    FileRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    UploadTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooManyUploads: HTTPStatus.TOO_MANY_REQUESTS,
    AccessDenied: HTTPStatus.UNAUTHORIZED,
    ForeignRequest: HTTPStatus.FORBIDDEN,
    ReadOnlyLibrary: HTTPStatus.FORBIDDEN,
    DiskFull: HTTPStatus.INSUFFICIENT_STORAGE,
    LibraryBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    LibraryUnusable: HTTPStatus.SERVICE_UNAVAILABLE,
    IndexFailed: HTTPStatus.SERVICE_UNAVAILABLE,
    IngestStopped: HTTPStatus.SERVICE_UNAVAILABLE,
    BackupNotWritten: HTTPStatus.SERVICE_UNAVAILABLE,
    AnswerFailed: HTTPStatus.BAD_GATEWAY,
    ServiceFailed: HTTPStatus.BAD_GATEWAY,
    DeviceOutOfMemory: HTTPStatus.SERVICE_UNAVAILABLE,
}

# Browsers show a window for the user and the password.
CHALLENGE = 'Basic realm="Pagelens", charset="UTF-8"'

# What a route may answer besides what it is for; for the OpenAPI description.
ERROR_RESPONSES: dict[int | str, dict[str, object]] = {
    status: {"model": ErrorBody} for status in ("4XX", "5XX")
}


def install_error_pages(app: FastAPI) -> None:
    """Makes an application answer every failure in the one shape."""
    app.add_exception_handler(PagelensError, _answer_pagelens_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid_request)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(Exception, _answer_bug)


def answer_error(error: PagelensError) -> JSONResponse:
    """The response that an error of Pagelens's own becomes."""
    status = next(
        (status for kind, status in STATUS_OF_ERROR.items() if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    headers = {}
    if isinstance(error, AccessDenied):
        headers["WWW-Authenticate"] = CHALLENGE
    if isinstance(error, TooManyUploads):
        headers["Retry-After"] = str(error.wait_s)
    return _answer(status, type(error).__name__, str(error), error.remedy, headers)


def describe_error(error: PagelensError) -> ErrorDetail:
    """What an error of Pagelens's own says, where there is no status to go with it."""
    return ErrorDetail(
        type=type(error).__name__, message=printable(str(error)), remedy=error.remedy
    )


def _answer(
    status: int, type_: str, message: str, remedy: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    detail = ErrorDetail(type=type_, message=printable(message), remedy=remedy)
    content = ErrorBody(error=detail).model_dump()
    return JSONResponse(content, status_code=status, headers=headers)


def _answer_pagelens_error(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, PagelensError)
    return answer_error(error)


def _answer_invalid_request(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, RequestValidationError)
    return answer_error(InvalidRequest("; ".join(map(_describe_problem, error.errors()))))


def _describe_problem(problem: dict[str, object]) -> str:
    place = problem["loc"]
    assert isinstance(place, tuple)
    # What was given is left out: it may be long, or secret.
    return f"{'.'.join(map(str, place))}: {problem['msg']}"


def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return answer_error(UploadTooLarge("the request is larger than this server takes"))
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return answer_error(InvalidRequest("the request cannot be read"))
    phrase = HTTPStatus(error.status_code).phrase
    message = f"{phrase}: {request.method} {request.url.path}"
    headers = dict(error.headers or {})
    return _answer(error.status_code, phrase.replace(" ", ""), message, "", headers)


def _answer_bug(request: Request, error: Exception) -> Response:  # noqa: ARG001
    # What went wrong stands in the log; it may name files of this machine.
    return _answer(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "InternalServerError",
        "the server failed; its log says why",
        "Report it, with what the log says.",
    )
