"""Pages drawn again, by a process of their own that a bad page does not take from others."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import psutil
import pytest
from PIL import Image

from ingest import sharp_pages
from ingest.documents import Document
from ingest.files import LibraryFiles
from ingest.render import render_pages
from ingest.sharp_pages import SharpPages
from ingest.sources import read_source
from retrieval.errors import UnknownPage
from retrieval.records import Kind
from tests.documents import write_blank_pdf, write_text_pdf


@pytest.fixture
def files(tmp_path):
    return LibraryFiles(tmp_path / "library")


@pytest.fixture
def pages(files):
    pages = SharpPages(files)
    yield pages
    pages.close()


def add(files, path) -> Document:
    """Keeps a file and its previews as a library does."""
    source = read_source(path)
    files.keep_original(source.document_id, path)
    rendered = render_pages(path, source.media_type, [0, 1], None)
    for page in rendered:
        if page.error is None:
            files.keep_preview(source.document_id, page.page_index, page.preview)
    now = datetime.now(timezone.utc)
    return Document(
        source.document_id, path.name, source.media_type, Kind.PAGE, source.n_bytes, 2, now
    )


@pytest.fixture
def book(files, tmp_path):
    return add(files, write_text_pdf(tmp_path / "book.pdf", "The first page.", "The second page."))


def size_of(content):
    return Image.open(io.BytesIO(content)).size


def renderers():
    return [child for child in psutil.Process().children() if "spawn_main" in str(child.cmdline())]


def test_the_process_starts_with_the_first_page_that_needs_it_and_ends_when_closed(files, book):
    before = len(renderers())
    pages = SharpPages(files)
    assert pages.shrink(book, 0, 320) is not None
    assert pages.measure(book, 0) == (724, 1024)
    assert len(renderers()) == before
    assert size_of(pages.render(book, 0, 1600))[0] == pytest.approx(1600, abs=2)
    assert len(renderers()) == before + 1
    pages.close()
    assert len(renderers()) == before


def test_a_page_that_was_drawn_is_not_drawn_again(files, pages, book):
    drawn = pages.render(book, 1, 1500)
    files.find_original(book.document_id).unlink()
    assert pages.render(book, 1, 1600) == drawn
    assert pages.render(book, 1, 2400) == files.find_preview(book.document_id, 1).read_bytes()


def test_the_oldest_pictures_make_room(files, pages, book, monkeypatch):
    n_bytes = len(pages.render(book, 0, 1600))
    monkeypatch.setattr(sharp_pages, "KEPT_BYTES", n_bytes * 3 // 2)
    forgetful = SharpPages(files)
    try:
        first, second = (forgetful.render(book, index, 1600) for index in (0, 1))
        files.find_original(book.document_id).unlink()
        assert forgetful.render(book, 1, 1600) == second
        assert forgetful.render(book, 0, 1600) != first
    finally:
        forgetful.close()


def test_a_page_that_cannot_be_rendered_again_is_shown_as_it_was_and_not_tried_twice(
    files, pages, book
):
    original = files.find_original(book.document_id)
    whole = original.read_bytes()
    preview = files.find_preview(book.document_id, 0).read_bytes()
    original.write_bytes(b"%PDF-1.7\n" + b"\x9c garbage " * 300)
    assert pages.render(book, 0, 1600) == preview
    original.write_bytes(whole)
    assert pages.render(book, 0, 1600) == preview
    assert pages.render(book, 1, 1600) != preview


def test_a_page_without_a_picture_is_named(pages, book):
    for ask in (pages.shrink, pages.render):
        with pytest.raises(UnknownPage, match=r"book\.pdf: there is no picture of page 3"):
            ask(book, 2, 1600)


def test_a_page_as_long_as_a_ribbon_is_as_long_as_the_format_takes(files, pages, tmp_path):
    ribbon = add(files, write_blank_pdf(tmp_path / "ribbon.pdf", (100, 9000), (100, 100)))
    assert size_of(pages.render(ribbon, 0, 4096))[1] == pytest.approx(16_383, abs=2)


def test_whoever_asks_for_the_same_page_at_once_gets_what_is_drawn_once(pages, book):
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(lambda _: pages.render(book, 0, 2400), range(4)))
    assert len({id(content) for content in drawn}) == 1


def test_a_library_that_is_closed_lets_nobody_wait(files, book):
    pages = SharpPages(files)
    preview = files.find_preview(book.document_id, 1).read_bytes()
    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(pages.render, book, index, 4096) for index in (0, 1)]
        pages.close()
        assert all(future.result() for future in asked)
    assert pages.render(book, 1, 2400) == preview
