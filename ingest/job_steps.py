"""What the workflow asks for, step by step; see `ingest.workflow.Worker`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ingest.document_writer import DocumentWriter
from ingest.documents import Document, Documents, PageRecord
from ingest.job_news import JobNews
from ingest.job_table import Jobs, Task
from ingest.jobs import JobState
from ingest.sources import Source
from ingest.versions import Versions
from retrieval.errors import FileRefused, LibraryUnusable, PagelensError, UnreadableFile
from retrieval.records import Kind

# Longer errors of libraries are cut.
ERROR_CHARACTERS = 300

ACTIVE = tuple(state for state in JobState if state.is_active)


class Stopping(BaseException):
    """Ends a workflow without a trace in its books, so that it is taken up again later.

    No `Exception`: that would be noted as the outcome of the step.
    """


class JobSteps:
    """Does the steps of jobs."""

    def __init__(
        self,
        writer: DocumentWriter,
        documents: Documents,
        jobs: Jobs,
        versions: Versions,
        news: JobNews,
        check_length: Callable[[Task, int], None],
    ) -> None:
        self._check_length = check_length
        self._writer = writer
        self._files = writer.files
        self._locks = writer.locks
        self._documents = documents
        self._jobs = jobs
        self._versions = versions
        self._news = news

    @contextmanager
    def at_work(self, job_id: str, attempt: int) -> Iterator[None]:
        """Entered while a workflow is at work, alone at its document; see `Worker`."""
        with self._news.job(job_id):
            task = self._read_active(job_id, attempt)
            document_id = task.job.document_id or job_id
            try:
                with self._locks.document(document_id, lambda: self._check(job_id, attempt)):
                    self._jobs.set_state(job_id, JobState.RUNNING, only_from=(JobState.QUEUED,))
                    try:
                        yield
                    finally:
                        self._writer.close(document_id)
            finally:
                self._versions.remove_cancelled(task)

    def store_file(self, job_id: str, attempt: int) -> int:
        """Copies a job's file into the library; how many pages there are to write."""
        task = self._read_active(job_id, attempt)
        kept = self._files.find_original(task.job.document_id) if task.job.document_id else None
        source, n_pages = self._writer.store_original(kept or task.path, task.job.name)
        self._check_length(task, n_pages)
        self._versions.remove_upload(task)
        self._jobs.set_document(job_id, source.document_id, n_pages)
        if self._documents.find(source.document_id):
            return 0
        self._documents.begin(source, n_pages, Kind.PAGE, task.job.created_at, task.job.tags)
        return n_pages

    def write_pages(self, job_id: str, attempt: int, pages: range) -> Kind:
        """Writes some pages of a job's document; those that are there are passed over."""
        task = self._read_active(job_id, attempt)
        document = self._find_unfinished(task)
        pages = range(pages.start, min(pages.stop, document.n_pages))
        if document.n_pages > 1:
            done = {page.page_index for page in self._documents.list_pages(document.document_id)}
            if done.issuperset(pages):
                return Kind.PAGE
        kind = self._writer.write_pages(
            self._source_of(document),
            document.n_pages,
            pages,
            document.added_at,
            document.tags,
            lambda n: self._tell_pages(task, n),
        )
        if kind is None:
            raise FileRefused("deleted while it was being added")
        return kind

    def finish_document(self, job_id: str, attempt: int, kind: Kind) -> None:
        """Marks a document as whole, and removes the one that it replaces."""
        task = self._read_active(job_id, attempt)
        document_id = task.job.document_id or ""
        error = None
        if not self._documents.find(document_id):
            self._find_unfinished(task)
            pages = self._documents.list_pages(document_id)
            if len(pages) < (task.job.n_pages or 0):
                raise LibraryUnusable(f"{len(pages)} of {task.job.n_pages} pages are there")
            left_out = [page for page in pages if page.error]
            if len(left_out) == len(pages):
                self._versions.remove_unfinished(task)
                raise FileRefused(pages[0].error or "")
            error = "; ".join(map(describe_left_out, left_out)) or None
            self._documents.finish(document_id, kind)
        self._versions.replace_older(task)
        self._jobs.set_state(job_id, JobState.DONE, error=error, only_from=ACTIVE)
        self._versions.forget_failures(task.origin)

    def record_failure(self, job_id: str, attempt: int, error: Exception) -> None:
        """Notes why a job failed; the pages that it has written stay for another try."""
        document_id = self._read_active(job_id, attempt).job.document_id
        if document_id and not (
            self._documents.find(document_id) or self._documents.find_unfinished(document_id)
        ):
            self._files.remove(document_id)
        try:
            self._jobs.set_state(
                job_id, JobState.FAILED, error=describe_failure(error), only_from=ACTIVE
            )
        except LibraryUnusable as unusable:
            self._news.tell_fault(unusable)
            raise

    def _tell_pages(self, task: Task, n_pages: int) -> None:
        self._news.tell_pages(task.job.job_id, n_pages)
        self._check(task.job.job_id, task.attempt)

    def _check(self, job_id: str, attempt: int) -> None:
        """Ends a workflow that shall not go on: any process may have said so."""
        self._read_active(job_id, attempt)

    def _read_active(self, job_id: str, attempt: int) -> Task:
        task = self._jobs.read(job_id)
        if self._news.is_stopping or not task.job.state.is_active or task.attempt != attempt:
            raise Stopping
        return task

    def _find_unfinished(self, task: Task) -> Document:
        document = self._documents.find_unfinished(task.job.document_id or "")
        if document is None:
            raise FileRefused("deleted while it was being added")
        return document

    def _source_of(self, document: Document) -> Source:
        kept = self._files.find_original(document.document_id)
        if kept is None:
            raise UnreadableFile("the library has lost its original")
        return Source(
            kept,
            document.document_id,
            document.media_type,
            document.n_bytes,
            document.name,
        )


def describe_left_out(page: PageRecord) -> str:
    """A page that could not be rendered, and why."""
    return f"page {page.page_index + 1} is left out: {page.error}"


def describe_failure(error: Exception) -> str:
    """Why a job failed, in one line."""
    if isinstance(error, PagelensError):
        return str(error)
    if isinstance(error, MemoryError):
        return "not enough memory"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    line = " ".join(f"{type(error).__name__}: {error}".split())
    return line[:ERROR_CHARACTERS]
