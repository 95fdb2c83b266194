"""Trains dense text encoders: every weight of a sentence-transformers checkpoint.

With the library's loss and its own way to make tokens of texts and prompts. The loop is the one
that all models here are trained by: the library's trainer would bring `datasets` and its Arrow
tables along for a few thousand questions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.devices import Placement, map_out_of_memory
from retrieval.encoders.hub import Checkpoint
from retrieval.passages import choose_passages, cut_passages
from retrieval.text_encoders.base import TextEncoderSpec, TextFamily
from retrieval.text_encoders.sentence_model import SentenceModel
from retrieval.training.losses import make_dense_loss
from retrieval.training.options import TrainingOptions
from retrieval.training.records import PageKey, Pair, ReadPage

# As sentence-transformers' own recipes for retrieval.
LEARNING_RATE = 2e-5

# Passages in one forward pass that is only measured.
PASSAGES_AT_ONCE = 32

# Where `config.json` says which prefixes a checkpoint was trained for.
MATRYOSHKA = "matryoshka_dimensions"


class DenseLearner:
    """A `Learner` of a dense text encoder.

    Args:
        checkpoint: in sentence-transformers' format.
        spec: its entry in the catalog; None for one that is not there.
        placement: where it runs; in float32, as steps are smaller than bfloat16 can tell.
        read_page: gives a page its words.
        options: how it is trained.

    Raises:
        WeightsRefused: it cannot be opened, or lacks a weight.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        spec: TextEncoderSpec | None,
        placement: Placement,
        read_page: ReadPage,
        options: TrainingOptions,
    ) -> None:
        encoder = SentenceModel(checkpoint, TextFamily.SENTENCE_TRANSFORMER, spec, placement)
        self._spec = encoder.spec
        self._model = encoder.model
        self._read_page = read_page
        self._matryoshka_dims = options.matryoshka_dims
        self._compute_loss = make_dense_loss(
            self._model, options.temperature, options.matryoshka_dims
        )

    @property
    def learning_rate(self) -> float:
        """That of a whole transformer."""
        return LEARNING_RATE

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._spec.dim

    @property
    def parameters(self) -> Sequence[Any]:
        """All weights, float32."""
        return list(self._model.parameters())

    def compute_loss(self, batch: Sequence[Pair]) -> Any:
        """See `Learner.compute_loss`; of each page the passage that says most of the question.

        Raises:
            DeviceOutOfMemory: the batch does not fit.
        """
        self._model.train()
        positives = [self._choose_passage(pair.question.text, pair.positive) for pair in batch]
        negatives = [
            self._choose_passage(pair.question.text, page)
            for pair in batch
            for page in pair.negatives
        ]
        questions = [pair.question.text for pair in batch]
        try:
            return self._compute_loss(
                self._embed(questions, self._spec.query_prompt),
                self._embed(positives + negatives, self._spec.document_prompt),
            )
        except (RuntimeError, MemoryError) as error:
            mapped = map_out_of_memory(error)
            if mapped is None:
                raise
            raise mapped from error

    def score(self, questions: Sequence[str], pages: Sequence[PageKey]) -> NDArray[np.float32]:
        """The cosine of each question and the page's best passage: `[n_questions, n_pages]`."""
        self._model.eval()
        passages = [self._cut_page(page) for page in pages]
        asked = self._encode(questions, self._spec.query_prompt)
        found = self._encode(
            [text for texts in passages for text in texts], self._spec.document_prompt
        )
        starts = np.cumsum([0, *map(len, passages)])[:-1]
        scores: NDArray[np.float32] = np.maximum.reduceat(asked @ found.T, starts, axis=1)
        return scores

    def save(self, folder: Path) -> None:
        """Writes the checkpoint as sentence-transformers does, and which prefixes were trained."""
        self._model.save_pretrained(str(folder), create_model_card=False)
        # Prefixes that the base was trained for, and this training passed over, are gone.
        path = folder / "config.json"
        config = json.loads(path.read_text(encoding="utf-8"))
        config[MATRYOSHKA] = [*self._matryoshka_dims, self.dim]
        path.write_text(json.dumps(config, indent=1), encoding="utf-8")

    def _embed(self, texts: Sequence[str], prompt: str) -> Any:
        """With gradients: `[n_texts, dim]`."""
        # As `SentenceModel` hands them over.
        before, _, after = prompt.partition("{}")
        features = self._model.preprocess([f"{text}{after}" for text in texts], prompt=before)
        features = {
            name: value.to(self._model.device) if hasattr(value, "to") else value
            for name, value in features.items()
        }
        return self._model(features)["sentence_embedding"]

    def _encode(self, texts: Sequence[str], prompt: str) -> NDArray[np.float32]:
        """Without: float32 `[n_texts, dim]`, unit rows."""
        before, _, after = prompt.partition("{}")
        return np.asarray(
            self._model.encode(
                [f"{text}{after}" for text in texts],
                prompt=before,
                batch_size=PASSAGES_AT_ONCE,
                normalize_embeddings=True,
                show_progress_bar=False,
            ),
            dtype=np.float32,
        )

    def _cut_page(self, page: PageKey) -> list[str]:
        """Its passages; an empty one for a page without words."""
        words = [word.text for word in self._read_page(page).words]
        return [" ".join(words[first:end]) for first, end in cut_passages(len(words))] or [""]

    def _choose_passage(self, question: str, page: PageKey) -> str:
        words = [word.text for word in self._read_page(page).words]
        return choose_passages(question, [words])[0]
