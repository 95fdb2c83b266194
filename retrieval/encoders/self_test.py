"""The self-test of an encoder: four plain pages, four plain questions, each must find its page.

A checkpoint can load without a complaint and still know nothing: an untrained projection, weights
under renamed keys, a wrong prompt. It then ranks pages by chance, and nothing downstream shows it.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from retrieval.encoders.base import Encoder
from retrieval.encoders.stream import encode_pages
from retrieval.errors import SelfTestFailed
from retrieval.maxsim import score_maxsim
from retrieval.records import Box, Page, TextSource, Word

# By how much of cosine a query vector, on average, the right page must lead. Untrained encoders
# are within 0.006 of each other, minilm-layout leads by 0.48.
MIN_LEAD = 0.02

PAGE_SIZE_PX = (620, 877)
MARGIN_PX = 60
TITLE_PX = 44
TEXT_PX = 26
LINE_SPACING = 1.5

# (question, title, text). Topics far apart: any trained encoder tells them from each other.
TOPICS = (
    (
        "How is bread baked in an oven?",
        "Baking bread",
        "Knead flour, water, salt and yeast into a dough. Let it rise for two hours, "
        "then bake the loaf in a hot oven until the crust is brown.",
    ),
    (
        "Which planets have rings and moons?",
        "The solar system",
        "Saturn is a planet with bright rings of ice. Jupiter has more than ninety moons, "
        "seen through a telescope at night.",
    ),
    (
        "What is the total amount of the invoice?",
        "Invoice 2291",
        "Twelve office chairs at 85.00 EUR each. Total amount to pay: 1,020.00 EUR. "
        "Please pay this invoice within thirty days.",
    ),
    (
        "How does a doctor treat a broken leg?",
        "First aid for fractures",
        "A broken bone in the leg is held still with a splint. The doctor takes an X-ray in the "
        "hospital and puts on a plaster cast.",
    ),
)


def check_encoder(encoder: Encoder) -> None:
    """Lets the encoder find four pages by four questions.

    Raises:
        SelfTestFailed: a question found another page than its own, or one almost as well.
    """
    pages = encode_pages(
        encoder, [draw_page(i, title, text) for i, (_, title, text) in enumerate(TOPICS)]
    )
    failed = []
    for i, (question, _, _) in enumerate(TOPICS):
        query = encoder.encode_query(question)
        scores = np.array([score_maxsim(query, page) for page in pages])
        lead = scores[i] - np.delete(scores, i).max()
        if not lead >= MIN_LEAD * len(query.tokens):
            failed.append(question)
    if failed:
        raise SelfTestFailed(
            f"{encoder.spec.id} failed its self-test: {len(failed)} of {len(TOPICS)} questions "
            f"did not find their page (the first: {failed[0]!r})"
        )


def draw_page(page_index: int, title: str, text: str) -> Page:
    """A page as both kinds of encoder want it: its picture, and its words with their boxes."""
    image = Image.new("RGB", PAGE_SIZE_PX, "white")
    draw = ImageDraw.Draw(image)
    words: list[Word] = []
    y = float(MARGIN_PX)
    for line, size_px in ((title, TITLE_PX), (text, TEXT_PX)):
        font = ImageFont.load_default(size_px)
        x = float(MARGIN_PX)
        for word in line.split():
            width = draw.textlength(word, font)
            if x + width > PAGE_SIZE_PX[0] - MARGIN_PX:
                x, y = float(MARGIN_PX), y + LINE_SPACING * size_px
            draw.text((x, y), word, fill="black", font=font)
            words.append(
                Word(
                    word,
                    Box(
                        x / PAGE_SIZE_PX[0],
                        y / PAGE_SIZE_PX[1],
                        (x + width) / PAGE_SIZE_PX[0],
                        (y + size_px) / PAGE_SIZE_PX[1],
                    ),
                )
            )
            x += width + 0.3 * size_px
        y += 2 * LINE_SPACING * size_px
    return Page("self-test", page_index, tuple(words), TextSource.TEXT_LAYER, image)
