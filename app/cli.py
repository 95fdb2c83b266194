"""The command line: `pagelens` and `python -m app`.

What is heavy (torch, gradio, the index) is imported inside the command that needs it, so that
`--help`, `models` and `status` answer at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli_ask import ask
from app.cli_backup import backup, restore
from app.cli_compare import compare
from app.cli_ingest import ingest
from app.cli_mcp import mcp
from app.cli_migrate import migrate
from app.cli_options import (
    DimOption,
    JsonOption,
    LibraryOption,
    ModelOption,
    PhotoModelOption,
    PoolFactorOption,
    RerankerOption,
    SkipSelfTestOption,
    SoundModelOption,
    TextModelsOption,
    VectorStorageOption,
    check_library,
    make_settings,
    open_existing,
    print_json,
)
from app.cli_questions import questions
from app.cli_search import search
from app.cli_train import train
from app.cli_tune import tune
from app.cli_worker import worker
from app.errors import format_error, printable
from app.model_filters import Group, Licence
from retrieval.errors import PagelensError

if TYPE_CHECKING:
    from app.settings import Settings

EXIT_UNHEALTHY = 3

program = typer.Typer(
    name="pagelens",
    help="Search documents by how they look.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Runs the command line; an error of Pagelens's own becomes one line and its exit code."""
    try:
        program()
    except PagelensError as error:
        typer.echo(format_error(error), err=True)
        sys.exit(error.exit_code)


program.command()(ingest)
program.command()(search)
program.command()(ask)


@program.command()
def evaluate(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Holds corpus/, queries.jsonl and qrels.tsv; without it the library is asked its "
            "own questions (`pagelens questions`)."
        ),
    ] = None,
    library: Annotated[
        Path | None,
        typer.Option(
            "--library",
            help="With a folder: keep the index here; else it is made anew and thrown away.",
        ),
    ] = None,
    model: ModelOption = None,
    dim: DimOption = None,
    photo_model: PhotoModelOption = None,
    sound_model: SoundModelOption = None,
    text_models: TextModelsOption = None,
    pool_factor: PoolFactorOption = None,
    vector_storage: VectorStorageOption = None,
    reranker: RerankerOption = None,
    stages: Annotated[
        bool, typer.Option("--stages", help="Also measure each ranking and their fusion alone.")
    ] = False,
    skip_self_test: SkipSelfTestOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure quality (nDCG, recall, MRR), speed (pages/s, ms a query) and size (bytes a page)."""
    import tempfile

    from app.evaluate import evaluate_folder, evaluate_library
    from app.evaluation_output import evaluation_json, print_evaluation
    from app.progress import show_progress

    with tempfile.TemporaryDirectory(prefix="pagelens-evaluate-") as scratch:
        settings = make_settings(
            library if folder is None or library else Path(scratch),
            model,
            dim,
            photo_model=photo_model,
            sound_model=sound_model,
            text_models=text_models or None,
            pool_factor=pool_factor,
            vector_storage=vector_storage,
            reranker=reranker,
            skip_self_test=skip_self_test or None,
        )
        if folder is None:
            check_library(settings)
        elif library is None:
            # What is thrown away must not take a database for its own.
            settings = settings.model_copy(update={"database_url": None})
        with show_progress() as on_progress:
            evaluation = (
                evaluate_library(settings, on_progress, with_stages=stages)
                if folder is None
                else evaluate_folder(folder, settings, on_progress, with_stages=stages)
            )
    for refusal in evaluation.failed:
        typer.echo(printable(f"refused {refusal.path}: {refusal.error}"), err=True)
    if as_json:
        print_json(evaluation_json(evaluation))
    else:
        print_evaluation(evaluation)


program.command()(compare)
program.command()(train)
program.command()(tune)


@program.command()
def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 127.0.0.1 by default.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port; 0 takes a free one, 7860 is the default."),
    ] = None,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo",
            help="Serve the sample documents, read-only, from a library of their own: --library, "
            "or one among the user's caches. They are indexed at the first start.",
        ),
    ] = False,
    read_only: Annotated[
        bool,
        typer.Option("--read-only", help="Refuse whatever would change the library."),
    ] = False,
    library: LibraryOption = None,
    model: ModelOption = None,
    dim: DimOption = None,
    photo_model: PhotoModelOption = None,
    sound_model: SoundModelOption = None,
    text_models: TextModelsOption = None,
    pool_factor: PoolFactorOption = None,
    vector_storage: VectorStorageOption = None,
    reranker: RerankerOption = None,
    skip_self_test: SkipSelfTestOption = False,
) -> None:
    """Serve the web page and the REST API: upload, search, look.

    On another address than 127.0.0.1 only with PAGELENS_API_KEY, or PAGELENS_USER and
    PAGELENS_PASSWORD; the page then asks for a user and a password (any user, and the key, where
    there is no user).
    """
    from app.server import serve_library

    settings = make_settings(
        library,
        model,
        dim,
        photo_model=photo_model,
        sound_model=sound_model,
        text_models=text_models or None,
        pool_factor=pool_factor,
        vector_storage=vector_storage,
        reranker=reranker,
        skip_self_test=skip_self_test or None,
        host=host,
        port=port,
        read_only=read_only or None,
    )
    if demo:
        settings = _open_demo(settings, has_folder=library is not None)
    serve_library(settings, typer.echo)


def _open_demo(settings: Settings, *, has_folder: bool) -> Settings:
    from app.demo import make_demo_settings, prepare_demo
    from app.ingest_output import describe_report
    from app.progress import show_progress

    settings = make_demo_settings(settings, has_folder=has_folder)
    with show_progress() as on_progress:
        report = prepare_demo(settings, on_progress)
    if report is not None:
        typer.echo(describe_report(report))
    return settings


program.command()(worker)
program.command()(mcp)


@program.command()
def models(
    licence: Annotated[
        Licence, typer.Option("--licence", help="commercial: those alone that permit such use.")
    ] = Licence.ANY,
    modality: Annotated[
        Group | None, typer.Option("--modality", help="What they are for; else all are listed.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the models of the catalogs, with their licences."""
    from app.model_list import list_models, model_json
    from app.model_output import print_models

    listed = list_models(modality, licence)
    if as_json:
        print_json([model_json(model) for model in listed])
    else:
        print_models(listed)


