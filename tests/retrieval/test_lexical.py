"""The terms that words are searched by."""

import pytest

from retrieval.lexical import MEAN_TERMS, split_word, weigh_page, weigh_question


@pytest.mark.parametrize(
    ("word", "terms"),
    [
        ("Growing", {"grow"}),
        ("“harbour’s”", {"harbour’s", "harbour", "s"}),
        ("10-K", {"10-k", "10", "k"}),
        ("RX-480b,", {"rx-480b", "rx", "480", "b"}),
        ("1,234.50", {"1234.50", "1234.5"}),
        ("12.00", {"12.00", "12"}),
        ("1,200", {"1200"}),
        ("3.5mm", {"3.5mm", "3.5", "mm"}),
        ("Café", {"cafe"}),
        ("STRASSE", {"strass"}),
        ("Straße", {"strass"}),
        ("the", set()),
        ("—", set()),
        ("", set()),
        ("日本語", {"日本", "本語"}),
    ],
)
def test_a_word_becomes_terms(word, terms):
    assert set(split_word(word)) == terms


def test_a_question_and_a_page_meet_in_the_same_terms():
    page = dict(zip(*as_columns(weigh_page(["Mooring", "fees:", "12,500", "EUR"])), strict=True))
    question = weigh_question("What were the fees of 12500 EUR moorings?")
    assert len([index for index in question.indices if index in page]) == 4


def test_a_term_counts_less_each_time_and_less_on_a_longer_page():
    def weight(n_times, n_others):
        words = ["pump"] * n_times + [f"word{i}x" for i in range(n_others)]
        vector = weigh_page(words)
        return vector.values[vector.indices.index(weigh_question("pump").indices[0])]

    once, twice, thrice = (weight(n, 100) for n in (1, 2, 3))
    assert once < twice < thrice
    assert twice - once > thrice - twice
    assert weight(1, 300) < weight(1, 100)


def test_a_page_of_mean_length_has_the_weight_of_the_formula():
    """BM25 with k1 = 1.2: 1 * 2.2 / (1 + 1.2) = 1."""
    vector = weigh_page(["pump"] + ["valve"] * (MEAN_TERMS - 1))
    pump = weigh_question("pump").indices[0]
    assert vector.values[vector.indices.index(pump)] == pytest.approx(1.0)


def test_no_words_have_no_terms():
    assert weigh_page([]).indices == ()
    assert weigh_question("of the and ?!").indices == ()


def as_columns(vector):
    return vector.indices, vector.values
