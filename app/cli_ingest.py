"""`pagelens ingest`: adds files and folders, or tells what that would come to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from app.cli_options import (
    JsonOption,
    LibraryOption,
    ModelOption,
    PhotoModelOption,
    PoolFactorOption,
    SkipSelfTestOption,
    VectorStorageOption,
    check_exists,
    make_settings,
    print_json,
)
from app.errors import printable
from retrieval.errors import LibraryBusy

if TYPE_CHECKING:
    from app.settings import Settings
    from ingest.progress import IngestReport, OnProgress

EXIT_SOME_REFUSED = 3

# What shells report for a program that Ctrl-C ended.
EXIT_INTERRUPTED = 130


class TakeFiles(Protocol):
    """Adds files and folders: the library itself, or the server that holds it."""

    def __call__(self, paths: list[Path], on_progress: OnProgress) -> IngestReport:
        """See `Library.ingest` and `hand_over`."""


def ingest(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders (with all below them).")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option(help="Try again what was refused or failed before; needs no paths.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option(help="Only tell how many files, pages, seconds and bytes it would be.")
    ] = False,
    tag: Annotated[
        list[str] | None, typer.Option(help="A tag for what is added; more than one may be given.")
    ] = None,
    library: LibraryOption = None,
    model: ModelOption = None,
    photo_model: PhotoModelOption = None,
    pool_factor: PoolFactorOption = None,
    vector_storage: VectorStorageOption = None,
    skip_self_test: SkipSelfTestOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add PDFs, scans and pictures to the library; what was cut off goes on where it was."""
    from app.ingest_output import describe_report, report_json
    from app.progress import show_progress

    if not paths and not retry_failed:
        raise typer.BadParameter("name files or folders, or --retry-failed")
    for path in paths or []:
        # A library that is not there yet would else be made, and bound, for nothing.
        check_exists(path)
    try:
        settings = make_settings(
            library,
            model,
            photo_model=photo_model,
            pool_factor=pool_factor,
            vector_storage=vector_storage,
            skip_self_test=skip_self_test or None,
        )
        if dry_run:
            return _show_forecast(settings, paths or [], as_json=as_json)
        with (
            _open_library(settings, tag or [], retry_failed=retry_failed) as take,
            show_progress() as on_progress,
        ):
            report = take(paths or [], on_progress)
    except KeyboardInterrupt:
        typer.echo(
            "Interrupted. What is done is kept; run it again to go on where it was.", err=True
        )
        raise typer.Exit(EXIT_INTERRUPTED) from None
    for refusal in report.failed:
        typer.echo(printable(f"refused {refusal.path}: {refusal.error}"), err=True)
    if as_json:
        print_json(report_json(report))
    else:
        typer.echo(describe_report(report))
    if report.failed:
        raise typer.Exit(EXIT_SOME_REFUSED)


@contextmanager
def _open_library(
    settings: Settings, tags: list[str], *, retry_failed: bool = False
) -> Iterator[TakeFiles]:
    """Yields what adds files, and says what it is.

    Raises:
        LibraryBusy: another process holds the library, and serves it to nobody.
        PagelensError: the library cannot be opened.
    """
    from app.handing_over import hand_over
    from app.library import Library
    from app.lock import find_server
    from app.output import describe_encoders

    try:
        opened = Library(settings)
    except LibraryBusy:
        address = find_server(settings.library)
        if address is None or retry_failed:
            raise
    else:
        with opened:
            for line in describe_encoders(opened):
                typer.echo(line, err=True)
            yield partial(opened.ingest, tags=tags, retry_failed=retry_failed)
            return
    typer.echo(f"The library is served at {address}, which takes the files.", err=True)
    yield partial(hand_over, address, settings, tags=tags)


def _show_forecast(settings: Settings, paths: list[Path], *, as_json: bool) -> None:
    from app.dry_run import forecast
    from app.ingest_output import describe_forecast, forecast_json
    from app.progress import show_progress

    with show_progress() as on_progress:
        expected = forecast(settings.library, settings.database_url, paths, on_progress)
    for refusal in expected.failed:
        typer.echo(printable(f"would refuse {refusal.path}: {refusal.error}"), err=True)
    if as_json:
        print_json(forecast_json(expected))
    else:
        typer.echo(describe_forecast(expected))
