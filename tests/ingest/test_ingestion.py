"""Jobs: priorities, pause and resume, cancel and retry, faults, and new versions of a file."""

import os
import threading
import time
from pathlib import Path

import dbos._queue
import pytest

from app.library import Library
from app.settings import Settings
from ingest import reconciling
from ingest.jobs import JobState
from ingest.workflow import DOCUMENTS_AT_ONCE
from retrieval.errors import (
    IndexFailed,
    IngestBusy,
    JobNotPossible,
    LibraryUnusable,
    UnknownJob,
)
from retrieval.index.base import PageFilter
from tests.documents import write_text_pdf

WAIT_S = 120

PAGES = [f"Chapter {i} of the harbour log: the wind and the tide of day {i}." for i in range(1, 61)]


@pytest.fixture(scope="module")
def working_library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ingestion") / "library"
    with Library(Settings(library=folder)) as opened, opened.keep_working():
        yield opened


@pytest.fixture
def library(working_library):
    """A library at work, empty before and after."""
    yield working_library
    for job in working_library.jobs.list_all():
        if not job.state.is_final:
            working_library.jobs.cancel(job.job_id)
    for document in working_library.list_documents():
        working_library.delete(document.document_id)
    working_library._jobs.forget([job.job_id for job in working_library.jobs.list_all()])


@pytest.fixture
def long_pdf(tmp_path):
    return write_text_pdf(tmp_path / "log.pdf", *PAGES)


def wait(library, *jobs):
    library.jobs.wait(jobs, lambda name, n: None)
    return [library.jobs.find(job.job_id) for job in jobs]


def wait_until(library, job, is_so):
    """The job as soon as something holds of it."""
    deadline = time.monotonic() + WAIT_S
    while not is_so(now := library.jobs.find(job.job_id)):
        assert time.monotonic() < deadline, f"after {WAIT_S} s: {now}"
        library.jobs.news.wait()
    return now


def submit_and_wait_for_pages(library, path, **options):
    """A job whose first pages have been written, and which is not over."""
    job = library.jobs.submit(path, **options)
    wait_until(library, job, lambda now: now.pages_done)
    return job


def names(library):
    return sorted(document.name for document in library.list_documents())


def assert_nothing_is_left(library):
    assert library.list_documents() == []
    assert library._index.count() == 0
    assert library._documents.list_unfinished() == []
    files = library.folder
    assert not [
        p for place in ("files", "previews", "uploads") for p in (files / place).rglob("*.*")
    ]


def test_a_job_tells_how_far_it_is_and_ends_with_a_whole_document(library, long_pdf):
    job = library.jobs.submit(long_pdf, tags=["log"])
    assert (job.name, job.n_pages, job.state) == ("log.pdf", len(PAGES), JobState.QUEUED)
    (done,) = wait(library, job)
    assert (done.state, done.pages_done, done.error) == (JobState.DONE, len(PAGES), None)
    (document,) = library.list_documents()
    assert (document.document_id, document.tags) == (done.document_id, ("log",))
    assert library.search("day 60", 1).hits[0].page_number == 60


def test_a_half_document_is_not_shown_and_its_progress_is(library, long_pdf):
    job = submit_and_wait_for_pages(library, long_pdf)
    library.jobs.pause(job.job_id)
    paused = library.jobs.find(job.job_id)
    assert 0 < paused.pages_done < len(PAGES)
    assert library.list_documents() == []
    assert library.search("the wind and the tide", 5).hits == ()


def test_a_paused_job_goes_on_where_it_was(library, long_pdf):
    job = submit_and_wait_for_pages(library, long_pdf)
    assert library.jobs.pause(job.job_id).state is JobState.PAUSED
    assert library.jobs.resume(job.job_id).state is not JobState.PAUSED
    (done,) = wait(library, job)
    assert (done.state, done.pages_done) == (JobState.DONE, len(PAGES))
    assert library._index.count() == len(PAGES)


def test_a_job_that_goes_on_is_said_to_run(library, long_pdf):
    job = submit_and_wait_for_pages(library, long_pdf)
    library.jobs.pause(job.job_id)
    library.jobs.resume(job.job_id)
    now = wait_until(library, job, lambda now: now.state is not JobState.QUEUED)
    assert now.state is JobState.RUNNING
    wait(library, job)


