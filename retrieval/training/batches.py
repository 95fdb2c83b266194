"""Batches in which every page that is not a question's own is a true negative to it.

Losses with negatives from the batch take every other page for a wrong one. Two headings of one page
in one batch would teach that the page answers neither.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from retrieval.training.records import Example, PageKey, Pair


def draw_batches(examples: Sequence[Example], batch_questions: int, seed: int) -> list[list[Pair]]:
    """All examples once, in an order drawn by chance.

    Args:
        examples: with their negatives.
        batch_questions: most in a batch.
        seed: the same gives the same batches.

    Returns:
        Batches of two questions or more: alone, one without hard negatives has nothing to learn.
    """
    draw = random.Random(seed)
    waiting = [_draw_pair(example, draw) for example in examples]
    draw.shuffle(waiting)
    batches: list[list[Pair]] = []
    while waiting:
        batch: list[Pair] = []
        put_off: list[Pair] = []
        for place, pair in enumerate(waiting):
            if len(batch) == batch_questions:
                put_off.extend(waiting[place:])
                break
            (batch if _goes_with(pair, batch) else put_off).append(pair)
        batches.append(batch)
        waiting = put_off
    return [batch for batch in batches if len(batch) > 1 or batch[0].negatives]


def _draw_pair(example: Example, draw: random.Random) -> Pair:
    return Pair(example.question, draw.choice(sorted(example.question.relevant)), example.negatives)


def _goes_with(pair: Pair, batch: Iterable[Pair]) -> bool:
    return not any(
        _answers(other.pages, pair) or _answers(pair.pages, other) or _asks_the_same(pair, other)
        for other in batch
    )


def _answers(pages: Iterable[PageKey], pair: Pair) -> bool:
    return any(page in pair.question.relevant for page in pages)


def _asks_the_same(pair: Pair, other: Pair) -> bool:
    return pair.question.text.casefold() == other.question.text.casefold()
