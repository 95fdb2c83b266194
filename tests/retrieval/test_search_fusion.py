"""Pages and photos as one list: by rank, what clearly answers first."""

import numpy as np
import pytest

from retrieval.fusion import fuse_ranks
from retrieval.index.base import ScoredPage
from retrieval.queries import PICTURE_VECTORS, ask_picture, ask_region
from retrieval.records import Box, Kind, PageEmbedding
from retrieval.search import fuse

CLEAR = 0.5


def pages(**scores):
    return [ScoredPage(name, name, 0, Kind.PAGE, score) for name, score in scores.items()]


def photos(**scores):
    return [ScoredPage(name, name, 0, Kind.PHOTO, score) for name, score in scores.items()]


def names(hits):
    return [hit.document for hit in hits]


def test_reciprocal_rank_fusion_by_hand():
    """a: 1/61 + 1/62, b: 1/62 + 1/61, c: 1/63, d: 1/63; equals keep the order of the rankings."""
    assert fuse_ranks([(["a", "b", "c"], 1.0), (["b", "a", "d"], 1.0)]) == ["a", "b", "c", "d"]
    assert fuse_ranks([(["a"], 0.5), (["b"], 1.0)]) == ["b", "a"]
    assert fuse_ranks([]) == []


def test_clear_pages_and_clear_photos_alternate_by_rank():
    found = fuse((pages(report=8, letter=7), 5.0), (photos(lighthouse=0.7, boat=0.6), CLEAR))
    assert names(found) == ["report", "lighthouse", "letter", "boat"]


def test_an_unclear_photo_stands_behind_all_clear_pages():
    many = {f"page{i}": 20.0 - i for i in range(10)}
    found = fuse((pages(**many), 5.0), (photos(lighthouse=0.2), CLEAR))
    assert names(found) == [*many, "lighthouse"]


def test_an_unclear_page_stands_behind_a_clear_photo():
    assert names(fuse((pages(report=2), 5.0), (photos(lighthouse=0.7), CLEAR))) == [
        "lighthouse",
        "report",
    ]


def test_where_nothing_is_clear_the_nearer_one_comes_first():
    assert names(fuse((pages(report=4), 5.0), (photos(boat=0.1), CLEAR))) == ["report", "boat"]
    assert names(fuse((pages(report=1), 5.0), (photos(boat=0.4), CLEAR))) == ["boat", "report"]


def test_what_is_found_in_both_spaces_wins():
    found = fuse((pages(report=9, lighthouse=8), 5.0), (photos(boat=0.9, lighthouse=0.8), CLEAR))
    assert names(found)[0] == "lighthouse"
    assert len(found) == 3


def test_a_space_that_found_nothing_changes_nothing():
    found = fuse((pages(report=9, letter=8), 5.0), ([], CLEAR))
    assert names(found) == ["report", "letter"]
    assert fuse(([], 5.0), ([], CLEAR)) == []


def grid_page(rows, columns, dim=16, seed=0):
    from retrieval.encoders.geometry import lay_out_grid

    vectors = np.random.default_rng(seed).normal(size=(rows * columns + 1, dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    boxes = np.concatenate([np.full((1, 4), np.nan, np.float32), lay_out_grid(rows, columns)])
    return PageEmbedding(vectors.astype(np.float16), boxes, (rows, columns))


def test_a_region_asks_with_the_vectors_whose_middle_lies_in_it():
    page = grid_page(4, 4)
    query = ask_region(page, Box(0.0, 0.0, 0.5, 0.5))
    expected = page.vectors[[1, 2, 5, 6]].astype(np.float32)
    np.testing.assert_allclose(query.vectors, expected, atol=1e-3)
    assert all(query.shows_evidence)


def test_a_region_smaller_than_a_patch_asks_with_the_nearest_one():
    page = grid_page(2, 2)
    query = ask_region(page, Box(0.60, 0.60, 0.61, 0.61))
    np.testing.assert_allclose(query.vectors, page.vectors[[4]].astype(np.float32), atol=1e-3)


def test_a_picture_asks_without_its_prompt_and_pooled():
    page = grid_page(20, 20)
    query = ask_picture(page)
    assert 1 < len(query.vectors) <= PICTURE_VECTORS
    small = ask_picture(grid_page(3, 3))
    assert len(small.vectors) == 9


@pytest.mark.parametrize("ask", [ask_picture, lambda page: ask_region(page, Box(0, 0, 1, 1))])
def test_a_page_without_vectors_asks_nothing(ask):
    empty = PageEmbedding(np.empty((0, 16), np.float16), np.empty((0, 4), np.float32))
    assert ask(empty).vectors.shape == (0, 16)
