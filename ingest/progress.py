"""How far a long job has come, and what an ingest run did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ingest.sources import Refusal

# What is counted in each stage of a long job.
STAGE_UNITS = {
    "checking": "files",
    "indexing": "pages",
    "searching": "questions",
    "comparing": "questions",
    "arranging": "pages",
    "saving": "files",
    "receiving": "MB",
    "restoring": "files",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long job has come.

    Attributes:
        stage: "checking" files, "indexing" pages, or "searching" for the answers to questions.
        done: files, pages or questions done.
        total: of so many.
        document: the name of the one at hand.
    """

    stage: str
    done: int
    total: int
    document: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest run did.

    Attributes:
        documents: added by this run.
        pages: indexed by this run.
        skipped: files that the library held already.
        failed: files refused, and pages that could not be rendered.
        seconds: the whole run; `indexing_seconds`, without the checking of files.
    """

    documents: int
    pages: int
    skipped: int
    failed: tuple[Refusal, ...]
    seconds: float
    indexing_seconds: float


OnProgress = Callable[[Progress], None]
