"""Jobs in memory, one after the other in a thread: stands in for the durable workflow."""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.jobs import Job, JobState
from ingest.pipeline import IngestReport, Progress
from ingest.render_pool import RenderPool
from ingest.sources import Refusal, read_source
from retrieval.errors import FileRefused, IngestStopped, PagelensError, TooManyPages, UnknownJob

if TYPE_CHECKING:
    from app.library import Library


class InterimJobMethods:
    """What the library offers of jobs."""

    folder: Path
    _jobs: InterimJobs

    @property
    def upload_folder(self) -> Path:
        """Where uploads lie until they are documents."""
        folder = self.folder / "uploads"
        folder.mkdir(exist_ok=True)
        return folder

    def submit(
        self,
        path: Path,
        *,
        name: str | None = None,
        tags: Iterable[str] = (),
        urgent: bool = False,  # noqa: ARG002
        is_upload: bool = False,
    ) -> Job:
        """Queues a file that is to be added."""
        return self._jobs.submit(path, name or path.name, tags, is_upload=is_upload)

    def list_jobs(self) -> list[Job]:
        """All jobs, newest first."""
        return self._jobs.list()

    def find_job(self, job_id: str) -> Job:
        """The job of this id."""
        return self._jobs.find(job_id)

    def cancel_job(self, job_id: str) -> Job:
        """Ends a job that waits."""
        waiting = (JobState.QUEUED, JobState.PAUSED)
        return self._jobs.move(job_id, waiting, JobState.CANCELLED)

    def pause_job(self, job_id: str) -> Job:
        """Holds a job that waits."""
        return self._jobs.move(job_id, (JobState.QUEUED,), JobState.PAUSED)

    def resume_job(self, job_id: str) -> Job:
        """Lets a job that is held go on."""
        return self._jobs.move(job_id, (JobState.PAUSED,), JobState.QUEUED)

    def retry_job(self, job_id: str) -> Job:
        """Begins a job again that failed or was cancelled."""
        ended = (JobState.FAILED, JobState.CANCELLED)
        return self._jobs.move(job_id, ended, JobState.QUEUED)


@dataclass(slots=True)
class _Task:
    job: Job
    path: Path
    is_upload: bool


class InterimJobs:
    """Runs `Library.ingest` for one file at a time."""

    def __init__(self, library: Library, page_limit: int) -> None:
        self._library = library
        self._page_limit = page_limit
        self._tasks: dict[str, _Task] = {}
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def close(self) -> None:
        """Ends after the job at hand, which the closing library stops."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()

    def submit(self, path: Path, name: str, tags: Iterable[str], *, is_upload: bool) -> Job:
        """Queues a file."""
        job = Job(
            uuid.uuid4().hex,
            name,
            JobState.QUEUED,
            None,
            None,
            0,
            None,
            datetime.now(timezone.utc),
            tuple(tags),
        )
        with self._lock:
            self._tasks[job.job_id] = _Task(job, path, is_upload)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
        self._queue.put(job.job_id)
        return job

    def list(self) -> list[Job]:
        """All jobs, newest first."""
        with self._lock:
            return [task.job for task in reversed(self._tasks.values())]

    def find(self, job_id: str) -> Job:
        """The job of this id; raises `UnknownJob`."""
        return self._task(job_id).job

    def move(self, job_id: str, states: tuple[JobState, ...], state: JobState) -> Job:
        """Gives a job a state, where it is in one of `states`; queues it where that is QUEUED."""
        task = self._task(job_id)
        with self._lock:
            if task.job.state not in states:
                return task.job
            task.job = replace(task.job, state=state, error=None)
            moved = task.job
        if state == JobState.QUEUED:
            self._queue.put(job_id)
        return moved

    def _task(self, job_id: str) -> _Task:
        with self._lock:
            if job_id not in self._tasks:
                raise UnknownJob(f"there is no job {job_id}")
            return self._tasks[job_id]

    def _work(self) -> None:
        while (job_id := self._queue.get()) is not None:
            task = self._task(job_id)
            if task.job.state != JobState.QUEUED:
                continue
            task.job = replace(task.job, state=JobState.RUNNING)
            try:
                self._run(task)
            except IngestStopped:
                return
            except PagelensError as error:
                message = str(error).replace(str(task.path), task.job.name)
                task.job = replace(task.job, state=JobState.FAILED, error=message)

    def _run(self, task: _Task) -> None:
        source = read_source(task.path)
        if isinstance(source, Refusal):
            raise FileRefused(source.error)
        with RenderPool(1) as pool:
            n_pages = pool.count_pages(task.path, source.media_type)
        if task.is_upload and n_pages > self._page_limit:
            raise TooManyPages(
                f"{n_pages:,} pages, and this server takes {self._page_limit:,} of an upload"
            )
        task.job = replace(task.job, document_id=source.document_id, n_pages=n_pages)
        report = self._ingest(task)
        if report.failed and not (report.documents or report.skipped):
            raise FileRefused(report.failed[0].error)
        errors = "; ".join(refusal.error for refusal in report.failed) or None
        task.job = replace(task.job, state=JobState.DONE, pages_done=n_pages, error=errors)
        if task.is_upload:
            task.path.unlink(missing_ok=True)

    def _ingest(self, task: _Task) -> IngestReport:
        def report(progress: Progress) -> None:
            if progress.stage == "indexing":
                task.job = replace(task.job, pages_done=progress.done)

        named = task.path.with_name(f"{task.path.name}.d") / _fit_name(task.job.name)
        named.parent.mkdir()
        try:
            named.hardlink_to(task.path)
            return self._library.ingest(
                [named], report, tags=task.job.tags, remember_refusals=False, optimize=False
            )
        finally:
            named.unlink(missing_ok=True)
            named.parent.rmdir()


def _fit_name(name: str) -> str:
    return name.replace("/", "_").replace("\0", "_")[:80] or "unnamed"