def test_a_job_that_left_the_queue_and_was_never_begun_goes_on(library, long_pdf, monkeypatch):
    begin, lost = dbos._queue.execute_dequeued_workflow, []

    def lose_the_first(*arguments):
        if not lost:
            lost.append(arguments)
            raise OSError("the database is locked")
        return begin(*arguments)

    monkeypatch.setattr(dbos._queue, "execute_dequeued_workflow", lose_the_first)
    monkeypatch.setattr(reconciling, "IDLE_S", 1.0)
    assert wait(library, library.jobs.submit(long_pdf))[0].state is JobState.DONE
    assert lost


def test_a_paused_job_stays_paused_over_a_restart(library, long_pdf):
    job = submit_and_wait_for_pages(library, long_pdf)
    library.jobs.pause(job.job_id)
    library.jobs.stop()
    library.jobs.start()
    assert library.jobs.find(job.job_id).state is JobState.PAUSED
    library.jobs.resume(job.job_id)
    assert wait(library, job)[0].state is JobState.DONE
    assert library._index.count() == len(PAGES)


def test_a_cancelled_job_leaves_nothing_and_can_be_tried_again(library, long_pdf):
    job = submit_and_wait_for_pages(library, long_pdf)
    assert library.jobs.cancel(job.job_id).state is JobState.CANCELLED
    wait(library, job)
    assert library.list_documents() == []
    library.jobs.retry(job.job_id)
    assert wait(library, job)[0].state is JobState.DONE
    assert library._index.count() == len(PAGES)


@pytest.mark.parametrize("try_again", ["retry", "submit"])
def test_a_step_that_still_winds_down_takes_nothing_from_the_next_try(
    library, long_pdf, monkeypatch, try_again
):
    upsert, is_writing, release = library._index.upsert, threading.Event(), threading.Event()

    def hold_up(pages):
        is_writing.set()
        assert release.wait(60)
        upsert(pages)

    monkeypatch.setattr(library._index, "upsert", hold_up)
    job = library.jobs.submit(long_pdf)
    assert is_writing.wait(60)
    cancelling = threading.Thread(target=library.jobs.cancel, args=[job.job_id])
    cancelling.start()
    wait_until(library, job, lambda now: now.state is JobState.CANCELLED)
    threading.Timer(0.5, release.set).start()
    again = (
        library.jobs.retry(job.job_id) if try_again == "retry" else library.jobs.submit(long_pdf)
    )
    cancelling.join()
    assert wait(library, again)[0].state is JobState.DONE
    assert library._index.count() == len(PAGES)


def test_an_upload_that_is_cancelled_leaves_no_file(library, long_pdf):
    waiting = library.upload_folder / "1.part"
    long_pdf.rename(waiting)
    job = submit_and_wait_for_pages(library, waiting, name="log.pdf", is_upload=True)
    library.jobs.cancel(job.job_id)
    library.jobs.stop()
    library.jobs.start()
    assert_nothing_is_left(library)


def test_what_is_over_cannot_be_cancelled_paused_or_tried_again(library, tmp_path):
    job = library.jobs.submit(write_text_pdf(tmp_path / "a.pdf", "The harbour log."))
    wait(library, job)
    for steer in (library.jobs.cancel, library.jobs.pause, library.jobs.resume, library.jobs.retry):
        with pytest.raises(JobNotPossible, match=r"a\.pdf: a job that is done"):
            steer(job.job_id)
    with pytest.raises(UnknownJob, match="nowhere"):
        library.jobs.cancel("nowhere")


def test_what_is_urgent_goes_before_what_waits(library, tmp_path, monkeypatch):
    upsert, written, release = library._index.upsert, [], threading.Event()

    def hold_up(pages):
        assert release.wait(60)
        written.append(pages[0].document)
        upsert(pages)

    monkeypatch.setattr(library._index, "upsert", hold_up)
    texts = {f"{i}.pdf": f"Sheet {i} of the batch" for i in range(3 * DOCUMENTS_AT_ONCE)}
    batch = [library.jobs.submit(write_text_pdf(tmp_path / n, t)) for n, t in texts.items()]
    upload = library.jobs.submit(write_text_pdf(tmp_path / "now.pdf", "At once"), is_urgent=True)
    release.set()
    wait(library, upload, *batch)
    # Those that were at work already come first, and one may have been fetched meanwhile.
    assert written.index("now.pdf") <= 2 * DOCUMENTS_AT_ONCE


