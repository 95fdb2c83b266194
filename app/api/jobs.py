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


@router.get("")
def list_jobs(library: LibraryDependency, limit: Limit = 100, offset: Offset = 0) -> JobListBody:
    """The jobs, newest first."""
    jobs = library.jobs.list_all()
    return JobListBody(
        jobs=[JobBody.model_validate(job) for job in jobs[offset : offset + limit]],
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
                jobs.append(JobBody.model_validate(library.jobs.retry(job.job_id)))
    return JobListBody(jobs=jobs, total=len(jobs))


def find_job(job_id: JobId, library: LibraryDependency) -> Job:
    """The job that a path names; before a stream begins, which could say no more that it fails."""
    return library.jobs.find(job_id)


KnownJob = Annotated[Job, Depends(find_job)]


@router.get("/{job_id}")
def describe_job(job: KnownJob) -> JobBody:
    """A job as it stands."""
    return JobBody.model_validate(job)


@router.get("/{job_id}/events", response_class=EventSourceResponse, responses=STREAM_ERRORS)
async def follow_job(job: KnownJob, library: LibraryDependency) -> AsyncIterable[JobBody]:
    """A job as it stands, and again whenever it has changed; ends when nothing more will happen."""
    yield JobBody.model_validate(job)
    while not job.state.is_final:
        await anyio.sleep(POLL_S)
        latest = await run_in_threadpool(library.jobs.find, job.job_id)
        if latest != job:
            job = latest
            yield JobBody.model_validate(job)


@router.post("/{job_id}/cancel")
def cancel_job(job_id: JobId, library: LibraryDependency) -> JobBody:
    """Ends a job; nothing of its document stays."""
    return JobBody.model_validate(library.jobs.cancel(job_id))


@router.post("/{job_id}/pause")
def pause_job(job_id: JobId, library: LibraryDependency) -> JobBody:
    """Holds a job until it is resumed."""
    return JobBody.model_validate(library.jobs.pause(job_id))


@router.post("/{job_id}/resume")
def resume_job(job_id: JobId, library: LibraryDependency) -> JobBody:
    """Lets a paused job go on."""
    return JobBody.model_validate(library.jobs.resume(job_id))


@router.post("/{job_id}/retry")
def retry_job(job_id: JobId, library: LibraryDependency) -> JobBody:
    """Begins a failed or cancelled job again."""
    return JobBody.model_validate(library.jobs.retry(job_id))
