"""A small library that is moved to other encoders, and what it holds and finds."""

import threading
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from app.library import Library
from app.migration_record import Target
from app.settings import Settings
from tests.documents import draw_photo, write_text_pdf

POOLED = Target(pool_factor=2)
WAIT_S = 120

# Of different lengths, as which of two pages of one score comes first is chance.
SEEN = ["Gulls", "ropes", "nets", "barrels", "sails", "anchors"]
LOG = [
    f"Day {i} of the harbour log: the wind, the tide and lantern {i} of the pier. "
    + " ".join(SEEN[:i])
    for i in range(1, 7)
]
FILES = {
    "log.pdf": LOG,
    "bakery.pdf": ["Our bakery sells rye bread and plum cake.", "It opens at seven on weekdays."],
    "comet.pdf": ["A letter about the comet, seen through the telescope in March."],
}
QUESTIONS = [
    "Which lantern of the pier was lit on day 5?",
    "the wind and the tide",
    "when does the bakery open",
    "plum cake",
    "a comet in the telescope",
    "sunset over the water",
]
STAGES = ("maxsim", "bm25", "photo")


class MovingLibrary(NamedTuple):
    files: Path
    folder: Path


def make_library(root: Path) -> MovingLibrary:
    """A library of ten pages, one of them a photo."""
    (root / "files").mkdir()
    for name, pages in FILES.items():
        write_text_pdf(root / "files" / name, *pages)
    draw_photo().save(root / "files" / "dusk.png")
    with open_library(root / "library") as library:
        assert library.ingest([root / "files"], silent).pages == 10
    return MovingLibrary(root / "files", root / "library")


def open_library(folder, **settings):
    # What reads pages again is the same before and after.
    return Library(Settings(library=folder, reranker="none", **settings))


def silent(progress):
    pass


def list_hits(library, question):
    """What a question finds, and the scores of it: sums whose order is not always the same."""
    answer = library.search(question, 10)
    scores = [
        [hit.score, *(getattr(hit.scores, stage) or 0.0 for stage in STAGES)] for hit in answer.hits
    ]
    hits = [
        (hit.document, hit.page_number, hit.duplicates, [match.box for match in hit.matches])
        for hit in answer.hits
    ]
    return (answer.is_good, hits), np.array(scores)


def assert_found_alike(library, other):
    for question in QUESTIONS:
        (found, scores), (expected, expected_scores) = (
            list_hits(each, question) for each in (library, other)
        )
        assert found == expected
        assert scores == pytest.approx(expected_scores, abs=1e-4)


def list_stored(library):
    """All that a library holds of its pages, in the order of their names."""
    names = {d.document_id: d.name for d in library.list_documents()}
    pages = sorted(library._index.list_pages(), key=lambda page: (names[page[0]], page[1]))
    stored = library._index.fetch(pages)
    return [
        (
            names[page[0]],
            page[1],
            None if embedding is None else embedding.vectors.tolist(),
            library._index.fetch_photo(*page) is None,
            words,
            next(p for p in library.list_pages(page[0]) if p.page_index == page[1]),
        )
        for page, embedding, words in zip(
            pages, stored, library._index.fetch_words(pages), strict=True
        )
    ]


@contextmanager
def searched(library):
    """Searches all the while, once the models are loaded; gives what was found, and what failed."""
    begun, ending, found, failed = threading.Event(), threading.Event(), [], []

    def search():
        while not ending.is_set():
            for question in QUESTIONS:
                try:
                    found.append(bool(library.search(question, 3).hits))
                except Exception as error:
                    failed.append(error)
                begun.set()

    searching = threading.Thread(target=search)
    searching.start()
    try:
        assert begun.wait(WAIT_S)
        yield found, failed
    finally:
        ending.set()
        searching.join(WAIT_S)
