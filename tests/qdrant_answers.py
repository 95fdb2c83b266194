"""Servers on this machine that answer as a Qdrant server in trouble, or keep what is asked.

They are no Qdrant: nothing is stored or found. What a server does with a request is tested on a
live one, where there is one (`tests/retrieval/test_index_contract.py`).
"""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from qdrant_client import grpc as messages
from qdrant_client import models
from qdrant_client.conversions.conversion import RestToGrpc

from retrieval.index.base import IndexLayout

# How long the end of a test waits for the server's, at most.
SHUTDOWN_POLL_S = 0.02

DONE = {"operation_id": 0, "status": "completed"}


@dataclass
class Answers:
    """What a server answers, and what it was asked.

    Attributes:
        url: where it listens.
        failures: HTTP statuses of its first answers; then it answers well.
        results: by "METHOD path"; what is not here is done.
        headers: sent with failures.
        asked: (method, path, body) in the order of the requests.
        body_bytes: the sizes of the bodies, as many.
    """

    url: str = ""
    failures: list[int] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    body_bytes: list[int] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [f"{method} {path}" for method, path, _ in self.asked]


@contextmanager
def serve_answers(answers: Answers) -> Iterator[Answers]:
    """Serves until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            path = self.path.split("?")[0]
            answers.asked.append((self.command, path, json.loads(body) if body else None))
            answers.body_bytes.append(len(body))
            status, headers = 200, {}
            if path == "/":
                content: Any = {"title": "qdrant", "version": "1.20.0"}
            else:
                content = {
                    "result": answers.results.get(f"{self.command} {path}", DONE),
                    "status": "ok",
                    "time": 0.0,
                }
            if answers.failures:
                status, headers = answers.failures.pop(0), answers.headers
                content = {"status": {"error": "not now"}, "time": 0.0}
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        do_GET = do_PUT = do_POST = answer

        def log_message(self, *arguments: Any) -> None:
            """Prints nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    answers.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(SHUTDOWN_POLL_S,))
    thread.start()
    try:
        yield answers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def describe_collection(
    answers: Answers, name: str, layout: IndexLayout, owner: str, *, exists: bool
) -> None:
    """Answers as a server that holds a collection of ours, or does from the next request on."""
    purpose = {
        "encoder": layout.encoder_key,
        "dim": layout.dim,
        "storage": layout.storage.value,
        "library": owner,
    }
    answers.results[f"GET /collections/{name}/exists"] = {"exists": exists}
    answers.results[f"PUT /collections/{name}"] = True
    answers.results[f"GET /collections/{name}"] = {
        "status": "green",
        "optimizer_status": "ok",
        "segments_count": 1,
        "payload_schema": {},
        "config": {
            "params": {"vectors": {"page": {"size": layout.dim, "distance": "Dot"}}},
            "hnsw_config": {"m": 0, "ef_construct": 4, "full_scan_threshold": 1},
            "optimizer_config": {
                "deleted_threshold": 0.2,
                "vacuum_min_vector_number": 1000,
                "default_segment_number": 0,
                "flush_interval_sec": 5,
            },
            "wal_config": {"wal_capacity_mb": 32, "wal_segments_ahead": 0},
            "metadata": {"pagelens": purpose},
        },
    }


@dataclass
class GrpcAnswers:
    """What a gRPC server answers, and what it was asked.

    Attributes:
        port: where it listens.
        failure: with what it refuses everything; None to answer.
        replies: by method; what is not here is done.
        asked: (method, message as it came) in the order of the calls.
    """

    port: int = 0
    failure: grpc.StatusCode | None = None
    replies: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, bytes]] = field(default_factory=list)

    def find(self, method: str, kind: type) -> Any:
        """The only message of a method, read as what it is."""
        (message,) = [message for asked, message in self.asked if asked == method]
        return kind.FromString(message)


@contextmanager
def serve_grpc(answers: GrpcAnswers) -> Iterator[GrpcAnswers]:
    """Serves until the block ends."""
    completed = messages.UpdateResult(status=messages.UpdateStatus.Completed)
    done = messages.PointsOperationResponse(result=completed)
    answers.replies["HealthCheck"] = messages.HealthCheckReply(title="qdrant", version="1.20.0")

    class Handler(grpc.GenericRpcHandler):
        def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
            method = details.method.rpartition("/")[2]

            def answer(message: bytes, context: grpc.ServicerContext) -> bytes:
                answers.asked.append((method, message))
                if answers.failure:
                    context.abort(answers.failure, "not now")
                return answers.replies.get(method, done).SerializeToString()

            return grpc.unary_unary_rpc_method_handler(answer)

    server = grpc.server(ThreadPoolExecutor(1), handlers=[Handler()])
    answers.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield answers
    finally:
        server.stop(None).wait()


def describe_grpc_collection(answers: GrpcAnswers, layout: IndexLayout, owner: str) -> None:
    """Answers as a server that holds an empty collection of ours from the next call on."""
    described = Answers()
    describe_collection(described, "any", layout, owner, exists=False)
    info = models.CollectionInfo(**described.results["GET /collections/any"])
    answers.replies["CollectionExists"] = messages.CollectionExistsResponse(
        result=messages.CollectionExists(exists=False)
    )
    answers.replies["Query"] = messages.QueryResponse()
    answers.replies["Create"] = messages.CollectionOperationResponse(result=True)
    answers.replies["Get"] = messages.GetCollectionInfoResponse(
        result=RestToGrpc.convert_collection_info(info)
    )
