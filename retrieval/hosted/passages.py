"""Cuts texts into passages for models whose tokenizer is not at hand.

The vendors' tokenizers are downloads of their own, and some are not published. So a passage is cut
by an upper bound that holds for ordinary text of any of them: half a token for an ASCII letter, and
one for every other character that is not a space. English words take about half of the bound.

A text of `PASSAGE_TOKENS` by this count has at most four times as many bytes, and none of the
tokenizers makes more tokens than bytes. So no passage, however odd, exceeds a context of 2,048
tokens or more; with less context the vendor is asked to cut, which only odd texts come to.
"""

from __future__ import annotations

import re

# With room in the shortest context, of 512 tokens, for what the vendor adds. About 170 English
# words: short enough to be about one thing.
PASSAGE_TOKENS = 480

# What the end of a passage repeats at the beginning of the next: an answer may lie on the border.
OVERLAP_SHARE = 8

ASCII_LETTERS = re.compile(r"[A-Za-z]+")


def bound_tokens(text: str) -> int:
    """How many tokens a text has at most, in any of the vendors' tokenizers; see the module."""
    others = ASCII_LETTERS.sub("", text)
    n_others = len(others) - sum(character.isspace() for character in others)
    return n_others + sum((len(run) + 1) // 2 for run in ASCII_LETTERS.findall(text))


def choose_limit(context_tokens: int) -> int:
    """The length of passages, in bounded tokens, for a context; 0 for one that is not known."""
    return min(PASSAGE_TOKENS, context_tokens or PASSAGE_TOKENS)


def cut_passages(text: str, limit: int) -> list[str]:
    """Overlapping passages that cover a text, cut at spaces.

    Args:
        text: any text; runs of spaces count as one.
        limit: most bounded tokens of a passage. A word that is longer, as in scripts that are
            written without spaces, is cut inside.

    Returns:
        In reading order; none for a text without a visible character.
    """
    words = [part for word in text.split() for part in _cut_word(word, limit)]
    sizes = [bound_tokens(word) for word in words]
    passages = []
    start = 0
    while start < len(words):
        end, taken = start, 0
        while end < len(words) and taken + sizes[end] <= limit:
            taken += sizes[end]
            end += 1
        passages.append(" ".join(words[start:end]))
        if end == len(words):
            break
        room = min(limit // OVERLAP_SHARE, limit - sizes[end])
        start = end
        while sizes[start - 1] <= room:
            start -= 1
            room -= sizes[start]
    return passages


def cut_end(text: str, limit: int) -> str:
    """As much of the beginning of a text as has so many bounded tokens."""
    passages = cut_passages(text, limit)
    return passages[0] if passages else ""


def _cut_word(word: str, limit: int) -> list[str]:
    if bound_tokens(word) <= limit:
        return [word]
    return [word[start : start + limit] for start in range(0, len(word), limit)]
