"""Any number of pages with real embeddings, from a pool of paragraphs that are encoded once.

The embedded encoder reads a page in windows of 126 tokens, each on its own. A paragraph of one
window therefore has the same vectors on whatever page it stands, and a page of several paragraphs
has the vectors of all of them. Every page is another set of paragraphs, every paragraph stands on
several pages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.base import Encoder
from retrieval.encoders.minilm_layout import WINDOW_TOKENS
from retrieval.index.base import IndexedPage
from retrieval.records import Box, Kind, Page, PageEmbedding, TextSource, Word
from tests.benchmarks.page_texts import write_paragraph

CHUNK = 100
WORDS_A_LINE = 12
LINES_A_PARAGRAPH = 16
PARAGRAPHS_A_PAGE = (3, 5)
ADDED_AT = datetime(2026, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Encoded paragraphs: vectors float16 `[n, dim]`, boxes float32 `[n, 4]`, ends `[CHUNK]`."""

    vectors: NDArray[np.float16]
    boxes: NDArray[np.float32]
    ends: NDArray[np.int64]


class GeneratedPages:
    """Pages by number, the same for the same number of paragraphs.

    Attributes:
        dim: length of one vector.
    """

    def __init__(
        self,
        encoder: Encoder,
        n_paragraphs: int,
        folder: Path,
        on_done: Callable[[], None],
    ) -> None:
        """Encodes what `folder` does not hold yet.

        Args:
            encoder: one that reads words.
            n_paragraphs: rounded up to hundreds.
            folder: where encoded paragraphs are kept.
            on_done: called after each chunk.
        """
        self._encoder = encoder
        folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(encoder.key.encode()).hexdigest()[:12]
        chunks = []
        for start in range(0, n_paragraphs, CHUNK):
            chunks.append(self._load_chunk(folder / f"{name}-{start:06d}-{CHUNK}.npz", start))
            on_done()
        self._vectors = np.concatenate([chunk.vectors for chunk in chunks])
        self._boxes = np.concatenate([chunk.boxes for chunk in chunks])
        lengths = np.concatenate([np.diff(chunk.ends, prepend=0) for chunk in chunks])
        self._ends = np.cumsum(lengths)
        self.dim = self._vectors.shape[1]

    def build_pages(self, first: int, end: int) -> list[IndexedPage]:
        """The pages of these numbers."""
        return [self._build_page(number) for number in range(first, end)]

    def encode_questions(self, n: int) -> list[NDArray[np.float32]]:
        """Vectors `[n_tokens, dim]` of questions about paragraphs spread over the pool."""
        numbers = np.linspace(0, len(self._ends) - 1, n).astype(int).tolist()
        return [
            self._encoder.encode_query(write_paragraph(number).question).vectors
            for number in numbers
        ]

    def _build_page(self, number: int) -> IndexedPage:
        chance = np.random.default_rng(number)
        n = int(chance.integers(*PARAGRAPHS_A_PAGE))
        vectors, boxes = [], []
        for place, paragraph in enumerate(chance.choice(len(self._ends), n, replace=False)):
            part = slice(self._ends[paragraph - 1] if paragraph else 0, self._ends[paragraph])
            vectors.append(self._vectors[part])
            # Each paragraph takes its part of the page's height.
            boxes.append(self._boxes[part] * [1, 1 / n, 1, 1 / n] + [0, place / n, 0, place / n])
        document = number // 10
        return IndexedPage(
            document_id=hashlib.sha256(str(document).encode()).hexdigest(),
            document=f"generated-{document}.pdf",
            page_index=number % 10,
            kind=Kind.PAGE,
            added_at=ADDED_AT,
            embedding=PageEmbedding(
                np.concatenate(vectors), np.concatenate(boxes).astype(np.float32)
            ),
        )

    def _load_chunk(self, path: Path, start: int) -> Chunk:
        if not path.exists():
            chunk = self._encode_chunk(start)
            partial = path.with_suffix(".partial")
            with partial.open("wb") as file:
                np.savez(file, vectors=chunk.vectors, boxes=chunk.boxes, ends=chunk.ends)
            partial.replace(path)
        with np.load(path, allow_pickle=False) as arrays:
            return Chunk(arrays["vectors"], arrays["boxes"], arrays["ends"])

    def _encode_chunk(self, start: int) -> Chunk:
        prepared = [
            self.prepare(write_paragraph(number).text) for number in range(start, start + CHUNK)
        ]
        vectors, boxes = [], []
        for at in range(0, CHUNK, 25):
            batch = prepared[at : at + 25]
            for embedding in self._encoder.collect(batch, self._encoder.forward(batch)):
                vectors.append(embedding.vectors)
                boxes.append(embedding.boxes)
        ends = np.cumsum([len(part) for part in vectors])
        return Chunk(np.concatenate(vectors), np.concatenate(boxes), ends)

    def prepare(self, text: str):
        """The paragraph as a page that is cut where it would need a second window."""
        words = text.split()
        while True:
            prepared = self._encoder.prepare(lay_out(words))
            too_many = prepared.n_vectors - WINDOW_TOKENS
            if too_many <= 0:
                return prepared
            # A word is about two tokens.
            words = words[: len(words) - max(1, too_many // 2)]


def lay_out(words: list[str]) -> Page:
    """Words in lines; every word has a box of its own."""
    width, height = 1 / WORDS_A_LINE, 1 / LINES_A_PARAGRAPH
    placed = tuple(
        Word(word, Box(x * width, y * height, (x + 0.9) * width, (y + 0.8) * height))
        for i, word in enumerate(words)
        for y, x in [divmod(i, WORDS_A_LINE)]
    )
    return Page("generated", 0, placed, TextSource.TEXT_LAYER)
