"""The Library: the one façade that command line, API and web page call."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from PIL import Image

from app.doctor import Diagnosis, examine
from app.encoders import LibraryEncoders, check_name
from app.index_choice import open_index
from app.interim_jobs import InterimJobMethods, InterimJobs
from app.lock import lock_library
from app.settings import Settings
from ingest.documents import (
    FITTED_PAGES,
    NONSENSE_SCORE,
    PHOTO_ENCODER_KEY,
    Counts,
    Document,
    Documents,
    PageRecord,
)
from ingest.pipeline import (
    IngestReport,
    OnProgress,
    Pipeline,
    Progress,
    original_path,
    preview_path,
    remove_document,
)
from ingest.render import render_pages
from ingest.sources import Refusal, read_source
from retrieval.encoders.base import Encoder
from retrieval.encoders.stream import encode_pages
from retrieval.errors import (
    AmbiguousDocument,
    FileRefused,
    IngestStopped,
    InvalidLibraryPath,
    LibraryUnusable,
    UnknownDocument,
    UnknownPage,
)
from retrieval.evidence import draw_evidence
from retrieval.index.base import ALL_PAGES, IndexLayout, PageFilter
from retrieval.index.cells import Codebook
from retrieval.index.first_stage import build_first_stage, wants_codebook
from retrieval.lexical import weigh_question
from retrieval.nonsense import measure_nonsense
from retrieval.queries import Query, ask_picture, ask_region, no_words
from retrieval.records import Answer, Box, Hit, Page
from retrieval.search import Mode, SearchOptions, search_pages

# So short a prefix of an id is more likely a name.
ID_PREFIX_CHARACTERS = 6

# The cells of the index's first stage; absent where the library is small.
CODEBOOK = "cells.npz"


class Library(InterimJobMethods):
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
        for name in (settings.model, settings.photo_model):
            check_name(name)
        if self.folder.exists() and not self.folder.is_dir():
            raise InvalidLibraryPath(f"{self.folder} is a file, not a library folder")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LibraryUnusable(f"{self.folder}: {error.strerror or error}") from error
        self._lock = lock_library(self.folder)
        try:
            self._documents = Documents(self.folder)
            self.encoders = LibraryEncoders(self.folder, self._documents, settings)
            layout = IndexLayout(
                self.encoder.spec.dim, self.encoder.key, self.encoders.vector_storage
            )
            self._index = open_index(settings, self._documents, layout)
            self._codebook_path = self.folder / CODEBOOK
            if self._codebook_path.exists():
                self._index.use_codebook(Codebook.load(self._codebook_path))
            self._ingest_lock = threading.Lock()
            self._is_closing = False
            self._remove_unfinished()
            self._jobs = InterimJobs(self, settings.page_limit)
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
        self._jobs.close()
        with self._ingest_lock:
            self._index.close()
            self._documents.close()
            self._lock.release()

    @property
    def encoder(self) -> Encoder:
        """The encoder of pages that the library is bound to."""
        return self.encoders.pages

    def ingest(
        self,
        paths: Iterable[Path],
        on_progress: OnProgress,
        *,
        tags: Iterable[str] = (),
        remember_refusals: bool = True,
        optimize: bool = True,
    ) -> IngestReport:
        """Adds files and folders; one ingest runs at a time, and searches go on meanwhile.

        Args:
            paths: files, and folders with all below them.
            on_progress: called as files are checked and pages indexed.
            tags: what the documents added are called besides their names.
            remember_refusals: whether `status` lists what is refused; not for an upload, whose
                path is gone afterwards.
            optimize: whether to merge what was written at the end; not while others search.

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
            ingested = self._pipeline(tags).ingest(paths, report)
            if ingested.pages:
                self._arrange(on_progress)
                nonsense = measure_nonsense(self.encoder, self._index)
                self._documents.write_setting(NONSENSE_SCORE, str(nonsense))
                if optimize:
                    self.optimize()
            if remember_refusals:
                for refusal in ingested.failed:
                    self._documents.record_refusal(refusal)
            return ingested

    def optimize(self) -> None:
        """Makes the index small and quick after much was written.

        The embedded index answers nothing meanwhile, for seconds where it is large.
        """
        self._index.optimize()

    def _arrange(self, on_progress: OnProgress) -> None:
        """Gives the index the first stage that its size wants; searches are exact meanwhile."""
        fitted = int(self._documents.read_setting(FITTED_PAGES) or 0)
        n_pages = self._index.count()
        if not wants_codebook(n_pages, fitted if self._codebook_path.exists() else 0):
            return
        self._index.use_codebook(None)
        # A run cut off half-way must not leave a codebook that some pages have no cells of.
        self._codebook_path.unlink(missing_ok=True)
        codebook = build_first_stage(
            self._index, lambda done, total: on_progress(Progress("arranging", done, total, ""))
        )
        self._documents.write_setting(FITTED_PAGES, str(n_pages))
        codebook.save(self._codebook_path)
        self._index.use_codebook(codebook)

    def _pipeline(self, tags: Iterable[str] = ()) -> Pipeline:
        return Pipeline(
            self.folder,
            self.encoder,
            self.encoders.open_photos,
            self._index,
            self._documents,
            tuple(dict.fromkeys(tags)),
        )

    def search(
        self,
        question: str,
        limit: int,
        *,
        page_filter: PageFilter = ALL_PAGES,
        mode: Mode = Mode.HYBRID,
        exact: bool = False,
        rerank: bool = True,
    ) -> Answer:
        """The best pages and photos for a question, in whole documents only.

        Args:
            question: what is looked for.
            limit: most hits to return.
            page_filter: which pages may be returned.
            mode: whether pages are ranked by their vectors, by their words, or by both.
            exact: whether MaxSim looks at every page, however large the library is.
            rerank: whether the reranker, if the library has one, reads the best pages.
        """
        started = time.perf_counter()
        self._documents.record_question(question)
        query = Query(
            question,
            self.encoder.encode_query(question),
            question=question,
            terms=weigh_question(question),
        )
        if mode != Mode.TEXT and self._has_photos():
            photos = self.encoders.open_photos()
            query = replace(
                query, photo=photos.encode_text(question), clear_score=photos.clear_score
            )
        nonsense = float(self._documents.read_setting(NONSENSE_SCORE) or 0.0)
        options = SearchOptions(limit, page_filter, mode, exact, nonsense)
        return self._search(query, options, started, rerank=rerank and mode != Mode.VISUAL)

    def search_picture(
        self,
        path: Path,
        limit: int,
        page_filter: PageFilter = ALL_PAGES,
        *,
        name: str | None = None,
    ) -> Answer:
        """The pages and photos most like a picture: a screenshot, a photo, a crop.

        Args:
            path: where the picture lies.
            limit: most hits to return.
            page_filter: which pages may be returned.
            name: what an upload is called, whose path says nothing to whoever sent it.

        Raises:
            FileRefused: it is no picture, or cannot be read.
        """
        started = time.perf_counter()
        called = name or path
        source = read_source(path)
        if isinstance(source, Refusal):
            raise FileRefused(f"{called}: {source.error}")
        if not source.media_type.is_image:
            raise FileRefused(f"{called}: only a picture can be searched with")
        page = render_pages(path, source.media_type, [0], self.encoder.image_long_side_px)[0]
        if page.error is not None:
            raise FileRefused(f"{called}: {page.error}")
        (embedding,) = encode_pages(
            self.encoder,
            [Page(source.document_id, 0, page.words, page.text_source, page.image)],
        )
        query = Query(name or source.name, ask_picture(embedding))
        if self._has_photos():
            photos = self.encoders.open_photos()
            with Image.open(io.BytesIO(page.preview)) as preview:
                vector = photos.encode_photos([preview.convert("RGB")])[0]
            query = replace(query, photo=photos.look_like(vector))
        return self._search(query, SearchOptions(limit, page_filter), started)

    def search_like(
        self,
        document_id: str,
        page_index: int,
        limit: int,
        region: Box | None = None,
        page_filter: PageFilter = ALL_PAGES,
    ) -> Answer:
        """The pages most like a page of the library, or like a region of it.

        Works on stored vectors; only a region of a photo is looked at anew.

        Raises:
            UnknownDocument: the library has no such page.
        """
        started = time.perf_counter()
        document = self.find_document(document_id)
        if not 0 <= page_index < document.n_pages:
            raise UnknownDocument(
                f"{document.name} has {document.n_pages:,} pages, no page {page_index + 1:,}"
            )
        (embedding,) = self._index.fetch([(document.document_id, page_index)])
        if embedding is None:
            asked = no_words(self.encoder.spec.dim)
        else:
            asked = ask_picture(embedding) if region is None else ask_region(embedding, region)
        query = Query(f"like {document.name}, page {page_index + 1:,}", asked)
        vector = self._index.fetch_photo(document.document_id, page_index)
        if vector is not None:
            photos = self.encoders.open_photos()
            picture = self.page_picture(document.document_id, page_index)
            if region is not None and picture is not None:
                vector = photos.encode_photos([crop_region(picture, region)])[0]
            query = replace(query, photo=photos.look_like(vector))
        # One more, as the page itself comes first and is left out.
        answer = self._search(query, SearchOptions(limit + 1, page_filter), started)
        others = [
            hit
            for hit in answer.hits
            if (hit.document_id, hit.page_index) != (document.document_id, page_index)
        ]
        return replace(answer, hits=tuple(others[:limit]))

    def _search(
        self, query: Query, options: SearchOptions, started: float, *, rerank: bool = False
    ) -> Answer:
        """Asks in whole documents only; the time since `started` counts, encoding included."""
        unfinished = frozenset(d.document_id for d in self._documents.list_unfinished())
        where = options.page_filter
        answer = search_pages(
            query,
            replace(options, page_filter=replace(where, excluded=where.excluded | unfinished)),
            index=self._index,
            modality=self.encoder.spec.modality,
            reranker=self.encoders.open_reranker() if rerank else None,
        )
        return replace(answer, seconds=time.perf_counter() - started)

    def _has_photos(self) -> bool:
        return self._documents.read_setting(PHOTO_ENCODER_KEY) is not None

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

    def list_pages(self, document_id: str) -> list[PageRecord]:
        """What is known of each page of a document, in order."""
        return self._documents.list_pages(document_id)

    def find_original(self, document_id: str) -> Path:
        """The file that a document was made from.

        Raises:
            UnknownDocument: there is no such document, or its original is gone.
        """
        document = self.find_document(document_id)
        path = original_path(self.folder, document.document_id)
        if not path.is_file():
            raise UnknownDocument(f"{document.name}: the library has lost its original")
        return path

    def find_preview(self, document_id: str, page_index: int) -> Path:
        """The WebP file that shows a page.

        Raises:
            UnknownDocument, UnknownPage: there is no such document or page, or no picture of it.
        """
        document = self.find_document(document_id)
        path = preview_path(self.folder, document.document_id, page_index)
        if not path.is_file():
            raise UnknownPage(f"{document.name}: there is no picture of page {page_index + 1:,}")
        return path

    def find_document(self, name: str) -> Document:
        """The document of this name, id, or prefix of an id.

        Raises:
            UnknownDocument, AmbiguousDocument: none, or more than one, answers to it.
        """
        # An id comes first: another document may bear it as its name.
        known = self._documents.find(name)
        if known is not None:
            return known
        documents = self.list_documents()
        found = [d for d in documents if d.name == name]
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

    def read_around(self, hit: Hit) -> list[tuple[int, str]]:
        """What the pages before and after a page say: (1-based page number, text)."""
        n_pages = self.find_document(hit.document_id).n_pages
        around = [i for i in (hit.page_index - 1, hit.page_index + 1) if 0 <= i < n_pages]
        texts = self._index.fetch_texts([(hit.document_id, i) for i in around])
        return [(index + 1, " ".join(words)) for index, words in zip(around, texts, strict=True)]

    def lit_page(self, hit: Hit, word: str | None = None) -> Image.Image | None:
        """The preview of a page found, with its evidence lit up.

        Args:
            hit: where the page was found.
            word: one of `hit.evidence.words`, to show where that word alone matched.
        """
        picture = self.page_picture(hit.document_id, hit.page_index)
        if picture is None or hit.evidence is None:
            return picture
        evidence = hit.evidence if word is None else hit.evidence.of_word(word)
        return draw_evidence(picture, evidence)

    def has_lost_its_index(self) -> bool:
        """Whether the index is empty while documents are listed: a folder was removed, say."""
        return bool(self._documents.list_indexed_pages()) and self._index.count() == 0

    def examine(self, on_progress: OnProgress) -> Diagnosis:
        """Compares what is stored where, and the fast search with the exact one."""
        return examine(self._documents, self._index, self.encoder, on_progress)

    def repair(self, diagnosis: Diagnosis, on_progress: OnProgress) -> list[Refusal]:
        """Removes from the index what belongs to no document and makes anew what is missing.

        Returns:
            What could not be repaired, and why.
        """
        with self._ingest_lock:
            known = {document.document_id: document for document in self.list_documents()}
            self._index.delete_documents(diagnosis.stray_documents - known.keys())
            failed: list[Refusal] = []
            for document_id in sorted(diagnosis.damaged_documents & known.keys()):
                document = known[document_id]
                try:
                    failed += self._pipeline().index_again(document, on_progress)
                except FileRefused as error:
                    failed.append(Refusal(Path(document.name), str(error)))
            self.optimize()
            return failed

    def _remove_unfinished(self) -> None:
        for document in self._documents.list_unfinished():
            remove_document(self.folder, document.document_id, self._index, self._documents)


def crop_region(picture: Image.Image, region: Box) -> Image.Image:
    """The part of a page's picture that a region covers; at least a pixel."""
    left, top = int(region.x0 * picture.width), int(region.y0 * picture.height)
    right = max(left + 1, round(region.x1 * picture.width))
    bottom = max(top + 1, round(region.y1 * picture.height))
    return picture.crop((left, top, right, bottom))