def test_the_same_file_twice_is_one_job(library, tmp_path, long_pdf):
    job = submit_and_wait_for_pages(library, long_pdf)
    copy = tmp_path / "copy.pdf"
    copy.write_bytes(long_pdf.read_bytes())
    assert library.jobs.submit(copy).job_id == job.job_id
    wait(library, job)
    assert library.jobs.submit(long_pdf).state is JobState.DONE
    assert names(library) == ["log.pdf"]


def test_tags_of_a_file_that_is_there_already_are_added_to_its_document(library, tmp_path):
    report = write_text_pdf(tmp_path / "report.pdf", "Mooring fees")
    wait(library, library.jobs.submit(report, tags=["10-K"]))
    assert library.jobs.submit(report, tags=["2021"]).tags == ("10-K", "2021")
    copy = tmp_path / "copy.pdf"
    copy.write_bytes(report.read_bytes())
    assert library.jobs.submit(copy, tags=["fees"]).tags == ("10-K", "2021", "fees")
    (document,) = library.list_documents()
    assert document.tags == ("10-K", "2021", "fees")
    for tag in document.tags:
        assert library._index.count(PageFilter(tags=frozenset({tag}))) == 1


def test_names_that_are_no_text_are_names_of_different_files(library, tmp_path):
    for name, text in ((b"M\xfcller.pdf", "Mooring fees"), (b"M\xf6ller.pdf", "Rye bread")):
        path = tmp_path / os.fsdecode(name)
        (done,) = wait(library, library.jobs.submit(write_text_pdf(path, text)))
        assert done.state is JobState.DONE
    assert len(library.list_documents()) == 2


def test_a_file_that_is_refused_is_a_failed_job_with_its_reason(library, tmp_path):
    (tmp_path / "notes.pdf").write_text("no PDF")
    job = library.jobs.submit(tmp_path / "notes.pdf")
    assert job.state is JobState.FAILED
    assert job.error == library.jobs.find(job.job_id).error
    assert "not a PDF" in job.error


def test_a_new_version_replaces_the_old_one_once_it_is_whole(library, tmp_path):
    report = write_text_pdf(tmp_path / "report.pdf", "Sales of the harbour in May")
    wait(library, library.jobs.submit(report))
    write_text_pdf(report, *[f"Sales of the harbour in June, sheet {i}" for i in range(40)])
    job = submit_and_wait_for_pages(library, report)
    assert [document.n_pages for document in library.list_documents()] == [1]
    wait(library, job)
    assert [document.n_pages for document in library.list_documents()] == [40]
    assert library._index.count() == 40


def test_files_of_one_name_in_two_folders_are_two_documents(library, tmp_path):
    for month in ("may", "june"):
        (tmp_path / month).mkdir()
        report = write_text_pdf(tmp_path / month / "report.pdf", f"Sales of {month}")
        wait(library, library.jobs.submit(report))
    assert names(library) == ["report.pdf", "report.pdf"]


def test_a_version_that_stands_elsewhere_too_is_kept(library, tmp_path):
    first = write_text_pdf(tmp_path / "first.pdf", "Sales of the harbour in May")
    second = tmp_path / "second.pdf"
    second.write_bytes(first.read_bytes())
    wait(library, library.jobs.submit(first))
    wait(library, library.jobs.submit(second))
    write_text_pdf(first, "Sales of the harbour in June")
    wait(library, library.jobs.submit(first))
    assert len(library.list_documents()) == 2


def test_a_document_that_is_deleted_while_it_is_added_is_gone(library, long_pdf):
    job = submit_and_wait_for_pages(library, long_pdf)
    library.delete(job.document_id or library.jobs.find(job.job_id).document_id)
    wait(library, job)
    library.jobs.stop()
    library.jobs.start()
    assert_nothing_is_left(library)


