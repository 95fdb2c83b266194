"""Which versions of a file stay, and what goes with those that do not."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from ingest.documents import Documents
from ingest.files import LibraryFiles, remove_document
from ingest.job_table import Jobs, Task
from ingest.jobs import JobState
from ingest.locks import DocumentTaken, LibraryLocks, give_up
from ingest.spaces import Spaces
from retrieval.errors import UnknownJob


@dataclass(frozen=True, slots=True)
class Versions:
    """Removes documents, and jobs that are told of no more.

    Attributes:
        files: what is removed from, with the index of `spaces` and `documents`.
        locks: one is held while the index is written.
    """

    files: LibraryFiles
    spaces: Spaces
    documents: Documents
    jobs: Jobs
    locks: LibraryLocks

    def replace_older(self, task: Task) -> None:
        """Removes the earlier versions of a file, unless they stand elsewhere, too."""
        for other in self.jobs.list_of_origin(task.origin):
            older = other.job.document_id
            if other.job.state is not JobState.DONE or older in (None, task.job.document_id):
                continue
            if all(job.origin == task.origin for job in self.jobs.list_of_document(older)):
                with self.locks.writing():
                    index = self.spaces.follow().index
                    remove_document(self.files, older, index, self.documents)
            self.jobs.forget([other.job.job_id])

    def remove_cancelled(self, task: Task) -> None:
        """Removes what a job has written if it is cancelled; at work, it does so itself."""
        document_id = task.job.document_id
        if document_id and self._is_cancelled(task):
            with suppress(DocumentTaken), self.locks.document(document_id, give_up):
                # It may have been tried again meanwhile.
                if self._is_cancelled(task):
                    self.remove_unfinished(task)

    def _is_cancelled(self, task: Task) -> bool:
        try:
            return self.jobs.read(task.job.job_id).job.state is JobState.CANCELLED
        except UnknownJob:
            # Forgotten, as its file was handed in again.
            return True

    def remove_unfinished(self, task: Task) -> None:
        """Removes what a job has written, unless another job adds the same document."""
        document_id = task.job.document_id
        if document_id is None or self.documents.find_unfinished(document_id) is None:
            return
        others = self.jobs.list_of_document(document_id)
        if any(t.job.job_id != task.job.job_id and t.job.state.is_active for t in others):
            return
        with self.locks.writing():
            index = self.spaces.follow().index
            remove_document(self.files, document_id, index, self.documents)

    def forget_failures(self, origin: str) -> None:
        """Failures of a file are told until it is handed in again."""
        self.jobs.forget(
            [
                task.job.job_id
                for task in self.jobs.list_of_origin(origin)
                if task.job.state in (JobState.FAILED, JobState.CANCELLED)
            ]
        )

    def remove_upload(self, task: Task) -> None:
        """Removes the file of a job, if it is the library's own."""
        if task.is_upload:
            task.path.unlink(missing_ok=True)
