"""Trains the head of `minilm-layout`; the model below it stays as it is.

A head has 74,000 weights and the model's output for a page does not change, so each page goes
through the model once, and a step takes a moment on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.minilm_head import HIDDEN_DIM, TokenHead, save_head, whole_head
from retrieval.encoders.minilm_layout import MinilmLayoutEncoder, normalise
from retrieval.encoders.stream import Encoding
from retrieval.training.losses import make_late_interaction_loss
from retrieval.training.options import TrainingOptions
from retrieval.training.records import OnStep, PageKey, Pair, ReadPage
from retrieval.training.token_vectors import TokenVectors

# About as far as Adam moves a weight in a step: a 250th of what those of the basis are on average.
LEARNING_RATE = 2e-4

# Pages whose similarities to all questions are held at once.
PAGES_AT_ONCE = 32


class HeadLearner:
    """A `Learner` that begins with a head and trains its weights.

    Args:
        head: what it begins with.
        questions: every text that will be asked for.
        pages: every page that will be asked for.
        read_page: gives a page its words.
        options: how it is trained.
        scratch: a folder for the token vectors, 200 kB a page.
        on_page: called with the pages encoded, and how many there are.
    """

    def __init__(
        self,
        head: TokenHead,
        questions: Sequence[str],
        pages: Sequence[PageKey],
        read_page: ReadPage,
        options: TrainingOptions,
        scratch: Path,
        on_page: OnStep,
    ) -> None:
        import torch

        encoder = MinilmLayoutEncoder(whole_head())
        self._questions: TokenVectors[str] = TokenVectors(
            scratch / "questions.float16",
            ((text, encoder.encode_query(text).vectors) for text in dict.fromkeys(questions)),
            HIDDEN_DIM,
        )
        self._pages: TokenVectors[PageKey] = TokenVectors(
            scratch / "pages.float16",
            _encode(encoder, pages, read_page, on_page),
            HIDDEN_DIM,
        )
        self._weights = torch.nn.Parameter(torch.from_numpy(head.weights.copy()))
        self._compute_loss = make_late_interaction_loss(
            options.temperature, options.matryoshka_dims
        )

    @property
    def learning_rate(self) -> float:
        """That of a linear map on frozen vectors."""
        return LEARNING_RATE

    @property
    def parameters(self) -> Sequence[Any]:
        """The head, `[384, dim]`."""
        return [self._weights]

    def compute_loss(self, batch: Sequence[Pair]) -> Any:
        """See `Learner.compute_loss`."""
        pages = [pair.positive for pair in batch]
        pages += [page for pair in batch for page in pair.negatives]
        return self._compute_loss(
            self._project([self._questions[pair.question.text] for pair in batch]),
            self._project([self._pages[page] for page in pages]),
        )

    def score(self, questions: Sequence[str], pages: Sequence[PageKey]) -> NDArray[np.float32]:
        """MaxSim of each page with each question, float32 `[n_questions, n_pages]`."""
        weights = self._weights.detach().numpy()
        asked = [self._questions[text] @ weights for text in questions]
        scores = np.zeros((len(questions), len(pages)), dtype=np.float32)
        has_vectors = [i for i, vectors in enumerate(asked) if len(vectors)]
        if not has_vectors:
            return scores
        vectors = normalise(np.concatenate([asked[i] for i in has_vectors]))
        starts = _find_starts([len(asked[i]) for i in has_vectors])
        not_empty = [i for i, page in enumerate(pages) if len(self._pages[page])]
        for first in range(0, len(not_empty), PAGES_AT_ONCE):
            places = not_empty[first : first + PAGES_AT_ONCE]
            tokens = [self._pages[pages[i]] for i in places]
            projected = normalise(np.concatenate(tokens) @ weights)
            similarities = vectors @ projected.T
            best = np.maximum.reduceat(similarities, _find_starts(list(map(len, tokens))), axis=1)
            scores[np.ix_(has_vectors, places)] = np.add.reduceat(best, starts, axis=0)
        return scores

    def save(self, folder: Path) -> None:
        """Writes the head as `retrieval.encoders.minilm_head.load_head` reads it."""
        save_head(self._weights.detach().numpy(), folder)

    def _project(self, texts: Sequence[NDArray[np.float32]]) -> Any:
        """Unit vectors `[n_texts, longest, dim]`, zero behind the end of each."""
        import torch

        padded = np.zeros((len(texts), max(1, *map(len, texts)), HIDDEN_DIM), dtype=np.float32)
        for row, vectors in zip(padded, texts, strict=True):
            row[: len(vectors)] = vectors
        projected = torch.from_numpy(padded) @ self._weights
        return torch.nn.functional.normalize(projected, dim=-1)


def _encode(
    encoder: MinilmLayoutEncoder, pages: Sequence[PageKey], read_page: ReadPage, on_page: OnStep
) -> Iterator[tuple[PageKey, NDArray[np.float16]]]:
    with Encoding(encoder) as encoding:
        stream = encoding.stream((key, read_page(key)) for key in pages)
        for done, (key, embedding) in enumerate(stream, 1):
            assert embedding is not None, "every page is encoded"
            yield key, embedding.vectors
            on_page(done, len(pages))


def _find_starts(lengths: Sequence[int]) -> NDArray[np.intp]:
    """Where each run begins in all of them joined."""
    return np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.intp)
