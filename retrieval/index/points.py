"""What a page is as a Qdrant point: named vectors and payload, the same on every backend."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import InvalidEmbedding
from retrieval.index.base import IndexedPage, IndexLayout, ScoredPage, point_id
from retrieval.index.cells import Codebook
from retrieval.index.channels import (
    MULTI_VECTOR_NUMBERS,
    POINT_NUMBERS,
    NamedVector,
    check_channels,
    store_channels,
)
from retrieval.lexical import SparseVector, weigh_page
from retrieval.records import Box, Kind, PageEmbedding, Word, check_unit_vectors
from retrieval.text_encoders.base import Channel

# The named vectors: a multi-vector of the page encoder, the cells it falls in, the terms of the
# page's words, one vector of the photo encoder, and a multi-vector of the encoder of sounds. Those
# of channels have the channels' names.
PAGE = "page"
CELLS = "cells"
WORDS = "words"
PHOTO = "photo"
SOUND = "sound"

# Boxes are stored as 16-bit steps of the page's width and height (0.02 px on a 1,280 px preview);
# the last step stands for NaN.
BOX_STEPS = 65_534
NO_BOX = 65_535

# Read with every page found.
FOUND_FIELDS = ["document_id", "document", "page_index", "kind", "has_words"]
EMBEDDING_FIELDS = ["boxes", "grid", "places", "word_boxes"]
TEXT_FIELDS = ["text"]
WORD_FIELDS = ["text", "word_boxes"]


class FieldType(str, Enum):
    """What a payload field that can be filtered by holds."""

    KEYWORD = "keyword"
    INTEGER = "integer"
    DATETIME = "datetime"


# Every field that a filter names: servers in strict mode refuse to filter by any other.
INDEXED_FIELDS = {
    "document_id": FieldType.KEYWORD,
    "document": FieldType.KEYWORD,
    "page_index": FieldType.INTEGER,
    "kind": FieldType.KEYWORD,
    "tags": FieldType.KEYWORD,
    "added_at": FieldType.DATETIME,
}


@dataclass(frozen=True, slots=True)
class Point:
    """A page as Qdrant stores it.

    Attributes:
        id: a UUID.
        page: its multi-vector, as lists: clients read numbers of arrays one by one, as objects.
        cells: the cells of its vectors, where the index has a first stage.
        words: the terms of its words.
        photo: its photo vector.
        payload: fields that Qdrant filters by, and what is read back with a page.
        channels: what it has in the channels of the index.
        sound: its multi-vector in the space of sounds.
    """

    id: str
    page: list[list[float]] | None
    cells: SparseVector | None
    words: SparseVector | None
    photo: list[float] | None
    payload: dict[str, Any]
    channels: Mapping[Channel, NamedVector] = field(default_factory=dict)
    sound: list[list[float]] | None = None

    @property
    def vectors(self) -> dict[str, NamedVector]:
        """By name, the vectors that it has."""
        named: dict[str, NamedVector | None] = {
            PAGE: self.page,
            CELLS: self.cells,
            WORDS: self.words,
            PHOTO: self.photo,
            SOUND: self.sound,
            **{channel.value: vector for channel, vector in self.channels.items()},
        }
        return {name: vector for name, vector in named.items() if vector}

    @property
    def late_dims(self) -> dict[str, int]:
        """By name, the dimensions of what an index gets a space for with the first that has it."""
        dims = {} if not self.photo else {PHOTO: len(self.photo)}
        return dims if not self.sound else {**dims, SOUND: len(self.sound[0])}


def build_points(
    pages: Sequence[IndexedPage], layout: IndexLayout, codebook: Codebook | None
) -> list[Point]:
    """The points of a batch; pages that nothing could find are left out.

    Args:
        pages: the batch.
        layout: what the index is made for.
        codebook: that of its first stage; None where it has none.

    Raises:
        InvalidEmbedding: a page has vectors of another dimension or too many of them, a photo or
            sound no unit vectors, or a channel is not one of the index.
    """
    for page in pages:
        check_dim(page.embedding.vectors, layout.dim)
        n_numbers = page.embedding.vectors.size
        if n_numbers >= MULTI_VECTOR_NUMBERS:
            raise InvalidEmbedding(
                f"{page.document}, page {page.page_index + 1:,} has {n_numbers:,} numbers in its "
                f"vectors; an index takes fewer than {MULTI_VECTOR_NUMBERS:,}"
            )
        if page.photo is not None:
            check_unit_vectors(page.photo[None], np.float16)
        if page.sound is not None:
            check_unit_vectors(page.sound, np.float16)
        check_channels(page, layout)
    points = [_build_point(page, layout.encoder_key, codebook) for page in pages]
    return [point for point in points if point.vectors]


def weigh_cells(cells: NDArray[np.int64]) -> SparseVector:
    """A page's cells as a sparse vector: it has them or it has not."""
    return SparseVector(tuple(cells.tolist()), (1.0,) * len(cells))


