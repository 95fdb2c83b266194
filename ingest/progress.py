"""How far a long job has come, and what an ingest run did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

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
    "proposing": "documents",
    "asking": "pages",
    "mining": "questions",
    "rendering": "pages",
    "encoding": "pages",
    "training": "steps",
    "copying": "pages",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long job has come.

    Attributes:
        stage: "checking" files, "indexing" pages, "searching" for the answers to questions, ...
        done: files, pages or questions done.
        total: of so many.
        document: the name of the one at hand.
    """

    stage: str
    done: int
    total: int
    document: str


class Outcome(str, Enum):
    """What became of a file that was handed in."""

    ADDED = "added"
    ALREADY_THERE = "already_there"
    PAGES_LEFT_OUT = "pages_left_out"
    REFUSED = "refused"

    @property
    def is_new(self) -> bool:
        """Whether the run made a document of the file."""
        return self in (Outcome.ADDED, Outcome.PAGES_LEFT_OUT)


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file.

    Attributes:
        path: where it was found.
        document_id: SHA-256 of its bytes; None if it was refused.
        n_pages: indexed by this run; of the whole document where it was there already.
        error: why it was refused, or which pages are left out; None if nothing is missing.
    """

    path: Path
    outcome: Outcome
    document_id: str | None
    n_pages: int
    error: str | None

    @classmethod
    def refused(cls, path: Path, error: str) -> FileReport:
        """A file that the library did not take."""
        return cls(path, Outcome.REFUSED, None, 0, error)


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest run did.

    Attributes:
        files: those handed in, and those that an earlier run had left, as they were done.
        seconds: the whole run; `indexing_seconds`, without the checking of files.
    """

    files: tuple[FileReport, ...]
    seconds: float
    indexing_seconds: float

    @property
    def documents(self) -> int:
        """Documents added by this run."""
        return sum(file.outcome.is_new for file in self.files)

    @property
    def pages(self) -> int:
        """Pages indexed by this run."""
        return sum(file.n_pages for file in self.files if file.outcome.is_new)

    @property
    def skipped(self) -> int:
        """Files that the library held already."""
        return sum(file.outcome is Outcome.ALREADY_THERE for file in self.files)

    @property
    def failed(self) -> tuple[Refusal, ...]:
        """Files refused, and those with pages that could not be rendered."""
        return tuple(Refusal(file.path, file.error) for file in self.files if file.error)

    @property
    def pages_per_second(self) -> float | None:
        """How fast pages were indexed; None if there were none."""
        return self.pages / self.indexing_seconds if self.pages else None


OnProgress = Callable[[Progress], None]

# Is told each file once, as soon as it is done with.
OnFile = Callable[[FileReport], None]


def pass_over(_: FileReport) -> None:
    """For those whom the report at the end is enough."""
