"""Token pooling: fewer vectors, each with its place."""

import numpy as np
import pytest

from retrieval.encoders.opening import EncoderOptions, open_encoder
from retrieval.encoders.pooling import PooledEncoder, pool_embedding
from retrieval.encoders.self_test import check_encoder
from retrieval.encoders.stream import encode_pages
from retrieval.errors import InvalidSetting
from retrieval.maxsim import score_maxsim
from retrieval.records import PageEmbedding
from tests.conftest import load_encoder
from tests.documents import build_page


def embed(*rows):
    """A page of unit vectors with their boxes."""
    vectors = np.array([vector for vector, _ in rows], dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    boxes = np.array([box for _, box in rows], dtype=np.float32)
    return PageEmbedding(vectors.astype(np.float16), boxes)


NOWHERE = (np.nan,) * 4


@pytest.mark.parametrize("factor", [2, 3, 5])
@pytest.mark.parametrize("family", ["minilm-layout", "colqwen2", "colidefics3"])
def test_a_page_keeps_one_vector_for_so_many(open_tiny, family, factor):
    encoder = load_encoder(family) if family == "minilm-layout" else open_tiny(family)
    page = build_page("The harbour master collects mooring fees from every yacht. " * 6)
    (whole,) = encode_pages(encoder, [page])
    (pooled,) = encode_pages(PooledEncoder(encoder, factor), [page])
    n_placed = int((~np.isnan(whole.boxes[:, 0])).sum())
    n_unplaced = len(whole.vectors) - n_placed
    assert len(pooled.vectors) - n_unplaced <= -(-n_placed // factor)
    assert len(pooled.vectors) - n_unplaced >= n_placed // factor * 0.8
    assert int(np.isnan(pooled.boxes[:, 0]).sum()) == n_unplaced


def test_like_vectors_become_their_mean_and_keep_their_place():
    page = embed(
        ((1, 0, 0), (0.0, 0.0, 0.1, 0.1)),
        ((1, 0.1, 0), (0.1, 0.0, 0.2, 0.1)),
        ((0, 0, 1), (0.5, 0.5, 0.6, 0.6)),
        ((0, 0.1, 1), (0.6, 0.5, 0.7, 0.6)),
    )
    pooled = pool_embedding(page, 2)
    by_place = sorted(zip(pooled.boxes.round(3).tolist(), pooled.vectors.tolist(), strict=True))
    (left, left_vector), (right, right_vector) = by_place
    assert left == pytest.approx([0.0, 0.0, 0.2, 0.1], abs=1e-3)
    assert right == pytest.approx([0.5, 0.5, 0.7, 0.6], abs=1e-3)
    assert left_vector == pytest.approx([0.9987, 0.05, 0], abs=3e-3)
    assert right_vector == pytest.approx([0, 0.05, 0.9987], abs=3e-3)


def test_a_like_vector_elsewhere_on_the_page_does_not_stretch_the_box():
    page = embed(
        ((1, 0, 0), (0.0, 0.0, 0.1, 0.1)),
        ((1, 0.02, 0), (0.1, 0.0, 0.2, 0.1)),
        ((1, 0.2, 0), (0.9, 0.9, 1.0, 1.0)),
        ((0, 0, 1), (0.5, 0.5, 0.6, 0.6)),
        ((0, 0, 1), (0.5, 0.6, 0.6, 0.7)),
        ((0, 0, 1), (0.5, 0.7, 0.6, 0.8)),
    )
    boxes = pool_embedding(page, 3).boxes
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    assert areas.max() < 0.05


def test_vectors_without_a_place_are_kept():
    page = embed(
        ((1, 1, 0), NOWHERE),
        ((1, 0, 0), (0, 0, 0.1, 0.1)),
        ((1, 0, 0), (0.1, 0, 0.2, 0.1)),
        ((1, 0, 0), (0.2, 0, 0.3, 0.1)),
    )
    pooled = pool_embedding(page, 3)
    assert len(pooled.vectors) == 2
    np.testing.assert_array_equal(pooled.vectors[0], page.vectors[0])


def test_a_page_of_fewer_vectors_than_the_factor_stays_as_it_is():
    page = embed(((1, 0, 0), (0, 0, 0.1, 0.1)), ((0, 1, 0), (0.1, 0, 0.2, 0.1)))
    assert pool_embedding(page, 3) is page
    empty = PageEmbedding(np.empty((0, 3), np.float16), np.empty((0, 4), np.float32))
    assert pool_embedding(empty, 3) is empty


def test_the_factor_is_part_of_the_key():
    plain = load_encoder("minilm-layout")
    pooled = open_encoder("minilm-layout", EncoderOptions(pool_factor=3))
    assert pooled.key == f"{plain.key}/pool-3"
    assert open_encoder("minilm-layout", EncoderOptions(pool_factor=1)).key == plain.key


def test_a_pooled_encoder_still_finds_what_it_is_asked_for():
    check_encoder(PooledEncoder(load_encoder("minilm-layout"), 2))


def test_queries_are_not_pooled():
    encoder = load_encoder("minilm-layout")
    text = "Who collects the mooring fees?"
    pooled = PooledEncoder(encoder, 3)
    np.testing.assert_array_equal(
        pooled.encode_query(text).vectors, encoder.encode_query(text).vectors
    )
    (page,) = encode_pages(pooled, [build_page("The harbour master collects mooring fees. " * 3)])
    assert score_maxsim(pooled.encode_query(text), page) > 2


@pytest.mark.parametrize("factor", [1, 0, -2])
def test_a_factor_that_pools_nothing_is_refused(factor):
    with pytest.raises(InvalidSetting, match=f"not {factor}"):
        PooledEncoder(load_encoder("minilm-layout"), factor)
