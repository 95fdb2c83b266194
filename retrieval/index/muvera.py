"""Fixed-dimensional encodings: one vector for many, whose dot product stands in for MaxSim.

MUVERA (Dhulipala et al. 2024, section 2). Random hyperplanes cut the sphere into parts; a page has
for each part the mean of its vectors there, a question their sum, both projected on fewer random
axes, and all of that several times with other planes. Pagelens searches by `retrieval.index.cells`;
`pagelens tune` measures both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# As many numbers as the paper's experiments take (section 3): 20 x 32 x 16 = 10,240.
REPETITIONS = 20
PLANES = 5
AXES = 16


class FixedEncoding:
    """Encodes multi-vectors as one vector each; the same seed gives the same encoding."""

    def __init__(self, dim: int, seed: int = 0) -> None:
        """Draws planes and axes for vectors of `dim` numbers."""
        chance = np.random.default_rng(seed)
        self._planes = chance.standard_normal((REPETITIONS, dim, PLANES), dtype=np.float32)
        signs = chance.choice(np.array([-1, 1], np.float32), (REPETITIONS, dim, AXES))
        self._axes = signs / np.sqrt(np.float32(AXES))
        self._places = 1 << np.arange(PLANES)
        differing = np.arange(1 << PLANES)[:, None] ^ np.arange(1 << PLANES)
        # How many planes lie between two parts, `[n_parts, n_parts]`.
        self._apart = (differing[..., None] >> np.arange(PLANES) & 1).sum(axis=-1)

    @property
    def dim(self) -> int:
        """Length of an encoding."""
        return REPETITIONS * len(self._apart) * AXES

    def encode_page(self, vectors: NDArray[np.floating]) -> Floats:
        """The encoding `[dim]` of a page's vectors `[n_vectors, dim of them]`, at least one.

        A part that holds none of them has the vector that is fewest planes away.
        """
        blocks = []
        for parts, projected in self._project(vectors):
            members = self._assign(parts)
            counts = members.sum(axis=0)
            means = members.T @ projected / np.maximum(counts, 1)[:, None]
            nearest = self._apart[:, parts].argmin(axis=1)
            blocks.append(np.where(counts[:, None] > 0, means, projected[nearest]))
        encoding: Floats = np.concatenate(blocks).ravel()
        return encoding

    def encode_query(self, vectors: NDArray[np.floating]) -> Floats:
        """The encoding `[dim]` of a question's vectors `[n_tokens, dim of them]`."""
        encoding: Floats = np.concatenate(
            [self._assign(parts).T @ projected for parts, projected in self._project(vectors)]
        ).ravel()
        return encoding

    def _project(self, vectors: NDArray[np.floating]) -> list[tuple[NDArray[np.int64], Floats]]:
        """For each repetition the part of each vector, and its projection `[n_vectors, AXES]`."""
        whole = vectors.astype(np.float32)
        return [
            ((whole @ planes > 0) @ self._places, whole @ axes)
            for planes, axes in zip(self._planes, self._axes, strict=True)
        ]

    def _assign(self, parts: NDArray[np.int64]) -> Floats:
        """1 where a vector lies in a part, else 0: `[n_vectors, n_parts]`."""
        members: Floats = (parts[:, None] == np.arange(len(self._apart))).astype(np.float32)
        return members
