"""Keeps what DBOS's books say of workflows to what the table of jobs says.

They are two tables, which a crash may come between. And a workflow that a queue has handed out may
never have begun, where the database was too busy to be asked once more: nobody else looks for it.
"""

from __future__ import annotations

from typing import Any

from ingest.job_news import JobNews
from ingest.job_steps import ACTIVE
from ingest.job_table import Jobs
from ingest.jobs import JobState

# A queue hands work out four times a second: if for so long none was at work, none will be.
IDLE_S = 15.0


def reconcile(jobs: Jobs, workflow: Any) -> None:
    """Makes the workflows what the table of jobs says, before any is at work."""
    _reconcile(jobs, workflow, workflow.list_states())


def revive_lost(jobs: Jobs, workflow: Any, news: JobNews, executor: str) -> None:
    """Goes on with jobs that have been active all the while in which this process was idle.

    Args:
        jobs: the table.
        workflow: the module that does the work.
        news: of the work of this process.
        executor: the name of this process among those that work on the library.
    """
    if news.idle_s < IDLE_S:
        return
    news.begin_idling()
    states = workflow.list_states()
    lost = workflow.list_pending(executor)
    for task in jobs.list_in(*ACTIVE):
        if workflow.workflow_id(task.job.job_id, task.attempt) in lost and news.is_idle:
            workflow.resume(task.job.job_id, task.attempt)
    _reconcile(jobs, workflow, states)


def _reconcile(jobs: Jobs, workflow: Any, states: dict[str, str]) -> None:
    for task in jobs.list_in(*ACTIVE, JobState.PAUSED, JobState.CANCELLED):
        job_id = task.job.job_id
        state = states.get(workflow.workflow_id(job_id, task.attempt))
        if task.job.state.is_active and state is None:
            workflow.enqueue(job_id, task.attempt, is_urgent=task.is_urgent)
        elif task.job.state.is_active and state == workflow.CANCELLED:
            workflow.resume(job_id, task.attempt)
        elif task.job.state.is_active and state in workflow.ENDED:
            jobs.set_state(
                job_id, JobState.FAILED, error=f"its workflow ended as {state}", only_from=ACTIVE
            )
        elif not task.job.state.is_active and state in workflow.GOING_ON:
            workflow.cancel(job_id, task.attempt)
