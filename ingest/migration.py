"""Brings one space of a library up to the other: pages encoded anew, and what has changed since.

Words, vectors of photos and sounds, tags and times stay what they are; only the vectors of pages
and of their text differ. A page is noted once it is written, so that whatever ends the work, it
goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby, islice

from ingest.document_writer import UPSERT_PAGES
from ingest.documents import Document, Documents
from ingest.files import LibraryFiles
from ingest.progress import OnProgress, Progress
from ingest.render_pool import RenderPool
from ingest.sources import Source
from ingest.space_encoding import EncodedPage, SpaceEncoding
from ingest.space_pages import SpacePage, SpacePages
from ingest.spaces import Space
from retrieval.errors import FileRefused
from retrieval.index.base import IndexedPage
from retrieval.index.channels import count_vectors
from retrieval.records import Kind, Page, TextSource, Word, no_vectors

# Pages whose stored words are read at once.
READ_PAGES = 64

Hold = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page on its way to the other space: what it says, and why it could not be looked at."""

    document_id: str
    page_index: int
    words: tuple[Word, ...]
    text_source: TextSource
    error: str | None = None


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Writes to a space of a library what it lacks of another, while that is searched.

    Attributes:
        files: the library's; pages are rendered from the originals.
        documents: the library's.
        pages: what the space has already.
        source: the space that is searched.
        target: the one that shall hold the same pages.
        encoding: the target's encoders at work.
        pool: renders pages; None where none has to be: see `must_render`.
    """

    files: LibraryFiles
    documents: Documents
    pages: SpacePages
    source: Space
    target: Space
    encoding: SpaceEncoding
    pool: RenderPool | None

    def run(self, hold: Hold, on_progress: OnProgress) -> tuple[int, list[str]]:
        """Makes one pass over the library; what changes meanwhile is left to the next one.

        Args:
            hold: held while a few pages are written, so that no document is deleted meanwhile.
            on_progress: called as pages are encoded; what it raises ends the pass.

        Returns:
            How many pages it has written, and those that could not be looked at, with the reason:
            they are found by the words that are stored of them.
        """
        stored = self.target.index.list_pages()
        documents = (*self.documents.list_whole(), *self.documents.list_unfinished())
        tags = {document.document_id: document.tags for document in documents}
        self._remove_deleted({document_id for document_id, _ in stored} - tags.keys(), hold)
        for document_id, noted in self.pages.list_tags():
            if tags.get(document_id, noted) != noted:
                self._renew_tags(document_id, hold)
        # What was noted may have been lost with the machine's power.
        self.pages.forget(self.pages.list_found() - stored)
        missing = self.pages.list_missing()
        done, total = self.pages.count()
        n_written, left_out = 0, []
        read = ((page, page.words, to_encode) for page, to_encode in self._read(missing))
        stream = self.encoding.stream(read)
        while batch := list(islice(stream, UPSERT_PAGES)):
            with hold():
                self.target.first_stage.follow()
                ids = {encoded.page.document_id for encoded in batch}
                known = {document_id: self._find(document_id) for document_id in ids}
                self._write(batch, known)
            n_written += len(batch)
            for page in (encoded.page for encoded in batch):
                if page.error is not None and (document := known[page.document_id]):
                    left_out.append(f"{document.name}, page {page.page_index + 1}: {page.error}")
            last = known[batch[-1].page.document_id]
            done = min(done + len(batch), total)
            on_progress(Progress("encoding", done, total, last.name if last else ""))
        return n_written, left_out

    def _remove_deleted(self, gone: set[str], hold: Hold) -> None:
        # One that was added again meanwhile is written again: nothing is noted of it.
        with hold():
            self.target.index.delete_documents(gone)

    def _renew_tags(self, document_id: str, hold: Hold) -> None:
        with hold():
            if document := self._find(document_id):
                self.target.index.write_tags(document_id, document.tags)
                self.pages.write_tags(document_id, document.tags)

    def _read(
        self, missing: Sequence[tuple[str, int, TextSource]]
    ) -> Iterator[tuple[ReadPage, Page | None]]:
        for document_id, pages in groupby(missing, key=lambda page: page[0]):
            document = self._find(document_id)
            if document is None:
                continue
            known = {index: text_source for _, index, text_source in pages}
            if self.pool is None or document.media_type.is_sound:
                yield from self._read_words(document, known)
            else:
                yield from self._render(document, known, self.pool)

    def _read_words(
        self, document: Document, known: dict[int, TextSource], error: str | None = None
    ) -> Iterator[tuple[ReadPage, Page | None]]:
        """Pages by the words that are stored of them: all that an encoder of words reads."""
        indexes = list(known)
        for start in range(0, len(indexes), READ_PAGES):
            some = indexes[start : start + READ_PAGES]
            keys = [(document.document_id, index) for index in some]
            for key, words in zip(keys, self.source.index.fetch_words(keys), strict=True):
                read = ReadPage(*key, words, known[key[1]], error)
                reads_words = self.target.encoder.image_long_side_px is None
                yield read, Page(*key, words, read.text_source) if reads_words else None

    def _render(
        self, document: Document, known: dict[int, TextSource], pool: RenderPool
    ) -> Iterator[tuple[ReadPage, Page | None]]:
        """Pages as they were when they were added, from the original."""
        try:
            readable = self.files.find_readable(document.document_id, document.media_type)
        except FileRefused as error:
            yield from self._read_words(document, known, str(error))
            return
        if readable is None:
            yield from self._read_words(document, known, "the library has lost its original")
            return
        path, media_type = readable
        source = Source(path, document.document_id, media_type, document.n_bytes, document.name)
        wanted_px = self.target.encoder.image_long_side_px
        for _, rendered in pool.render([(source, path, list(known))], wanted_px):
            for page in rendered:
                key = document.document_id, page.page_index
                if page.error is not None:
                    one = {page.page_index: known[page.page_index]}
                    yield from self._read_words(document, one, page.error)
                    continue
                to_encode = Page(*key, page.words, page.text_source, page.image)
                yield ReadPage(*key, page.words, page.text_source), to_encode
        if self.documents.find(document.document_id):
            # Nobody else is at it, as where it is still being added.
            self.files.let_go(document.document_id)

    def _write(
        self,
        batch: Sequence[EncodedPage[ReadPage]],
        documents: Mapping[str, Document | None],
    ) -> None:
        indexed, noted = [], []
        for encoded in batch:
            page, embedding = encoded.page, encoded.embedding
            document = documents[page.document_id]
            if document is None:
                # Deleted meanwhile.
                continue
            kind, photo, sound = Kind.PAGE, None, None
            if document.media_type.is_image:
                photo = self.source.index.fetch_photo(page.document_id, page.page_index)
                # A photo has a photo vector, and no page has one.
                kind = Kind.PAGE if photo is None else Kind.PHOTO
            elif document.media_type.is_sound:
                kind = Kind.SOUND
                sound = self.source.index.fetch_sound(page.document_id, page.page_index)
            if embedding is None:
                embedding = no_vectors(self.target.encoder.spec.dim)
            indexed.append(
                IndexedPage(
                    document.document_id,
                    document.name,
                    page.page_index,
                    kind,
                    document.added_at,
                    embedding,
                    page.words,
                    photo,
                    document.tags,
                    encoded.channels,
                    sound,
                )
            )
            n_vectors = len(embedding.vectors) + (photo is not None)
            n_vectors += 0 if sound is None else len(sound)
            n_vectors += count_vectors(encoded.channels)
            noted.append(
                SpacePage(
                    page.document_id, page.page_index, page.text_source, n_vectors, document.tags
                )
            )
        self.target.index.upsert(indexed)
        self.pages.record(noted)

    def _find(self, document_id: str) -> Document | None:
        return self.documents.find(document_id) or self.documents.find_unfinished(document_id)


def must_render(source: Space, target: Space) -> bool:
    """Whether pages have to be rendered for another space: the words stored are not enough.

    Where one encoder reads words and the other pictures, the words of a scan differ, too: for one
    of pictures they are not read.
    """
    wanted = source.encoder.image_long_side_px, target.encoder.image_long_side_px
    return wanted != (None, None)
