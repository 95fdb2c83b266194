"""How quickly the ten best pages are found as a library grows, and how many of them are missed.

Grows an index to each number of pages and puts the same questions to it in every way, in turn, so
that all see the same machine:

- two stages in Qdrant Edge: cells name candidates, exact MaxSim ranks them;
- exact MaxSim over all pages, in Edge;
- exact MaxSim in numpy and in torch: a float32 matmul over all vectors and a maximum a page;
- qdrant-client's local mode, as far as that is bearable.

The index is the one that libraries have (4-bit numbers, no words here); at every size it is given
a first stage, which libraries get from 2,000 pages on.

Data: pages of 3 or 4 generated paragraphs with the embedded encoder's vectors (see
`generated_pages`), their questions; with `--corpus` the pages of a folder of PDFs before them and,
if the folder is one that `pagelens evaluate` takes, its questions too.

    python tests/benchmarks/scale.py --pages 1000,5000,20000,100000
    python tests/benchmarks/scale.py --pages 5000 --corpus sample_docs
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# As a script, it lies beside what it imports, not above it.
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from retrieval.encoders.opening import open_encoder
from retrieval.index.cells import PREFETCH_PAGES
from tests.benchmarks.corpus_pages import CorpusPages
from tests.benchmarks.encode import describe_machine
from tests.benchmarks.generated_pages import CHUNK, GeneratedPages
from tests.benchmarks.peak_memory import PeakMemory
from tests.benchmarks.search_ways import ExactScan, GrowingIndex, LocalMode

ENCODER = "minilm-layout"
WAYS = {
    "two_stage": "two stages",
    "edge": "exact, Edge",
    "numpy": "exact, numpy",
    "torch": "exact, torch",
    "local": "local mode",
}
FLOAT32_BYTES = 4

# Of the memory that is free, what the float32 copy of all vectors may take.
SHARE_OF_MEMORY = 0.6
MAX_PARAGRAPHS = 12_000
QUESTIONS_TO_WARM_UP = 3


def read_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", default="1000,5000,20000", help="sizes, ascending")
    parser.add_argument("--corpus", type=Path, help="a folder of PDFs with text")
    parser.add_argument(
        "--questions",
        type=int,
        default=50,
        help="of the corpus and of the generated pages, so many of each (default: 50)",
    )
    parser.add_argument("--paragraphs", type=int, help="to compose pages of (12,000 at most)")
    parser.add_argument(
        "--stored-only", action="store_true", help="leave out numpy and torch: exact is Edge's"
    )
    parser.add_argument(
        "--local-limit", type=int, default=5_000, help="most pages for local mode (0: leave it out)"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(tempfile.gettempdir()) / "pagelens-paragraphs",
        help="where encoded paragraphs are kept",
    )
    parser.add_argument("--json", action="store_true", help="the last line on stdout is JSON")
    options = parser.parse_args(arguments)
    try:
        options.pages = [int(size) for size in options.pages.split(",")]
    except ValueError:
        parser.error(f"--pages are numbers with commas between them, not {options.pages}")
    if options.pages != sorted(set(options.pages)) or options.pages[0] < 1:
        parser.error("--pages must be ascending numbers from 1 on")
    for name in ("questions", "paragraphs"):
        value = getattr(options, name)
        if value is not None and value < 1:
            parser.error(f"--{name} must be at least 1, not {value}")
    if options.paragraphs is None:
        options.paragraphs = min(MAX_PARAGRAPHS, max(CHUNK, options.pages[-1]))
    return options


def main(arguments: list[str] | None = None) -> None:
    options = read_arguments(arguments)
    console = Console()
    machine = describe_machine("cpu")
    with (
        tempfile.TemporaryDirectory(prefix="pagelens-scale-") as folder,
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        ) as bars,
    ):
        # The largest takes an hour: what is known of the others is not lost with it.
        on_size = (lambda size: None) if options.json else (lambda size: print_size(size, console))
        sizes, data = measure_sizes(options, Path(folder), bars, on_size)
    if options.json:
        print(json.dumps({"machine": machine, "data": data, "sizes": sizes}))
    else:
        print_data(data, machine, arguments, console)


def measure_sizes(
    options: argparse.Namespace, folder: Path, bars: Progress, on_size: Callable[[dict], None]
) -> tuple[list[dict], dict]:
    """Figures of each size, told as they come, and what the pages and questions are."""
    encoder = open_encoder(ENCODER)
    n_chunks = -(-options.paragraphs // CHUNK)
    task = bars.add_task("paragraphs", total=n_chunks * CHUNK, unit="encoded")
    generated = GeneratedPages(
        encoder,
        options.paragraphs,
        options.cache,
        on_done=lambda: bars.advance(task, CHUNK),
    )
    pages = CorpusPages(options.corpus, encoder, generated, bars)
    asked = pages.questions
    # Spread over the corpus, so that no document is left out.
    asked = asked[:: max(1, len(asked) // options.questions)][: options.questions]
    questions = asked + generated.encode_questions(options.questions)
    shard = GrowingIndex(folder / "index", generated.dim)
    sizes = []
    for size in options.pages:
        gc.collect()
        # Of the index and its process: the exact scans, which hold all vectors, come later.
        with PeakMemory() as memory:
            task = bars.add_task("index", total=size - shard.n_pages, unit="pages")
            n_new, began = size - shard.n_pages, time.perf_counter()
            shard.grow(size, pages.build, lambda n, task=task: bars.advance(task, n))
            seconds = time.perf_counter() - began
            for question in questions:
                shard.search(question, exact=False)
        ways, left_out = open_ways(size, shard, generated.dim, pages, options)
        task = bars.add_task(f"{size:,} pages", total=len(questions), unit="questions")
        figures = ask(ways, questions, lambda task=task: bars.advance(task))
        measured = {
            "pages": size,
            "ways": figures,
            "left_out": left_out,
            "bytes_per_page": count_stored_bytes(shard.folder) / size,
            "index_ms_per_page": 1e3 * seconds / n_new,
            "peak_memory_bytes": memory.peak_bytes,
        }
        on_size(measured)
        sizes.append(measured)
        del ways
    shard.close()
    return sizes, {
        "corpus_pages": len(pages),
        "corpus_questions": len(asked),
        "generated_questions": options.questions,
        "paragraphs": options.paragraphs,
        "candidates": PREFETCH_PAGES,
        "dim": generated.dim,
        "vectors_per_page": float(
            np.mean([len(page.embedding.vectors) for page in pages.build(0, min(size, 200))])
        ),
    }


def open_ways(
    size: int, shard: GrowingIndex, dim: int, pages: CorpusPages, options: argparse.Namespace
) -> tuple[dict[str, Callable], dict[str, str]]:
    """What to ask, and why the others are left out."""
    ways: dict[str, Callable] = {
        "two_stage": lambda question: shard.search(question, exact=False),
        "edge": lambda question: shard.search(question, exact=True),
    }
    left_out = {}
    sample = pages.build(0, min(size, 50))
    a_page = np.mean([page.embedding.vectors.size for page in sample]) * FLOAT32_BYTES
    if options.stored_only:
        left_out |= {"numpy": "left out", "torch": "left out"}
    elif size * a_page < SHARE_OF_MEMORY * psutil.virtual_memory().available:
        scan = ExactScan(size, pages.build)
        ways |= {"numpy": scan.search_numpy, "torch": scan.search_torch}
    else:
        reason = f"needs {size * a_page / 1e9:.0f} GB"
        left_out |= {"numpy": reason, "torch": reason}
    if size <= options.local_limit:
        ways["local"] = LocalMode(size, dim, pages.build).search
    else:
        left_out["local"] = f"over {options.local_limit:,} pages"
    return ways, left_out


def ask(
    ways: dict[str, Callable], questions: list[np.ndarray], on_done: Callable[[], None]
) -> dict[str, dict]:
    """Times of each way, and how many of the ten best it finds; the ways take turns."""
    for question in questions[:QUESTIONS_TO_WARM_UP]:
        for search in ways.values():
            search(question)
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    recalls: dict[str, list[float]] = {way: [] for way in ways}
    # Of what exact MaxSim finds in the very vectors that are stored: what the first stage misses.
    stored: list[float] = []
    for question in questions:
        found = {}
        for way, search in ways.items():
            began = time.perf_counter()
            found[way] = search(question)
            seconds[way].append(time.perf_counter() - began)
        best = found["torch" if "torch" in found else "edge"]
        for way, pages in found.items():
            recalls[way].append(len(set(pages) & set(best)) / len(best))
        stored.append(len(set(found["two_stage"]) & set(found["edge"])) / len(found["edge"]))
        on_done()
    two_stage = np.median(seconds["two_stage"])
    recall_of = {way: float(np.mean(recalls[way])) for way in ways}
    recall_of_stored = float(np.mean(stored))
    return {
        way: {
            "p50_ms": 1e3 * float(np.median(times)),
            "p95_ms": 1e3 * float(np.percentile(times, 95)),
            "recall@10": recall_of[way],
            **({"recall@10_stored": recall_of_stored} if way == "two_stage" else {}),
            "times_slower": float(np.median(times) / two_stage),
        }
        for way, times in seconds.items()
    }


def count_stored_bytes(folder: Path) -> int:
    """What the files take on the disk, without the write-ahead log, which has a fixed size."""
    files = [path for path in folder.rglob("*") if path.is_file() and "wal" not in path.parts]
    return sum(getattr(path.stat(), "st_blocks", 0) * 512 for path in files)


def print_data(data: dict, machine: dict, arguments: list[str] | None, console: Console) -> None:
    command = " ".join(sys.argv[1:] if arguments is None else arguments)
    console.print(", ".join(f"{name} {value}" for name, value in machine.items() if value))
    console.print(f"python tests/benchmarks/scale.py {command}")
    console.print(
        f"{data['corpus_pages']:,} pages of PDFs, the others of {data['paragraphs']:,} generated "
        f"paragraphs; {data['vectors_per_page']:.0f} vectors a page, {data['dim']} dimensions; "
        f"{data['corpus_questions']} questions of the corpus, {data['generated_questions']} "
        f"generated; {data['candidates']} candidates. In brackets: recall of what exact "
        "MaxSim finds in the vectors as they are stored, with 4 bits a number."
    )


def print_size(size: dict, console: Console) -> None:
    table = Table(
        title=f"{size['pages']:,} pages: {size['bytes_per_page'] / 1e3:.1f} kB a page on disk, "
        f"{size['index_ms_per_page']:.1f} ms a page to index, peak memory "
        f"{size['peak_memory_bytes'] / 1e6:,.0f} MB (index, two stages)",
        title_justify="left",
    )
    table.add_column("way")
    for heading in ("p50 ms", "p95 ms", "times two stages", "recall@10"):
        table.add_column(heading, justify="right")
    for way, title in WAYS.items():
        if way in size["left_out"]:
            table.add_row(title, size["left_out"][way], "", "", "")
            continue
        figures = size["ways"][way]
        table.add_row(
            title,
            f"{figures['p50_ms']:,.1f}",
            f"{figures['p95_ms']:,.1f}",
            f"{figures['times_slower']:.1f}",
            f"{figures['recall@10']:.3f}"
            + (f" ({stored:.3f})" if (stored := figures.get("recall@10_stored")) else ""),
        )
    console.print(table)


if __name__ == "__main__":
    main()
