"""What `evaluate` and `compare` do alike: name a corpus, ask a library, measure its index."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.library import Library
from ingest.sources import Source, find_files, read_source
from retrieval.disk import count_bytes
from retrieval.evaluation import DEPTH, PageName
from retrieval.index.base import PageFilter


@dataclass(frozen=True, slots=True)
class RankedPage:
    """A page at its place in a ranking; `page_number` is 1-based."""

    document_id: str
    page_number: int
    score: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a search found for a question.

    Attributes:
        pages: the best `DEPTH`, best first.
        seconds: how long the search took, evidence included.
    """

    pages: tuple[RankedPage, ...]
    seconds: float

    def name_pages(self, names: Mapping[str, str]) -> list[tuple[PageName, float]]:
        """The ranking as evaluation sets name pages; `names` are those of the documents."""
        # A document that was added meanwhile is judged by nobody.
        return [((names.get(p.document_id, ""), p.page_number), p.score) for p in self.pages]


@dataclass(frozen=True, slots=True)
class IndexSize:
    """What the index of a library takes on disk.

    Attributes:
        index_bytes: vectors, words and what they are found by.
        log_bytes: the write-ahead log, which does not grow with the library.
    """

    index_bytes: int
    log_bytes: int


def name_corpus(corpus: Path) -> dict[str, str]:
    """Document id -> file name, of all files of a corpus that can be read.

    They are the corpus's own names: a library may know the same bytes under another.
    """
    sources = [read_source(path) for path in find_files([corpus])]
    return {s.document_id: s.name for s in sources if isinstance(s, Source)}


def ask_question(
    library: Library, question: str, page_filter: PageFilter, **options: Any
) -> Ranking:
    """Searches a library as people search it.

    Args:
        library: is asked.
        question: what is looked for.
        page_filter: which pages may be found.
        options: those of `Library.search`, such as the mode.
    """
    started = time.perf_counter()
    answer = library.search(question, DEPTH, page_filter=page_filter, **options)
    seconds = time.perf_counter() - started
    pages = [RankedPage(hit.document_id, hit.page_number, hit.score) for hit in answer.hits]
    return Ranking(tuple(pages), seconds)


def measure_index(folder: Path) -> IndexSize | None:
    """The size of the index in a folder; None where there is none, as a Qdrant server holds it.

    The library must be closed: closing gives back what the index reserves while it is open.
    """
    if not folder.exists():
        return None
    log_bytes = count_bytes(folder / "wal")
    return IndexSize(count_bytes(folder) - log_bytes, log_bytes)