@program.command()
def status(library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """Show what the library holds."""
    from app.library_status import read_status
    from app.status_output import print_status, status_json

    settings = make_settings(library)
    folder = settings.library
    found = read_status(folder, settings.database_url, may_join=settings.may_join)
    if as_json:
        print_json(status_json(found))
    else:
        print_status(folder, found)


@program.command()
def delete(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names or document ids.")],
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove documents from the library, with their pages and vectors."""
    from app.api.bodies import DocumentBody
    from app.handing_over import open_or_connect

    with open_or_connect(make_settings(library)) as opened:
        documents = [DocumentBody.model_validate(opened.find_document(name)) for name in names]
        for document in documents:
            opened.delete(document.document_id)
    if as_json:
        print_json({"deleted": [document.document_id for document in documents]})
    else:
        for document in documents:
            typer.echo(printable(f"Deleted {document.name} ({document.pages:,} pages)."))


program.add_typer(questions)
program.command()(migrate)
program.command()(backup)
program.command()(restore)


@program.command()
def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="Make anew what is missing; remove what is too much.")
    ] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that the index holds every page, and that the fast search finds what the exact does."""
    from app.diagnosis_output import diagnosis_json, print_diagnosis
    from app.migration_output import describe_migration, status_body
    from app.progress import show_progress

    with open_existing(make_settings(library)) as opened, show_progress() as on_progress:
        diagnosis = opened.examine(on_progress)
        failed = opened.repair(diagnosis, on_progress) if repair else []
        if repair and not diagnosis.is_healthy:
            diagnosis = opened.examine(on_progress)
        names = {document.document_id: document.name for document in opened.list_documents()}
        migration = status_body(opened.migration()).migration
    for refusal in failed:
        typer.echo(printable(f"not repaired: {refusal.path}: {refusal.error}"), err=True)
    if as_json:
        content = diagnosis_json(diagnosis)
        if migration is not None:
            content["migration"] = migration.model_dump(mode="json")
        print_json(content)
    else:
        print_diagnosis(diagnosis, names)
        if migration is not None:
            typer.echo(printable(describe_migration(migration)))
    if not diagnosis.is_healthy:
        raise typer.Exit(EXIT_UNHEALTHY)
