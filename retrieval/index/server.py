"""The index on a Qdrant server: one collection a library."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models

from retrieval.errors import (
    IndexFailed,
    IndexMismatch,
    IndexServerFailed,
    InvalidEmbedding,
)
from retrieval.index.base import (
    ALL_PAGES,
    IndexedPage,
    IndexLayout,
    PageFilter,
    ScoredPage,
    VectorStorage,
)
from retrieval.index.cells import PREFETCH_PAGES
from retrieval.index.connection import check_version
from retrieval.index.filters import list_clauses, of_documents
from retrieval.index.points import (
    CELLS,
    FOUND_FIELDS,
    INDEXED_FIELDS,
    PAGE,
    PHOTO,
    SOUND,
    WORDS,
    build_points,
    read_found,
    read_point,
    weigh_cells,
)
from retrieval.index.requests import (
    compile_filter,
    compile_point,
    compile_sparse,
    compile_vector,
    split_requests,
)
from retrieval.index.retries import DEFAULT_RETRIES, FAILURES, Retries, describe_failure
from retrieval.index.stored import Nearest, StoredPages
from retrieval.text_encoders.base import Channel

T = TypeVar("T")

MAX_SIM = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)

# Points read at once where all are read.
SCROLL_POINTS = 1_000
# ... with their vectors: 200 kB each, and some take 4 MB.
COPIED_POINTS = 16

# Where a collection's metadata say what it was made for.
METADATA = "pagelens"


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a new collection lies on the server, and how the server is asked.

    Attributes:
        place: what errors call the server: its URL.
        owner: the library whose pages the collection holds.
        shards: how many parts it is split into; None for the server's choice.
        replicas: how many servers of a cluster hold each part.
        write_consistency: how many of them must have stored a page before it counts as stored.
        may_create: whether to make the collection where there is none.
        retries: of every request.
        prefetch_pages: candidates that a first stage hands to MaxSim.
    """

    place: str
    owner: str = ""
    may_create: bool = True
    shards: int | None = None
    replicas: int = 1
    write_consistency: int = 1
    retries: Retries = DEFAULT_RETRIES
    prefetch_pages: int = PREFETCH_PAGES


