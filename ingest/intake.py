"""Takes files in: which of them become jobs, and which are refused or known already."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.documents import Document, Documents
from ingest.files import LibraryFiles
from ingest.job_table import Jobs, Task
from ingest.jobs import Job, JobState
from ingest.locks import LibraryLocks
from ingest.media_types import MediaType
from ingest.office import check_convertible
from ingest.sources import Refusal, Source
from ingest.spaces import Spaces
from ingest.versions import Versions
from retrieval.errors import FileRefused, TooManyPages


@dataclass(frozen=True, slots=True)
class Intake:
    """Notes what is handed in in the table of jobs.

    Attributes:
        files: where originals are kept.
        spaces: the library's.
        documents: those that the library holds.
        jobs: those that have been handed in.
        versions: which of a file's stay.
        locks: one is held while an original, or the index, is written.
        upload_page_limit: pages of the longest upload that is taken.
        is_shared: whether a job may be taken up on another machine, which must find its file.
    """

    files: LibraryFiles
    spaces: Spaces
    documents: Documents
    jobs: Jobs
    versions: Versions
    locks: LibraryLocks
    upload_page_limit: int
    is_shared: bool

    def take(
        self, task: Task, read: Source | Refusal, count_pages: Callable[[Path, MediaType], int]
    ) -> Job:
        """Makes a file a job.

        Args:
            task: what is known of it yet.
            read: what the file is.
            count_pages: raises `FileRefused` for what cannot become a document.

        Returns:
            The job as it is noted now, queued or failed; or another one: that of a document which
            the library holds, or which is on its way.
        """
        job = task.job
        refused = read.error if isinstance(read, Refusal) else ""
        if isinstance(read, Source):
            if known := self._find_known(read, task):
                self.versions.remove_upload(task)
                return known
            try:
                if read.media_type.is_office:
                    # Its pages are made by the job: that takes seconds.
                    check_convertible(task.path, read.media_type)
                    n_pages = None
                else:
                    n_pages = count_pages(task.path, read.media_type)
                    self.check_length(task, n_pages)
                job = replace(job, document_id=read.document_id, n_pages=n_pages)
            except FileRefused as error:
                refused = str(error)
        if refused:
            self.versions.remove_upload(task)
            job = replace(job, state=JobState.FAILED, error=refused)
        self.versions.forget_failures(task.origin)
        self.jobs.add(replace(task, job=job))
        if not refused and self.is_shared and job.document_id:
            self._keep_original(job.document_id, task.path)
        return job

    def check_length(self, task: Task, n_pages: int) -> None:
        """Refuses an upload of more pages than the server takes.

        Raises:
            TooManyPages: it has more.
        """
        if task.is_upload and n_pages > self.upload_page_limit:
            raise TooManyPages(
                f"it has {n_pages:,} pages; the server takes {self.upload_page_limit:,}"
            )

    def _find_known(self, source: Source, task: Task) -> Job | None:
        """The job of a file that is in the library or on its way into it; None for a new one."""
        others = self.jobs.list_of_document(source.document_id)
        for other in others:
            if other.job.state.is_active or other.job.state is JobState.PAUSED:
                return other.job
        document = self.documents.find(source.document_id)
        if document is None:
            return None
        if not self.files.has_original(document.document_id):
            self._keep_original(document.document_id, source.path)
        tags = self._add_tags(document, task.job.tags)
        for other in others:
            if other.job.state is JobState.DONE and other.origin == task.origin:
                return replace(other.job, tags=tags)
        done = replace(
            task.job,
            tags=tags,
            state=JobState.DONE,
            document_id=document.document_id,
            n_pages=document.n_pages,
            pages_done=document.n_pages,
        )
        self.versions.forget_failures(task.origin)
        self.jobs.add(replace(task, job=done))
        self.versions.replace_older(replace(task, job=done))
        return done

    def _add_tags(self, document: Document, more: Iterable[str]) -> tuple[str, ...]:
        """Gives a document what tags it lacks; all that it has then."""
        return self.write_tags(document, (*document.tags, *more))

    def write_tags(self, document: Document, tags: Iterable[str]) -> tuple[str, ...]:
        """Gives a whole document these tags, each once, in the index and in the table."""
        tags = tuple(dict.fromkeys(tags))
        if tags != document.tags:
            with self.locks.writing():
                self.spaces.follow().index.write_tags(document.document_id, tags)
                self.documents.write_tags(document.document_id, tags)
        return tags

    def _keep_original(self, document_id: str, path: Path) -> None:
        with self.locks.document(document_id, lambda: None):
            self.files.keep_original(document_id, path)
