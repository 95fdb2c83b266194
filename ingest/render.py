"""Turns one page of a file into a record: its words, its preview, its picture. Runs in a child.

These functions run in the rendering processes of `ingest/render_pool.py`, so that a file that
crashes a parser, or never lets it go, ends one of them and nothing else. They import neither torch
nor an encoder.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
from numpy.typing import NDArray
from PIL import Image

from ingest import images, ocr, pdf, sounds, text_layer
from ingest.media_types import MediaType
from retrieval.errors import DamagedFile, FileRefused, FileTooLarge, RenderingFailed
from retrieval.records import TextSource, Word

# An A4 page at 88 dpi: small print can be read, and a page takes about 100 kB.
PREVIEW_LONG_SIDE_PX = 1024
# One that is hardly larger stays as it is: to resize it takes as long as to compress it.
PREVIEW_LIMIT_PX = 1126
PREVIEW_QUALITY = 75
# The fastest: on pages, 1 takes a third more time for files 1 % smaller.
PREVIEW_METHOD = 0

# Fewer letters than this are a stamp or a page number, not a page's text: it is read by OCR.
TEXT_LAYER_CHARACTERS = 25


# A few kilobytes can hold a page a million times over; the thickest bound volumes have 5,000.
PAGE_LIMIT = 20_000

# Pages after which a PDF is opened anew: enough to pay for opening it.
OPEN_PAGES = 16


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """What a rendering process gives back for one page.

    Attributes:
        page_index: 0-based.
        words: in reading order.
        text_source: where the words come from.
        preview: a WebP picture, `PREVIEW_LONG_SIDE_PX` to `PREVIEW_LIMIT_PX` at its long side, or
            smaller if the original is.
        image: RGB at the encoder's resolution; None for an encoder that reads words.
        sound: windows of a recording, `[n_windows, n_samples]`; see `sounds.read_windows`.
        error: why the page could not be rendered; the page is then empty.
    """

    page_index: int
    words: tuple[Word, ...] = ()
    text_source: TextSource = TextSource.NONE
    preview: bytes = b""
    image: Image.Image | None = None
    sound: NDArray[np.int16] | None = None
    error: str | None = None


def count_pages(path: Path, media_type: MediaType) -> int:
    """Opens a file and counts its pages.

    Raises:
        FileRefused: the file cannot become a document.
    """
    if media_type.is_sound:
        sounds.check_recording(path)
        return 1
    n_pages = _count_frames(path, media_type) if media_type.is_image else _count_pdf_pages(path)
    if n_pages > PAGE_LIMIT:
        raise FileTooLarge(f"{n_pages:,} pages; the limit is {PAGE_LIMIT:,}")
    return n_pages


def _count_frames(path: Path, media_type: MediaType) -> int:
    n_pages = images.count_frames(path, media_type)
    if n_pages == 1:
        # One picture is cheap to decode, and only decoding shows that it is whole.
        images.read_frame(path, media_type, 0)
    return n_pages


def _count_pdf_pages(path: Path) -> int:
    pdf.check_is_whole(path)
    try:
        document = pdf.open_pdf(path)
    except DamagedFile:
        if pdf.has_poppler():
            return pdf.count_pages_with_poppler(path)
        raise
    with document:
        return pdf.count_pages(document)


def render_pages(
    path: Path, media_type: MediaType, page_indexes: Sequence[int], image_long_side_px: int | None
) -> list[RenderedPage]:
    """Renders some pages of a file; a page that fails is recorded, and the others go on."""
    return [_render_page(path, media_type, index, image_long_side_px) for index in page_indexes]


def _render_page(
    path: Path, media_type: MediaType, page_index: int, image_long_side_px: int | None
) -> RenderedPage:
    try:
        with nothing_but_refusals():
            if media_type.is_sound:
                preview = compress(sounds.draw_recording(path, PREVIEW_LONG_SIDE_PX))
                return RenderedPage(page_index, preview=preview, sound=sounds.read_windows(path))
            if media_type.is_image:
                # Its words tell a scan from a photo, whatever the encoder reads.
                picture = images.read_frame(path, media_type, page_index)
                return _build_page(page_index, picture, None, image_long_side_px)
            try:
                document = _open_pdf_again(path, page_index // OPEN_PAGES)
                return _render_pdf_page(document, page_index, image_long_side_px)
            except (pdfium.PdfiumError, DamagedFile):
                return _render_poppler_page(path, page_index, image_long_side_px)
    except FileRefused as error:
        return RenderedPage(page_index, error=str(error))


@contextmanager
def nothing_but_refusals() -> Iterator[None]:
    """Turns whatever a hostile file makes a library raise into a refusal.

    Nothing else may leave a rendering process: an error of a class that cannot be sent would take
    all processes with it.
    """
    try:
        yield
    except FileRefused:
        raise
    except MemoryError as error:
        raise RenderingFailed("it needs too much memory") from error
    except Exception as error:
        raise RenderingFailed(f"it cannot be rendered ({type(error).__name__}: {error})") from error


@lru_cache(maxsize=1)
def _open_pdf_again(path: Path, _group: int) -> pdfium.PdfDocument:
    """Keeps a document open for `OPEN_PAGES` pages; PDFium's caches grow with every page."""
    return pdf.open_pdf(path)


