"""Jobs: what becomes of each file that is to be added, readable by anyone at any time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class JobState(str, Enum):
    """Where a job stands; `DONE`, `FAILED` and `CANCELLED` are final unless it is retried."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the job is over."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)

    @property
    def is_active(self) -> bool:
        """Whether the job goes on by itself."""
        return self in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class Job:
    """One file on its way into the library.

    Attributes:
        job_id: stays the same over restarts.
        name: the file's name.
        document_id: SHA-256 of its bytes; None until it has been read.
        n_pages: of the document; None until it has been opened.
        pages_done: pages that are in the index, or recorded as impossible to render.
        error: why it failed, or which pages are left out; None if nothing is missing.
        created_at: when it was handed in, with its time zone.
        tags: what the document will be called besides its name.
    """

    job_id: str
    name: str
    state: JobState
    document_id: str | None
    n_pages: int | None
    pages_done: int
    error: str | None
    created_at: datetime
    tags: tuple[str, ...] = ()
