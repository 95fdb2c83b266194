"""The fixed basis of `minilm-layout`: 192 directions that its token vectors keep.

Half the dimensions. On pages-dev they cost MaxSim alone 0.018 nDCG@5 (0.654 against 0.671), and the
whole search, fused and reranked, 0.001 to 0.004; 128 cost 0.024 and 0.009. The directions are the
principal axes of token vectors, not centred, as dot products are what must survive. They were
fitted on text that is in no evaluation set: the definitions of WordNet that timm carries, and the
Debian Administrator's Handbook (Debian package `debian-handbook`, GPL-2+ or CC BY-SA 3.0). To fit
them again:

    apt-get download debian-handbook && dpkg -x debian-handbook_*.deb handbook
    python -m retrieval.encoders.minilm_basis handbook
"""

from __future__ import annotations

import html
import random
import re
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.catalog import MINILM_DIM

DEFINITIONS = "imagenet_synset_to_definition.txt"
BASIS = Path(__file__).with_name("minilm_basis.npy")

# Token vectors of each of the two texts; with a third of them the axes are much the same.
FIT_VECTORS = 60_000


def load_basis() -> NDArray[np.float32]:
    """The orthonormal axes as columns, float32 `[384, 192]`."""
    return np.asarray(np.load(BASIS), dtype=np.float32)


def fit_basis(vectors: NDArray[np.float32]) -> NDArray[np.float16]:
    """The `MINILM_DIM` directions in which vectors `[n, 384]` are longest, the longest first."""
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    return np.asarray(axes[:, ::-1][:, :MINILM_DIM], dtype=np.float16)


def read_handbook(folder: Path) -> str:
    """The English text of the unpacked Debian package."""
    pages = sorted(folder.rglob("en-US/*.html"))
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.read_text())) for page in pages)


def read_definitions() -> str:
    """WordNet's definitions of what can be seen, shuffled, as neighbours are of one kind."""
    from retrieval.encoders.wordnet import read_table

    definitions = sorted(read_table(DEFINITIONS).values())
    random.Random(0).shuffle(definitions)
    return ". ".join(definitions)


def main(folder: Path) -> None:
    """Fits the basis and writes it beside this module."""
    from retrieval.encoders.minilm_layout import MinilmLayoutEncoder

    encoder = MinilmLayoutEncoder()
    parts = [
        encoder.embed_text(text, FIT_VECTORS)
        for text in (read_definitions(), read_handbook(folder))
    ]
    np.save(BASIS, fit_basis(np.concatenate(parts)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
