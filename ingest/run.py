"""One ingest run: files are handed in, and whoever asked waits for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from ingest.documents import Documents
from ingest.ingestion import Ingestion
from ingest.job_steps import describe_left_out
from ingest.jobs import Job, JobState
from ingest.progress import IngestReport, OnProgress, Progress
from ingest.sources import Refusal, find_files


def run_ingest(
    ingestion: Ingestion,
    documents: Documents,
    paths: Iterable[Path],
    on_progress: OnProgress,
    *,
    tags: tuple[str, ...] = (),
    are_uploads: bool = False,
    retry_failed: bool = False,
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
    skipped = 0
    for number, path in enumerate(files):
        check()
        on_progress(Progress("checking", number, len(files), path.name))
        job = ingestion.submit(path, tags=tags, is_urgent=are_uploads, is_upload=are_uploads)
        if job.state is JobState.DONE or job.job_id in path_of:
            skipped += 1
            continue
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

    ingestion.wait(jobs.values(), count, check)
    failed: list[Refusal] = []
    n_documents = n_pages = 0
    for job_id in jobs:
        job = ingestion.find(job_id)
        path = path_of.get(job_id) or ingestion.path_of(job_id)
        if job.state is not JobState.DONE:
            failed.append(Refusal(path, job.error or job.state.value))
            continue
        pages = documents.list_pages(job.document_id or "")
        left_out = [page for page in pages if page.error]
        failed += [Refusal(path, describe_left_out(page)) for page in left_out]
        n_documents += 1
        n_pages += len(pages) - len(left_out)
    ended = time.perf_counter()
    return IngestReport(
        n_documents,
        n_pages,
        skipped,
        tuple(failed),
        ended - started,
        ended - indexing_started,
    )
