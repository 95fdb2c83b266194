"""Which titles of a library's pages are proposed as questions, and which pages have none yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from ingest.documents import Document, Documents
from ingest.files import LibraryFiles
from ingest.media_types import MediaType
from ingest.outline import read_outline
from ingest.progress import OnProgress, Progress
from ingest.questions import hash_text
from ingest.render_pool import RenderPool
from retrieval.errors import FileRefused
from retrieval.headings import Title, clean_title, find_titles, measure_body
from retrieval.index.base import PageIndex
from retrieval.questions import RelevantPage
from retrieval.records import Kind, TextSource

# Pages whose words are in memory at once, and by which the size of a document's text is judged.
PAGES_AT_ONCE = 50

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A text that could be a question, and the page that it stands on."""

    text: str
    page: RelevantPage


@dataclass(frozen=True, slots=True)
class TitleReader:
    """Reads the titles of documents: bookmarks, lines in large type, captions of tables.

    Attributes:
        documents: what is known of their pages.
        files: hold their originals.
        index: holds their words.
    """

    documents: Documents
    files: LibraryFiles
    index: PageIndex

    def propose(
        self, documents: Sequence[Document], known: Collection[str], on_progress: OnProgress
    ) -> list[list[Proposal]]:
        """What each document's titles come to, in their order; see `choose_titles`.

        Args:
            documents: of the library.
            known: `hash_text` of what is not proposed.
            on_progress: called as documents are read.
        """
        titles: dict[str, list[Title]] = {}
        # Originals are read in a process of their own: a hostile one may crash it.
        with RenderPool(1) as pool:
            for done, document in enumerate(documents):
                on_progress(Progress("proposing", done, len(documents), document.name))
                if document.kind is Kind.PAGE:
                    titles[document.document_id] = self._read(document, pool)
        on_progress(Progress("proposing", len(documents), len(documents), ""))
        return choose_titles(titles, known)

    def _read(self, document: Document, pool: RenderPool) -> list[Title]:
        outline = [
            Title(text, title.page_index)
            for title in self._read_outline(document, pool)
            if (text := clean_title(title.text)) is not None
        ]
        # The outline knows best where a part begins: a line may be the head of many pages.
        in_outline = {hash_text(title.text) for title in outline}
        on_pages = self._read_pages(document.document_id)
        return outline + [t for t in on_pages if hash_text(t.text) not in in_outline]

    def _read_outline(self, document: Document, pool: RenderPool) -> list[Title]:
        original = self.files.find_original(document.document_id)
        if original is None or document.media_type is not MediaType.PDF:
            return []
        outline: list[Title] = []
        # Its pages may be readable all the same.
        with suppress(FileRefused):
            outline = pool.run(read_outline, original)
        return outline

    def _read_pages(self, document_id: str) -> Iterator[Title]:
        sources = {
            page.page_index: page.text_source
            for page in self.documents.list_pages(document_id)
            if page.error is None and page.text_source is not TextSource.NONE
        }
        indexes = list(sources)
        # How large letters are is not known of words that OCR read: its boxes are as tall as lines.
        exact = [index for index in indexes if sources[index] is TextSource.TEXT_LAYER]
        sample = take_evenly(exact, PAGES_AT_ONCE)
        body = measure_body(self.index.fetch_words([(document_id, i) for i in sample]))
        for start in range(0, len(indexes), PAGES_AT_ONCE):
            some = indexes[start : start + PAGES_AT_ONCE]
            for index, words in zip(
                some, self.index.fetch_words([(document_id, i) for i in some]), strict=True
            ):
                is_exact = sources[index] is TextSource.TEXT_LAYER
                yield from find_titles([(index, words)], body if is_exact else 0.0)


def choose_titles(
    titles: Mapping[str, Sequence[Title]], known: Collection[str]
) -> list[list[Proposal]]:
    """The titles of each document that stand on one page of all documents, and on no other.

    What stands on several names none of them.

    Args:
        titles: by document id.
        known: `hash_text` of those that are left out.
    """
    places: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for document_id, found in titles.items():
        for title in found:
            places[hash_text(title.text)].add((document_id, title.page_index))
    chosen = []
    for document_id, found in titles.items():
        once = {
            key: Proposal(title.text, RelevantPage(document_id, title.page_index))
            for title in reversed(found)
            if len(places[key := hash_text(title.text)]) == 1 and key not in known
        }
        chosen.append(sorted(once.values(), key=lambda proposal: proposal.page.page_index))
    return chosen


def share_out(groups: Sequence[Sequence[Item]], limit: int) -> list[Item]:
    """At most `limit` of all items: as many of each group as can be, and from all over it."""
    left = limit
    counts = [0] * len(groups)
    while left > 0 and any(n < len(group) for n, group in zip(counts, groups, strict=True)):
        for place, group in enumerate(groups):
            if counts[place] < len(group) and left > 0:
                counts[place] += 1
                left -= 1
    return [item for n, group in zip(counts, groups, strict=True) for item in take_evenly(group, n)]


def take_evenly(items: Sequence[Item], n: int) -> list[Item]:
    """At most `n` of the items, in their order, as far apart as can be."""
    n = min(n, len(items))
    return [items[place * len(items) // n] for place in range(n)]
