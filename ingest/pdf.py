"""Opens PDFs and renders their pages: PDFium first, poppler where PDFium fails.

PDFium is not thread-safe: these functions run in rendering processes, one thread each.
"""

from __future__ import annotations

import mmap
import re
import shutil
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image

from retrieval.errors import (
    DamagedFile,
    EncryptedDocument,
    FileRefused,
    NoPages,
    PageTooLarge,
    TruncatedFile,
)

# The largest side of a page in PDF 1.x (ISO 32000-1, annex C): 14,400 points, 200 inches.
PAGE_SIDE_LIMIT_PT = 14_400
PT_PER_INCH = 72

# Less than a page may take, so that the process that started poppler ends it.
POPPLER_TIMEOUT_S = 30

# How far from its end a PDF's closing lines are looked for.
TAIL_BYTES = 2048


def check_is_whole(path: Path) -> None:
    """Refuses a PDF that was cut off: PDFium would repair it silently and lose its last pages.

    Raises:
        TruncatedFile: neither the end marker nor a valid pointer to the cross-reference table
            stands at the end.
    """
    n_bytes = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, n_bytes - TAIL_BYTES))
        tail = file.read()
    pointer = re.search(rb"startxref\s+(\d+)\s", tail)
    if b"%%EOF" not in tail and not (pointer and int(pointer[1]) < n_bytes):
        raise TruncatedFile("the PDF is cut off: its end is missing")


def open_pdf(path: Path) -> pdfium.PdfDocument:
    """Opens a PDF with PDFium.

    Raises:
        EncryptedDocument: a password is needed.
        DamagedFile: PDFium cannot make sense of the file.
        NoPages: the document has no page.
    """
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        raise _explain_refusal(path, error.err_code) from error
    if len(document) == 0:
        document.close()
        raise NoPages("the PDF has no pages")
    document.init_forms()
    return document


def _explain_refusal(path: Path, err_code: int) -> FileRefused:
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        # PDFium leaves its last error as it was where it refuses a file without a page, so the code
        # may be that of the file opened before.
        if err_code == pdfium_c.FPDF_ERR_PASSWORD and content.find(b"/Encrypt") >= 0:
            return EncryptedDocument("the PDF is encrypted and needs a password")
        if re.search(rb"/Count\s+0\b", content) and not re.search(rb"/Type\s*/Page\b", content):
            return NoPages("the PDF has no pages")
    return DamagedFile("the PDF is damaged: no page tree can be read")


def count_pages(document: pdfium.PdfDocument) -> int:
    """The number of pages, checked: a file of a few bytes can claim a million of them.

    Raises:
        DamagedFile: most of the pages that the document claims are not there.
    """
    n_pages = len(document)
    if _has_page(document, n_pages - 1):
        return n_pages
    n_missing = 0
    for index in range(n_pages):
        n_missing += not _has_page(document, index)
        if n_missing > n_pages // 2:
            raise DamagedFile(
                f"the PDF is damaged: it claims {n_pages:,} pages, and most of them are not there"
            )
    return n_pages


def _has_page(document: pdfium.PdfDocument, index: int) -> bool:
    try:
        document[index].close()
    except pdfium.PdfiumError:
        return False
    return True


def check_page_size(page: pdfium.PdfPage) -> None:
    """Refuses a page as large as the format allows, or larger.

    Raises:
        PageTooLarge: a side is 200 inches or longer, or the page has no area.
    """
    width_pt, height_pt = page.get_size()
    # Put so that a size that is no number is too large.
    if not max(width_pt, height_pt) < PAGE_SIDE_LIMIT_PT:
        raise PageTooLarge(
            f"{width_pt / PT_PER_INCH:.0f} x {height_pt / PT_PER_INCH:.0f} inches; "
            f"a side must be under {PAGE_SIDE_LIMIT_PT // PT_PER_INCH} inches"
        )
    if min(width_pt, height_pt) <= 0:
        raise PageTooLarge(f"{width_pt:.0f} x {height_pt:.0f} points: the page has no area")


def render_page(page: pdfium.PdfPage, long_side_px: int) -> Image.Image:
    """Renders a page in RGB, rotated and cropped as a reader shows it, forms filled in."""
    bitmap = page.render(scale=long_side_px / max(page.get_size()), rev_byteorder=True)
    picture: Image.Image = bitmap.to_pil()
    return picture.convert("RGB")


def has_poppler() -> bool:
    """Whether poppler's renderer is installed."""
    return shutil.which("pdftoppm") is not None


def count_pages_with_poppler(path: Path) -> int:
    """The number of pages that poppler finds.

    Raises:
        DamagedFile: poppler cannot open the file either.
    """
    from pdf2image import pdfinfo_from_path

    try:
        return int(pdfinfo_from_path(path, timeout=POPPLER_TIMEOUT_S)["Pages"])
    # pdf2image raises errors of several unrelated classes.
    except Exception as error:
        raise DamagedFile("the PDF is damaged: neither PDFium nor poppler can open it") from error


def render_page_with_poppler(path: Path, page_index: int, long_side_px: int) -> Image.Image:
    """Renders one page with poppler.

    Raises:
        DamagedFile: poppler cannot render the page either.
    """
    from pdf2image import convert_from_path

    try:
        images = convert_from_path(
            path,
            first_page=page_index + 1,
            last_page=page_index + 1,
            size=long_side_px,
            use_cropbox=True,
            timeout=POPPLER_TIMEOUT_S,
        )
    # pdf2image raises errors of several unrelated classes, and Pillow's own on broken output.
    except Exception as error:
        raise DamagedFile("neither PDFium nor poppler can render the page") from error
    if not images:
        raise DamagedFile("neither PDFium nor poppler can render the page")
    picture: Image.Image = images[0]
    return picture.convert("RGB")
