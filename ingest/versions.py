"""Which versions of a file stay, and what goes with those that do not."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from ingest.documents import Documents
from ingest.files import remove_document
from ingest.job_table import Jobs, Task
from ingest.jobs import JobState
from retrieval.index.base import PageIndex


@dataclass(frozen=True, slots=True)
class Versions:
    """Removes documents, and jobs that are told of no more.

    Attributes:
        folder: the library's.
        index: what is removed from, with `documents` and the folder.
        writing: held while the index is written.
    """

    folder: Path
    index: PageIndex
    documents: Documents
    jobs: Jobs
    writing: threading.Lock

    def replace_older(self, task: Task) -> None:
        """Removes the earlier versions of a file, unless they stand elsewhere, too."""
        for other in self.jobs.list_of_origin(task.origin):
            older = other.job.document_id
            if other.job.state is not JobState.DONE or older in (None, task.job.document_id):
                continue
            if all(job.origin == task.origin for job in self.jobs.list_of_document(older)):
                with self.writing:
                    remove_document(self.folder, older, self.index, self.documents)
            self.jobs.forget([other.job.job_id])

    def remove_unfinished(self, task: Task) -> None:
        """Removes what a job has written, unless another job adds the same document."""
        document_id = task.job.document_id
        if document_id is None or self.documents.find_unfinished(document_id) is None:
            return
        others = self.jobs.list_of_document(document_id)
        if any(t.job.job_id != task.job.job_id and t.job.state.is_active for t in others):
            return
        with self.writing:
            remove_document(self.folder, document_id, self.index, self.documents)

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
