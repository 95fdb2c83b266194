"""Makes the small documents the tests read: real files, drawn here, nothing downloaded."""

import io
import struct
import zlib
from pathlib import Path

import matplotlib
import numpy as np
import pikepdf
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont

from retrieval.records import Box, Page, TextSource, Word

FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
WORDS_PER_ROW = 10


def build_page(text: str, page_index: int = 0, words_per_row: int = WORDS_PER_ROW) -> Page:
    """A page whose words stand in rows, each in a box of its own."""
    words = text.split()
    n_rows = -(-len(words) // words_per_row) or 1
    return Page(
        document_id="0" * 64,
        page_index=page_index,
        words=tuple(
            Word(word, grid_box(i % words_per_row, i // words_per_row, words_per_row, n_rows))
            for i, word in enumerate(words)
        ),
        text_source=TextSource.TEXT_LAYER if words else TextSource.NONE,
        image=draw_lines([text[i : i + 40] for i in range(0, min(len(text), 280), 40)], (900, 640)),
    )


def grid_box(column: int, row: int, n_columns: int, n_rows: int) -> Box:
    return Box(
        (column + 0.1) / n_columns,
        (row + 0.1) / n_rows,
        (column + 0.9) / n_columns,
        (row + 0.9) / n_rows,
    )


def new_pdf() -> FPDF:
    """An A4 document measured in points, with a font that holds Latin, Greek and Hebrew."""
    pdf = FPDF(unit="pt", format="A4")
    pdf.add_font("DejaVu", fname=FONT)
    pdf.set_font("DejaVu", size=14)
    return pdf


def write_text_pdf(path: Path, *pages: str) -> Path:
    pdf = new_pdf()
    for text in pages:
        pdf.add_page()
        pdf.multi_cell(w=0, text=text)
    pdf.output(str(path))
    return path


def draw_lines(lines: list[str], size_px: tuple[int, int] = (900, 320)) -> Image.Image:
    """Black text on white, as a scanner sees it."""
    picture = Image.new("RGB", size_px, "white")
    font = ImageFont.truetype(FONT, 36)
    for row, line in enumerate(lines):
        ImageDraw.Draw(picture).text((60, 40 + 80 * row), line, font=font, fill="black")
    return picture


def draw_photo(size_px: tuple[int, int] = (320, 240)) -> Image.Image:
    """A sky at dusk: a picture without a word."""
    height = np.linspace(0, 1, size_px[1])[:, None]
    sky = np.concatenate([90 + 150 * height, 60 + 60 * height, 130 - 40 * height], axis=1)
    pixels = np.repeat(sky[:, None, :], size_px[0], axis=1)
    return Image.fromarray(pixels.astype(np.uint8))


def draw_noise(size_px: tuple[int, int] = (300, 200)) -> Image.Image:
    """A picture that no format can compress, so that half of its file is half of its rows."""
    pixels = np.random.default_rng(7).integers(0, 256, (size_px[1], size_px[0], 3))
    return Image.fromarray(pixels.astype(np.uint8))


def write_scan_pdf(path: Path, lines: list[str]) -> Path:
    """A PDF that holds a picture of text and no text layer."""
    pdf = FPDF(unit="pt", format=(450, 160))
    pdf.set_margin(0)
    pdf.add_page()
    pdf.image(draw_lines(lines), x=0, y=0, w=450)
    pdf.output(str(path))
    return path


def write_tiff(path: Path, *frames: list[str]) -> Path:
    first, *others = [draw_lines(lines) for lines in frames]
    first.save(path, save_all=True, append_images=others)
    return path


def write_encrypted_pdf(path: Path) -> Path:
    with pikepdf.open(write_text_pdf(path.with_suffix(".plain"), "secret accounts")) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(user="user", owner="owner"))
    path.with_suffix(".plain").unlink()
    return path


def write_pdf_without_pages(path: Path) -> Path:
    with pikepdf.new() as pdf:
        pdf.save(path)
    return path


def write_blank_pdf(path: Path, *sizes_pt: tuple[float, float]) -> Path:
    with pikepdf.new() as pdf:
        for size_pt in sizes_pt:
            pdf.add_blank_page(page_size=size_pt)
        pdf.save(path)
    return path


def write_bomb_png(path: Path, side_px: int = 60_000) -> Path:
    """A few KiB whose header promises gigabytes of pixels."""
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header)
    content += png_chunk(b"IDAT", zlib.compress(bytes(1 << 20))) + png_chunk(b"IEND", b"")
    path.write_bytes(content)
    return path


def png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def encode_image(picture: Image.Image, pillow_format: str) -> bytes:
    content = io.BytesIO()
    picture.save(content, pillow_format)
    return content.getvalue()


def cut_off(content: bytes, share: float = 0.5) -> bytes:
    """The first part of a file, as an interrupted download leaves it."""
    return content[: int(len(content) * share)]
