"""The searches of a library: by a question, by a picture, and for what is like a page."""

from __future__ import annotations

import io
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from app.encoders import LibraryEncoders
from ingest.documents import NONSENSE_SCORE, PHOTO_ENCODER_KEY, Document, Documents
from ingest.ingestion import Ingestion
from ingest.sources import Refusal, read_source
from ingest.spaces import Space, Spaces
from retrieval.encoders.base import Encoder, PhotoEncoder, SoundEncoder
from retrieval.encoders.stream import encode_pages
from retrieval.errors import FileRefused, UnknownDocument
from retrieval.index.base import ALL_PAGES, PageFilter, PageIndex, ScoredPage
from retrieval.lexical import weigh_question
from retrieval.page_fusion import Ranking
from retrieval.queries import Query, ask_picture, ask_region, no_words
from retrieval.records import Answer, Box, Hit, Page
from retrieval.rerankers.base import Reranker
from retrieval.search import Mode, SearchOptions, search_pages
from retrieval.snippets import Snippet, cut_snippet


class Searching(ABC):
    """What a library, which is one, can be asked."""

    is_read_only: bool
    encoders: LibraryEncoders
    jobs: Ingestion
    _documents: Documents
    _spaces: Spaces

    @property
    def encoder(self) -> Encoder:
        """The encoder of pages that the library is bound to."""
        return self._spaces.active.encoder

    @property
    def _index(self) -> PageIndex:
        return self._spaces.active.index

    def load_models(self) -> None:
        """Opens what the first search would have to, besides the encoder of pages.

        Raises:
            PagelensError: see `LibraryEncoders.open_photos`, `open_reranker` and `sounds`.
        """
        self.encoders.open_reranker()
        if self._has_photos():
            self.encoders.open_photos()
        self.encoders.sounds.open_held()

    @abstractmethod
    def find_document(self, name: str) -> Document:
        """The document of this name or id; see `Library`."""

    @abstractmethod
    def page_picture(self, document_id: str, page_index: int) -> Image.Image | None:
        """The preview of a page; see `Library`."""

    def search(
        self,
        question: str,
        limit: int,
        *,
        page_filter: PageFilter = ALL_PAGES,
        mode: Mode = Mode.HYBRID,
        exact: bool = False,
        rerank: bool = True,
        only: Ranking | None = None,
    ) -> Answer:
        """The best pages, photos and sounds for a question, in whole documents only.

        Args:
            question: what is looked for.
            limit: most hits to return.
            page_filter: which pages may be returned.
            mode: whether pages are ranked by their vectors, by what they say, or by both.
            exact: whether MaxSim looks at every page, however large the library is.
            rerank: whether the reranker, if the library has one, reads the best pages.
            only: the one ranking of the mode's that is used, to measure it alone; None for all.
        """
        # The time of the first search does not count the seconds that models take to load.
        photos = self.encoders.open_photos() if mode != Mode.TEXT and self._has_photos() else None
        ears = self.encoders.sounds.open_held() if mode != Mode.TEXT else None
        reranker = self.encoders.open_reranker() if rerank and mode != Mode.VISUAL else None
        started = time.perf_counter()
        if not self.is_read_only:
            self._documents.record_question(question)
        options = SearchOptions(limit, page_filter, mode, exact, only=only)
        with self._spaces.reading() as space:
            return self._ask_space(space, question, options, photos, ears, reranker, started)

    def _ask_space(
        self,
        space: Space,
        question: str,
        options: SearchOptions,
        photos: PhotoEncoder | None,
        ears: SoundEncoder | None,
        reranker: Reranker | None,
        started: float,
    ) -> Answer:
        query = Query(
            question,
            space.encoder.encode_query(question),
            question=question,
            terms=weigh_question(question),
        )
        nonsense = float(space.settings.read(NONSENSE_SCORE) or 0.0)
        options = replace(options, nonsense_score=nonsense)
        if options.asks_channels:
            query = replace(query, channels=space.texts.encode_query(question))
        if photos is not None:
            query = replace(
                query, photo=photos.encode_text(question), clear_score=photos.clear_score
            )
        heard = ears.encode_text(question) if ears is not None else None
        if ears is not None and heard is not None:
            query = replace(query, sound=heard[None], clear_sound=ears.clear_score)
        return self._search(space, query, options, started, reranker)

    def rank_by_vectors(
        self, question: str, limit: int, page_filter: PageFilter = ALL_PAGES
    ) -> list[ScoredPage]:
        """The best pages by exact MaxSim alone, best first; what a model is trained against."""
        with self._spaces.reading() as space:
            query = space.encoder.encode_query(question)
            return space.index.search(query, limit, page_filter, exact=True)

    def rank_by_words(
        self, question: str, limit: int, page_filter: PageFilter = ALL_PAGES
    ) -> list[ScoredPage]:
        """The best pages by BM25 alone, best first."""
        with self._spaces.reading() as space:
            return space.index.search_words(weigh_question(question), limit, page_filter)

    def cut_snippets(self, question: str, hits: Sequence[Hit]) -> list[Snippet | None]:
        """The words of each hit in which most of what matched stands; None where none did.

        Args:
            question: what was asked; empty where it was not asked in words.
            hits: what was found.
        """
        with self._spaces.reading() as space:
            pages = space.index.fetch_words([(hit.document_id, hit.page_index) for hit in hits])
        return [cut_snippet(question, *each) for each in zip(hits, pages, strict=True)]

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
        photos = self.encoders.open_photos() if self._has_photos() else None
        started = time.perf_counter()
        called = name or path
        source = read_source(path)
        if isinstance(source, Refusal):
            raise FileRefused(f"{called}: {source.error}")
        if not source.media_type.is_image:
            raise FileRefused(f"{called}: only a picture can be searched with")
        with self._spaces.reading() as space:
            wanted_px = space.encoder.image_long_side_px
            page = self.jobs.render_picture(path, source.media_type, wanted_px)
            if page.error is not None:
                raise FileRefused(f"{called}: {page.error}")
            (embedding,) = encode_pages(
                space.encoder,
                [Page(source.document_id, 0, page.words, page.text_source, page.image)],
            )
            query = Query(name or source.name, ask_picture(embedding))
            if photos is not None:
                with Image.open(io.BytesIO(page.preview)) as preview:
                    vector = photos.encode_photos([preview.convert("RGB")])[0]
                query = replace(query, photo=photos.look_like(vector))
            return self._search(space, query, SearchOptions(limit, page_filter), started)

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
        with self._spaces.reading() as space:
            (embedding,) = space.index.fetch([(document.document_id, page_index)])
            if embedding is None:
                asked = no_words(space.encoder.spec.dim)
            else:
                asked = ask_picture(embedding) if region is None else ask_region(embedding, region)
            query = Query(f"like {document.name}, page {page_index + 1:,}", asked)
            vector = space.index.fetch_photo(document.document_id, page_index)
            if vector is not None:
                photos = self.encoders.open_photos()
                picture = self.page_picture(document.document_id, page_index)
                if region is not None and picture is not None:
                    vector = photos.encode_photos([crop_region(picture, region)])[0]
                query = replace(query, photo=photos.look_like(vector))
            windows = space.index.fetch_sound(document.document_id, page_index)
            if windows is not None:
                # The mean over its windows: as if each asked for its best.
                shares = np.float32(1 / len(windows)) * windows.astype(np.float32)
                query = replace(query, sound=shares)
            # One more, as the page itself comes first and is left out.
            options = SearchOptions(limit + 1, page_filter)
            answer = self._search(space, query, options, started)
        others = [
            hit
            for hit in answer.hits
            if (hit.document_id, hit.page_index) != (document.document_id, page_index)
        ]
        return replace(answer, hits=tuple(others[:limit]))

    def _search(
        self,
        space: Space,
        query: Query,
        options: SearchOptions,
        started: float,
        reranker: Reranker | None = None,
    ) -> Answer:
        """Asks in whole documents only; the time since `started` counts, encoding included."""
        unfinished = frozenset(d.document_id for d in self._documents.list_unfinished())
        where = options.page_filter
        answer = search_pages(
            query,
            replace(options, page_filter=replace(where, excluded=where.excluded | unfinished)),
            index=space.index,
            modality=space.encoder.spec.modality,
            reranker=reranker,
        )
        return replace(answer, seconds=time.perf_counter() - started)

    def _has_photos(self) -> bool:
        return self._documents.read_setting(PHOTO_ENCODER_KEY) is not None


def crop_region(picture: Image.Image, region: Box) -> Image.Image:
    """The part of a page's picture that a region covers; at least a pixel."""
    left, top = int(region.x0 * picture.width), int(region.y0 * picture.height)
    right = max(left + 1, round(region.x1 * picture.width))
    bottom = max(top + 1, round(region.y1 * picture.height))
    return picture.crop((left, top, right, bottom))