def _render_pdf_page(
    document: pdfium.PdfDocument, index: int, image_long_side_px: int | None
) -> RenderedPage:
    page = document[index]
    try:
        pdf.check_page_size(page)
        layer = text_layer.read_words(page)
        words = layer if has_readable_text(layer) else ()
        # An encoder of pictures needs no OCR, which takes seconds a page.
        needs_px = max(
            PREVIEW_LONG_SIDE_PX,
            image_long_side_px or 0,
            0 if words or image_long_side_px else ocr.OCR_LONG_SIDE_PX,
        )
        picture = pdf.render_page(page, needs_px)
    finally:
        page.close()
    # A title page has no more than a few words: they count unless OCR reads more.
    few = () if words or text_layer.is_garbled(layer) else layer
    has_text = bool(words) or image_long_side_px is not None
    return _build_page(index, picture, words if has_text else None, image_long_side_px, few)


def _render_poppler_page(path: Path, index: int, image_long_side_px: int | None) -> RenderedPage:
    if not pdf.has_poppler():
        raise DamagedFile("the page is damaged: PDFium cannot render it")
    long_side_px = max(ocr.OCR_LONG_SIDE_PX, image_long_side_px or 0)
    picture = pdf.render_page_with_poppler(path, index, long_side_px)
    return _build_page(index, picture, () if image_long_side_px else None, image_long_side_px)


def _build_page(
    index: int,
    picture: Image.Image,
    words: tuple[Word, ...] | None,
    image_long_side_px: int | None,
    few: tuple[Word, ...] = (),
) -> RenderedPage:
    """Makes a page's preview, and the picture for the encoder.

    Args:
        index: of the page.
        picture: the page, as large as any of its uses needs.
        words: of its text layer; None to read them by OCR.
        image_long_side_px: the picture the encoder wants; None if it reads words.
        few: words of the text layer, too few to be all that the page says; taken unless OCR reads
            more.
    """
    source = TextSource.TEXT_LAYER if words else TextSource.NONE
    if words is None:
        words = ocr.read_words(picture)
        source = TextSource.OCR if words else TextSource.NONE
    if few and count_characters(words) <= count_characters(few):
        words, source = few, TextSource.TEXT_LAYER
    shown = picture
    if max(picture.size) > PREVIEW_LIMIT_PX:
        shown = shrink_to(picture, PREVIEW_LONG_SIDE_PX)
    image = shrink_to(picture, image_long_side_px) if image_long_side_px else None
    return RenderedPage(index, words, source, compress(shown), image)


def draw_page(path: Path, media_type: MediaType, page_index: int, long_side_px: int) -> bytes:
    """A page to be looked at, as WebP; `long_side_px` is at most what WebP and memory take.

    A page of a PDF, or the drawing of a recording, has its long side that long; a picture is never
    larger than it is.

    Raises:
        FileRefused: the page cannot be rendered.
    """
    if media_type.is_sound:
        return compress(sounds.draw_recording(path, long_side_px))
    if media_type.is_image:
        return compress(shrink_to(images.read_frame(path, media_type, page_index), long_side_px))
    try:
        page = _open_pdf_again(path, page_index // OPEN_PAGES)[page_index]
        try:
            pdf.check_page_size(page)
            return compress(pdf.render_page(page, long_side_px))
        finally:
            page.close()
    except (pdfium.PdfiumError, DamagedFile):
        return compress(pdf.render_page_with_poppler(path, page_index, long_side_px))


def compress(picture: Image.Image) -> bytes:
    """A picture as a WebP file, of the quality of previews."""
    content = io.BytesIO()
    picture.save(content, "WEBP", quality=PREVIEW_QUALITY, method=PREVIEW_METHOD)
    return content.getvalue()


def has_readable_text(words: Sequence[Word]) -> bool:
    """Whether a text layer is worth reading; else the page is read by OCR."""
    return count_characters(words) >= TEXT_LAYER_CHARACTERS and not text_layer.is_garbled(words)


def count_characters(words: Sequence[Word]) -> int:
    """How much words say, in characters."""
    return sum(len(word.text) for word in words)


def shrink_to(picture: Image.Image, long_side_px: int) -> Image.Image:
    """The picture with its long side at most `long_side_px`; the same one if it already is."""
    scale = long_side_px / max(picture.size)
    if scale >= 1.0:
        return picture
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    # The intermediate reduction by whole factors keeps large scans quick.
    return picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
