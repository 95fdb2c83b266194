"""Rerankers that run at a vendor.

As the vendors' documentation says in 2026-11: docs.cohere.com/reference/rerank,
api.jina.ai/redoc (rerank) and docs.voyageai.com/reference/reranker-api.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.query_words import has_word
from retrieval.hosted.connection import Post, Rate, ServiceConnection
from retrieval.hosted.cost import Cost, Meter, price_tokens
from retrieval.hosted.passages import choose_limit, cut_end
from retrieval.hosted.services import COHERE, JINA, VOYAGE, Service
from retrieval.hosted.vectors import name_model
from retrieval.rerankers.base import RerankerSpec
from retrieval.service_errors import ServiceFailed

# Cohere and Voyage AI take no more in one request.
MAX_PASSAGES = 1_000

# cohere.com/pricing, 2026-11, of Rerank 3.5: a search of up to 100 passages.
COHERE_USD_PER_SEARCH = 0.002

# Relevance this near to 0 or 1 cannot be told apart.
LEAST_RELEVANCE = 1e-6


@dataclass(frozen=True, slots=True)
class AskedPassages:
    """What one request is about: the vendor's name of the model, a question, and passages."""

    model: str
    question: str
    passages: Sequence[str]


@dataclass(frozen=True, slots=True)
class RerankVendor:
    """One vendor's way.

    Attributes:
        service: who is asked.
        rate: how much it takes of a paying account.
        build: makes the request.
        results: where the answer lists passages, each with its index and its relevance.
        price: what that answer costs.
    """

    service: Service
    rate: Rate
    build: Callable[[AskedPassages], Post]
    results: str
    price: Callable[[RerankerSpec, Any], Cost]


class HostedReranker:
    """Questions and passages through one model of a vendor, which is sent them.

    Args:
        spec: the catalog entry.
        vendor: how it is asked.
        connection: to it.
    """

    def __init__(
        self, spec: RerankerSpec, vendor: RerankVendor, connection: ServiceConnection
    ) -> None:
        self._spec = spec
        self._vendor = vendor
        self._connection = connection
        self._meter = Meter()

    @property
    def spec(self) -> RerankerSpec:
        """The catalog entry."""
        return self._spec

    @property
    def key(self) -> str:
        """Vendor and model; what weights stand behind the name, only the vendor knows."""
        return self._spec.id

    @property
    def spent(self) -> Cost:
        """What was paid since the reranker was opened, by what the vendor counted."""
        return self._meter.spent

    def score(self, question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        """Float32 logits `[n_passages]` of the relevance that the vendor gives, from 0 to 1.

        A passage without a word gets the least of all; so does each where the question has none.
        See `Reranker.score`.

        Raises:
            ServiceFailed: the vendor does not answer, or refuses.
        """
        relevance = np.zeros(len(passages))
        read = [i for i, passage in enumerate(passages) if has_word(passage)]
        if has_word(question):
            for first in range(0, len(read), MAX_PASSAGES):
                places = read[first : first + MAX_PASSAGES]
                relevance[places] = self._ask(question, [passages[i] for i in places])
        clipped = np.clip(relevance, LEAST_RELEVANCE, 1 - LEAST_RELEVANCE)
        return np.log(clipped / (1 - clipped)).astype(np.float32)

    def _ask(self, question: str, passages: Sequence[str]) -> NDArray[np.float64]:
        limit = choose_limit(self._spec.context_tokens // 2)
        cut = [cut_end(passage, limit) for passage in passages]
        post = self._vendor.build(
            AskedPassages(name_model(self._spec), cut_end(question, limit), cut)
        )
        relevance, cost = self._connection.ask(
            post, self._read, self._vendor.rate, len(passages), is_waited_for=True
        )
        self._meter.add(cost)
        if sorted(relevance) != list(range(len(passages))):
            raise ServiceFailed(
                f"{self._spec.id} scored {len(relevance)} passages, asked for {len(passages)}"
            )
        return np.array([relevance[i] for i in range(len(passages))])

    def _read(self, answer: Any) -> tuple[dict[int, float], Cost]:
        """Place -> relevance, and what the answer costs."""
        results = answer[self._vendor.results]
        relevance = {int(each["index"]): float(each["relevance_score"]) for each in results}
        return relevance, self._vendor.price(self._spec, answer)


def _build_cohere(asked: AskedPassages) -> Post:
    return Post("/v2/rerank", _build_body(asked))


def _build_jina(asked: AskedPassages) -> Post:
    return Post("/v1/rerank", {**_build_body(asked), "return_documents": False})


def _build_voyage(asked: AskedPassages) -> Post:
    body = {**_build_body(asked), "return_documents": False, "truncation": True}
    return Post("/v1/rerank", body)


def _build_body(asked: AskedPassages) -> dict[str, Any]:
    """What all vendors take; without a number of results, all passages come back."""
    return {"model": asked.model, "query": asked.question, "documents": list(asked.passages)}


def _price_searches(spec: RerankerSpec, answer: Any) -> Cost:  # noqa: ARG001
    return Cost(usd=answer["meta"]["billed_units"]["search_units"] * COHERE_USD_PER_SEARCH)


def _price_tokens(spec: RerankerSpec, answer: Any) -> Cost:
    return price_tokens(spec, answer["usage"]["total_tokens"])


# By what stands before the slash of an id.
RERANK_VENDORS: dict[str, RerankVendor] = {
    "cohere": RerankVendor(
        COHERE, Rate(1_000), _build_cohere, results="results", price=_price_searches
    ),
    "jina": RerankVendor(JINA, Rate(500), _build_jina, results="results", price=_price_tokens),
    "voyage": RerankVendor(VOYAGE, Rate(2_000), _build_voyage, results="data", price=_price_tokens),
}
