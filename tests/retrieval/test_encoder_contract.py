"""What every encoder of the catalog does, whatever model it runs."""

from pathlib import Path

import numpy as np
import pytest

from retrieval.encoders.catalog import find_spec
from retrieval.encoders.stop_words import STOP_WORDS
from retrieval.encoders.stream import encode_pages
from retrieval.errors import UnknownEncoder
from retrieval.maxsim import score_maxsim
from tests.checkpoints import ADAPTERS, FAMILIES
from tests.conftest import load_encoder
from tests.documents import build_page

# One step of float16 at 1.0 is 1e-3.
FLOAT16_TOLERANCE = 2e-3

HARBOUR = "The harbour master collects mooring fees from every yacht on the first of May."
BAKERY = "Our bakery sells rye bread, plum cake and warm cinnamon rolls from six in the morning."
COMET = "A comet was observed at midnight through the telescope of the old observatory."
INVOICE = "Invoice 4711: twelve metres of anchor chain, 340.50 EUR, payable within 30 days."


@pytest.fixture(scope="module", params=["minilm-layout", *FAMILIES, *ADAPTERS])
def encoder(request, open_tiny):
    """The embedded encoder, a tiny checkpoint of every family, and adapters of every family."""
    if request.param == "minilm-layout":
        return load_encoder(request.param)
    return open_tiny(request.param)


@pytest.fixture(scope="module")
def minilm():
    return load_encoder("minilm-layout")


@pytest.fixture(scope="module")
def page():
    return build_page(INVOICE)


@pytest.fixture(scope="module")
def embedding(encoder, page):
    return encode_pages(encoder, [page])[0]


def test_its_description_is_the_catalogs(minilm):
    assert minilm.spec == find_spec("minilm-layout")


def test_page_vectors_are_float16_of_unit_length(encoder, embedding):
    assert embedding.vectors.dtype == np.float16
    assert embedding.vectors.shape == (len(embedding.boxes), encoder.spec.dim)
    assert len(embedding.vectors) > 10
    norms = np.linalg.norm(embedding.vectors.astype(np.float32), axis=1)
    np.testing.assert_allclose(norms, 1.0, atol=FLOAT16_TOLERANCE)


def test_query_vectors_are_float32_of_unit_length(encoder):
    query = encoder.encode_query("How much is the anchor chain?")
    assert query.vectors.dtype == np.float32
    assert query.vectors.shape == (len(query.tokens), encoder.spec.dim)
    np.testing.assert_allclose(np.linalg.norm(query.vectors, axis=1), 1.0, atol=1e-5)


def test_boxes_lie_on_the_page(embedding):
    assert embedding.boxes.dtype == np.float32
    placed = ~np.isnan(embedding.boxes)
    assert (placed.all(axis=1) == placed.any(axis=1)).all()
    boxes = embedding.boxes[placed.all(axis=1)]
    assert len(boxes) > 10
    assert boxes.min() >= 0.0
    assert boxes.max() <= 1.0
    assert (boxes[:, 0] < boxes[:, 2]).all()
    assert (boxes[:, 1] < boxes[:, 3]).all()


def test_every_vector_stands_where_a_word_stands(minilm, page):
    (embedding,) = encode_pages(minilm, [page])
    boxes_of_words = {
        tuple(np.float32(word.box).tolist())
        for word in page.words
        if word.text.strip(".,").lower() not in STOP_WORDS
    }
    assert {tuple(box) for box in embedding.boxes.tolist()} == boxes_of_words


def test_a_page_does_not_depend_on_the_pages_beside_it(encoder):
    pages = [
        build_page(HARBOUR, 0),
        build_page("", 1),
        build_page(f"{BAKERY} " * 40, 2),
        build_page("Comet", 3),
        build_page(COMET, 4),
    ]
    query = encoder.encode_query("Who collects the fees for a yacht?")
    together = encode_pages(encoder, pages)
    for page, beside_others in zip(pages, together, strict=True):
        (alone,) = encode_pages(encoder, [page])
        np.testing.assert_allclose(alone.vectors, beside_others.vectors, atol=FLOAT16_TOLERANCE)
        np.testing.assert_array_equal(alone.boxes, beside_others.boxes)
        assert score_maxsim(query, alone) == pytest.approx(
            score_maxsim(query, beside_others), abs=FLOAT16_TOLERANCE * len(query.tokens)
        )


