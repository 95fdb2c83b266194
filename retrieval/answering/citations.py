"""Citations such as [report.pdf, p. 3]: how pages are called, and how a model's are read.

Only pages that were given can be cited. What else stands in brackets stays plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retrieval.answering.records import CitedPage, FoundPage

NAME_CHARACTERS = 120

IN_BRACKETS = re.compile(r"\[([^\[\]\n]+)\]")
PAGES_OF = re.compile(r"(.+?),\s*p(?:p|ages?)?\.?\s*(\d[\d\s,–-]*)", re.IGNORECASE)
RANGE = re.compile(r"(\d{1,7})\s*[–-]\s*(\d{1,7})|(\d{1,7})")


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in a text that cites pages.

    Attributes:
        start: of its opening bracket, in characters.
        end: behind its closing bracket.
        pages: those cited, of the pages given.
    """

    start: int
    end: int
    pages: tuple[CitedPage, ...]


def label_pages(pages: Sequence[FoundPage]) -> list[str]:
    """What each page is called in an answer: `report.pdf, p. 3`; documents of one name differ."""
    bearers: dict[str, set[str]] = {}
    for page in pages:
        bearers.setdefault(_clean_name(page.document), set()).add(page.document_id)
    labels = []
    for page in pages:
        name = _clean_name(page.document)
        told_apart = f"{name} {page.document_id[:6]}" if len(bearers[name]) > 1 else name
        labels.append(f"{told_apart}, p. {page.page_number}")
    return labels


def find_mentions(text: str, pages: Sequence[CitedPage]) -> Iterator[Mention]:
    """The places in a text that cite pages given; brackets that cite none are passed over."""
    known = {_fold(page.label): page for page in pages}
    for match in IN_BRACKETS.finditer(text):
        cited = [
            known[label]
            for part in match[1].split(";")
            for label in _read_labels(part)
            if label in known
        ]
        if cited:
            yield Mention(match.start(), match.end(), tuple(dict.fromkeys(cited)))


def _read_labels(part: str) -> Iterator[str]:
    read = PAGES_OF.fullmatch(part.strip())
    if read is None:
        return
    for first, last, alone in RANGE.findall(read[2]):
        begin, end = (int(alone), int(alone)) if alone else (int(first), int(last))
        # As many pages as are ever given; a range without end is no citation.
        for number in range(begin, min(end, begin + 20) + 1):
            yield _fold(f"{read[1]}, p. {number}")


def _fold(label: str) -> str:
    return " ".join(label.split()).casefold()


def _clean_name(name: str) -> str:
    """A file's name on one line, without what could be taken for the end of a citation."""
    line = "".join(c if c.isprintable() else " " for c in name)
    line = line.translate(
        {ord("["): "(", ord("]"): ")", ord("<"): "‹", ord(">"): "›", ord(";"): ","}
    )
    return " ".join(line.split())[:NAME_CHARACTERS]
