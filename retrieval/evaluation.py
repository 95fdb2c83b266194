"""Evaluation sets in a BEIR-like folder, and retrieval measures as trec_eval computes them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from retrieval.errors import InvalidEvaluationSet, InvalidQuestions

# A page, as a person names it: (file, 1-based page number).
PageName = tuple[str, int]

MEASURES = {
    "ndcg@5": "nDCG@5",
    "ndcg@10": "nDCG@10",
    "recall@1": "R@1",
    "recall@5": "R@5",
    "recall@10": "R@10",
    "mrr@10": "RR@10",
}

DEPTH = 10


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its id."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class JudgedQuestions:
    """Questions, and the graded relevance of pages to them.

    Attributes:
        qrels: question id -> page -> relevance, above 0.
    """

    questions: tuple[Question, ...]
    qrels: Mapping[str, Mapping[PageName, int]]


@dataclass(frozen=True, slots=True)
class EvaluationSet(JudgedQuestions):
    """Questions over a corpus.

    Attributes:
        corpus: the folder of files.
    """

    corpus: Path


def load_questions(path: Path) -> list[Question]:
    """Reads lines of `{"id", "text"}`; other fields are ignored.

    Raises:
        InvalidQuestions: the file is missing, or a line cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidQuestions(f"{path} cannot be read: {error}") from error
    questions = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            questions.append(Question(str(row["id"]), str(row["text"])))
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidQuestions(f'{path}:{number}: not a line {{"id", "text"}}') from error
    return questions


def load_evaluation_set(folder: Path) -> EvaluationSet:
    """Reads an evaluation folder; questions without a relevant page are left out (as in trec_eval).

    Raises:
        InvalidEvaluationSet, InvalidQuestions: something is missing or cannot be read.
    """
    corpus = folder / "corpus"
    if not corpus.is_dir():
        raise InvalidEvaluationSet(f"{corpus} is not a folder")
    questions = load_questions(folder / "queries.jsonl")
    judgements = load_judgements(folder / "qrels.tsv")
    qrels = {
        question_id: relevant
        for question_id, pages in judgements.items()
        if (relevant := {page: relevance for page, relevance in pages.items() if relevance > 0})
    }
    judged = tuple(question for question in questions if question.id in qrels)
    if not judged:
        raise InvalidEvaluationSet(f"{folder}: no question has a relevant page in qrels.tsv")
    return EvaluationSet(judged, qrels, corpus)


def load_judgements(path: Path) -> dict[str, dict[PageName, int]]:
    """Reads lines of `query-id`, file, page, relevance with tabs between, below a header line.

    Returns:
        question id -> page -> relevance, 0 and less included.

    Raises:
        InvalidEvaluationSet: the file is missing, or a line cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidEvaluationSet(f"{path} cannot be read: {error}") from error
    if not lines[0].startswith("query-id\t"):
        raise InvalidEvaluationSet(f"{path}:1: the header line is missing")
    judgements: dict[str, dict[PageName, int]] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        try:
            question_id, file, page, relevance = line.split("\t")
            judgements.setdefault(question_id, {})[file, int(page)] = int(relevance)
        except ValueError as error:
            raise InvalidEvaluationSet(f"{path}:{number}: not four columns") from error
    return judgements


def measure_run(
    qrels: Mapping[str, Mapping[PageName, int]],
    run: Mapping[str, Sequence[tuple[PageName, float]]],
    question_ids: Collection[str],
) -> dict[str, float]:
    """Averages of `MEASURES` over the questions named; see `measure_questions`."""
    measured = measure_questions(qrels, run, question_ids).values()
    return {key: fmean(values[key] for values in measured) for key in MEASURES}


def measure_questions(
    qrels: Mapping[str, Mapping[PageName, int]],
    run: Mapping[str, Sequence[tuple[PageName, float]]],
    question_ids: Collection[str],
) -> dict[str, dict[str, float]]:
    """`MEASURES` of each question named, in their order, by `ir_measures` (pytrec_eval).

    Args:
        qrels: question id -> page -> relevance.
        run: question id -> (page, score), best first.
        question_ids: the questions to measure.
    """
    import ir_measures

    def name(page: PageName) -> str:
        return f"{page[0]}#{page[1]}"

    judged = {q: {name(page): rel for page, rel in qrels[q].items()} for q in question_ids}
    # trec_eval breaks ties by name; ours are broken by rank, so that the order shown is measured.
    ranked = {
        q: {name(page): float(len(run[q]) - rank) for rank, (page, _) in enumerate(run[q])}
        for q in question_ids
    }
    measures = {ir_measures.parse_measure(text): key for key, text in MEASURES.items()}
    measured: dict[str, dict[str, float]] = {question_id: {} for question_id in question_ids}
    for found in ir_measures.iter_calc(list(measures), judged, ranked):
        measured[found.query_id][measures[found.measure]] = float(found.value)
    return measured