def test_pages_come_back_in_the_order_they_were_given(encoder):
    texts = [HARBOUR, f"{BAKERY} " * 30, COMET]
    forward = encode_pages(encoder, [build_page(text) for text in texts])
    backward = encode_pages(encoder, [build_page(text) for text in reversed(texts)])
    for one, other in zip(forward, reversed(backward), strict=True):
        np.testing.assert_allclose(one.vectors, other.vectors, atol=FLOAT16_TOLERANCE)


def test_an_empty_page_has_no_vectors(minilm):
    (embedding,) = encode_pages(minilm, [build_page("")])
    assert embedding.vectors.shape == (0, minilm.spec.dim)
    assert embedding.boxes.shape == (0, 4)


def test_no_pages_give_no_embeddings(encoder):
    assert encode_pages(encoder, []) == []


def test_a_long_page_keeps_every_word_in_order(minilm):
    page = build_page("harbour fees paid May " * 500, words_per_row=40)
    (embedding,) = encode_pages(minilm, [page])
    is_new = np.any(np.diff(embedding.boxes, axis=0) != 0, axis=1)
    in_order = embedding.boxes[np.concatenate([[True], is_new])]
    np.testing.assert_array_equal(in_order, np.float32([word.box for word in page.words]))
    # Each word alone has as many vectors as it has among the others.
    (first,) = encode_pages(minilm, [build_page("harbour")])
    assert (embedding.boxes == np.float32(page.words[0].box)).all(axis=1).sum() == len(first.boxes)


def test_the_last_words_of_a_long_page_are_found(minilm):
    filler = build_page(f"{BAKERY} " * 60)
    ending = build_page(f"{BAKERY} " * 60 + COMET)
    query = minilm.encode_query("telescope of the observatory")
    without, with_ending = encode_pages(minilm, [filler, ending])
    assert score_maxsim(query, with_ending) > score_maxsim(query, without) + 0.5


def test_the_key_is_stable_and_names_the_model(encoder):
    key = encoder.key
    encode_pages(encoder, [build_page(HARBOUR)])
    assert encoder.key == key
    assert Path(encoder.spec.id).name in key
    assert encoder.spec.revision in key


@pytest.mark.parametrize("text", ["", "   ", "?!", "... - ...", "\n\t"])
def test_a_query_without_a_word_has_no_vectors(encoder, text):
    query = encoder.encode_query(text)
    assert query.vectors.shape == (0, encoder.spec.dim)
    assert query.tokens == ()


def test_a_query_of_a_thousand_words_is_encoded(minilm):
    query = minilm.encode_query("harbour " * 1_000)
    assert 0 < len(query.tokens) <= 1_000


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who takes the money for berths of sailing boats?", HARBOUR),
        ("Where can I buy pastries?", BAKERY),
        ("What did astronomers see at night?", COMET),
        ("What does the anchor chain cost?", INVOICE),
    ],
)
def test_a_question_finds_its_page_among_four(minilm, question, answer):
    texts = [HARBOUR, BAKERY, COMET, INVOICE]
    embeddings = encode_pages(minilm, [build_page(text, i) for i, text in enumerate(texts)])
    query = minilm.encode_query(question)
    scores = [score_maxsim(query, embedding) for embedding in embeddings]
    assert texts[int(np.argmax(scores))] == answer


@pytest.mark.parametrize(
    "text",
    ["Ёлка и чай", "日本語の書類", "עברית", "naïve café №5", "🙂 emoji", "\u0000control\u0007"],
)
def test_any_script_can_be_encoded(encoder, text):
    (embedding,) = encode_pages(encoder, [build_page(text)])
    query = encoder.encode_query(text)
    assert len(embedding.vectors) > 0
    assert len(query.tokens) > 0


def test_an_unknown_encoder_is_answered_with_the_known_ones():
    with pytest.raises(UnknownEncoder, match=r"no-such-model.*minilm-layout"):
        load_encoder("no-such-model")
