"""Draws the pages that are encoded: text, ruled tables and bar charts, portrait and landscape."""

from __future__ import annotations

import random
from pathlib import Path

from fpdf import FPDF

VOCABULARY = """
harbour ferry island council budget storm lighthouse annual report figure passengers tariff water
depth survey repair contract engine weather record station coast summer total margin
"""
WORDS_A_PAGE = 320
BARS = 12
TABLE_ROWS = 5

# Every so many pages one lies on its side, as slides among reports do.
LANDSCAPE_EVERY = 5


def write_pages(path: Path, n_pages: int) -> Path:
    """Writes a PDF of A4 pages; page `i` is the same whatever `n_pages` is."""
    pdf = FPDF(unit="pt", format="A4")
    pdf.set_font("Helvetica", size=10)
    words = VOCABULARY.split()
    for number in range(1, n_pages + 1):
        rng = random.Random(number)
        pdf.add_page(orientation="L" if number % LANDSCAPE_EVERY == 0 else "P")
        pdf.multi_cell(0, 13, f"Section {number}. " + " ".join(rng.choices(words, k=WORDS_A_PAGE)))
        pdf.ln(12)
        for _ in range(TABLE_ROWS):
            for _ in range(4):
                pdf.cell(90, 16, f"{rng.randrange(100_000):,}", border=1)
            pdf.ln(16)
        draw_bars(pdf, rng, base_pt=min(pdf.get_y() + 130, pdf.h - 40))
    pdf.output(str(path))
    return path


def draw_bars(pdf: FPDF, rng: random.Random, base_pt: float) -> None:
    for bar in range(BARS):
        pdf.set_fill_color(*(rng.randrange(256) for _ in range(3)))
        height_pt = rng.uniform(10, 90)
        pdf.rect(40 + 30 * bar, base_pt - height_pt, 24, height_pt, style="F")
