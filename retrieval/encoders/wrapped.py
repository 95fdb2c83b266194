"""What encoders have in common that change the vectors of another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retrieval.encoders.base import Encoder
from retrieval.records import Page


class WrappedEncoder:
    """Runs another encoder as it wants to be run; what becomes of its vectors is a subclass's."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    @property
    def image_long_side_px(self) -> int | None:
        """As the encoder wants it."""
        return self._encoder.image_long_side_px

    @property
    def batch_vectors(self) -> int:
        """As the encoder's: its vectors are changed after the device."""
        return self._encoder.batch_vectors

    @property
    def batches_at_once(self) -> int:
        """As the encoder's."""
        return self._encoder.batches_at_once

    def enter_thread(self) -> None:
        """As the encoder does."""
        self._encoder.enter_thread()

    def prepare(self, page: Page) -> Any:
        """As the encoder does."""
        return self._encoder.prepare(page)

    def forward(self, batch: Sequence[Any]) -> Any:
        """As the encoder does."""
        return self._encoder.forward(batch)
