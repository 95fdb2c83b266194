"""The documents of a library as a shelf: listed, sorted, tagged, made anew."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ingest.documents import Document, Documents
from ingest.ingestion import Ingestion
from ingest.jobs import Job
from retrieval.records import Kind


class DocumentOrder(str, Enum):
    """What documents are sorted by."""

    NAME = "name"
    ADDED = "added"
    PAGES = "pages"
    SIZE = "size"


SORT_KEYS: dict[DocumentOrder, Callable[[Document], Any]] = {
    DocumentOrder.NAME: lambda document: document.name.casefold(),
    DocumentOrder.ADDED: lambda document: document.added_at,
    DocumentOrder.PAGES: lambda document: document.n_pages,
    DocumentOrder.SIZE: lambda document: document.n_bytes,
}


@dataclass(frozen=True, slots=True)
class DocumentQuery:
    """Which documents are listed, and in what order. All that is given must hold.

    Attributes:
        contains: stands in the name, in capitals or not.
        kind: pages, photos or sounds; None for all.
        tag: one that the document bears.
        sort: equal ones are listed newest first.
        is_descending: None for names from A, and else what is newest or largest first.
    """

    contains: str | None = None
    kind: Kind | None = None
    tag: str | None = None
    sort: DocumentOrder = DocumentOrder.ADDED
    is_descending: bool | None = None

    def admits(self, document: Document) -> bool:
        """Whether a document is one of them."""
        return (
            (self.contains is None or self.contains.casefold() in document.name.casefold())
            and (self.kind is None or document.kind is self.kind)
            and (self.tag is None or self.tag in document.tags)
        )


EVERY_DOCUMENT = DocumentQuery()


@dataclass(frozen=True, slots=True)
class TagCount:
    """A tag, and how many documents bear it."""

    tag: str
    n_documents: int


class Cataloguing(ABC):
    """What a library, which is one, knows and changes of its documents as a whole."""

    jobs: Ingestion
    _documents: Documents

    @abstractmethod
    def check_writable(self) -> None:
        """Refuses what would change a library that is read-only; see `Library`."""

    @abstractmethod
    def find_document(self, name: str) -> Document:
        """The document of this name or id; see `Library`."""

    def list_documents(self, query: DocumentQuery = EVERY_DOCUMENT) -> list[Document]:
        """The documents that can be searched; all of them, newest first, if nothing is said."""
        found = [document for document in self._documents.list_whole() if query.admits(document)]
        is_descending = query.is_descending
        if is_descending is None:
            is_descending = query.sort is not DocumentOrder.NAME
        return sorted(found, key=SORT_KEYS[query.sort], reverse=is_descending)

    def list_tags(self) -> list[TagCount]:
        """Every tag of a document that can be searched, the most frequent first."""
        counted = Counter(tag for document in self.list_documents() for tag in document.tags)
        found = [TagCount(tag, n_documents) for tag, n_documents in counted.items()]
        return sorted(found, key=lambda tag: (-tag.n_documents, tag.tag.casefold()))

    def write_tags(self, document_id: str, tags: Iterable[str]) -> Document:
        """Gives a document these tags instead of those that it has.

        Raises:
            UnknownDocument: there is no such document.
            ReadOnlyLibrary: nobody may change it.
        """
        self.check_writable()
        document = self.find_document(document_id)
        self.jobs.write_tags(document, tags)
        return self.find_document(document.document_id)

    def reindex(self, document_id: str) -> Job:
        """Makes a document anew from its original: rendered, read and encoded as if just added.

        It is not found by searches until its job is done.

        Raises:
            UnknownDocument: there is no such document.
            UnreadableFile: the library has lost its original; nothing is changed.
            ReadOnlyLibrary: nobody may change it.
        """
        self.check_writable()
        return self.jobs.add_again(self.find_document(document_id))
