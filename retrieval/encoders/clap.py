"""CLAP checkpoints in Hugging Face format (Wu et al. 2023, arXiv 2211.06687).

Two towers trained with a contrastive loss on recordings and their captions, ten seconds at a time.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.base import SOUND_RATE_HZ, SOUND_WINDOW_S, EncoderSpec
from retrieval.encoders.photo_space import build_query_vector, build_stored_vectors, take_pooled
from retrieval.encoders.query_words import has_word
from retrieval.encoders.strict_keys import refuse_missing_weights
from retrieval.encoders.torchvision_guard import ensure_torchvision_imports
from retrieval.errors import WeightsRefused

if TYPE_CHECKING:
    import torch

# Windows in one forward pass: bounds the memory, and changes no vector.
BATCH_WINDOWS = 8

# As many tokens as captions had in training (LAION-AI/CLAP, laion_clap/hook.py).
TEXT_TOKENS = 77

# The loss trains no probability: the model says of no cosine how likely a match is. An assumption,
# as no published checkpoint was at hand to measure it with.
CLEAR_SCORE = 0.3


class ClapEncoder:
    """Recordings and texts through one CLAP checkpoint.

    Args:
        folder: the checkpoint: config, weights, tokenizer and feature extractor files.
        spec: the catalog entry, or one made from the checkpoint's config.
        revision: the commit of the hub repository, or another name of these very weights.
        device: a torch device such as "cpu" or "cuda".
        dtype: of the weights; it only rounds, so it is not part of the key.

    Raises:
        WeightsRefused: the folder cannot be opened, is another architecture, lacks weights, or
            listens at another rate.
    """

    def __init__(
        self, folder: Path, spec: EncoderSpec, revision: str, device: str, dtype: torch.dtype
    ) -> None:
        import torch

        ensure_torchvision_imports()
        from transformers import AutoTokenizer, ClapFeatureExtractor, ClapModel

        self._torch = torch
        self._spec = spec
        self._revision = revision
        self._device = device
        self._dtype = dtype
        try:
            model, loading = ClapModel.from_pretrained(
                folder, dtype=dtype, local_files_only=True, output_loading_info=True
            )
            self._ears: Any = ClapFeatureExtractor.from_pretrained(folder, local_files_only=True)
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise WeightsRefused(f"{spec.id} does not open from {folder}: {error}") from error
        refuse_missing_weights(spec.id, loading)
        if self._ears.sampling_rate != SOUND_RATE_HZ:
            raise WeightsRefused(
                f"{spec.id} listens at {self._ears.sampling_rate:,} Hz, not {SOUND_RATE_HZ:,}"
            )
        self._model: Any = model.eval().to(device)

    @property
    def spec(self) -> EncoderSpec:
        """The catalog entry, or one made from the checkpoint's config."""
        return self._spec

    @property
    def key(self) -> str:
        """Model, revision, the library that prepares sounds and tokens, and what a window is."""
        library = f"transformers-{version('transformers')}"
        return f"{self._spec.id}@{self._revision[:12]}/{library}/{SOUND_WINDOW_S}s"

    @property
    def clear_score(self) -> float:
        """The cosine from which on a recording is taken to hold what a text says."""
        return CLEAR_SCORE

    def encode_sounds(self, windows: NDArray[np.int16]) -> NDArray[np.float16]:
        """One unit vector a window, `[n_windows, dim]`; see `SoundEncoder.encode_sounds`.

        Raises:
            InvalidEmbedding: the model gave NaN, or vectors of another length than `spec.dim`.
        """
        batches = [
            self._forward(windows[first : first + BATCH_WINDOWS])
            for first in range(0, len(windows), BATCH_WINDOWS)
        ]
        empty = np.empty((0, self._spec.dim), dtype=np.float32)
        features = np.concatenate(batches) if batches else empty
        return build_stored_vectors(features, self._spec.dim)

    def encode_text(self, text: str) -> NDArray[np.float32] | None:
        """The unit query vector `[dim]` of a text, as it was written; None for one without a word.

        The model card's texts are plain captions: there is no prompt.
        """
        if not has_word(text):
            return None
        tokens = self._tokenizer(
            [text], truncation=True, max_length=TEXT_TOKENS, return_tensors="pt"
        ).to(self._device)
        with self._torch.inference_mode():
            output = self._model.get_text_features(
                input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
            )
        return build_query_vector(take_pooled(output, "CLAP")[0], self._spec.dim)

    def _forward(self, windows: NDArray[np.int16]) -> NDArray[np.float32]:
        torch = self._torch
        heard = self._ears(
            list(windows.astype(np.float32) / 32_767),
            sampling_rate=SOUND_RATE_HZ,
            return_tensors="pt",
        )
        # No window is longer than the model listens. The extractor marks one by chance as if it
        # were, if none is: then a vector would depend on the others of its batch.
        is_longer = torch.zeros((len(windows), 1), dtype=torch.bool, device=self._device)
        with torch.inference_mode():
            output = self._model.get_audio_features(
                input_features=heard["input_features"].to(self._device, self._dtype),
                is_longer=is_longer,
            )
        return take_pooled(output, "CLAP")