def ask_cells(codebook: Codebook, vectors: NDArray[np.float32]) -> SparseVector:
    """The cells that a query `[n_tokens, dim]` names, as a sparse vector."""
    cells, weights = codebook.encode_query(vectors)
    return SparseVector(tuple(cells.tolist()), tuple(weights.tolist()))


def check_dim(vectors: NDArray[np.floating], dim: int) -> None:
    """Refuses vectors `[n, other]`.

    Raises:
        InvalidEmbedding: naming both dimensions.
    """
    if vectors.shape[1] != dim:
        raise InvalidEmbedding(f"vectors have {vectors.shape[1]} dimensions, the index has {dim}")


def read_found(payload: Mapping[str, Any], score: float) -> ScoredPage:
    """A page found, from its `FOUND_FIELDS`."""
    return ScoredPage(
        document_id=payload["document_id"],
        document=payload["document"],
        page_index=payload["page_index"],
        kind=Kind(payload["kind"]),
        score=score,
        has_words=payload["has_words"],
    )


def collect_embeddings(records: Iterable[Any]) -> dict[str, PageEmbedding]:
    """By point id, the embeddings of the records that have page vectors.

    Args:
        records: as a Qdrant client gives them, with `PAGE` and `EMBEDDING_FIELDS`.
    """
    found = ((record, _read_vector(record, PAGE)) for record in records)
    return {
        str(record.id): read_embedding(vectors, record.payload)
        for record, vectors in found
        if vectors is not None
    }


def collect_vectors(records: Iterable[Any], name: str) -> dict[str, NDArray[np.float16]]:
    """By point id, the vectors of this name of the records that have them and are read with it."""
    found = ((record, _read_vector(record, name)) for record in records)
    return {
        str(record.id): np.asarray(vector, dtype=np.float32).astype(np.float16)
        for record, vector in found
        if vector is not None
    }


def collect_texts(records: Iterable[Any]) -> dict[str, tuple[str, ...]]:
    """By point id, what the words of records say that are read with `TEXT_FIELDS`."""
    texts = ((str(record.id), record.payload.get("text")) for record in records)
    return {point: tuple(text.split(" ")) for point, text in texts if text}


def collect_words(records: Iterable[Any]) -> dict[str, tuple[Word, ...]]:
    """By point id, the words of records that are read with `WORD_FIELDS`."""
    read = list(records)
    texts = collect_texts(read)
    return {
        str(record.id): tuple(
            Word(text, Box(*box))
            for text, box in zip(
                texts[str(record.id)],
                unpack_boxes(record.payload["word_boxes"]).tolist(),
                strict=True,
            )
        )
        for record in read
        if str(record.id) in texts
    }


def read_point(record: Any) -> Point:
    """A point as it is stored, from a record with all its vectors and all its payload."""
    channels = {
        Channel.DENSE: _read_vector(record, Channel.DENSE.value),
        Channel.TOKENS: _read_vector(record, Channel.TOKENS.value),
        Channel.TERMS: _read_sparse(record, Channel.TERMS.value),
    }
    return Point(
        id=str(record.id),
        page=_read_vector(record, PAGE),
        cells=_read_sparse(record, CELLS),
        words=_read_sparse(record, WORDS),
        photo=_read_vector(record, PHOTO),
        sound=_read_vector(record, SOUND),
        payload=record.payload,
        channels={name: vector for name, vector in channels.items() if vector},
    )


def read_embedding(vectors: Sequence[Sequence[float]], payload: Mapping[str, Any]) -> PageEmbedding:
    """A page's embedding, from its stored multi-vector and `EMBEDDING_FIELDS`."""
    grid = payload.get("grid")
    stored = np.asarray(vectors, dtype=np.float32)
    # What 4 or 8 bits keep of a vector is no longer of unit length.
    stored /= np.maximum(np.linalg.norm(stored, axis=1, keepdims=True), 1e-6)
    if payload.get("places"):
        boxes = unpack_boxes(payload["word_boxes"])[unpack_places(payload["places"])]
    else:
        boxes = unpack_boxes(payload["boxes"])
    return PageEmbedding(stored.astype(np.float16), boxes, (grid[0], grid[1]) if grid else None)


