"""What is interrupted leaves no half document: closing, kill -9, a run that failed half-way."""

import subprocess
import sys
import threading

import pytest

from app.library import Library
from app.library_status import read_status
from app.settings import Settings
from retrieval.errors import IndexFailed, IngestStopped
from tests.documents import write_text_pdf
from tests.terminal import run_pagelens

PAGES = [f"Chapter {i} of the harbour log: the wind and the tide of day {i}." for i in range(1, 41)]


@pytest.fixture
def long_pdf(tmp_path):
    return write_text_pdf(tmp_path / "log.pdf", *PAGES)


def open_library(folder):
    return Library(Settings(library=folder))


def silent(progress):
    pass


def test_closing_the_library_stops_an_ingest_and_lets_the_folder_go(tmp_path, long_pdf):
    library = open_library(tmp_path / "library")
    indexing, errors = threading.Event(), []

    def add():
        try:
            library.ingest([long_pdf], lambda p: p.stage == "indexing" and indexing.set())
        except IngestStopped as error:
            errors.append(error)

    adding = threading.Thread(target=add)
    adding.start()
    assert indexing.wait(60)
    library.close()
    adding.join(60)
    assert len(errors) == 1
    with open_library(tmp_path / "library") as reopened:
        assert reopened.list_documents() == []
        assert reopened.search("the wind and the tide", 5).hits == ()
        assert reopened.ingest([long_pdf], silent).pages == len(PAGES)


def test_a_killed_ingest_leaves_nothing_and_a_second_run_adds_the_whole_document(
    tmp_path, long_pdf
):
    folder = tmp_path / "library"
    command = [sys.executable, "-m", "app", "ingest", str(long_pdf), "--library", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list((folder / "previews").rglob("*.webp")):
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)
    process.kill()
    process.wait()
    (job,) = read_status(folder).under_way
    assert (job.name, job.n_pages) == ("log.pdf", len(PAGES))
    assert job.pages_done < len(PAGES)
    assert (
        f"running log.pdf: {job.pages_done} of 40 pages"
        in run_pagelens("status", "--library", str(folder)).stdout
    )
    with open_library(folder) as library:
        assert library.list_documents() == []
        assert library.search("the wind and the tide", 5).hits == ()
        assert library.ingest([long_pdf], silent).pages == len(PAGES)
        assert library.search("day 40", 1).hits[0].page_number == 40


def test_a_run_that_failed_half_way_can_be_repeated_while_the_library_stays_open(
    tmp_path, long_pdf
):
    def fail(progress):
        if progress.stage == "indexing":
            raise IndexFailed("the disk is full")

    with open_library(tmp_path / "library") as library:
        with pytest.raises(IndexFailed):
            library.ingest([long_pdf], fail)
        assert library.list_documents() == []
        assert library.search("the wind and the tide", 5).hits == ()
        assert library.ingest([long_pdf], silent).documents == 1
