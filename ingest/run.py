"""One ingest run: files are handed in, and whoever asked waits for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path

from ingest.documents import Documents
from ingest.ingestion import Ingestion
from ingest.job_steps import describe_left_out
from ingest.jobs import Job, JobState
from ingest.progress import (
    FileReport,
    IngestReport,
    OnFile,
    OnProgress,
    Outcome,
    Progress,
    pass_over,
)
from ingest.sources import find_files
from retrieval.errors import UnknownJob

# What is said of a file whose job is not told of any more.
REPLACED = "a later version of it took its place while it was being added"

# How often it is looked which files are done with.
LOOK_S = 1.0


def run_ingest(
    ingestion: Ingestion,
    documents: Documents,
    paths: Iterable[Path],
    on_progress: OnProgress,
    *,
    tags: tuple[str, ...] = (),
    are_uploads: bool = False,
    retry_failed: bool = False,
    on_file: OnFile = pass_over,
    check: Callable[[], None],
) -> IngestReport:
    """Adds files and folders, and what an earlier run has left; a refused file stops nothing.

    Args:
        ingestion: at work.
        documents: tells which pages are left out.
        paths: files, and folders with all below them.
        on_progress: called as files are checked and pages indexed.
        tags: what the documents are called besides their names.
        are_uploads: whether the files are the library's own, and go before others.
        retry_failed: whether to try again what failed before.
        on_file: is told each file as soon as it is done with.
        check: called now and then; what it raises ends the run, and its jobs go on later.

    Raises:
        PathNotFound: a path does not exist.
    """
    started = time.perf_counter()
    files = find_files(paths)
    if retry_failed:
        ingestion.retry_failed()
    jobs: dict[str, Job] = {job.job_id: job for job in ingestion.list_unfinished()}
    path_of: dict[str, Path] = {}
    copies: list[tuple[str, Path]] = []
    told: dict[str, FileReport] = {}
    reports: list[FileReport] = []

    def tell(report: FileReport) -> None:
        reports.append(report)
        on_file(report)

    for number, path in enumerate(files):
        check()
        on_progress(Progress("checking", number, len(files), path.name))
        job = ingestion.submit(path, tags=tags, is_urgent=are_uploads, is_upload=are_uploads)
        if job.job_id in path_of:
            copies.append((job.job_id, path))
        elif job.state is JobState.DONE and job.job_id not in jobs:
            known = job.n_pages or 0
            tell(FileReport(path, Outcome.ALREADY_THERE, job.document_id, known, None))
        else:
            jobs[job.job_id] = job
            path_of[job.job_id] = path
    on_progress(Progress("checking", len(files), len(files), ""))
    indexing_started = time.perf_counter()
    done = 0
    total = sum((job.n_pages or 0) - job.pages_done for job in jobs.values())

    def count(name: str, n_pages: int) -> None:
        nonlocal done
        done += n_pages
        on_progress(Progress("indexing", done, max(done, total), name))

    def tell_over(active: Collection[str]) -> None:
        for job_id in [job_id for job_id in jobs if job_id not in active and job_id not in told]:
            try:
                path = path_of.get(job_id) or ingestion.path_of(job_id)
                told[job_id] = report_job(path, ingestion.find(job_id), documents)
            except UnknownJob:
                path = path_of.get(job_id) or Path(jobs[job_id].name)
                told[job_id] = FileReport.refused(path, REPLACED)
            tell(told[job_id])

    looked = time.monotonic()

    def look() -> None:
        nonlocal looked
        check()
        if time.monotonic() - looked >= LOOK_S:
            tell_over(ingestion.list_active_ids())
            looked = time.monotonic()

    ingestion.wait(jobs.values(), count, look)
    tell_over(())
    for job_id, path in copies:
        first = told[job_id]
        tell(
            FileReport.refused(path, first.error or "")
            if first.outcome is Outcome.REFUSED
            else replace(first, path=path, outcome=Outcome.ALREADY_THERE, error=None)
        )
    ended = time.perf_counter()
    return IngestReport(tuple(reports), ended - started, ended - indexing_started)


def report_job(path: Path, job: Job, documents: Documents) -> FileReport:
    """What became of the file of a job that is over."""
    if job.state is not JobState.DONE:
        return FileReport.refused(path, job.error or job.state.value)
    pages = documents.list_pages(job.document_id or "")
    left_out = [page for page in pages if page.error]
    return FileReport(
        path,
        Outcome.PAGES_LEFT_OUT if left_out else Outcome.ADDED,
        job.document_id,
        len(pages) - len(left_out),
        "; ".join(map(describe_left_out, left_out)) or None,
    )
