"""What a vector index is, and the records it takes and gives."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.records import Kind, PageEmbedding, QueryEmbedding

# Any fixed namespace will do; this one makes point ids of Pagelens differ from anyone else's.
POINT_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "pagelens:page")


@dataclass(frozen=True, slots=True)
class IndexedPage:
    """A page as it is stored: its embedding and the fields it can be filtered by.

    Attributes:
        document_id: SHA-256 of the file's bytes.
        document: the file's name.
        page_index: 0-based.
        added_at: when the document was added, with its time zone.
        embedding: its page vectors.
        photo: float16 `[photo_dim]`, of unit length, in the photo space; None for a page.
    """

    document_id: str
    document: str
    page_index: int
    kind: Kind
    added_at: datetime
    embedding: PageEmbedding
    photo: NDArray[np.float16] | None = None


@dataclass(frozen=True, slots=True)
class ScoredPage:
    """A page found, with its score: MaxSim, or the dot product of photo vectors."""

    document_id: str
    document: str
    page_index: int
    kind: Kind
    score: float


@dataclass(frozen=True, slots=True)
class PageFilter:
    """Which pages a search may return; applied inside the index.

    Attributes:
        documents: ids to search in; None for all.
        excluded: ids to leave out.
        kind: only pages, or only photos; None for both.
    """

    documents: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()
    kind: Kind | None = None


ALL_PAGES = PageFilter()


class PageIndex(Protocol):
    """Stores multi-vectors of pages and ranks them by MaxSim."""

    def upsert(self, pages: Sequence[IndexedPage]) -> None:
        """Stores pages, replacing those stored before; what has no vector at all is passed over.

        All are checked before the first is written, so a bad page stores nothing of its batch.

        Raises:
            InvalidEmbedding: a page's dimension is not the index's.
            IndexFailed: the pages could not be written.
        """

    def search(
        self, query: QueryEmbedding, limit: int, page_filter: PageFilter = ALL_PAGES
    ) -> list[ScoredPage]:
        """The `limit` best pages by exact MaxSim, best first.

        Raises:
            InvalidEmbedding: the query's dimension is not the index's.
        """

    def search_photos(
        self, vector: NDArray[np.float32], limit: int, page_filter: PageFilter = ALL_PAGES
    ) -> list[ScoredPage]:
        """The `limit` best photos by dot product with a vector `[photo_dim]`, best first.

        Raises:
            InvalidEmbedding: the photos stored have another dimension.
        """

    def fetch_photo(self, document_id: str, page_index: int) -> NDArray[np.float16] | None:
        """The stored photo vector `[photo_dim]`; None for what has none."""

    def fetch(self, pages: Sequence[tuple[str, int]]) -> list[PageEmbedding | None]:
        """The stored page vectors of (document id, page index); None where there are none."""

    def delete_documents(self, document_ids: Collection[str]) -> None:
        """Removes every page of these documents; unknown ids change nothing."""

    def count(self, page_filter: PageFilter = ALL_PAGES) -> int:
        """The number of pages stored."""

    def optimize(self) -> None:
        """Makes stored pages durable and quick to search; blocks, and is worth it after a batch."""

    def close(self) -> None:
        """Writes what is pending and gives the storage back."""


def point_id(document_id: str, page_index: int, encoder_key: str) -> str:
    """The id of a page's point: the same page and encoder give the same point, always."""
    return str(uuid.uuid5(POINT_NAMESPACE, f"{document_id}/{page_index}/{encoder_key}"))
