"""The Library: the one façade that command line, API and web page call."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from PIL import Image

from app.lock import lock_library
from app.settings import Settings
from ingest.documents import ENCODER_ID, ENCODER_KEY, Counts, Document, Documents
from ingest.pipeline import (
    IngestReport,
    OnProgress,
    Pipeline,
    Progress,
    preview_path,
    remove_document,
)
from retrieval.encoders.base import Encoder
from retrieval.encoders.catalog import find_spec, open_encoder
from retrieval.errors import (
    AmbiguousDocument,
    EncoderMismatch,
    IngestStopped,
    InvalidLibraryPath,
    LibraryUnusable,
    UnknownDocument,
)
from retrieval.evidence import draw_evidence
from retrieval.index.base import PageFilter
from retrieval.index.edge import EdgeIndex
from retrieval.records import Answer, Hit
from retrieval.search import search_pages

# So short a prefix of an id is more likely a name.
ID_PREFIX_CHARACTERS = 6


class Library:
    """A library folder, held by this process: adds, finds, shows and deletes documents."""

    def __init__(self, settings: Settings) -> None:
        """Opens the library folder, or makes it.

        Raises:
            LibraryBusy: another process holds it.
            InvalidLibraryPath: it is a file.
            EncoderMismatch: it is bound to another encoder.
            PagelensError: weights or index cannot be opened.
        """
        self.folder = settings.library
        find_spec(settings.model)
        if self.folder.exists() and not self.folder.is_dir():
            raise InvalidLibraryPath(f"{self.folder} is a file, not a library folder")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LibraryUnusable(f"{self.folder}: {error.strerror or error}") from error
        self._lock = lock_library(self.folder)
        try:
            self._documents = Documents(self.folder)
            self._encoder = open_encoder(settings.model)
            self._bind_encoder(self._encoder)
            self._index = EdgeIndex(
                self.folder / "index", self._encoder.spec.dim, self._encoder.key
            )
            self._ingest_lock = threading.Lock()
            self._is_closing = False
            self._remove_unfinished()
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops an ingest under way, writes what is pending and lets the folder go."""
        self._is_closing = True
        with self._ingest_lock:
            self._index.close()
            self._documents.close()
            self._lock.release()

    @property
    def encoder(self) -> Encoder:
        """The encoder the library is bound to."""
        return self._encoder

    def ingest(
        self, paths: Iterable[Path], on_progress: OnProgress, *, remember_refusals: bool = True
    ) -> IngestReport:
        """Adds files and folders; one ingest runs at a time, and searches go on meanwhile.

        Args:
            paths: files, and folders with all below them.
            on_progress: called as files are checked and pages indexed.
            remember_refusals: whether `status` lists what is refused; not for an upload, whose
                path is gone afterwards.

        Raises:
            PathNotFound: a path does not exist.
            IngestStopped: the library was closed meanwhile.
        """

        def report(progress: Progress) -> None:
            if self._is_closing:
                raise IngestStopped("the library was closed while files were being added")
            on_progress(progress)

        with self._ingest_lock:
            if self._is_closing:
                raise IngestStopped("the library is closed")
            # What a run that failed half-way has left.
            self._remove_unfinished()
            pipeline = Pipeline(self.folder, self._encoder, self._index, self._documents)
            ingested = pipeline.ingest(paths, report)
            if remember_refusals:
                for refusal in ingested.failed:
                    self._documents.record_refusal(refusal)
            return ingested

    def search(self, query: str, limit: int, documents: frozenset[str] | None = None) -> Answer:
        """The best pages for a question, in whole documents only.

        Args:
            query: the question.
            limit: most pages to return.
            documents: ids to search in; None for the whole library.
        """
        unfinished = frozenset(d.document_id for d in self._documents.list_unfinished())
        return search_pages(
            query,
            encoder=self._encoder,
            index=self._index,
            limit=limit,
            page_filter=PageFilter(documents=documents, excluded=unfinished),
        )

    def list_documents(self) -> list[Document]:
        """The documents that can be searched, newest first."""
        return self._documents.list_whole()

    def count(self) -> Counts:
        """How many documents, pages and photos can be searched, and how many files were refused."""
        return self._documents.count()

    def list_text_sources(self, document_id: str) -> dict[int, str]:
        """Where each page of a document has its words from, by page index."""
        pages = self._documents.list_pages(document_id)
        return {page.page_index: page.text_source.value for page in pages}

    def find_document(self, name: str) -> Document:
        """The document of this name, id, or prefix of an id.

        Raises:
            UnknownDocument, AmbiguousDocument: none, or more than one, answers to it.
        """
        documents = self.list_documents()
        found = [d for d in documents if name in (d.name, d.document_id)]
        if not found and len(name) >= ID_PREFIX_CHARACTERS:
            found = [d for d in documents if d.document_id.startswith(name)]
        if not found:
            raise UnknownDocument(f"no document is called {name!r}")
        if len(found) > 1:
            ids = ", ".join(d.document_id[:12] for d in found)
            raise AmbiguousDocument(f"{len(found)} documents are called {name!r}: {ids}")
        return found[0]

    def delete(self, document_id: str) -> None:
        """Removes a document with its original, previews and vectors."""
        remove_document(self.folder, document_id, self._index, self._documents)

    def page_picture(self, document_id: str, page_index: int) -> Image.Image | None:
        """The preview of a page; None for a page that could not be rendered."""
        path = preview_path(self.folder, document_id, page_index)
        if not path.exists():
            return None
        with Image.open(path) as picture:
            return picture.convert("RGB")

    def lit_page(self, hit: Hit) -> Image.Image | None:
        """The preview of a page found, with its evidence lit up."""
        picture = self.page_picture(hit.document_id, hit.page_index)
        return None if picture is None else draw_evidence(picture, hit.matches)

    def _remove_unfinished(self) -> None:
        for document in self._documents.list_unfinished():
            remove_document(self.folder, document.document_id, self._index, self._documents)

    def _bind_encoder(self, encoder: Encoder) -> None:
        bound = self._documents.read_setting(ENCODER_KEY)
        if bound is None:
            self._documents.write_setting(ENCODER_KEY, encoder.key)
            self._documents.write_setting(ENCODER_ID, encoder.spec.id)
        elif bound != encoder.key:
            raise EncoderMismatch(
                f"the library {self.folder} was made with {bound}, not with {encoder.key}"
            )
