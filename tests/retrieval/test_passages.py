"""What a reranker is given to read of each page, and which pages say the same."""

import pytest

from retrieval import duplicates
from retrieval.passages import PASSAGE_WORDS, STEP_WORDS, choose_passages, cut_passages


def words(text):
    return tuple(text.split())


def say_the_same(one, other):
    return duplicates.say_the_same(duplicates.count_words(one), duplicates.count_words(other))


@pytest.mark.parametrize("n_words", [1, PASSAGE_WORDS, PASSAGE_WORDS + 1, 200, 5 * STEP_WORDS, 999])
def test_passages_cover_a_page_and_are_full(n_words):
    runs = cut_passages(n_words)
    assert {i for start, end in runs for i in range(start, end)} == set(range(n_words))
    assert {end - start for start, end in runs} == {min(n_words, PASSAGE_WORDS)}


def test_the_passage_with_the_rare_terms_is_chosen():
    filler = "the annual report of the harbour " * 40
    answer = "mooring fees rose to twelve crowns"
    (passage,) = choose_passages(
        "What are the mooring fees of the harbour?", [words(f"{filler} {answer} {filler}")]
    )
    assert answer in passage
    assert len(passage.split()) == PASSAGE_WORDS


def test_a_short_page_is_read_whole_and_an_empty_one_not_at_all():
    assert choose_passages("fees?", [words("Fees of May"), (), words("Bread")]) == [
        "Fees of May",
        "",
        "Bread",
    ]
    assert cut_passages(0) == []


def test_two_readings_of_one_page_say_the_same():
    page = (
        "the harbour master collects all fees from every boat that stays for more than a night " * 3
    )
    assert say_the_same(words(page), words(page.replace("stays", "stavs", 1)))
    assert say_the_same(words(page), words(page.upper()))


def test_next_months_statement_does_not_say_the_same():
    page = "Statement of account number 77 for the month of May total due " * 5
    assert not say_the_same(words(page + "312.50"), words(page + "298.10"))


def test_pages_that_share_half_their_words_or_have_none_do_not_say_the_same():
    assert not say_the_same(words("a harbour of boats"), words("a bakery of bread"))
    assert not say_the_same((), ())
    assert not say_the_same(words("harbour"), ())
