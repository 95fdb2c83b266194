"""The durable workflow of one document, on DBOS: store the file, write its pages, finish.

DBOS is one a process, and so is what it works for: see `work_for`. A step that was done is not done
again after a crash; the one that was under way is.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import sqlalchemy as sa
from dbos import DBOS, SetEnqueueOptions, SetWorkflowID
from dbos import error as dbos_errors

from retrieval.errors import DeviceOutOfMemory, IndexFailed, LibraryUnusable
from retrieval.records import Kind

# Workflows of another version are not resumed; it changes when steps change their order.
WORKFLOW_VERSION = "2"

QUEUE = "documents"
# Ten times a second would take 2 % of a core all day.
QUEUE_POLLING_S = 0.25

# The same at every start, so that the one process of a library finds its workflows again.
ONLY_EXECUTOR = "local"

# Documents at work at once: while one waits for the disk, others are rendered and encoded.
DOCUMENTS_AT_ONCE = 4

# A document at which the process has died so often is the reason.
MOST_RECOVERIES = 200

# What DBOS calls the states of a workflow.
CANCELLED = "CANCELLED"
GOING_ON = ("ENQUEUED", "PENDING", "DELAYED")
ENDED = ("SUCCESS", "ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

# Lower is sooner.
URGENT, ORDINARY = 1, 2

# Pages a step: after a crash so many are made again.
STEP_PAGES = 16

ATTEMPTS = 3
FIRST_PAUSE_S = 0.5


class Worker(Protocol):
    """What does the steps."""

    def at_work(self, job_id: str, attempt: int) -> AbstractContextManager[None]:
        """Entered while a workflow is at work, alone at its document.

        It, and all below, end the workflow where its job shall not go on.
        """

    def store_file(self, job_id: str, attempt: int) -> int:
        """Copies a job's file into the library; how many pages there are to write."""

    def write_pages(self, job_id: str, attempt: int, pages: range) -> Kind:
        """Writes some pages; what kind of document it is."""

    def finish_document(self, job_id: str, attempt: int, kind: Kind) -> None:
        """Marks a document as whole."""

    def record_failure(self, job_id: str, attempt: int, error: Exception) -> None:
        """Notes why a job failed."""


_worker: Worker | None = None


def may_pass(error: BaseException) -> bool:
    """Whether a fault may be gone a moment later: a full disk, a busy device, a lost server."""
    return isinstance(error, (OSError, IndexFailed, LibraryUnusable, DeviceOutOfMemory))


_retried = DBOS.step(
    retries_allowed=True,
    max_attempts=ATTEMPTS,
    interval_seconds=FIRST_PAUSE_S,
    should_retry=may_pass,
)


@_retried
def _store_file(job_id: str, attempt: int) -> int:
    return _at_work().store_file(job_id, attempt)


@_retried
def _write_pages(job_id: str, attempt: int, first: int) -> str:
    return _at_work().write_pages(job_id, attempt, range(first, first + STEP_PAGES)).value


@_retried
def _finish_document(job_id: str, attempt: int, kind: str) -> None:
    _at_work().finish_document(job_id, attempt, Kind(kind))


@DBOS.workflow(name="add_document", max_recovery_attempts=MOST_RECOVERIES)
def add_document(job_id: str, attempt: int) -> None:
    """Adds the file of a job to the library.

    Stopping the process leaves it where it is; cancelling it ends it before its next step.
    """
    worker = _at_work()
    with worker.at_work(job_id, attempt):
        try:
            kind = Kind.PAGE.value
            for first in range(0, _store_file(job_id, attempt), STEP_PAGES):
                kind = _write_pages(job_id, attempt, first)
            _finish_document(job_id, attempt, kind)
        except dbos_errors.DBOSMaxStepRetriesExceeded as error:
            worker.record_failure(job_id, attempt, error.errors[-1])
        except Exception as error:
            worker.record_failure(job_id, attempt, error)


def work_for(worker: Worker, database: sa.URL, executor: str) -> None:
    """Starts the workflows of this process, those first that a crash has cut off.

    Args:
        worker: does the steps.
        database: where the books are kept.
        executor: the name of this process among those that work on the library.
    """
    global _worker
    _worker = worker
    DBOS(
        config={
            "name": "pagelens",
            "system_database_url": database.render_as_string(hide_password=False),
            "application_version": WORKFLOW_VERSION,
            "executor_id": executor,
            # What fails is told by its job.
            "log_level": "CRITICAL",
        }
    )
    DBOS.launch()
    DBOS.register_queue(
        QUEUE,
        worker_concurrency=DOCUMENTS_AT_ONCE,
        polling_interval_sec=QUEUE_POLLING_S,
        on_conflict="always_update",
    )


def stop_working() -> None:
    """Stops the workflows of this process where they are."""
    DBOS.destroy()


def enqueue(job_id: str, attempt: int, *, is_urgent: bool) -> None:
    """Hands a job to the queue; again changes nothing."""
    priority = URGENT if is_urgent else ORDINARY
    with (
        SetWorkflowID(workflow_id(job_id, attempt)),
        SetEnqueueOptions(priority=priority),
    ):
        DBOS.enqueue_workflow(QUEUE, add_document, job_id, attempt)


def cancel(job_id: str, attempt: int) -> None:
    """Ends a job before its next step."""
    DBOS.cancel_workflow(workflow_id(job_id, attempt))


def resume(job_id: str, attempt: int) -> None:
    """Goes on with a job that was ended, at the step it had reached."""
    DBOS.resume_workflow(workflow_id(job_id, attempt), queue_name=QUEUE)


def list_states() -> dict[str, str]:
    """Workflow id -> its state, as DBOS calls it."""
    found = DBOS.list_workflows(load_input=False, load_output=False)
    return {workflow.workflow_id: workflow.status for workflow in found}


def list_pending(executor: str) -> set[str]:
    """The workflows that a process has taken from the queue and not ended, by their ids."""
    found = DBOS.list_workflows(
        status="PENDING", executor_id=executor, load_input=False, load_output=False
    )
    return {workflow.workflow_id for workflow in found}


def list_executors() -> set[str]:
    """The processes that are at work, or were when they died."""
    found = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
    return {workflow.executor_id for workflow in found if workflow.executor_id}


def recover(executors: list[str]) -> None:
    """Lets whoever is free go on with the workflows of processes that are dead."""
    # What DBOS's own server for administrators calls; it counts how often a workflow was recovered.
    DBOS._recover_pending_workflows(executors)


def workflow_id(job_id: str, attempt: int) -> str:
    """The workflow of a job's attempt."""
    return f"{job_id}-{attempt}"


def _at_work() -> Worker:
    assert _worker is not None, "work_for() comes first"
    return _worker
