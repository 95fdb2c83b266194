"""Jobs at work: takes files in, lets the workflow add them, and steers what is under way."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ingest.document_writer import DocumentWriter
from ingest.documents import Document, Documents, PageRecord, str_path
from ingest.files import original_path, remove_document
from ingest.job_table import Jobs, Task
from ingest.jobs import Job, JobState
from ingest.render_pool import RenderPool
from ingest.sources import Refusal, Source, read_source
from retrieval.encoders.base import Encoder, PhotoEncoder
from retrieval.encoders.stream import Encoding
from retrieval.errors import FileRefused, IngestBusy, JobNotPossible, PagelensError
from retrieval.index.base import PageIndex
from retrieval.records import Kind

if TYPE_CHECKING:
    from types import ModuleType

# Longer errors of libraries are cut.
ERROR_CHARACTERS = 300

# How often somebody who waits for jobs looks up without news.
WAIT_S = 0.5

# Steps under way end within a few pages; a page may take a minute.
STOP_S = 90.0

ACTIVE = (JobState.QUEUED, JobState.RUNNING)

_at_work = threading.Lock()


class Stopping(BaseException):
    """Ends a workflow without a trace in its books, so that it is taken up again later.

    No `Exception`: that would be noted as the outcome of the step.
    """


class Ingestion:
    """The jobs of one library. Those of one library at a time can be at work in a process."""

    def __init__(
        self,
        folder: Path,
        encoder: Encoder,
        photo_encoder: Callable[[], PhotoEncoder],
        index: PageIndex,
        documents: Documents,
        jobs: Jobs,
        database: sa.URL,
    ) -> None:
        self._folder = folder
        self._encoder = encoder
        self._photo_encoder = photo_encoder
        self._index = index
        self._documents = documents
        self._jobs = jobs
        self._database = database
        # Held while the index is written, and while nothing may be written to it.
        self.writing = threading.Lock()
        self._resources = ExitStack()
        self._workflow: ModuleType | None = None
        self._is_stopping = False
        self._news = threading.Condition()
        self._n_running = 0
        # Jobs halted in this process, whose steps end after the pages at hand.
        self._halted: set[str] = set()
        self._on_pages: list[Callable[[str, str, int], None]] = []

    @property
    def is_at_work(self) -> bool:
        """Whether jobs are worked on in this process."""
        return self._workflow is not None

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
            encoding = resources.enter_context(Encoding(self._encoder))
            self._pool = pool
            self._writer = DocumentWriter(
                self._folder,
                self._photo_encoder,
                self._index,
                self._documents,
                pool,
                encoding,
                self.writing,
            )
            self._is_stopping = False
            self._halted.clear()
            resources.callback(workflow.stop_working)
            workflow.work_for(self, self._database)
            self._workflow = workflow
            self._resources = resources.pop_all()
        self._reconcile(workflow)

    def stop(self) -> None:
        """Stops work; jobs under way go on from where they are when it is started again."""
        if self._workflow is None:
            return
        self._is_stopping = True
        with self._news:
            self._news.notify_all()
            self._news.wait_for(lambda: self._n_running == 0, timeout=STOP_S)
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
    ) -> Job:
        """Takes a file in; work on it begins by itself.

        Args:
            path: the file.
            name: of the document; by default the file's.
            tags: what the document will be called besides its name.
            is_urgent: whether it goes before those that are not.
            is_upload: whether the file is the library's own, to be removed when it is not needed.

        Returns:
            The job: failed already if the file cannot become a document, done already if the
            library holds it, and that of the same file if one is under way.
        """
        workflow = self._workflow
        assert workflow is not None, "start() comes first"
        read = read_source(path)
        shown = name or (path.name if isinstance(read, Refusal) else read.name)
        job = Job(
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
        origin = f"upload/{job.name}" if is_upload else str_path(path)
        task = Task(job, path.absolute(), origin, is_upload, is_urgent, attempt=0)
        refused = read.error if isinstance(read, Refusal) else ""
        if isinstance(read, Source):
            if known := self._find_known(read, task):
                self._remove_upload(task)
                return known
            try:
                n_pages = self._pool.count_pages(path, read.media_type)
                job = replace(job, document_id=read.document_id, n_pages=n_pages)
            except FileRefused as error:
                refused = str(error)
        if refused:
            self._remove_upload(task)
            job = replace(job, state=JobState.FAILED, error=refused)
        self._forget_failures(origin)
        self._jobs.add(replace(task, job=job))
        if not refused:
            workflow.enqueue(job.job_id, task.attempt, is_urgent=is_urgent)
        return job

    def add_again(self, document: Document) -> Job:
        """Makes a document of the library anew, from the original that it keeps."""
        with self.writing:
            self._index.delete_documents([document.document_id])
            self._documents.delete(document.document_id)
        path = original_path(self._folder, document.document_id)
        for task in self._jobs.list_of_document(document.document_id):
            if task.job.state is JobState.DONE:
                self._jobs.try_again(task.job.job_id)
                self._at_work().enqueue(task.job.job_id, task.attempt + 1, is_urgent=task.is_urgent)
                return self.find(task.job.job_id)
        return self.submit(path, name=document.name, tags=document.tags)

    def find(self, job_id: str) -> Job:
        """The job of this id.

        Raises:
            UnknownJob: there is none.
        """
        return self._jobs.read(job_id).job

    def path_of(self, job_id: str) -> Path:
        """Where the file of a job was found."""
        return self._jobs.read(job_id).path

    def list_unfinished(self) -> list[Job]:
        """The jobs that are queued or running, newest first."""
        return [task.job for task in self._jobs.list_in(*ACTIVE)]

    def cancel(self, job_id: str) -> Job:
        """Ends a job, and removes what it has written; see `JobNotPossible`."""
        task = self._move(job_id, JobState.CANCELLED, (*ACTIVE, JobState.PAUSED), "cancelled")
        self._at_work().cancel(job_id, task.attempt)
        self._remove_unfinished(task)
        self._remove_upload(task)
        return self._jobs.read(job_id).job

    def pause(self, job_id: str) -> Job:
        """Halts a job before its next pages; see `JobNotPossible`."""
        task = self._move(job_id, JobState.PAUSED, ACTIVE, "paused")
        self._at_work().cancel(job_id, task.attempt)
        return self._jobs.read(job_id).job

    def resume(self, job_id: str) -> Job:
        """Goes on with a paused job; see `JobNotPossible`."""
        task = self._move(job_id, JobState.QUEUED, (JobState.PAUSED,), "resumed")
        self._halted.discard(job_id)
        self._at_work().resume(job_id, task.attempt)
        return self._jobs.read(job_id).job

    def retry(self, job_id: str) -> Job:
        """Tries a failed or cancelled job again; pages that it has written stay.

        Raises:
            UnknownJob, JobNotPossible: there is none, or it is under way or done.
        """
        task = self._jobs.read(job_id)
        if task.job.state not in (JobState.FAILED, JobState.CANCELLED):
            raise JobNotPossible(
                f"{task.job.name}: a job that is {task.job.state.value} needs no retry"
            )
        self._halted.discard(job_id)
        self._jobs.try_again(job_id)
        self._at_work().enqueue(job_id, task.attempt + 1, is_urgent=task.is_urgent)
        return self._jobs.read(job_id).job

    def wait(
        self,
        job_ids: Collection[str],
        on_pages: Callable[[str, int], None],
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Waits until jobs are over or paused.

        Args:
            job_ids: which.
            on_pages: called with the document's name and how many of its pages are written, by
                whoever waits.
            check: called now and then; what it raises ends the waiting.
        """
        waiting = set(job_ids)
        written: list[tuple[str, int]] = []

        def note(job_id: str, name: str, n_pages: int) -> None:
            if job_id in waiting:
                written.append((name, n_pages))

        self._on_pages.append(note)
        try:
            while True:
                is_over = not waiting & self._jobs.list_active_ids()
                while written:
                    on_pages(*written.pop(0))
                check()
                if is_over:
                    return
                with self._news:
                    if not written:
                        self._news.wait(WAIT_S)
        finally:
            self._on_pages.remove(note)

    # What the workflow asks for; see `ingest.workflow.Worker`.

    def begin_job(self) -> None:
        """A workflow has begun or goes on."""
        with self._news:
            self._n_running += 1

    def store_file(self, job_id: str) -> int:
        """Copies a job's file into the library; how many pages there are to write."""
        task = self._read_active(job_id)
        kept = original_path(self._folder, task.job.document_id or "")
        source, n_pages = self._writer.store_original(
            kept if kept.exists() else task.path, task.job.name
        )
        self._remove_upload(task)
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
            left_out = [page for page in pages if page.error]
            if len(left_out) == len(pages):
                self._remove_unfinished(task)
                raise FileRefused(pages[0].error or "")
            error = "; ".join(map(describe_left_out, left_out)) or None
            self._documents.finish(document_id, kind)
        self._replace_older(task)
        self._jobs.set_state(job_id, JobState.DONE, error=error, only_from=ACTIVE)
        self._forget_failures(task.origin)

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
        if document_id := self._jobs.read(job_id).job.document_id:
            self._writer.close(document_id)
        with self._news:
            self._n_running -= 1
            self._news.notify_all()

    def _tell_pages(self, task: Task, n_pages: int) -> None:
        for on_pages in list(self._on_pages):
            on_pages(task.job.job_id, task.job.name, n_pages)
        with self._news:
            self._news.notify_all()
        if self._is_stopping or task.job.job_id in self._halted:
            raise Stopping

    def _read_active(self, job_id: str) -> Task:
        task = self._jobs.read(job_id)
        if self._is_stopping or not task.job.state.is_active:
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

    def _find_known(self, source: Source, task: Task) -> Job | None:
        """The job of a file that is in the library or on its way into it; None for a new one."""
        others = self._jobs.list_of_document(source.document_id)
        for other in others:
            if other.job.state.is_active or other.job.state is JobState.PAUSED:
                return other.job
        document = self._documents.find(source.document_id)
        if document is None:
            return None
        for other in others:
            if other.job.state is JobState.DONE and other.origin == task.origin:
                return other.job
        done = replace(
            task.job,
            state=JobState.DONE,
            document_id=document.document_id,
            n_pages=document.n_pages,
            pages_done=document.n_pages,
        )
        self._forget_failures(task.origin)
        self._jobs.add(replace(task, job=done))
        self._replace_older(replace(task, job=done))
        return done

    def _replace_older(self, task: Task) -> None:
        """Removes the earlier versions of a file, unless they stand elsewhere, too."""
        for other in self._jobs.list_of_origin(task.origin):
            older = other.job.document_id
            if other.job.state is not JobState.DONE or older in (None, task.job.document_id):
                continue
            if all(job.origin == task.origin for job in self._jobs.list_of_document(older)):
                remove_document(self._folder, older, self._index, self._documents)
            self._jobs.forget([other.job.job_id])

    def _forget_failures(self, origin: str) -> None:
        """Failures of a file are told until it is handed in again."""
        self._jobs.forget(
            [
                task.job.job_id
                for task in self._jobs.list_of_origin(origin)
                if task.job.state in (JobState.FAILED, JobState.CANCELLED)
            ]
        )

    def _remove_unfinished(self, task: Task) -> None:
        """Removes what a job has written, unless another job adds the same document."""
        document_id = task.job.document_id
        if document_id is None or self._documents.find_unfinished(document_id) is None:
            return
        others = self._jobs.list_of_document(document_id)
        if any(t.job.job_id != task.job.job_id and t.job.state.is_active for t in others):
            return
        with self.writing:
            remove_document(self._folder, document_id, self._index, self._documents)

    def _remove_upload(self, task: Task) -> None:
        if task.is_upload:
            task.path.unlink(missing_ok=True)

    def _move(
        self, job_id: str, state: JobState, only_from: tuple[JobState, ...], verb: str
    ) -> Task:
        task = self._jobs.read(job_id)
        if not self._jobs.set_state(job_id, state, only_from=only_from):
            raise JobNotPossible(
                f"{task.job.name}: a job that is {task.job.state.value} cannot be {verb}"
            )
        if not state.is_active:
            self._halted.add(job_id)
        return task

    def _at_work(self) -> Any:
        assert self._workflow is not None, "start() comes first"
        return self._workflow

    def _reconcile(self, workflow: Any) -> None:
        """Makes the workflows what the table of jobs says, wherever a crash came between."""
        states = workflow.list_states()
        for task in self._jobs.list_in(*ACTIVE, JobState.PAUSED, JobState.CANCELLED):
            job_id = task.job.job_id
            state = states.get(workflow.workflow_id(job_id, task.attempt))
            if task.job.state.is_active and state is None:
                workflow.enqueue(job_id, task.attempt, is_urgent=task.is_urgent)
            elif task.job.state.is_active and state == workflow.CANCELLED:
                workflow.resume(job_id, task.attempt)
            elif task.job.state.is_active and state in workflow.ENDED:
                self._jobs.set_state(
                    job_id, JobState.FAILED, error=f"its workflow ended as {state}"
                )
            elif not task.job.state.is_active and state in workflow.GOING_ON:
                workflow.cancel(job_id, task.attempt)


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
