"""Makes every document in ``corpus/``; run it as ``python sample_docs/make.py``.

The same versions of fpdf2, matplotlib, Pillow and NumPy give the same bytes each time: all dates
are fixed and every random number comes from a fixed seed.
"""

from __future__ import annotations

import hashlib

import cards
import deck
import form
import invoice
import island_map
import leaflet
import paper
import pictures
import report
import sailing
import scans
import shop
import statement
from pages import CORPUS

MODULES = (
    report,
    invoice,
    deck,
    scans,
    statement,
    form,
    paper,
    island_map,
    leaflet,
    pictures,
    sailing,
    shop,
    cards,
)


def main() -> None:
    """Writes all documents and prints their sizes and checksums."""
    CORPUS.mkdir(exist_ok=True)
    for module in MODULES:
        module.build()
    for path in sorted(CORPUS.iterdir()):
        data = path.read_bytes()
        print(f"{hashlib.sha256(data).hexdigest()[:16]}  {len(data) / 1024:7.1f} kB  {path.name}")


if __name__ == "__main__":
    main()
