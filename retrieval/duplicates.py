"""Near-duplicates: pages that say the same, of which a reader wants one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

# Two readings of one scan differ in a few words; the next month's statement differs in its numbers.
SHARED_WORDS = 0.95

DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Wording:
    """How often a page says what: counted once, compared with many.

    Attributes:
        words: every word with its count, upper and lower case as one.
        numbers: those of them that hold a digit.
    """

    words: Counter[str]
    numbers: dict[str, int]


def count_words(texts: Sequence[str]) -> Wording:
    """The wording of a page, given its words."""
    words = Counter(" ".join(texts).casefold().split(" ")) if texts else Counter[str]()
    return Wording(words, {word: n for word, n in words.items() if DIGIT.search(word)})


def say_the_same(one: Wording, other: Wording) -> bool:
    """Whether two pages have the same numbers and nearly all other words in common.

    Pages without words are told apart by nothing here, so they never say the same.
    """
    if not one.words or not other.words or one.numbers != other.numbers:
        return False
    first, second = one.words.total(), other.words.total()
    if min(first, second) < SHARED_WORDS * max(first, second):
        return False
    return (one.words & other.words).total() >= SHARED_WORDS * max(first, second)
