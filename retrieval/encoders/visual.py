"""Late interaction over page pictures: the ColPali family (Faysse et al. 2024).

One encoder for every family and both libraries; what differs between them stands in the
`VisualModel` that a loader makes.
"""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retrieval.encoders.base import EncoderSpec
from retrieval.encoders.devices import Placement, map_out_of_memory, take_one_core
from retrieval.encoders.geometry import Layout, place_tokens
from retrieval.encoders.query_words import find_words, has_word, shows_evidence
from retrieval.errors import InvalidEmbedding
from retrieval.records import Page, PageEmbedding, QueryEmbedding

Inputs = Mapping[str, Any]

# Rounding in bfloat16 moves the length of a unit vector by up to 2^-8.
RAW_NORM_TOLERANCE = 2e-2

# On a GPU a batch of 24 pages of ColQwen2 keeps an A100 or H100 busy and takes under 20 GB; a
# smaller one halves it at its first out-of-memory. On a CPU a page is a batch: two at a time were
# 5 to 20 % slower a page.
GPU_BATCH_VECTORS = 18_000
CPU_BATCH_VECTORS = 1


@dataclass(frozen=True, slots=True)
class VisualModel:
    """A loaded checkpoint, and how its library wants it used.

    Attributes:
        spec: its catalog entry.
        key: names model, revision, library and resolution.
        placement: where it runs.
        processor: makes model inputs; copied for each thread, as tokenizers cannot be shared.
        tokenizer: of questions; a fast one.
        process_page: (processor, RGB picture) -> inputs, a batch of one.
        process_query: (processor, question) -> inputs, a batch of one.
        lay_out: (processor, inputs) -> the places of the image tokens.
        run: inputs on the device -> vectors `[n_pages, n_tokens, dim]`, padding anywhere.
        image_token_id: marks the tokens of the picture.
        image_long_side_px: the page picture that loses nothing in the processor.
    """

    spec: EncoderSpec
    key: str
    placement: Placement
    processor: Any
    tokenizer: Any
    process_page: Callable[[Any, Image.Image], Inputs]
    process_query: Callable[[Any, str], Inputs]
    lay_out: Callable[[Any, Inputs], Layout]
    run: Callable[[Inputs], Any]
    image_token_id: int
    image_long_side_px: int


@dataclass(frozen=True, slots=True)
class PreparedPicture:
    """Model inputs of one page, on the CPU, with the place of each of its tokens.

    Attributes:
        inputs: tensors with a batch dimension of 1.
        boxes: float32 `[n_vectors, 4]`; NaN for tokens of the prompt.
        grid: (rows, columns), or None.
    """

    inputs: Inputs
    boxes: NDArray[np.float32]
    grid: tuple[int, int] | None

    @property
    def n_vectors(self) -> int:
        """Tokens of the page, those of the prompt included."""
        return len(self.boxes)