class QdrantIndex(StoredPages):
    """A `PageIndex` in a collection of a Qdrant server.

    Like the embedded index it builds no HNSW graph over multi-vectors.
    """

    def __init__(
        self, client: QdrantClient, collection: str, layout: IndexLayout, options: ServerOptions
    ) -> None:
        """Opens the collection, or makes it.

        Args:
            client: is closed with the index, and where it cannot be opened.
            collection: its name.
            layout: what it is for.
            options: those of the collection itself count when it is made.

        Raises:
            IndexMismatch: it was made for another encoder, dimension, storage or library, or is
                not there and may not be made.
            IndexServerFailed: the server does not answer, refuses, or is too old.
        """
        self._client = client
        self._collection = collection
        super().__init__(layout, options.prefetch_pages)
        self._options = options
        try:
            check_version(self._ask("open", client.info).version, layout.storage, options.place)
            if not self._ask("open", client.collection_exists, collection):
                self._create()
            info = self._ask("open", client.get_collection, collection)
            self._check_purpose(info.config.metadata)
            # Before the first point is there: a server in strict mode would refuse to filter.
            for field in INDEXED_FIELDS.keys() - (info.payload_schema or {}).keys():
                schema = models.PayloadSchemaType(INDEXED_FIELDS[field].value)
                self._ask("open", client.create_payload_index, collection, field, schema, wait=True)
        except BaseException:
            client.close()
            raise
        self._late_dims = read_late_dims(info)

    def upsert(self, pages: Sequence[IndexedPage]) -> None:
        """Stores pages; see `PageIndex.upsert`."""
        points = build_points(pages, self._layout, self._codebook)
        for point in points:
            for name, dim in point.late_dims.items():
                self._add_space(name, dim)
        for batch in split_requests(points):
            compiled = [compile_point(point) for point in batch]
            self._ask("write to", self._client.upsert, self._collection, compiled, wait=True)

    def find(self, query: Nearest) -> list[ScoredPage]:
        """The pages that a query finds; see `StoredPages.find`."""
        found = self._ask(
            "search",
            self._client.query_points,
            self._collection,
            prefetch=_compile_prefetch(query.prefetch) if query.prefetch else None,
            query=compile_vector(query.vectors),
            using=query.using,
            limit=query.limit,
            query_filter=compile_filter(query.where),
            with_payload=FOUND_FIELDS,
        )
        return [read_found(point.payload or {}, point.score) for point in found.points]

    def write_cells(self, cells: Mapping[tuple[str, int], NDArray[np.int64]]) -> None:
        """Stores cells; see `PageIndex.write_cells`."""
        points = [
            models.PointVectors(
                id=self._id(page), vector={CELLS: compile_sparse(weigh_cells(of_page))}
            )
            for page, of_page in cells.items()
        ]
        self._ask(
            "write to", self._client.update_vectors, self._collection, points=points, wait=True
        )

    def write_tags(self, document_id: str, tags: Sequence[str]) -> None:
        """Gives a document other tags; see `PageIndex.write_tags`."""
        matching = compile_filter(of_documents([document_id]))
        self._ask(
            "write to",
            self._client.set_payload,
            self._collection,
            {"tags": list(tags)},
            points=matching,
            wait=True,
        )

    def list_pages(self) -> set[tuple[str, int]]:
        """Every page stored; see `PageIndex.list_pages`."""
        read = self._scroll(SCROLL_POINTS, with_payload=["document_id", "page_index"])
        return {
            (record.payload["document_id"], record.payload["page_index"])
            for records in read
            for record in records
        }

    def delete_documents(self, document_ids: Collection[str]) -> None:
        """Removes documents; see `PageIndex.delete_documents`."""
        if document_ids:
            matching = compile_filter(of_documents(document_ids))
            self._ask("write to", self._client.delete, self._collection, matching, wait=True)

    def count(self, page_filter: PageFilter = ALL_PAGES) -> int:
        """The number of pages stored."""
        matching = compile_filter(list_clauses(page_filter))
        counted = self._ask("read", self._client.count, self._collection, matching, exact=True)
        return int(counted.count)

    def optimize(self) -> None:
        """Does nothing: what is stored is durable, and the server optimizes of its own accord."""

    def snapshot(self, scratch: Path) -> Path:
        """A copy in an embedded index; see `PageIndex.snapshot`.

        Vectors of 4 bits a number are rounded anew: what a server gives are their values.
        """
        from retrieval.index.edge import EdgeIndex

        with closing(EdgeIndex(scratch, self._layout)) as copy:
            for records in self._scroll(COPIED_POINTS, with_payload=True, with_vectors=True):
                copy.write_points([read_point(record) for record in records])
        return scratch

    def close(self) -> None:
        """Lets the connection go."""
        self._client.close()

    def _scroll(self, limit: int, **options: Any) -> Iterator[list[Any]]:
        """The records of all points, `limit` at a time, with what the options name."""
        offset: Any = None
        while True:
            records, offset = self._ask(
                "read",
                self._client.scroll,
                self._collection,
                offset=offset,
                limit=limit,
                **options,
            )
            yield records
            if offset is None:
                return

    def _retrieve(
        self, pages: Sequence[tuple[str, int]], fields: list[str], vectors: list[str]
    ) -> list[Any]:
        return self._ask(
            "read",
            self._client.retrieve,
            self._collection,
            [self._id(page) for page in pages],
            with_payload=fields,
            with_vectors=vectors,
        )

    def _create(self) -> None:
        if not self._options.may_create:
            raise IndexMismatch(
                f"there is no collection {self._collection} at {self._options.place}"
            )
        layout = self._layout
        vectors = {PAGE: _describe_vectors(layout.dim, layout.storage)}
        sparse = {
            CELLS: models.SparseVectorParams(),
            WORDS: models.SparseVectorParams(modifier=models.Modifier.IDF),
        }
        for space in layout.channels:
            if space.channel is Channel.TERMS:
                # Whoever learned the weights has weighed how rare a term is, too.
                sparse[space.channel.value] = models.SparseVectorParams()
            else:
                vectors[space.channel.value] = _describe_vectors(space.dim, VectorStorage.FLOAT16)
        try:
            self._ask(
                "make",
                self._client.create_collection,
                self._collection,
                vectors_config=vectors,
                sparse_vectors_config=sparse,
                # Of the whole collection, so that it also holds for photos and sounds to come.
                hnsw_config=models.HnswConfigDiff(m=0),
                shard_number=self._options.shards,
                replication_factor=self._options.replicas,
                write_consistency_factor=self._options.write_consistency,
                metadata={METADATA: self._purpose()},
            )
        except IndexServerFailed:
            # An attempt whose answer was lost has made it all the same, and the next one failed.
            if not self._ask("open", self._client.collection_exists, self._collection):
                raise

    def _purpose(self) -> dict[str, str | int]:
        return {
            "encoder": self._layout.encoder_key,
            "dim": self._layout.dim,
            "storage": self._layout.storage.value,
            "library": self._options.owner,
            **{space.channel.value: space.encoder_key for space in self._layout.channels},
        }

    def _check_purpose(self, metadata: dict[str, Any] | None) -> None:
        name = f"the collection {self._collection} at {self._options.place}"
        found = (metadata or {}).get(METADATA)
        if not isinstance(found, dict):
            raise IndexMismatch(f"{name} was not made by Pagelens")
        wanted = self._purpose()
        others = [what for what in {**wanted, **found} if found.get(what) != wanted.get(what)]
        if others:
            made_for = ", ".join(f"{what} {found.get(what, 'none')}" for what in others)
            asked_for = ", ".join(f"{what} {wanted.get(what, 'none')}" for what in others)
            raise IndexMismatch(f"{name} was made for {made_for}, not for {asked_for}")

    def _has_space(self, name: str, dim: int | None = None) -> bool:
        found = self._find_dim(name)
        if found is not None and dim not in (None, found):
            raise InvalidEmbedding(f"vectors have {dim} dimensions, the index has {found}")
        return found is not None

    def _find_dim(self, name: str) -> int | None:
        """Dimensions of photos' or sounds' vectors; None while the collection has none of them."""
        if name not in self._late_dims:
            # Another process may have added one.
            info = self._ask("read", self._client.get_collection, self._collection)
            self._late_dims = read_late_dims(info)
        return self._late_dims.get(name)

    def _add_space(self, name: str, dim: int) -> None:
        """Gives the collection the named vector of photos or sounds, where it has none yet."""
        if self._find_dim(name) is None:
            space = models.DenseVectorConfig(
                size=dim,
                distance=models.Distance.DOT,
                multivector_config=MAX_SIM if name == SOUND else None,
                datatype=models.VectorStorageDatatype.FLOAT16,
            )
            try:
                self._ask(
                    "write to",
                    self._client.create_vector_name,
                    self._collection,
                    name,
                    models.DenseVectorNameConfig(dense=space),
                    wait=True,
                )
            except IndexServerFailed:
                # Another process may have been quicker.
                if self._find_dim(name) is None:
                    raise
            self._late_dims.setdefault(name, dim)
        if self._late_dims[name] != dim:
            raise IndexFailed(
                f"a {name} has {dim:,} dimensions, those in the index have "
                f"{self._late_dims[name]:,}"
            )

    def _ask(self, verb: str, request: Callable[..., T], *args: Any, **options: Any) -> T:
        """Makes a request of the client, again where that helps; maps what it raises."""
        try:
            return self._options.retries.run(lambda: request(*args, **options))
        except FAILURES as error:
            raise IndexServerFailed(
                f"could not {verb} the index at {self._options.place}: {describe_failure(error)}"
            ) from error


