"""`/jobs`: what becomes of each uploaded file, told at once or as it changes."""

from __future__ import annotations

from collections.abc import AsyncIterable
from contextlib import suppress
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends
from fastapi.sse import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from app.api.bodies import JobBody, JobListBody
from app.api.errors import ERROR_RESPONSES
from app.api.requests import JobId, LibraryDependency, Limit, Offset
from app.library import Library
from ingest.jobs import Job, JobState
from retrieval.errors import JobNotPossible, UnknownJob

# How often a job is looked at while somebody listens: it may be run by another process.
POLL_S = 0.25

# A stream of events is refused in JSON, as everything else is.
STREAM_ERRORS: dict[int | str, dict[str, object]] = {
    status: {
        "description": "why not",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}},
    }
    for status in ERROR_RESPONSES
}

router = APIRouter(prefix="/jobs", tags=["jobs"])


def show_job(library: Library, job: Job) -> JobBody:
    """A job, with what a display of its progress asks besides."""
    seconds_left = library.jobs.seconds_left(job)
    return JobBody(
        job_id=job.job_id,
        name=job.name,
        state=job.state,
        document_id=job.document_id,
        pages=job.n_pages,
        pages_done=job.pages_done,
        error=job.error,
        created_at=job.created_at,
        tags=list(job.tags),
        seconds_left=None if seconds_left is None else round(seconds_left, 1),
        can_retry=library.can_retry(job),
    )


@router.get("")
def list_jobs(library: LibraryDependency, limit: Limit = 100, offset: Offset = 0) -> JobListBody:
    """The jobs, newest first."""
    jobs = library.jobs.list_all()
    return JobListBody(
        jobs=[show_job(library, job) for job in jobs[offset : offset + limit]],
        total=len(jobs),
    )


@router.post("/retry")
def retry_failed_jobs(library: LibraryDependency) -> JobListBody:
    """Begins every failed job again whose file is still there; those of them, newest first."""
    jobs = []
    for job in library.jobs.list_all():
        # Somebody else may have been quicker.
        with suppress(JobNotPossible, UnknownJob):
            if job.state is JobState.FAILED and library.has_file(job):
                jobs.append(show_job(library, library.jobs.retry(job.job_id)))
    return JobListBody(jobs=jobs, total=len(jobs))


def find_job(job_id: JobId, library: LibraryDependency) -> Job:
    """The job that a path names; before a stream begins, which could say no more that it fails."""
    return library.jobs.find(job_id)


KnownJob = Annotated[Job, Depends(find_job)]


@router.get("/{job_id}")
def describe_job(job: KnownJob, library: LibraryDependency) -> JobBody:
    """A job as it stands."""
    return show_job(library, job)


@router.get("/{job_id}/events", response_class=EventSourceResponse, responses=STREAM_ERRORS)
async def follow_job(job: KnownJob, library: LibraryDependency) -> AsyncIterable[JobBody]:
    """A job as it stands, and again whenever it has changed; ends when nothing more will happen."""
    yield await run_in_threadpool(show_job, library, job)
    while not job.state.is_final:
        await anyio.sleep(POLL_S)
        latest = await run_in_threadpool(library.jobs.find, job.job_id)
        if latest != job:
            job = latest
            yield await run_in_threadpool(show_job, library, job)


@router.post("/{job_id}/cancel")
def cancel_job(job_id: JobId, library: LibraryDependency) -> JobBody:
    """Ends a job; nothing of its document stays."""
    return show_job(library, library.jobs.cancel(job_id))


@router.post("/{job_id}/pause")
def pause_job(job_id: JobId, library: LibraryDependency) -> JobBody:
    """Holds a job until it is resumed."""
    return show_job(library, library.jobs.pause(job_id))


@router.post("/{job_id}/resume")
def resume_job(job_id: JobId, library: LibraryDependency) -> JobBody:
    """Lets a paused job go on."""
    return show_job(library, library.jobs.resume(job_id))


@router.post("/{job_id}/retry")
def retry_job(job_id: JobId, library: LibraryDependency) -> JobBody:
    """Begins a failed or cancelled job again."""
    return show_job(library, library.jobs.retry(job_id))


@router.delete("/{job_id}")
def forget_job(job_id: JobId, library: LibraryDependency) -> JobBody:
    """Takes a job that is over from the list; its document, if it has one, stays."""
    return show_job(library, library.jobs.forget(job_id))
