"""Text encoders at vendors: what each vendor is sent, to the letter, and what is made of it."""

import numpy as np
import pytest

from retrieval.errors import InvalidEmbedding
from retrieval.hosted.passages import PASSAGE_TOKENS, bound_tokens
from retrieval.service_errors import ServiceFailed
from tests.hosted_service import KEYS, count_tokens, draw_vector
from tests.retrieval.hosted.models import TEXTS

PAGE = "The ferry to Hven costs 38 euros a car, and leaves at ten."
QUESTION = "What does a car cost?"
MODELS = list(TEXTS)

# What comes with a question and a page, besides the texts themselves: purposes of the model.
PURPOSES = {
    "openai": ("", ""),
    "cohere": ("search_query", "search_document"),
    "voyage": ("query", "document"),
    "mistral": ("", ""),
    "gemini": ("RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT"),
}


@pytest.fixture(params=MODELS)
def model_id(request):
    return request.param


def scale(vector):
    row = np.asarray(vector, dtype=np.float32)
    return row / np.linalg.norm(row)


def sent(service):
    """Path, header with the key, and body of the one request."""
    (asked,) = service.asked
    header = "x-goog-api-key" if "gemini" in asked.path else "authorization"
    return asked.path, asked.headers[header], asked.body


def test_openai_is_asked_as_it_documents(open_texts, service):
    open_texts("openai/text-embedding-3-large", 256).encode_pages([PAGE])
    assert sent(service) == (
        "/openai/v1/embeddings",
        f"Bearer {KEYS['OPENAI_API_KEY']}",
        {
            "model": "text-embedding-3-large",
            "input": [PAGE],
            "encoding_format": "float",
            "dimensions": 256,
        },
    )


def test_cohere_is_asked_as_it_documents(open_texts, service):
    open_texts("cohere/embed-v4.0").encode_pages([PAGE])
    assert sent(service) == (
        "/cohere/v2/embed",
        f"Bearer {KEYS['COHERE_API_KEY']}",
        {
            "model": "embed-v4.0",
            "texts": [PAGE],
            "input_type": "search_document",
            "embedding_types": ["float"],
            "truncate": "END",
            "output_dimension": 1536,
        },
    )


def test_voyage_is_asked_as_it_documents(open_texts, service):
    open_texts("voyage/voyage-3-large", 512).encode_query(QUESTION)
    assert sent(service) == (
        "/voyage/v1/embeddings",
        f"Bearer {KEYS['VOYAGE_API_KEY']}",
        {
            "model": "voyage-3-large",
            "input": [QUESTION],
            "input_type": "query",
            "truncation": True,
            "output_dimension": 512,
        },
    )


def test_mistral_is_asked_as_it_documents(open_texts, service):
    open_texts("mistral/mistral-embed").encode_pages([PAGE])
    assert sent(service) == (
        "/mistral/v1/embeddings",
        f"Bearer {KEYS['MISTRAL_API_KEY']}",
        {"model": "mistral-embed", "input": [PAGE], "encoding_format": "float"},
    )


def test_google_is_asked_as_it_documents(open_texts, service):
    open_texts("gemini/gemini-embedding-001", 768).encode_pages([PAGE])
    assert sent(service) == (
        "/gemini/v1beta/models/gemini-embedding-001:batchEmbedContents",
        KEYS["GEMINI_API_KEY"],
        {
            "requests": [
                {
                    "model": "models/gemini-embedding-001",
                    "content": {"parts": [{"text": PAGE}]},
                    "taskType": "RETRIEVAL_DOCUMENT",
                    "outputDimensionality": 768,
                }
            ]
        },
    )


@pytest.mark.parametrize("model_id", ["cohere/embed-english-v3.0", "voyage/voyage-law-2"])
def test_a_model_of_one_length_is_not_asked_for_it(open_texts, service, model_id):
    open_texts(model_id).encode_pages([PAGE])
    assert "output_dimension" not in service.asked[0].body


def test_questions_and_pages_are_sent_with_their_purposes(open_texts, model_id):
    encoder = open_texts(model_id)
    for_query, for_document = PURPOSES[model_id.partition("/")[0]]
    query = encoder.encode_query(QUESTION).dense
    (page,) = encoder.encode_pages([PAGE])
    np.testing.assert_allclose(
        query[0], scale(draw_vector(QUESTION, for_query, encoder.dim)), atol=1e-5
    )
    np.testing.assert_allclose(
        page.dense[0], scale(draw_vector(PAGE, for_document, encoder.dim)), atol=1e-5
    )


def test_vectors_are_of_unit_length_whatever_the_vendor_gives(open_texts, model_id):
    encoder = open_texts(model_id)
    for embedding in [encoder.encode_query(QUESTION), *encoder.encode_pages([PAGE, "Two words"])]:
        assert embedding.dense.dtype == np.float32
        assert embedding.dense.shape == (1, encoder.spec.dim)
        np.testing.assert_allclose(np.linalg.norm(embedding.dense, axis=1), 1.0, atol=1e-5)
        assert embedding.tokens is None
        assert embedding.terms is None


def test_a_shorter_length_is_part_of_the_key(open_texts):
    long, short = (open_texts("openai/text-embedding-3-large", dim) for dim in (None, 256))
    assert (long.dim, short.dim) == (3072, 256)
    assert short.encode_query(QUESTION).dense.shape == (1, 256)
    assert long.key != short.key
    assert short.key == "openai/text-embedding-3-large/dim-256/passages-480"


