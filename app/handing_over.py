"""What the command line asks of the server that holds the library."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from app.api.bodies import JobBody
from app.cli_options import open_existing
from app.client import PagelensClient
from app.lock import find_server
from app.settings import Settings
from ingest.jobs import JobState
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
from retrieval.errors import FileRefused, LibraryBusy, UploadTooLarge

if TYPE_CHECKING:
    from app.library import Library


def open_or_connect(settings: Settings) -> Library | PagelensClient:
    """Opens a library that is there; where a server holds it, that is asked instead.

    Raises:
        InvalidLibraryPath: there is none.
        LibraryBusy: another process holds it, and is no server.
    """
    try:
        return open_existing(settings)
    except LibraryBusy:
        address = find_server(settings.library)
        if address is None:
            raise
        return connect(address, settings)


def hand_over(
    address: str,
    settings: Settings,
    paths: Iterable[Path],
    on_progress: OnProgress,
    *,
    tags: Iterable[str] = (),
    retry_failed: bool = False,
    on_file: OnFile = pass_over,
) -> IngestReport:
    """Uploads files and folders to a server, and waits until it is done with them.

    Args:
        address: the server's.
        settings: hold its key, or user and password.
        paths: files, and folders with all below them.
        on_progress: called as files are uploaded and pages indexed.
        tags: what the documents are called besides their names.
        retry_failed: whether the server tries again what failed before.
        on_file: is told each file as soon as it is done with.

    Raises:
        PathNotFound: a path does not exist.
        ServerUnreachable, AccessDenied: the server went away, or lets nobody in without its key.
    """
    started = time.perf_counter()
    files = find_files(paths)
    reports: list[FileReport] = []
    uploaded: set[str] = set()
    done = 0

    def tell(report: FileReport) -> None:
        reports.append(report)
        on_file(report)

    with connect(address, settings) as client:
        retried = client.retry_failed() if retry_failed else []
        handed_over = {job.job_id: (Path(job.name), job) for job in retried}
        for number, path in enumerate(files):
            on_progress(Progress("checking", number, len(files), path.name))
            try:
                job = client.upload_version(path, tags=tags)
            except (FileRefused, UploadTooLarge) as error:
                tell(FileReport.refused(path, str(error)))
                continue
            if job.state is JobState.DONE or job.job_id in uploaded:
                known = job.pages or 0
                tell(FileReport(path, Outcome.ALREADY_THERE, job.document_id, known, None))
            else:
                uploaded.add(job.job_id)
                handed_over[job.job_id] = path, job
        on_progress(Progress("checking", len(files), len(files), ""))
        indexing_started = time.perf_counter()
        total = sum(job.pages or 0 for _, job in handed_over.values())
        for path, job in handed_over.values():

            def show(latest: JobBody, before: int = done) -> None:
                on_progress(Progress("indexing", before + latest.pages_done, total, latest.name))

            over = client.wait(job, show)
            done += over.pages or 0
            tell(report_job(path, over, client))
    ended = time.perf_counter()
    return IngestReport(tuple(reports), ended - started, ended - indexing_started)


def report_job(path: Path, job: JobBody, client: PagelensClient) -> FileReport:
    """What became of the file of a job that is over."""
    if job.state is not JobState.DONE or job.document_id is None:
        return FileReport.refused(path, job.error or job.state.value)
    if not job.error:
        return FileReport(path, Outcome.ADDED, job.document_id, job.pages_done, None)
    pages = client.describe_document(job.document_id).page_details
    n_pages = sum(page.error is None for page in pages)
    return FileReport(path, Outcome.PAGES_LEFT_OUT, job.document_id, n_pages, job.error)


def connect(address: str, settings: Settings) -> PagelensClient:
    """A client that brings the key, or the user and password, of the settings."""
    key, user, password = settings.api_key, settings.user, settings.password
    return PagelensClient(
        address,
        api_key=key.get_secret_value() if key else None,
        login=(user, password.get_secret_value()) if user and password else None,
    )
