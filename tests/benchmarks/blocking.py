"""How long a search waits while the embedded index is written, and who holds Python's global lock.

One thread searches without a pause, another looks at the clock every 5 ms, while the main thread
does one thing after the other to an index of generated pages. A gap between two looks is a time in
which no Python code ran: the web page would have stood still.

    python tests/benchmarks/blocking.py --pages 2000
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

# As a script, it lies beside what it imports, not above it.
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from retrieval.encoders.opening import open_encoder
from retrieval.index.base import IndexLayout, VectorStorage
from retrieval.index.edge import EdgeIndex
from retrieval.index.first_stage import build_first_stage
from retrieval.records import QueryEmbedding
from tests.benchmarks.encode import describe_machine
from tests.benchmarks.generated_pages import GeneratedPages

CLOCK_S = 0.005
UPSERT_PAGES = 4
NEW_PAGES = 200
PARAGRAPHS = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=2_000, help="in the index at first")
    n_pages = parser.parse_args().pages
    encoder = open_encoder("minilm-layout")
    cache = Path(tempfile.gettempdir()) / "pagelens-paragraphs"
    generated = GeneratedPages(encoder, PARAGRAPHS, cache, on_done=lambda: None)
    layout = IndexLayout(generated.dim, "blocking", VectorStorage.TURBO4)
    (vectors,) = generated.encode_questions(1)
    query = QueryEmbedding(vectors, ("",) * len(vectors), (False,) * len(vectors))
    print(", ".join(f"{name} {value}" for name, value in describe_machine("cpu").items() if value))
    with tempfile.TemporaryDirectory(prefix="pagelens-blocking-") as folder:
        index = EdgeIndex(Path(folder) / "index", layout)
        for first in range(0, n_pages, 64):
            index.upsert(generated.build_pages(first, min(first + 64, n_pages)))
        index.use_codebook(build_first_stage(index, lambda done, total: None))
        new = generated.build_pages(n_pages, n_pages + NEW_PAGES)

        def upsert_few() -> None:
            for first in range(0, NEW_PAGES, UPSERT_PAGES):
                index.upsert(new[first : first + UPSERT_PAGES])

        for name, work in (
            ("nothing", lambda: time.sleep(3)),
            (f"{NEW_PAGES} pages stored, {UPSERT_PAGES} at a time (as ingest does)", upsert_few),
            (f"{NEW_PAGES} pages stored at once", lambda: index.upsert(new)),
            ("exact search", lambda: index.search(query, 10, exact=True)),
            ("optimize (before the web page is served)", index.optimize),
        ):
            report(name, work, lambda: index.search(query, 10))
        index.close()


def report(name: str, work: Callable[[], None], search: Callable[[], object]) -> None:
    """Does the work while others search and look at the clock, and prints what they saw."""
    is_done = threading.Event()
    gaps_s, searches_s = [0.0], [0.0]

    def look() -> None:
        last = time.perf_counter()
        while not is_done.is_set():
            time.sleep(CLOCK_S)
            now = time.perf_counter()
            gaps_s.append(now - last)
            last = now

    def ask() -> None:
        while not is_done.is_set():
            began = time.perf_counter()
            search()
            searches_s.append(time.perf_counter() - began)

    threads = [threading.Thread(target=target) for target in (look, ask)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    is_done.set()
    for thread in threads:
        thread.join()
    print(
        f"{name}: {seconds:.2f} s; longest gap {1e3 * max(gaps_s):.0f} ms; "
        f"{len(searches_s) - 1:,} searches, p50 {1e3 * np.median(searches_s):.0f} ms, "
        f"longest {1e3 * max(searches_s):.0f} ms",
        flush=True,
    )


if __name__ == "__main__":
    main()
