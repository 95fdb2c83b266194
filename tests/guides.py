"""README and guides as the tests read them: sections, tables, links, and what stands in fences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.terminal import ROOT

README = ROOT / "README.md"
GUIDES = [README, *sorted((ROOT / "docs").glob("*.md"))]
# All that is written for people; other pages are linked to, too.
PAGES = [*GUIDES, ROOT / "CHANGELOG.md", ROOT / "sample_docs" / "README.md"]

FENCE = re.compile(
    r"^(?:<!-- run: (?P<mark>\w+) -->\n)?(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\]\(([^()\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")


class Fence(NamedTuple):
    """What stands between fences.

    Attributes:
        place: the file and line that it begins at.
        mark: where it is run: `terminal` or `server`; empty where it is not.
    """

    place: str
    mark: str
    language: str
    text: str


class Command(NamedTuple):
    """A line behind a `$`, without its comment, and what is shown of what it prints."""

    line: str
    shown: str


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def read_all() -> str:
    """README and guides, one after the other."""
    return "\n".join(map(read, GUIDES))


def find_fences(page: Path) -> Iterator[Fence]:
    text = read(page)
    for found in FENCE.finditer(text):
        place = f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1}"
        indent = found["indent"]
        lines = (line.removeprefix(indent) for line in found["text"].splitlines(keepends=True))
        yield Fence(place, found["mark"] or "", found["language"], "".join(lines))


def find_commands(fence: Fence) -> Iterator[Command]:
    for part in re.split(r"^\$ ", fence.text, flags=re.MULTILINE)[1:]:
        line, _, shown = part.partition("\n")
        yield Command(re.sub(r"\s{2,}# .*$", "", line).strip(), shown.strip())


def find_links(page: Path) -> list[str]:
    """Where the links and pictures of a page lead, as they stand there."""
    text = FENCE.sub("", read(page))
    return [next(filter(None, found)) for found in LINK.findall(text)]


def find_anchors(page: Path) -> set[str]:
    """What a link can name behind the `#`: the headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", read(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def find_rows(text: str, *header: str) -> list[list[str]]:
    """The cells of the one table whose head this is."""
    head = rf"^\| {re.escape(' | '.join(header))} \|\n\|[-|]+\|\n"
    (table,) = re.findall(rf"{head}((?:\|.*\n)+)", text, re.MULTILINE)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert all(len(row) == len(header) for row in rows), rows
    return rows
