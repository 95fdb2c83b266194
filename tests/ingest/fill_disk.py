"""Fills the disk of a library while documents are added, and says what becomes of them.

The disk is a small one in memory, in a mount namespace of the script's own, which ends with it:
root, or a user to whom the system gives user namespaces, can run it (Linux).

    python -m tests.ingest.fill_disk

Prints one line of JSON: what was seen when the disk was full, and after room was made.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from app.library import Library
from app.settings import Settings
from ingest.jobs import Job
from retrieval.disk import RESERVED_BYTES
from tests.benchmarks.paragraph_pdfs import write_pdf, write_question
from tests.documents import write_text_pdf
from tests.terminal import ROOT

DISK_BYTES = 256_000_000

# Of the second document some pages fit in, all of them, 0.2 MB each, do not.
ROOM_BYTES = 3_000_000
SECOND_PAGES = 40

NOT_RUN = "no mounts of one's own here (unshare --mount): what becomes of a full disk was not seen"

# Given to the script by itself, within the namespace.
INSIDE = "--inside"

MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift && exec "$0" -m "$PROGRAM" "$@"'


def find_namespaces() -> list[str]:
    """The command that gives a script mounts of its own; empty where the system does not."""
    for ways in (["--mount"], ["--mount", "--map-root-user"]):
        command = ["unshare", *ways]
        try:
            tried = subprocess.run(
                [*command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True
            )
        except FileNotFoundError:
            return []
        if tried.returncode == 0:
            return command
    return []


def run_on_small_disk(timeout_s: float) -> dict:
    """Runs the script on a disk of its own; what it has seen.

    Raises:
        AssertionError: it crashed.
    """
    with tempfile.TemporaryDirectory(prefix="pagelens-full-disk-") as folder:
        disk = Path(folder, "disk")
        disk.mkdir()
        shell = ["sh", "-c", MOUNT, sys.executable, str(DISK_BYTES), str(disk), INSIDE]
        ended = subprocess.run(
            [*find_namespaces(), *shell],
            cwd=ROOT,
            env={**os.environ, "PROGRAM": "tests.ingest.fill_disk"},
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
    assert ended.returncode == 0, f"ended with {ended.returncode}: {ended.stderr}"
    seen: dict = json.loads(ended.stdout.splitlines()[-1])
    return seen


def fill(disk: Path, files: Path) -> dict:
    """Adds a document, fills the disk, adds another one, makes room and tries that one again."""
    first = write_text_pdf(files / "harbour.pdf", "The harbour master collects mooring fees.")
    second = write_pdf(files / "generated.pdf", 0, SECOND_PAGES)
    last_page = write_question(SECOND_PAGES - 1)
    filler = disk / "filler"
    settings = Settings(library=disk / "library", reranker="none")
    seen: dict = {}
    with Library(settings) as library:
        library.ingest([first], lambda progress: None)
        fill_up(filler, shutil.disk_usage(disk).free - RESERVED_BYTES - ROOM_BYTES)
        report = library.ingest([second], lambda progress: None)
        seen["refused"] = [refusal.error for refusal in report.failed]
        (failed,) = (job for job in library.jobs.list_all() if job.name == second.name)
        seen["failed"] = describe(failed)
        seen["searched"] = search(library, "Who collects mooring fees?")
        filler.unlink()
        with library.work():
            library.jobs.retry(failed.job_id)
            library.jobs.wait([failed], lambda name, n_pages: None)
        seen["tried_again"] = describe(library.jobs.find(failed.job_id))
    with Library(settings) as library:
        seen["indexed"] = len(library._index.list_pages())
        seen["counted"] = library._index.count()
        seen["documents"] = sorted(document.name for document in library.list_documents())
        seen["found"] = search(library, last_page)
        library.optimize()
        seen["found_once_merged"] = search(library, last_page)
    return seen


def fill_up(path: Path, n_bytes: int) -> None:
    """Takes so many bytes of a disk."""
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, n_bytes)


def describe(job: Job) -> dict:
    return {"state": job.state.value, "error": job.error, "pages_done": job.pages_done}


def search(library: Library, question: str) -> list[str]:
    hits = library.search(question, 1).hits
    names = {document.document_id: document.name for document in library.list_documents()}
    return [f"{names[hit.document_id]}, page {hit.page_number}" for hit in hits]


def main() -> None:
    """Runs it from the command line: in a namespace of its own, which starts it anew."""
    if INSIDE not in sys.argv:
        if not find_namespaces():
            sys.exit(NOT_RUN)
        print(json.dumps(run_on_small_disk(timeout_s=600)))
        return
    with tempfile.TemporaryDirectory() as files:
        print(json.dumps(fill(Path(sys.argv[1]), Path(files))))


if __name__ == "__main__":
    main()
