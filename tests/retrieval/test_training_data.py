"""What a model is trained on: which questions, against which pages, in which batches."""

import json
from dataclasses import asdict, replace
from itertools import combinations

import pytest

from retrieval.errors import TooFewQuestions
from retrieval.training.batches import draw_batches
from retrieval.training.card import (
    TrainingCard,
    count_trained_on,
    hash_question,
    read_card,
    write_card,
)
from retrieval.training.mining import mine_example
from retrieval.training.options import TrainingOptions
from retrieval.training.records import Example, TrainingQuestion
from retrieval.training.splitting import split_by_document


def ask(text, *pages):
    return TrainingQuestion(text, text, dict.fromkeys(pages, 1))


def ask_of_documents(n_documents, n_questions):
    return [
        ask(f"question {i} of {name}", (name, i))
        for name in (f"document-{n}" for n in range(n_documents))
        for i in range(n_questions)
    ]


def test_no_document_is_trained_on_and_measured():
    questions = ask_of_documents(20, 5)
    split = split_by_document(questions, 0.15, seed=0)
    assert len(split.held_out) == 15
    assert len(split.training) == 85
    for question in split.training:
        assert not question.documents & split.held_out_documents
    for question in split.held_out:
        assert question.documents <= split.held_out_documents


def test_a_split_is_drawn_by_its_seed_alone():
    questions = ask_of_documents(20, 5)
    again = split_by_document(questions[::-1], 0.15, seed=0)
    assert split_by_document(questions, 0.15, seed=0).held_out_documents == again.held_out_documents
    others = {split_by_document(questions, 0.15, seed).held_out_documents for seed in range(5)}
    assert len(others) > 1


def test_a_question_about_documents_of_both_sides_is_left_out():
    across = [
        ask(f"about {one} and {other}", (f"document-{one}", 0), (f"document-{other}", 0))
        for one, other in combinations(range(4), 2)
    ]
    split = split_by_document([*ask_of_documents(4, 5), *across], 0.4, seed=0)
    left_out = [q for q in across if q not in (*split.training, *split.held_out)]
    assert left_out
    assert left_out == [q for q in across if len(q.documents & split.held_out_documents) == 1]


def test_a_document_with_most_of_the_questions_is_trained_on():
    questions = [*ask_of_documents(1, 50), ask("another", ("small", 0))]
    for seed in range(5):
        split = split_by_document(questions, 0.15, seed)
        assert split.held_out_documents == {"small"}


@pytest.mark.parametrize("questions", [[], ask_of_documents(1, 30)], ids=["none", "one document"])
def test_what_cannot_be_divided_is_said(questions):
    with pytest.raises(TooFewQuestions, match="cannot be divided"):
        split_by_document(questions, 0.15, seed=0)


def test_pages_that_score_nearly_as_much_as_the_right_one_are_no_negatives():
    question = ask("a question", ("right", 0))
    ranking = [
        (("better", 0), 9.0),
        (("right", 0), 8.0),
        (("nearly", 0), 7.9),
        (("hard", 0), 7.6),
        (("easier", 0), 5.0),
        (("held-out", 0), 4.0),
        (("easiest", 0), 3.0),
    ]
    example = mine_example(
        question,
        ranking,
        positive_share=0.95,
        n_negatives=3,
        excluded_documents={"held-out"},
    )
    assert example.negatives == (("hard", 0), ("easier", 0), ("easiest", 0))
    fewer = mine_example(question, ranking, positive_share=0.95, n_negatives=1)
    assert fewer.negatives == (("hard", 0),)


def test_a_question_whose_page_is_not_found_gets_no_negatives():
    ranking = [(("wrong", i), 9.0 - i) for i in range(5)]
    example = mine_example(
        ask("a question", ("right", 0)), ranking, positive_share=0.95, n_negatives=3
    )
    assert example.negatives == ()


def test_no_page_of_a_batch_answers_a_question_of_another():
    # Three questions a page, and each page a negative of the next page's questions.
    examples = [
        Example(ask(f"question {i} of page {page}", ("one", page)), (("one", page + 1),))
        for page in range(12)
        for i in range(3)
    ]
    batches = draw_batches(examples, 4, seed=0)
    drawn = [pair.question.id for batch in batches for pair in batch]
    assert sorted(drawn) == sorted(example.question.id for example in examples)
    for batch in batches:
        assert len(batch) <= 4
        for pair in batch:
            for other in batch:
                if other is not pair:
                    assert not set(other.pages) & set(pair.question.relevant)


def test_batches_are_drawn_by_their_seed_alone():
    examples = [Example(ask(f"question {i}", ("one", i)), ()) for i in range(20)]
    assert draw_batches(examples, 4, seed=3) == draw_batches(examples, 4, seed=3)
    assert draw_batches(examples, 4, seed=3) != draw_batches(examples, 4, seed=4)


def test_a_question_alone_without_a_wrong_page_is_no_batch():
    assert draw_batches([Example(ask("alone", ("one", 0)), ())], 4, seed=0) == []
    batches = draw_batches([Example(ask("alone", ("one", 0)), (("one", 1),))], 4, seed=0)
    assert [len(batch) for batch in batches] == [1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"temperature": 0.0},
        {"held_out": 1.0},
        {"positive_share": 0.0},
        {"n_negatives": -1},
        {"matryoshka_dims": (128, 64)},
    ],
    ids=str,
)
def test_options_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError):
        replace(TrainingOptions(), **wrong)


CARD = TrainingCard(
    base="minilm-layout",
    base_revision="53aa51172d14",
    licence="Apache-2.0",
    commercial_use=True,
    matryoshka_dims=(64, 128),
    data="manuals",
    data_sha256="0" * 64,
    n_training=100,
    n_held_out=20,
    n_hard_negatives=700,
    ndcg10_before=0.5,
    ndcg10_after=0.6,
    epochs=3,
    best_epoch=2,
    learning_rate=2e-4,
    temperature=0.02,
    seed=0,
    batch_questions=32,
    n_negatives=7,
    held_out=0.15,
    trained_on=(hash_question("What were net sales?"),),
)


def test_a_card_is_read_as_it_was_written(tmp_path):
    write_card(tmp_path, CARD)
    assert read_card(tmp_path) == CARD
    assert json.loads((tmp_path / "training.json").read_text())["base"] == "minilm-layout"


def test_the_questions_that_a_checkpoint_and_its_base_were_trained_on_are_known(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    write_card(first, CARD)
    later = (hash_question("Who is the captain?"),)
    write_card(second, replace(CARD, base=str(first), trained_on=later))
    asked = ["What were  net sales?", "Who is the captain?", "How deep is the bay?"]
    assert count_trained_on(str(first), asked) == 1
    assert count_trained_on(str(second), asked) == 2
    assert count_trained_on("minilm-layout", asked) == 0
    assert "captain" not in (second / "training.json").read_text()


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"matryoshka_dims": 3}'], ids=str)
def test_a_checkpoint_without_a_card_has_none(tmp_path, content):
    if content is not None:
        (tmp_path / "training.json").write_text(content)
    assert read_card(tmp_path) is None


def test_a_card_with_a_field_too_many_is_none(tmp_path):
    (tmp_path / "training.json").write_text(json.dumps(asdict(CARD) | {"colour": "blue"}))
    assert read_card(tmp_path) is None
