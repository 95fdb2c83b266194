"""Pages and photos as one list: by rank, what clearly answers first."""

import numpy as np
import pytest

from retrieval.fusion import fuse_ranks
from retrieval.index.base import ScoredPage
from retrieval.page_fusion import Ranking, fuse_pages, keep_places
from retrieval.queries import PICTURE_VECTORS, ask_picture, ask_region
from retrieval.records import Box, Kind, PageEmbedding
from retrieval.search import Mode, SearchOptions, fuse_spaces


def pages(*names, kind=Kind.PAGE, has_words=True):
    """A ranking of one-page documents, best first."""
    return [
        ScoredPage(name, name, 0, kind, 10.0 - rank, has_words) for rank, name in enumerate(names)
    ]


def keys(*names):
    return [(name, 0) for name in names]


def names(ranking):
    return [key[0] for key in ranking]


def fuse(by_vectors, by_words, reranked=None, **channels):
    """The fused ranking of those by vectors, by words, and by the channels named."""
    rankings = {Ranking.MAXSIM: by_vectors, Ranking.BM25: by_words}
    rankings |= {Ranking(name): ranking for name, ranking in channels.items()}
    return names(fuse_pages(rankings, reranked))


def space(*names, clear, clearness=1.0):
    return keys(*names), clear, clearness


def test_reciprocal_rank_fusion_by_hand():
    """a: 1/11 + 1/12, b: 1/12 + 1/11, c: 1/13, d: 1/13; equals keep the order of the rankings."""
    fused = fuse_ranks([(["a", "b", "c"], 1.0), (["b", "a", "d"], 1.0)])
    assert [entry for entry, _ in fused] == ["a", "b", "c", "d"]
    assert [score for _, score in fused] == pytest.approx(
        [1 / 11 + 1 / 12, 1 / 11 + 1 / 12, 1 / 13, 1 / 13]
    )
    assert [entry for entry, _ in fuse_ranks([(["a"], 0.5), (["b"], 1.0)])] == ["b", "a"]
    assert fuse_ranks([]) == []


def test_the_first_of_what_clearly_answers_has_the_score_1_and_of_what_does_not_a_tenth():
    found = dict(fuse_spaces(space("clear", "next", clear=1), space("boat", clear=0)))
    assert found["clear", 0] == pytest.approx(1.0)
    assert found["boat", 0] == found["next", 0] == pytest.approx(0.1)


def test_a_page_found_by_vectors_and_by_words_wins():
    fused = fuse(pages("looks", "both"), pages("says", "both"))
    assert fused[0] == "both"
    assert set(fused) == {"looks", "says", "both"}


@pytest.mark.parametrize("channel", ["dense", "tokens", "terms"])
def test_a_page_that_a_channel_finds_as_well_comes_first(channel):
    by_vectors, by_words = pages("a", "b"), pages("b", "a")
    assert fuse(by_vectors, by_words) == ["a", "b"]
    assert fuse(by_vectors, by_words, **{channel: pages("b", "new")}) == ["b", "a", "new"]


def test_each_mode_asks_its_rankings_and_one_of_them_alone_can_be_asked():
    assert Mode.VISUAL.rankings == {Ranking.MAXSIM}
    assert Mode.TEXT.rankings == set(Ranking) - {Ranking.MAXSIM}
    assert Mode.HYBRID.rankings == set(Ranking)
    alone = SearchOptions(10, mode=Mode.TEXT, only=Ranking.DENSE)
    assert alone.rankings == {Ranking.DENSE}
    assert alone.asks_channels
    assert not SearchOptions(10, mode=Mode.TEXT, only=Ranking.BM25).asks_channels
    assert not SearchOptions(10, mode=Mode.VISUAL).asks_channels


def test_the_reranker_counts_as_much_as_the_others_together():
    first, second = pages("a", "b", "c"), pages("a", "b", "c")
    assert fuse(first, second, keys("b", "a", "c"))[0] == "a"
    assert fuse(first, pages("b", "a", "c"), keys("b", "a", "c"))[0] == "b"


def test_a_scan_without_words_is_not_put_last_for_that():
    by_vectors = [*pages("scan", has_words=False), *pages("text", "other")]
    by_words = pages("text", "other")
    assert fuse(by_vectors, by_words) == ["scan", "text", "other"]
    assert fuse(by_vectors, by_words, dense=by_words) == ["scan", "text", "other"]
    assert fuse(by_vectors, [], dense=pages("other", "text")) == ["scan", "text", "other"]


def test_kept_entries_stand_where_they_stood_and_others_move_around_them():
    kept = keep_places(keys("a", "scan", "b"), {("scan", 0)}, keys("b", "a"))
    assert names(kept) == ["b", "scan", "a"]
    assert names(keep_places(keys("scan"), {("scan", 0)}, keys("b", "a"))) == ["scan", "b", "a"]


def test_clear_pages_and_clear_photos_alternate_by_rank():
    found = fuse_spaces(space("report", "letter", clear=2), space("lighthouse", "boat", clear=2))
    assert names(key for key, _ in found) == ["report", "lighthouse", "letter", "boat"]


def test_an_unclear_photo_stands_behind_all_clear_pages():
    many = [f"page{i}" for i in range(40)]
    found = fuse_spaces(space(*many, clear=40), space("lighthouse", clear=0, clearness=0.4))
    assert names(key for key, _ in found) == [*many, "lighthouse"]


def test_an_unclear_page_stands_behind_a_clear_photo():
    found = fuse_spaces(
        space("report", clear=0, clearness=0.4), space("lighthouse", clear=1, clearness=1.4)
    )
    assert names(key for key, _ in found) == ["lighthouse", "report"]


def test_where_nothing_is_clear_the_nearer_one_comes_first():
    for page, photo, first in ((0.8, 0.2, "report"), (0.2, 0.8, "boat")):
        found = fuse_spaces(
            space("report", clear=0, clearness=page), space("boat", clear=0, clearness=photo)
        )
        assert names(key for key, _ in found)[0] == first


def test_what_is_found_in_both_spaces_wins():
    found = fuse_spaces(
        space("report", "lighthouse", clear=2), space("boat", "lighthouse", clear=2)
    )
    assert found[0][0] == ("lighthouse", 0)
    assert len(found) == 3


def test_a_space_that_found_nothing_changes_nothing():
    found = fuse_spaces(space("report", "letter", clear=2), space(clear=0))
    assert names(key for key, _ in found) == ["report", "letter"]
    assert fuse_spaces(space(clear=0), space(clear=0)) == []


def test_scores_fall_along_an_answer():
    found = fuse_spaces(
        space("a", "b", "c", "d", clear=2), space("p", "b", "q", clear=1, clearness=0.9)
    )
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] < scores[0] <= 1


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
