"""Where PDFium fails, poppler is tried; `make test` installs it beside chromium where it can."""

import pytest

from ingest import pdf
from ingest.render import _render_poppler_page
from retrieval.errors import DamagedFile
from retrieval.records import TextSource
from tests.documents import write_text_pdf

pytestmark = pytest.mark.skipif(
    not pdf.has_poppler(), reason="no poppler: apt-get install poppler-utils"
)


def test_poppler_counts_and_renders_pages_as_large_as_asked(tmp_path):
    path = write_text_pdf(tmp_path / "log.pdf", "The harbour log of May.", "The log of June.")
    assert pdf.count_pages_with_poppler(path) == 2
    assert max(pdf.render_page_with_poppler(path, 1, 640).size) == 640


def test_a_page_that_poppler_rendered_is_read_by_ocr(tmp_path):
    path = write_text_pdf(tmp_path / "log.pdf", "The harbour log of May.", "The log of June.")
    page = _render_poppler_page(path, 1, None)
    assert page.text_source is TextSource.OCR
    assert "June." in [word.text for word in page.words]
    assert page.preview


def test_what_poppler_cannot_open_either_is_damaged(tmp_path):
    path = tmp_path / "damaged.pdf"
    path.write_bytes(b"%PDF-1.7\n" + b"garbage " * 300)
    with pytest.raises(DamagedFile, match="neither PDFium nor poppler"):
        pdf.count_pages_with_poppler(path)
    with pytest.raises(DamagedFile, match="neither PDFium nor poppler"):
        pdf.render_page_with_poppler(path, 0, 640)
