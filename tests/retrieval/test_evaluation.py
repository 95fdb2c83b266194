"""Evaluation: measures that can be computed by hand, and sets that cannot be read."""

import json
from math import log2

import pytest

from retrieval.errors import InvalidEvaluationSet
from retrieval.evaluation import load_evaluation_set, load_questions, measure_run

A, B, C, D = (("report.pdf", n) for n in range(1, 5))
HEADER = "query-id\tfile\tpage\trelevance\n"


def measure(qrels, ranked):
    """Measures rankings; the scores fall from the first to the last."""
    run = {q: [(page, 10.0 - i) for i, page in enumerate(pages)] for q, pages in ranked.items()}
    return measure_run(qrels, run, list(qrels))


def other_pages(n):
    return [("other.pdf", i) for i in range(1, n + 1)]


def test_a_perfect_answer_scores_one():
    measured = measure({"q": {A: 1}}, {"q": [A, B, C]})
    assert set(measured) == {"ndcg@5", "ndcg@10", "recall@1", "recall@5", "recall@10", "mrr@10"}
    assert all(value == pytest.approx(1.0) for value in measured.values())


def test_graded_relevance_counts_as_trec_eval_counts_it():
    # Ranked: relevance 1, 0, 2. Gain is the relevance, discounted by log2(rank + 1).
    measured = measure({"q": {A: 2, B: 1}}, {"q": [B, C, A]})
    found = 1 / log2(2) + 2 / log2(4)
    ideal = 2 / log2(2) + 1 / log2(3)
    assert measured["ndcg@5"] == pytest.approx(found / ideal)
    assert measured["ndcg@10"] == pytest.approx(found / ideal)
    assert measured["recall@1"] == pytest.approx(1 / 2)
    assert measured["recall@5"] == pytest.approx(1.0)
    assert measured["mrr@10"] == pytest.approx(1.0)


def test_measures_are_averages_over_questions():
    qrels = {"first": {A: 1}, "second": {B: 1}}
    measured = measure(qrels, {"first": [A], "second": [C, B]})
    assert measured["ndcg@5"] == pytest.approx((1 + 1 / log2(3)) / 2)
    assert measured["recall@1"] == pytest.approx(0.5)
    assert measured["mrr@10"] == pytest.approx((1 + 1 / 2) / 2)


def test_what_stands_below_a_measures_depth_is_not_counted():
    measured = measure({"q": {A: 1}}, {"q": [*other_pages(6), A]})
    assert measured["ndcg@5"] == 0.0
    assert measured["ndcg@10"] == pytest.approx(1 / log2(8))
    assert measured["recall@5"] == 0.0
    assert measured["recall@10"] == 1.0
    assert measured["mrr@10"] == pytest.approx(1 / 7)
    measured = measure({"q": {A: 1}}, {"q": [*other_pages(10), A]})
    assert set(measured.values()) == {0.0}


def test_recall_is_over_all_relevant_pages():
    measured = measure({"q": {A: 1, B: 1, C: 1, D: 1}}, {"q": [A, *other_pages(3), B]})
    assert measured["recall@1"] == pytest.approx(1 / 4)
    assert measured["recall@5"] == pytest.approx(2 / 4)


def test_a_question_that_found_nothing_counts_as_zero():
    measured = measure({"found": {A: 1}, "lost": {B: 1}}, {"found": [A], "lost": []})
    assert measured["ndcg@5"] == pytest.approx(0.5)
    assert measured["recall@10"] == pytest.approx(0.5)


def test_ties_keep_the_order_they_were_shown_in():
    run = {"q": [(D, 1.0), (A, 1.0), (B, 1.0)]}
    assert measure_run({"q": {D: 1}}, run, ["q"])["mrr@10"] == pytest.approx(1.0)
    assert measure_run({"q": {B: 1}}, run, ["q"])["mrr@10"] == pytest.approx(1 / 3)


def test_pages_of_one_file_are_told_apart():
    measured = measure({"q": {("report.pdf", 1): 1}}, {"q": [("report.pdf", 11)]})
    assert measured["recall@10"] == 0.0


