"""`pagelens tune`: how small and fast an index may get, measured by questions."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli_options import (
    JsonOption,
    SkipSelfTestOption,
    check_exists,
    check_library,
    make_settings,
    print_json,
)

# Of the ten pages that the exact search of whole vectors finds; as `pagelens doctor` wants it.
LEAST_RECALL = 0.95


def tune(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]",
            help="Holds corpus/, queries.jsonl and qrels.tsv; without it the library's own "
            "questions are asked (`pagelens questions`).",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="The encoder of pages; else that of the library whose questions are asked, else "
            "what fits the machine.",
        ),
    ] = None,
    recall: Annotated[
        float,
        typer.Option(
            min=0.0, max=1.0, help="Of the exact search's ten best pages, the share to be found."
        ),
    ] = LEAST_RECALL,
    pages: Annotated[
        int | None,
        typer.Option(
            min=10, help="Measure on a sample of so many pages, those that answer among them."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="Also write the settings that are recommended: a file."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Also write a report with curves: one HTML file.")
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Where the corpus with its whole vectors is kept for the next time, and for "
            "`pagelens compare`; else a folder among the user's caches.",
        ),
    ] = None,
    library: Annotated[
        Path | None,
        typer.Option(
            "--library",
            help="Whose questions are asked without a folder; else PAGELENS_LIBRARY, else "
            "~/.pagelens.",
        ),
    ] = None,
    skip_self_test: SkipSelfTestOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure recall, latency and size of every way to store and search page vectors.

    Float16, 8 and 4 bits a number, token pooling, exact search and first stages with more and more
    candidates. The smallest index that finds enough is recommended; no library is changed.
    """
    from app.compare_cache import find_cache
    from app.evaluation_choice import open_evaluation_set
    from app.library_status import read_status
    from app.machine import describe_machine
    from app.progress import show_progress
    from app.report_template import write_report
    from app.tuning import tune_index
    from app.tuning_output import format_settings, print_tuning, tuning_json
    from app.tuning_report import render_tuning
    from app.variants import read_model

    settings = make_settings(library, model, skip_self_test=skip_self_test or None)
    for file in (output, report):
        if file is not None:
            # Before hours of work.
            check_exists(file.absolute().parent)
    if folder is None:
        check_library(settings)
        bound = read_status(
            settings.library, settings.database_url, may_join=settings.may_join
        ).encoder
        model = model or bound
    with (
        open_evaluation_set(folder, settings) as (title, evaluation_set),
        show_progress() as on_progress,
    ):
        tuning = tune_index(
            title,
            evaluation_set,
            read_model(model or settings.model),
            settings,
            cache or find_cache(),
            on_progress,
            least_recall=recall,
            most_pages=pages,
        )
    if report is not None:
        command = shlex.join(["pagelens", *sys.argv[1:]])
        write_report(report, render_tuning(tuning, command=command, machine=describe_machine()))
    if output is not None:
        write_report(output, format_settings(tuning))
    if as_json:
        print_json(tuning_json(tuning))
    else:
        print_tuning(tuning)
