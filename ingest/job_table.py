"""The table of jobs, beside that of documents: what was asked for, and what became of it.

The workflow engine keeps its own books of steps done; here stands what people and programs ask
about, and what a step must know.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ingest.jobs import Job, JobState
from retrieval.errors import LibraryUnusable, UnknownJob

METADATA = sa.MetaData()

JOBS = sa.Table(
    "jobs",
    METADATA,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    # Where the file is, as bytes: not every name is text.
    sa.Column("path", sa.LargeBinary, nullable=False),
    # Under which name a later version replaces this one.
    sa.Column("origin", sa.Text, nullable=False, index=True),
    sa.Column("is_upload", sa.Boolean, nullable=False),
    sa.Column("is_urgent", sa.Boolean, nullable=False),
    sa.Column("tags", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    # Counts the workflows that this job has had: each retry is another.
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("document_id", sa.Text, index=True),
    sa.Column("n_pages", sa.Integer),
    sa.Column("error", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
)

PAGES = sa.table("pages", sa.column("document_id"))

PAGES_DONE = (
    sa.select(sa.func.count())
    .select_from(PAGES)
    .where(PAGES.c.document_id == JOBS.c.document_id)
    .scalar_subquery()
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

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        with _database_errors():
            METADATA.create_all(engine)

    def add(self, task: Task) -> None:
        """Writes down a new job."""
        job = task.job
        with self._write() as connection:
            connection.execute(
                JOBS.insert().values(
                    job_id=job.job_id,
                    name=job.name,
                    path=os.fsencode(task.path),
                    origin=task.origin,
                    is_upload=task.is_upload,
                    is_urgent=task.is_urgent,
                    tags=json.dumps(job.tags),
                    state=job.state.value,
                    attempt=task.attempt,
                    document_id=job.document_id,
                    n_pages=job.n_pages,
                    error=job.error,
                    created_at=job.created_at.isoformat(),
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
        with self._read() as connection:
            rows = connection.execute(sa.select(JOBS.c.job_id).where(JOBS.c.state.in_(states)))
            return {job_id for (job_id,) in rows}

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
        with self._write() as connection:
            changed = connection.execute(
                JOBS.update()
                .where(
                    JOBS.c.job_id == job_id,
                    JOBS.c.state.in_([state.value for state in only_from]),
                )
                .values(state=state.value, error=error)
            )
            return bool(changed.rowcount)

    def set_document(self, job_id: str, document_id: str, n_pages: int) -> None:
        """Notes what the file turned out to hold."""
        with self._write() as connection:
            connection.execute(
                JOBS.update()
                .where(JOBS.c.job_id == job_id)
                .values(document_id=document_id, n_pages=n_pages)
            )

    def try_again(self, job_id: str) -> None:
        """Queues a job that is over once more."""
        with self._write() as connection:
            connection.execute(
                JOBS.update()
                .where(JOBS.c.job_id == job_id)
                .values(state=JobState.QUEUED.value, attempt=JOBS.c.attempt + 1, error=None)
            )

    def forget(self, job_ids: list[str]) -> None:
        """Removes jobs from the table."""
        with self._write() as connection:
            connection.execute(JOBS.delete().where(JOBS.c.job_id.in_(job_ids)))

    def _list(self, condition: sa.ColumnElement[bool]) -> list[Task]:
        with self._read() as connection:
            rows = connection.execute(
                sa.select(JOBS, PAGES_DONE.label("pages_done"))
                .where(condition)
                .order_by(JOBS.c.created_at.desc(), JOBS.c.job_id)
            ).all()
        return [_build_task(row) for row in rows]

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with _database_errors(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        with _database_errors(), self._engine.begin() as connection:
            yield connection


def _build_task(row: sa.Row[Any]) -> Task:
    job = Job(
        job_id=row.job_id,
        name=row.name,
        state=JobState(row.state),
        document_id=row.document_id,
        n_pages=row.n_pages,
        pages_done=row.pages_done,
        error=row.error,
        created_at=datetime.fromisoformat(row.created_at),
        tags=tuple(json.loads(row.tags)),
    )
    return Task(
        job, Path(os.fsdecode(row.path)), row.origin, row.is_upload, row.is_urgent, row.attempt
    )


@contextmanager
def _database_errors() -> Iterator[None]:
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        raise LibraryUnusable(f"the table of jobs: {reason}") from error
