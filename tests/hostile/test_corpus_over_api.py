"""The hostile corpus through the REST API: the same outcomes, names that stay text, no harm done.

Of the files that are cut off at every kilobyte the first of each format is uploaded, and none that
takes a rendering process to its limits, up to 40 s each: `test_corpus` has all of them rendered by
the same code. Each is still written by its own kind.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from app.api.bodies import JobBody, SearchBody
from app.client import PagelensClient
from app.library import Library
from app.settings import Settings
from tests.app.api.serving import serve
from tests.hostile.cases import Expectation, find_fault
from tests.hostile.test_corpus import KINDS, hash_of

CUT_OFF_LATER = re.compile(r"cut off after ([2-9]|\d\d) KiB")
TAKES_LONG = re.compile("took longer than|64 megapixels|hundred frames")

OTHER_CONTROLS = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1a\x1c-\x1f]")

# What the library calls its own files and folders; no name of an upload is among them.
OWN_NAME = re.compile(r"[\w.-]+")


class Uploaded(NamedTuple):
    files: Mapping[Path, Expectation]
    jobs: Mapping[Path, JobBody]
    client: PagelensClient
    http: httpx.Client
    library: Path


def can_be_uploaded(path: Path, expected: Expectation) -> bool:
    """Whether it is a file, and one that is done with in a moment."""
    slow = TAKES_LONG.search(expected.reason) or TAKES_LONG.search(path.name)
    return bool(hash_of(path)) and not slow and not CUT_OFF_LATER.match(path.name)


@pytest.fixture(scope="module")
def uploaded(corpus, tmp_path_factory):
    """What became of each file, and the server that took them, still at work."""
    folder = tmp_path_factory.mktemp("uploaded") / "library"
    settings = Settings(library=folder, reranker="none", uploads_per_minute=100_000)
    files = {path: expected for path, expected in corpus.items() if can_be_uploaded(path, expected)}
    with (
        Library(settings) as library,
        library.keep_working(),
        serve(library, settings) as address,
        PagelensClient(address) as client,
        httpx.Client(base_url=address, trust_env=False) as http,
    ):
        jobs = {path: client.upload([path])[0] for path in files}
        over = {path: client.wait(job) for path, job in jobs.items()}
        yield Uploaded(files, over, client, http, folder)


def test_there_are_many_kinds(uploaded):
    assert len(uploaded.files) > 3 * KINDS


def test_every_file_is_indexed_or_refused_as_it_should_be(uploaded):
    indexed = {document.document_id for document in uploaded.client.list_documents()}
    faults = {}
    for path, expected in uploaded.files.items():
        said = [error] if (error := uploaded.jobs[path].error) else []
        if fault := find_fault(expected, is_indexed=hash_of(path) in indexed, reasons=said):
            faults[path.name] = fault
    assert not faults


def test_names_arrive_as_they_are_without_the_folders_before_them(uploaded):
    names = {path: job.name for path, job in uploaded.jobs.items() if path.parent.name == "names"}
    assert len(names) > 25
    for path, name in names.items():
        # A name that is no UTF-8 cannot be sent as it is.
        sent = os.fsencode(path.name).decode("utf-8", "replace")
        # Newlines and quotes arrive; of most other control characters httpx sends an escape.
        sent = OTHER_CONTROLS.sub(lambda found: f"%{ord(found[0]):02X}", sent)
        assert name == sent.rpartition("\\")[2]


def test_no_name_reaches_the_file_system(uploaded):
    names = [path.name for path in uploaded.library.parent.rglob("*")]
    assert [name for name in names if not OWN_NAME.fullmatch(name)] == []
    assert list(uploaded.library.parent.iterdir()) == [uploaded.library]
    assert not any(name.endswith(".pdf") for name in names)
    # What was refused is gone, what was taken is among the originals.
    assert list((uploaded.library / "uploads").iterdir()) == []


def test_every_good_file_is_found_by_its_name(uploaded):
    asked = {path: e.question for path, e in uploaded.files.items() if e.question}
    assert len(asked) > 30
    for path, question in asked.items():
        (hit,) = uploaded.client.search(SearchBody(question=question, limit=1)).hits
        assert hit.document == uploaded.jobs[path].name


def test_the_server_is_as_well_as_before(uploaded):
    for route in ("/health", "/ready", "/metrics"):
        assert uploaded.http.get(route).status_code == 200
    metrics = uploaded.http.get("/metrics").text
    assert not re.search(r'status="5\d\d"', metrics)
