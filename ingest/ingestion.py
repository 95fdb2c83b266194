"""Jobs at work: takes files in, lets the workflow add them, and steers what is under way."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.document_writer import DocumentWriter
from ingest.documents import Document, Documents
from ingest.files import LibraryFiles
from ingest.intake import Intake
from ingest.job_news import JobNews
from ingest.job_steps import ACTIVE, JobSteps
from ingest.job_table import Jobs, Task
from ingest.jobs import Job, JobState
from ingest.locks import LibraryLocks
from ingest.media_types import MediaType
from ingest.reconciling import reconcile, revive_lost
from ingest.recovery import Recovery
from ingest.render import RenderedPage, render_pages
from ingest.render_pool import RenderPool
from ingest.sources import Refusal, name_origin, read_source
from ingest.space_encoding import SpaceEncodings
from ingest.spaces import Spaces
from ingest.versions import Versions
from retrieval.encoders.base import PhotoEncoder, SoundEncoder
from retrieval.errors import (
    IngestBusy,
    JobNotPossible,
    UnknownJob,
    UnreadableFile,
)

if TYPE_CHECKING:
    from types import ModuleType

# Steps under way end within a few pages; a page may take a minute.
STOP_S = 90.0

_at_work = threading.Lock()


class Ingestion:
    """The jobs of one library. Those of one library at a time can be at work in a process."""

    def __init__(
        self,
        files: LibraryFiles,
        spaces: Spaces,
        photo_encoder: Callable[[], PhotoEncoder],
        sound_encoder: Callable[[], SoundEncoder],
        check_sounds: Callable[[], None],
        documents: Documents,
        jobs: Jobs,
        locks: LibraryLocks,
        upload_page_limit: int,
        *,
        is_shared: bool,
    ) -> None:
        """Starts nothing yet.

        Args:
            files: the library's.
            spaces: the library's; that which is searched is written to.
            photo_encoder: opens the encoder of photos.
            sound_encoder: opens that of sounds.
            check_sounds: raises `FileRefused` where there is none.
            documents: the library's.
            jobs: the library's.
            locks: the library's.
            upload_page_limit: pages of the longest upload that is taken.
            is_shared: whether other processes work on the library, perhaps on other machines.
        """
        self._files = files
        self._spaces = spaces
        self._photo_encoder = photo_encoder
        self._sound_encoder = sound_encoder
        self._check_sounds = check_sounds
        self._documents = documents
        self._jobs = jobs
        self._is_shared = is_shared
        self._locks = locks
        self._resources = ExitStack()
        self._workflow: ModuleType | None = None
        self._versions = Versions(files, spaces, documents, jobs, locks)
        self._intake = Intake(
            files,
            spaces,
            documents,
            jobs,
            self._versions,
            locks,
            upload_page_limit=upload_page_limit,
            is_shared=is_shared,
        )
        self.news = JobNews()

    def start(self) -> None:
        """Starts work, those jobs first that were cut off; once started, changes nothing.

        Raises:
            IngestBusy: another library of this process is at work.
        """
        if self._workflow is not None:
            return
        # DBOS takes a second to import; a search needs none of it.
        from ingest import workflow

        if not _at_work.acquire(blocking=False):
            raise IngestBusy("this process is adding files to another library")
        with ExitStack() as resources:
            resources.callback(_at_work.release)
            pool = resources.enter_context(RenderPool())
            encodings = resources.enter_context(SpaceEncodings())
            self._pool = pool
            writer = DocumentWriter(
                self._files,
                self._photo_encoder,
                self._sound_encoder,
                self._spaces,
                self._documents,
                pool,
                encodings,
                self._locks,
            )
            self.news = JobNews()
            steps = JobSteps(
                writer,
                self._documents,
                self._jobs,
                self._versions,
                self.news,
                self._intake.check_length,
            )
            resources.callback(workflow.stop_working)
            database = self._documents.database
            recovery = resources.enter_context(Recovery(database)) if self._is_shared else None
            executor = recovery.executor if recovery else workflow.ONLY_EXECUTOR
            workflow.work_for(steps, database.workflow_url, executor)
            self._executor = executor
            if recovery:
                recovery.begin(workflow.list_executors, workflow.recover)
            self._workflow = workflow
            self._resources = resources.pop_all()
        reconcile(self._jobs, workflow)

    def stop(self) -> None:
        """Stops work; jobs under way go on from where they are when it is started again."""
        if self._workflow is None:
            return
        self.news.stop(STOP_S)
        self._workflow = None
        self._resources.close()

    def submit(
        self,
        path: Path,
        *,
        name: str | None = None,
        tags: Iterable[str] = (),
        is_urgent: bool = False,
        is_upload: bool = False,
        origin: str | None = None,
    ) -> Job:
        """Takes a file in; work on it begins by itself.

        Args:
            path: the file.
            name: of the document; by default the file's.
            tags: what the document will be called besides its name.
            is_urgent: whether it goes before those that are not.
            is_upload: whether the file is the library's own, to be removed when it is not needed.
            origin: under which name a later version replaces this one; by default the path, or for
                uploads the name.

        Returns:
            The job: failed already if the file cannot become a document, done already if the
            library holds it, and that of the same file if one is under way.
        """
        workflow = self._at_work()
        read = read_source(path)
        shown = name or (path.name if isinstance(read, Refusal) else read.name)
        new = Job(
            job_id=uuid.uuid4().hex,
            name=shown.encode("utf-8", "replace").decode(),
            state=JobState.QUEUED,
            document_id=None,
            n_pages=None,
            pages_done=0,
            error=None,
            created_at=datetime.now(timezone.utc),
            tags=tuple(dict.fromkeys(tags)),
        )
        if origin is None:
            origin = f"upload/{new.name}" if is_upload else name_origin(path)
        task = Task(new, path.absolute(), origin, is_upload, is_urgent, attempt=0)
        job = self._intake.take(task, read, self._count_pages)
        if job.job_id == new.job_id and job.state is JobState.QUEUED:
            workflow.enqueue(job.job_id, task.attempt, is_urgent=is_urgent)
        return job

    def _count_pages(self, path: Path, media_type: MediaType) -> int:
        if media_type.is_sound:
            self._check_sounds()
        return self._pool.count_pages(path, media_type)

    def render_picture(
        self, path: Path, media_type: MediaType, image_long_side_px: int | None
    ) -> RenderedPage:
        """A picture that is searched with, as a page; within the limits of files while at work.

        Args:
            path: where it lies.
            media_type: what it is.
            image_long_side_px: the picture the encoder wants; None for none.
        """
        task = (path, media_type, [0], image_long_side_px)
        if self._workflow is None:
            return render_pages(*task)[0]
        pages: list[RenderedPage] = self._pool.run(render_pages, *task)
        return pages[0]

    def add_again(self, document: Document) -> Job:
        """Makes a document of the library anew, from the original that it keeps.

        Raises:
            UnreadableFile: the original is gone.
        """
        self._at_work()
        path = self._files.find_original(document.document_id)
        if path is None:
            raise UnreadableFile(f"{document.name}: the library has lost its original")
        with self._locks.writing():
            self._spaces.follow().index.delete_documents([document.document_id])
            self._documents.delete(document.document_id)
        for task in self._jobs.list_of_document(document.document_id):
            # It may have got others since that job was handed in.
            self._jobs.write_tags(task.job.job_id, document.tags)
            if self._jobs.try_again(task.job.job_id, only_from=(JobState.DONE,)):
                return self._begin_again(task.job.job_id)
        return self.submit(path, name=document.name, tags=document.tags)

    def write_tags(self, document: Document, tags: Iterable[str]) -> None:
        """Gives a document of the library these tags instead of those that it has."""
        self._intake.write_tags(document, tags)

    def seconds_left(self, job: Job) -> float | None:
        """How long a job will take at the pace that it has had; None where none is known.

        That is as long as it waits or no page is written, and where another process is at it.
        """
        page_s = self.news.seconds_a_page(job.job_id)
        if job.state is not JobState.RUNNING or job.n_pages is None or page_s is None:
            return None
        return page_s * (job.n_pages - job.pages_done)

    def find(self, job_id: str) -> Job:
        """The job of this id.

        Raises:
            UnknownJob: there is none.
        """
        return self._jobs.read(job_id).job

    def path_of(self, job_id: str) -> Path:
        """Where the file of a job was found."""
        return self._jobs.read(job_id).path

    def list_all(self) -> list[Job]:
        """All jobs, newest first."""
        return [task.job for task in self._jobs.list_in()]

    def list_unfinished(self) -> list[Job]:
        """The jobs that are queued or running, newest first."""
        return [task.job for task in self._jobs.list_in(*ACTIVE)]

    def list_active_ids(self) -> set[str]:
        """The ids of the jobs that are queued or running."""
        return self._jobs.list_active_ids()

    def cancel(self, job_id: str) -> Job:
        """Ends a job, and removes what it has written; see `JobNotPossible`."""
        task = self._move(job_id, JobState.CANCELLED, (*ACTIVE, JobState.PAUSED), "cancelled")
        self._at_work().cancel(job_id, task.attempt)
        self._versions.remove_cancelled(task)
        self._versions.remove_upload(task)
        return self.find(job_id)

    def pause(self, job_id: str) -> Job:
        """Halts a job before its next pages; see `JobNotPossible`."""
        task = self._move(job_id, JobState.PAUSED, ACTIVE, "paused")
        self._at_work().cancel(job_id, task.attempt)
        return self.find(job_id)

    def resume(self, job_id: str) -> Job:
        """Goes on with a paused job; see `JobNotPossible`."""
        task = self._move(job_id, JobState.QUEUED, (JobState.PAUSED,), "resumed")
        self._at_work().resume(job_id, task.attempt)
        return self.find(job_id)

    def retry(self, job_id: str) -> Job:
        """Tries a failed or cancelled job again; pages that it has written stay.

        Raises:
            UnknownJob, JobNotPossible: there is none, or it is under way or done.
        """
        task = self._jobs.read(job_id)
        if not self._jobs.try_again(job_id, only_from=(JobState.FAILED, JobState.CANCELLED)):
            raise JobNotPossible(
                f"{task.job.name}: a job that is {task.job.state.value} needs no retry"
            )
        return self._begin_again(job_id)

    def forget(self, job_id: str) -> Job:
        """Takes a job that is over from the list; its document, if it has one, stays.

        Raises:
            UnknownJob, JobNotPossible: there is none, or it is under way.
        """
        job = self.find(job_id)
        if not job.state.is_final:
            raise JobNotPossible(f"{job.name}: a job that is {job.state.value} is not over")
        self._jobs.forget([job_id])
        return job

    def retry_failed(self) -> None:
        """Tries all failed jobs again, but for uploads, whose files may be gone."""
        for task in self._jobs.list_in(JobState.FAILED):
            if not task.is_upload:
                self.retry(task.job.job_id)

    def wait(
        self,
        jobs: Iterable[Job],
        on_pages: Callable[[str, int], None],
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Waits until jobs are over or paused, whichever process works on them.

        Args:
            jobs: as they stood when the waiting began.
            on_pages: called with the document's name and how many more of its pages are written.
            check: called now and then; what it raises ends the waiting.

        Raises:
            LibraryUnusable: what becomes of them cannot be written down; they go on at the next
                start.
        """
        waiting = {job.job_id: job.pages_done for job in jobs}
        while waiting:
            active = self._jobs.list_active_ids()
            told = self._jobs.list_pages_done()
            for job_id in waiting.keys() - active:
                # What a later version of the file has replaced is told of no more.
                with suppress(UnknownJob):
                    job = self.find(job_id)
                    told[job_id] = job.name, job.pages_done
            for job_id in waiting.keys() & told.keys():
                name, n_pages = told[job_id]
                if n_pages > waiting[job_id]:
                    on_pages(name, n_pages - waiting[job_id])
                waiting[job_id] = n_pages
            waiting = {job_id: n for job_id, n in waiting.items() if job_id in active}
            check()
            if waiting and self.news.fault:
                raise self.news.fault
            if waiting:
                self.news.wait()
                self._revive_lost()

    def wait_for_ended(self) -> list[Job]:
        """Waits a moment; the jobs that this process has worked on and left since it was asked."""
        self.news.wait()
        ended = []
        for job_id in self.news.take_ended():
            with suppress(UnknownJob):
                ended.append(self.find(job_id))
        return ended

    def wait_until_idle(self, n_pages_written: int) -> int:
        """Waits a moment for a time when pages have been written and no job is under way.

        Args:
            n_pages_written: pages of this process that whoever asks knows of.

        Returns:
            How many there are now; as many as were known if it is not idle.
        """
        if self.news.n_pages == n_pages_written or not self.news.is_idle:
            self.news.wait()
            self._revive_lost()
        written = self.news.n_pages
        is_idle = self.news.is_idle and not self._jobs.list_active_ids()
        return written if is_idle else n_pages_written

    def _revive_lost(self) -> None:
        if self._workflow is not None:
            revive_lost(self._jobs, self._workflow, self.news, self._executor)

    def _begin_again(self, job_id: str) -> Job:
        task = self._jobs.read(job_id)
        self._at_work().enqueue(job_id, task.attempt, is_urgent=task.is_urgent)
        return task.job

    def _move(
        self, job_id: str, state: JobState, only_from: tuple[JobState, ...], verb: str
    ) -> Task:
        task = self._jobs.read(job_id)
        if not self._jobs.set_state(job_id, state, only_from=only_from):
            raise JobNotPossible(
                f"{task.job.name}: a job that is {task.job.state.value} cannot be {verb}"
            )
        return task

    def _at_work(self) -> Any:
        assert self._workflow is not None, "start() comes first"
        return self._workflow