@pytest.fixture
def folder(tmp_path):
    """An evaluation folder that can be read."""
    (tmp_path / "corpus").mkdir()
    (tmp_path / "queries.jsonl").write_text(
        '{"id": "q1", "text": "Where is the quay?"}\n'
        "\n"
        '{"id": 2, "text": "Wie spät?", "note": "ignored"}\n'
        '{"id": "unjudged", "text": "?"}\n',
        encoding="utf-8",
    )
    (tmp_path / "qrels.tsv").write_text(
        HEADER + "q1\ta report.pdf\t3\t2\nq1\tmap.png\t1\t1\nq1\tmap.png\t2\t0\n2\té.pdf\t1\t1\n\n",
        encoding="utf-8",
    )
    return tmp_path


def test_reads_an_evaluation_folder(folder):
    found = load_evaluation_set(folder)
    assert found.corpus == folder / "corpus"
    assert [(q.id, q.text) for q in found.questions] == [
        ("q1", "Where is the quay?"),
        ("2", "Wie spät?"),
    ]
    assert found.qrels == {
        "q1": {("a report.pdf", 3): 2, ("map.png", 1): 1},
        "2": {("é.pdf", 1): 1},
    }


def test_reads_files_written_on_windows(folder):
    for name in ("queries.jsonl", "qrels.tsv"):
        path = folder / name
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_evaluation_set(folder).qrels["q1"] == {("a report.pdf", 3): 2, ("map.png", 1): 1}


def test_a_question_may_hold_any_character_json_allows(tmp_path):
    path = tmp_path / "queries.jsonl"
    text = "a line\u2028separator and a next line\u0085 character"
    path.write_text(json.dumps({"id": "q", "text": text}, ensure_ascii=False), encoding="utf-8")
    assert [question.text for question in load_questions(path)] == [text]


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("q1\treport.pdf\t1", 3),
        ("q1\treport.pdf\t1\t1\textra", 3),
        ("q1\treport.pdf\tone\t1", 3),
        ("q1\treport.pdf\t1\trelevant", 3),
        ("q1 report.pdf 1 1", 3),
    ],
)
def test_a_broken_judgement_is_named_by_file_and_line(folder, line, number):
    (folder / "qrels.tsv").write_text(f"{HEADER}q1\treport.pdf\t1\t1\n{line}\n")
    with pytest.raises(InvalidEvaluationSet, match=rf"qrels\.tsv:{number}:"):
        load_evaluation_set(folder)


@pytest.mark.parametrize(
    "line", ["not json", '{"id": "q"}', '{"text": "no id"}', '["id", "text"]', "17", "{"]
)
def test_a_broken_question_is_named_by_file_and_line(folder, line):
    (folder / "queries.jsonl").write_text(f'{{"id": "q1", "text": "quay"}}\n{line}\n')
    with pytest.raises(InvalidEvaluationSet, match=r"queries\.jsonl:2:"):
        load_evaluation_set(folder)


@pytest.mark.parametrize("name", ["queries.jsonl", "qrels.tsv"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(InvalidEvaluationSet, match=name):
        load_evaluation_set(folder)


@pytest.mark.parametrize("name", ["queries.jsonl", "qrels.tsv"])
def test_a_file_that_is_not_utf8_is_named(folder, name):
    (folder / name).write_bytes(b"caf\xe9")
    with pytest.raises(InvalidEvaluationSet, match=name):
        load_evaluation_set(folder)


def test_a_missing_corpus_is_named(folder):
    (folder / "corpus").rmdir()
    with pytest.raises(InvalidEvaluationSet, match="corpus is not a folder"):
        load_evaluation_set(folder)


def test_a_set_without_a_relevant_page_cannot_be_measured(folder):
    (folder / "qrels.tsv").write_text(HEADER + "q1\tmap.png\t1\t0\n")
    with pytest.raises(InvalidEvaluationSet, match="no question has a relevant page"):
        load_evaluation_set(folder)
