"""The finished comparisons that a library keeps, to be looked at later."""

from __future__ import annotations

import re
from abc import ABC
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter

from ingest.files import write_whole
from retrieval.comparison_errors import UnknownComparison

FOLDER = "comparisons"
NAME_FORMAT = "%Y-%m-%d-%H%M%S"
NAME = re.compile(r"\d{4}-\d\d-\d\d-\d{6}")


@dataclass(frozen=True, slots=True)
class ComparedVariant:
    """What is told of a variant before its report is opened.

    Attributes:
        score: its nDCG@10 with the interval, for people.
        verdict: how it compares with the first, for people.
    """

    name: str
    score: str
    verdict: str


@dataclass(frozen=True, slots=True)
class FinishedComparison:
    """A comparison whose report is kept.

    Attributes:
        name: what it is asked for by.
        title: what the set of questions is called.
    """

    name: str
    title: str
    made_at: datetime
    n_questions: int
    variants: tuple[ComparedVariant, ...]


FINISHED = TypeAdapter(FinishedComparison)


class Comparing(ABC):
    """What a library, which is one, keeps of its comparisons."""

    folder: Path

    def list_comparisons(self) -> list[FinishedComparison]:
        """The finished comparisons, newest first."""
        found = sorted((self.folder / FOLDER).glob("*.json"), reverse=True)
        return [FINISHED.validate_json(path.read_bytes()) for path in found]

    def read_comparison(self, name: str) -> str:
        """The report of a comparison, as HTML.

        Raises:
            UnknownComparison: there is none of this name.
        """
        path = self.folder / FOLDER / f"{name}.html"
        if not NAME.fullmatch(name) or not path.is_file():
            raise UnknownComparison(f"there is no comparison {name!r}")
        return path.read_text(encoding="utf-8")


def keep_comparison(library: Path, finished: FinishedComparison, report: str) -> None:
    """Writes a comparison into a library's folder, also while a server holds it.

    Raises:
        LibraryUnusable: it cannot be written.
    """
    # What is listed can be opened: the report comes first.
    with write_whole(library / FOLDER / f"{finished.name}.html") as part:
        part.write_text(report, encoding="utf-8")
    with write_whole(library / FOLDER / f"{finished.name}.json") as part:
        part.write_bytes(FINISHED.dump_json(finished))
