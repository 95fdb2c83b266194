"""Hard negatives: pages that the model ranks high for a question and that do not answer it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from retrieval.training.records import Example, PageKey, TrainingQuestion

# So deep the model's ranking of a question is looked through.
MINING_DEPTH = 100

# Of these, held-out questions find their pages among their first ones.
POOL_DEPTH = 50


def mine_example(
    question: TrainingQuestion,
    ranking: Sequence[tuple[PageKey, float]],
    *,
    positive_share: float,
    n_negatives: int,
    excluded_documents: Collection[str] = (),
) -> Example:
    """Chooses the hardest pages of a ranking that may be taken for wrong ones.

    Of the pages ranked high some answer, too, and nobody has said so. A page that scores more than
    a share of the right page's own score is therefore passed over: "TopK-PercPos", with 95 % the
    best of the filters in NV-Retriever (Moreira et al. 2024, arXiv 2407.15831). A question whose
    right page is not in the ranking gets none: every page ahead of it scores more.

    Args:
        question: with its right pages.
        ranking: (page, score) by the model as it is, best first.
        positive_share: see `TrainingOptions`.
        n_negatives: most that are chosen.
        excluded_documents: whose pages are not to be trained on.
    """
    right = [score for page, score in ranking if page in question.relevant]
    if not right:
        return Example(question, ())
    limit = positive_share * max(right)
    negatives = [
        page
        for page, score in ranking
        if page not in question.relevant and page[0] not in excluded_documents and score <= limit
    ]
    return Example(question, tuple(negatives[:n_negatives]))
