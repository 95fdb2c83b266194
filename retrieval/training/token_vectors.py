"""Token vectors that do not change while a head is trained: computed once, read from disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Key = TypeVar("Key")


class TokenVectors(Mapping[Key, NDArray[np.float32]]):
    """The vectors of many pages or questions, float16 in one file.

    Args:
        path: the file, which is written anew.
        vectors: (key, `[n, dim]`) of each; `n` may be 0.
        dim: length of a vector.
    """

    def __init__(
        self, path: Path, vectors: Iterator[tuple[Key, NDArray[np.floating]]], dim: int
    ) -> None:
        self._places: dict[Key, tuple[int, int]] = {}
        n_vectors = 0
        with path.open("wb") as file:
            for key, rows in vectors:
                file.write(np.ascontiguousarray(rows, dtype=np.float16).tobytes())
                self._places[key] = (n_vectors, n_vectors + len(rows))
                n_vectors += len(rows)
        self._rows: NDArray[np.float16] = (
            np.memmap(path, np.float16, "r", shape=(n_vectors, dim))
            if n_vectors
            else np.empty((0, dim), dtype=np.float16)
        )

    def __getitem__(self, key: Key) -> NDArray[np.float32]:
        """Float32 `[n, dim]`."""
        first, end = self._places[key]
        return np.asarray(self._rows[first:end], dtype=np.float32)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
