"""The codebook of the first stage: by hand, by its properties, and by what it finds."""

import numpy as np
import pytest

from retrieval.errors import InvalidEmbedding
from retrieval.index import cells
from retrieval.index.cells import Codebook, fit_codebook

DIM = 64
N_PAGES = 1_000
N_CANDIDATES = 100


@pytest.fixture
def compass():
    """Four cells in the plane: east and north-east, west and south-west."""
    slant = np.sqrt(0.5)
    coarse = np.array([[1, 0], [-1, 0]], dtype=np.float32)
    fine = np.array([[[1, 0], [slant, slant]], [[-1, 0], [-slant, -slant]]], dtype=np.float32)
    return Codebook(coarse, fine)


def test_a_page_is_the_set_of_cells_that_its_vectors_fall_in(compass):
    vectors = np.array([[1, 0], [0.8, 0.6], [0.96, 0.28], [-0.96, 0.28]], dtype=np.float16)
    assert compass.encode_page(vectors).tolist() == [0, 1, 2]


def test_a_query_weighs_cells_by_how_much_nearer_they_are_than_the_first_left_out(
    compass, monkeypatch
):
    monkeypatch.setattr(cells, "CELLS_A_TOKEN", 2)
    # (0.8, 0.6) has cosines 0.8, 0.99, -0.8, -0.99 with the four cells.
    found, weights = compass.encode_query(np.array([[0.8, 0.6]], dtype=np.float32))
    assert found.tolist() == [0, 1]
    assert weights == pytest.approx([0.8 + 0.8, 1.4 * np.sqrt(0.5) + 0.8])


def test_tokens_that_name_the_same_cell_add_up(compass, monkeypatch):
    monkeypatch.setattr(cells, "CELLS_A_TOKEN", 2)
    vector = np.array([[0.8, 0.6]], dtype=np.float32)
    once, twice = compass.encode_query(vector), compass.encode_query(np.repeat(vector, 2, axis=0))
    assert once[0].tolist() == twice[0].tolist()
    assert twice[1] == pytest.approx(2 * once[1])


def test_nothing_has_no_cells(compass):
    nothing = np.empty((0, 2), dtype=np.float32)
    assert compass.encode_page(nothing).tolist() == []
    assert [part.tolist() for part in compass.encode_query(nothing)] == [[], []]


def test_clusters_far_apart_get_a_cell_each():
    corners = np.eye(4, dtype=np.float32)
    chance = np.random.default_rng(1)
    vectors = np.repeat(corners, 20, axis=0) + 0.01 * chance.standard_normal((80, 4))
    codebook = fit_codebook(normalise(vectors))
    pages = [set(codebook.encode_page(normalise(vectors[20 * i : 20 * i + 20]))) for i in range(4)]
    for one in range(4):
        for other in range(one):
            assert not pages[one] & pages[other]


def test_an_own_vector_finds_its_own_cell(library):
    pages, _, codebook = library
    (vector,) = pages[0][:1]
    own = codebook.encode_page(vector[None])
    named, weights = codebook.encode_query(vector[None])
    assert named[weights.argmax()] in own


@pytest.mark.parametrize("shape", [(3, DIM + 1), (DIM,)])
def test_another_dimension_is_refused_with_both_numbers(library, shape):
    _, _, codebook = library
    with pytest.raises(InvalidEmbedding, match=rf"{shape[-1]}.*{DIM} dimensions"):
        codebook.encode_page(np.zeros(shape, dtype=np.float32))


def test_levels_that_do_not_fit_are_refused():
    with pytest.raises(InvalidEmbedding, match=r"\[2, 3, 4\], expected \[2, 2, 4\]"):
        Codebook(np.zeros((2, 4), np.float32), np.zeros((2, 3, 4), np.float32))


def test_an_empty_sample_is_refused():
    with pytest.raises(InvalidEmbedding, match=r"\[0, 4\]"):
        fit_codebook(np.empty((0, 4), dtype=np.float32))


@pytest.mark.parametrize("n_vectors", [1, 2, 7, 40])
def test_a_small_sample_is_enough_to_fit_on(n_vectors):
    vectors = normalise(np.random.default_rng(2).standard_normal((n_vectors, 4)))
    codebook = fit_codebook(vectors)
    assert len(codebook.encode_page(vectors))
    codebook.encode_query(vectors)


def test_the_same_sample_gives_the_same_codebook(library):
    pages, _, _ = library
    sample = np.concatenate(pages[:50])
    one, other = fit_codebook(sample), fit_codebook(sample)
    assert np.array_equal(one.coarse, other.coarse)
    assert np.array_equal(one.fine, other.fine)


def test_a_saved_codebook_comes_back(library, tmp_path):
    pages, queries, codebook = library
    codebook.save(tmp_path / "cells.npz")
    loaded = Codebook.load(tmp_path / "cells.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["cells.npz"]
    assert np.array_equal(loaded.encode_page(pages[3]), codebook.encode_page(pages[3]))
    assert np.array_equal(loaded.encode_query(queries[3])[1], codebook.encode_query(queries[3])[1])


def test_scores_go_with_maxsim(library):
    pages, queries, codebook = library
    estimated, exact = estimate(codebook, queries, pages), maxsim(queries, pages)
    correlations = [np.corrcoef(*both)[0, 1] for both in zip(estimated, exact, strict=True)]
    assert np.median(correlations) > 0.5


def test_the_best_pages_are_among_the_candidates(library):
    pages, queries, codebook = library
    candidates = np.argsort(-estimate(codebook, queries, pages), axis=1)[:, :N_CANDIDATES]
    best = np.argsort(-maxsim(queries, pages), axis=1)[:, :10]
    recall = np.mean([np.isin(*both).mean() for both in zip(best, candidates, strict=True)])
    # A guess gives 0.1. What real text gives, tests/benchmarks/scale.py measures.
    assert recall >= 0.9


@pytest.fixture(scope="module")
def library():
    """Pages, queries and a codebook of half the pages.

    As in a text, few words are frequent and most are rare; a word's vector varies with what stands
    around it; and a query repeats some words of one page in other surroundings.
    """
    chance = np.random.default_rng(0)
    words = normalise(chance.standard_normal((3_000, DIM)))
    frequency = 1 / np.arange(10, 3_010)
    texts = chance.choice(3_000, (N_PAGES, 60), p=frequency / frequency.sum())

    def embed(text):
        return normalise(words[text] + 0.1 * chance.standard_normal((len(text), DIM)))

    pages = [embed(text) for text in texts]
    queries = [embed(chance.choice(texts[i], 8, replace=False)) for i in range(0, N_PAGES, 50)]
    return pages, queries, fit_codebook(np.concatenate(pages[::2]))


def estimate(codebook, queries, pages):
    """The scores `[n_queries, n_pages]` that a sparse index gives."""
    n_cells = len(codebook.coarse) ** 2
    on_page = np.zeros((len(pages), n_cells), dtype=np.float32)
    for row, page in zip(on_page, pages, strict=True):
        row[codebook.encode_page(page)] = 1
    scores = []
    for query in queries:
        named, weights = codebook.encode_query(query)
        scores.append(on_page[:, named] @ weights)
    return np.array(scores)


def maxsim(queries, pages):
    return np.array([[(page @ query.T).max(axis=0).sum() for page in pages] for query in queries])


def normalise(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
