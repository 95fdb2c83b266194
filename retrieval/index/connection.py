"""Connects to a Qdrant server: by gRPC where it speaks it, else by REST."""

from __future__ import annotations

import math
from urllib.parse import urlsplit

import grpc
from qdrant_client import QdrantClient

from retrieval.errors import IndexServerFailed
from retrieval.index.base import VectorStorage
from retrieval.index.retries import DEFAULT_RETRIES, FAILURES, Retries, describe_failure

REST_PORT = 6333
GRPC_PORT = 6334

# A server that is there says so sooner; one that is not shall not be waited for.
FIRST_ANSWER_S = 3

# The first releases that store vectors so. 1.19 is also the oldest that the client speaks with; it
# adds a named vector to a collection (1.18), which the first photo of a library needs.
SERVER_VERSIONS = {
    VectorStorage.FLOAT16: (1, 19),
    VectorStorage.TURBO4: (1, 19),
    VectorStorage.TURBO8: (1, 20),
}


def connect(
    url: str,
    api_key: str | None = None,
    timeout_s: float = 30.0,
    retries: Retries = DEFAULT_RETRIES,
) -> QdrantClient:
    """A client of the server at `url`, which has answered once.

    gRPC is used where the URL names port 6333 or none, and no path, and port 6334 of the same host
    answers as a Qdrant server; else REST, which does all the same, more slowly. `https://` encrypts
    both.

    Args:
        url: `http://` or `https://`, host, and optionally port and path.
        api_key: sent with every request; never part of a message.
        timeout_s: how long any one answer is waited for; rounded up to whole seconds.
        retries: of the first request.

    Raises:
        IndexServerFailed: no Qdrant server answers there.
    """
    first = _open(url, api_key, FIRST_ANSWER_S, prefer_grpc=False)
    try:
        retries.run(first.info)
    except FAILURES as error:
        reason = describe_failure(error)
        raise IndexServerFailed(f"no Qdrant server answers at {url}: {reason}") from error
    finally:
        first.close()
    by_grpc = _may_speak_grpc(url) and _speaks_grpc(url, api_key)
    return _open(url, api_key, math.ceil(timeout_s), prefer_grpc=by_grpc)


def check_version(version: str, storage: VectorStorage, place: str) -> None:
    """Refuses a server that cannot store vectors so.

    Asked for over gRPC, an older server would not refuse what it does not know, but store float32.

    Raises:
        IndexServerFailed: naming the version that is needed and the one that is there.
    """
    needed = SERVER_VERSIONS[storage]
    numbers = version.split("-")[0].split(".")[:2]
    if not all(number.isdecimal() for number in numbers):
        # A build without a release number.
        return
    if tuple(map(int, numbers)) < needed:
        raise IndexServerFailed(
            f"storing vectors as {storage.value} needs Qdrant {needed[0]}.{needed[1]} or newer, "
            f"{place} runs {version}"
        )


def _may_speak_grpc(url: str) -> bool:
    parts = urlsplit(url)
    # Behind another port or a path is a proxy: nothing says where it would pass gRPC on.
    return parts.port in (None, REST_PORT) and parts.path in ("", "/")


def _speaks_grpc(url: str, api_key: str | None) -> bool:
    client = _open(url, api_key, FIRST_ANSWER_S, prefer_grpc=True)
    try:
        client.info()
    except grpc.RpcError:
        return False
    finally:
        client.close()
    return True


def _open(url: str, api_key: str | None, timeout_s: int, *, prefer_grpc: bool) -> QdrantClient:
    return QdrantClient(
        url=url,
        grpc_port=GRPC_PORT,
        prefer_grpc=prefer_grpc,
        api_key=api_key,
        timeout=timeout_s,
        # `check_version` knows better what is needed.
        check_compatibility=False,
    )
