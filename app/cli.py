"""The command line: `pagelens` and `python -m app`.

What is heavy (torch, gradio, the index) is imported inside the command that needs it, so that
`--help`, `models` and `status` answer at once.
"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.errors import format_error, printable
from retrieval.errors import InvalidLibraryPath, PagelensError, PathNotFound

if TYPE_CHECKING:
    from app.library import Library
    from app.settings import Settings
    from retrieval.records import Answer, Box

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
    str | None,
    typer.Option(
        "--model",
        help="The encoder of pages: a name that `pagelens models` lists, a hub id, or the folder "
        "of a checkpoint. Else PAGELENS_MODEL, else what the library was made with, else what "
        "fits the machine.",
    ),
]
PhotoModelOption = Annotated[
    str | None, typer.Option("--photo-model", help="The encoder of photos; as --model.")
]
PoolFactorOption = Annotated[
    int | None,
    typer.Option(
        "--pool-factor",
        min=1,
        help="Token pooling: a page keeps one vector for so many. Set when a library is made.",
    ),
]
SkipSelfTestOption = Annotated[
    bool,
    typer.Option("--skip-self-test", help="Use an encoder that was not seen to find anything."),
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
    photo_model: PhotoModelOption = None,
    pool_factor: PoolFactorOption = None,
    skip_self_test: SkipSelfTestOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add PDFs, scans and pictures to the library."""
    from app.library import Library
    from app.output import count_things, describe_encoders, report_json
    from app.progress import show_progress

    for path in paths:
        # A library that is not there yet would else be made, and bound, for nothing.
        _check_exists(path)
    try:
        settings = _settings(
            library,
            model,
            photo_model=photo_model,
            pool_factor=pool_factor,
            skip_self_test=skip_self_test or None,
        )
        with Library(settings) as opened:
            for line in describe_encoders(opened):
                typer.echo(line, err=True)
            with show_progress() as on_progress:
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
    image: Annotated[
        Path | None, typer.Option(help="A picture to search with: a screenshot, a photo, a crop.")
    ] = None,
    like: Annotated[
        str | None, typer.Option(help="A document of the library: find pages like one of its.")
    ] = None,
    page: Annotated[int, typer.Option(min=1, help="With --like: which page.")] = 1,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="X0,Y0,X1,Y1",
            help="With --like: which part of the page, in fractions from its top left corner.",
        ),
    ] = None,
    top_k: Annotated[int, typer.Option(min=1, help="How many pages to show.")] = 10,
    save_evidence: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Save each page found with its evidence lit up, also word by word."
        ),
    ] = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the pages and photos that answer a question, or look like a picture."""
    from app.output import answer_json, hit_json

    if sum((bool(questions), queries is not None, image is not None, like is not None)) != 1:
        raise typer.BadParameter("give a question, --queries FILE, --image FILE, or --like NAME")
    if any(not question.strip() for question in questions or []):
        raise typer.BadParameter("the question is empty")
    if like is None and (region is not None or page != 1):
        raise typer.BadParameter("--page and --region go with --like")
    box = None if region is None else _read_region(region)
    if image is not None:
        _check_exists(image)
    settings = _settings(library)
    if queries is not None:
        from retrieval.evaluation import load_questions

        asked = load_questions(queries)
        with _open_existing(settings) as opened:
            for question in asked:
                answer = opened.search(question.text, top_k)
                _print_json({"id": question.id, "hits": [hit_json(hit) for hit in answer.hits]})
                _save_evidence(opened, answer, save_evidence, question.id)
        return
    with _open_existing(settings) as opened:
        if image is not None:
            answers = [opened.search_picture(image, top_k)]
        elif like is not None:
            document_id = opened.find_document(like).document_id
            answers = [opened.search_like(document_id, page - 1, top_k, box)]
        else:
            answers = [opened.search(question, top_k) for question in questions or []]
        for number, answer in enumerate(answers, 1):
            if as_json:
                _print_json(answer_json(answer))
            else:
                _print_answer(answer)
            prefix = str(number) if len(answers) > 1 else ""
            _save_evidence(opened, answer, save_evidence, prefix)


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
    photo_model: PhotoModelOption = None,
    pool_factor: PoolFactorOption = None,
    skip_self_test: SkipSelfTestOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure quality (nDCG, recall, MRR), speed (pages/s, ms a query) and size (bytes a page)."""
    import tempfile

    from app.evaluate import evaluate_folder
    from app.output import evaluation_json, print_evaluation
    from app.progress import show_progress

    with tempfile.TemporaryDirectory(prefix="pagelens-evaluate-") as scratch:
        settings = _settings(
            library or Path(scratch),
            model,
            photo_model=photo_model,
            pool_factor=pool_factor,
            skip_self_test=skip_self_test or None,
        )
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
    photo_model: PhotoModelOption = None,
    pool_factor: PoolFactorOption = None,
    skip_self_test: SkipSelfTestOption = False,
) -> None:
    """Serve the web page: upload, search, look."""
    from app.server import serve_library

    settings = _settings(
        library,
        model,
        photo_model=photo_model,
        pool_factor=pool_factor,
        skip_self_test=skip_self_test or None,
        host=host,
        port=port,
    )
    serve_library(settings, typer.echo)


@program.command()
def models(as_json: JsonOption = False) -> None:
    """List the encoders of pages and of photos, and the rerankers, with their licences."""
    from app.output import print_models, reranker_json, spec_json
    from retrieval.encoders.catalog import PAGE_CATALOG
    from retrieval.encoders.photo_catalog import PHOTO_CATALOG
    from retrieval.rerankers.catalog import RERANKER_CATALOG

    encoders = PAGE_CATALOG + PHOTO_CATALOG
    if as_json:
        _print_json([*map(spec_json, encoders), *map(reranker_json, RERANKER_CATALOG)])
    else:
        print_models(encoders, RERANKER_CATALOG)


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


def _check_exists(path: Path) -> None:
    if not path.exists():
        raise PathNotFound(f"{path}: no such file or folder")


def _read_region(text: str) -> Box:
    from retrieval.records import Box

    try:
        x0, y0, x1, y1 = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"--region {text!r}: not four numbers") from None
    if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
        raise typer.BadParameter(
            f"--region {text!r}: fractions of the page from 0 to 1, top left before bottom right"
        )
    return Box(x0, y0, x1, y1)


def _save_evidence(library: Library, answer: Answer, folder: Path | None, prefix: str) -> None:
    if folder is None:
        return
    from app.output import save_evidence

    n_pictures = save_evidence(library, answer, folder, prefix)
    typer.echo(f"Saved {n_pictures:,} pictures of evidence in {folder}.", err=True)


def _print_answer(answer: Answer) -> None:
    typer.echo(printable(textwrap.shorten(answer.query, QUERY_SHOWN_CHARACTERS)))
    if not answer.hits:
        typer.echo("  no page found")
    for rank, hit in enumerate(answer.hits, 1):
        matched = " ".join(
            dict.fromkeys(m.token for m in hit.matches if m.weight >= MATCH_SHOWN_FROM and m.token)
        )
        typer.echo(
            printable(f"  {rank:2}. {hit.document}, page {hit.page_number:,}  ")
            + ("photo  " if hit.kind.value == "photo" else "")
            + f"score {hit.score:.2f}"
            + (f"  matched: {printable(matched)}" if matched else "")
        )
    typer.echo(f"  {1000 * answer.seconds:.0f} ms")


def _print_json(content: dict[str, Any] | list[dict[str, Any]]) -> None:
    typer.echo(json.dumps(content, ensure_ascii=True))
