"""What every Qdrant backend does alike: which query is asked, and how pages are read back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.index.base import ALL_PAGES, IndexLayout, PageFilter, ScoredPage, point_id
from retrieval.index.cells import Codebook
from retrieval.index.channels import NamedVector, ask_channel
from retrieval.index.filters import Clauses, list_clauses
from retrieval.index.points import (
    CELLS,
    EMBEDDING_FIELDS,
    PAGE,
    PHOTO,
    SOUND,
    TEXT_FIELDS,
    WORD_FIELDS,
    WORDS,
    ask_cells,
    check_dim,
    collect_embeddings,
    collect_texts,
    collect_vectors,
    collect_words,
)
from retrieval.lexical import SparseVector
from retrieval.records import PageEmbedding, QueryEmbedding, Word
from retrieval.text_encoders.base import Channel, TextEmbedding


@dataclass(frozen=True, slots=True)
class Nearest:
    """A query that backends compile.

    Attributes:
        vectors: a multi-vector, a sparse or a dense vector.
        using: the named vector that it is compared with.
        limit: how many points are wanted.
        where: which points may be found. They have the named vector: others would come too, with a
            score of 0.
        prefetch: finds the candidates that are compared; None for all points.
    """

    vectors: NamedVector
    using: str
    limit: int
    where: Clauses
    prefetch: Nearest | None = None


class StoredPages(ABC):
    """Asks for pages, reads them back by their ids, and keeps the codebook of the first stage."""

    def __init__(self, layout: IndexLayout, prefetch_pages: int) -> None:
        self._layout = layout
        self._prefetch_pages = prefetch_pages
        self._codebook: Codebook | None = None

    def search(
        self,
        query: QueryEmbedding,
        limit: int,
        page_filter: PageFilter = ALL_PAGES,
        *,
        exact: bool = False,
    ) -> list[ScoredPage]:
        """The best pages by MaxSim; see `PageIndex.search`."""
        if not len(query.vectors):
            return []
        check_dim(query.vectors, self._layout.dim)
        candidates = None
        if self._codebook is not None and not exact:
            candidates = Nearest(
                ask_cells(self._codebook, query.vectors),
                CELLS,
                max(limit, self._prefetch_pages),
                list_clauses(page_filter, having=CELLS),
            )
        where = list_clauses(page_filter, having=PAGE)
        return self.find(Nearest(query.vectors.tolist(), PAGE, limit, where, candidates))

    def search_words(
        self, terms: SparseVector, limit: int, page_filter: PageFilter = ALL_PAGES
    ) -> list[ScoredPage]:
        """The best pages by BM25; see `PageIndex.search_words`."""
        if not terms.indices:
            return []
        return self.find(Nearest(terms, WORDS, limit, list_clauses(page_filter, having=WORDS)))

    def search_channel(
        self,
        channel: Channel,
        query: TextEmbedding,
        limit: int,
        page_filter: PageFilter = ALL_PAGES,
    ) -> list[ScoredPage]:
        """The best pages in a channel; see `PageIndex.search_channel`."""
        asked = ask_channel(channel, query, self._layout)
        if asked is None:
            return []
        where = list_clauses(page_filter, having=channel.value)
        return self.find(Nearest(asked, channel.value, limit, where))

    def search_photos(
        self, vector: NDArray[np.float32], limit: int, page_filter: PageFilter = ALL_PAGES
    ) -> list[ScoredPage]:
        """The best photos; see `PageIndex.search_photos`."""
        if not self._has_space(PHOTO, len(vector)):
            return []
        where = list_clauses(page_filter, having=PHOTO)
        return self.find(Nearest(vector.tolist(), PHOTO, limit, where))

    def search_sounds(
        self, vectors: NDArray[np.float32], limit: int, page_filter: PageFilter = ALL_PAGES
    ) -> list[ScoredPage]:
        """The best recordings; see `PageIndex.search_sounds`."""
        if not self._has_space(SOUND, vectors.shape[1]):
            return []
        where = list_clauses(page_filter, having=SOUND)
        return self.find(Nearest(vectors.tolist(), SOUND, limit, where))

    def fetch_photo(self, document_id: str, page_index: int) -> NDArray[np.float16] | None:
        """The stored photo vector; see `PageIndex.fetch_photo`."""
        return self._fetch_vectors(PHOTO, (document_id, page_index))

    def fetch_sound(self, document_id: str, page_index: int) -> NDArray[np.float16] | None:
        """The stored sound vectors; see `PageIndex.fetch_sound`."""
        return self._fetch_vectors(SOUND, (document_id, page_index))

    def fetch(self, pages: Sequence[tuple[str, int]]) -> list[PageEmbedding | None]:
        """Stored embeddings; see `PageIndex.fetch`."""
        found = collect_embeddings(self._retrieve(pages, EMBEDDING_FIELDS, [PAGE]))
        return [found.get(self._id(page)) for page in pages]

    def fetch_texts(self, pages: Sequence[tuple[str, int]]) -> list[tuple[str, ...]]:
        """What stored words say; see `PageIndex.fetch_texts`."""
        found = collect_texts(self._retrieve(pages, TEXT_FIELDS, []))
        return [found.get(self._id(page), ()) for page in pages]

    def fetch_words(self, pages: Sequence[tuple[str, int]]) -> list[tuple[Word, ...]]:
        """Stored words with their boxes; see `PageIndex.fetch_words`."""
        found = collect_words(self._retrieve(pages, WORD_FIELDS, []))
        return [found.get(self._id(page), ()) for page in pages]

    def use_codebook(self, codebook: Codebook | None) -> None:
        """Gives the index its first stage; see `PageIndex.use_codebook`."""
        self._codebook = codebook

    def _fetch_vectors(self, name: str, page: tuple[str, int]) -> NDArray[np.float16] | None:
        if not self._has_space(name):
            return None
        return collect_vectors(self._retrieve([page], [], [name]), name).get(self._id(page))

    def _id(self, page: tuple[str, int]) -> str:
        return point_id(*page, self._layout.encoder_key)

    @abstractmethod
    def find(self, query: Nearest) -> list[ScoredPage]:
        """The pages that a query finds, best first, with exact scores."""

    @abstractmethod
    def _has_space(self, name: str, dim: int | None = None) -> bool:
        """Whether anything can be found by the named vector of photos, or that of sounds.

        Raises:
            InvalidEmbedding: it has another dimension than `dim`.
        """

    @abstractmethod
    def _retrieve(
        self, pages: Sequence[tuple[str, int]], fields: list[str], vectors: list[str]
    ) -> list[Any]:
        """The backend's records of pages, with these payload fields and named vectors."""
