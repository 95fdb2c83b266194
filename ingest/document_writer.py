"""Makes pages of a document and writes them, some at a time: what each step of its workflow does.

A document is whole or absent. Its row is written before its first page and marked whole after its
last. Every step may be done again, after a crash in its midst: the same pages get the same points.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ingest.documents import Documents, PageRecord
from ingest.files import LibraryFiles, remove_document
from ingest.first_stage import StoredFirstStage
from ingest.locks import LibraryLocks
from ingest.render import RenderedPage
from ingest.render_pool import RenderPool
from ingest.sources import Refusal, Source, read_source
from retrieval.encoders.base import PhotoEncoder
from retrieval.encoders.stream import Encoding
from retrieval.errors import FileRefused, UnreadableFile
from retrieval.index.base import IndexedPage, PageIndex
from retrieval.index.channels import count_vectors
from retrieval.records import Kind, Page, PageEmbedding
from retrieval.text_encoders.base import TextEmbedding
from retrieval.text_encoders.stream import TextEncoding

# A picture with fewer words than this is a photo; with more it is a scan of a page.
PHOTO_WORDS = 8

# Pages written to the index at once; progress is shown as often.
UPSERT_PAGES = 4


@dataclass(frozen=True, slots=True)
class EncodedPage:
    """A page with what encoders made of it.

    Attributes:
        embedding: its vectors; None for a page that could not be rendered.
        channels: what text encoders made of its words.
    """

    page: RenderedPage
    embedding: PageEmbedding | None
    channels: TextEmbedding


@dataclass(slots=True)
class _OpenDocument:
    """A document whose pages are on their way, ahead of the step that asks for them."""

    next_page: int
    pages: Iterator[EncodedPage]


@dataclass(frozen=True, slots=True)
class DocumentWriter:
    """Writes documents into a library; several at a time, from several threads.

    Attributes:
        files: where originals and previews go.
        photo_encoder: opens the encoder of photos, at the first photo.
        index: where vectors go.
        documents: where all else goes.
        pool: renders pages.
        encoding: encodes them.
        texts: encodes their words.
        locks: one is held while the index is written.
        first_stage: of the index; pages get their cells of it.
    """

    files: LibraryFiles
    photo_encoder: Callable[[], PhotoEncoder]
    index: PageIndex
    documents: Documents
    pool: RenderPool
    encoding: Encoding
    texts: TextEncoding
    locks: LibraryLocks
    first_stage: StoredFirstStage
    _open: dict[str, _OpenDocument] = field(default_factory=dict)

    def store_original(self, path: Path, name: str) -> tuple[Source, int]:
        """Copies a file into the library, so that it is read from where it cannot change.

        Returns:
            What it is, by the copy, and its number of pages.

        Raises:
            FileRefused: it cannot become a document.
        """
        source = read_source(path)
        if isinstance(source, Refusal):
            raise FileRefused(source.error)
        self.files.keep_original(source.document_id, path)
        kept = self.files.find_original(source.document_id)
        readable = self.files.find_readable(source.document_id, source.media_type)
        assert kept and readable, "it was kept just now"
        return replace(source, path=kept, name=name), self.pool.count_pages(*readable)

    def write_pages(
        self,
        source: Source,
        n_pages: int,
        pages: range,
        added_at: datetime,
        tags: tuple[str, ...],
        on_pages: Callable[[int], None],
    ) -> Kind | None:
        """Renders, encodes and indexes some pages of a document.

        Args:
            source: the document, as the library keeps it.
            n_pages: that it has.
            pages: which; those that are there already are passed over.
            added_at: when the document was added.
            tags: what it is called besides its name.
            on_pages: told how many pages have been written; what it raises ends the writing.

        Returns:
            What kind of document it is; None if it has been deleted meanwhile.
        """
        kind = Kind.PAGE
        for encoded in self._read_pages(source, n_pages, pages):
            kind = _kind_of(source, encoded[0].page, n_pages)
            with self.locks.writing():
                self.first_stage.follow()
                records = self._index_pages(source, encoded, kind, added_at, tags)
                if self.documents.find_unfinished(source.document_id) is None:
                    # Deleted while this was under way: whoever deleted it could not know of these.
                    remove_document(self.files, source.document_id, self.index, self.documents)
                    return None
                self.documents.add_pages(source.document_id, records)
            on_pages(len(records))
        return kind

    def close(self, document_id: str) -> None:
        """Lets go what has been read ahead of a document."""
        self._open.pop(document_id, None)
        self.files.let_go(document_id)

    def _read_pages(
        self, source: Source, n_pages: int, pages: range
    ) -> Iterator[list[EncodedPage]]:
        opened = self._open.get(source.document_id)
        if opened is None or opened.next_page != pages.start:
            opened = _OpenDocument(pages.start, self._stream_pages(source, pages.start, n_pages))
            self._open[source.document_id] = opened
        left = len(pages)
        while left and (batch := list(islice(opened.pages, min(left, UPSERT_PAGES)))):
            left -= len(batch)
            opened.next_page += len(batch)
            yield batch

    def _stream_pages(self, source: Source, first: int, n_pages: int) -> Iterator[EncodedPage]:
        readable = self.files.find_readable(source.document_id, source.media_type)
        if readable is None:
            raise UnreadableFile("the library has lost its original")
        path, media_type = readable
        shown = replace(source, path=path, media_type=media_type)
        rendered = self.pool.render(
            [(shown, path, range(first, n_pages))],
            self.encoding.encoder.image_long_side_px,
        )
        # Of the pages that the stream has run ahead to, in their order.
        texts: deque[Future[TextEmbedding]] = deque()

        def begin_texts() -> Iterator[tuple[RenderedPage, Page | None]]:
            for page, to_encode in _split_pages(rendered):
                texts.append(self.texts.submit(" ".join(word.text for word in page.words)))
                yield page, to_encode

        try:
            for page, embedding in self.encoding.stream(begin_texts()):
                yield EncodedPage(page, embedding, texts[0].result())
                texts.popleft()
        finally:
            for text in texts:
                text.cancel()

    def _index_pages(
        self,
        source: Source,
        pages: Sequence[EncodedPage],
        kind: Kind,
        added_at: datetime,
        tags: tuple[str, ...],
    ) -> list[PageRecord]:
        indexed = []
        for encoded in pages:
            page = encoded.page
            if encoded.embedding is None:
                continue
            self.files.keep_preview(source.document_id, page.page_index, page.preview)
            photo = self._encode_photo(page) if kind == Kind.PHOTO else None
            indexed.append(
                IndexedPage(
                    source.document_id,
                    source.name,
                    page.page_index,
                    kind,
                    added_at,
                    encoded.embedding,
                    page.words,
                    photo,
                    tags,
                    encoded.channels,
                )
            )
        self.index.upsert(indexed)
        n_vectors = {
            page.page_index: len(page.embedding.vectors)
            + (page.photo is not None)
            + count_vectors(page.channels)
            for page in indexed
        }
        rendered = (encoded.page for encoded in pages)
        return [
            PageRecord(p.page_index, p.text_source, n_vectors.get(p.page_index, 0), p.error)
            for p in rendered
        ]

    def _encode_photo(self, page: RenderedPage) -> NDArray[np.float16]:
        """The photo vector, from the preview: larger than any photo encoder looks at."""
        with Image.open(io.BytesIO(page.preview)) as preview:
            vectors = self.photo_encoder().encode_photos([preview.convert("RGB")])
        photo: NDArray[np.float16] = vectors[0]
        return photo


def _split_pages(
    rendered: Iterable[tuple[Source, list[RenderedPage]]],
) -> Iterator[tuple[RenderedPage, Page | None]]:
    """The pages of a document one by one, with what the encoder gets of each."""
    for source, pages in rendered:
        for page in pages:
            if page.error is not None:
                yield page, None
                continue
            to_encode = Page(
                source.document_id, page.page_index, page.words, page.text_source, page.image
            )
            # Its picture is large, and needed no more once the encoder has prepared it.
            yield replace(page, image=None), to_encode


def _kind_of(source: Source, first: RenderedPage, n_pages: int) -> Kind:
    is_photo = source.media_type.is_image and n_pages == 1 and len(first.words) < PHOTO_WORDS
    return Kind.PHOTO if is_photo else Kind.PAGE
