"""Pages of a folder of PDFs, followed by as many generated ones as are asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from ingest import pdf, text_layer
from retrieval.encoders.base import Encoder
from retrieval.index.base import IndexedPage
from retrieval.records import Kind, Page, TextSource
from tests.benchmarks.generated_pages import ADDED_AT, GeneratedPages


class CorpusPages:
    """Pages with text of the PDFs in a folder, and then generated pages.

    Attributes:
        questions: vectors `[n_tokens, dim]` of the folder's `queries.jsonl`, where it has one.
    """

    def __init__(
        self, folder: Path | None, encoder: Encoder, generated: GeneratedPages, bars: Progress
    ) -> None:
        self._generated = generated
        self._pages: list[IndexedPage] = []
        self.questions: list[NDArray[np.float32]] = []
        if folder is None:
            return
        files = sorted(folder.rglob("*.pdf"))
        task = bars.add_task("corpus", total=len(files), unit="PDFs")
        for path in files:
            self._pages += read_pages(path, encoder)
            bars.advance(task)
        queries = folder / "queries.jsonl"
        if queries.exists():
            texts = [json.loads(line)["text"] for line in queries.read_text("utf-8").splitlines()]
            self.questions = [
                vectors for text in texts if len(vectors := encoder.encode_query(text).vectors)
            ]

    def __len__(self) -> int:
        return len(self._pages)

    def build(self, first: int, end: int) -> list[IndexedPage]:
        """The pages of these numbers."""
        known = self._pages[first:end]
        return known + self._generated.build_pages(first + len(known), end)


def read_pages(path: Path, encoder: Encoder) -> Iterator[IndexedPage]:
    """Encodes the pages that have a text layer; scans are passed over."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pdf.open_pdf(path) as document:
        for index, sheet in enumerate(document):
            words = text_layer.read_words(sheet)
            if not words:
                continue
            prepared = encoder.prepare(Page(digest, index, words, TextSource.TEXT_LAYER))
            (embedding,) = encoder.collect([prepared], encoder.forward([prepared]))
            if len(embedding.vectors):
                yield IndexedPage(digest, path.name, index, Kind.PAGE, ADDED_AT, embedding)
