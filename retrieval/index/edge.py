"""The embedded index: one Qdrant Edge shard in a folder, in this process."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from retrieval.disk import check_room, count_bytes, has_room
from retrieval.errors import IndexFailed, InvalidEmbedding
from retrieval.index.base import (
    ALL_PAGES,
    IndexedPage,
    IndexLayout,
    PageFilter,
    ScoredPage,
    VectorStorage,
)
from retrieval.index.cells import PREFETCH_PAGES
from retrieval.index.channels import NamedVector
from retrieval.index.filters import (
    AnyOf,
    Clause,
    Clauses,
    HasVector,
    NumberRange,
    TimeRange,
    list_clauses,
    of_documents,
)
from retrieval.index.points import (
    CELLS,
    FOUND_FIELDS,
    INDEXED_FIELDS,
    PAGE,
    SOUND,
    WORDS,
    FieldType,
    Point,
    build_points,
    read_found,
    weigh_cells,
)
from retrieval.index.stored import Nearest, StoredPages
from retrieval.lexical import SparseVector
from retrieval.text_encoders.base import Channel

FIELD_TYPES = {
    FieldType.KEYWORD: edge.PayloadSchemaType.Keyword,
    FieldType.INTEGER: edge.PayloadSchemaType.Integer,
    FieldType.DATETIME: edge.PayloadSchemaType.Datetime,
}

DATATYPES = {
    VectorStorage.FLOAT16: edge.VectorStorageDatatype.Float16,
    VectorStorage.TURBO8: edge.VectorStorageDatatype.Turbo8,
    VectorStorage.TURBO4: edge.VectorStorageDatatype.Turbo4,  # type: ignore[attr-defined]
}

MAX_SIM = edge.MultiVectorConfig(comparator=edge.MultiVectorComparator.MaxSim)

# Pages after which the write-ahead log is given back: it takes about seven times what is stored.
FLUSH_PAGES = 256

# Points read at once where all are read.
SCROLL_POINTS = 1_000


class EdgeIndex(StoredPages):
    """A `PageIndex` on Qdrant Edge.

    Only one process can hold the folder. No HNSW graph is built over multi-vectors: it costs
    minutes a thousand pages.
    """

    def __init__(
        self, folder: Path, layout: IndexLayout, prefetch_pages: int = PREFETCH_PAGES
    ) -> None:
        """Opens the shard in `folder`, or creates it there.

        Args:
            folder: of the shard alone.
            layout: what it is for.
            prefetch_pages: candidates that a first stage hands to MaxSim.

        Raises:
            IndexFailed: another process holds it, or it cannot be read.
        """
        super().__init__(layout, prefetch_pages)
        self._folder = folder
        self._n_unflushed = 0
        with _index_errors("open"):
            if (folder / "edge_config.json").exists():
                self._shard = edge.EdgeShard.load(str(folder))
            else:
                folder.mkdir(parents=True, exist_ok=True)
                self._shard = edge.EdgeShard.create(str(folder), _build_config(layout))
            known = self._shard.info().payload_schema
            for field, kind in INDEXED_FIELDS.items():
                if field not in known:
                    schema = FIELD_TYPES[kind]
                    self._shard.update(edge.UpdateOperation.create_field_index(field, schema))

    def upsert(self, pages: Sequence[IndexedPage]) -> None:
        """Stores pages; see `PageIndex.upsert`."""
        self.write_points(build_points(pages, self._layout, self._codebook))

    def write_points(self, points: Sequence[Point]) -> None:
        """Stores points as they are, replacing those of the same ids.

        Raises:
            DiskFull: no more than a reserve is left of the disk.
        """
        check_room(self._folder)
        for name, dim in {name: d for p in points for name, d in p.late_dims.items()}.items():
            self._add_space(name, dim)
        if points:
            operation = edge.UpdateOperation.upsert_points([_compile_point(p) for p in points])
            with _index_errors("write to"):
                self._shard.update(operation)
                self._n_unflushed += len(points)
                if self._n_unflushed >= FLUSH_PAGES:
                    self._shard.flush()
                    self._n_unflushed = 0

    def find(self, query: Nearest) -> list[ScoredPage]:
        """The pages that a query finds; see `StoredPages.find`."""
        request = edge.QueryRequest(
            prefetches=[_compile_prefetch(query.prefetch)] if query.prefetch else None,
            query=_compile_query(query),
            limit=query.limit,
            filter=_compile_filter(query.where),
            with_payload=FOUND_FIELDS,
            params=edge.SearchParams(exact=True),
        )
        with _index_errors("search"):
            points = self._shard.query(request)
        return [read_found(point.payload or {}, point.score) for point in points]

    def write_cells(self, cells: Mapping[tuple[str, int], NDArray[np.int64]]) -> None:
        """Stores cells; see `PageIndex.write_cells`."""
        check_room(self._folder)
        points = [
            edge.PointVectors(
                id=self._id(page), vector={CELLS: _compile_sparse(weigh_cells(of_page))}
            )
            for page, of_page in cells.items()
        ]
        with _index_errors("write to"):
            self._shard.update(edge.UpdateOperation.update_vectors(points))

    def write_tags(self, document_id: str, tags: Sequence[str]) -> None:
        """Gives a document other tags; see `PageIndex.write_tags`."""
        check_room(self._folder)
        matching = _compile_filter(of_documents([document_id]))
        with _index_errors("write to"):
            self._shard.update(
                edge.UpdateOperation.set_payload_by_filter(matching, {"tags": list(tags)})
            )

    def list_pages(self) -> set[tuple[str, int]]:
        """Every page stored; see `PageIndex.list_pages`."""
        pages: set[tuple[str, int]] = set()
        offset: Any = None
        while True:
            request = edge.ScrollRequest(
                offset=offset, limit=SCROLL_POINTS, with_payload=["document_id", "page_index"]
            )
            with _index_errors("read"):
                records, offset = self._shard.scroll(request)
            for record in records:
                payload = record.payload or {}
                pages.add((payload["document_id"], payload["page_index"]))
            if offset is None:
                return pages

    def delete_documents(self, document_ids: Collection[str]) -> None:
        """Removes documents; see `PageIndex.delete_documents`."""
        if document_ids:
            matching = _compile_filter(of_documents(document_ids))
            with _index_errors("write to"):
                self._shard.update(edge.UpdateOperation.delete_points_by_filter(matching))

    def count(self, page_filter: PageFilter = ALL_PAGES) -> int:
        """The number of pages stored."""
        with _index_errors("read"):
            matching = _compile_filter(list_clauses(page_filter))
            request = edge.CountRequest(exact=True, filter=matching)
            return int(self._shard.count(request))

    def optimize(self) -> None:
        """Flushes, and merges what was written; see `PageIndex.optimize`.

        The shard holds Python's global lock all the while: 1.9 s at 1,500 pages on 2 cores. Where
        the disk has no room for a second copy, nothing is merged.
        """
        with _index_errors("optimize"):
            self._shard.flush()
            if has_room(self._folder, count_bytes(self._folder)):
                self._shard.optimize()

    def snapshot(self, scratch: Path) -> Path:  # noqa: ARG002
        """Its own folder, with all that was written; see `PageIndex.snapshot`."""
        with _index_errors("write to"):
            self._shard.flush()
        return self._folder

    def close(self) -> None:
        """Flushes and lets the folder go."""
        with _index_errors("close"):
            self._shard.flush()
            self._shard.close()

    def _retrieve(
        self, pages: Sequence[tuple[str, int]], fields: list[str], vectors: list[str]
    ) -> list[Any]:
        ids: list[Any] = [self._id(page) for page in pages]
        with _index_errors("read"):
            return list(self._shard.retrieve(ids, with_payload=fields, with_vector=vectors))

    def _add_space(self, name: str, dim: int) -> None:
        """Gives the shard a named vector; where it has the same already, nothing."""
        space = edge.UpdateOperation.create_dense_vector(
            name,
            size=dim,
            distance=edge.Distance.Dot,
            multivector_config=MAX_SIM if name == SOUND else None,
            datatype=edge.VectorStorageDatatype.Float16,
        )
        with _index_errors("write to"):
            self._shard.update(space)

    def _has_space(self, name: str, dim: int | None = None) -> bool:  # noqa: ARG002
        with _index_errors("read"):
            having = _compile_filter(list_clauses(having=name))
            return bool(self._shard.count(edge.CountRequest(exact=True, filter=having)))


def _build_config(layout: IndexLayout) -> Any:
    vectors = {PAGE: _describe_vectors(layout.dim, layout.storage)}
    sparse = {
        CELLS: edge.EdgeSparseVectorParams(),
        WORDS: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf),
    }
    for space in layout.channels:
        if space.channel is Channel.TERMS:
            # Whoever learned the weights has weighed how rare a term is, too.
            sparse[space.channel.value] = edge.EdgeSparseVectorParams()
        else:
            vectors[space.channel.value] = _describe_vectors(space.dim, VectorStorage.FLOAT16)
    return edge.EdgeConfig(
        vectors=vectors,
        sparse_vectors=sparse,
        # Acknowledged points survive kill -9, and only with it is the folder locked.
        wal_enabled=True,
    )


def _describe_vectors(dim: int, storage: VectorStorage) -> Any:
    return edge.EdgeVectorParams(
        size=dim,
        distance=edge.Distance.Dot,
        datatype=DATATYPES[storage],
        # On disk, read through the page cache: memory does not grow with the library.
        memory=edge.Memory.Cold,
        multivector_config=MAX_SIM,
        hnsw_config=edge.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=1),
    )


def _compile_point(point: Point) -> Any:
    vector: Any = {name: _compile_vector(vector) for name, vector in point.vectors.items()}
    return edge.Point(id=point.id, vector=vector, payload=point.payload)


def _compile_vector(vector: NamedVector) -> Any:
    return _compile_sparse(vector) if isinstance(vector, SparseVector) else vector


def _compile_query(query: Nearest) -> Any:
    return edge.Query.Nearest(_compile_vector(query.vectors), using=query.using)


def _compile_prefetch(query: Nearest) -> Any:
    return edge.Prefetch(
        query=_compile_query(query), limit=query.limit, filter=_compile_filter(query.where)
    )


def _compile_sparse(terms: SparseVector) -> Any:
    return edge.SparseVector(indices=list(terms.indices), values=list(terms.values))


def _compile_filter(clauses: Clauses) -> Any:
    return edge.Filter(
        must=[_compile_clause(clause) for clause in clauses.must],
        must_not=[_compile_clause(clause) for clause in clauses.must_not],
    )


def _compile_clause(clause: Clause) -> Any:
    match clause:
        case HasVector(name):
            return edge.HasVectorCondition(name)
        case AnyOf(field, values):
            return edge.FieldCondition(field, match=edge.MatchAny(list(values)))
        case NumberRange(field, first, last):
            return edge.FieldCondition(field, range=edge.RangeFloat(gte=first, lte=last))
        case TimeRange(field, since, until):
            times = edge.RangeDateTime(
                gte=None if since is None else since.isoformat(),
                lte=None if until is None else until.isoformat(),
            )
            return edge.FieldCondition(field, range=times)


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
