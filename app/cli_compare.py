"""`pagelens compare`: several ways to search, measured by one set of questions."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli_options import (
    JsonOption,
    SkipSelfTestOption,
    check_exists,
    check_library,
    make_settings,
    print_json,
)
from app.errors import printable
from retrieval.errors import ReadOnlyLibrary

if TYPE_CHECKING:
    from app.comparison import Comparison

EXIT_SOME_FAILED = 3


def compare(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Holds corpus/, queries.jsonl and qrels.tsv; without it the library's own "
            "questions are asked (`pagelens questions`)."
        ),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(
            help="Encoders of pages, with commas between them; each as --model elsewhere."
        ),
    ] = None,
    dims: Annotated[
        str | None,
        typer.Option(
            help="Lengths of page vectors, with commas between them, of models that were trained "
            "for shorter ones; full is the whole."
        ),
    ] = None,
    text_model_sets: Annotated[
        str | None,
        typer.Option(
            "--text-models",
            help="Encoders of text, with commas between them; none is one, and a+b are two "
            "together.",
        ),
    ] = None,
    pool_factors: Annotated[
        str | None, typer.Option(help="Pool factors, with commas between them.")
    ] = None,
    vector_storages: Annotated[
        str | None,
        typer.Option(help="How vectors are stored: some of float16,turbo8,turbo4."),
    ] = None,
    modes: Annotated[
        str | None, typer.Option(help="What pages are ranked by: some of hybrid,visual,text.")
    ] = None,
    rerankers: Annotated[
        str | None,
        typer.Option(help="Rerankers, with commas between them; none is one."),
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'NAME=VALUE ...'",
            help="One more way to search: model, text-models, pool-factor, vector-storage, mode, "
            "reranker. May be given more than once.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Also write a report with charts and pages: one HTML file."),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Where libraries and answers are kept for the next comparison; else a folder "
            "among the user's caches.",
        ),
    ] = None,
    library: Annotated[
        Path | None,
        typer.Option(
            "--library",
            help="Keep the report with this library, whose Models tab lists it. Without a folder: "
            "whose questions are asked; else PAGELENS_LIBRARY, else ~/.pagelens.",
        ),
    ] = None,
    skip_self_test: SkipSelfTestOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure several ways to search by the same questions, with intervals.

    All combinations of the lists are measured, and each --variant; the first is what the others are
    compared with. What was indexed and asked before is kept, and not done again.
    """
    from app.compare import compare_variants
    from app.compare_cache import find_cache
    from app.comparison_output import comparison_json, print_comparison
    from app.evaluation_choice import open_evaluation_set
    from app.progress import show_named_progress
    from app.spending import describe_prices
    from app.variants import cross_dims, list_variants

    settings = make_settings(library, skip_self_test=skip_self_test or None)
    lists = {
        "model": models if dims is None else cross_dims(models or settings.model, dims),
        "text_models": text_model_sets,
        "pool_factor": pool_factors,
        "vector_storage": vector_storages,
        "mode": modes,
        "reranker": rerankers,
    }
    variants = list_variants(lists, variant or (), settings)
    if report is not None:
        # Before hours of work.
        check_exists(report.absolute().parent)
    texts = {name for variant in variants for name in variant.text_models}
    for line in describe_prices(sorted(texts)):
        typer.echo(printable(line), err=True)
    keeps = library is not None or folder is None
    if keeps:
        check_library(settings)
        if settings.read_only:
            raise ReadOnlyLibrary
    with (
        open_evaluation_set(folder, settings) as (title, evaluation_set),
        show_named_progress() as bars,
    ):
        comparison = compare_variants(
            title,
            evaluation_set,
            variants,
            settings,
            cache or find_cache(),
            bars,
        )
    for failed in comparison.failed:
        typer.echo(printable(f"{failed.name} could not be measured: {failed.error}"), err=True)
    if comparison.measured:
        _write_reports(comparison, report, settings.library if keeps else None)
    if as_json:
        print_json(comparison_json(comparison))
    else:
        print_comparison(comparison)
    if comparison.failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _write_reports(comparison: Comparison, file: Path | None, library: Path | None) -> None:
    if file is None and library is None:
        return
    from app.compare_report import render_report, summarise
    from app.comparing import keep_comparison
    from app.machine import describe_machine
    from app.report_template import write_report

    command = shlex.join(["pagelens", *sys.argv[1:]])
    html = render_report(comparison, command=command, machine=describe_machine())
    if library is not None:
        keep_comparison(library, summarise(comparison), html)
    if file is not None:
        write_report(file, html)
