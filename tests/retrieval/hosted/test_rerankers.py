"""Rerankers at vendors: what each vendor is sent, to the letter, and what is made of it."""

import math

import numpy as np
import pytest

from retrieval.service_errors import ServiceFailed
from tests.hosted_service import KEYS, count_tokens
from tests.retrieval.hosted.models import RERANKERS

QUESTION = "mooring fees of yachts"
PASSAGES = ["fresh rye bread", "mooring fees rise", "mooring fees of yachts and boats"]


@pytest.fixture(params=list(RERANKERS))
def model_id(request):
    return request.param


def test_cohere_is_asked_as_it_documents(open_reranker, service):
    open_reranker("cohere/rerank-v3.5").score(QUESTION, PASSAGES)
    (asked,) = service.asked
    assert asked.path == "/cohere/v2/rerank"
    assert asked.headers["authorization"] == f"Bearer {KEYS['COHERE_API_KEY']}"
    assert asked.body == {"model": "rerank-v3.5", "query": QUESTION, "documents": PASSAGES}


def test_jina_is_asked_as_it_documents(open_reranker, service):
    open_reranker("jina/jina-reranker-v2-base-multilingual").score(QUESTION, PASSAGES)
    (asked,) = service.asked
    assert asked.path == "/jina/v1/rerank"
    assert asked.headers["authorization"] == f"Bearer {KEYS['JINA_API_KEY']}"
    assert asked.body == {
        "model": "jina-reranker-v2-base-multilingual",
        "query": QUESTION,
        "documents": PASSAGES,
        "return_documents": False,
    }


def test_voyage_is_asked_as_it_documents(open_reranker, service):
    open_reranker("voyage/rerank-2").score(QUESTION, PASSAGES)
    (asked,) = service.asked
    assert asked.path == "/voyage/v1/rerank"
    assert asked.headers["authorization"] == f"Bearer {KEYS['VOYAGE_API_KEY']}"
    assert asked.body == {
        "model": "rerank-2",
        "query": QUESTION,
        "documents": PASSAGES,
        "return_documents": False,
        "truncation": True,
    }


def test_scores_are_logits_of_relevance_in_the_order_of_the_passages(open_reranker, model_id):
    """The server's relevance: the share of the question's words, (n + 0.5) / (4 + 1)."""
    scores = open_reranker(model_id).score(QUESTION, PASSAGES)
    assert scores.dtype == np.float32
    relevance = [0.1, 0.5, 0.9]
    np.testing.assert_allclose(scores, [math.log(r / (1 - r)) for r in relevance], atol=1e-5)


def test_what_has_no_words_is_sent_nowhere_and_comes_last(open_reranker, service, model_id):
    reranker = open_reranker(model_id)
    scores = reranker.score(QUESTION, ["", PASSAGES[2], "?!"])
    assert service.asked[0].body["documents"] == [PASSAGES[2]]
    assert scores[0] == scores[2] < scores[1]
    assert np.isfinite(scores).all()
    assert reranker.score("?!", PASSAGES).tolist() == [scores[0]] * 3
    assert reranker.score(QUESTION, []).shape == (0,)
    assert len(service.asked) == 1


def test_more_passages_than_a_vendor_takes_go_in_several_requests(open_reranker, service):
    passages = [f"passage {i}" for i in range(1_001)]
    passages[1_000] = "mooring fees of yachts"
    scores = open_reranker("cohere/rerank-v3.5").score(QUESTION, passages)
    assert [len(asked.body["documents"]) for asked in service.asked] == [1_000, 1]
    assert int(np.argmax(scores)) == 1_000


def test_a_missing_passage_is_refused(open_reranker, service, model_id):
    service.spoil = lambda answer: {
        name: value[1:] if name in ("results", "data") else value for name, value in answer.items()
    }
    with pytest.raises(ServiceFailed, match=rf"{model_id} scored 2 passages, asked for 3"):
        open_reranker(model_id).score(QUESTION, PASSAGES)


def test_what_was_spent_is_by_the_token_or_by_the_search(open_reranker, model_id):
    reranker = open_reranker(model_id)
    reranker.score(QUESTION, PASSAGES)
    if model_id.startswith("cohere"):
        assert (reranker.spent.tokens, reranker.spent.usd) == (0, pytest.approx(0.002))
    else:
        tokens = count_tokens(PASSAGES)
        assert reranker.spent.tokens == tokens
        assert reranker.spent.usd == pytest.approx(tokens * RERANKERS[model_id] / 1e6)


def test_the_key_names_vendor_and_model(open_reranker, model_id):
    assert open_reranker(model_id).key == model_id
