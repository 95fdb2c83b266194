"""`pagelens train`, as it is given in a terminal: questions in, a checkpoint out."""

import io
import json
from contextlib import redirect_stdout

import pytest
import typer

from app.cli_train import train
from app.library import Library
from app.settings import Settings
from app.training import train_on_folder, train_on_library
from retrieval.encoders.opening import open_encoder
from retrieval.errors import (
    InvalidEvaluationSet,
    NoQuestions,
    NotTrainable,
    TrainingOutputExists,
)
from retrieval.text_encoders.opening import open_text_encoder
from retrieval.training.card import read_card
from retrieval.training.options import TrainingOptions
from tests.documents import write_text_pdf
from tests.training import TOPICS


def ignore(_):
    """Progress that nobody looks at."""


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    """An evaluation set: a document of two pages for each of `TOPICS`."""
    folder = tmp_path_factory.mktemp("questions")
    (folder / "corpus").mkdir()
    lines, qrels = [], ["query-id\tfile\tpage\trelevance"]
    for number, (text, question) in enumerate(TOPICS):
        write_text_pdf(
            folder / "corpus" / f"{number}.pdf",
            f"All there is to say about {text}, in a sentence.",
            f"More of {text}, on the second page of two.",
        )
        lines.append(json.dumps({"id": f"q{number}", "text": question}))
        qrels.append(f"q{number}\t{number}.pdf\t1\t1")
    # The file of one that was removed: the question is left out.
    lines.append(json.dumps({"id": "gone", "text": "What was in the file that is gone?"}))
    qrels.append("gone\tgone.pdf\t1\t1")
    (folder / "queries.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "qrels.tsv").write_text("\n".join(qrels) + "\n")
    return folder


@pytest.fixture(scope="module")
def trained(questions, tmp_path_factory):
    """(what the command printed, its checkpoint)."""
    output = tmp_path_factory.mktemp("trained") / "head"
    printed = io.StringIO()
    # The command as it is called once its line is read.
    with redirect_stdout(printed):
        train(
            output,
            questions,
            model="minilm-layout",
            epochs=2,
            batch=3,
            holdout=0.3,
            matryoshka="64,128",
            as_json=True,
        )
    return json.loads(printed.getvalue().splitlines()[-1]), output


def test_what_was_trained_and_what_was_gained_is_told(trained):
    told, output = trained
    assert told["output"] == str(output)
    assert (told["base"], told["data"][:9]) == ("minilm-layout", "questions")
    assert (told["n_training"], told["n_held_out"], told["left_out"]) == (6, 2, 1)
    assert told["n_hard_negatives"] > 0
    assert len(told["losses"]) == len(told["ndcg10"]) == told["epochs"] <= 2
    assert told["ndcg10"][told["best_epoch"] - 1] == round(told["ndcg10_after"], 4)
    low, high = told["gain_interval"]
    assert low <= told["ndcg10_after"] - told["ndcg10_before"] <= high


def test_the_checkpoint_opens_like_any_other(trained, encoder):
    told, output = trained
    assert {path.name for path in output.iterdir()} == {
        "config.json",
        "model.safetensors",
        "training.json",
    }
    card = read_card(output)
    assert card.ndcg10_after == told["ndcg10_after"]
    opened = open_encoder(str(output))
    assert opened.key != encoder.key
    assert opened.spec.matryoshka_dims == (64, 128)
    assert opened.encode_query("a question").vectors.shape == (2, opened.spec.dim)


def test_a_folder_that_holds_something_is_not_written_into(questions, trained):
    with pytest.raises(TrainingOutputExists, match=f"{trained[1]} exists already"):
        train(trained[1], questions)


def refuse(error, match, folder, model, output, settings):
    with pytest.raises(error, match=match):
        train_on_folder(folder, settings, model, output, TrainingOptions(), ignore)
    assert not output.exists(), "nothing is left of a training that cannot be"


def test_what_cannot_be_trained_is_refused_before_anything_is_made(questions, tmp_path):
    settings, output = Settings(library=tmp_path / "library"), tmp_path / "output"
    refuse(NotTrainable, "no-such-model", questions, "no-such-model", output, settings)
    refuse(InvalidEvaluationSet, "corpus", tmp_path, "minilm-layout", output, settings)
    assert not (tmp_path / "library").exists()
    with pytest.raises(TrainingOutputExists):
        train_on_folder(questions, settings, "minilm-layout", questions, TrainingOptions(), ignore)


def test_a_library_trains_on_its_own_questions(questions, tmp_path):
    settings = Settings(library=tmp_path / "library", model="minilm-layout")
    options = TrainingOptions(epochs=1, batch_questions=4, held_out=0.3)
    with Library(settings) as library:
        library.ingest([questions / "corpus"], ignore)
        with pytest.raises(NoQuestions):
            library.require_judged_questions()
        for number, (_, question) in enumerate(TOPICS):
            library.mark_page(question, f"{number}.pdf", 0)
        # A page that was looked at and does not answer is no right page.
        library.mark_page(TOPICS[0][1], "1.pdf", 0, 0)
    trained = train_on_library(settings, "minilm-dense", tmp_path / "dense", options, ignore)
    assert (trained.card.base, trained.card.licence) == ("minilm-dense", "Apache-2.0")
    assert trained.card.n_training + trained.card.n_held_out == len(TOPICS)
    assert trained.card.n_hard_negatives > 0
    assert trained.n_left_out == 0
    encoder = open_text_encoder(str(tmp_path / "dense"))
    assert encoder.encode_query("a question").dense.shape == (1, 384)


@pytest.mark.parametrize("dims", ["", "64,", "many", "0"])
def test_dimensions_that_are_none_are_refused(dims, questions, tmp_path):
    with pytest.raises(typer.BadParameter):
        train(tmp_path / "output", questions, matryoshka=dims)
