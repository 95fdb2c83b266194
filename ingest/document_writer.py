"""Makes pages of a document and writes them, some at a time: what each step of its workflow does.

A document is whole or absent. Its row is written before its first page and marked whole after its
last. Every step may be done again, after a crash in its midst: the same pages get the same points.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ingest.documents import Documents, PageRecord
from ingest.files import LibraryFiles, remove_document
from ingest.locks import LibraryLocks
from ingest.render import RenderedPage
from ingest.render_pool import RenderPool
from ingest.sources import Refusal, Source, read_source
from ingest.space_encoding import EncodedPage, SpaceEncodings
from ingest.spaces import Space, Spaces
from retrieval.encoders.base import PhotoEncoder, SoundEncoder
from retrieval.errors import FileRefused, UnreadableFile
from retrieval.index.base import IndexedPage
from retrieval.index.channels import count_vectors
from retrieval.records import Kind, Page, Word, no_vectors

# A picture with fewer words than this is a photo; with more it is a scan of a page.
PHOTO_WORDS = 8

# Pages written to the index at once; progress is shown as often.
UPSERT_PAGES = 4


@dataclass(slots=True)
class _OpenDocument:
    """A document whose pages are on their way to a space, ahead of the step that asks for them."""

    space: Space
    next_page: int
    pages: Iterator[EncodedPage[RenderedPage]]


@dataclass(frozen=True, slots=True)
class DocumentWriter:
    """Writes documents into a library; several at a time, from several threads.

    Attributes:
        files: where originals and previews go.
        photo_encoder: opens the encoder of photos, at the first photo.
        sound_encoder: opens that of sounds, at the first recording.
        spaces: where vectors go.
        documents: where all else goes.
        pool: renders pages.
        encodings: encode them and their words.
        locks: one is held while the index is written.
    """

    files: LibraryFiles
    photo_encoder: Callable[[], PhotoEncoder]
    sound_encoder: Callable[[], SoundEncoder]
    spaces: Spaces
    documents: Documents
    pool: RenderPool
    encodings: SpaceEncodings
    locks: LibraryLocks
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
        while pages:
            opened = self._open_at(source, pages.start, n_pages)
            encoded = list(islice(opened.pages, min(len(pages), UPSERT_PAGES)))
            opened.next_page += len(encoded)
            if not encoded:
                break
            kind = _kind_of(source, encoded[0].page, n_pages)
            with self.locks.writing():
                space = self.spaces.follow()
                if space is not opened.space:
                    # The library has changed its encoder meanwhile: these pages once more.
                    del self._open[source.document_id]
                    continue
                records = self._index_pages(space, source, encoded, kind, added_at, tags)
                if self.documents.find_unfinished(source.document_id) is None:
                    # Deleted while this was under way: whoever deleted it could not know of these.
                    remove_document(self.files, source.document_id, space.index, self.documents)
                    return None
                self.documents.add_pages(source.document_id, records)
            pages = pages[len(encoded) :]
            on_pages(len(records))
        return kind

    def close(self, document_id: str) -> None:
        """Lets go what has been read ahead of a document."""
        self._open.pop(document_id, None)
        self.files.let_go(document_id)

    def _open_at(self, source: Source, first: int, n_pages: int) -> _OpenDocument:
        opened = self._open.get(source.document_id)
        if opened is None or opened.next_page != first:
            space = self.spaces.active
            opened = _OpenDocument(space, first, self._stream_pages(space, source, first, n_pages))
            self._open[source.document_id] = opened
        return opened

    def _stream_pages(
        self, space: Space, source: Source, first: int, n_pages: int
    ) -> Iterator[EncodedPage[RenderedPage]]:
        readable = self.files.find_readable(source.document_id, source.media_type)
        if readable is None:
            raise UnreadableFile("the library has lost its original")
        path, media_type = readable
        shown = replace(source, path=path, media_type=media_type)
        rendered = self.pool.render(
            [(shown, path, range(first, n_pages))], space.encoder.image_long_side_px
        )
        return self.encodings.of(space).stream(_split_pages(rendered))

    def _index_pages(
        self,
        space: Space,
        source: Source,
        pages: Sequence[EncodedPage[RenderedPage]],
        kind: Kind,
        added_at: datetime,
        tags: tuple[str, ...],
    ) -> list[PageRecord]:
        indexed = []
        for encoded in pages:
            page, embedding, sound = encoded.page, encoded.embedding, None
            if page.sound is not None:
                embedding = no_vectors(space.encoder.spec.dim)
                sound = self.sound_encoder().encode_sounds(page.sound)
            if embedding is None:
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
                    embedding,
                    page.words,
                    photo,
                    tags,
                    encoded.channels,
                    sound,
                )
            )
        space.index.upsert(indexed)
        n_vectors = {
            page.page_index: len(page.embedding.vectors)
            + (page.photo is not None)
            + (0 if page.sound is None else len(page.sound))
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
) -> Iterator[tuple[RenderedPage, tuple[Word, ...], Page | None]]:
    """The pages of a document one by one, with what the encoders get of each."""
    for source, pages in rendered:
        for page in pages:
            if page.error is not None or page.sound is not None:
                yield page, page.words, None
                continue
            to_encode = Page(
                source.document_id, page.page_index, page.words, page.text_source, page.image
            )
            # Its picture is large, and needed no more once the encoder has prepared it.
            yield replace(page, image=None), page.words, to_encode


def _kind_of(source: Source, first: RenderedPage, n_pages: int) -> Kind:
    if source.media_type.is_sound:
        return Kind.SOUND
    is_photo = source.media_type.is_image and n_pages == 1 and len(first.words) < PHOTO_WORDS
    return Kind.PHOTO if is_photo else Kind.PAGE
