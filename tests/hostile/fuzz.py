"""Feeds damaged files to the rendering processes: `python -m tests.hostile.fuzz --files 2000`.

Each file must become pages, or be refused in one plain line, within the time limit; no process may
outgrow its memory or outlive the pool. OCR is left out: it reads pixels, not files. What breaks the
rules is kept in a folder, with what it did.
"""

import os
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.progress import track

from ingest import ocr
from ingest.media_types import MediaType
from ingest.render import count_pages, render_pages
from ingest.render_pool import PROCESS_MEMORY_BYTES, TASK_TIMEOUT_S, RenderPool
from ingest.sources import Refusal, read_source
from retrieval.errors import FileRefused
from tests.hostile.cases import REASON_CHARACTERS
from tests.hostile.mutate import build_seeds, damage

LONG_SIDE_PX = 256
# Between the kernel's limit and the watch that sees a process only now and then.
SLACK_S = 10
SLOW_S = 5


def render_without_ocr(path: Path, media_type: MediaType) -> list[str | None]:
    """Runs in a rendering process; the error of each page, or None."""
    ocr.read_words = lambda image: ()
    n_pages = count_pages(path, media_type)
    # Damage makes of one page thousands, and they are all alike.
    pages = render_pages(path, media_type, range(min(n_pages, 8)), LONG_SIDE_PX)
    return [page.error for page in pages]


def read_file(pool: RenderPool, path: Path) -> list[str | None]:
    """The error of each page of a file, or of the whole file; None for a page that is fine."""
    source = read_source(path)
    if isinstance(source, Refusal):
        return [source.error]
    try:
        errors: list[str | None] = pool.run(render_without_ocr, path, source.media_type)
    except FileRefused as error:
        return [str(error)]
    return errors


def judge(pool: RenderPool, path: Path, counts: Counter[str]) -> str:
    """What a file does that it must not; empty for nothing."""
    started = time.monotonic()
    try:
        errors = read_file(pool, path)
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"
    seconds = time.monotonic() - started
    counts["indexed" if None in errors else "refused"] += 1
    counts["slow"] += seconds > SLOW_S
    for error in filter(None, errors):
        counts["crashed"] += "crashed" in error
        counts["too long"] += "took longer" in error
        counts["unforeseen"] += "cannot be rendered" in error
        if not error.isprintable() or len(error) > REASON_CHARACTERS:
            return f"has a reason that is no plain line: {error!r}"
        if "cannot be rendered" in error:
            return f"raised what no module foresees: {error}"
    return f"took {seconds:.0f} s" if seconds > TASK_TIMEOUT_S + SLACK_S else ""


@contextmanager
def watch_memory() -> Iterator[list[int]]:
    """Yields a list whose one number is the largest process seen below this one, in bytes."""
    largest, is_over = [0], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.2):
            for child in psutil.Process().children(recursive=True):
                try:
                    largest[0] = max(largest[0], child.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield largest
    finally:
        is_over.set()
        watcher.join()


def fuzz(n_files: int, seed: int, offenders: Path) -> tuple[Counter[str], dict[str, str]]:
    """Damages files, reads them, and keeps what breaks the rules.

    Returns:
        What became of how many, and what each offender did, by its name.
    """
    counts: Counter[str] = Counter()
    faults: dict[str, str] = {}
    n_processes = os.cpu_count() or 1
    # What runs already is not the fuzzer's: a library that another test has open, say.
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with tempfile.TemporaryDirectory(prefix="pagelens-fuzz-") as scratch, watch_memory() as largest:
        folder = Path(scratch)
        seeds = build_seeds(folder)

        def check(number: int) -> None:
            rng = random.Random(f"{seed}-{number}")
            suffix = rng.choice(list(seeds))
            path = folder / f"{seed}-{number}.{suffix}"
            path.write_bytes(damage(rng.choice(seeds[suffix]), suffix, rng))
            if fault := judge(pool, path, counts):
                faults[path.name] = fault
                (offenders / path.name).write_bytes(path.read_bytes())
            path.unlink()

        with RenderPool(n_processes) as pool, ThreadPoolExecutor(n_processes) as threads:
            for _ in track(threads.map(check, range(n_files)), "Reading", total=n_files):
                pass
            (folder / "good.pdf").write_bytes(seeds["pdf"][0])
            if read_file(pool, folder / "good.pdf") != [None]:
                faults["good.pdf"] = "is not rendered after all the others"
    if largest[0] > PROCESS_MEMORY_BYTES:
        faults["memory"] = f"a process grew to {largest[0] / 1e9:.1f} GB"
    counts["MB at most in a process"] = largest[0] // 1_000_000
    # multiprocessing's own tracker is no renderer, and stays until the end.
    left = [
        child
        for child in psutil.Process().children(recursive=True)
        if child.pid not in before and "resource_tracker" not in " ".join(child.cmdline())
    ]
    if left:
        faults["processes"] = f"{len(left)} are left over: {left}"
    return counts, faults


def main(
    files: int = 2_000,
    seed: int = 0,
    keep: Annotated[Path, typer.Option(help="Folder for files that break the rules.")] = Path(
        "/tmp/pagelens-fuzz"
    ),
) -> None:
    """Damage FILES files, read them all, and say what broke the rules."""
    keep.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    counts, faults = fuzz(files, seed, keep)
    typer.echo(f"{files} files in {time.monotonic() - started:.0f} s: {dict(counts)}")
    for name, fault in faults.items():
        typer.echo(f"{keep / name} {fault}")
    raise typer.Exit(1 if faults else 0)


if __name__ == "__main__":
    typer.run(main)
