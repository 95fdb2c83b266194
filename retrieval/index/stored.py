"""What every Qdrant backend does alike with the pages it has stored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from retrieval.index.base import IndexLayout, point_id
from retrieval.index.cells import Codebook
from retrieval.index.points import (
    EMBEDDING_FIELDS,
    PAGE,
    TEXT_FIELDS,
    collect_embeddings,
    collect_texts,
)
from retrieval.records import PageEmbedding


class StoredPages(ABC):
    """Reads pages back by their ids, and keeps the codebook of the first stage."""

    def __init__(self, layout: IndexLayout) -> None:
        self._layout = layout
        self._codebook: Codebook | None = None

    def fetch(self, pages: Sequence[tuple[str, int]]) -> list[PageEmbedding | None]:
        """Stored embeddings; see `PageIndex.fetch`."""
        found = collect_embeddings(self._retrieve(pages, EMBEDDING_FIELDS, [PAGE]))
        return [found.get(self._id(page)) for page in pages]

    def fetch_texts(self, pages: Sequence[tuple[str, int]]) -> list[tuple[str, ...]]:
        """What stored words say; see `PageIndex.fetch_texts`."""
        found = collect_texts(self._retrieve(pages, TEXT_FIELDS, []))
        return [found.get(self._id(page), ()) for page in pages]

    def use_codebook(self, codebook: Codebook | None) -> None:
        """Gives the index its first stage; see `PageIndex.use_codebook`."""
        self._codebook = codebook

    def _id(self, page: tuple[str, int]) -> str:
        return point_id(*page, self._layout.encoder_key)

    @abstractmethod
    def _retrieve(
        self, pages: Sequence[tuple[str, int]], fields: list[str], vectors: list[str]
    ) -> list[Any]:
        """The backend's records of pages, with these payload fields and named vectors."""
