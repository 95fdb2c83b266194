"""Which word of a question each token of the rendered query belongs to.

A visual encoder's query holds more than the question: a prefix, and augmentation tokens behind it.
All of them count in MaxSim, as in training, but only the question's own words may point at a place
on the page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from retrieval.encoders.stop_words import STOP_WORDS

WORD = re.compile(r"\w+(?:['’.,:/-]\w+)*")


def has_word(text: str) -> bool:
    """Whether a text holds a letter or a digit."""
    return any(character.isalnum() for character in text)


def shows_evidence(word: str) -> bool:
    """Whether a match of this word is worth lighting up on a page."""
    return has_word(word) and word.lower() not in STOP_WORDS


def find_words(tokenizer: Any, token_ids: Sequence[int], question: str) -> tuple[str, ...]:
    """The question's word behind each token; "" for tokens of the prompt.

    Args:
        tokenizer: a fast tokenizer, which reports the characters of each token.
        token_ids: the rendered query, without padding.
        question: the text that was asked.
    """
    rendered = tokenizer.decode(token_ids)
    again = tokenizer(rendered, add_special_tokens=False, return_offsets_mapping=True)
    start = rendered.find(question.strip())
    if list(again["input_ids"]) != list(token_ids) or start < 0:
        # The tokenizer changes the text it reads (case, spaces): each token speaks for itself.
        special = set(tokenizer.all_special_ids)
        return tuple("" if i in special else tokenizer.decode([i]).strip() for i in token_ids)
    words = [
        (start + match.start(), start + match.end(), match.group())
        for match in WORD.finditer(question.strip())
    ]
    return tuple(
        next((word for begin, end, word in words if first < end and begin < last), "")
        for first, last in again["offset_mapping"]
    )
