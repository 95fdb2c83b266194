"""The ingest run: files become documents whose pages are rendered, encoded and indexed.

A document is whole or absent. Its row is written before its first page and marked whole after its
last; what a crash leaves in between is removed when the library is opened again.
"""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from itertools import groupby, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ingest.documents import Document, Documents, PageRecord
from ingest.render import RenderedPage
from ingest.render_pool import RenderPool
from ingest.sources import Refusal, Source, find_files, read_source
from retrieval.encoders.base import Encoder, PhotoEncoder
from retrieval.encoders.stream import encode_stream
from retrieval.errors import FileRefused, LibraryUnusable, UnreadableFile
from retrieval.index.base import IndexedPage, PageIndex
from retrieval.records import Kind, Page, PageEmbedding

# A picture with fewer words than this is a photo; with more it is a scan of a page.
PHOTO_WORDS = 8

# Pages written to the index at once; progress is shown as often.
UPSERT_PAGES = 4

# What is counted in each stage of a long job.
STAGE_UNITS = {
    "checking": "files",
    "indexing": "pages",
    "searching": "questions",
    "comparing": "questions",
    "arranging": "pages",
    "saving": "files",
    "restoring": "files",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long job has come.

    Attributes:
        stage: "checking" files, "indexing" pages, or "searching" for the answers to questions.
        done: files, pages or questions done.
        total: of so many.
        document: the name of the one at hand.
    """

    stage: str
    done: int
    total: int
    document: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest run did.

    Attributes:
        documents: added by this run.
        pages: indexed by this run.
        skipped: files that the library held already.
        failed: files refused, and pages that could not be rendered.
        seconds: the whole run; `indexing_seconds`, without the checking of files.
    """

    documents: int
    pages: int
    skipped: int
    failed: tuple[Refusal, ...]
    seconds: float
    indexing_seconds: float


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What an ingest run needs.

    Attributes:
        folder: the library's.
        encoder: of pages.
        photo_encoder: opens the encoder of photos, at the first photo.
        index: where vectors go.
        documents: where all else goes.
        tags: what the documents of this run are called besides their names.
    """

    folder: Path
    encoder: Encoder
    photo_encoder: Callable[[], PhotoEncoder]
    index: PageIndex
    documents: Documents
    tags: tuple[str, ...] = ()

    def ingest(self, paths: Iterable[Path], on_progress: OnProgress) -> IngestReport:
        """Adds files and folders to the library; a file that is refused stops nothing.

        Raises:
            PathNotFound: a path does not exist.
            IndexFailed, LibraryUnusable: the library cannot be written; whole documents stay.
        """
        started = time.perf_counter()
        files = find_files(paths)
        failed: list[Refusal] = []
        with RenderPool() as pool:
            accepted, skipped = self._check_files(files, pool, failed, on_progress)
            indexing_started = time.perf_counter()
            n_documents, n_pages = self._index(accepted, pool, failed, on_progress)
        ended = time.perf_counter()
        return IngestReport(
            n_documents, n_pages, skipped, tuple(failed), ended - started, ended - indexing_started
        )

    def index_again(self, document: Document, on_progress: OnProgress) -> list[Refusal]:
        """Makes the pages of a document anew, from the original that the library keeps.

        Returns:
            What is still missing, and why.

        Raises:
            UnreadableFile: the original is gone.
        """
        path = original_path(self.folder, document.document_id)
        if not path.is_file():
            raise UnreadableFile(f"{document.name}: the library has lost its original")
        source = Source(
            path, document.document_id, document.media_type, document.n_bytes, document.name
        )
        failed: list[Refusal] = []
        self.index.delete_documents([document.document_id])
        self.documents.delete(document.document_id)
        again = replace(self, tags=document.tags)
        with RenderPool() as pool:
            again._index([(source, document.n_pages)], pool, failed, on_progress)
        return failed

    def _check_files(
        self,
        files: list[Path],
        pool: RenderPool,
        failed: list[Refusal],
        on_progress: OnProgress,
    ) -> tuple[list[tuple[Source, int]], int]:
        """Sniffs, hashes and opens each file: what can be indexed, and how many are known."""
        accepted: dict[str, tuple[Source, int]] = {}
        skipped = 0
        for i, path in enumerate(files):
            on_progress(Progress("checking", i, len(files), path.name))
            source = read_source(path)
            if isinstance(source, Refusal):
                failed.append(source)
                continue
            if source.document_id in accepted or self.documents.find(source.document_id):
                skipped += 1
                self.documents.clear_refusal(path)
                continue
            try:
                n_pages = pool.count_pages(path, source.media_type)
            except FileRefused as error:
                failed.append(Refusal(path, str(error)))
                continue
            accepted[source.document_id] = (source, n_pages)
        on_progress(Progress("checking", len(files), len(files), ""))
        return list(accepted.values()), skipped

    def _index(
        self,
        accepted: list[tuple[Source, int]],
        pool: RenderPool,
        failed: list[Refusal],
        on_progress: OnProgress,
    ) -> tuple[int, int]:
        total = sum(n_pages for _, n_pages in accepted)
        n_documents = n_pages_indexed = done = 0
        n_pages_of = {source.document_id: n_pages for source, n_pages in accepted}
        rendered = pool.render(self._store_originals(accepted), self.encoder.image_long_side_px)
        encoded = encode_stream(self.encoder, _split_pages(rendered))
        for document_id, items in groupby(encoded, key=lambda item: item[0][0].document_id):
            added_at = datetime.now(timezone.utc)
            errors: list[PageRecord] = []
            n_indexed = 0
            source, kind = None, Kind.PAGE
            while batch := list(islice(items, UPSERT_PAGES)):
                if source is None:
                    (source, first), _ = batch[0]
                    kind = _kind_of(source, first, n_pages_of[document_id])
                    self.documents.begin(
                        source, n_pages_of[document_id], Kind.PAGE, added_at, self.tags
                    )
                pages = [(page, embedding) for (_, page), embedding in batch]
                records = self._index_pages(source, pages, kind, added_at)
                self.documents.add_pages(document_id, records)
                errors += [record for record in records if record.error]
                n_indexed += sum(record.error is None for record in records)
                done += len(batch)
                on_progress(Progress("indexing", done, total, source.name))
            assert source is not None, "a document has at least one page"
            failed += [_describe(source, record, n_pages_of[document_id]) for record in errors]
            if n_indexed:
                self.documents.finish(document_id, kind)
                if not errors:
                    self.documents.clear_refusal(source.path)
                n_documents += 1
                n_pages_indexed += n_indexed
            else:
                remove_document(self.folder, document_id, self.index, self.documents)
        return n_documents, n_pages_indexed

    def _store_originals(
        self, accepted: Iterable[tuple[Source, int]]
    ) -> Iterator[tuple[Source, Path, int]]:
        """Copies each file into the library, so that it is read from where it cannot change."""
        for source, n_pages in accepted:
            path = original_path(self.folder, source.document_id)
            write_atomically(path, source.path)
            yield source, path, n_pages

    def _index_pages(
        self,
        source: Source,
        pages: list[tuple[RenderedPage, PageEmbedding | None]],
        kind: Kind,
        added_at: datetime,
    ) -> list[PageRecord]:
        indexed = []
        for page, embedding in pages:
            if embedding is None:
                continue
            write_atomically(
                preview_path(self.folder, source.document_id, page.page_index), page.preview
            )
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
                    self.tags,
                )
            )
        self.index.upsert(indexed)
        n_vectors = {
            page.page_index: len(page.embedding.vectors) + (page.photo is not None)
            for page in indexed
        }
        return [
            PageRecord(p.page_index, p.text_source, n_vectors.get(p.page_index, 0), p.error)
            for p, _ in pages
        ]

    def _encode_photo(self, page: RenderedPage) -> NDArray[np.float16]:
        """The photo vector, from the preview: larger than any photo encoder looks at."""
        with Image.open(io.BytesIO(page.preview)) as preview:
            vectors = self.photo_encoder().encode_photos([preview.convert("RGB")])
        photo: NDArray[np.float16] = vectors[0]
        return photo


def _split_pages(
    rendered: Iterable[tuple[Source, list[RenderedPage]]],
) -> Iterator[tuple[tuple[Source, RenderedPage], Page | None]]:
    """The pages of a stream one by one, with what the encoder gets of each."""
    for source, pages in rendered:
        for page in pages:
            if page.error is not None:
                yield (source, page), None
                continue
            to_encode = Page(
                source.document_id, page.page_index, page.words, page.text_source, page.image
            )
            # Its picture is large, and needed no more once the encoder has prepared it.
            yield (source, replace(page, image=None)), to_encode


def _kind_of(source: Source, first: RenderedPage, n_pages: int) -> Kind:
    is_photo = source.media_type.is_image and n_pages == 1 and len(first.words) < PHOTO_WORDS
    return Kind.PHOTO if is_photo else Kind.PAGE


def _describe(source: Source, record: PageRecord, n_pages: int) -> Refusal:
    if n_pages == 1:
        return Refusal(source.path, record.error or "")
    return Refusal(source.path, f"page {record.page_index + 1} is left out: {record.error}")


def original_path(folder: Path, document_id: str) -> Path:
    """Where the library keeps a document's file."""
    return folder / "files" / document_id[:2] / document_id


def preview_path(folder: Path, document_id: str, page_index: int) -> Path:
    """Where the library keeps the picture of a page."""
    return folder / "previews" / document_id[:2] / document_id / f"{page_index}.webp"


def write_atomically(path: Path, content: bytes | Path) -> None:
    """Writes bytes, or a copy of a file, so that `path` is either whole or absent.

    Raises:
        LibraryUnusable: the disk is full, or the folder cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, part)
        else:
            part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise LibraryUnusable(f"{path} cannot be written: {error.strerror or error}") from error


def remove_document(folder: Path, document_id: str, index: PageIndex, documents: Documents) -> None:
    """Removes all that the library holds of a document, the row last: a crash leaves it listed."""
    index.delete_documents([document_id])
    shutil.rmtree(preview_path(folder, document_id, 0).parent, ignore_errors=True)
    original_path(folder, document_id).unlink(missing_ok=True)
    documents.delete(document_id)
