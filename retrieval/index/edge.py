"""The embedded index: one Qdrant Edge shard in a folder, in this process."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from retrieval.errors import IndexFailed, InvalidEmbedding
from retrieval.index.base import ALL_PAGES, IndexedPage, PageFilter, ScoredPage, point_id
from retrieval.records import Kind, PageEmbedding, QueryEmbedding, check_unit_vectors

# The named vectors: a multi-vector of the page encoder, and one vector of the photo encoder.
PAGE = "page"
PHOTO = "photo"

# Boxes are stored as 16-bit steps of the page's width and height (0.02 px on a 1,280 px preview);
# the last step stands for NaN.
BOX_STEPS = 65_534
NO_BOX = 65_535

INDEXED_FIELDS = {
    "document_id": edge.PayloadSchemaType.Keyword,
    "document": edge.PayloadSchemaType.Keyword,
    "page_index": edge.PayloadSchemaType.Integer,
    "kind": edge.PayloadSchemaType.Keyword,
    "added_at": edge.PayloadSchemaType.Datetime,
}


class EdgeIndex:
    """A `PageIndex` on Qdrant Edge: float16 multi-vectors, exact MaxSim.

    Only one process can hold the folder. No HNSW graph is built: over multi-vectors it costs
    minutes a thousand pages and this index is searched exactly.
    """

    def __init__(self, folder: Path, dim: int, encoder_key: str) -> None:
        """Opens the shard in `folder`, or creates it there.

        Raises:
            IndexFailed: another process holds it, or it cannot be read.
        """
        self._dim = dim
        self._encoder_key = encoder_key
        with _index_errors("open"):
            if (folder / "edge_config.json").exists():
                self._shard = edge.EdgeShard.load(str(folder))
            else:
                folder.mkdir(parents=True, exist_ok=True)
                self._shard = edge.EdgeShard.create(str(folder), _build_config(dim))
            known = self._shard.info().payload_schema
            for field, schema in INDEXED_FIELDS.items():
                if field not in known:
                    self._shard.update(edge.UpdateOperation.create_field_index(field, schema))

    def upsert(self, pages: Sequence[IndexedPage]) -> None:
        """Stores pages; see `PageIndex.upsert`."""
        for page in pages:
            self._check_dim(page.embedding.vectors)
        photos = [page.photo for page in pages if page.photo is not None]
        if photos:
            self._add_photo_space(photos)
        points = [
            self._build_point(page)
            for page in pages
            if len(page.embedding.vectors) or page.photo is not None
        ]
        if points:
            with _index_errors("write to"):
                self._shard.update(edge.UpdateOperation.upsert_points(points))

    def search(
        self, query: QueryEmbedding, limit: int, page_filter: PageFilter = ALL_PAGES
    ) -> list[ScoredPage]:
        """The best pages by exact MaxSim; see `PageIndex.search`."""
        if not len(query.vectors):
            return []
        self._check_dim(query.vectors)
        return self._search(query.vectors.tolist(), PAGE, limit, page_filter)

    def search_photos(
        self, vector: NDArray[np.float32], limit: int, page_filter: PageFilter = ALL_PAGES
    ) -> list[ScoredPage]:
        """The best photos; see `PageIndex.search_photos`."""
        if not self._has_photos():
            return []
        return self._search(vector.tolist(), PHOTO, limit, page_filter)

    def _search(
        self, vectors: Any, using: str, limit: int, page_filter: PageFilter
    ) -> list[ScoredPage]:
        request = edge.QueryRequest(
            query=edge.Query.Nearest(vectors, using=using),
            limit=limit,
            # Points without this vector would come too, with a score of 0.
            filter=_build_filter(page_filter, using),
            with_payload=["document_id", "document", "page_index", "kind"],
            params=edge.SearchParams(exact=True),
        )
        with _index_errors("search"):
            points = self._shard.query(request)
        return [
            ScoredPage(
                document_id=payload["document_id"],
                document=payload["document"],
                page_index=payload["page_index"],
                kind=Kind(payload["kind"]),
                score=point.score,
            )
            for point in points
            if (payload := point.payload) is not None
        ]

    def fetch(self, pages: Sequence[tuple[str, int]]) -> list[PageEmbedding | None]:
        """Stored embeddings; see `PageIndex.fetch`."""
        ids: list[Any] = [point_id(document, page, self._encoder_key) for document, page in pages]
        with _index_errors("read"):
            records = self._shard.retrieve(ids, with_payload=["boxes", "grid"], with_vector=True)
        found = {
            str(record.id): _read_embedding(record)
            for record in records
            if isinstance(record.vector, dict) and PAGE in record.vector
        }
        return [found.get(id_) for id_ in ids]

    def fetch_photo(self, document_id: str, page_index: int) -> NDArray[np.float16] | None:
        """The stored photo vector; see `PageIndex.fetch_photo`."""
        ids: list[Any] = [point_id(document_id, page_index, self._encoder_key)]
        with _index_errors("read"):
            records = self._shard.retrieve(ids, with_payload=False, with_vector=True)
        for record in records:
            if isinstance(record.vector, dict) and PHOTO in record.vector:
                return np.asarray(record.vector[PHOTO], dtype=np.float32).astype(np.float16)
        return None

    def delete_documents(self, document_ids: Collection[str]) -> None:
        """Removes documents; see `PageIndex.delete_documents`."""
        if document_ids:
            matching = edge.Filter(must=[_match_any("document_id", document_ids)])
            with _index_errors("write to"):
                self._shard.update(edge.UpdateOperation.delete_points_by_filter(matching))

    def count(self, page_filter: PageFilter = ALL_PAGES) -> int:
        """The number of pages stored."""
        with _index_errors("read"):
            request = edge.CountRequest(exact=True, filter=_build_filter(page_filter))
            return int(self._shard.count(request))

    def optimize(self) -> None:
        """Flushes, and merges what was written; see `PageIndex.optimize`."""
        with _index_errors("optimize"):
            self._shard.flush()
            self._shard.optimize()

    def close(self) -> None:
        """Flushes and lets the folder go."""
        with _index_errors("close"):
            self._shard.flush()
            self._shard.close()

    def _build_point(self, page: IndexedPage) -> Any:
        # Lists, as the shard's types say: of an array it reads every number as an object of numpy,
        # and takes a quarter longer (20.7 to 15.8 ms a page of 659 vectors, all of the upsert).
        vector: Any = {}
        if len(page.embedding.vectors):
            vector[PAGE] = page.embedding.vectors.astype(np.float32).tolist()
        if page.photo is not None:
            vector[PHOTO] = page.photo.tolist()
        return edge.Point(
            id=point_id(page.document_id, page.page_index, self._encoder_key),
            vector=vector,
            payload={
                "document_id": page.document_id,
                "document": page.document,
                "page_index": page.page_index,
                "kind": page.kind.value,
                "added_at": page.added_at.isoformat(),
                "boxes": pack_boxes(page.embedding.boxes),
                "grid": list(page.embedding.grid) if page.embedding.grid else None,
            },
        )

    def _add_photo_space(self, photos: Sequence[NDArray[np.float16]]) -> None:
        """Gives the shard its second named vector; does nothing where it has the same already.

        Raises:
            InvalidEmbedding: the photos are no unit vectors, or of another dimension.
        """
        check_unit_vectors(np.stack(photos), np.float16)
        space = edge.UpdateOperation.create_dense_vector(
            PHOTO,
            size=len(photos[0]),
            distance=edge.Distance.Dot,
            datatype=edge.VectorStorageDatatype.Float16,
        )
        with _index_errors("write to"):
            self._shard.update(space)

    def _has_photos(self) -> bool:
        with _index_errors("read"):
            having = edge.Filter(must=[edge.HasVectorCondition(PHOTO)])
            return bool(self._shard.count(edge.CountRequest(exact=True, filter=having)))

    def _check_dim(self, vectors: NDArray[np.floating]) -> None:
        if vectors.shape[1] != self._dim:
            raise InvalidEmbedding(
                f"vectors have {vectors.shape[1]} dimensions, the index has {self._dim}"
            )


def pack_boxes(boxes: NDArray[np.float32]) -> str:
    """Packs boxes `[n, 4]` into base64 of 16-bit steps; see `BOX_STEPS`."""
    steps = np.where(np.isnan(boxes), NO_BOX, np.round(np.clip(boxes, 0, 1) * BOX_STEPS))
    return base64.b64encode(steps.astype("<u2").tobytes()).decode("ascii")


def unpack_boxes(packed: str) -> NDArray[np.float32]:
    """The inverse of `pack_boxes`, to within half a step."""
    steps = np.frombuffer(base64.b64decode(packed), dtype="<u2").reshape(-1, 4)
    return np.where(steps == NO_BOX, np.nan, steps / BOX_STEPS).astype(np.float32)


def _build_config(dim: int) -> Any:
    return edge.EdgeConfig(
        vectors={
            PAGE: edge.EdgeVectorParams(
                size=dim,
                distance=edge.Distance.Dot,
                datatype=edge.VectorStorageDatatype.Float16,
                # On disk, read through the page cache: memory does not grow with the library.
                memory=edge.Memory.Cold,
                multivector_config=edge.MultiVectorConfig(
                    comparator=edge.MultiVectorComparator.MaxSim
                ),
                hnsw_config=edge.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=1),
            )
        },
        # Acknowledged points survive kill -9, and only with it is the folder locked.
        wal_enabled=True,
    )


def _build_filter(page_filter: PageFilter, having: str | None = None) -> Any | None:
    must: list[Any] = [edge.HasVectorCondition(having)] if having else []
    must_not = []
    if page_filter.documents is not None:
        must.append(_match_any("document_id", page_filter.documents))
    if page_filter.kind is not None:
        must.append(_match_any("kind", [page_filter.kind.value]))
    if page_filter.excluded:
        must_not.append(_match_any("document_id", page_filter.excluded))
    return edge.Filter(must=must, must_not=must_not) if must or must_not else None


def _match_any(field: str, values: Collection[str]) -> Any:
    return edge.FieldCondition(field, match=edge.MatchAny(sorted(values)))


def _read_embedding(record: Any) -> PageEmbedding:
    grid = record.payload.get("grid")
    return PageEmbedding(
        np.asarray(record.vector[PAGE], dtype=np.float32).astype(np.float16),
        unpack_boxes(record.payload["boxes"]),
        (grid[0], grid[1]) if grid else None,
    )


@contextmanager
def _index_errors(verb: str) -> Iterator[None]:
    """Maps what the shard raises: it has no exception class of its own."""
    try:
        yield
    except (InvalidEmbedding, KeyboardInterrupt):
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise IndexFailed(f"could not {verb} the index: {reason}") from error
