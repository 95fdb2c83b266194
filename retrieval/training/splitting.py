"""Which questions are trained on and which are measured: no document has both.

Pages of one document say much the same in much the same words. A question held out while another
about the same document is trained on would measure how well that document was learnt by heart.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.errors import TooFewQuestions
from retrieval.training.records import TrainingQuestion


@dataclass(frozen=True, slots=True)
class Split:
    """Questions to train on and to measure; those that need documents of both are in neither.

    Attributes:
        held_out_documents: no question of `training` has a page of these.
    """

    training: tuple[TrainingQuestion, ...]
    held_out: tuple[TrainingQuestion, ...]
    held_out_documents: frozenset[str]


def split_by_document(questions: Sequence[TrainingQuestion], share: float, seed: int) -> Split:
    """Holds out documents, drawn by chance, until they have about this share of the questions.

    Args:
        questions: all there are.
        share: of the questions that shall be held out.
        seed: the same gives the same split.

    Raises:
        TooFewQuestions: nothing would be left on one of the sides.
    """
    counted = Counter(document for question in questions for document in question.documents)
    documents = sorted(counted)
    random.Random(seed).shuffle(documents)
    wanted = max(1, round(share * len(questions)))
    held_out: set[str] = set()
    n_held_out = 0
    for document in documents:
        # One with half of all questions is passed over where smaller ones can be had.
        if n_held_out + counted[document] <= wanted:
            held_out.add(document)
            n_held_out += counted[document]
    if not held_out:
        held_out.add(min(documents, key=lambda document: counted[document], default=""))
    split = Split(
        tuple(q for q in questions if not q.documents & held_out),
        tuple(q for q in questions if q.documents <= held_out),
        frozenset(held_out),
    )
    if not split.training or not split.held_out:
        n_documents = len(documents)
        raise TooFewQuestions(
            f"{len(questions):,} questions about {n_documents:,} "
            f"{'document' if n_documents == 1 else 'documents'} cannot be divided into some to "
            "train on and some to measure"
        )
    return split
