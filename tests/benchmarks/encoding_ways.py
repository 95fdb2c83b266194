"""Three ways to encode the same pages: bare forward passes, the plain loop, and Pagelens."""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType

import pypdfium2 as pdfium
import torch
from PIL.Image import Image

from app.library import Library
from app.settings import load_settings
from ingest.pdf import render_page
from retrieval.encoders.base import PreparedPage
from retrieval.encoders.devices import place_model
from retrieval.encoders.stream import pack_batches
from retrieval.encoders.torchvision_guard import ensure_torchvision_imports
from retrieval.records import Page, TextSource
from tests.benchmarks.peak_memory import PeakMemory

# Called with a number of pages as they are done.
OnPages = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Run:
    """What one way took for all pages once.

    Attributes:
        seconds: by the clock.
        cpu_seconds: of all threads and processes; steadier than the clock on a busy machine.
        startup_seconds: Pagelens: of `seconds`, until the first page could be rendered.
        peak_memory_bytes: of this process and its children; on the CPU that includes both copies
            of the weights, for each way alike, and for bare forward passes the inputs of all pages.
        peak_gpu_bytes: one copy of the weights and what the work took beside it; None without CUDA.
    """

    seconds: float
    cpu_seconds: float
    startup_seconds: float
    peak_memory_bytes: int
    peak_gpu_bytes: int | None


