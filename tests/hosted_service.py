"""The vendors' services on 127.0.0.1: they take what each vendor documents and nothing else.

A request with another path, header, field or value than the documentation has is refused, as are
more inputs than it allows. Vectors are drawn from a hash of the text, and are not of unit length.
"""

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import anyio
import numpy as np
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from app.server import open_socket
from tests.app.api.serving import ListeningServer

KEYS = {
    "OPENAI_API_KEY": "sk-openai-secret",
    "COHERE_API_KEY": "cohere-secret",
    "VOYAGE_API_KEY": "pa-voyage-secret",
    "MISTRAL_API_KEY": "mistral-secret",
    "GEMINI_API_KEY": "AIza-gemini-secret",
    "JINA_API_KEY": "jina_secret",
}

FULL_DIMS = {
    "text-embedding-3-large": 3072,
    "text-embedding-3-small": 1536,
    "embed-english-v3.0": 1024,
    "embed-multilingual-v3.0": 1024,
    "embed-v4.0": 1536,
    "voyage-3-large": 1024,
    "voyage-3": 1024,
    "voyage-code-3": 1024,
    "voyage-finance-2": 1024,
    "voyage-law-2": 1024,
    "voyage-multimodal-3": 1024,
    "mistral-embed": 1024,
    "gemini-embedding-001": 3072,
}

# Voyage AI's models without `output_dimension`.
OF_ONE_DIM = ("voyage-3", "voyage-finance-2", "voyage-law-2")


