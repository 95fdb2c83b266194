"""Workers: several processes on one library, in PostgreSQL and on a server for vectors."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from app.library import Library
from app.settings import load_settings
from ingest.jobs import JobState
from tests.documents import write_text_pdf
from tests.object_store import serve_bucket
from tests.qdrant_local import serve_local_qdrant
from tests.terminal import last_json, run_pagelens

DOCUMENTS = 16
PAGES = 8


@pytest.fixture(scope="module")
def qdrant_url():
    with serve_local_qdrant() as url:
        yield url


@pytest.fixture
def shared(tmp_path, database_url, qdrant_url, monkeypatch):
    """The environment of all processes, this one too; the library folder is reached by all."""
    monkeypatch.setenv("PAGELENS_DATABASE_URL", database_url)
    monkeypatch.setenv("PAGELENS_QDRANT_URL", qdrant_url)
    monkeypatch.setenv("PAGELENS_LIBRARY", str(tmp_path / "library"))


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    for i in range(DOCUMENTS):
        pages = [f"Log {i} of the harbour: the wind and the tide of day {d}." for d in range(PAGES)]
        write_text_pdf(folder / f"log-{i}.pdf", *pages)
    return sorted(folder.iterdir())


class Worker:
    """A `pagelens worker` process."""

    def __init__(self, **environment):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", "worker"],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.told = []

    def wait_until_ready(self):
        for line in self.process.stderr:
            if line.startswith("Working"):
                return
        pytest.fail("the worker ended")

    def wait_for_line(self):
        self.told.append(self.process.stdout.readline().strip())
        assert self.told[-1], "the worker ended"

    def kill(self):
        self.process.kill()
        self.told += self.process.communicate()[0].splitlines()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, error = self.process.communicate(timeout=60)
        self.told += out.splitlines()
        assert self.process.returncode == 0, error

    @property
    def documents_done(self):
        return [line.split()[1].rstrip(":") for line in self.told if line.startswith("done ")]


@contextmanager
def workers(*environments):
    started = [Worker(**environment) for environment in environments]
    try:
        for worker in started:
            worker.wait_until_ready()
        yield started
    finally:
        for worker in started:
            worker.process.kill()
            worker.process.communicate()


def submit(library, paths):
    """Hands files in, and leaves them to the workers."""
    with library.work():
        return [library.jobs.submit(path) for path in paths]


def wait(library, jobs):
    library.jobs.wait(jobs, lambda name, n_pages: None)
    return [library.jobs.find(job.job_id) for job in jobs]


def assert_each_page_is_there_once(library, n_documents):
    assert len(library.list_documents()) == n_documents
    stored = library._index.list_pages()
    assert stored == library._documents.list_indexed_pages()
    assert library._index.count() == len(stored) == n_documents * PAGES


def test_two_workers_share_the_work_and_one_takes_up_what_the_other_leaves(shared, corpus):
    with Library(load_settings()) as library, workers({}, {}) as (first, second):
        jobs = submit(library, corpus)
        first.wait_for_line()
        second.wait_for_line()
        first.kill()
        assert {job.state for job in wait(library, jobs)} == {JobState.DONE}
        second.stop()
        assert_each_page_is_there_once(library, DOCUMENTS)
        assert first.documents_done
        assert second.documents_done
        assert library.search("Log 3 of the harbour, day 5", 1).hits[0].document == "log-3.pdf"


def test_a_job_at_a_worker_is_cancelled_and_tried_again_from_elsewhere(shared, tmp_path):
    pages = [f"The wind and the tide of day {day}." for day in range(120)]
    long = write_text_pdf(tmp_path / "long.pdf", *pages)
    with Library(load_settings()) as library, workers({}) as (worker,):
        (job,) = submit(library, [long])
        while not library.jobs.find(job.job_id).pages_done:
            library.jobs.news.wait()
        with library.work():
            assert library.jobs.cancel(job.job_id).state is JobState.CANCELLED
        worker.wait_for_line()
        assert worker.told == [f"cancelled long.pdf: 0 of {len(pages)} pages"]
        assert library._index.count() == 0
        with library.work():
            library.jobs.retry(job.job_id)
        (done,) = wait(library, [job])
        assert (done.state, done.pages_done) == (JobState.DONE, len(pages))
        assert library._index.count() == len(pages)


def test_machines_with_nothing_in_common_but_servers_and_a_bucket(
    shared, tmp_path, corpus, monkeypatch
):
    with serve_bucket() as (bucket, keys):
        for name, value in {**keys, "PAGELENS_BUCKET": bucket}.items():
            monkeypatch.setenv(name, value)
        elsewhere = {"PAGELENS_LIBRARY": str(tmp_path / "elsewhere")}
        with Library(load_settings()) as library, workers(elsewhere) as (worker,):
            jobs = submit(library, corpus[:3])
            for path in corpus[:3]:
                path.unlink()
            assert {job.state for job in wait(library, jobs)} == {JobState.DONE}
            assert_each_page_is_there_once(library, 3)
            hit = library.search("Log 1 of the harbour, day 5", 1).hits[0]
            assert library.page_picture(hit.document_id, hit.page_index).width > 100
            assert library.examine(lambda progress: None).is_healthy
            worker.stop()
            assert len(worker.documents_done) == 3
        # A machine that has seen nothing of the library yet.
        new = tmp_path / "new"
        assert last_json(run_pagelens("status", "--json", "--library", new))["documents"] == 3
        found = last_json(
            run_pagelens("search", "the wind and the tide", "--json", "--library", new)
        )
        assert found["hits"]


def test_a_library_of_one_machine_has_no_workers(tmp_path):
    ended = run_pagelens("worker", "--library", tmp_path / "library")
    assert ended.returncode == 2
    assert "PAGELENS_DATABASE_URL and PAGELENS_QDRANT_URL" in ended.stderr
    assert not (tmp_path / "library").exists()