class EncodingWays:
    """One model and one PDF, for all three ways; a context manager.

    The model is loaded twice: by Pagelens, whose encoder the bare forward passes use too, and by
    colpali-engine for the plain loop, both with the same device, dtype and attention kernel.
    """

    def __init__(
        self, checkpoint: Path, document: Path, n_pages: int, folder: Path, device: str
    ) -> None:
        self.document = document
        self.n_pages = n_pages
        self.placement = place_model(device)
        self.library = Library(
            load_settings(library=folder, model=str(checkpoint), device=device, skip_self_test=True)
        )
        self.encoder = self.library.encoder
        self._checkpoint = checkpoint

    def __enter__(self) -> EncodingWays:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.library.close()

    @cached_property
    def plain(self) -> tuple[torch.nn.Module, object]:
        """Model and processor as the model cards load them."""
        ensure_torchvision_imports()
        from colpali_engine import models

        config = json.loads((self._checkpoint / "config.json").read_text(encoding="utf-8"))
        (name,) = config["architectures"]
        model = getattr(models, name).from_pretrained(
            self._checkpoint,
            dtype=self.placement.torch_dtype,
            attn_implementation=self.placement.attention,
        )
        processor = getattr(models, f"{name}Processor").from_pretrained(self._checkpoint)
        return model.to(self.placement.device).eval(), processor

    @property
    def n_parameters(self) -> int:
        return self.encoder.spec.n_parameters

    def count_vectors(self) -> int:
        """Vectors of the first page."""
        return self._prepare(0).n_vectors

    def warm_up(self, plain_batch: int) -> None:
        """Loads what is loaded late and lets the device choose its kernels, untimed."""
        prepared = self._prepare(0)
        n_pages = min(self.n_pages, max(1, self.encoder.batch_vectors // prepared.n_vectors))
        self.encoder.collect([prepared] * n_pages, self.encoder.forward([prepared] * n_pages))
        self._encode_plainly(0, min(self.n_pages, plain_batch))
        self._synchronise()

    def run(self, way: str, plain_batch: int, on_pages: OnPages) -> Run:
        """Runs "bare_forward", "plain_loop" or "pagelens" over all pages once."""
        if way == "bare_forward":
            return self.run_bare_forward(on_pages)
        if way == "plain_loop":
            return self.run_plain_loop(plain_batch, on_pages)
        return self.run_pagelens(on_pages)

    def run_bare_forward(self, on_pages: OnPages) -> Run:
        """The limit: nothing but forward passes, over batches prepared and packed beforehand.

        One after the other. On a CPU each takes all cores, as torch does by itself; Pagelens runs a
        page on each core, which is a little quicker.
        """
        prepared = [self._prepare(i) for i in range(self.n_pages)]
        prepared.sort(key=lambda page: page.n_vectors)
        lengths = [page.n_vectors for page in prepared]
        batches = [
            [prepared[i] for i in batch]
            for batch in pack_batches(lengths, self.encoder.batch_vectors)
        ]

        def work() -> float:
            for batch in batches:
                self.encoder.forward(batch)
                on_pages(len(batch))
            return 0.0

        return self._measure(work)

    def run_plain_loop(self, batch_pages: int, on_pages: OnPages) -> Run:
        """Render, process, encode, bring back; one step after the other, some pages at a time.

        So do the model cards (a batch of pictures) and byaldi (a batch of one).
        """

        def work() -> float:
            embeddings: list[torch.Tensor] = []
            for first in range(0, self.n_pages, batch_pages):
                last = min(first + batch_pages, self.n_pages)
                embeddings += self._encode_plainly(first, last)
                on_pages(last - first)
            assert len(embeddings) == self.n_pages
            return 0.0

        return self._measure(work)

    def run_pagelens(self, on_pages: OnPages) -> Run:
        """`Library.ingest`: rendering, text layer, previews, encoding, index, durable at the end.

        Raises:
            RuntimeError: not every page was indexed.
        """
        done = 0

        def show(progress) -> None:
            nonlocal done
            if progress.stage == "indexing":
                on_pages(progress.done - done)
                done = progress.done

        def work() -> float:
            report = self.library.ingest([self.document], show)
            if report.pages != self.n_pages:
                raise RuntimeError(f"{report.pages} of {self.n_pages} pages were indexed")
            return report.seconds - report.indexing_seconds

        run = self._measure(work)
        # A document that is there is not encoded again.
        for document in self.library.list_documents():
            self.library.delete(document.document_id)
        return run

    def _measure(self, work: Callable[[], float]) -> Run:
        gc.collect()
        on_cuda = self.placement.device.startswith("cuda")
        held_bytes = 0
        if on_cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.placement.device)
            held_bytes = torch.cuda.memory_allocated(self.placement.device)
        with PeakMemory() as memory:
            cpu_started, started = sum(os.times()[:4]), time.perf_counter()
            startup_seconds = work()
            self._synchronise()
            seconds, cpu_seconds = time.perf_counter() - started, sum(os.times()[:4]) - cpu_started
        peak_gpu_bytes = None
        if on_cuda:
            above = torch.cuda.max_memory_allocated(self.placement.device) - held_bytes
            peak_gpu_bytes = above + self._count_weight_bytes()
        return Run(seconds, cpu_seconds, startup_seconds, memory.peak_bytes, peak_gpu_bytes)

    def _count_weight_bytes(self) -> int:
        tensors = [*self.plain[0].parameters(), *self.plain[0].buffers()]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def _synchronise(self) -> None:
        if self.placement.device.startswith("cuda"):
            torch.cuda.synchronize(self.placement.device)
        elif self.placement.device == "mps":
            torch.mps.synchronize()

    def _encode_plainly(self, first: int, last: int) -> list[torch.Tensor]:
        model, processor = self.plain
        inputs = processor.process_images(self._render(first, last)).to(self.placement.device)
        with torch.no_grad():
            vectors = model(**inputs)
        return list(torch.unbind(vectors.cpu()))

    def _prepare(self, page_index: int) -> PreparedPage:
        (picture,) = self._render(page_index, page_index + 1)
        return self.encoder.prepare(Page("0" * 64, page_index, (), TextSource.NONE, picture))

    def _render(self, first: int, last: int) -> list[Image]:
        """Pictures of pages as large as Pagelens renders them for this model."""
        long_side_px = self.encoder.image_long_side_px
        with pdfium.PdfDocument(self.document) as document:
            return [render_page(document[i], long_side_px) for i in range(first, last)]
