from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from app.library import Library
from app.settings import Settings
from tests.app.api.serving import serve
from tests.documents import draw_photo, write_text_pdf
from tests.libraries import copy_library

PAGE_LIMIT = 4


class Served(NamedTuple):
    library: Library
    http: httpx.Client
    unserved_copy: Path

    def find(self, name: str) -> str:
        """The id of the document of this name."""
        return self.library.find_document(name).document_id


@pytest.fixture(scope="session")
def library_folder(tmp_path_factory) -> Path:
    """A library of two documents and a photo, which no process holds."""
    root = tmp_path_factory.mktemp("api")
    files = root / "files"
    files.mkdir()
    write_text_pdf(
        files / "harbour.pdf",
        "The harbour master collects mooring fees from every yacht on the first of May.",
        "Storm warnings are shown as red flags on the mast beside the lighthouse.",
    )
    write_text_pdf(files / "bakery.pdf", "Our bakery sells rye bread, plum cake and warm rolls.")
    draw_photo().save(files / "dusk.png")
    with Library(Settings(library=root / "library")) as library:
        report = library.ingest([files], lambda progress: None, tags=["town"])
    assert report.documents == 3
    return root / "library"


@pytest.fixture(scope="session")
def served(library_folder, tmp_path_factory) -> Iterator[Served]:
    """A server over a copy of it, that only reads; other machines cannot reach it."""
    yield from serve_copy(library_folder, tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def receiving(library_folder, tmp_path_factory) -> Iterator[Served]:
    """Another one, at work, whose library tests add to; each removes what it has added."""
    for served in serve_copy(library_folder, tmp_path_factory.mktemp("receiving")):
        with served.library.keep_working():
            yield served


def serve_copy(library_folder: Path, folder: Path) -> Iterator[Served]:
    """Serves a copy of a library, without a key."""
    copy_library(library_folder, folder / "library")
    settings = Settings(library=folder / "library", page_limit=PAGE_LIMIT)
    with (
        Library(settings) as library,
        serve(library, settings) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=60) as http,
    ):
        library.announce(address)
        yield Served(library, http, library_folder)