def pack_boxes(boxes: NDArray[np.float32]) -> str:
    """Packs boxes `[n, 4]` into compressed base64 of 16-bit steps; see `BOX_STEPS`."""
    steps = np.where(np.isnan(boxes), NO_BOX, np.round(np.clip(boxes, 0, 1) * BOX_STEPS))
    # Column by column the numbers of neighbours are alike, and compress better.
    columns = np.ascontiguousarray(steps.astype("<u2").T)
    return base64.b64encode(zlib.compress(columns.tobytes(), level=6)).decode("ascii")


def unpack_boxes(packed: str) -> NDArray[np.float32]:
    """The inverse of `pack_boxes`, to within half a step."""
    columns = np.frombuffer(zlib.decompress(base64.b64decode(packed)), dtype="<u2")
    steps = columns.reshape(4, -1).T
    return np.where(steps == NO_BOX, np.nan, steps / BOX_STEPS).astype(np.float32)


def find_places(
    boxes: NDArray[np.float32], words: NDArray[np.float32]
) -> NDArray[np.uint16] | None:
    """Which word's box each vector's is, `[n_vectors]`; None unless all are boxes of words.

    The boxes of an encoder that reads words are stored twice else, once more for every token.
    """
    known = {box.tobytes(): place for place, box in reversed(list(enumerate(words)))}
    places = [known.get(box.tobytes()) for box in boxes]
    if not places or len(words) > np.iinfo(np.uint16).max or None in places:
        return None
    return np.array(places, dtype=np.uint16)


def pack_places(places: NDArray[np.uint16]) -> str:
    """Packs places as compressed base64 of the steps between them, which mostly are 0 or 1."""
    steps = np.diff(places, prepend=np.uint16(0))
    return base64.b64encode(zlib.compress(steps.astype("<u2").tobytes(), level=6)).decode("ascii")


def unpack_places(packed: str) -> NDArray[np.uint16]:
    """The inverse of `pack_places`."""
    steps = np.frombuffer(zlib.decompress(base64.b64decode(packed)), dtype="<u2")
    return np.cumsum(steps, dtype=np.uint16)


def _read_vector(record: Any, name: str) -> Any | None:
    # Once: each time it is asked for, Edge makes new lists of all numbers of the record.
    vectors = record.vector
    # A record without any vector has an empty list in place of the mapping.
    return vectors.get(name) if isinstance(vectors, Mapping) else None


def _read_sparse(record: Any, name: str) -> SparseVector | None:
    terms = _read_vector(record, name)
    return None if terms is None else SparseVector(tuple(terms.indices), tuple(terms.values))


def _build_point(page: IndexedPage, encoder_key: str, codebook: Codebook | None) -> Point:
    embedding = page.embedding
    terms = weigh_page(word.text for word in page.words)
    # A word of an odd file may hold a space; in the stored text spaces only stand between words.
    text = " ".join(word.text.replace(" ", "\u00a0") or "\u00a0" for word in page.words)
    boxes = np.array([word.box for word in page.words], dtype=np.float32).reshape(-1, 4)
    places = find_places(embedding.boxes, boxes)
    return Point(
        id=point_id(page.document_id, page.page_index, encoder_key),
        page=embedding.vectors.astype(np.float32).tolist() or None,
        cells=(
            weigh_cells(codebook.encode_page(embedding.vectors))
            if codebook is not None and len(embedding.vectors)
            else None
        ),
        words=terms if terms.indices else None,
        photo=None if page.photo is None else page.photo.tolist(),
        sound=None if page.sound is None else page.sound.astype(np.float32).tolist(),
        channels=store_channels(
            page, POINT_NUMBERS - embedding.vectors.size - 2 * len(terms.indices)
        ),
        payload={
            "document_id": page.document_id,
            "document": page.document,
            "page_index": page.page_index,
            "kind": page.kind.value,
            "tags": list(page.tags),
            "added_at": page.added_at.isoformat(),
            "has_words": bool(page.words),
            "boxes": pack_boxes(embedding.boxes) if places is None else None,
            "places": None if places is None else pack_places(places),
            "grid": list(embedding.grid) if embedding.grid else None,
            "text": text,
            "word_boxes": pack_boxes(boxes),
        },
    )
