"""`pagelens train`: a model of one's own, from questions whose right pages are known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli_options import (
    JsonOption,
    check_exists,
    check_library,
    make_settings,
    print_json,
)
from retrieval.training.options import TrainingOptions

DEFAULTS = TrainingOptions()


def train(
    output: Annotated[
        Path,
        typer.Option(
            "--output", help="A new folder for the checkpoint: --model or --text-model takes it."
        ),
    ],
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]",
            help="Holds corpus/, queries.jsonl and qrels.tsv; without it the library's own "
            "questions are trained on (`pagelens questions`).",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="What to begin with: an encoder of pages, or a dense encoder of text; a name that "
            "`pagelens models` lists, a hub id, or the folder of a checkpoint.",
        ),
    ] = None,
    epochs: Annotated[
        int, typer.Option(min=1, help="How often each question is trained on, at most.")
    ] = DEFAULTS.epochs,
    batch: Annotated[
        int, typer.Option(min=2, help="Questions in a step; their pages are negatives, too.")
    ] = DEFAULTS.batch_questions,
    negatives: Annotated[
        int, typer.Option(min=0, help="Hard negatives of a question.")
    ] = DEFAULTS.n_negatives,
    temperature: Annotated[
        float, typer.Option(min=0.001, help="Of InfoNCE.")
    ] = DEFAULTS.temperature,
    learning_rate: Annotated[
        float | None,
        typer.Option(min=1e-9, help="At its highest; else what suits the kind of model."),
    ] = None,
    matryoshka: Annotated[
        str | None,
        typer.Option(metavar="DIMS", help="Also train prefixes of the vectors, such as 64,128."),
    ] = None,
    holdout: Annotated[
        float,
        typer.Option(min=0.01, max=0.9, help="Share of questions to measure, by document."),
    ] = DEFAULTS.held_out,
    seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = DEFAULTS.seed,
    library: Annotated[
        Path | None,
        typer.Option(
            "--library",
            help="With a folder: keep the index here; else it is made anew and thrown away.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune a model on questions whose right pages are known.

    Hard negatives are mined from the index; documents are held out and measured (nDCG@10) before
    and after each epoch, and the best one is kept. A training that is cut off goes on when the
    command is given again.
    """
    import tempfile

    from app.progress import show_progress
    from app.training import check_output, train_on_folder, train_on_library
    from app.training_output import print_training, training_json

    if folder is not None:
        check_exists(folder)
    check_output(output)
    options = TrainingOptions(
        epochs=epochs,
        batch_questions=batch,
        n_negatives=negatives,
        temperature=temperature,
        learning_rate=learning_rate,
        matryoshka_dims=read_dims(matryoshka),
        held_out=holdout,
        seed=seed,
    )
    with tempfile.TemporaryDirectory(prefix="pagelens-train-") as scratch:
        settings = make_settings(library if folder is None or library else Path(scratch) / "new")
        if folder is None:
            check_library(settings)
        elif library is None:
            # What is thrown away must not take a database for its own.
            settings = settings.model_copy(update={"database_url": None})
        with show_progress() as on_progress:
            trained = (
                train_on_library(settings, model, output, options, on_progress)
                if folder is None
                else train_on_folder(folder, settings, model, output, options, on_progress)
            )
    if as_json:
        print_json(training_json(trained))
    else:
        print_training(trained)


def read_dims(text: str | None) -> tuple[int, ...]:
    """The numbers of "64,128", ascending.

    Raises:
        typer.BadParameter: it is no such list.
    """
    if text is None:
        return ()
    try:
        dims = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError as error:
        raise typer.BadParameter("numbers between commas are expected: 64,128") from error
    if dims[0] < 1:
        raise typer.BadParameter("dimensions are 1 or more")
    return dims
