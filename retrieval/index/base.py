"""What a vector index is, and the records it takes and gives."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.index.cells import Codebook
from retrieval.lexical import SparseVector
from retrieval.records import Kind, PageEmbedding, QueryEmbedding, Word
from retrieval.text_encoders.base import NO_TEXT, Channel, TextEmbedding
from retrieval.text_encoders.channels import ChannelSpace

# Any fixed namespace will do; this one makes point ids of Pagelens differ from anyone else's.
POINT_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "pagelens:page")


class VectorStorage(str, Enum):
    """How the numbers of page vectors are stored; queries are always float32."""

    FLOAT16 = "float16"
    TURBO8 = "turbo8"
    TURBO4 = "turbo4"


@dataclass(frozen=True, slots=True)
class IndexLayout:
    """What an index is made for; it cannot be changed afterwards.

    Attributes:
        dim: length of a page vector.
        encoder_key: the encoder that the vectors are from.
        storage: how they are stored.
        channels: the spaces of the channels besides, each a named vector of every page that has
            words; stored as float16, weights of terms as float32.
    """

    dim: int
    encoder_key: str
    storage: VectorStorage
    channels: tuple[ChannelSpace, ...] = ()


@dataclass(frozen=True, slots=True)
class IndexedPage:
    """A page as it is stored: its vectors, its words, and the fields it can be filtered by.

    Attributes:
        document_id: SHA-256 of the file's bytes.
        document: the file's name.
        page_index: 0-based.
        added_at: when the document was added, with its time zone.
        embedding: its page vectors.
        words: in reading order; what BM25 ranks and the reranker reads.
        photo: float16 `[photo_dim]`, of unit length, in the photo space; None for a page.
        tags: what people call the document's kind or place.
        channels: what text encoders made of its words.
        sound: float16 `[n_windows, sound_dim]`, each of unit length; None for what is no recording.
    """

    document_id: str
    document: str
    page_index: int
    kind: Kind
    added_at: datetime
    embedding: PageEmbedding
    words: tuple[Word, ...] = ()
    photo: NDArray[np.float16] | None = None
    tags: tuple[str, ...] = ()
    channels: TextEmbedding = NO_TEXT
    sound: NDArray[np.float16] | None = None


@dataclass(frozen=True, slots=True)
class ScoredPage:
    """A page found, with its score: MaxSim, BM25, or a dot product of single vectors.

    Attributes:
        document_id: SHA-256 of the file's bytes.
        document: the file's name.
        page_index: 0-based.
        has_words: whether words of it are stored.
    """

    document_id: str
    document: str
    page_index: int
    kind: Kind
    score: float
    has_words: bool = True


@dataclass(frozen=True, slots=True)
class PageFilter:
    """Which pages a search may return; applied inside the index. All that is given must hold.

    Attributes:
        documents: ids to search in; None for all.
        excluded: ids to leave out.
        kind: only pages, only photos or only sounds; None for all.
        tags: the document bears at least one of these; empty for any document.
        pages: first and last page number, 1-based, both included; None where it is open.
        added: from and until when the document was added, both included; None where it is open.
    """

    documents: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()
    kind: Kind | None = None
    tags: frozenset[str] = frozenset()
    pages: tuple[int | None, int | None] = (None, None)
    added: tuple[datetime | None, datetime | None] = (None, None)


ALL_PAGES = PageFilter()


class PageIndex(Protocol):
    """Stores pages, and ranks them by MaxSim of their vectors and by BM25 of their words."""

    def upsert(self, pages: Sequence[IndexedPage]) -> None:
        """Stores pages, replacing those stored before; what can be found by nothing is passed over.

        All are checked before the first is written, so a bad page stores nothing of its batch.

        Raises:
            InvalidEmbedding: a page's dimension is not the index's, or not that of a channel.
            IndexFailed: the pages could not be written.
        """

    def search(
        self,
        query: QueryEmbedding,
        limit: int,
        page_filter: PageFilter = ALL_PAGES,
        *,
        exact: bool = False,
    ) -> list[ScoredPage]:
        """The `limit` best pages by MaxSim, best first.

        An index with a first stage looks only at the candidates that this finds, unless `exact`;
        the score is that of MaxSim either way.

        Raises:
            InvalidEmbedding: the query's dimension is not the index's.
        """

    def search_words(
        self, terms: SparseVector, limit: int, page_filter: PageFilter = ALL_PAGES
    ) -> list[ScoredPage]:
        """The `limit` best pages by BM25, best first; only pages that hold one of the terms."""

    def search_channel(
        self,
        channel: Channel,
        query: TextEmbedding,
        limit: int,
        page_filter: PageFilter = ALL_PAGES,
    ) -> list[ScoredPage]:
        """The `limit` best pages in a channel, best first; none where index or query lacks it.

        By the dot product of the best passage for dense vectors, by MaxSim for those of tokens, and
        by the dot product of weights for terms, among pages that hold one of them.

        Raises:
            InvalidEmbedding: the query's dimension is not the channel's.
        """

    def search_photos(
        self, vector: NDArray[np.float32], limit: int, page_filter: PageFilter = ALL_PAGES
    ) -> list[ScoredPage]:
        """The `limit` best photos by dot product with a vector `[photo_dim]`, best first.

        Raises:
            InvalidEmbedding: the photos stored have another dimension.
        """

    def search_sounds(
        self, vectors: NDArray[np.float32], limit: int, page_filter: PageFilter = ALL_PAGES
    ) -> list[ScoredPage]:
        """The `limit` best recordings by MaxSim with vectors `[n, sound_dim]`, best first.

        With one vector that is the dot product of the recording's best window.

        Raises:
            InvalidEmbedding: the sounds stored have another dimension.
        """

    def use_codebook(self, codebook: Codebook | None) -> None:
        """Gives the index its first stage, or takes it away: without one every search is exact.

        Pages stored from now on get their cells; those stored before must have them already.
        """

    def write_cells(self, cells: Mapping[tuple[str, int], NDArray[np.int64]]) -> None:
        """Stores the cells of pages that are there: (document id, page index) -> cells."""

    def write_tags(self, document_id: str, tags: Sequence[str]) -> None:
        """Gives all pages of a document these tags instead of those that they have."""

    def fetch_photo(self, document_id: str, page_index: int) -> NDArray[np.float16] | None:
        """The stored photo vector `[photo_dim]`; None for what has none."""

    def fetch_sound(self, document_id: str, page_index: int) -> NDArray[np.float16] | None:
        """The stored sound vectors `[n_windows, sound_dim]`; None for what has none."""

    def fetch(self, pages: Sequence[tuple[str, int]]) -> list[PageEmbedding | None]:
        """The stored page vectors of (document id, page index); None where there are none."""

    def fetch_texts(self, pages: Sequence[tuple[str, int]]) -> list[tuple[str, ...]]:
        """What the stored words of (document id, page index) say; empty where there are none."""

    def fetch_words(self, pages: Sequence[tuple[str, int]]) -> list[tuple[Word, ...]]:
        """The stored words of (document id, page index) with their boxes, in reading order.

        Empty where there are none. Where only what they say is wanted, `fetch_texts` reads less.
        """

    def list_pages(self) -> set[tuple[str, int]]:
        """(document id, page index) of every page stored."""

    def delete_documents(self, document_ids: Collection[str]) -> None:
        """Removes every page of these documents; unknown ids change nothing."""

    def count(self, page_filter: PageFilter = ALL_PAGES) -> int:
        """The number of pages stored."""

    def optimize(self) -> None:
        """Merges what was written, and gives back what was deleted.

        Worth it after a batch; searches may have to wait until it is done.
        """

    def snapshot(self, scratch: Path) -> Path:
        """All that is stored, as the folder of an embedded index, for a backup to read.

        It may be the folder of this very index: it holds still only while nothing is written.

        Args:
            scratch: an empty folder, where the index is written if it is elsewhere.
        """

    def close(self) -> None:
        """Writes what is pending and gives the storage back."""


def point_id(document_id: str, page_index: int, encoder_key: str) -> str:
    """The id of a page's point: the same page and encoder give the same point, always."""
    return str(uuid.uuid5(POINT_NAMESPACE, f"{document_id}/{page_index}/{encoder_key}"))
