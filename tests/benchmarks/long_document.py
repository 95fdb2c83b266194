"""Memory and speed of ingesting one long PDF, whole process tree.

Data: a PDF made here, `n_pages` pages of about 400 words each (words drawn with a fixed seed from
the sample documents). Run: `python tests/benchmarks/long_document.py 1000`.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pypdfium2 as pdfium
from fpdf import FPDF

WORDS_A_PAGE = 400
POLL_S = 0.2


def make_document(path: Path, n_pages: int) -> None:
    """Writes the PDF."""
    report = pdfium.PdfDocument("sample_docs/corpus/haldry-annual-report-2024.pdf")
    vocabulary = " ".join(page.get_textpage().get_text_range() for page in report).split()
    vocabulary = [word for word in vocabulary if word.isascii()]
    rng = random.Random(1)
    document = FPDF()
    document.set_font("Helvetica", size=10)
    for number in range(1, n_pages + 1):
        document.add_page()
        text = " ".join(rng.choices(vocabulary, k=WORDS_A_PAGE))
        document.multi_cell(0, 5, f"Chapter {number}. {text}")
    document.output(str(path))


def tree_bytes(process: psutil.Process) -> int:
    """Resident memory of a process and its children, shared pages counted once (PSS)."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            total += member.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def main(n_pages: int) -> None:
    """Ingests the document in a process of its own and prints what it took."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "long.pdf")
        make_document(path, n_pages)
        command = ["ingest", str(path), "--library", str(Path(folder, "library"))]
        started = time.perf_counter()
        process = psutil.Popen([sys.executable, "-m", "app", *command])
        peak = 0
        while True:
            peak = max(peak, tree_bytes(process) if process.is_running() else 0)
            try:
                process.wait(timeout=POLL_S)
                break
            except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
                continue
        seconds = time.perf_counter() - started
        print(f"{n_pages} pages in {seconds:.0f} s, at most {peak / 1e6:.0f} MB of memory")


if __name__ == "__main__":
    main(int(sys.argv[1]))
