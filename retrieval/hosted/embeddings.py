"""How each vendor is asked for the vectors of texts, and what it answers.

The fields and limits are those of the vendors' own documentation, read in 2026-11:

- OpenAI: developers.openai.com/api/reference/resources/embeddings
- Cohere: docs.cohere.com/reference/embed and docs.cohere.com/docs/rate-limits
- Voyage AI: docs.voyageai.com/reference/embeddings-api
- Mistral: docs.mistral.ai/api, Embeddings; the limits are those its service states in refusals
- Google: ai.google.dev/api/embeddings
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.hosted.connection import Post, Rate
from retrieval.hosted.services import COHERE, GEMINI, MISTRAL, OPENAI, VOYAGE, Service
from retrieval.text_encoders.base import TextFamily


@dataclass(frozen=True, slots=True)
class AskedTexts:
    """What one request is about.

    Attributes:
        model: the vendor's name of it.
        texts: what gets a vector each.
        purpose: the vendor's word for questions, or for documents; empty where it has none.
        dim: the length of the vectors; None for a model that has only one.
    """

    model: str
    texts: Sequence[str]
    purpose: str
    dim: int | None


@dataclass(frozen=True, slots=True)
class AnsweredVectors:
    """What came back.

    Attributes:
        rows: float32 `[n, dim]`, a vector a text or picture, in order; of any length.
        tokens: that the vendor counted; None where it does not say.
    """

    rows: NDArray[np.float32]
    tokens: int | None


@dataclass(frozen=True, slots=True)
class TextVendor:
    """One vendor's way.

    Attributes:
        service: who is asked.
        rate: how much it takes of a paying account.
        max_texts: most texts of one request.
        max_tokens: most tokens of one request, all texts together.
        build: makes the request.
        read: reads the answer's JSON.
        query_purpose: the vendor's word for questions; empty where it has none.
        document_purpose: its word for what is searched.
    """

    service: Service
    rate: Rate
    max_texts: int
    max_tokens: int
    build: Callable[[AskedTexts], Post]
    read: Callable[[Any], AnsweredVectors]
    query_purpose: str = ""
    document_purpose: str = ""


def build_cohere_body(asked: AskedTexts) -> dict[str, Any]:
    """The body for texts; multimodal models are asked for those of questions by it, too."""
    body: dict[str, Any] = {
        "model": asked.model,
        "texts": list(asked.texts),
        "input_type": asked.purpose,
        "embedding_types": ["float"],
        # What the bound of tokens let through is cut there rather than refused.
        "truncate": "END",
    }
    return body if asked.dim is None else {**body, "output_dimension": asked.dim}


def read_cohere(answer: Any) -> AnsweredVectors:
    """The answer of Cohere, to texts or pictures."""
    billed = (answer.get("meta") or {}).get("billed_units") or {}
    return AnsweredVectors(_build_rows(answer["embeddings"]["float"]), billed.get("input_tokens"))


def read_openai(answer: Any) -> AnsweredVectors:
    """An answer of OpenAI's form, which other vendors answer in, too."""
    in_order = sorted(answer["data"], key=lambda entry: entry["index"])
    rows = _build_rows([entry["embedding"] for entry in in_order])
    return AnsweredVectors(rows, (answer.get("usage") or {}).get("total_tokens"))


def _build_openai(asked: AskedTexts) -> Post:
    body = {"model": asked.model, "input": list(asked.texts), "encoding_format": "float"}
    return Post("/embeddings", body if asked.dim is None else {**body, "dimensions": asked.dim})


def _build_cohere(asked: AskedTexts) -> Post:
    return Post("/v2/embed", build_cohere_body(asked))


def _build_voyage(asked: AskedTexts) -> Post:
    body: dict[str, Any] = {
        "model": asked.model,
        "input": list(asked.texts),
        "input_type": asked.purpose,
        "truncation": True,
    }
    return Post(
        "/v1/embeddings", body if asked.dim is None else {**body, "output_dimension": asked.dim}
    )


def _build_mistral(asked: AskedTexts) -> Post:
    body: dict[str, Any] = {
        "model": asked.model,
        "input": list(asked.texts),
        "encoding_format": "float",
    }
    return Post(
        "/v1/embeddings", body if asked.dim is None else {**body, "output_dimension": asked.dim}
    )


def _build_gemini(asked: AskedTexts) -> Post:
    model = f"models/{asked.model}"
    shared: dict[str, Any] = {"model": model, "taskType": asked.purpose}
    if asked.dim is not None:
        shared["outputDimensionality"] = asked.dim
    requests = [{**shared, "content": {"parts": [{"text": text}]}} for text in asked.texts]
    return Post(f"/v1beta/{model}:batchEmbedContents", {"requests": requests})


def _read_gemini(answer: Any) -> AnsweredVectors:
    rows = _build_rows([embedding["values"] for embedding in answer["embeddings"]])
    return AnsweredVectors(rows, (answer.get("usageMetadata") or {}).get("promptTokenCount"))


def _build_rows(rows: list[list[float]]) -> NDArray[np.float32]:
    return np.asarray(rows, dtype=np.float32)


TEXT_VENDORS: dict[TextFamily, TextVendor] = {
    TextFamily.OPENAI: TextVendor(
        OPENAI,
        Rate(3_000),
        max_texts=2_048,
        max_tokens=300_000,
        build=_build_openai,
        read=read_openai,
    ),
    TextFamily.COHERE: TextVendor(
        COHERE,
        Rate(2_000, counts_inputs=True),
        max_texts=96,
        max_tokens=128_000,
        build=_build_cohere,
        read=read_cohere,
        query_purpose="search_query",
        document_purpose="search_document",
    ),
    TextFamily.VOYAGE: TextVendor(
        VOYAGE,
        Rate(2_000),
        max_texts=1_000,
        # Of voyage-3-large and the models for domains; others take more.
        max_tokens=120_000,
        build=_build_voyage,
        read=read_openai,
        query_purpose="query",
        document_purpose="document",
    ),
    TextFamily.MISTRAL: TextVendor(
        MISTRAL,
        # It documents none, as they are each workspace's own.
        Rate(300),
        max_texts=256,
        max_tokens=16_384,
        build=_build_mistral,
        read=read_openai,
    ),
    TextFamily.GEMINI: TextVendor(
        GEMINI,
        Rate(3_000),
        max_texts=100,
        # What Vertex AI documents of the same model.
        max_tokens=20_000,
        build=_build_gemini,
        read=_read_gemini,
        query_purpose="RETRIEVAL_QUERY",
        document_purpose="RETRIEVAL_DOCUMENT",
    ),
}
