"""Kills an ingesting process again and again, and looks at what it leaves.

Some documents are added by `pagelens ingest`, which is killed with -9 at random moments and started
again. After each kill the index is compared with the list of documents: what counts as whole must
have every page once, and nothing else may be found. In the end the library must be equal, vector
for vector, to one that was never disturbed.

How long a run takes that is left alone, and one that has nothing to do, says when to kill: from
shortly before the work begins until so long after that all kills together come to about one run.
A run that ends before its kill ends its library, and the next kills come to another.

    python -m tests.ingest.kill_ingest --documents 60 --kills 50
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

import numpy as np
from rich.progress import track

from app.library import Library
from app.settings import Settings
from retrieval.records import PageEmbedding
from tests.documents import write_text_pdf

MOST_PAGES = 12
WORDS = ["harbour", "tide", "fee", "rope", "anchor", "mast", "ledger", "crane", "buoy", "ferry"]

# Of the seconds that a start takes before the first page, those that are spared.
SPARED_START = 0.7


def write_documents(folder: Path, n_documents: int, chance: random.Random) -> None:
    """PDFs of 1 to `MOST_PAGES` pages, no two pages alike."""
    folder.mkdir()
    for number in range(n_documents):
        pages = [
            f"Log {number}, page {page}: " + " ".join(chance.choices(WORDS, k=60))
            for page in range(chance.randint(1, MOST_PAGES))
        ]
        write_text_pdf(folder / f"log-{number:03}.pdf", *pages)


def start_ingest(files: Path, library: Path) -> subprocess.Popen[bytes]:
    """`pagelens ingest`, at work."""
    command = [sys.executable, "-m", "app", "ingest", str(files), "--library", str(library)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def ingest_to_the_end(files: Path, library: Path) -> float:
    """Runs it undisturbed; seconds.

    Raises:
        AssertionError: it failed.
    """
    began = time.perf_counter()
    process = start_ingest(files, library)
    _, errors = process.communicate(timeout=1_200)
    assert process.returncode == 0, errors.decode()
    return time.perf_counter() - began


def kill_ingest(files: Path, library: Path, moment_s: float) -> bool:
    """Kills it so many seconds after its start; whether it had not ended by itself."""
    process = start_ingest(files, library)
    try:
        process.wait(timeout=moment_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return True
    finally:
        process.communicate()
    return False


def check_library(folder: Path) -> int:
    """Compares the index with the documents that count as whole; how many there are.

    Raises:
        AssertionError: a page is lost, is there twice, or belongs to nothing.
    """
    with Library(Settings(library=folder)) as library:
        listed = {
            (document.document_id, page)
            for document in library.list_documents()
            for page in range(document.n_pages)
        }
        stored = library._index.list_pages()
        assert library._index.count() == len(stored), "a page is there twice"
        assert listed <= stored, f"{len(listed - stored)} pages are lost"
        unfinished = {document.document_id for document in library._documents.list_unfinished()}
        strays = {document_id for document_id, _ in stored - listed} - unfinished
        assert not strays, f"pages of {len(strays)} documents belong to nothing"
        return len(library.list_documents())


def dump_pages(folder: Path) -> dict[tuple[str, int], PageEmbedding]:
    """All that the index of a library holds."""
    with Library(Settings(library=folder)) as library:
        pages = sorted(library._index.list_pages())
        return dict(zip(pages, library._index.fetch(pages), strict=True))


def assert_equal(one: Path, other: Path) -> None:
    """Compares two libraries, vector for vector.

    Raises:
        AssertionError: they differ.
    """
    expected, found = dump_pages(one), dump_pages(other)
    assert expected.keys() == found.keys()
    for key, embedding in expected.items():
        np.testing.assert_array_equal(embedding.vectors, found[key].vectors)
        np.testing.assert_array_equal(embedding.boxes, found[key].boxes)


def kill_often(folder: Path, n_documents: int, n_kills: int, seed: int) -> int:
    """The whole test, until so many processes at work were killed; how many libraries it took."""
    chance = random.Random(seed)
    files, undisturbed = folder / "files", folder / "undisturbed"
    write_documents(files, n_documents, chance)
    at_work_s = ingest_to_the_end(files, undisturbed)
    start_s = ingest_to_the_end(files, undisturbed)
    latest_s = start_s + 2 * max(0.0, at_work_s - start_s) / n_kills
    library_numbers = count(1)
    disturbed = folder / f"disturbed-{next(library_numbers)}"
    for _ in track(range(n_kills), "kills"):
        while not kill_ingest(files, disturbed, chance.uniform(SPARED_START * start_s, latest_s)):
            assert_is_whole(disturbed, undisturbed, n_documents)
            disturbed = folder / f"disturbed-{next(library_numbers)}"
        check_library(disturbed)
    ingest_to_the_end(files, disturbed)
    assert_is_whole(disturbed, undisturbed, n_documents)
    return next(library_numbers) - 1


def assert_is_whole(disturbed: Path, undisturbed: Path, n_documents: int) -> None:
    """Checks a library that nothing will be added to any more.

    Raises:
        AssertionError: a document or a page is missing, or has other vectors.
    """
    assert check_library(disturbed) == n_documents
    assert_equal(undisturbed, disturbed)


def main() -> None:
    """Runs it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=60)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pagelens-kills-") as folder:
        n_libraries = kill_often(Path(folder), options.documents, options.kills, options.seed)
    print(
        f"{options.kills} kills of a process at work, {options.documents} documents, libraries: "
        f"{n_libraries}; 0 pages lost, 0 doubled; equal to an undisturbed run, vector for vector."
    )


if __name__ == "__main__":
    main()
