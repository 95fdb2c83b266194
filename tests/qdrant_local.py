"""A server on 127.0.0.1 that speaks Qdrant's REST API over qdrant-client's own local mode.

It stores and finds for real, in the memory of this process, so that several processes can work on
one index where no Qdrant can be installed. It is no Qdrant:

- local mode compares every point, in float32; datatypes, memory placement, payload indexes, strict
  mode, shards, replicas and limits of size mean nothing to it;
- requests are carried out one at a time, each whole before the next: nothing can be seen half
  written, where a real server may show it;
- there is no gRPC, no API key, no TLS, and only the routes that `retrieval.index` asks for.

What a real server does is tested on a live one, where there is one
(`tests/retrieval/test_index_contract.py`); what one in trouble answers, in `tests.qdrant_answers`.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from qdrant_client import QdrantClient, models
from qdrant_client.http import models as rest


@contextmanager
def serve_local_qdrant() -> Iterator[str]:
    """Serves an empty store until the block ends; gives its URL, which answers at once."""
    with (
        closing(QdrantClient(":memory:")) as store,
        # Listens from here on: who connects before the server runs, waits.
        socket.create_server(("127.0.0.1", 0), backlog=128) as listening,
    ):
        config = uvicorn.Config(build_app(store), log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def build_app(store: QdrantClient) -> FastAPI:
    """The routes of Qdrant's REST API that the index asks for, over a store in local mode."""
    app = FastAPI(openapi_url=None)
    # Local mode is not made for threads, and FastAPI answers on several.
    one_at_a_time = threading.Lock()

    def ask(method: Any, *arguments: Any, **options: Any) -> Response:
        with one_at_a_time:
            # While nothing else can change it: what is answered may be the store's own.
            return _answer(200, {"result": method(*arguments, **options), "status": "ok"})

    @app.exception_handler(ValueError)
    def refuse(request: Request, error: ValueError) -> Response:
        # Local mode tells by words alone what a server tells by a status.
        reason = str(error)
        status = 404 if reason.endswith("not found") else 400
        if reason.endswith("already exists"):
            status = 409
        return _answer(status, {"status": {"error": reason}})

    @app.exception_handler(RequestValidationError)
    def refuse_malformed(request: Request, error: RequestValidationError) -> Response:
        return _answer(400, {"status": {"error": f"Format error in JSON body: {error}"}})

    @app.get("/")
    def describe_server() -> Response:
        return Response(to_json(store.info()), media_type="application/json")

    collection = "/collections/{name}"

    @app.get(f"{collection}/exists")
    def find_collection(name: str) -> Response:
        return ask(lambda: {"exists": store.collection_exists(name)})

    @app.get(collection)
    def describe_collection(name: str) -> Response:
        return ask(store.get_collection, name)

    @app.put(collection)
    def create_collection(name: str, body: rest.CreateCollection) -> Response:
        return ask(
            store.create_collection,
            name,
            vectors_config=body.vectors,
            sparse_vectors_config=body.sparse_vectors,
            metadata=body.metadata,
        )

    @app.delete(collection)
    def delete_collection(name: str) -> Response:
        return ask(store.delete_collection, name)

    @app.put(f"{collection}/index")
    def create_payload_index(name: str, body: rest.CreateFieldIndex) -> Response:
        return ask(store.create_payload_index, name, body.field_name, body.field_schema)

    @app.put(f"{collection}/vectors/{{vector}}")
    def create_vector_name(name: str, vector: str, body: rest.VectorNameConfig) -> Response:
        return ask(store.create_vector_name, name, vector, body)

    @app.put(f"{collection}/points")
    def upsert(name: str, body: rest.PointsList) -> Response:
        return ask(store.upsert, name, body.points)

    @app.put(f"{collection}/points/vectors")
    def update_vectors(name: str, body: rest.UpdateVectors) -> Response:
        return ask(store.update_vectors, name, body.points)

    @app.post(f"{collection}/points/payload")
    def set_payload(name: str, body: rest.SetPayload) -> Response:
        return ask(store.set_payload, name, payload=body.payload, points=body.filter)

    @app.post(f"{collection}/points/delete")
    def delete(name: str, body: rest.FilterSelector) -> Response:
        return ask(store.delete, name, body.filter)

    @app.post(f"{collection}/points")
    def retrieve(name: str, body: rest.PointRequest) -> Response:
        return ask(
            store.retrieve,
            name,
            body.ids,
            with_payload=body.with_payload,
            with_vectors=body.with_vector,
        )

    @app.post(f"{collection}/points/scroll")
    def scroll(name: str, body: rest.ScrollRequest) -> Response:
        def read_batch() -> models.ScrollResult:
            points, next_offset = store.scroll(
                name,
                scroll_filter=body.filter,
                limit=body.limit,
                offset=body.offset,
                with_payload=body.with_payload,
                with_vectors=body.with_vector,
            )
            return rest.ScrollResult(points=points, next_page_offset=next_offset)

        return ask(read_batch)

    @app.post(f"{collection}/points/count")
    def count(name: str, body: rest.CountRequest) -> Response:
        return ask(store.count, name, body.filter, exact=body.exact)

    @app.post(f"{collection}/points/query")
    def query_points(name: str, body: rest.QueryRequest) -> Response:
        return ask(
            store.query_points,
            name,
            query=body.query,
            using=body.using,
            prefetch=body.prefetch,
            query_filter=body.filter,
            limit=body.limit,
            with_payload=body.with_payload,
            with_vectors=body.with_vector,
        )

    return app


def _answer(status: int, content: dict[str, Any]) -> Response:
    return Response(to_json({**content, "time": 0.0}), status, media_type="application/json")
