"""Titles that could be questions: what stands in large type, what a table is called."""

import pytest

from retrieval.headings import (
    Title,
    clean_title,
    estimate_size,
    find_titles,
    measure_body,
)
from retrieval.records import Box, Word

BODY = 0.012


def write_line(text, top, *, size=BODY, left=0.1):
    """The words of a line, each in a box as tight as that of a text layer."""
    words, x = [], left
    for part in text.split(" "):
        width = 0.5 * size * len(part)
        is_tall = any(letter not in "acegmnopqrsuvwxyz" for letter in part)
        is_deep = any(letter in "gjpqy," for letter in part)
        box = Box(
            x,
            top + (0 if is_tall else 0.21 * size),
            x + width,
            top + (0.94 if is_deep else 0.73) * size,
        )
        if part:
            words.append(Word(part, box))
        x += width + 0.25 * size
    return words


def write_page(*lines):
    """A page of lines: (text, size), or text alone, with the space that a printer leaves."""
    words, top = [], 0.1
    for line in lines:
        text, size = line if isinstance(line, tuple) else (line, BODY)
        words += write_line(text, top, size=size)
        top += 1.25 * size
    return words


def titles(*lines, body=BODY):
    return [title.text for title in find_titles([(0, write_page(*lines))], body)]


def test_the_size_of_letters_is_the_same_for_short_and_tall_words():
    words = write_line("sun on a May day", 0.1)
    assert [estimate_size(word) for word in words] == pytest.approx([BODY] * 5, rel=0.01)


def test_the_text_is_as_large_as_most_of_its_words():
    pages = [
        write_page(("A large title", 0.03), "and text of many words below it"),
        write_page("more of the same text on another page"),
    ]
    assert measure_body(pages) == pytest.approx(BODY, rel=0.01)
    assert measure_body([]) == 0.0


def test_what_is_set_larger_than_the_text_is_a_title():
    assert titles(
        ("Mooring fees in winter", 0.018), "They are lower than in summer, as few yachts stay."
    ) == ["Mooring fees in winter"]


def test_a_title_over_two_lines_is_one():
    assert titles(
        ("How the tide is foretold", 0.02), ("from two numbers alone", 0.02), "It is easy to do."
    ) == ["How the tide is foretold from two numbers alone"]
    # Two titles of different sizes are two.
    assert titles(("The annual report", 0.03), ("Ferries and their crews", 0.018), "Text.") == [
        "The annual report",
        "Ferries and their crews",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "A sentence in large type is no title.",
        "continued from the page before",
        "Contents",
        "Table of Contents",
        "The ferry",
        "17",
    ],
)
def test_what_asks_for_nothing_is_no_title(line):
    assert titles((line, 0.02), "Some text below it.") == []


def test_large_type_is_not_looked_for_where_its_size_is_not_known():
    assert titles(("Mooring fees in winter", 0.018), "Text.", body=0.0) == []


def test_a_table_is_called_by_its_caption_without_its_number():
    assert titles(
        "Table 3: Mooring fees by length of the yacht",
        "in summer and in winter. Prices are in euros.",
        "Nothing of this.",
    ) == ["Mooring fees by length of the yacht in summer and in winter"]
    assert titles("Tab. 2-1. Lights of the coast", "as seen from the sea.") == [
        "Lights of the coast as seen from the sea"
    ]
    # A sentence about a table is none of it.
    assert titles("Table 3 shows the mooring fees.") == []


def test_each_title_names_its_page():
    pages = [(4, write_page("Table 1: Fog bells of Haldry")), (7, write_page("No title."))]
    assert list(find_titles(pages, BODY)) == [Title("Fog bells of Haldry", 4)]


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ("3.2 Mooring fees by length", "Mooring fees by length"),
        ("Chapter 4: Anchoring at night", "Anchoring at night"),
        ("A.1  Lights of   the coast", "Lights of the coast"),
        ("IV. Results of the trials", "Results of the trials"),
        ("Storm warnings ........ 12", "Storm warnings"),
        ("A guide to mooring yachts", "A guide to mooring yachts"),
        ("12 lanterns were ordered", "12 lanterns were ordered"),
        ("2024 annual report", "2024 annual report"),
        ("海の旅行案内", "海の旅行案内"),
        ("Executive summary", None),
        ("$ 12.00 44.00 EUR", None),
        ("Anchors", None),
        ("", None),
    ],
)
def test_titles_lose_their_numbers_and_nothing_else(given, title):
    assert clean_title(given) == title
