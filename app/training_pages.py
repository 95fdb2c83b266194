"""The pages of a library that a training needs, read once: their words, and their pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from PIL import Image

from app.library import Library
from ingest.progress import OnProgress, Progress
from ingest.render_pool import RenderPool
from ingest.sources import Source
from retrieval.records import Page, TextSource, Word
from retrieval.training.records import PageKey


class TrainingPages(Mapping[PageKey, tuple[Word, ...]]):
    """Pages with their words; their pictures lie in files, as hundreds would fill the memory.

    Args:
        words: of each page, in reading order.
        pictures: where the picture of each page lies; empty for a model that reads words.
    """

    def __init__(
        self, words: Mapping[PageKey, tuple[Word, ...]], pictures: Mapping[PageKey, Path]
    ) -> None:
        self._words = words
        self._pictures = pictures

    def __getitem__(self, key: PageKey) -> tuple[Word, ...]:
        return self._words[key]

    def __iter__(self) -> Iterator[PageKey]:
        return iter(self._words)

    def __len__(self) -> int:
        return len(self._words)

    def read(self, key: PageKey) -> Page:
        """The page as an encoder gets it."""
        path = self._pictures.get(key)
        image = None
        if path is not None:
            with Image.open(path) as picture:
                image = picture.convert("RGB")
        words = self._words[key]
        source = TextSource.TEXT_LAYER if words else TextSource.NONE
        return Page(*key, words, source, image)


def list_whole_pages(library: Library) -> set[PageKey]:
    """Every page of the library that could be rendered."""
    return {
        (document.document_id, page.page_index)
        for document in library.list_documents()
        for page in library.list_pages(document.document_id)
        if page.error is None
    }


def read_training_pages(
    library: Library,
    keys: Sequence[PageKey],
    scratch: Path,
    on_progress: OnProgress,
    *,
    with_pictures: bool,
) -> TrainingPages:
    """Reads pages, and renders them for a model that looks at them.

    Args:
        library: which holds them.
        keys: the pages.
        scratch: a folder for their pictures.
        on_progress: called as they are rendered.
        with_pictures: whether the model looks at pictures.
    """
    words = dict(zip(keys, library.read_words_of(keys), strict=True))
    pictures = dict(_render(library, keys, scratch, on_progress)) if with_pictures else {}
    return TrainingPages(words, pictures)


def _render(
    library: Library, keys: Sequence[PageKey], scratch: Path, on_progress: OnProgress
) -> Iterator[tuple[PageKey, Path]]:
    folder = scratch / "pages"
    folder.mkdir(exist_ok=True)
    jobs = []
    for document_id, page_index in keys:
        document = library.find_document(document_id)
        path = library.find_original(document_id)
        source = Source(path, document_id, document.media_type, document.n_bytes, document.name)
        jobs.append((source, path, range(page_index, page_index + 1)))
    with RenderPool() as pool:
        rendered = pool.render(jobs, library.encoder.image_long_side_px)
        for done, (key, (_, pages)) in enumerate(zip(keys, rendered, strict=True), 1):
            # What cannot be rendered again is small, but there.
            image = pages[0].image or library.page_picture(*key)
            assert image is not None, "a page that is searched has a picture"
            picture = folder / f"{key[0]}-{key[1]}.png"
            image.save(picture, compress_level=1)
            yield key, picture
            on_progress(Progress("rendering", done, len(keys), ""))
