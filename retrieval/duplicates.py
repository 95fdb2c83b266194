"""Near-duplicates: pages that say the same, of which a reader wants one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from retrieval.records import Word

# Two readings of one scan differ in a few words; the next month's statement differs in its numbers.
SHARED_WORDS = 0.95


def say_the_same(one: Sequence[Word], other: Sequence[Word]) -> bool:
    """Whether two pages have the same numbers and nearly all other words in common.

    Pages without words are told apart by nothing here, so they never say the same.
    """
    if not one or not other:
        return False
    first, second = (Counter(word.text.casefold() for word in page) for page in (one, other))
    if _numbers(first) != _numbers(second):
        return False
    shared = (first & second).total()
    return shared >= SHARED_WORDS * max(first.total(), second.total())


def _numbers(words: Counter[str]) -> dict[str, int]:
    return {word: n for word, n in words.items() if any(character.isdigit() for character in word)}
