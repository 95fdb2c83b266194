"""Files on their way into the library, as the library tab lists them."""

from __future__ import annotations

from dataclasses import dataclass

from app.library import Library
from app.wording import count_things
from ingest.jobs import Job, JobState
from ui.rendering import render

# Of the newest; thousands may be waiting.
LISTED_JOBS = 50

# What can be done with a job in each state: what a button does, and what it says.
ACTS: dict[JobState, tuple[tuple[str, str], ...]] = {
    JobState.QUEUED: (("pause", "Hold"), ("cancel", "Cancel")),
    JobState.RUNNING: (("pause", "Hold"), ("cancel", "Cancel")),
    JobState.PAUSED: (("resume", "Go on"), ("cancel", "Cancel")),
}
RETRY = ("retry", "Try again")
DISMISS = ("dismiss", "Dismiss")


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job, where it stands in words, and what can be done with it."""

    job: Job
    state: str
    acts: tuple[tuple[str, str], ...]


def render_jobs(library: Library, *, read_only: bool) -> str:
    """HTML of the jobs that are not done, and of those that are but left pages out."""
    jobs = [job for job in library.jobs.list_all() if is_listed(job)]
    # What is under way first, in the order in which it was handed in.
    jobs.sort(key=lambda job: (job.state.is_final, job.state is JobState.QUEUED, job.created_at))
    active = [job for job in jobs if job.state.is_active]
    n_failed = sum(job.state.is_final for job in jobs)
    counts = [count_things(len(active), "file") + " under way"] if active else []
    counts += [count_things(n_failed, "file") + " with trouble"] if n_failed else []
    rows = [_describe(library, job) for job in jobs[:LISTED_JOBS]]
    return render(
        "jobs.html",
        jobs=rows,
        summary=", ".join(counts),
        is_active=bool(active),
        is_under_way=n_failed < len(jobs),
        n_more=len(jobs) - len(rows),
        read_only=read_only,
    )


def is_listed(job: Job) -> bool:
    """Whether there is still something to say of a job."""
    return job.state is not JobState.CANCELLED and (not job.state.is_final or bool(job.error))


def _describe(library: Library, job: Job) -> JobRow:
    if job.state.is_final:
        acts = (RETRY, DISMISS) if library.can_retry(job) else (DISMISS,)
        return JobRow(job, job.error or "", acts)
    pages = ""
    if job.n_pages is not None:
        pages = f"{job.pages_done:,} of {count_things(job.n_pages, 'page')}"
    said = {
        JobState.QUEUED: "waiting",
        JobState.PAUSED: "held",
        JobState.RUNNING: "" if pages else "reading the file",
    }[job.state]
    seconds = library.jobs.seconds_left(job)
    left = "" if seconds is None else f"{format_duration(seconds)} left"
    return JobRow(job, ", ".join(filter(None, (said, pages, left))), ACTS[job.state])


def format_duration(seconds: float) -> str:
    """A time that is still to pass, as roughly as it is known."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    if seconds < 3600:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