def test_an_index_that_fails_fails_the_job_and_the_rest_goes_on(
    library, tmp_path, long_pdf, monkeypatch
):
    good = library.jobs.submit(write_text_pdf(tmp_path / "good.pdf", "The harbour log"))
    wait(library, good)
    upsert = library._index.upsert

    def fail(pages):
        if any(page.document == "log.pdf" for page in pages):
            raise IndexFailed("could not write to the index: no space left on device")
        upsert(pages)

    monkeypatch.setattr(library._index, "upsert", fail)
    bad = library.jobs.submit(long_pdf)
    other = library.jobs.submit(write_text_pdf(tmp_path / "other.pdf", "The bakery"))
    failed, done = wait(library, bad, other)
    assert (failed.state, done.state) == (JobState.FAILED, JobState.DONE)
    assert "no space left on device" in failed.error
    assert names(library) == ["good.pdf", "other.pdf"]
    monkeypatch.undo()
    library.jobs.retry(bad.job_id)
    assert wait(library, bad)[0].state is JobState.DONE
    assert library._index.count() == 2 + len(PAGES)


def test_whoever_waits_is_told_when_not_even_a_failure_can_be_written_down(
    library, long_pdf, monkeypatch
):
    def fail(*args, **options):
        raise LibraryUnusable("pagelens.sqlite: database or disk is full")

    set_state = library._jobs.set_state
    monkeypatch.setattr(library._index, "upsert", fail)
    monkeypatch.setattr(
        library._jobs,
        "set_state",
        lambda job_id, state, **options: (fail if state is JobState.FAILED else set_state)(
            job_id, state, **options
        ),
    )
    job = library.jobs.submit(long_pdf)
    with pytest.raises(LibraryUnusable, match="disk is full"):
        wait(library, job)
    monkeypatch.undo()
    library.jobs.stop()
    library.jobs.start()
    assert library.jobs.find(job.job_id).state is JobState.FAILED
    library.jobs.retry(job.job_id)
    assert wait(library, job)[0].state is JobState.DONE


def test_a_fault_that_passes_is_not_noticed(library, long_pdf, monkeypatch):
    upsert, faults = library._index.upsert, [IndexFailed("busy"), OSError(28, "No space left")]

    def fail_at_first(pages):
        if faults:
            raise faults.pop()
        upsert(pages)

    monkeypatch.setattr(library._index, "upsert", fail_at_first)
    (done,) = wait(library, library.jobs.submit(long_pdf))
    assert (done.state, done.error) == (JobState.DONE, None)
    assert library._index.count() == len(PAGES)


def test_too_little_memory_is_said(library, long_pdf, monkeypatch):
    def fail(pages):
        raise MemoryError

    monkeypatch.setattr(library._index, "upsert", fail)
    (failed,) = wait(library, library.jobs.submit(long_pdf))
    assert failed.error == "not enough memory"


def test_one_library_of_a_process_is_at_work_at_a_time(library, tmp_path):
    with Library(Settings(library=tmp_path / "other")) as other:
        with pytest.raises(IngestBusy):
            other.ingest([write_text_pdf(tmp_path / "a.pdf", "The harbour")], lambda p: None)
        assert other.list_documents() == []


def test_jobs_are_listed_newest_first(library, tmp_path):
    jobs = [
        library.jobs.submit(write_text_pdf(Path(tmp_path) / f"{i}.pdf", f"Page of {i}"))
        for i in range(3)
    ]
    assert [job.name for job in library.jobs.list_all()] == ["2.pdf", "1.pdf", "0.pdf"]
    wait(library, *jobs)


def test_what_failed_is_tried_again_on_demand(library, tmp_path):
    bad = tmp_path / "later.pdf"
    bad.write_text("not yet a PDF")
    job = library.jobs.submit(bad)
    assert job.state is JobState.FAILED
    write_text_pdf(bad, "Now it is")
    report = library.ingest([], lambda progress: None, retry_failed=True)
    assert (report.documents, report.pages, report.failed) == (1, 1, ())
    assert library.count().failed == 0