class VisualEncoder:
    """An `Encoder` of page pictures."""

    def __init__(self, model: VisualModel) -> None:
        self._model = model
        self._of_thread = threading.local()

    @property
    def spec(self) -> EncoderSpec:
        """The catalog entry."""
        return self._model.spec

    @property
    def key(self) -> str:
        """Model, revision, library and resolution."""
        return self._model.key

    @property
    def image_long_side_px(self) -> int:
        """The page picture it wants, by its long side in pixels."""
        return self._model.image_long_side_px

    @property
    def batch_vectors(self) -> int:
        """The budget of the device it runs on."""
        return CPU_BATCH_VECTORS if self._model.placement.device == "cpu" else GPU_BATCH_VECTORS

    @property
    def batches_at_once(self) -> int:
        """On a CPU a page for each core; a GPU takes one batch after the other."""
        return (os.cpu_count() or 1) if self._model.placement.device == "cpu" else 1

    def enter_thread(self) -> None:
        """Keeps the thread to one core; see `Encoder.enter_thread`.

        Threads inside an operation wait for each other, and for whatever renders meanwhile. Without
        them a forward pass takes 2 to 12 % less of two cores, and `prepare` 40 % (ColQwen2).
        """
        take_one_core()

    def prepare(self, page: Page) -> PreparedPicture:
        """Resizes and normalises the page's picture; see `Encoder.prepare`.

        Raises:
            InvalidEmbedding: the page has no picture.
        """
        if page.image is None:
            raise InvalidEmbedding(f"page {page.page_index + 1} has no picture to encode")
        processor = self._processor()
        inputs = self._model.process_page(processor, page.image.convert("RGB"))
        is_image_token = (inputs["input_ids"][0] == self._model.image_token_id).numpy()
        boxes, grid = place_tokens(is_image_token, self._model.lay_out(processor, inputs))
        return PreparedPicture(dict(inputs), boxes, grid)

    def forward(self, batch: Sequence[PreparedPicture]) -> Any:
        """Runs the model; the vectors stay on the device. See `Encoder.forward`."""
        inputs = collate([page.inputs for page in batch], self._model.tokenizer)
        return self._run(inputs)

    def collect(self, batch: Sequence[PreparedPicture], output: Any) -> list[PageEmbedding]:
        """Brings the vectors back; see `Encoder.collect`."""
        vectors = output.float().cpu().numpy()
        return [
            PageEmbedding(
                self._check(vectors[row, -page.n_vectors :]).astype(np.float16),
                page.boxes,
                page.grid,
            )
            for row, page in enumerate(batch)
        ]

    def encode_query(self, text: str) -> QueryEmbedding:
        """Encodes a question with the prompt that the model was trained with."""
        if not has_word(text):
            return QueryEmbedding(np.empty((0, self.spec.dim), dtype=np.float32), (), ())
        inputs = self._model.process_query(self._processor(), text)
        vectors = self._check(self._run(inputs)[0].float().cpu().numpy())
        words = find_words(self._model.tokenizer, inputs["input_ids"][0].tolist(), text)
        return QueryEmbedding(vectors, words, tuple(shows_evidence(word) for word in words))

    def _processor(self) -> Any:
        if not hasattr(self._of_thread, "processor"):
            self._of_thread.processor = copy.deepcopy(self._model.processor)
        return self._of_thread.processor

    def _run(self, inputs: Inputs) -> Any:
        import torch

        placement = self._model.placement
        on_device = {}
        for name, tensor in inputs.items():
            if not isinstance(tensor, torch.Tensor):
                on_device[name] = tensor
                continue
            if placement.device.startswith("cuda"):
                # Only pinned memory is copied while the device computes.
                tensor = tensor.pin_memory()
            dtype = placement.torch_dtype if tensor.is_floating_point() else tensor.dtype
            on_device[name] = tensor.to(placement.device, dtype, non_blocking=True)
        try:
            with torch.inference_mode():
                return self._model.run(on_device)
        except (RuntimeError, MemoryError) as error:
            mapped = map_out_of_memory(error)
            if mapped is None:
                raise
            raise mapped from error

    def _check(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Refuses what is not nearly of unit length, then removes the rounding."""
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not bool(np.all(np.abs(norms - 1.0) <= RAW_NORM_TOLERANCE)):
            bad = int(np.sum(~(np.abs(norms - 1.0) <= RAW_NORM_TOLERANCE)))
            raise InvalidEmbedding(
                f"{self.spec.id} gave {bad} of {len(norms)} vectors that are NaN or not of length 1"
            )
        return np.asarray(vectors / norms, dtype=np.float32)


def collate(pages: Sequence[Inputs], tokenizer: Any) -> Inputs:
    """Joins inputs of single pages into one batch, padded on the left.

    Left, as all families are trained; the attention mask hides the padding. Pictures of different
    size are padded with zeros behind, which the models drop (Qwen2-VL by its grid, Idefics3 by its
    all-zero tiles).
    """
    import torch

    if len(pages) == 1:
        return pages[0]
    batch: dict[str, Any] = {}
    for name, first in pages[0].items():
        if not isinstance(first, torch.Tensor):
            batch[name] = first
            continue
        tensors = [page[name] for page in pages]
        width = max(tensor.shape[1] for tensor in tensors) if first.dim() > 1 else 0
        if first.dim() > 1 and any(tensor.shape[1] != width for tensor in tensors):
            is_text = first.dim() == 2 and not first.is_floating_point()
            fill = tokenizer.pad_token_id if name == "input_ids" else 0
            padded = []
            for tensor in tensors:
                padding = tensor.new_full((1, width - tensor.shape[1], *tensor.shape[2:]), fill)
                padded.append(torch.cat([padding, tensor] if is_text else [tensor, padding], dim=1))
            tensors = padded
        batch[name] = torch.cat(tensors)
    return batch
