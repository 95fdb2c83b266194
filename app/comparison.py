"""What a comparison comes to: the ways to search, measured, with what chance may do to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.compare_cache import IndexFacts, ModelFacts
from app.question_run import Ranking
from app.variants import Variant
from retrieval.bootstrap import Estimate, estimate_difference, estimate_mean
from retrieval.errors import InvalidEvaluationSet
from retrieval.evaluation import EvaluationSet, PageName, Question, measure_questions

# What variants are compared by, and what is told beside it.
CRITERION = "ndcg@10"
TOLD = (CRITERION, "ndcg@5", "recall@10")

# From one alone no interval can be had.
FEWEST_QUESTIONS = 2

RUNS_HERE = "runs here"
NO_MODEL = "no model"


@dataclass(frozen=True, slots=True)
class VariantRun:
    """The answers of one variant to all questions.

    Attributes:
        rankings: question id -> what was found.
        n_kept: how many of them an earlier comparison had asked for.
        n_trained_on: how many of them one of its models was trained on.
        models: those that took part.
        library: the folder of the library that was asked.
    """

    variant: Variant
    name: str
    rankings: Mapping[str, Ranking]
    n_kept: int
    n_trained_on: int
    index: IndexFacts
    models: tuple[ModelFacts, ...]
    library: Path


@dataclass(frozen=True, slots=True)
class FailedVariant:
    """A variant that could not be measured, and why, in one line."""

    name: str
    error: str


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """How well a variant answered a question.

    Attributes:
        score: its nDCG@10.
        best: the page that came first; None if none was found.
        rank: of the best-placed relevant page, from 1; None if it is not among the first ten.
    """

    question: Question
    score: float
    best: PageName | None
    rank: int | None


@dataclass(frozen=True, slots=True)
class MeasuredVariant:
    """One variant, measured.

    Attributes:
        metrics: `TOLD`, each with its interval.
        difference: by how much its nDCG@10 is above that of the first; None for the first.
        questions: in the order of the set.
        ms_per_query: mean time of a search with its evidence.
    """

    run: VariantRun
    metrics: Mapping[str, Estimate]
    difference: Estimate | None
    questions: tuple[QuestionResult, ...]
    ms_per_query: float

    @property
    def name(self) -> str:
        """What it is called."""
        return self.run.name

    @property
    def cost(self) -> str:
        """What its models cost, for people."""
        priced = [
            f"${model.usd_per_million_tokens:g} a million tokens ({model.id})"
            for model in self.run.models
            if model.usd_per_million_tokens is not None
        ]
        return ", ".join(priced) or RUNS_HERE

    @property
    def licence(self) -> str:
        """The licences of its models, for people."""
        told = [
            model.licence + ("" if model.commercial_use else " (no commercial use)")
            for model in self.run.models
        ]
        return "; ".join(dict.fromkeys(told)) or NO_MODEL

    def count_against(self, first: MeasuredVariant) -> tuple[int, int, int]:
        """On how many questions it is better than the first, worse, and as good."""
        signs = [
            (mine.score > its.score) - (mine.score < its.score)
            for mine, its in zip(self.questions, first.questions, strict=True)
        ]
        return signs.count(1), signs.count(-1), signs.count(0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several ways to search, measured by one set of questions.

    Attributes:
        title: what the set is called.
        measured: in the order in which they were asked for; the first is what others are compared
            with.
        spent: what this run has paid to vendors, a line for each library and model.
        documents: file name -> document id, to find pictures of pages by.
        seconds: how long this run took.
    """

    title: str
    evaluation_set: EvaluationSet
    measured: tuple[MeasuredVariant, ...]
    failed: tuple[FailedVariant, ...]
    spent: tuple[str, ...]
    documents: Mapping[str, str]
    made_at: datetime
    seconds: float

    @property
    def n_questions(self) -> int:
        """How many questions were asked."""
        return len(self.evaluation_set.questions)

    @property
    def n_pages(self) -> int:
        """How many pages and photos they were searched in."""
        return max((it.run.index.n_pages for it in self.measured), default=0)

    def describe_difference(self, measured: MeasuredVariant) -> str:
        """What the questions say of a variant beside the first, in a sentence."""
        first, difference = self.measured[0].name, measured.difference
        if difference is None:
            told = "what the others are compared with"
        elif not difference.differs_from_zero:
            told = f"no difference from {first} that these {self.n_questions} questions can show"
        else:
            told = f"{'better' if difference.mean > 0 else 'worse'} than {first}"
        if measured.run.n_trained_on:
            told += (
                f", but it was trained on {measured.run.n_trained_on:,} of these "
                f"{self.n_questions:,} questions, and knows their answers"
            )
        return told


def check_questions(evaluation_set: EvaluationSet) -> None:
    """Refuses a set from which no interval can be had.

    Raises:
        InvalidEvaluationSet: there is only one question.
    """
    if len(evaluation_set.questions) < FEWEST_QUESTIONS:
        raise InvalidEvaluationSet("a comparison takes two questions or more, and there is one")


def measure_variants(
    evaluation_set: EvaluationSet, runs: tuple[VariantRun, ...], names: Mapping[str, str]
) -> tuple[MeasuredVariant, ...]:
    """Measures each variant by all questions, and against the first.

    Args:
        evaluation_set: the questions, and which pages are relevant.
        runs: what was found.
        names: document id -> file name.
    """
    measured: list[MeasuredVariant] = []
    for run in runs:
        found = {id_: ranking.name_pages(names) for id_, ranking in run.rankings.items()}
        scores = measure_questions(
            evaluation_set.qrels, found, [question.id for question in evaluation_set.questions]
        )
        results = tuple(
            _describe_result(
                question,
                scores[question.id][CRITERION],
                [page for page, _ in found[question.id]],
                evaluation_set.qrels[question.id],
            )
            for question in evaluation_set.questions
        )
        baseline = [it.score for it in measured[0].questions] if measured else None
        seconds = [ranking.seconds for ranking in run.rankings.values()]
        measured.append(
            MeasuredVariant(
                run=run,
                metrics={
                    key: estimate_mean([values[key] for values in scores.values()]) for key in TOLD
                },
                difference=(
                    None
                    if baseline is None
                    else estimate_difference([it.score for it in results], baseline)
                ),
                questions=results,
                ms_per_query=1000 * sum(seconds) / len(seconds),
            )
        )
    return tuple(measured)


def _describe_result(
    question: Question,
    score: float,
    pages: list[PageName],
    relevant: Mapping[PageName, int],
) -> QuestionResult:
    rank = next((rank for rank, page in enumerate(pages, 1) if page in relevant), None)
    return QuestionResult(question, score, pages[0] if pages else None, rank)
