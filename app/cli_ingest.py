"""`pagelens ingest`: adds files and folders, watches folders, or tells what it would come to."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli_options import (
    DimOption,
    JsonOption,
    LibraryOption,
    ModelOption,
    PhotoModelOption,
    PoolFactorOption,
    SkipSelfTestOption,
    SoundModelOption,
    TextModelsOption,
    VectorStorageOption,
    check_exists,
    make_settings,
    print_json,
)
from app.errors import printable
from retrieval.errors import LibraryBusy

if TYPE_CHECKING:
    from app.settings import Settings
    from app.watching import TakeFiles
    from ingest.progress import FileReport, IngestReport, OnFile, OnProgress

EXIT_SOME_REFUSED = 3

# What shells report for a program that Ctrl-C ended.
EXIT_INTERRUPTED = 130


def ingest(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders (with all below them).")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option(help="Try again what was refused or failed before; needs no paths.")
    ] = False,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Stay, and add files of the folders when they are new or changed, until Ctrl-C. "
            "A file is taken once it has been still for 2 seconds. What is deleted from a folder "
            "stays in the library.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option(help="Only tell how many files, pages, seconds and bytes it would be.")
    ] = False,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            help="A tag for these files, also those that are there; may be given repeatedly."
        ),
    ] = None,
    library: LibraryOption = None,
    model: ModelOption = None,
    dim: DimOption = None,
    photo_model: PhotoModelOption = None,
    sound_model: SoundModelOption = None,
    text_models: TextModelsOption = None,
    pool_factor: PoolFactorOption = None,
    vector_storage: VectorStorageOption = None,
    skip_self_test: SkipSelfTestOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add PDFs, scans, pictures and office files; what was cut off goes on where it was."""
    from app.ingest_output import describe_report, report_json
    from app.progress import show_progress

    if not paths and not retry_failed:
        raise typer.BadParameter("name files or folders, or --retry-failed")
    for path in paths or []:
        # A library that is not there yet would else be made, and bound, for nothing.
        check_exists(path)
    if watch:
        _check_watch(paths or [], has_other_aim=dry_run or retry_failed)
        # Whatever runs services ends them by this; it shall be as Ctrl-C is.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        settings = make_settings(
            library,
            model,
            dim,
            photo_model=photo_model,
            sound_model=sound_model,
            text_models=text_models or None,
            pool_factor=pool_factor,
            vector_storage=vector_storage,
            skip_self_test=skip_self_test or None,
        )
        if dry_run:
            return _show_forecast(settings, paths or [], as_json=as_json)
        with _open_library(settings, tag or [], retry_failed=retry_failed) as take:
            if watch:
                return _watch(settings, take, paths or [], as_json=as_json)
            with show_progress() as on_progress:
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
    from app.model_output import describe_encoders
    from app.spending import describe_prices, describe_spent
    from ingest.progress import pass_over

    try:
        opened = Library(settings)
    except LibraryBusy:
        address = find_server(settings.library)
        if address is None:
            raise
    else:
        # Not begun anew each time that files come.
        with opened, opened.work():
            for line in [*describe_encoders(opened), *describe_prices(opened.encoders.text_names)]:
                typer.echo(line, err=True)
            yield partial(opened.ingest, tags=tags, retry_failed=retry_failed)
            for line in describe_spent(opened):
                typer.echo(line, err=True)
            return
    typer.echo(f"The library is served at {address}, which takes the files.", err=True)

    def take(
        paths: list[Path], on_progress: OnProgress, *, on_file: OnFile = pass_over
    ) -> IngestReport:
        # A server that was started anew meanwhile may be elsewhere.
        current = find_server(settings.library) or address
        return hand_over(
            current,
            settings,
            paths,
            on_progress,
            tags=tags,
            retry_failed=retry_failed,
            on_file=on_file,
        )

    yield take


def _check_watch(paths: list[Path], *, has_other_aim: bool) -> None:
    if has_other_aim:
        raise typer.BadParameter(
            "--watch adds all files of its folders, those refused before, too; it goes neither "
            "with --dry-run nor with --retry-failed"
        )
    for path in paths:
        if not path.is_dir():
            raise typer.BadParameter(f"--watch takes folders, and {path} is a file")


def _watch(settings: Settings, take: TakeFiles, folders: list[Path], *, as_json: bool) -> None:
    from app.ingest_output import describe_file, describe_report, report_json
    from app.watching import ingest_as_they_come
    from app.wording import count_things

    def tell(text: str) -> None:
        typer.echo(printable(text), err=True)

    documents = pages = 0

    def tell_file(file: FileReport) -> None:
        nonlocal documents, pages
        if file.outcome.is_new:
            documents += 1
            pages += file.n_pages
        tell(describe_file(file))

    reports = ingest_as_they_come(
        take, folders, settings.library, tell_file, lambda error: tell(f"Waiting: {error}")
    )
    # It has no other end. What is being added then goes on the next time.
    with suppress(KeyboardInterrupt):
        for number, report in enumerate(reports):
            if as_json:
                print_json(report_json(report))
            if number == 0:
                tell(describe_report(report))
                tell(f"Watching {', '.join(map(str, folders))} (Ctrl-C stops it)")
    if not as_json:
        added = f"{count_things(documents, 'document')} ({count_things(pages, 'page')})"
        typer.echo(f"Stopped watching; {added} added.")


def _show_forecast(settings: Settings, paths: list[Path], *, as_json: bool) -> None:
    from app.dry_run import forecast
    from app.ingest_output import describe_forecast, forecast_json
    from app.progress import show_progress

    with show_progress() as on_progress:
        expected = forecast(
            settings.library,
            settings.database_url,
            settings.text_models,
            paths,
            on_progress,
            settings.sound_model,
        )
    for refusal in expected.failed:
        typer.echo(printable(f"would refuse {refusal.path}: {refusal.error}"), err=True)
    if as_json:
        print_json(forecast_json(expected))
    else:
        typer.echo(describe_forecast(expected))
    if expected.failed:
        raise typer.Exit(EXIT_SOME_REFUSED)
