"""Snippets: the run of words on a page in which most of what matched stands."""

from __future__ import annotations

import numpy as np

from retrieval.records import Box, Evidence, Hit, Kind, Modality, StageScores, Word
from retrieval.snippets import SNIPPET_WORDS, cut_snippet


def lay_out(text):
    """Words one below the other."""
    words = text.split()
    height = 1 / len(words)
    return [Word(w, Box(0.1, i * height, 0.5, (i + 0.9) * height)) for i, w in enumerate(words)]


def build_hit(words, similar):
    """A page whose words answer "ferry" so well."""
    boxes = np.array([word.box for word in words], np.float32)
    similarities = np.array([[similar.get(word.text, 0.0) for word in words]], np.float32)
    evidence = Evidence(("ferry",), boxes, similarities, Modality.WORDS)
    return Hit("0" * 64, "report.pdf", 0, Kind.PAGE, 1.0, StageScores(), evidence)


def marked(snippet):
    return [part.text for part in snippet.parts if part.is_match]


def test_words_of_the_question_are_marked_in_any_form():
    words = lay_out("The ferries carried 9,870 people over the sound")
    snippet = cut_snippet("How many did the ferry carry?", build_hit(words, {}), words)
    assert marked(snippet) == ["ferries carried"]
    assert "".join(part.text + " " for part in snippet.parts).startswith(
        "The ferries carried 9,870"
    )
    assert snippet.starts_page and snippet.ends_page


def test_words_that_mean_the_same_are_marked_as_on_the_page():
    words = lay_out("A boat crosses the sound at noon")
    snippet = cut_snippet("ferry", build_hit(words, {"boat": 0.8}), words)
    assert marked(snippet) == ["boat"]


def test_of_a_long_page_the_part_is_shown_in_which_most_matches():
    filler = " ".join(f"w{i}" for i in range(100))
    words = lay_out(f"ferry {filler} ferry timetable and ferry fares {filler}")
    snippet = cut_snippet("ferry fares", build_hit(words, {}), words)
    assert sum(len(part.text.split()) for part in snippet.parts) == SNIPPET_WORDS
    assert marked(snippet) == ["ferry", "ferry fares"]
    assert not snippet.starts_page and not snippet.ends_page


def test_where_nothing_matched_there_is_no_snippet():
    words = lay_out("Nothing of the kind")
    assert cut_snippet("ferry", build_hit(words, {}), words) is None
    assert cut_snippet("ferry", build_hit(words, {}), []) is None
