"""Asks a Qdrant server again where it may answer the next time; says in one line why it did not."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import grpc
from pydantic import ValidationError
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import (
    ApiException,
    ResponseHandlingException,
    UnexpectedResponse,
)

T = TypeVar("T")

# What the client raises; a ValueError for arguments, and for everything in its local mode.
FAILURES = (ApiException, QdrantException, grpc.RpcError, ValueError)

TOO_MANY_REQUESTS = 429
SERVER_ERRORS = range(500, 600)
PASSING_GRPC_CODES = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        # What a server answers over gRPC where it says 500 over HTTP.
        grpc.StatusCode.INTERNAL,
    }
)


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a request is made, and how long is waited between.

    Attributes:
        attempts: requests made at most, the first one included.
        base_delay_s: the wait after the first; each further one is twice as long. Between half of
            it and all of it is waited, by chance: clients that failed together come back apart.
        max_delay_s: no wait is longer, whatever the server asks for.
    """

    attempts: int = 4
    base_delay_s: float = 0.25
    max_delay_s: float = 5.0

    def run(self, request: Callable[[], T]) -> T:
        """What the request gives, made again where it failed in a way that may pass.

        The request must be one that can be carried out twice: an answer may be lost on its way.

        Raises:
            FAILURES: of the last attempt, or at once of one that would fail again.
        """
        for attempt in range(1, self.attempts):
            try:
                return request()
            except FAILURES as error:
                if not may_pass(error):
                    raise
                delay_s = self.base_delay_s * 2 ** (attempt - 1) * random.uniform(0.5, 1.0)
                if isinstance(error, ResourceExhaustedResponse):
                    delay_s = max(delay_s, error.retry_after_s)
                time.sleep(min(delay_s, self.max_delay_s))
        return request()


DEFAULT_RETRIES = Retries()


def may_pass(error: Exception) -> bool:
    """Whether the same request may succeed later: no connection, too late, 429, or 5xx."""
    if isinstance(error, ResourceExhaustedResponse):
        return True
    if isinstance(error, UnexpectedResponse):
        return error.status_code == TOO_MANY_REQUESTS or error.status_code in SERVER_ERRORS
    if isinstance(error, ResponseHandlingException):
        # Else it came, and was no answer of a Qdrant server.
        return not isinstance(error.source, ValidationError)
    return isinstance(error, grpc.RpcError) and error.code() in PASSING_GRPC_CODES


def describe_failure(error: Exception) -> str:
    """One line on what went wrong."""
    if isinstance(error, UnexpectedResponse):
        told = _read_status(error.content) or error.reason_phrase
        text = f"HTTP {error.status_code}: {told}"
    elif isinstance(error, grpc.RpcError):
        text = f"gRPC {error.code().name}: {error.details()}"
    elif isinstance(error, ResponseHandlingException):
        if isinstance(error.source, ValidationError):
            text = "what answers there is no Qdrant server"
        else:
            text = str(error.source) or type(error.source).__name__
    else:
        text = str(error) or type(error).__name__
    return " ".join(text.split())


def _read_status(content: bytes) -> str | None:
    """What a Qdrant server says about a request that it refused; None for another's answer."""
    try:
        return str(json.loads(content)["status"]["error"])
    except (ValueError, KeyError, TypeError):
        return None
