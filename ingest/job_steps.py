"""What the workflow asks for, step by step; see `ingest.workflow.Worker`."""

from __future__ import annotations

from ingest.document_writer import DocumentWriter
from ingest.documents import Document, Documents, PageRecord
from ingest.files import original_path
from ingest.job_news import JobNews
from ingest.job_table import Jobs, Task
from ingest.jobs import JobState
from ingest.sources import Source
from ingest.versions import Versions
from retrieval.errors import FileRefused, LibraryUnusable, PagelensError
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
    ) -> None:
        self._writer = writer
        self._folder = writer.folder
        self._documents = documents
        self._jobs = jobs
        self._versions = versions
        self._news = news

    def begin_job(self, job_id: str) -> None:
        """A workflow has begun or goes on."""
        self._news.begin_job(job_id)

    def store_file(self, job_id: str) -> int:
        """Copies a job's file into the library; how many pages there are to write."""
        task = self._read_active(job_id)
        path = task.path
        if task.job.document_id:
            kept = original_path(self._folder, task.job.document_id)
            path = kept if kept.exists() else path
        source, n_pages = self._writer.store_original(path, task.job.name)
        self._versions.remove_upload(task)
        self._jobs.set_document(job_id, source.document_id, n_pages)
        self._jobs.set_state(job_id, JobState.RUNNING, only_from=ACTIVE)
        if self._documents.find(source.document_id):
            return 0
        self._documents.begin(source, n_pages, Kind.PAGE, task.job.created_at, task.job.tags)
        return n_pages

    def write_pages(self, job_id: str, pages: range) -> Kind:
        """Writes some pages of a job's document; those that are there are passed over."""
        task = self._read_active(job_id)
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

    def finish_document(self, job_id: str, kind: Kind) -> None:
        """Marks a document as whole, and removes the one that it replaces."""
        task = self._read_active(job_id)
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

    def record_failure(self, job_id: str, error: Exception) -> None:
        """Notes why a job failed; the pages that it has written stay for another try."""
        document_id = self._jobs.read(job_id).job.document_id
        if document_id and not (
            self._documents.find(document_id) or self._documents.find_unfinished(document_id)
        ):
            original_path(self._folder, document_id).unlink(missing_ok=True)
        self._jobs.set_state(
            job_id, JobState.FAILED, error=describe_failure(error), only_from=ACTIVE
        )

    def end_job(self, job_id: str) -> None:
        """Lets go what a job has held in memory, however it ended."""
        try:
            if document_id := self._jobs.read(job_id).job.document_id:
                self._writer.close(document_id)
        finally:
            # Also where the job has been forgotten meanwhile: else stopping would wait for it.
            self._news.end_job(job_id)

    def _tell_pages(self, task: Task, n_pages: int) -> None:
        self._news.tell_pages(task.job.job_id, task.job.name, n_pages)
        if self._news.is_halted(task.job.job_id):
            raise Stopping

    def _read_active(self, job_id: str) -> Task:
        task = self._jobs.read(job_id)
        if self._news.is_halted(job_id) or not task.job.state.is_active:
            raise Stopping
        return task

    def _find_unfinished(self, task: Task) -> Document:
        document = self._documents.find_unfinished(task.job.document_id or "")
        if document is None:
            raise FileRefused("deleted while it was being added")
        return document

    def _source_of(self, document: Document) -> Source:
        return Source(
            original_path(self._folder, document.document_id),
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
