"""PDFs of generated paragraphs, no two pages alike, each with a question that it answers."""

from __future__ import annotations

import textwrap
from pathlib import Path

from fpdf import FPDF

from tests.benchmarks.page_texts import Paragraph, write_paragraph

PARAGRAPHS_A_PAGE = 2

FONT_SIZE_PT = 11
LINE_PT = 14
LINE_CHARACTERS = 85
MARGIN_PT = 50


def write_pdf(path: Path, first_page: int, n_pages: int) -> Path:
    """Writes a PDF of the pages of these numbers, of about 250 words each.

    Args:
        path: of the file.
        first_page: 0-based, among all pages that there can be.
        n_pages: from there on.
    """
    pdf = FPDF(unit="pt", format="A4")
    # Not embedded, so that the names of things must be Latin-1: WordNet's are.
    pdf.set_font("Helvetica", size=FONT_SIZE_PT)
    for number in range(first_page, first_page + n_pages):
        pdf.add_page()
        y_pt = MARGIN_PT
        for paragraph in _read_page(number):
            # fpdf's own breaking of lines takes ten times as long.
            for line in textwrap.wrap(paragraph.text, LINE_CHARACTERS):
                pdf.text(MARGIN_PT, y_pt, line)
                y_pt += LINE_PT
            y_pt += LINE_PT
    pdf.output(str(path))
    return path


def write_question(page: int) -> str:
    """A question that the page of this number answers."""
    return _read_page(page)[0].question


def _read_page(number: int) -> list[Paragraph]:
    first = number * PARAGRAPHS_A_PAGE
    return [write_paragraph(first + i) for i in range(PARAGRAPHS_A_PAGE)]
