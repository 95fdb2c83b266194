"""Photo encoders at vendors: what each vendor is sent, to the letter, and what is made of it."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from retrieval.errors import InvalidEmbedding
from retrieval.hosted.photos import PHOTO_PIXELS
from tests.hosted_service import KEYS
from tests.retrieval.hosted.models import PHOTOS

FLOAT16_TOLERANCE = 2e-3
TEXT = "a red kite over a beach"


@pytest.fixture(params=list(PHOTOS))
def model_id(request):
    return request.param


def draw_photo(seed, size=(90, 60)):
    noise = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def open_data_url(url):
    head, _, content = url.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_cohere_is_asked_as_it_documents(open_photos, service):
    encoder = open_photos("cohere/embed-v4.0")
    encoder.encode_photos([draw_photo(0), draw_photo(1)])
    encoder.encode_text(TEXT)
    *photos, text = service.asked
    assert [asked.path for asked in service.asked] == ["/cohere/v2/embed"] * 3
    for asked in photos:
        (url,) = asked.body.pop("images")
        assert open_data_url(url).size == (90, 60)
        assert asked.headers["authorization"] == f"Bearer {KEYS['COHERE_API_KEY']}"
        assert asked.body == {
            "model": "embed-v4.0",
            "input_type": "image",
            "embedding_types": ["float"],
            "output_dimension": 1536,
        }
    assert text.body == {
        "model": "embed-v4.0",
        "texts": [TEXT],
        "input_type": "search_query",
        "embedding_types": ["float"],
        "truncate": "END",
        "output_dimension": 1536,
    }


def test_voyage_is_asked_as_it_documents(open_photos, service):
    encoder = open_photos("voyage/voyage-multimodal-3")
    encoder.encode_photos([draw_photo(0), draw_photo(1)])
    encoder.encode_text(TEXT)
    photos, text = service.asked
    assert photos.path == text.path == "/voyage/v1/multimodalembeddings"
    assert photos.headers["authorization"] == f"Bearer {KEYS['VOYAGE_API_KEY']}"
    contents = [each["content"] for each in photos.body.pop("inputs")]
    for (piece,) in contents:
        assert sorted(piece) == ["image_base64", "type"]
        assert piece["type"] == "image_base64"
        assert open_data_url(piece["image_base64"]).size == (90, 60)
    assert len(contents) == 2
    assert photos.body == {
        "model": "voyage-multimodal-3",
        "input_type": "document",
        "truncation": True,
    }
    assert text.body == {
        "inputs": [{"content": [{"type": "text", "text": TEXT}]}],
        "model": "voyage-multimodal-3",
        "input_type": "query",
        "truncation": True,
    }


def test_photo_vectors_are_float16_of_unit_length_one_a_photo(open_photos, model_id):
    encoder = open_photos(model_id)
    photos = [draw_photo(seed) for seed in range(10)]
    vectors = encoder.encode_photos(photos)
    assert vectors.dtype == np.float16
    assert vectors.shape == (10, encoder.spec.dim)
    norms = np.linalg.norm(vectors.astype(np.float32), axis=1)
    np.testing.assert_allclose(norms, 1.0, atol=FLOAT16_TOLERANCE)
    alone = encoder.encode_photos(photos[9:])
    np.testing.assert_allclose(vectors[9:], alone, atol=FLOAT16_TOLERANCE)
    query = encoder.look_like(vectors[4])
    assert int(np.argmax(vectors.astype(np.float32) @ query)) == 4
    assert encoder.encode_photos([]).shape == (0, encoder.spec.dim)


def test_a_text_gets_a_query_vector_and_one_without_a_word_none(open_photos, model_id):
    encoder = open_photos(model_id)
    query = encoder.encode_text(TEXT)
    assert query.dtype == np.float32
    assert query.shape == (encoder.spec.dim,)
    assert np.linalg.norm(query) == pytest.approx(1.0, abs=1e-5)
    assert encoder.encode_text("?!") is None


@pytest.mark.parametrize("size", [(2000, 1500), (30_000, 1), (1, 1)])
def test_a_photo_is_sent_no_larger_than_is_looked_at(open_photos, service, size):
    open_photos("cohere/embed-english-v3.0").encode_photos([Image.new("RGBA", size, "teal")])
    width, height = open_data_url(service.asked[0].body["images"][0]).size
    assert width * height <= PHOTO_PIXELS
    assert min(width, height) >= 8
    if size == (2000, 1500):
        assert width * height > 0.98 * PHOTO_PIXELS
        assert width / height == pytest.approx(4 / 3, abs=0.01)


def test_what_was_spent_at_voyage_counts_pixels_and_text(open_photos):
    """The server counts 560,000 pixels a photo, and 5 tokens a text."""
    encoder = open_photos("voyage/voyage-multimodal-3")
    encoder.encode_photos([draw_photo(0), draw_photo(1)])
    encoder.encode_text(TEXT)
    assert encoder.spent.tokens == 2 * 1_000 + 5
    assert encoder.spent.usd == pytest.approx(2 * 560_000 * 0.60e-9 + 5 * 0.12e-6)


def test_what_cohere_takes_for_a_photo_is_not_known(open_photos):
    encoder = open_photos("cohere/embed-v4.0")
    encoder.encode_text(TEXT)
    assert encoder.spent.usd > 0
    encoder.encode_photos([draw_photo(0)])
    assert encoder.spent.usd is None


def test_its_key_names_the_model_and_its_score_is_never_clear(open_photos, model_id):
    encoder = open_photos(model_id)
    assert encoder.key == f"{model_id}/dim-{PHOTOS[model_id][0]}/pixels-{PHOTO_PIXELS}"
    assert encoder.clear_score == 1.0


def test_another_length_is_refused(open_photos, model_id):
    with pytest.raises(InvalidEmbedding, match=r"expected \[n, 77\]"):
        open_photos(model_id, dim=77, matryoshka_dims=()).encode_photos([draw_photo(0)])
