"""`pagelens worker`."""

from __future__ import annotations

import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from app.cli_options import (
    LibraryOption,
    ModelOption,
    PhotoModelOption,
    PoolFactorOption,
    SkipSelfTestOption,
    SoundModelOption,
    VectorStorageOption,
    make_settings,
)
from app.errors import printable
from retrieval.errors import InvalidSetting

if TYPE_CHECKING:
    from ingest.jobs import Job


def worker(
    library: LibraryOption = None,
    model: ModelOption = None,
    photo_model: PhotoModelOption = None,
    sound_model: SoundModelOption = None,
    pool_factor: PoolFactorOption = None,
    vector_storage: VectorStorageOption = None,
    skip_self_test: SkipSelfTestOption = False,
) -> None:
    """Work on what others add to a library that machines share, until Ctrl-C or SIGTERM.

    Such a library has its documents in PostgreSQL (PAGELENS_DATABASE_URL), its index on a Qdrant
    server (PAGELENS_QDRANT_URL), and its files in a folder that all machines reach or in a bucket
    (PAGELENS_BUCKET).
    """
    settings = make_settings(
        library,
        model,
        photo_model=photo_model,
        sound_model=sound_model,
        pool_factor=pool_factor,
        vector_storage=vector_storage,
        skip_self_test=skip_self_test or None,
    )
    if not settings.is_shared:
        raise InvalidSetting(
            "a worker needs PAGELENS_DATABASE_URL and PAGELENS_QDRANT_URL; a library in a folder "
            "is worked on by `pagelens ingest` and `pagelens serve`"
        )
    from app.library import Library
    from app.model_output import describe_encoders

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), Library(settings) as opened:
        for line in describe_encoders(opened):
            typer.echo(line, err=True)
        with opened.keep_working():
            typer.echo("Working (Ctrl-C stops it)", err=True)
            while True:
                for job in opened.jobs.wait_for_ended():
                    typer.echo(printable(describe_job(job)))


def describe_job(job: Job) -> str:
    """Where a job stands, in one line."""
    pages = f"{job.pages_done:,} of {job.n_pages or 0:,} pages"
    return f"{job.state.value} {job.name}: {pages}" + (f" ({job.error})" if job.error else "")
