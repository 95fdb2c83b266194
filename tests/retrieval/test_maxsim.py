"""MaxSim and its evidence, on vectors short enough to score by hand."""

import numpy as np
import pytest

from retrieval.maxsim import gather_evidence, score_maxsim
from retrieval.records import Box, Modality, PageEmbedding, QueryEmbedding

LEFT = (0.0, 0.0, 0.25, 0.5)
RIGHT = (0.5, 0.0, 0.75, 0.5)
NOWHERE = (np.nan,) * 4


def make_query(*vectors, shows_evidence=None):
    n = len(vectors)
    return QueryEmbedding(
        np.array(vectors, np.float32).reshape(n, 2),
        tuple(f"token{i}" for i in range(n)),
        tuple(shows_evidence or (True,) * n),
    )


def make_page(*placed):
    n = len(placed)
    return PageEmbedding(
        np.array([vector for vector, _ in placed], np.float16).reshape(n, 2),
        np.array([box for _, box in placed], np.float32).reshape(n, 4),
    )


def find_matches(query, page):
    return gather_evidence(query, page, Modality.WORDS).matches


def test_each_query_vector_counts_its_best_match():
    query = make_query((1, 0), (0, 1))
    page = make_page(((1, 0), LEFT), ((0.6, 0.8), RIGHT))
    # The first finds (1, 0) with 1, the second (0.6, 0.8) with 0.8.
    assert score_maxsim(query, page) == pytest.approx(1.8, abs=1e-3)


def test_one_page_vector_may_answer_every_query_vector():
    query = make_query((1, 0), (1, 0), (0.8, 0.6))
    assert score_maxsim(query, make_page(((1, 0), LEFT))) == pytest.approx(2.8, abs=1e-3)


def test_what_points_away_counts_against_a_page():
    assert score_maxsim(make_query((1, 0)), make_page(((-1, 0), LEFT))) == pytest.approx(-1.0)


def test_nothing_scores_nothing():
    assert score_maxsim(make_query(), make_page(((1, 0), LEFT))) == 0.0
    assert score_maxsim(make_query((1, 0)), make_page()) == 0.0
    assert find_matches(make_query(), make_page(((1, 0), LEFT))) == ()
    assert find_matches(make_query((1, 0)), make_page()) == ()


def test_evidence_is_the_place_of_the_best_match():
    query = make_query((1, 0), (0, 1))
    page = make_page(((1, 0), LEFT), ((0.6, 0.8), RIGHT))
    first, second = find_matches(query, page)
    assert (first.box, first.token) == (Box(*LEFT), "token0")
    assert (second.box, second.token) == (Box(*RIGHT), "token1")
    assert first.weight == pytest.approx(1.0)
    assert second.weight == pytest.approx(0.8, abs=1e-3)


def test_tokens_that_show_no_evidence_are_left_out_of_it():
    query = make_query((1, 0), (0, 1), shows_evidence=(False, True))
    (match,) = find_matches(query, make_page(((1, 0), LEFT), ((0, 1), RIGHT)))
    assert match.token == "token1"


def test_vectors_without_a_place_count_in_the_score_but_are_no_evidence():
    page = make_page(((1, 0), NOWHERE), ((0.6, 0.8), RIGHT))
    query = make_query((1, 0))
    assert score_maxsim(query, page) == pytest.approx(1.0)
    (match,) = find_matches(query, page)
    assert match.box == Box(*RIGHT)
    assert match.weight == pytest.approx(0.6, abs=1e-3)
    assert find_matches(query, make_page(((1, 0), NOWHERE))) == ()


def test_a_weight_is_never_negative():
    (match,) = find_matches(make_query((1, 0)), make_page(((-1, 0), LEFT)))
    assert match.weight == 0.0
