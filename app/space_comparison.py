"""Two spaces of a library, asked the same questions: does one find the right pages as well?"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from statistics import fmean

from app.doctor import quote_middle
from app.migration_record import Comparison
from ingest.documents import Documents
from ingest.progress import OnProgress, Progress
from ingest.spaces import Space
from retrieval import questions
from retrieval.bootstrap import estimate_difference
from retrieval.evaluation import DEPTH, JudgedQuestions, PageName, Question, measure_questions
from retrieval.records import Hit

MEASURE = "ndcg@10"

# Where the library has no questions of its own, so many pages are asked for.
SAMPLED_PAGES = 50

# All of fewer questions may point one way by chance alone, oftener than once in 20 times: 2 / 2^5
# is above 0.05, 2 / 2^6 below (sign test).
TELLING_QUESTIONS = 6

# All that a difference of two means of nDCG can be.
ANYTHING = (-1.0, 1.0)

# Asks a space a question; at most so many hits, best first.
Ask = Callable[[Space, str, int], Sequence[Hit]]


def judge_by_ids(asked: Sequence[questions.Question]) -> JudgedQuestions:
    """Questions of a library as an evaluation set has them; pages bear ids, as names may repeat."""
    return JudgedQuestions(
        tuple(Question(each.question_id, each.text) for each in asked),
        {
            each.question_id: {
                (page.document_id, page.page_number): page.relevance for page in each.relevant_pages
            }
            for each in asked
        },
    )


def sample_questions(documents: Documents, space: Space) -> JudgedQuestions:
    """Words of pages of a library, each as a question for its own page.

    They are few and easy: a new encoder that fails them is broken; one that passes them may still
    answer people's questions worse.
    """
    pages = sorted(documents.list_indexed_pages() & space.index.list_pages())
    # Seeded, so that two runs on one library compare.
    sampled = random.Random(len(pages)).sample(pages, min(len(pages), SAMPLED_PAGES))
    asked, qrels = [], {}
    for (document_id, page_index), words in zip(
        sampled, space.index.fetch_texts(sampled), strict=True
    ):
        if words:
            question = Question(f"{document_id}/{page_index}", quote_middle(words))
            asked.append(question)
            qrels[question.id] = {(document_id, page_index + 1): 1}
    return JudgedQuestions(tuple(asked), qrels)


def compare_spaces(
    before: Space,
    after: Space,
    judged: JudgedQuestions,
    ask: Ask,
    on_progress: OnProgress,
    *,
    is_sampled: bool,
) -> Comparison:
    """Asks both spaces all questions, and measures what they find.

    Args:
        before: the space that is searched.
        after: the space that may be.
        judged: what they are asked.
        ask: searches as people do.
        on_progress: called as questions are asked; what it raises ends it.
        is_sampled: whether the questions are words of the pages themselves.
    """
    runs: tuple[dict[str, list[tuple[PageName, float]]], ...] = ({}, {})
    for done, question in enumerate(judged.questions, 1):
        for space, run in zip((before, after), runs, strict=True):
            hits = ask(space, question.text, DEPTH)
            run[question.id] = [((hit.document_id, hit.page_number), hit.score) for hit in hits]
        on_progress(Progress("comparing", done, len(judged.questions), ""))
    ids = [question.id for question in judged.questions]
    scores = []
    for run in runs:
        measured = measure_questions(judged.qrels, run, ids)
        scores.append([measured[question_id][MEASURE] for question_id in ids])
    low, high = bound_difference(*scores)
    before_mean, after_mean = (fmean(each) if each else 0.0 for each in scores)
    return Comparison(len(ids), is_sampled, before_mean, after_mean, low, high)


def bound_difference(before: Sequence[float], after: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of how much higher a mean is afterwards; few questions leave it open."""
    if len(before) < TELLING_QUESTIONS:
        return ANYTHING
    difference = estimate_difference(after, before)
    return difference.low, difference.high
