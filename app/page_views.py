"""What a page shows and says, asked of an open library or of the server that holds it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image

from app.answer_output import draw_page_evidence
from app.client import PagelensClient
from retrieval.records import Box, Word

if TYPE_CHECKING:
    from app.library import Library


def show_page(
    opened: Library | PagelensClient, document_id: str, page_number: int, width_px: int
) -> Image.Image:
    """The picture of a page, at least this wide as far as its original is.

    Raises:
        UnknownDocument, UnknownPage: there is no such document or page, or no picture of it.
    """
    if isinstance(opened, PagelensClient):
        content = opened.show_page(document_id, page_number, width_px=width_px)
    else:
        page = (document_id, page_number - 1)
        content = opened.shrink_page(*page, width_px) or opened.render_page(*page, width_px)
    return Image.open(io.BytesIO(content))


def show_evidence(
    opened: Library | PagelensClient, document_id: str, page_number: int, question: str
) -> Image.Image:
    """The preview of a page with what answers a question lit up.

    Raises:
        UnknownDocument, UnknownPage: there is no such document or page, or no picture of it.
    """
    if isinstance(opened, PagelensClient):
        content = opened.show_evidence(document_id, page_number, question)
    else:
        content = draw_page_evidence(opened, document_id, page_number, question)
    return Image.open(io.BytesIO(content))


def read_words(
    opened: Library | PagelensClient, document_id: str, page_number: int
) -> tuple[Word, ...]:
    """The words of a page in reading order, with their boxes.

    Raises:
        UnknownDocument, UnknownPage: there is no such document or page.
    """
    if isinstance(opened, PagelensClient):
        words = opened.read_words(document_id, page_number).words
        return tuple(Word(word.text, Box(*word.box)) for word in words)
    return opened.read_words(document_id, page_number - 1)


def write_lines(words: Sequence[Word]) -> str:
    """The words of a page as text, with its lines."""
    lines: list[list[str]] = []
    previous: Word | None = None
    for word in words:
        middle = (word.box.y0 + word.box.y1) / 2
        if previous is None or not previous.box.y0 <= middle <= previous.box.y1:
            lines.append([])
        lines[-1].append(word.text)
        previous = word
    return "\n".join(map(" ".join, lines))