class Asked(NamedTuple):
    """One request, as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float


@dataclass
class Failure:
    """What is answered instead of vectors."""

    status: int
    content: Any = field(default_factory=lambda: {"message": "no"})
    headers: dict[str, str] = field(default_factory=dict)


class Wrong(Exception):
    """The request is none that the vendor documents."""


@dataclass
class HostedService:
    """What the services answer next, and what they were asked.

    Attributes:
        url: where all of them are.
        failures: answered first, one a request.
        spoil: changes an answer before it is sent.
        pause: where set, every request waits until the event is.
        asked: every request.
    """

    url: str = ""
    failures: list[Failure] = field(default_factory=list)
    spoil: Callable[[Any], Any] | None = None
    pause: threading.Event | None = None
    asked: list[Asked] = field(default_factory=list)

    def reset(self) -> None:
        """As at first."""
        vars(self).update(vars(HostedService(url=self.url)))


def draw_vector(text: str, purpose: str, dim: int) -> list[float]:
    """What any vendor answers to a text: another one for another purpose."""
    seed = int.from_bytes(hashlib.sha256(f"{purpose} {text}".encode()).digest()[:8], "big")
    return np.random.default_rng(seed).normal(size=dim).round(6).tolist()


def count_tokens(texts: list[str]) -> int:
    return sum(len(text.encode()) // 4 + 1 for text in texts)


def check(holds: bool, reason: str) -> None:
    if not holds:
        raise Wrong(reason)


def check_fields(body: dict[str, Any], required: set[str], optional: set[str] = frozenset()):
    check(required <= set(body) <= required | optional, f"fields are {sorted(body)}")


def check_texts(texts: Any, most: int) -> None:
    check(isinstance(texts, list) and 0 < len(texts) <= most, "a number of texts")
    check(all(isinstance(text, str) and text.strip() for text in texts), "an empty text")


def answer_openai_form(body: dict[str, Any], purpose: str, dim: int) -> dict[str, Any]:
    tokens = count_tokens(body["input"])
    return {
        "object": "list",
        # The order is told by the index.
        "data": [
            {"object": "embedding", "index": i, "embedding": draw_vector(text, purpose, dim)}
            for i, text in reversed(list(enumerate(body["input"])))
        ],
        "model": body["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def embed_openai(path: str, body: dict[str, Any]) -> Any:
    check_fields(body, {"model", "input"}, {"dimensions", "encoding_format", "user"})
    check_texts(body["input"], 2048)
    check(body.get("encoding_format", "float") == "float", "encoding_format")
    return answer_openai_form(body, "", body.get("dimensions", FULL_DIMS[body["model"]]))


def embed_mistral(path: str, body: dict[str, Any]) -> Any:
    check_fields(body, {"model", "input"}, {"encoding_format"})
    check_texts(body["input"], 256)
    check(count_tokens(body["input"]) <= 16_384, "tokens of a batch")
    return answer_openai_form(body, "", FULL_DIMS[body["model"]])


def embed_voyage(path: str, body: dict[str, Any]) -> Any:
    optional = {"input_type", "truncation", "output_dimension", "output_dtype", "encoding_format"}
    check_fields(body, {"model", "input"}, optional)
    check_texts(body["input"], 1000)
    check(body["input_type"] in ("query", "document"), "input_type")
    if "output_dimension" in body:
        check(body["model"] not in OF_ONE_DIM, "output_dimension is of newer models only")
        check(body["output_dimension"] in (256, 512, 1024, 2048), "output_dimension")
    dim = body.get("output_dimension", FULL_DIMS[body["model"]])
    answer = answer_openai_form(body, body["input_type"], dim)
    del answer["usage"]["prompt_tokens"]
    return answer


def embed_cohere(path: str, body: dict[str, Any]) -> Any:
    optional = {"texts", "images", "inputs", "max_tokens", "output_dimension", "truncate"}
    check_fields(body, {"model", "input_type", "embedding_types"}, optional)
    check(body["embedding_types"] == ["float"], "embedding_types")
    check(body.get("truncate", "END") in ("NONE", "START", "END"), "truncate")
    if "output_dimension" in body:
        check(body["model"] == "embed-v4.0", "output_dimension is of embed-v4 only")
        check(body["output_dimension"] in (256, 512, 1024, 1536), "output_dimension")
    dim = body.get("output_dimension", FULL_DIMS[body["model"]])
    if body["input_type"] == "image":
        check(len(body["images"]) == 1 and "texts" not in body, "one image a request")
        check(body["images"][0].startswith("data:image/jpeg;base64,"), "a data URL")
        contents, billed = body["images"], {"images": 1}
    else:
        check(body["input_type"] in ("search_query", "search_document"), "input_type")
        check_texts(body["texts"], 96)
        contents, billed = body["texts"], {"input_tokens": count_tokens(body["texts"])}
    rows = [draw_vector(each, body["input_type"], dim) for each in contents]
    return {
        "id": "5807ee2e",
        "embeddings": {"float": rows},
        "texts": body.get("texts", []),
        "meta": {"api_version": {"version": "2"}, "billed_units": billed},
    }


def embed_gemini(path: str, body: dict[str, Any]) -> Any:
    model = re.fullmatch(r"/v1beta/(models/[\w.-]+):batchEmbedContents", path).group(1)
    check_fields(body, {"requests"})
    check(0 < len(body["requests"]) <= 100, "at most 100 requests in one batch")
    rows = []
    for each in body["requests"]:
        check_fields(each, {"model", "content"}, {"taskType", "title", "outputDimensionality"})
        check(each["model"] == model, "model differs from the path's")
        check(each["taskType"] in ("RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT"), "taskType")
        (part,) = each["content"]["parts"]
        check_texts([part["text"]], 1)
        dim = each.get("outputDimensionality", FULL_DIMS[model.partition("/")[2]])
        rows.append({"values": draw_vector(part["text"], each["taskType"], dim)})
    return {"embeddings": rows}


def embed_voyage_multimodal(path: str, body: dict[str, Any]) -> Any:
    optional = {"input_type", "truncation", "output_encoding", "output_dimension"}
    check_fields(body, {"inputs", "model"}, optional)
    check(0 < len(body["inputs"]) <= 1000, "a number of inputs")
    check(body["input_type"] in ("query", "document"), "input_type")
    data, n_texts, n_photos = [], 0, 0
    for i, each in enumerate(body["inputs"]):
        check_fields(each, {"content"})
        (piece,) = each["content"]
        check_fields(piece, {"type", piece["type"]})
        if piece["type"] == "image_base64":
            check(piece["image_base64"].startswith("data:image/jpeg;base64,"), "a data URL")
            n_photos += 1
        else:
            check(piece["type"] == "text", "type")
            n_texts += 1
        row = draw_vector(piece[piece["type"]], body["input_type"], FULL_DIMS[body["model"]])
        data.append({"object": "embedding", "index": i, "embedding": row})
    usage = {"text_tokens": 5 * n_texts, "image_pixels": 560_000 * n_photos}
    usage["total_tokens"] = usage["text_tokens"] + usage["image_pixels"] // 560
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def rank(body: dict[str, Any]) -> list[dict[str, Any]]:
    """By how many words of the query a document holds; best first, as all vendors answer."""
    words = set(body["query"].lower().split())
    scores = [
        (len(words & set(text.lower().split())) + 0.5) / (len(words) + 1)
        for text in body["documents"]
    ]
    best_first = sorted(range(len(scores)), key=lambda i: -scores[i])
    return [{"index": i, "relevance_score": scores[i]} for i in best_first]


def rerank_cohere(path: str, body: dict[str, Any]) -> Any:
    check_fields(body, {"model", "query", "documents"}, {"top_n", "max_tokens_per_doc"})
    check_texts([body["query"], *body["documents"]], 1001)
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
    return {"results": rank(body), "id": "07734bd2", "meta": meta}


def rerank_v1(path: str, body: dict[str, Any]) -> Any:
    """Jina's and Voyage's have the same path at their own addresses; the model tells them apart."""
    is_jina = body["model"].startswith("jina-reranker")
    optional = {"top_n"} if is_jina else {"top_k", "truncation"}
    check_fields(body, {"model", "query", "documents"}, optional | {"return_documents"})
    check(body["return_documents"] is False, "return_documents")
    check_texts([body["query"], *body["documents"]], 1001)
    usage = {"total_tokens": count_tokens(body["documents"])}
    if is_jina:
        return {"model": body["model"], "usage": usage, "results": rank(body)}
    return {"object": "list", "data": rank(body), "model": body["model"], "usage": usage}


class Route(NamedTuple):
    """What a vendor answers below a path, and where it wants which key."""

    path: str
    respond: Callable[[str, dict[str, Any]], Any]
    variable: str
    header: str = "authorization"


ROUTES = [
    Route("/openai/v1/embeddings", embed_openai, "OPENAI_API_KEY"),
    Route("/mistral/v1/embeddings", embed_mistral, "MISTRAL_API_KEY"),
    Route("/voyage/v1/embeddings", embed_voyage, "VOYAGE_API_KEY"),
    Route("/voyage/v1/multimodalembeddings", embed_voyage_multimodal, "VOYAGE_API_KEY"),
    Route("/cohere/v2/embed", embed_cohere, "COHERE_API_KEY"),
    Route("/cohere/v2/rerank", rerank_cohere, "COHERE_API_KEY"),
    Route("/jina/v1/rerank", rerank_v1, "JINA_API_KEY"),
    Route("/voyage/v1/rerank", rerank_v1, "VOYAGE_API_KEY"),
    Route("/gemini/v1beta/models/.*", embed_gemini, "GEMINI_API_KEY", "x-goog-api-key"),
]


def answer(asked: Asked) -> Any:
    """What the vendor of a path answers.

    Raises:
        Wrong: the request is none that it documents.
    """
    for route in ROUTES:
        if re.fullmatch(route.path, asked.path):
            prefix = "Bearer " if route.header == "authorization" else ""
            key = prefix + KEYS[route.variable]
            check(asked.headers.get(route.header) == key, f"header {route.header}")
            check(asked.headers["content-type"] == "application/json", "content-type")
            return route.respond("/" + asked.path.split("/", 2)[2], asked.body)
    raise Wrong(f"no such path: {asked.path}")


def build_app(service: HostedService) -> FastAPI:
    app = FastAPI()

    @app.post("/{path:path}")
    async def respond(path: str, request: Request) -> Response:
        asked = Asked(f"/{path}", dict(request.headers), await request.json(), time.monotonic())
        service.asked.append(asked)
        while service.pause is not None and not service.pause.is_set():
            await anyio.sleep(0.02)
        if service.failures:
            failure = service.failures.pop(0)
            if isinstance(failure.content, str):
                return Response(failure.content, failure.status, failure.headers)
            return JSONResponse(failure.content, failure.status, failure.headers)
        try:
            answered = answer(asked)
        except Wrong as wrong:
            return JSONResponse({"message": f"not as documented: {wrong}"}, 400)
        return JSONResponse(service.spoil(answered) if service.spoil else answered)

    return app


@contextmanager
def serve_vendors() -> Iterator[HostedService]:
    """All services on a free port, until it is left; a vendor's begins with its name."""
    service = HostedService()
    with open_socket("127.0.0.1", 0) as listener:
        config = uvicorn.Config(
            build_app(service), log_level="error", timeout_graceful_shutdown=1, lifespan="off"
        )
        server = ListeningServer(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert server.listens.wait(60)
            service.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            yield service
        finally:
            server.should_exit = True
            thread.join()
