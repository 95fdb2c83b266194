"""Memory of a server that takes in thousands of pages, and whether it answers meanwhile.

`pagelens serve` holds an empty library, `pagelens ingest` hands it a folder of PDFs, and all the
while somebody searches over HTTP and `pagelens status --json` is run every few seconds.

The server's memory is that of it and of the processes that it starts, shared pages counted once
(PSS): all of it, and what of it the system cannot take back, which leaves out the files mapped into
memory, such as those of the index. Figures are medians of the last pages before a mark. The exit
code is 1 where what cannot be taken back has grown by more than a tenth since the first mark, where
a search failed, or where not every page was indexed.

    python -m tests.benchmarks.long_ingest --pages 5000
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.api.bodies import SearchBody
from app.client import PagelensClient
from retrieval.errors import PagelensError
from tests.benchmarks.encode import describe_machine
from tests.benchmarks.paragraph_pdfs import write_pdf, write_question
from tests.terminal import last_json, run_pagelens, serve_pagelens

MARK_PAGES = 500
MOST_GROWTH = 1.1

# What the memory at a mark is the median of: a sample alone may meet a batch, or miss one.
WINDOW_PAGES = 100

MEMORY_S, STATUS_S, SEARCH_S = 1.0, 3.0, 1.0
INGEST_TIMEOUT_S = 4 * 3600

# With 2,000 pages and more the server first ends the arranging of the index that it has begun.
STOP_S = 1_800


@dataclass(frozen=True, slots=True)
class Sample:
    """Memory of a tree of processes, shared pages counted once, at so many pages written.

    Attributes:
        n_pages: written until then.
        kept_bytes: what the system cannot take back.
        pss_bytes: with the files that are mapped.
    """

    n_pages: int
    kept_bytes: int
    pss_bytes: int


@dataclass(slots=True)
class Observations:
    """What is seen of a server at work; each list has one thread that adds to it."""

    n_pages: int = 0
    samples: list[Sample] = field(default_factory=list)
    statuses_s: list[float] = field(default_factory=list)
    searches_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def count_memory(process: psutil.Process) -> tuple[int, int]:
    """`kept_bytes` and `pss_bytes` of a process and its children; Linux alone tells them."""
    kept = pss = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            rollup = Path(f"/proc/{member.pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        sizes = {
            name: line for name, _, line in (row.partition(":") for row in rollup.splitlines())
        }
        kept += 1024 * int(sizes["Pss_Anon"].split()[0])
        pss += 1024 * int(sizes["Pss"].split()[0])
    return kept, pss


def write_files(folder: Path, n_pages: int, document_pages: int) -> None:
    """PDFs of so many pages each, the last one of what is left."""
    folder.mkdir()
    for first in track(range(0, n_pages, document_pages), "Writing PDFs"):
        path = folder / f"generated-{first // document_pages:05}.pdf"
        write_pdf(path, first, min(document_pages, n_pages - first))


@contextmanager
def repeat(pause_s: float, *works: Callable[[], None]) -> Iterator[None]:
    """Does each work again and again, in a thread of its own, until it is left.

    Args:
        pause_s: between the end of one and the beginning of the next.
        works: what to do.
    """
    ending = threading.Event()

    def go_on(work: Callable[[], None]) -> None:
        while not ending.wait(pause_s):
            work()

    threads = [threading.Thread(target=go_on, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ending.set()
        for thread in threads:
            thread.join()


def observe(files: Path, library: Path, n_pages: int) -> Observations:
    """Has a server take in the files, and looks on.

    Raises:
        AssertionError: not every page was indexed.
    """
    seen = Observations()
    pages_asked = count()
    with (
        serve_pagelens(library, stop_s=STOP_S) as server,
        PagelensClient(server.address) as client,
    ):
        process = psutil.Process(server.process.pid)

        def sample() -> None:
            latest = Sample(seen.n_pages, *count_memory(process))
            last_mark = seen.samples[-1].n_pages // MARK_PAGES if seen.samples else 0
            seen.samples.append(latest)
            if latest.n_pages // MARK_PAGES > last_mark:
                told = f"{latest.n_pages:,} pages, {latest.kept_bytes / 1e6:,.0f} MB kept"
                print(told, file=sys.stderr, flush=True)

        def read_status() -> None:
            began = time.perf_counter()
            status = last_json(run_pagelens("status", "--json", "--library", library))
            seen.statuses_s.append(time.perf_counter() - began)
            under_way = status.get("under_way", [])
            seen.n_pages = status["pages"] + sum(job["pages_done"] for job in under_way)

        def search() -> None:
            question = write_question(7 * next(pages_asked) % n_pages)
            began = time.perf_counter()
            try:
                client.search(SearchBody(question=question))
            except PagelensError as error:
                seen.errors.append(f"{type(error).__name__}: {error}")
            seen.searches_s.append(time.perf_counter() - began)

        with repeat(MEMORY_S, sample), repeat(STATUS_S, read_status), repeat(SEARCH_S, search):
            ended = run_pagelens(
                "ingest", files, "--library", library, "--json", timeout_s=INGEST_TIMEOUT_S
            )
        assert ended.returncode == 0, ended.stderr
        assert last_json(ended)["pages"] == n_pages, ended.stdout
        read_status()
        sample()
        # Whatever was searched meanwhile, in the end every page is there.
        assert client.read_status().pages == n_pages
    return seen


def summarise_memory(samples: Sequence[Sample], n_pages: int) -> list[Sample]:
    """Medians at each mark, and at the end."""
    marks = [*range(MARK_PAGES, n_pages, MARK_PAGES), n_pages]
    summary = []
    for mark in marks:
        near = [s for s in samples if mark - WINDOW_PAGES < s.n_pages <= mark]
        if near:
            kept = statistics.median(s.kept_bytes for s in near)
            pss = statistics.median(s.pss_bytes for s in near)
            summary.append(Sample(mark, int(kept), int(pss)))
    return summary


def describe(seen: Observations, n_pages: int, seconds: float) -> dict:
    """The figures, as `--json` prints them.

    Raises:
        AssertionError: it was over too soon to be seen at the first mark and at the end.
    """
    marks = summarise_memory(seen.samples, n_pages)
    assert len(marks) > 1, "too few pages, or written too quickly, to say how memory grows"
    return {
        "machine": describe_machine("cpu"),
        "pages": n_pages,
        "seconds": seconds,
        "memory": [
            {"pages": m.n_pages, "kept_bytes": m.kept_bytes, "pss_bytes": m.pss_bytes}
            for m in marks
        ],
        "ratio": marks[-1].kept_bytes / marks[0].kept_bytes,
        "pss_ratio": marks[-1].pss_bytes / marks[0].pss_bytes,
        "statuses": len(seen.statuses_s),
        "slowest_status_ms": 1e3 * max(seen.statuses_s),
        "searches": len(seen.searches_s),
        "search_p50_ms": 1e3 * float(np.median(seen.searches_s)),
        "search_p95_ms": 1e3 * float(np.percentile(seen.searches_s, 95)),
        "search_errors": seen.errors,
    }


def print_figures(figures: dict) -> None:
    console = Console()
    machine = figures["machine"]
    console.print(", ".join(f"{name} {value}" for name, value in machine.items() if value))
    table = Table("pages", "MB kept", "MB with mapped files (PSS)")
    for mark in figures["memory"]:
        megabytes = [f"{mark[name] / 1e6:,.0f}" for name in ("kept_bytes", "pss_bytes")]
        table.add_row(f"{mark['pages']:,}", *megabytes)
    console.print(table)
    console.print(
        f"{figures['pages']:,} pages in {figures['seconds']:,.0f} s; memory at the end "
        f"{figures['ratio']:.3f} times that of the first mark ({figures['pss_ratio']:.3f} with "
        f"mapped files); {figures['statuses']} runs of `pagelens status`, the slowest "
        f"{figures['slowest_status_ms']:,.0f} ms; {figures['searches']:,} searches, p50 "
        f"{figures['search_p50_ms']:,.0f} ms, p95 {figures['search_p95_ms']:,.0f} ms, "
        f"{len(figures['search_errors'])} failed"
    )


def has_failed(figures: dict) -> bool:
    """Whether memory has grown more than it may, or a search was not answered."""
    return figures["ratio"] > MOST_GROWTH or bool(figures["search_errors"])


def measure(folder: Path, n_pages: int, document_pages: int) -> dict:
    """Writes the files, has them taken in, and gives the figures."""
    write_files(folder / "files", n_pages, document_pages)
    began = time.perf_counter()
    seen = observe(folder / "files", folder / "library", n_pages)
    return describe(seen, n_pages, time.perf_counter() - began)


def main() -> int:
    """Runs it from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=5_000)
    parser.add_argument("--document-pages", type=int, default=50, help="pages a PDF (default: 50)")
    parser.add_argument("--json", action="store_true", help="figures as JSON, instead of a table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pagelens-long-ingest-") as folder:
        figures = measure(Path(folder), options.pages, options.document_pages)
    if options.json:
        print(json.dumps(figures))
    else:
        print_figures(figures)
    return int(has_failed(figures))


if __name__ == "__main__":
    sys.exit(main())