def test_the_key_names_what_changes_a_vector_and_no_secret(open_texts, model_id):
    key = open_texts(model_id).key
    assert key.startswith(f"{model_id}/dim-{TEXTS[model_id][0]}/")
    assert PURPOSES[model_id.partition("/")[0]][1] in key
    assert key.endswith(f"passages-{PASSAGE_TOKENS}")
    assert not any(secret in key for secret in KEYS.values())
    assert open_texts(model_id, query_prompt="ask: {}").key != key


def test_a_prompt_of_the_entry_is_put_around_texts(open_texts, service):
    encoder = open_texts("openai/text-embedding-3-large", document_prompt="passage: {}")
    encoder.encode_pages([PAGE])
    assert service.asked[0].body["input"] == [f"passage: {PAGE}"]


def test_a_page_without_a_word_is_sent_nowhere(open_texts, service, model_id):
    encoder = open_texts(model_id)
    embeddings = encoder.encode_pages(["", "  ", "?!"])
    assert [embedding.dense for embedding in embeddings] == [None, None, None]
    assert encoder.encode_query("?!").dense is None
    assert encoder.encode_pages([]) == []
    assert service.asked == []


def test_a_page_depends_on_itself_alone(open_texts, model_id):
    encoder = open_texts(model_id)
    pages = ["", PAGE, f"{PAGE} " * 40, "東京駅の時刻表", "Ёлка"]
    together = encoder.encode_pages(pages)
    for page, embedding in zip(pages[1:], together[1:], strict=True):
        (alone,) = encoder.encode_pages([page])
        np.testing.assert_allclose(embedding.dense, alone.dense, atol=1e-6)
    assert together[0].dense is None
    assert len(together[2].dense) > 1


def test_many_pages_go_in_requests_that_the_vendor_takes(open_texts, service, model_id):
    """The server refuses more texts or tokens than the vendor documents."""
    encoder = open_texts(model_id, min(TEXTS[model_id][1], default=None))
    pages = [f"Page {i} of the harbour's yearly report, with tables." for i in range(260)]
    pages[7] = " ".join(f"word{i}" for i in range(900))
    embeddings = encoder.encode_pages(pages)
    assert [len(each.dense) for each in embeddings[:3]] == [1, 1, 1]
    assert len(embeddings[7].dense) > 4
    (last,) = encoder.encode_pages(pages[-1:])
    np.testing.assert_allclose(embeddings[-1].dense, last.dense, atol=1e-6)
    if model_id.startswith(("cohere", "mistral", "gemini")):
        assert len(service.asked) > 2


def test_a_very_long_question_is_cut(open_texts, service):
    encoder = open_texts("openai/text-embedding-3-large")
    encoder.encode_query(f"{QUESTION} " * 5_000)
    (text,) = service.asked[0].body["input"]
    assert text.startswith(QUESTION)
    assert bound_tokens(text) <= PASSAGE_TOKENS


@pytest.mark.parametrize("model_id", [m for m in MODELS if not m.startswith("gemini")])
def test_what_was_spent_is_summed_up_from_what_the_vendor_counts(open_texts, model_id):
    encoder = open_texts(model_id)
    assert encoder.spent.tokens == 0
    encoder.encode_pages([PAGE, "Two words"])
    encoder.encode_query(QUESTION)
    tokens = count_tokens([PAGE, "Two words", QUESTION])
    assert encoder.spent.tokens == tokens
    assert encoder.spent.usd == pytest.approx(tokens * TEXTS[model_id][3] / 1e6)
    assert not encoder.spent.is_estimate


def test_what_a_vendor_does_not_count_is_estimated(open_texts):
    encoder = open_texts("gemini/gemini-embedding-001")
    encoder.encode_pages([PAGE])
    assert encoder.spent.is_estimate
    assert encoder.spent.tokens == pytest.approx(len(PAGE) / 4, abs=1)


def test_too_few_vectors_are_refused(open_texts, service):
    encoder = open_texts("cohere/embed-v4.0")
    service.spoil = lambda answer: {**answer, "embeddings": {"float": []}}
    with pytest.raises(ServiceFailed, match=r"cohere/embed-v4\.0 gave 0 vectors, asked for 1"):
        encoder.encode_pages([PAGE])


def test_vectors_of_another_length_are_refused(open_texts, service):
    encoder = open_texts("cohere/embed-v4.0")
    service.spoil = lambda answer: {**answer, "embeddings": {"float": [[1.0, 2.0]]}}
    with pytest.raises(InvalidEmbedding, match=r"\[1, 2\], expected \[n, 1536\]"):
        encoder.encode_pages([PAGE])


def test_a_vector_of_zeros_is_refused(open_texts, service):
    encoder = open_texts("cohere/embed-english-v3.0")
    service.spoil = lambda answer: {**answer, "embeddings": {"float": [[0.0] * 1024]}}
    with pytest.raises(InvalidEmbedding):
        encoder.encode_pages([PAGE])


def test_an_answer_of_another_form_is_refused(open_texts, service, model_id):
    encoder = open_texts(model_id)
    service.spoil = lambda answer: {"vectors": []}
    with pytest.raises(ServiceFailed, match="does not answer as its documentation says"):
        encoder.encode_pages([PAGE])