def remove_collection(client: QdrantClient, collection: str, place: str) -> None:
    """Removes a collection with all that it holds; one that is not there is no error.

    Args:
        client: is closed with that.
        collection: its name.
        place: what errors call the server: its URL.

    Raises:
        IndexServerFailed: the server does not answer, or refuses.
    """

    def remove() -> None:
        if client.collection_exists(collection):
            client.delete_collection(collection)

    with closing(client):
        try:
            DEFAULT_RETRIES.run(remove)
        except FAILURES as error:
            raise IndexServerFailed(
                f"could not remove the collection {collection} at {place}: "
                f"{describe_failure(error)}"
            ) from error


def _describe_vectors(dim: int, storage: VectorStorage) -> models.VectorParams:
    return models.VectorParams(
        size=dim,
        distance=models.Distance.DOT,
        datatype=models.Datatype(storage.value),
        # On disk, read through the page cache: memory does not grow with the library.
        memory=models.Memory.COLD,
        multivector_config=MAX_SIM,
    )


def _compile_prefetch(query: Nearest) -> models.Prefetch:
    return models.Prefetch(
        query=compile_vector(query.vectors),
        using=query.using,
        limit=query.limit,
        filter=compile_filter(query.where),
    )


def read_late_dims(info: models.CollectionInfo) -> dict[str, int]:
    """Dimensions of photos' and sounds' vectors in a collection, of those that it has."""
    spaces = info.config.params.vectors
    found = spaces if isinstance(spaces, dict) else {}
    return {name: found[name].size for name in (PHOTO, SOUND) if name in found}
