"""Cuts a text into passages that a model's context holds, prompt included, between words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from retrieval.errors import WeightsRefused

WORD = re.compile(r"\S+")

# The part of a passage that the next one repeats, so that a sentence cut in two stands whole in one
# of them.
OVERLAP = 1 / 8


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, or a part of one that is longer than a passage.

    Attributes:
        begin: its first character's place in the text.
        end: the place behind its last character.
        n_tokens: as the tokenizer cuts the whole text.
    """

    begin: int
    end: int
    n_tokens: int


class PassageCutter:
    """Cuts texts for one model and one prompt; safe to use from several threads.

    Args:
        name: of the model, for errors.
        tokenizer: a `tokenizers.Tokenizer` of its own, without padding or truncation.
        prompt: what is put around a passage, `{}` standing for it.
        context_tokens: what passage, prompt and special tokens may take together.
        passage_tokens: what the passage alone may take.

    Raises:
        WeightsRefused: the prompt leaves no room in the context.
    """

    def __init__(
        self, name: str, tokenizer: Any, prompt: str, context_tokens: int, passage_tokens: int
    ) -> None:
        self._tokenizer = tokenizer
        self._before, _, self._after = prompt.partition("{}")
        frame = self.count_tokens("")
        self._passage_tokens = min(passage_tokens, context_tokens - frame)
        self._limit = frame + self._passage_tokens
        if self._passage_tokens < 1:
            raise WeightsRefused(
                f"{name} reads {context_tokens} tokens, and its prompt alone has {frame}"
            )

    @property
    def label(self) -> str:
        """What of it changes a vector: the length of passages."""
        return f"passages-{self._passage_tokens}"

    def count_tokens(self, passage: str) -> int:
        """How many tokens the model gets for a passage, prompt and special tokens included."""
        return len(self._tokenizer.encode(f"{self._before}{passage}{self._after}").ids)

    def cut(self, text: str) -> list[str]:
        """The passages of a text, in order; none for a text of spaces."""
        pieces = list(self._split(text))
        passages = []
        first = 0
        while first < len(pieces):
            end = self._fill(text, pieces, first)
            passages.append(text[pieces[first].begin : pieces[end - 1].end])
            if end == len(pieces):
                break
            first = max(first + 1, self._step_back(pieces, end))
        return passages

    def _split(self, text: str) -> Iterator[Piece]:
        """The words of a text; one that is longer than half a passage in parts."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        ends = [end for _, end in encoding.offsets]
        longest = max(1, self._passage_tokens // 2)
        token = 0
        for word in WORD.finditer(text):
            begin, first = word.start(), token
            while token < len(ends) and ends[token] <= word.end():
                token += 1
            for last in range(first + longest, token, longest):
                # Several tokens may be bytes of one character.
                if ends[last - 1] > begin:
                    yield Piece(begin, ends[last - 1], last - first)
                    begin, first = ends[last - 1], last
            if begin < word.end():
                yield Piece(begin, word.end(), token - first)

    def _fill(self, text: str, pieces: list[Piece], first: int) -> int:
        """The end of the passage that begins with a piece: as many as fit, at least one."""
        n_tokens = pieces[first].n_tokens
        end = first + 1
        while end < len(pieces) and n_tokens + pieces[end].n_tokens <= self._passage_tokens:
            n_tokens += pieces[end].n_tokens
            end += 1
        # Cut out of its text, and behind a prompt, a passage may be other tokens than within it.
        while end > first + 1 and self._is_too_long(text, pieces[first], pieces[end - 1]):
            end -= 1
        return end

    def _is_too_long(self, text: str, first: Piece, last: Piece) -> bool:
        return self.count_tokens(text[first.begin : last.end]) > self._limit

    def _step_back(self, pieces: list[Piece], end: int) -> int:
        """Where the next passage begins: a few words before the end of this one."""
        room = int(self._passage_tokens * OVERLAP)
        while end > 0 and pieces[end - 1].n_tokens <= room:
            end -= 1
            room -= pieces[end].n_tokens
        return end
