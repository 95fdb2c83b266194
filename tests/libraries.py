"""Copies of libraries, for tests that change one."""

import subprocess
from pathlib import Path

from app.library import Library
from app.settings import Settings
from tests.documents import write_text_pdf

# Two files of a page each, and a question of each; no word of the second is on its page.
ASKED_FILES = {
    "harbour.pdf": (
        "The harbour master collects mooring fees from every yacht on the first of May.",
        "Who collects the mooring fees?",
    ),
    "bakery.pdf": (
        "Our bakery sells rye bread and warm cinnamon rolls.",
        "Where can I eat something sweet?",
    ),
}


def write_asked_files(folder: Path) -> list[Path]:
    """Writes the files of `ASKED_FILES`."""
    return [write_text_pdf(folder / name, text) for name, (text, _) in ASKED_FILES.items()]


def make_asked_library(folder: Path) -> Path:
    """Makes a library of two pages and two questions, which no process holds.

    Args:
        folder: is there, and empty.

    Returns:
        The library's folder.
    """
    files = write_asked_files(folder)
    with Library(Settings(library=folder / "library")) as library:
        library.ingest(files, lambda progress: None)
        for name, (_, question) in ASKED_FILES.items():
            library.mark_page(question, name, 0)
    return folder / "library"


def copy_library(library: Path, copy: Path) -> Path:
    """Copies a folder and leaves its holes: an index reserves 300 MB, and holds a few.

    Returns:
        The copy.
    """
    subprocess.run(["cp", "--recursive", "--sparse=always", library, copy], check=True)
    return copy
