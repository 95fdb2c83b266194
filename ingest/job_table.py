"""The table of jobs, beside that of documents: what was asked for, and what became of it.

The workflow engine keeps its own books of steps done; here stands what people and programs ask
about, and what a step must know.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, or_, select, update

from ingest.database import Database
from ingest.jobs import Job, JobState
from ingest.sources import Refusal
from ingest.tables import JOBS, PAGES
from retrieval.errors import UnknownJob

PAGES_DONE = (
    select(func.count())
    .select_from(PAGES)
    .where(PAGES.c.document_id == JOBS.c.document_id)
    .scalar_subquery()
)

# What `status` lists: files that were refused, and documents with pages left out. An upload's file
# is gone, and whoever handed it in has been told.
IS_FAILURE = and_(
    ~JOBS.c.is_upload,
    or_(
        JOBS.c.state == JobState.FAILED.value,
        and_(JOBS.c.state == JobState.DONE.value, JOBS.c.error.is_not(None)),
    ),
)


@dataclass(frozen=True, slots=True)
class Task:
    """What a workflow must know of its job.

    Attributes:
        path: the file.
        origin: under which name a later version replaces this one.
        is_upload: whether the file is the library's own, to be removed when the job is over.
        is_urgent: whether it goes before those that are not.
        attempt: how often the job was tried again.
    """

    job: Job
    path: Path
    origin: str
    is_upload: bool
    is_urgent: bool
    attempt: int


class Jobs:
    """The table of jobs; safe to use from several threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, task: Task) -> None:
        """Writes down a new job."""
        job = task.job
        with self._database.write() as connection:
            connection.execute(
                insert(JOBS).values(
                    job_id=job.job_id,
                    name=job.name,
                    path=os.fsencode(task.path),
                    origin=task.origin,
                    is_upload=task.is_upload,
                    is_urgent=task.is_urgent,
                    tags=job.tags,
                    state=job.state.value,
                    attempt=task.attempt,
                    document_id=job.document_id,
                    n_pages=job.n_pages,
                    error=job.error,
                    created_at=job.created_at,
                )
            )

    def read(self, job_id: str) -> Task:
        """A job, with what its workflow must know.

        Raises:
            UnknownJob: there is none of this id.
        """
        tasks = self._list(JOBS.c.job_id == job_id)
        if not tasks:
            raise UnknownJob(f"no job has the id {job_id!r}")
        return tasks[0]

    def list_in(self, *states: JobState) -> list[Task]:
        """The jobs in these states, or all of them, newest first."""
        return self._list(JOBS.c.state.in_([state.value for state in states or JobState]))

    def list_of_document(self, document_id: str) -> list[Task]:
        """The jobs of a document, newest first."""
        return self._list(JOBS.c.document_id == document_id)

    def list_of_origin(self, origin: str) -> list[Task]:
        """The jobs of one name, newest first."""
        return self._list(JOBS.c.origin == origin)

    def list_active_ids(self) -> set[str]:
        """The ids of the jobs that are queued or running."""
        states = [state.value for state in JobState if state.is_active]
        with self._database.read() as connection:
            rows = connection.execute(select(JOBS.c.job_id).where(JOBS.c.state.in_(states)))
            return {job_id for (job_id,) in rows}

    def list_pages_done(self) -> dict[str, tuple[str, int]]:
        """Job id -> (document's name, pages written) of each job that is running."""
        asked = select(JOBS.c.job_id, JOBS.c.name, PAGES_DONE)
        with self._database.read() as connection:
            rows = connection.execute(asked.where(JOBS.c.state == JobState.RUNNING.value))
            return {job_id: (name, n_pages) for job_id, name, n_pages in rows}

    def list_failures(self) -> list[Refusal]:
        """The files that were refused, and those with pages left out, by path."""
        with self._database.read() as connection:
            rows = connection.execute(select(JOBS.c.path, JOBS.c.error).where(IS_FAILURE)).all()
        found = [Refusal(Path(os.fsdecode(path)), error or "") for path, error in rows]
        return sorted(found, key=lambda refusal: str(refusal.path))

    def set_state(
        self,
        job_id: str,
        state: JobState,
        *,
        error: str | None = None,
        only_from: tuple[JobState, ...] = tuple(JobState),
    ) -> bool:
        """Moves a job on, if it is in one of the states given.

        Returns:
            Whether it was.
        """
        return self._change(job_id, only_from, {"state": state.value, "error": error})

    def set_document(self, job_id: str, document_id: str, n_pages: int) -> None:
        """Notes what the file turned out to hold."""
        with self._database.write() as connection:
            connection.execute(
                update(JOBS)
                .where(JOBS.c.job_id == job_id)
                .values(document_id=document_id, n_pages=n_pages)
            )

    def write_tags(self, job_id: str, tags: tuple[str, ...]) -> None:
        """Notes what a job's document shall be called besides its name."""
        self._change(job_id, tuple(JobState), {"tags": tags})

    def try_again(self, job_id: str, only_from: tuple[JobState, ...]) -> bool:
        """Queues a job that is over once more, if it is in one of the states given.

        Returns:
            Whether it was.
        """
        queued = {"state": JobState.QUEUED.value, "attempt": JOBS.c.attempt + 1, "error": None}
        return self._change(job_id, only_from, queued)

    def _change(
        self, job_id: str, only_from: tuple[JobState, ...], values: Mapping[str, Any]
    ) -> bool:
        with self._database.write() as connection:
            changed = connection.execute(
                update(JOBS)
                .where(
                    JOBS.c.job_id == job_id,
                    JOBS.c.state.in_([state.value for state in only_from]),
                )
                .values(values)
            )
            return bool(changed.rowcount)

    def forget(self, job_ids: list[str]) -> None:
        """Removes jobs from the table."""
        with self._database.write() as connection:
            connection.execute(delete(JOBS).where(JOBS.c.job_id.in_(job_ids)))

    def _list(self, condition: ColumnElement[bool]) -> list[Task]:
        with self._database.read() as connection:
            rows = connection.execute(
                select(JOBS, PAGES_DONE.label("pages_done"))
                .where(condition)
                .order_by(JOBS.c.created_at.desc(), JOBS.c.job_id)
            ).all()
        return [_build_task(row) for row in rows]


def _build_task(row: Row[Any]) -> Task:
    job = Job(
        job_id=row.job_id,
        name=row.name,
        state=JobState(row.state),
        document_id=row.document_id,
        n_pages=row.n_pages,
        pages_done=row.pages_done,
        error=row.error,
        created_at=row.created_at,
        tags=row.tags,
    )
    return Task(
        job, Path(os.fsdecode(row.path)), row.origin, row.is_upload, row.is_urgent, row.attempt
    )
