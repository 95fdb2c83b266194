"""The command line: `pagelens` and `python -m app`.

What is heavy (torch, gradio, the index) is imported inside the command that needs it, so that
`--help`, `models` and `status` answer at once.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.errors import format_error, printable
from retrieval.errors import InvalidLibraryPath, PagelensError

if TYPE_CHECKING:
    from app.library import Library
    from app.settings import Settings
    from retrieval.records import Answer

EXIT_SOME_REFUSED = 3

# What shells report for a program that Ctrl-C ended.
EXIT_INTERRUPTED = 130

# Weaker matches are lit up faintly on a page; in a line of text they would only be noise.
MATCH_SHOWN_FROM = 0.6
QUERY_SHOWN_CHARACTERS = 200

program = typer.Typer(
    name="pagelens",
    help="Search documents by how they look.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

LibraryOption = Annotated[
    Path | None,
    typer.Option("--library", help="The library folder; else PAGELENS_LIBRARY, else ~/.pagelens."),
]
ModelOption = Annotated[
    str | None, typer.Option("--model", help="The encoder; `pagelens models` lists them.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]


def main() -> None:
    """Runs the command line; an error of Pagelens's own becomes one line and its exit code."""
    try:
        program()
    except PagelensError as error:
        typer.echo(format_error(error), err=True)
        sys.exit(error.exit_code)


@program.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders (with all below them).")],
    library: LibraryOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add PDFs, scans and pictures to the library."""
    from app.library import Library
    from app.output import count_things, report_json
    from app.progress import show_progress

    try:
        with Library(_settings(library, model)) as opened, show_progress() as on_progress:
            report = opened.ingest(paths, on_progress)
    except KeyboardInterrupt:
        typer.echo("Interrupted. Whole documents are kept; run it again to go on.", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    for refusal in report.failed:
        typer.echo(printable(f"refused {refusal.path}: {refusal.error}"), err=True)
    if as_json:
        _print_json(report_json(report))
    elif not (report.documents or report.skipped or report.failed):
        typer.echo("No files were found.")
    else:
        speed = f", {report.pages / report.indexing_seconds:.1f} pages/s" if report.pages else ""
        typer.echo(
            f"Added {count_things(report.documents, 'document')} "
            f"({count_things(report.pages, 'page')}) in {report.seconds:.1f} s{speed}; "
            f"{report.skipped:,} already there, {len(report.failed):,} refused."
        )
    if report.failed:
        raise typer.Exit(EXIT_SOME_REFUSED)


@program.command()
def search(
    questions: Annotated[
        list[str] | None, typer.Argument(metavar="QUESTION...", help="One or more questions.")
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(help='A file of lines {"id", "text"}; prints one JSON line for each.'),
    ] = None,
    top_k: Annotated[int, typer.Option(min=1, help="How many pages to show.")] = 10,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the pages that answer a question."""
    from app.output import answer_json, hit_json

    if bool(questions) == (queries is not None):
        raise typer.BadParameter("give a question, or --queries FILE")
    if any(not question.strip() for question in questions or []):
        raise typer.BadParameter("the question is empty")
    if queries is not None:
        from retrieval.evaluation import load_questions

        asked = load_questions(queries)
        for question, answer in zip(
            asked, _answer([q.text for q in asked], top_k, _settings(library)), strict=True
        ):
            _print_json({"id": question.id, "hits": [hit_json(hit) for hit in answer.hits]})
        return
    for answer in _answer(questions or [], top_k, _settings(library)):
        if as_json:
            _print_json(answer_json(answer))
        else:
            _print_answer(answer)


@program.command()
def evaluate(
    folder: Annotated[Path, typer.Argument(help="Holds corpus/, queries.jsonl and qrels.tsv.")],
    library: Annotated[
        Path | None,
        typer.Option(
            "--library", help="Keep the index here; else it is made anew and thrown away."
        ),
    ] = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure quality (nDCG, recall, MRR), speed (pages/s, ms a query) and size (bytes a page)."""
    import tempfile

    from app.evaluate import evaluate_folder
    from app.output import evaluation_json, print_evaluation
    from app.progress import show_progress

    with tempfile.TemporaryDirectory(prefix="pagelens-evaluate-") as scratch:
        settings = _settings(library or Path(scratch), model)
        with show_progress() as on_progress:
            evaluation = evaluate_folder(folder, settings, on_progress)
    for refusal in evaluation.failed:
        typer.echo(printable(f"refused {refusal.path}: {refusal.error}"), err=True)
    if as_json:
        _print_json(evaluation_json(evaluation))
    else:
        print_evaluation(evaluation)


@program.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    library: LibraryOption = None,
    model: ModelOption = None,
) -> None:
    """Serve the web page: upload, search, look."""
    from app.server import serve_library

    serve_library(_settings(library, model, host=host, port=port), typer.echo)


@program.command()
def models(as_json: JsonOption = False) -> None:
    """List the encoders."""
    from app.output import print_models, spec_json
    from retrieval.encoders.catalog import CATALOG

    if as_json:
        _print_json([spec_json(spec) for spec in CATALOG])
    else:
        print_models(CATALOG)


@program.command()
def status(library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """Show what the library holds."""
    from app.library_status import read_status
    from app.output import print_status, status_json

    folder = _settings(library).library
    found = read_status(folder)
    if as_json:
        _print_json(status_json(found))
    else:
        print_status(folder, found)


@program.command()
def delete(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names or document ids.")],
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove documents from the library, with their pages and vectors."""
    with _open_existing(_settings(library)) as opened:
        documents = [opened.find_document(name) for name in names]
        for document in documents:
            opened.delete(document.document_id)
    if as_json:
        _print_json({"deleted": [document.document_id for document in documents]})
    else:
        for document in documents:
            typer.echo(printable(f"Deleted {document.name} ({document.n_pages:,} pages)."))


def _settings(library: Path | None, model: str | None = None, **overrides: object) -> Settings:
    from app.settings import load_settings

    return load_settings(library=library, model=model, **overrides)


def _open_existing(settings: Settings) -> Library:
    from app.library import Library
    from ingest.sources import DATABASE

    is_file = settings.library.is_file()
    if not is_file and not (settings.library / DATABASE).exists():
        raise InvalidLibraryPath(f"there is no library at {settings.library}")
    return Library(settings)


def _answer(questions: list[str], top_k: int, settings: Settings) -> Iterable[Answer]:
    with _open_existing(settings) as opened:
        for question in questions:
            yield opened.search(question, top_k)


def _print_answer(answer: Answer) -> None:
    typer.echo(printable(textwrap.shorten(answer.query, QUERY_SHOWN_CHARACTERS)))
    if not answer.hits:
        typer.echo("  no page found")
    for rank, hit in enumerate(answer.hits, 1):
        matched = " ".join(
            dict.fromkeys(m.token for m in hit.matches if m.weight >= MATCH_SHOWN_FROM)
        )
        typer.echo(
            printable(f"  {rank:2}. {hit.document}, page {hit.page_number:,}  ")
            + f"score {hit.score:.2f}  matched: {printable(matched)}"
        )
    typer.echo(f"  {1000 * answer.seconds:.0f} ms")


def _print_json(content: dict[str, Any] | list[dict[str, Any]]) -> None:
    typer.echo(json.dumps(content, ensure_ascii=True))
